"""What benchmarks share: one deployment of real processes, a user and photos in it, and peers, each started when first asked for."""

from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.clients import Looking
from benchmarks.dynamodb import DynamoDB
from benchmarks.load import Order
from benchmarks.photographs import jpeg, scene
from benchmarks.processes import cpu_seconds
from multiregion.config import REGION_PURPOSE, read_part
from tests.acceptance.deployment import Deployment, deployed, until, upload

COMMENT = "What a light! Was that in the morning or in the evening?"


class Stage:
    """`quick` asks for a look at whether everything works, not for figures to quote."""

    def __init__(self, *, quick: bool) -> None:
        self.quick = quick
        self._stack = ExitStack()

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def seconds(self, usual: float) -> float:
        return min(usual, 1.0) if self.quick else usual

    def times(self, usual: int, quick: int) -> int:
        return quick if self.quick else usual

    @cached_property
    def scratch(self) -> Path:
        return Path(self._stack.enter_context(TemporaryDirectory(prefix="multiregion-bench-")))

    @cached_property
    def deployment(self) -> Deployment:
        return self._stack.enter_context(deployed(self.scratch / "deployment"))

    @cached_property
    def dynamodb(self) -> DynamoDB:
        return self._stack.enter_context(DynamoDB())

    @cached_property
    def user(self) -> dict[str, str]:
        """The headers of somebody who has signed in."""
        return self.deployment.invite("ada")

    def photo(self, comments: int = 0) -> str:
        """A new photo with that many comments."""
        with self.deployment.region("primary", self.user) as http:
            photo_id = str(upload(http, jpeg(scene(0.1))).raise_for_status().json()["photoId"])
            for number in range(comments):
                http.post(f"/comments/{photo_id}", json={"message": f"{COMMENT} {number}"}).raise_for_status()
        return photo_id

    def port(self, role: str) -> int:
        return int(self.deployment.url(role).rpartition(":")[2])

    def commenting(self, photo_id: str, *, role: str = "primary", connections: int = 32, seconds: float, **more: float) -> Order:
        """An order to comment, each comment another one."""
        body = f'{{"message": "{COMMENT} @@@@@@@@@@"}}'
        return Order(self.port(role), "POST", f"/comments/{photo_id}", self.user, connections, seconds, body, **more)  # type: ignore[arg-type]

    def looking(self, role: str, *, through: int | None = None) -> Looking:
        """A look into one region, as the other parts of the deployment have it; `through` another port, such as the wire's."""
        config = read_part(self.deployment.data / "config" / f"{role}.json")
        return Looking(through or config.port, {"Authorization": f"Bearer {config.deployment.bearer(REGION_PURPOSE)}"})

    def wire_port(self, to: str) -> int:
        """Where the wire takes what is meant for `to`."""
        links = read_part(self.deployment.data / "config" / "wire.json").links
        return int(links[to][0])

    def level(self) -> int:
        """Wait until both regions are level, and answer the last change in their logs."""
        with self.looking("primary") as primary, self.looking("secondary") as secondary:
            until(lambda: primary.sequence() == secondary.sequence(), "both regions are level", 120)
            return primary.sequence()

    def cpu_seconds(self, part: str) -> float:
        return cpu_seconds(self.deployment.pid(part))
