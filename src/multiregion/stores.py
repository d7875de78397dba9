"""The interfaces that a backend implements, and the values that cross them. Domain code knows these and nothing below."""

import base64
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NewType, Protocol

import msgspec

from multiregion.errors import InvalidInput
from multiregion.states import RoutingState

COMMIT_WRITES_MAX = 90
"""What every backend takes in one commit."""

REQUIRES_MAX = 8
"""How many records one write may require."""

Digest = NewType("Digest", str)
"""The SHA-256 of an object's bytes, 64 lower-case hexadecimal digits; the object's only name."""


class Position(msgspec.Struct, frozen=True, order=True):
    """A place in the change log. The sequence grows through all epochs; a later epoch wins over a longer log."""

    epoch: int
    sequence: int


START = Position(epoch=0, sequence=0)


class Mark(msgspec.Struct, frozen=True):
    """A position and the chain beside it: two logs agree up to here only if both are equal. See `multiregion.chains`."""

    position: Position
    chain: str


BEGINNING = Mark(START, "")


class Key(msgspec.Struct, frozen=True, order=True):
    """A record's name: unique `id` within a `partition` (`todos`, `messages/<room>`, `users`, …)."""

    partition: str
    id: str


class Record(msgspec.Struct, frozen=True):
    """One record as it is stored. `order` sorts a partition's listing; `version` is the position that wrote it last."""

    key: Key
    value: bytes
    order: str
    version: Position

    @property
    def id(self) -> str:
        return self.key.id


class Write(msgspec.Struct, frozen=True):
    """One record to set, or to delete if `value` is None.

    `needs`: objects that must be there before the record may be seen. `requires`: records that must exist before the commit's
    first write counts; one of them may be what the commit deletes. Both are logged with the write; its other conditions are not.
    `absent`: only if no such record exists, nor ever existed (a deleted record stays deleted). `version`: only if the record's
    version is still this one.
    """

    key: Key
    value: bytes | None
    order: str = ""
    needs: tuple[Digest, ...] = ()
    requires: tuple[Key, ...] = ()
    absent: bool = False
    version: Position | None = None


class Change(msgspec.Struct, frozen=True):
    """One entry of the change log: a write at its position, who made it, when (for people), its size in bytes, and the chain
    that ends with it ("": not known yet). `digest`: that of a value which has been expunged, and is no longer in `write`."""

    position: Position
    write: Write
    actor: str
    at: float
    size: int
    chain: str = ""
    digest: bytes | None = None

    @property
    def mark(self) -> Mark:
        return Mark(self.position, self.chain)


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a log. `bytes` counts all change bytes ever logged up to here, `content` sums up every record and tombstone,
    `chain` all that was ever logged: two regions with equal heads hold equal records and equal logs."""

    position: Position
    bytes: int
    content: str
    chain: str = ""

    @property
    def mark(self) -> Mark:
        return Mark(self.position, self.chain)


def level(leader: Head | None, other: Head | None) -> bool:
    """Whether the other region's log ends where the leader's does; an unknown head is level with nothing."""
    return leader is not None and other is not None and leader.mark == other.mark


CREDENTIAL_PARTITIONS = ("revocations", "users")
"""The partitions whose changes decide who may sign in."""

SECRET_PARTITIONS = (*CREDENTIAL_PARTITIONS, "signing-keys")
"""The partitions whose values are expunged from the log once they have been replaced, or deleted, in both regions."""


@dataclass(frozen=True, slots=True)
class CredentialChange:
    """A change of who may sign in, and where it is in the log. `what`: `password`, `sign-out`, `disabled`, …; of which `user`."""

    position: Position
    what: str
    user: str


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a region has that a takeover could lose, besides a number of changes: its newest credential changes, newest first, and
    how many uploads are on their way in, of which no log says anything, by the application's word for them (None: not known)."""

    credentials: tuple[CredentialChange, ...] = ()
    uploads: Mapping[str, int] | None = None


