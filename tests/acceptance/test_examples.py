"""Applications of one's own, as `examples/` has them: each through fence, takeover, loss, and the way back, with the usual commands."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.acceptance.deployment import Deployment, free_base, until
from tests.acceptance.operators import Operator

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@dataclass(frozen=True)
class Example:
    """How one example is written to and read, over HTTP alone."""

    name: str
    add: Callable[[httpx.Client, str], httpx.Response]
    read: Callable[[httpx.Client], set[str]]
    what: str


def todo_add(http: httpx.Client, word: str) -> httpx.Response:
    return http.post("/todos", json={"id": word, "what": word})


def todo_read(http: httpx.Client) -> set[str]:
    return {each["what"] for each in http.get("/todos").raise_for_status().json()}


def chat_add(http: httpx.Client, word: str) -> httpx.Response:
    return http.post("/rooms/hall/messages", params={"text": word, "user": "ada"}, content=f"attached to {word}".encode())


def chat_read(http: httpx.Client) -> set[str]:
    """Every attachment is there, too."""
    found = http.get("/rooms/hall/messages").raise_for_status().json()["messages"]
    for each in found:
        assert http.get(f"/attachments/{each['attached'][0]}").raise_for_status().text == f"attached to {each['text']}"
    return {each["text"] for each in found}


def counter_add(http: httpx.Client, word: str) -> httpx.Response:
    return http.post(f"/counters/{word}")


def counter_read(http: httpx.Client) -> set[str]:
    found: dict[str, int] = http.get("/counters").raise_for_status().json()
    assert set(found.values()) <= {1}
    return set(found)


LIST = Example("todo", todo_add, todo_read, "todo: {}")
CHAT = Example("chat", chat_add, chat_read, "message: ada: {}")
COUNTER = Example("counter", counter_add, counter_read, "counter: at 1")


@contextmanager
def deployed(folder: Path, example: Example) -> Iterator[Deployment]:
    made = Deployment(folder / "data", free_base(), (f"{example.name}:app",), {"PYTHONPATH": str(EXAMPLES)})
    made.start()
    try:
        yield made
    finally:
        made.stop()


@pytest.mark.slow
@pytest.mark.parametrize("example", [LIST, CHAT, COUNTER], ids=lambda example: example.name)
def test_an_application_survives_losing_a_region(tmp_path: Path, example: Example) -> None:
    with deployed(tmp_path, example) as deployment, httpx.Client(base_url=deployment.url("primary"), timeout=30) as primary:
        secondary = httpx.Client(base_url=deployment.url("secondary"), timeout=30)
        operator = Operator(deployment)
        assert example.add(primary, "bread").is_success
        until(lambda: example.read(secondary) == {"bread"}, "what was written is in the other region")
        refused = example.add(secondary, "nowhere")
        assert (refused.status_code, refused.json()["code"]) == (409, "fenced")
        deployment.run("state", "set", "fenced")
        assert (example.add(primary, "nowhere").status_code, example.read(primary)) == (409, {"bread"})
        deployment.run("failback")

        operator.until_level()
        deployment.cut(True)
        assert example.add(primary, "lost").is_success
        until(deployment.is_reported, "the authority knows of it")
        deployment.kill("primary")
        deployment.cut(False)
        done = deployment.run("failover", "--writable", "--region-lost", "--accept-loss")
        assert "1 change" in done.stdout
        assert example.add(secondary, "milk").is_success
        deployment.restart("primary")
        operator.until_level()
        losses = deployment.ask("loss", "list")["losses"]
        assert [loss["what"] for loss in losses if loss["outcome"] == "pending"] == [example.what.format("lost")]
        deployment.run("failback")
        deployment.run("loss", "apply", "--all")
        operator.until_level()
        for region in (primary, secondary):
            assert example.read(region) == {"bread", "milk", "lost"}
        deployment.run("verify")
        secondary.close()


def test_status_counts_the_kinds_of_an_application_and_the_edge_leads_to_the_console(tmp_path: Path) -> None:
    with deployed(tmp_path, LIST) as deployment, httpx.Client(base_url=deployment.url("primary"), timeout=30) as primary:
        written = todo_add(primary, "bread")
        assert written.is_success and "Multiregion-Position" in written.headers
        stale = primary.post("/todos", json={"id": "x", "what": "x"}, headers={"Multiregion-Epoch": "77"})
        assert (stale.status_code, stale.json()["code"]) == (409, "stale_epoch")
        wrong = primary.post("/todos", json={"id": "x", "what": "x"}, headers={"Multiregion-Epoch": "now"})
        assert (wrong.status_code, wrong.json()["field"]) == (400, "Multiregion-Epoch")
        assert deployment.ask("status", code=None)["status"]["primary"]["counts"] == {"todos": 1, "users": 1}
        paths = primary.get("/openapi.json").json()["paths"]
        assert {"/todos", "/state/{appId}"} <= set(paths) and "/photos" not in paths
        edge = httpx.get(deployment.url("edge"), trust_env=False)
        assert (edge.status_code, edge.headers["location"]) == (307, "/console/#/ops")
        page = httpx.get(f"{deployment.url('edge')}/console/", trust_env=False)
        assert page.status_code in (200, 503)


def test_the_commands_of_the_page_work_as_they_stand(tmp_path: Path) -> None:
    page = (EXAMPLES.parent / "docs" / "your-application.md").read_text()
    start, *lines = [line for block in re.findall(r"^```sh\n(.*?)^```", page, re.DOTALL | re.MULTILINE) for line in block.splitlines()]
    assert start == "multiregion up todo:app" and len(lines) > 5
    with deployed(tmp_path, LIST) as deployment:
        paths = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": paths, "MULTIREGION_DATA": str(deployment.data)}
        for line in lines:
            command = shlex.split(line.replace("808", str(deployment.port)[:-1]))
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)
            assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
            if "8082" in line and "--json" not in line:
                until(lambda: todo_read_at(deployment.url("secondary")) == {"bread"}, "what was written is in the other region")
        assert todo_read_at(deployment.url("primary")) == {"bread", "milk"}


def todo_read_at(url: str) -> set[str]:
    with httpx.Client(base_url=url, timeout=30) as http:
        return todo_read(http)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("todo", "must be named as module:attribute"),
        ("nothing_here:app", "No module named 'nothing_here'"),
        ("todo:nothing", "has no such attribute"),
        ("json:loads", "has a function there"),
    ],
)
def test_an_application_that_cannot_be_loaded_is_refused_before_anything_starts(tmp_path: Path, name: str, said: str) -> None:
    made = Deployment(tmp_path / "data", free_base(), (name,), {"PYTHONPATH": str(EXAMPLES)})
    made.launch()
    assert made.process is not None and made.process.wait(60) != 0
    assert said in " ".join(made.said().split()) and not made.data.exists()


def test_a_folder_belongs_to_one_application(tmp_path: Path) -> None:
    with deployed(tmp_path, LIST) as deployment:
        assert json.loads((deployment.data / "format.json").read_text())["application"] == "todo:app"
    other = Deployment(tmp_path / "data", deployment.port, ("chat:app",), {"PYTHONPATH": str(EXAMPLES)})
    other.launch()
    assert other.process is not None and other.process.wait(60) != 0
    assert "has the data of todo:app" in " ".join(other.said().split())
    again = Deployment(tmp_path / "data", deployment.port, (), {"PYTHONPATH": str(EXAMPLES)})
    again.start()
    assert again.stop() == 0
