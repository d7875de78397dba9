"""Starting client processes, and the one client that looks at a single thing again and again."""

import http.client
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from benchmarks.load import HOST, Order, Outcome

WAIT_SECONDS = 60.0


class Loading:
    """A client process at work."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._folder = TemporaryDirectory(prefix="multiregion-bench-")
        self._file = Path(self._folder.name) / "outcome.json"
        command = [sys.executable, "-m", "benchmarks.load", str(self._file)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE)
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(order))
        self._process.stdin.close()

    @property
    def works(self) -> bool:
        return self._process.poll() is None

    def outcome(self) -> Outcome:
        """What came of it, once it is over."""
        code = self._process.wait(self._order.seconds + self._order.warm_up_seconds + WAIT_SECONDS)
        if code != 0:
            raise RuntimeError(f"the client process ended with {code}")
        return msgspec.json.decode(self._file.read_bytes(), type=Outcome)

    def kill(self) -> None:
        if self.works:
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        self.kill()
        self._folder.cleanup()


@contextmanager
def loading(order: Order) -> Iterator[Loading]:
    """A client process while the block runs."""
    each = Loading(order)
    try:
        yield each
    finally:
        each.close()


def load(order: Order) -> Outcome:
    with loading(order) as each:
        return each.outcome()


class Looking:
    """One connection for looking often and cheaply."""

    def __init__(self, port: int, headers: dict[str, str]) -> None:
        self._http = http.client.HTTPConnection(HOST, port, timeout=30)
        self._headers = headers

    def __enter__(self) -> "Looking":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str) -> Any:
        self._http.request("GET", path, headers=self._headers)
        return msgspec.json.decode(self._http.getresponse().read())

    def sequence(self) -> int:
        """The last change in a region's log."""
        return int(self.get("/internal/head")[1])