class Records(Protocol):
    """Fenced key-value records."""

    async def commit(self, writes: Sequence[Write], *, epoch: int | None, actor: str) -> Position:
        """Apply all writes or none, durably, and return the last one's position. COMMIT_WRITES_MAX writes are always taken.

        `epoch` is the epoch that the caller decided under; None takes the admitted one (the caller decided nothing before).

        Raises NotReady before the authority has confirmed the state since this process started, StaleEpoch if `epoch` is not
        the admitted one, Fenced if this region is not the writer, NotFound if a required record is missing, Conflict if a
        condition of a write does not hold, InvalidInput for a write over a limit, Overloaded if too many writes wait, DiskFull,
        DiskFailed. After any of these nothing was written; after CommitUnknown that cannot be said.
        """
        ...

    async def confirm(self, position: Position) -> None:
        """Wait until what was written up to `position` counts as durable, as `commit` does before it returns: whoever answers a
        request again answers no sooner than the first time. Raises Unreachable if it cannot be said."""
        ...

    async def get(self, key: Key) -> Record | None: ...

    async def version(self, key: Key) -> Position | None:
        """The position that wrote the record, or deleted it, last. None: there never was one."""
        ...

    async def query(
        self, partition: str, *, after: str = "", limit: int = 50, newest_first: bool = False
    ) -> tuple[Sequence[Record], str | None]:
        """One page of a partition in `order`, and the `after` of the next page, None at the end. Raises InvalidInput for an
        `after` that no page gave."""
        ...

    async def count(self, partition: str) -> int: ...

    async def is_needed(self, digest: Digest) -> bool:
        """Whether any visible record points to this object."""
        ...

    async def admitted(self) -> RoutingState:
        """The newest state this region has been told."""
        ...

    async def admit(self, state: RoutingState) -> RoutingState:
        """Obey `state` from now on, durably; an older epoch is ignored. Returns the state in force afterwards. Idempotent.
        It is in force even if a disk that fails cannot store it: a process that starts again waits for the authority's word.
        Every commit that returned before this call did was accepted under an earlier state; none will be after it."""
        ...

    @property
    def confirmed(self) -> bool:
        """Whether the authority has been heard since this process started."""
        ...


