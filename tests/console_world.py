"""A whole deployment in a thread of the test's own process: both regions, authority, edge and wire over real sockets."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from multiregion.clock import SystemClock
from multiregion.config import PartConfig, Settings
from multiregion.local.deployment import DataFolder, plan
from multiregion.local.serve import application_of
from tests.acceptance.deployment import free_base, until

PASSWORD = "correct horse battery"
START_SECONDS = 30.0
PARTS = ("wire", "authority", "primary", "secondary", "edge")


@dataclass
class Served:
    """One part and the thread that it runs in, with a loop of its own, so that one can end without the others."""

    server: uvicorn.Server
    thread: threading.Thread

    def listens(self) -> bool:
        return self.server.started

    def stop(self) -> None:
        self.server.should_exit = True
        self.server.force_exit = True
        self.thread.join(START_SECONDS)


def served(config: PartConfig, application: Any) -> Served:
    server = uvicorn.Server(uvicorn.Config(application, config.host, config.port, log_level="error", access_log=False, ws="none"))
    thread = threading.Thread(target=asyncio.run, args=(server.serve(),), name=config.part, daemon=True)
    thread.start()
    return Served(server, thread)


class Console:
    """`supervised` False: the edge as it is where the parts are on several machines."""

    def __init__(self, folder: Path, *, supervised: bool = True, settings: Settings | None = None) -> None:
        self.data = DataFolder(folder)
        self.settings = settings or Settings()
        kept = self.data.keep(SystemClock(), "us-east-1", "ap-northeast-1")
        self.deployment, self.configs = plan(kept, folder, free_base())
        self.supervised = supervised
        self.applications: dict[str, Any] = {}
        self._served: dict[str, Served] = {}

    @property
    def operator(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.deployment.operator_token}"}

    def url(self, part: str) -> str:
        return f"http://localhost:{self.configs[part].port}"

    def start(self, *parts: str) -> None:
        for name in parts or PARTS:
            self.data.write_config(name, self.configs[name])
            self.applications[name] = application_of(self.configs[name], self.settings, supervised=self.supervised)
            self._served[name] = served(self.configs[name], self.applications[name])
        for name in parts or PARTS:
            until(self._served[name].listens, f"{name} listens", START_SECONDS)

    def stop(self, *parts: str) -> None:
        for name in parts or tuple(self._served):
            self._served.pop(name).stop()

    def ask(self, part: str, method: str, path: str, headers: dict[str, str] | None = None, **how: Any) -> httpx.Response:
        return httpx.request(method, self.url(part) + path, headers=headers, timeout=30, trust_env=False, **how)

    def cognito(self, operation: str, *, role: str = "primary", headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
        target = {"X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}"}
        return self.ask(role, "POST", "/", {**target, **(headers or {})}, json=body)

    def administer(self, operation: str, name: str, **body: Any) -> None:
        answer = self.cognito(operation, headers=self.operator, UserPoolId=self.deployment.primary.user_pool_id, Username=name, **body)
        assert answer.status_code == 200, answer.text

    def invite(self, name: str, *groups: str) -> None:
        metadata = {"ClientMetadata": {"groups": ",".join(groups)}} if groups else {}
        email = [{"Name": "email", "Value": f"{name}@example.com"}]
        self.administer("AdminCreateUser", name, TemporaryPassword=PASSWORD, UserAttributes=email, **metadata)
        self.administer("AdminSetUserPassword", name, Password=PASSWORD, Permanent=True)

    def sign_in(self, name: str, *, role: str = "primary") -> dict[str, str]:
        """The headers to be this user with."""
        flow = {"USERNAME": name, "PASSWORD": PASSWORD}
        client = self.deployment.primary.client_id
        answer = self.cognito("InitiateAuth", role=role, ClientId=client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=flow)
        return {"Authorization": f"Bearer {answer.json()['AuthenticationResult']['IdToken']}"}

    def ready(self, role: str) -> bool:
        return self.ask(role, "GET", "/readyz").status_code == 200

    def lines(self, path: str, headers: dict[str, str] | None = None, **body: Any) -> list[dict[str, Any]]:
        """What the authority answers to an order, line by line."""
        answer = self.ask("authority", "POST", path, self.operator if headers is None else headers, json=body)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    def get(self, path: str, part: str = "authority") -> dict[str, Any]:
        answer = self.ask(part, "GET", path, self.operator)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@contextmanager
def deployed(folder: Path, *, supervised: bool = True, settings: Settings | None = None) -> Iterator[Console]:
    """All parts, ready, with a viewer `vera` and an operator `olga`."""
    console = Console(folder, supervised=supervised, settings=settings)
    try:
        console.start()
        for role in ("primary", "secondary"):
            until(lambda role=role: console.ready(role), f"{role} is ready")  # type: ignore[misc]
        console.invite("vera")
        console.invite("olga", "operators")
        yield console
    finally:
        console.stop()
