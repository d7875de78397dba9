"""Commands while the authority does not answer: over real sockets, they say what starts it and what both regions say of themselves."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from multiregion.cli.deployment import Authority, Failure
from multiregion.cli.silence import Silence, help_of
from multiregion.cli.status import is_well, problem_of_authority, rendered
from multiregion.cli.users import UserPool
from multiregion.commands.client import Client
from multiregion.config import RegionPlace
from multiregion.errors import Unreachable
from multiregion.local.deployment import AuthorityPlace, LocalDeployment
from tests.unit.test_cli_layout import LEVEL, shown

TOKEN = "an-operator-token"
NAMES = {"primary": "us-east-1", "secondary": "ap-northeast-1"}
NOWHERE = "http://127.0.0.1:9"
DAMAGE = "the database of the primary region is damaged (x). To copy everything anew: multiregion repair primary"
Answers = dict[str, tuple[int, dict[str, Any]]]


@contextmanager
def served(answers: Answers) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.get(self.path, (404, {}))
            if self.path.startswith("/operator") and self.headers["Authorization"] != f"Bearer {TOKEN}":
                status, body = 401, {}
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        do_POST = do_GET

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def region(role: str, *, writes: bool = False, lease: float | None = None, epoch: int = 4) -> Answers:
    said = {"ready": True, "reasons": [], "needs": None, "region": NAMES[role], "state": "active", "epoch": epoch, "sequence": 7}
    counts = {"counts": {"photos": 1}, "losses": 0, "degradedSince": None, "damaged": False, "writing": None, "lag": LEVEL}
    state = {"state": "active", "epoch": epoch, "writer": NAMES["primary"], "regions": NAMES}
    return {"/operator/report": (200, {**said, **counts, "writes": writes, "leaseSeconds": lease}), "/state/app": (200, state)}


BROKEN: Answers = {
    "/operator/report": (503, {"code": "database_damaged", "detail": DAMAGE}),
    "/readyz": (503, {"ready": False, "needs": "multiregion repair primary"}),
}


def deployed(primary: str, secondary: str) -> LocalDeployment:
    """With no authority."""
    places = [RegionPlace(name, url, "pool", "client") for name, url in zip(NAMES.values(), (primary, secondary), strict=True)]
    return LocalDeployment("app", "", places[0], places[1], AuthorityPlace(NOWHERE, TOKEN), "")


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Callable[..., Authority]]:
    with ExitStack() as stack:

        def silent(primary: Answers | None, secondary: Answers | None) -> Authority:
            urls = [NOWHERE if answers is None else stack.enter_context(served(answers)) for answers in (primary, secondary)]
            return Authority(tmp_path, deployed(*urls))

        yield silent


def said_by(authority: Authority, *, order: bool = False) -> str:
    with pytest.raises(Silence) as silent:
        list(authority.order("/operator/failover")) if order else authority.get("/operator/losses")
    return silent.value.detail


@pytest.mark.parametrize("width", [80, 200])
def test_status_shows_the_regions_and_first_that_the_authority_does_not_answer(authority: Callable[..., Authority], width: int) -> None:
    found = authority(region("primary", writes=True), region("secondary", epoch=3)).status()
    said = shown(rendered(found), width)
    assert said.startswith("✗ The authority at") and "us-east-1 goes on writing" in said
    assert said.index("does not answer") < said.index("active, epoch 4") < said.index("Tokyo")
    assert "● writes" in said and "● reads" in said and "has no history" not in said
    assert problem_of_authority(found) and all(map(is_well, found["status"].values()))


def test_status_shows_what_cannot_be_asked_and_what_helps(authority: Callable[..., Authority]) -> None:
    found = authority(BROKEN, None).status()
    said = " ".join(shown(rendered(found), 300).split())
    assert "Neither region serves anything." in said and DAMAGE in said and "no answer (ConnectError)" in said
    assert "Run: multiregion repair primary" in said and found["state"] is None
    while_it_ran: Answers = {"/operator/report": (200, {"damaged": True, "detail": DAMAGE, "needs": "multiregion repair primary"})}
    found = authority(while_it_ran, region("secondary")).status()
    said = " ".join(shown(rendered(found), 300).split())
    assert "Reads go on in ap-northeast-1; nothing can be written." in said and "✗ down" in said and DAMAGE in said


def test_what_goes_on_is_what_the_regions_say(authority: Callable[..., Authority]) -> None:
    both = "Reads go on in us-east-1 and ap-northeast-1"
    assert f"{both}; us-east-1 goes on writing." in said_by(authority(region("primary", writes=True), region("secondary")))
    leased = said_by(authority(region("primary", writes=True, lease=2.2), region("secondary", lease=0.0)))
    assert f"{both}; us-east-1 writes until its lease runs out, in 2 s" in leased
    assert f"{both}; nothing can be written." in said_by(authority(region("primary", lease=0.0), region("secondary", lease=0.0)))
    assert said_by(authority(None, None)).endswith("Neither region serves anything.")


def test_only_an_order_is_told_what_became_of_it(authority: Callable[..., Authority]) -> None:
    silent = authority(None, None)
    assert said_by(silent, order=True).endswith("Nothing was changed.") and "changed" not in said_by(silent)
    with pytest.raises(Silence) as verifying:
        list(silent.order("/operator/verify?deep=0&repair=0"))
    assert "changed" not in verifying.value.detail


@pytest.mark.parametrize(
    ("up", "process", "word"),
    [
        ("runs", "ended", "Start it: `multiregion chaos start authority`."),
        ("runs", "frozen", "Let it go on: `multiregion chaos resume authority`."),
        ("runs", "runs", "authority.log"),
        ("ended", "ended", "`multiregion up` does not run either: start it again."),
        (None, None, "Start its process where it runs"),
    ],
)
def test_what_starts_it_is_named_by_how_its_processes_are(tmp_path: Path, up: str | None, process: str | None, word: str) -> None:
    with subprocess.Popen(["sleep", "60"]) as sleeps, subprocess.Popen(["true"]) as ends:
        ends.wait()
        if process == "frozen":
            os.kill(sleeps.pid, signal.SIGSTOP)
            os.waitpid(sleeps.pid, os.WUNTRACED)
        pids = {"runs": os.getpid() if up == "runs" else sleeps.pid, "frozen": sleeps.pid, "ended": ends.pid}
        if up and process:
            (tmp_path / "lock").write_text(str(pids[up]))
            (tmp_path / "processes.json").write_text(json.dumps({"authority": pids[process]}))
        said = help_of(tmp_path)
        sleeps.kill()
    assert word in said


# Commands that ask a region themselves


def test_a_command_that_meets_a_damaged_region_says_so_and_what_to_run() -> None:
    broken: Answers = {path: (503, {"code": "database_damaged", "detail": DAMAGE}) for path in ("/", "/state/app")}
    with served(broken) as primary, served(region("secondary")) as secondary:
        pool = UserPool.writing(deployed(primary, secondary))
        with pytest.raises(Failure) as refused:
            pool.ask("AdminCreateUser", Username="eve")
        assert refused.value.detail == DAMAGE
        with pytest.raises(Unreachable, match=r"To copy everything anew: multiregion repair primary; ap-northeast-1 at .* does not answer"):
            UserPool.answering(deployed(primary, NOWHERE))


async def test_so_does_one_that_asks_for_photographs() -> None:
    broken: Answers = {"/state/app": (503, {"code": "database_damaged", "detail": DAMAGE})}
    with served(broken) as primary:
        async with Client(deployed(primary, NOWHERE)) as client:
            with pytest.raises(Unreachable, match=r"multiregion repair primary; ap-northeast-1 does not answer.*status` says what helps"):
                await client.state()
        async with Client(deployed(NOWHERE, NOWHERE)) as client:
            with pytest.raises(Unreachable, match=r"Is `multiregion up` running\?"):
                await client.state()
