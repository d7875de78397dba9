"""The deployed template as the contract suite sees a region: the same calls over HTTP, and a look at what is stored."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends

from multiregion.states import State
from tests.gallery_world import Visitor
from tests.infra.cloud.cloud import Cloud
from tests.infra.cloud.pools import sign_in
from tests.infra.cloud.principals import ACCOUNT

TEMPLATE = Path(__file__).resolve().parents[2] / "deployment" / "multi-region-application-architecture.template"
PRIMARY, SECONDARY = "us-east-1", "ap-northeast-1"
PARAMETERS = {"AdminName": "root", "AdminEmail": "root@example.com", "AdminPhone": "+12345678999", "SecondaryRegion": SECONDARY}
PASSWORD = "Correct-horse-1"
OPERATORS = "operators"


@cache
def template_text() -> str:
    return TEMPLATE.read_text()


def hub_template() -> dict[str, Any]:
    """The committed template, parsed; each caller may change its own."""
    parsed: dict[str, Any] = json.loads(template_text())
    return parsed


@dataclass(frozen=True)
class Deployment:
    """The template, deployed: two regions with users in them. `root` is the administrator, `ada` a user."""

    cloud: Cloud
    outputs: Mapping[str, str]

    def role(self, region: str) -> str:
        return "Primary" if region == PRIMARY else "Secondary"

    def table(self, purpose: str, region: str) -> Any:
        return dynamodb_backends[ACCOUNT][region].tables[self.outputs[f"{purpose}TableName"]]

    def items(self, purpose: str, region: str) -> list[dict[str, Any]]:
        """Every item, as plain as JSON can be."""
        found = [json.loads(json.dumps(item.to_json()["Attributes"])) for item in self.table(purpose, region).all_items()]
        return sorted(found, key=lambda item: json.dumps(item, sort_keys=True))

    def state(self, region: str = PRIMARY) -> dict[str, Any]:
        (item,) = self.items("AppConfigGlobal", region)
        return item

    @property
    def epoch(self) -> int:
        return int(self.state(SECONDARY)["epoch"]["N"])

    def set_state(self, state: str, region: str = PRIMARY, **more: Any) -> Any:
        named = {"AppId": self.outputs["SampleApplicationAppId"], "TableName": self.outputs["AppConfigGlobalTableName"]}
        return self.cloud.invoke(region, self.outputs["AppStateUpdaterLambdaName"], {**named, "NewState": state, **more})

    def just_before(self, operation: str, happens: Callable[[], object]) -> None:
        """The next time that a function is about to call DynamoDB so, something happens first."""
        self.cloud.client("lambda", PRIMARY)  # the operator's own, made while no function runs
        self.cloud.gate.interruptions["dynamodb", operation] = happens

    def keys(self, region: str, prefix: str = "") -> list[str]:
        """Of the photos' bucket."""
        bucket = s3_backends[ACCOUNT]["aws"].buckets[self.outputs[f"{self.role(region)}PhotosBucket"]]
        return sorted(key for key, found in bucket.keys.items() if key.startswith(prefix) and hasattr(found, "value"))

    def pool(self, region: str) -> tuple[str, str]:
        role = self.role(region)
        return self.outputs[f"{role}UserPoolId"], self.outputs[f"{role}UserPoolClientId"]

    def set_password(self, name: str, region: str) -> None:
        client = self.cloud.client("cognito-idp", region)
        client.admin_set_user_password(UserPoolId=self.pool(region)[0], Username=name, Password=PASSWORD, Permanent=True)

    def token(self, name: str, region: str) -> str:
        return sign_in(region, *self.pool(region), name, PASSWORD)["IdToken"]

    def add_users(self) -> None:
        """ada is invited; both have set their passwords, have been carried over, and have set them there, too."""
        client = self.cloud.client("cognito-idp", PRIMARY)
        attributes = [{"Name": "email", "Value": "ada@example.com"}, {"Name": "email_verified", "Value": "true"}]
        client.admin_create_user(UserPoolId=self.pool(PRIMARY)[0], Username="ada", UserAttributes=attributes)
        for name in ("ada", "root"):
            self.set_password(name, PRIMARY)
            self.token(name, PRIMARY)
        for region in (PRIMARY, SECONDARY):
            self.cloud.run_schedules(region)
        for name in ("ada", "root"):
            self.set_password(name, SECONDARY)

    def clear(self) -> None:
        """As it was when it was deployed, but for the epoch."""
        cloud = self.cloud
        for region in list(cloud.gate.lost):
            cloud.restore(region)
        cloud.replication.reset()
        cloud.clock.reset()
        for region in (PRIMARY, SECONDARY):
            self.table("Comments", region).items.clear()
            s3_backends[ACCOUNT]["aws"].buckets[self.outputs[f"{self.role(region)}PhotosBucket"]].keys.clear()
        shown = [self.state(region) for region in (PRIMARY, SECONDARY)]
        if shown[0] != shown[1] or shown[0]["state"]["S"] != "active":
            self.set_state("active", RegionLost=True, AcceptLoss=True)
        cloud.broken.clear()
        cloud.gate.interruptions.clear()


