"""What a drill records: one line for each operation and each event, in a file that only grows, each line chained to the one before.

All times are microseconds of the driver's one monotonic clock, since the start of the run. The wall clock is in the header only.
"""

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import msgspec

from multiregion.errors import InvalidInput

FORMAT = 1
SYNC_SECONDS = 1.0
START = bytes(32)
CHAIN = b',"chain":"'
LINE_BYTES_MAX = 64 * 1024

Outcome = Literal["ok", "refused", "unknown"]
"""`ok`: certainly done. `refused`: certainly not done. `unknown`: neither is certain (a time-out, a reset, a 503 `unreachable`)."""
Kind = Literal["add", "replace", "delete", "photo", "password", "sign_in", "session", "read", "repeat"]
Conduct = Literal["follows", "stale", "pinned"]
"""How a client chooses its region: as the state says; as the state said when it began (a stale tab); always the same one."""
Mark = tuple[int, int]
"""A position: epoch and sequence."""


class Client(msgspec.Struct, frozen=True, omit_defaults=True):
    """One client of the workload. `role`: the region of one that is `pinned`."""

    c: int
    conduct: Conduct
    role: str | None = None


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line. `plan`: SHA-256 of plan.toml. `started`: wall time for people; `offsets`: how many microseconds the wall clock of
    `primary`, `secondary` and `authority` was ahead of the driver's (None: not known). `regions`: role -> name."""

    history: int = FORMAT
    run: int
    scenario: str
    plan: str
    nonce: str
    seed: int
    rate: float
    started: str
    offsets: dict[str, int | None]
    regions: dict[str, str]
    clients: list[Client]


class Operation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One operation and its answer.

    `i`: number of the line, given by the Writer. `c`: client. `k`: kind. `id`: what is written, the same in a `repeat`; unique for a read.
    `due`, `sent`, `told`: when it should have gone out, went out, and was answered or given up. `to`: role asked last; `tried`: all
    roles asked, if more than one (a read that gets no answer asks the other region). `out`, `status`, `code`: the answer.
    `epoch`, `region`, `position`: as the answer says. `sha256`: digest of the contents that were sent, for a read of those received.
    `key`: the register, user, session or deleted item it is about; `value`: the version written, seen, or signed in with.
    `asked`: the position that a read sent along. `t`: the kind that a `repeat` repeats, else anything for people.
    """

    i: int = 0
    c: int
    k: Kind
    id: str
    due: int
    sent: int
    told: int
    to: str
    addr: str | None = None
    tried: list[str] = []
    out: Outcome
    status: int | None = None
    code: str | None = None
    epoch: int | None = None
    region: str | None = None
    position: Mark | None = None
    sha256: str | None = None
    key: str | None = None
    value: int | None = None
    asked: Mark | None = None
    t: str | None = None


EventName = Literal["phase", "fault", "undo", "state", "ordered", "decided", "admitted", "step", "prediction", "operator", "level", "note"]


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something other than an operation.

    `phase`: `what` begins. `fault`, `undo`: `what` was done to `part`, between `sent` and `done`. `state`: a client saw `state`, `epoch`,
    `writer`. `ordered`: somebody ordered `what`. `decided`: the authority answered that `epoch` is decided. `admitted`: `part` was seen
    to obey `epoch`. `step`: a step of the controller, `what`, with `detail` outcome and seconds. `prediction`: the takeover's
    `predictedLoss` in `detail` as {"writes": n or null}. `operator`: a person was waited for from `sent` to `done`. `level`: both
    regions were seen to hold the same. `note`: words of a person.
    """

    i: int = 0
    event: EventName
    sent: int
    done: int
    what: str | None = None
    part: str | None = None
    state: str | None = None
    epoch: int | None = None
    writer: str | None = None
    detail: dict[str, Any] = {}


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that a region has at the end. `k`: the kind of its write: `add`, `photo`, `replace` (a register), `password` (a user),
    `session`. `sha256`: digest of its contents. `value`: a register's version. `accepts`: the versions of the password with which the
    user can sign in. `bytes`: digest of a photo's bytes as answered, None if they are not. `good`: whether the session is."""

    k: str
    id: str
    sha256: str | None = None
    value: int | None = None
    accepts: list[int] | None = None
    bytes: str | None = None
    good: bool | None = None