class Objects(Protocol):
    """Immutable bytes named by their digest. Never fenced: a record makes an object visible."""

    def draft(self) -> Path:
        """A fresh path in the store's own file system to write bytes to before `keep`."""
        ...

    async def keep(self, draft: Path, *, digest: Digest | None = None) -> Digest:
        """Make a draft's bytes durable under their digest and forget the draft. Idempotent.
        Raises InvalidInput, and removes the draft, if `digest` is given and is not theirs; DiskFull."""
        ...

    async def receive(self, digest: Digest, pieces: AsyncIterator[bytes]) -> None:
        """Store an object that arrives in pieces. Idempotent. Raises InvalidInput if the bytes are not that object; DiskFull."""
        ...

    async def put(self, data: bytes) -> Digest:
        """Store bytes durably. Idempotent. Raises DiskFull."""
        ...

    def open(self, digest: Digest, *, first: int = 0, last: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `first` to `last`, both included (None: to the end), in pieces. Raises NotFound, and InvalidInput for
        a range that is not in them."""
        ...

    async def has(self, digest: Digest) -> bool: ...

    async def delete(self, digest: Digest) -> None: ...

    async def discard(self, digest: Digest, *, older_than_seconds: float) -> bool:
        """Delete an object unless it has been put again within that time, and say whether it was deleted."""
        ...

    def digests(self, after: str = "") -> AsyncIterator[tuple[Digest, int]]:
        """Every object's digest and size in bytes, in order of digest."""
        ...


class Announced(msgspec.Struct, frozen=True, rename="camel"):
    """An upload as its owner announced it, under an id of the owner's choice. A ticket is bound to all of this; `note` is the
    application's, and comes back with the upload."""

    id: str
    user: str
    content_type: str
    size: int
    sha256: Digest
    note: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to upload what was announced: POST all `fields` to `url` as a multipart form, and the part `file` last."""

    url: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Upload:
    """Bytes that arrived, and that are what was announced."""

    announced: Announced
    path: Path


class Uploads(Protocol):
    """Bytes on their way in, by ticket. Never fenced, and seen by nobody until a record is committed."""

    async def ticket(self, announced: Announced) -> Ticket: ...

    async def pending(self, id: str, user: str) -> Upload | None: ...

    async def forget(self, upload: Upload) -> None:
        """Remove what was uploaded. Idempotent."""
        ...

    async def sweep(self) -> int:
        """Remove uploads that nobody has committed for a while, and count them."""
        ...


class Links(Protocol):
    """Signed addresses under which a browser gets an object for a while."""

    def address(self, digest: Digest, content_type: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Decision:
    """One line of the authority's history: what was decided (`state` for a change of state), the state then in force, who
    decided, when, why, and what more is known about it (a takeover's watermark and predicted loss, …)."""

    state: RoutingState
    actor: str
    at: float
    reason: str
    what: str = "state"
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the history for people: the newest of `count` decisions in a row. Decisions in a row about losses, by one actor and
    with one outcome, are one entry, or they would hide the others; every other decision is one for itself."""

    decision: Decision
    count: int = 1


class Entries(Protocol):
    """The authority's history for people."""

    async def entries(self, limit: int) -> Sequence[Entry]:
        """The newest `limit` entries, newest first, each with its true count. Reads the contents of no more decisions than it returns."""
        ...


class StateStore(Protocol):
    """The authority's own store: the state and its history. It lives in neither region's failure domain."""

    async def read(self) -> RoutingState: ...

    async def replace(
        self, old: RoutingState, new: RoutingState, *, actor: str, reason: str, facts: Mapping[str, Any] | None = None
    ) -> RoutingState:
        """Store `new` and its line of history, durably. Raises StaleEpoch, with who was first, unless `old` is still stored."""
        ...

    async def note(self, what: str, *, actor: str, reason: str, facts: Mapping[str, Any]) -> None:
        """Add a line of history that changes no state."""
        ...

    async def history(self, limit: int = 50, *, about: str | None = None) -> Sequence[Decision]:
        """The newest decisions, newest first; with `about` only those of that kind, or by that actor."""
        ...


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a region is behind the other. null, None: unknown, which is never zero."""

    seconds: float | None
    changes: int | None
    bytes: int | None


UNKNOWN_LAG = Lag(seconds=None, changes=None, bytes=None)


def needs_of(changes: Iterable[Change]) -> list[Digest]:
    """The objects that these changes name, each once, in order."""
    return list(dict.fromkeys(digest for change in changes for digest in change.write.needs))


def required_by(writes: Iterable[Write]) -> list[Key]:
    """The records that these writes require, each once, in order. Raises InvalidInput for a write that requires too many."""
    required: dict[Key, None] = {}
    for write in writes:
        if (count := len(write.requires)) > REQUIRES_MAX:
            name = f"{write.key.partition}/{write.key.id[:40]}"
            raise InvalidInput(f"{name} requires {count} records, over the limit of {REQUIRES_MAX}", field="requires", limit=REQUIRES_MAX)
        required |= dict.fromkeys(write.requires)
    return list(required)


def cursor(record: Record) -> str:
    """What a page gives as the `after` of the next one."""
    return base64.urlsafe_b64encode(json.dumps([record.order, record.key.id]).encode()).decode().rstrip("=")


def read_cursor(after: str) -> list[str]:
    """The order and id that a page ended with. Raises InvalidInput for what `cursor` did not make."""
    try:
        order, id = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        if isinstance(order, str) and isinstance(id, str):
            return [order, id]
    except ValueError:
        pass
    raise InvalidInput("after must be the `next` of an earlier page", field="after")