@contextmanager
def deployed(
    template: Mapping[str, Any] | None = None, parameters: Mapping[str, str] = PARAMETERS, users: bool = True
) -> Iterator[Deployment]:
    """Raises what the first resource that failed has raised."""
    with Cloud() as cloud:
        made = Deployment(cloud, cloud.deploy(template or hub_template(), parameters))
        if users:
            made.add_users()
        yield made


@dataclass(frozen=True)
class Stored:
    """What readers of a region could ever be shown: everything but uploads that were announced."""

    items: tuple[str, ...]
    keys: tuple[str, ...]


@dataclass(kw_only=True)
class DeployedGallery(Visitor):
    """One region of the deployed template, with the names that the contract suite uses."""

    deployment: Deployment
    region: str

    def headers(self, user: str | None) -> dict[str, str]:
        return {"Authorization": self.tokens["root"]} if user == "operator" else super().headers(user)

    async def call(self, method: str, path: str, user: str | None = "ada", **more: Any) -> httpx.Response:
        headers = {**self.headers(user), **more.pop("headers", {})}
        routing = self.deployment.outputs[f"{self.deployment.role(self.region)}RoutingUrl"].rstrip("/")
        base = routing if path.startswith("/state/") else self.url
        answer = await self.http.request(method, base + path, headers=headers, **more)
        if self.deployment.cloud.broken:
            raise self.deployment.cloud.broken.pop()
        return answer

    async def head(self) -> Stored:
        shown = [item for item in self.deployment.items("Comments", self.region) if item["photoId"]["S"] != "#pending"]
        return Stored(tuple(json.dumps(item, sort_keys=True) for item in shown), tuple(await self.kept()))

    async def kept(self) -> list[str]:
        return [key for key in self.deployment.keys(self.region) if not key.startswith("pending/")]

    async def pending_uploads(self) -> list[str]:
        return self.deployment.keys(self.region, "pending/")

    async def drafts(self) -> list[str]:
        return []  # nothing is decoded here

    async def left_of(self, photo_id: str) -> int:
        items = self.deployment.items("Comments", self.region)
        partitions = [item["photoId"]["S"] for item in items if item["commentId"]["S"] != "#" or item["photoId"]["S"] != photo_id]
        return sum(partition in (photo_id, "#deletions") for partition in partitions)

    def wind(self, seconds: float) -> None:
        self.deployment.cloud.wind(seconds)

    async def admit(self, state: State) -> None:
        self.deployment.set_state(state)

    @property
    def epoch(self) -> int:
        return self.deployment.epoch

    @property
    def origin(self) -> str:
        return self.deployment.outputs["ConsoleUrl"]


def gallery_of(deployment: Deployment, region: str = PRIMARY) -> DeployedGallery:
    url = deployment.outputs[f"{deployment.role(region)}ApiUrl"].rstrip("/")
    tokens = {name: deployment.token(name, region) for name in ("ada", "root")}
    return DeployedGallery(url=url, tokens=tokens, http=deployment.cloud.http(), deployment=deployment, region=region)
