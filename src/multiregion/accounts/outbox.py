"""Where messages to users go when there is no mail server: a file that only the operator can read."""

import asyncio
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from multiregion.clock import Clock, iso
from multiregion.errors import DiskFull

log = logging.getLogger("multiregion.accounts")
OUTBOX_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """`kind` is `invitation` or `reset_code`; `secret` the temporary password or the code."""

    kind: str
    user: str
    email: str
    secret: str


class Deliver(Protocol):
    async def __call__(self, message: Message) -> None: ...


class Outbox:
    """One JSON object a line in a file of mode 0600. At a megabyte it becomes `<file>.old`, and a new one is begun."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._turn = asyncio.Lock()

    async def deliver(self, message: Message) -> None:
        line = msgspec.json.encode({"at": iso(self._clock.now()), **msgspec.to_builtins(message)}) + b"\n"
        async with self._turn:
            try:
                await asyncio.to_thread(self._append, line)
            except OSError as error:
                raise DiskFull(f"the message for {message.user} could not be written: {error.strerror}") from error
        log.warning("a message for %s (%s) is in %s: pass it on", message.user, message.kind, self._path)

    def _append(self, line: bytes) -> None:
        if self._path.exists() and self._path.stat().st_size + len(line) > OUTBOX_BYTES_MAX:
            self._path.replace(self._path.with_name(self._path.name + ".old"))
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "ab") as file:
            file.write(line)
