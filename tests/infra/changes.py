"""Changes of state as an operator orders them from the function, and what both regions show then."""

from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from infra.lambdas import state_updater as updater
from infra.lambdas.state_updater import Copy
from tests.infra.region import APP, ENVIRONMENT, PRIMARY, SECONDARY, Failing, items

GUIDE = {"AppId": APP, "TableName": ENVIRONMENT["STATE_TABLE"]}


def change(to: str, environment: Any = ENVIRONMENT, **more: Any) -> Any:
    return updater.update({**GUIDE, "NewState": to, **more}, environment, "tester")


def copies() -> list[Any]:
    return [items("AppConfigTable", region)[0] for region in (PRIMARY, SECONDARY)]


def lose(monkeypatch: pytest.MonkeyPatch, role: str) -> None:
    make, down = Copy.__init__, [ConnectTimeoutError(endpoint_url="x")] * 99

    def broken(self: Copy, which: str, environment: Any) -> None:
        make(self, which, environment)
        if which == role:
            self.dynamodb = Failing(self.dynamodb, put_item=down, get_item=down)
            self.s3 = Failing(self.s3, get_bucket_policy=down)

    monkeypatch.setattr(Copy, "__init__", broken)
