"""The simulated account that commands are tried in: A cloud with stacks that take time, limits that can be changed, and an operator."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from multiregion.cloud.template import FILE_NAME, Template, read_template
from tests.infra.cloud.cloud import Cloud
from tests.infra.cloud.tunnel import tunnel
from tests.infra.commands import Done, Operator
from tests.infra.limits import Limits
from tests.infra.slow_stacks import SlowStacks

PRIMARY, SECONDARY = "us-east-1", "ap-northeast-1"
TEMPLATE = Path(__file__).resolve().parents[2] / "deployment" / FILE_NAME
PAGE = "<!doctype html><title>Gallery</title>"


@dataclass
class World:
    cloud: Cloud
    slow: SlowStacks
    limits: Limits
    operator: Operator
    site: Path
    folder: Path

    @contextmanager
    def reachable(self) -> Iterator[None]:
        """Commands reach the deployment's own addresses, too, as a browser does."""
        with tunnel(self.cloud.endpoint(), self.folder, lambda host: any(f".{region}." in host for region in self.cloud.gate.lost)) as way:
            self.operator.environment.update(way)
            try:
                yield
            finally:
                for name in way:
                    del self.operator.environment[name]

    @contextmanager
    def account_in_host(self) -> Iterator[None]:
        """Calls go through a proxy: no name server here knows the hosts that begin with the account's number."""
        self.operator.environment["HTTP_PROXY"] = self.cloud.endpoint()
        try:
            yield
        finally:
            del self.operator.environment["HTTP_PROXY"]

    def deploy(self, *arguments: str) -> Done:
        return self.operator.deploy("--template", str(TEMPLATE), "--web", str(self.site), *arguments)

    def update(self, *arguments: str) -> Done:
        """Again, without a word about the administrator and the regions."""
        return self.run("deploy", "--template", str(TEMPLATE), "--web", str(self.site), *arguments)

    def run(self, *arguments: str, typed: str = "") -> Done:
        return self.operator.run(*arguments, typed=typed)

    def status(self, name: str = "multiregion", region: str = PRIMARY) -> str | None:
        """The stack's status, or None."""
        found = [each for each in self.stacks(region) if each["StackName"] == name]
        return found[0]["StackStatus"] if found else None

    def stacks(self, region: str = PRIMARY) -> list[dict[str, Any]]:
        stacks: list[dict[str, Any]] = self.cloud.client("cloudformation", region).describe_stacks()["Stacks"]
        return stacks

    def outputs(self, name: str = "multiregion") -> dict[str, str]:
        (stack,) = [each for each in self.stacks() if each["StackName"] == name]
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    def parameters(self, name: str = "multiregion") -> dict[str, str]:
        (stack,) = [each for each in self.stacks() if each["StackName"] == name]
        return {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}

    def objects(self, bucket: str) -> list[str]:
        return [each["Key"] for each in self.cloud.client("s3", PRIMARY).list_objects_v2(Bucket=bucket).get("Contents", ())]


def committed_template() -> Template:
    """The template as it is committed: a copy of the package alone, as bugs are planted in, does not bring it."""
    return read_template(TEMPLATE)


@contextmanager
def world(folder: Path) -> Iterator[World]:
    site = folder / "site"
    (site / "assets").mkdir(parents=True)
    (site / "index.html").write_text(PAGE)
    (site / "assets" / "page-1a2b.js").write_text("export {};")
    (site / "assets" / "page-1a2b.js.br").write_bytes(b"compressed")
    slow, limits = SlowStacks(), Limits()
    with Cloud() as cloud, limits.installed(), slow.installed():
        limits.distributions = lambda: len(cloud.distributions.distributions)
        yield World(cloud, slow, limits, Operator(cloud.endpoint(), folder), site, folder)