class Final(msgspec.Struct, frozen=True, kw_only=True):
    """What one region answered at the end, item by item in its own order."""

    region: str
    read_at: int
    epoch: int
    items: list[Item]


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the loss ledger. `k`: kind of the write that is lost (`delete` for a lost delete), None if nobody has the contents.
    `item`: the id, register, user or session it is about. `value`: the version that is lost. `first`, `last`: the positions it accounts
    for, the same for one write; `last` None: up to where is not known. `outcome`: pending, applied or discarded; `by`, `at`: who, when."""

    id: str
    region: str
    k: str | None
    item: str | None
    value: int | None = None
    first: Mark
    last: Mark | None
    bytes: int | None = None
    cause: str = ""
    outcome: Literal["pending", "applied", "discarded"]
    by: str | None = None
    at: str | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the authority's history, `at` by its wall clock."""

    at: str
    what: str
    epoch: int
    state: str
    writer: str | None
    actor: str
    reason: str
    facts: dict[str, Any] = {}


class Writer:
    """Appends lines to a new file. A thread of its own makes them durable each second, so that recording does not wait for the disk.
    What a crash leaves is true as far as it goes."""

    def __init__(self, path: Path, header: Header) -> None:
        self._file = path.open("xb")
        self._lock = threading.Lock()
        self._previous = START
        self._lines = 0
        self._closing = threading.Event()
        self._write(msgspec.json.encode(header))
        self.sync()
        self._thread = threading.Thread(target=self._sync_each_second, daemon=True)
        self._thread.start()

    def append(self, line: Operation | Event) -> int:
        """Returns the number of the line; the header is line 0."""
        with self._lock:
            number = self._lines
            self._write(msgspec.json.encode(msgspec.structs.replace(line, i=number)))
        return number

    def _write(self, line: bytes) -> None:
        chain = hashlib.sha256(self._previous + line).digest()
        self._file.write(line[:-1] + CHAIN + chain.hex().encode() + b'"}\n')
        self._previous, self._lines = chain, self._lines + 1

    @property
    def chain(self) -> str:
        """The digest of everything written so far."""
        return self._previous.hex()

    def sync(self) -> None:
        with self._lock:
            self._file.flush()
        os.fsync(self._file.fileno())

    def _sync_each_second(self) -> None:
        while not self._closing.wait(SYNC_SECONDS):
            self.sync()

    def close(self) -> None:
        """Everything is on disk afterwards. May be called again."""
        if not self._closing.is_set():
            self._closing.set()
            self._thread.join()
            self.sync()
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


@dataclass(frozen=True)
class History:
    """A file as read. `torn`: its last line was being written when the driver died; it is left out."""

    header: Header
    operations: list[Operation] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    chain: str = ""
    torn: bool = False


def read(path: Path) -> History:
    """Raises InvalidInput, naming the line, for one that is not what was written there, and for a file without a header."""
    lines = path.read_bytes().split(b"\n")
    torn = bool(lines.pop())
    operations: list[Operation] = []
    events: list[Event] = []
    header: Header | None = None
    chain = ""
    for number, (line, digest) in enumerate(checked(lines)):
        chain = digest
        try:
            if not number:
                header = msgspec.json.decode(line, type=Header)
            elif b'"event":' in line[:40]:
                events.append(msgspec.json.decode(line, type=Event))
            else:
                operations.append(msgspec.json.decode(line, type=Operation))
        except msgspec.MsgspecError as error:
            raise InvalidInput(f"line {number} of the history: {error}") from error
    if header is None:
        raise InvalidInput("the history has no header")
    return History(header, operations, events, chain, torn)


def checked(lines: list[bytes]) -> Iterator[tuple[bytes, str]]:
    """Each line as it was before it was chained, and its chain. Raises InvalidInput at the first that does not follow."""
    previous = START
    for number, line in enumerate(lines):
        body, found, rest = line.rpartition(CHAIN)
        previous = hashlib.sha256(previous + body + b"}").digest()
        if not found or rest != previous.hex().encode() + b'"}':
            raise InvalidInput(f"line {number} of the history is not what was written there, or one before it is missing")
        yield body + b"}", previous.hex()


def plain(value: object) -> Any:
    """A struct, or a list of them, as the JSON values that `Facts` are made of."""
    return json.loads(msgspec.json.encode(value))
