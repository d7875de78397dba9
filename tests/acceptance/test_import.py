"""`photo import` as people use it: in their own name with a password, watched on a terminal, and stopped in the middle."""

import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.clients import everything
from tests.acceptance.deployment import PASSWORD, Deployment, until
from tests.acceptance.pictures import picture

PICTURES = 120
STEP_SECONDS = 0.05


@pytest.fixture(scope="module")
def ada(shared: Deployment) -> str:
    shared.invite("ada")
    return "ada"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "pictures"
    made.mkdir()
    return made


def fill(folder: Path, first: int, count: int) -> Path:
    for number in range(first, first + count):
        (folder / f"picture-{number}.jpg").write_bytes(picture(number))
    return folder


def owners(deployment: Deployment) -> dict[str, str]:
    """Who put which photo in, by caption."""
    with deployment.region("primary") as http:
        return {photo["caption"]: photo["user"] for photo in everything(http, "/photos", "photos")}


@dataclass
class Typed:
    """A command on a terminal of its own, and what it has shown there so far."""

    process: subprocess.Popen[str]
    terminal: int
    text: str = ""

    def shows(self, words: str) -> bool:
        with suppress(OSError):  # nothing yet, or the command has ended
            self.text += os.read(self.terminal, 65536).decode(errors="replace")
        return words in self.text

    def hides(self) -> bool:
        """Whether it shows nothing of what is typed. What is typed before that is thrown away."""
        return not termios.tcgetattr(self.terminal)[3] & termios.ECHO

    def types(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def ends(self) -> int:
        until(lambda: self.shows("\0") or self.process.poll() is not None, "the command has ended")
        self.shows("\0")
        return self.process.wait()


def hear_interrupts() -> None:
    """Also where these tests themselves run in the background, and so ignore them."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def typed(deployment: Deployment, *arguments: str) -> Iterator[Typed]:
    """Run a command with a terminal for its input and its errors; it ends with the block, whatever happens."""
    terminal, its_end = pty.openpty()
    os.set_blocking(terminal, False)
    command = [sys.executable, "-m", "multiregion", *arguments, "--data", str(deployment.data)]
    environment = {**os.environ, "COLUMNS": "120", "TERM": "xterm"}
    process = subprocess.Popen(
        command,
        stdin=its_end,
        stderr=its_end,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
        preexec_fn=hear_interrupts,
    )
    os.close(its_end)
    try:
        yield Typed(process, terminal)
    finally:
        process.kill()
        process.wait()
        os.close(terminal)


def test_a_user_imports_in_their_own_name_with_a_password(shared: Deployment, ada: str, folder: Path) -> None:
    fill(folder, 100, 3)
    answer = shared.ask("photo", "import", str(folder), "--user", ada, "--password", PASSWORD)
    assert (answer["added"], answer["present"], answer["failed"]) == (3, 0, [])
    assert {owners(shared)[f"Picture {number}"] for number in (100, 101, 102)} == {ada}
    again = shared.ask("photo", "import", str(folder), "--user", ada, "--password", PASSWORD)
    assert (again["added"], again["present"]) == (0, 3)


def test_a_wrong_password_imports_nothing_and_says_so(shared: Deployment, ada: str, folder: Path) -> None:
    fill(folder, 110, 1)
    done = shared.run("photo", "import", str(folder), "--user", ada, "--password", "another", code=1)
    assert "Incorrect username or password" in done.stderr and "Traceback" not in done.stderr
    assert "Picture 110" not in owners(shared)


def test_somebody_who_was_only_invited_is_told_where_to_set_a_password(shared: Deployment, folder: Path) -> None:
    password = shared.ask("user", "add", "bob", "--email", "bob@example.com")["temporaryPassword"]
    done = shared.run("photo", "import", str(fill(folder, 120, 1)), "--user", "bob", "--password", password, code=1)
    assert "has to set a new password first" in done.stderr and shared.url("edge") in done.stderr


def test_a_password_is_asked_for_and_not_shown_and_a_bar_shows_how_far_it_is(shared: Deployment, ada: str, folder: Path) -> None:
    fill(folder, 130, 12)
    with typed(shared, "photo", "import", str(folder), "--user", ada) as command:
        until(lambda: command.shows("Password of ada:") and command.hides(), "the password is asked for")
        command.types(f"{PASSWORD}\n")
        assert command.ends() == 0, command.text
        assert "Importing" in command.text and "/12" in command.text and PASSWORD not in command.text
        assert command.process.stdout is not None and "12 imported" in command.process.stdout.read()


def has_stepped(command: Typed) -> bool:
    """Let it run for a moment and hold it again: however slow whoever watches it is, it does not get to its end."""
    command.process.send_signal(signal.SIGCONT)
    command.shows("\0")
    time.sleep(STEP_SECONDS)
    command.process.send_signal(signal.SIGSTOP)
    return True


def test_an_import_that_is_interrupted_cleans_up_and_goes_on_when_run_again(fresh: Deployment, folder: Path) -> None:
    fill(folder, 0, PICTURES)
    with typed(fresh, "photo", "import", str(folder), "--jobs", "1") as command:
        until(lambda: has_stepped(command) and len(owners(fresh)) >= 3, "some photographs are there")
        command.process.send_signal(signal.SIGINT)
        command.process.send_signal(signal.SIGCONT)
        assert command.ends() == 130, command.text
        assert "run the same command again to go on" in command.text and "Traceback" not in command.text
    there = len(owners(fresh))
    assert 3 <= there < PICTURES
    answer = fresh.ask("photo", "import", str(folder))
    assert (answer["added"], answer["present"], answer["failed"]) == (PICTURES - there, there, [])
    assert len(owners(fresh)) == PICTURES
    until(fresh.level, "both regions are level")
    assert fresh.ask("verify")["equal"]
