"""One harness for every acceptance test: a deployment of real processes, started, stopped, killed and called over HTTP."""

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx

from multiregion.config import REGION_PURPOSE, read_part

PORTS, BASE_STEP = 7, 10
FIRST_PORT, WORKER_PORTS, WORKERS_MAX = 20_000, 1_000, 12
LOOKS = itertools.count()
START_SECONDS = 120.0
STOP_SECONDS = 60.0
PASSWORD = "correct-horse-battery"


def free_base() -> int:
    """A base port whose seven ports nobody uses now. Tests that run side by side look in places of their own, and none looks where
    the system gives ports to whoever connects: between the look and the use another could take them."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = FIRST_PORT + worker % WORKERS_MAX * WORKER_PORTS
    for _ in range(WORKER_PORTS // BASE_STEP):
        base = first + (os.getpid() + next(LOOKS)) * BASE_STEP % WORKER_PORTS
        with_each = []
        try:
            for port in range(base, base + PORTS):
                probe = socket.socket()
                with_each.append(probe)
                probe.bind(("127.0.0.1", port))
            return base
        except OSError:
            continue
        finally:
            for probe in with_each:
                probe.close()
    raise RuntimeError("no free ports")


def until(true: Callable[[], Any], what: str, seconds: float = 90.0) -> Any:
    """Call `true` until it answers something true, and return that."""
    end = time.monotonic() + seconds
    while True:
        if found := true():
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)


@dataclass
class Deployment:
    """A running `multiregion up`."""

    data: Path
    port: int
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    heard: int = 0
    inside: tuple[str, ...] = ()

    # Verbs

    def start(self) -> None:
        self.launch()
        started = self.process
        assert started is not None
        until(lambda: started.poll() is not None or "Two regions are up" in self.said(), "up", START_SECONDS)
        assert started.poll() is None, self.said()

    def launch(self) -> None:
        """Start it, and wait for nothing."""
        up = [sys.executable, "-m", "multiregion", "up", "--data", str(self.data), "--port", str(self.port), *self.options]
        command = [*self.inside, *up]
        self.data.parent.mkdir(parents=True, exist_ok=True)
        self.heard = self.output.stat().st_size if self.output.exists() else 0
        with self.output.open("a") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=output, text=True, env={**os.environ, **self.environment}, start_new_session=True
            )

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)

    def kill(self, part: str) -> None:
        """End a part at once, and wait until the kernel is done with it."""
        pid = self.pid(part)
        os.kill(pid, signal.SIGKILL)
        until(lambda: not runs(pid), f"{part} is gone")

    def restart(self, part: str) -> None:
        """As `chaos start` does it, without the time that a command takes to start."""
        port = json.loads((self.data / "config" / f"{part}.json").read_text())["port"]
        (self.data / f"start-{part}").touch()
        until(lambda: answers(f"http://127.0.0.1:{port}/{'readyz' if part in ('primary', 'secondary') else 'healthz'}"), f"{part} is ready")

    def bring_back(self, part: str) -> None:
        """Whatever was done to a part, it runs afterwards."""
        pid = self.pid(part)
        if runs(pid):
            os.kill(pid, signal.SIGCONT)
        else:
            self.restart(part)

    def mend(self) -> None:
        """Whatever was done to any part or to the link."""
        for part in ("wire", "authority", "primary", "secondary"):
            self.bring_back(part)
        self.change_wire(cut=False)

    def change_wire(self, **order: Any) -> None:
        """Cut, delay and heal as `chaos` does it, without the time that a command takes to start."""
        self.as_region("wire", "POST", "/wire", json=order)

    def as_region(self, part: str, method: str, path: str, **how: Any) -> Any:
        """What the parts of the deployment ask of each other."""
        config = read_part(self.data / "config" / f"{part}.json")
        headers = {"Authorization": f"Bearer {config.deployment.bearer(REGION_PURPOSE)}"}
        answer = httpx.request(method, f"http://127.0.0.1:{config.port}{path}", headers=headers, trust_env=False, **how).raise_for_status()
        return answer.json() if answer.content else None

    def cut(self, cut: bool, to: str | None = None) -> None:
        """Cut the link between the regions, or with False mend it."""
        done = self.ask("chaos", "cut" if cut else "heal", *(["--to", to] if to else []))
        assert done == ({"did": "cut", "to": to} if cut else {"did": "heal"})

    def delay(self, milliseconds: float) -> None:
        done = self.ask("chaos", "delay", str(milliseconds))
        assert done == {"did": "delay", "to": None, "milliseconds": milliseconds}

    # Facts

    @property
    def output(self) -> Path:
        return self.data.parent / "up.log"

    def said(self) -> str:
        """What this start has printed so far."""
        return self.output.read_bytes()[self.heard :].decode() if self.output.exists() else ""

    def described(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.data / "deployment.json").read_text())
        return found

    def pid(self, part: str) -> int:
        return int(json.loads((self.data / "processes.json").read_text())[part])

    def run(self, *arguments: str, code: int | None = 0, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """A command against this deployment; `code` is what it must exit with, None for any."""
        command = [sys.executable, "-m", "multiregion", *arguments, "--data", str(self.data)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env={**os.environ, "COLUMNS": "200"})
        assert code is None or done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def ask(self, *arguments: str, code: int | None = 0) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.run(*arguments, "--json", code=code).stdout)
        return answer

    def url(self, part: str) -> str:
        described = self.described()
        return str(described["edge"] if part == "edge" else described[part]["url"])

    @property
    def operator(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.described()['authority']['operatorToken']}"}

    def region(self, role: str, headers: dict[str, str] | None = None) -> httpx.Client:
        """A client of one region, as the operator unless other headers are given."""
        return httpx.Client(base_url=self.url(role), headers=self.operator if headers is None else headers, timeout=30, trust_env=False)

    def state(self, role: str) -> dict[str, Any]:
        with self.region(role, {}) as http:
            answer: dict[str, Any] = http.get(f"/state/{self.described()['appId']}").raise_for_status().json()
        return answer

    def is_reported(self) -> bool:
        """Whether the authority knows how far both regions have got. They tell it at least once a second."""
        ends = self.as_region("authority", "GET", "/internal/known?role=primary")["ends"]
        answer = httpx.get(f"{self.url('authority')}/operator/status", headers=self.operator, timeout=30, trust_env=False)
        status = answer.raise_for_status().json()["status"]
        return all(ends[role]["position"]["sequence"] == status[role]["sequence"] for role in ends)

    def level(self) -> bool:
        """Whether both regions hold the same, by what they say of themselves."""
        status = self.ask("status", code=None)["status"]
        sides = [status[role] for role in ("primary", "secondary")]
        return all(side["answers"] for side in sides) and sides[0]["content"] == sides[1]["content"]

    # People

    def cognito(self, role: str, operation: str, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
        target = {"X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}", "Content-Type": "application/x-amz-json-1.1"}
        with self.region(role, {**target, **(headers or {})}) as http:
            return http.post("/", content=json.dumps(body).encode())

    def sign_in(self, role: str, name: str, password: str) -> dict[str, Any]:
        client = self.described()[role]["clientId"]
        flow = {"USERNAME": name, "PASSWORD": password}
        answer = self.cognito(role, "InitiateAuth", ClientId=client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=flow).json()
        if answer.get("ChallengeName") == "NEW_PASSWORD_REQUIRED":
            responses = {"USERNAME": name, "NEW_PASSWORD": PASSWORD}
            answer = self.cognito(
                role, "RespondToAuthChallenge", ClientId=client, ChallengeName="NEW_PASSWORD_REQUIRED",
                Session=answer["Session"], ChallengeResponses=responses,
            ).json()  # fmt: skip
        tokens: dict[str, Any] = answer["AuthenticationResult"]
        return tokens

    def invite(self, name: str) -> dict[str, str]:
        """A new user who has signed in: the headers to be her with."""
        answer = self.cognito(
            "primary", "AdminCreateUser", self.operator, UserPoolId=self.described()["primary"]["userPoolId"], Username=name,
            TemporaryPassword="temporary-once", UserAttributes=[{"Name": "email", "Value": f"{name}@example.com"}],
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        return {"Authorization": self.sign_in("primary", name, "temporary-once")["IdToken"]}


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # gone, or going while it is read
        return False


@contextmanager
def deployed(folder: Path, *options: str, inside: tuple[str, ...] = (), **environment: str) -> Iterator[Deployment]:
    """A deployment that is up, and that leaves no process behind; `inside` is a command to run it by."""
    deployment = Deployment(folder / "data", free_base(), options, environment, inside=inside)
    try:
        deployment.start()
        yield deployment
    finally:
        if deployment.process is not None and deployment.process.poll() is None:
            deployment.stop()


# Photographs


def upload(http: httpx.Client, picture: bytes, *, content_type: str = "image/jpeg", **more: Any) -> httpx.Response:
    """Ticket, upload and commit; the answer of the first step that says no, or of the commit."""
    digest = sha256(picture).hexdigest()
    ticket = http.post("/photos", json={"contentType": content_type, "size": len(picture), "sha256": digest, **more})
    if ticket.status_code != 201:
        return ticket
    form = ticket.json()["upload"]
    sent = httpx.post(form["url"], data=form["fields"], files={"file": ("photo", picture, content_type)}, timeout=60, trust_env=False)
    if sent.status_code != 204:
        return sent
    return http.post(f"/photos/{ticket.json()['photoId']}/commit")
