"""The commands with which the runbook restores from a backup, as they stand there, against a deployment of real processes."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.deployment import Deployment, deployed, until, upload
from tests.acceptance.pictures import picture

RUNBOOK = Path(__file__).resolve().parents[2] / "docs" / "runbook.md"
SECTION, PARTS = "## Restore from a backup\n", re.compile(r"^### (.+)$", re.MULTILINE)
BLOCK = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
START = "multiregion up"
SHELL_SECONDS = 180


def procedures(runbook: str) -> dict[str, list[str]]:
    """The blocks of commands under each heading of the section; those before the first heading make the backup."""
    section = re.split(r"^## ", runbook.partition(SECTION)[2], maxsplit=1, flags=re.MULTILINE)[0]
    first, *rest = PARTS.split(section)
    texts = {"": first, **dict(zip(rest[::2], rest[1::2], strict=True))}
    return {name: BLOCK.findall(text) for name, text in texts.items()}


PROCEDURES = procedures(RUNBOOK.read_text())


def test_every_procedure_of_the_section_is_tried() -> None:
    assert list(PROCEDURES) == ["", "One region", "The authority", "Both regions", "Everything", "Into an empty folder"]
    assert all(blocks for blocks in PROCEDURES.values())


class Terminal:
    """Where somebody types what the runbook says, in the folder that has the data folder in it."""

    def __init__(self, deployment: Deployment, folder: Path) -> None:
        self._deployment = deployment
        self._folder = folder
        (folder / ".multiregion").symlink_to(deployment.data)

    def follow(self, name: str) -> None:
        """`multiregion up` goes on running, so it ends a block; it was ended before the block that starts it."""
        blocks = PROCEDURES[name]
        if any(START in block for block in blocks):
            self._deployment.stop()
        for block in blocks:
            commands, starts, rest = block.partition(START)
            self._shell(commands)
            assert not rest.strip()
            if starts:
                self._deployment.start()

    def _shell(self, commands: str) -> None:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", "-ex", "-c", commands], cwd=self._folder, capture_output=True, text=True, timeout=SHELL_SECONDS,
            env={**os.environ, "PATH": path},
        )  # fmt: skip
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Deployment]:
    """With a backup, and something that was written after it."""
    with deployed(tmp_path) as deployment:
        with deployment.region("primary") as http:
            assert upload(http, picture(0), photoId="subject").status_code == 201
        say(deployment, "before")
        until(deployment.level, "level")
        yield deployment


def say(deployment: Deployment, id: str) -> None:
    """As soon as writing goes on: under a new history the region that leads is compared first."""

    def said_it() -> bool:
        with deployment.region("primary") as http:
            return http.post("/comments/subject", json={"message": id, "commentId": id}).status_code == 201

    until(said_it, f"{id} is written")


def said(deployment: Deployment) -> set[str]:
    """The same in both regions."""
    until(deployment.level, "level")
    assert deployment.ask("verify")["equal"]
    here, there = (comments(deployment, role) for role in ("primary", "secondary"))
    assert here == there
    return here


def comments(deployment: Deployment, role: str) -> set[str]:
    with deployment.region(role) as http:
        return {comment["commentId"] for comment in http.get("/comments/subject").raise_for_status().json()["comments"]}


def test_a_region_and_then_the_authority_lose_nothing(running: Deployment, tmp_path: Path) -> None:
    terminal = Terminal(running, tmp_path)
    terminal.follow("")
    say(running, "after")
    until(running.level, "level")
    terminal.follow("One region")
    assert said(running) == {"before", "after"}
    terminal.follow("The authority")
    say(running, "last")
    assert said(running) == {"before", "after", "last"}
    assert running.ask("loss", "list", code=None)["losses"] == []


def test_both_regions_list_what_was_written_since(running: Deployment, tmp_path: Path) -> None:
    terminal = Terminal(running, tmp_path)
    terminal.follow("")
    say(running, "after")
    until(running.level, "level")
    terminal.follow("Both regions")
    assert said(running) == {"before"}
    (loss,) = running.ask("loss", "list", code=None)["losses"]
    assert (loss["cause"], loss["writes"]) == ("restored from an older copy", 1)
    say(running, "last")
    assert said(running) == {"before", "last"}


def test_everything_is_as_it_was(running: Deployment, tmp_path: Path) -> None:
    terminal = Terminal(running, tmp_path)
    terminal.follow("")
    say(running, "after")
    terminal.follow("Everything")
    assert said(running) == {"before"}
    say(running, "last")
    assert said(running) == {"before", "last"}


def test_a_backup_alone_is_restored_into_an_empty_folder(running: Deployment, tmp_path: Path) -> None:
    terminal = Terminal(running, tmp_path)
    whose, ada = running.described(), running.invite("ada")
    until(running.level, "level")
    terminal.follow("")
    terminal.follow("Into an empty folder")
    assert "format.json was missing, and was made again from primary/deployment-kept.json" in " ".join(running.said().split())
    assert said(running) == {"before"}
    assert {**running.described(), "admin": None} == {**whose, "admin": None}
    with running.region("secondary", ada) as http:
        assert http.get("/photos").status_code == 200, "a token from before is still good"
    say(running, "last")
    assert said(running) == {"before", "last"}
