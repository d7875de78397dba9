"""The interfaces that a backend implements, and the values that cross them. Domain code knows these and nothing below."""

import base64
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NewType, Protocol

import msgspec

from multiregion.errors import InvalidInput
from multiregion.states import Role, RoutingState

COMMIT_WRITES_MAX = 90
"""What every backend takes in one commit."""

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
    """A record's name: unique `id` within a `partition` (`photos`, `comments/<photoId>`, `users`, …)."""

    partition: str
    id: str


class Record(msgspec.Struct, frozen=True):
    """One record as it is stored. `order` sorts a partition's listing; `version` is the position that wrote it last."""

    key: Key
    value: bytes
    order: str
    version: Position


class Write(msgspec.Struct, frozen=True):
    """One record to set, or to delete if `value` is None.

    `needs`: objects that must be there before the record may be seen. `absent`: only if no such record exists, nor ever
    existed (a deleted record stays deleted). `version`: only if the record's version is still this one.
    """

    key: Key
    value: bytes | None
    order: str = ""
    needs: tuple[Digest, ...] = ()
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
    how many photos are on their way in (None: not known), of which no log says anything."""

    credentials: tuple[CredentialChange, ...] = ()
    photos_in_flight: int | None = None


class Records(Protocol):
    """Fenced key-value records."""

    async def commit(self, writes: Sequence[Write], *, epoch: int | None, actor: str, requires: Sequence[Key] = ()) -> Position:
        """Apply all writes or none, durably, and return the last one's position. COMMIT_WRITES_MAX writes are always taken.

        `epoch` is the epoch that the caller decided under; None takes the admitted one (the caller decided nothing before).
        `requires` names records that must exist in the same transaction.

        Raises NotReady before the authority has confirmed the state since this process started, StaleEpoch if `epoch` is not
        the admitted one, Fenced if this region is not the writer, NotFound if a required record is missing, Conflict if a
        condition of a write does not hold, Overloaded if too many writes wait, DiskFull. After any of these nothing was written.
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
        Every commit that returned before this call did was accepted under an earlier state; none will be after it."""
        ...

    @property
    def confirmed(self) -> bool:
        """Whether the authority has been heard since this process started."""
        ...


class LoggedRecords(Records, Protocol):
    """Records with an ordered change log, which the other region follows."""

    @property
    def store(self) -> str:
        """The id that this region's file was made with."""
        ...

    @property
    def began_whole(self) -> bool:
        """Whether this region had its records when its process started."""
        ...

    async def head(self) -> Head: ...

    def changes(self, after: Position, *, limit: int, chain: str | None = None) -> Sequence[Change]:
        """The next changes of this region's log after `after`, oldest first. Raises Conflict if `after` is not in this log, or
        not at the end of that chain."""
        ...

    async def apply(self, changes: Sequence[Change], *, epoch: int) -> Head:
        """Append the leader's changes, sent at `epoch`; those already there are skipped, so twice is the same as once.
        Raises StaleEpoch if a later epoch has been admitted here, Conflict on a gap or where this log has another change, and
        Fenced for a new change if this region leads."""
        ...

    async def holds(self, mark: Mark) -> bool:
        """Whether this log has that change at that position, after the same changes."""
        ...

    async def marks(self, sequences: Sequence[int]) -> Sequence[Mark | None]:
        """What is at these sequences of the log, None beyond its end."""
        ...

    async def reaches(self, position: Position, *, history: str = "", chain: str = "") -> bool | None:
        """Whether this log has got to `position`: True if it holds it, False if it may yet, None if that position belongs to a
        history that this log does not know. `history` and `chain` (its beginning suffices): those it was given under; "": not told."""
        ...

    async def tail(self, above: Position, *, limit: int, explain: "Explain") -> Sequence["Loss"]:
        """What a rewind to `above` would enter into the loss ledger, oldest first."""
        ...

    async def rewind(self, to: Position, *, explain: "Explain") -> int:
        """Undo every change above `to`, restoring what each replaced, and enter each into the loss ledger; returns how many.
        One transaction. Raises Fenced if this region leads: its log is the truth."""
        ...

    async def losses(self, *, after: int = 0, limit: int = 100) -> Sequence["Loss"]:
        """The entries of the loss ledger that were made or changed after revision `after`, in that order."""
        ...

    async def merge(self, losses: Sequence["Loss"]) -> None:
        """Take in what this ledger lacks of the other region's. Idempotent."""
        ...

    async def settle(self, key: Mark, outcome: str, *, actor: str, applied: Position | None = None) -> None:
        """Note what became of a loss: `applied`, at which position, or `discarded`. Idempotent. Raises NotFound."""
        ...

    @property
    def proved(self) -> bool:
        """Whether this region may lead: since its process started, its log has been found to be no older than what is known
        elsewhere. Until then it follows, or waits."""
        ...

    def prove(self) -> None: ...

    async def leads(self) -> bool:
        """Whether this region's log is the truth: it is the leader, whole and proved."""
        ...

    async def owed(self) -> Mark:
        """How far this log is known to have got once, if it lacks that now and no ledger has it yet; else BEGINNING."""
        ...

    async def owe(self, mark: Mark) -> None:
        """Remember, durably, that this log had got to `mark` once, unless it still has it."""
        ...

    async def settle_debt(self) -> None:
        """Owe nothing any more, if the log or the ledger has by now what was owed."""
        ...

    async def missing(self, mark: Mark) -> int | None:
        """How many writes up to `mark` are neither in this log nor in this ledger; None: it cannot be counted."""
        ...

    async def write_off(self, mark: Mark, *, cause: str, reason: str) -> None:
        """Enter what is missing up to `mark` as one loss without contents, and owe nothing any more. Idempotent."""
        ...

    async def is_whole(self) -> bool:
        """False while this region, having lost its records, has not copied all of the other's; nothing can be committed then."""
        ...

    async def found(self, state: RoutingState) -> None:
        """The deployment is founded upon this region's file, which is empty and therefore whole, at `state`. Idempotent."""
        ...

    async def make_whole(self, other: Head) -> None:
        """This region has seen `other`, the end of the other region's log; it is whole again if its own log reaches there."""
        ...

    async def changed(self, after: Position, *, timeout_seconds: float) -> bool:
        """Wait until the log reaches beyond `after`, True, or the time is over, False."""
        ...


@dataclass(frozen=True, slots=True)
class Loss:
    """An acknowledged write that was undone or is gone. Its key is its change's mark: a position alone may have been given twice.

    `replaced` is the version of the record it had replaced (None: there was none); `region` is where it was undone or lost,
    `cause` why, one of `CAUSES`, and `reason` the same in a sentence. `outcome` is `pending`, `applied` or `discarded`, decided by
    `decided_by`; `applied` is the position it was written again at. `writes`: None for one write; for a loss whose contents
    nobody has any more, how many writes up to `change`'s position are gone. `revision` grows with each change of the ledger
    that holds it.
    """

    change: Change
    replaced: Position | None
    at: float
    region: Role
    cause: str
    reason: str
    outcome: str = "pending"
    decided_by: str = ""
    applied: Position | None = None
    writes: int | None = None
    revision: int = 0

    @property
    def key(self) -> Mark:
        return self.change.mark


GAP = "gap-"
"""How the chain of a loss without contents begins: it ends where one of its writes does, which may turn up."""

NOT_REPLICATED = "not replicated"
OLDER_COPY = "restored from an older copy"
FORKED = "written on a forked history"
DISK_LOST = "disk lost"
CAUSES = (NOT_REPLICATED, OLDER_COPY, FORKED, DISK_LOST)

Explain = Callable[[Position, bool], tuple[str, str]]
"""Why a change is undone, its cause and that in a sentence, by its position and whether it was written in this region."""


def not_replicated(reason: str) -> Explain:
    return lambda position, own: (NOT_REPLICATED, reason)


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


class LocalObjects(Objects, Protocol):
    """Objects that are files on this machine."""

    def path(self, digest: Digest) -> Path | None:
        """Where the bytes are, or None if they are not here."""
        ...


@dataclass(frozen=True, slots=True)
class Announced:
    """An upload as its owner announced it. A ticket is bound to all of this."""

    photo_id: str
    user: str
    content_type: str
    size: int
    sha256: Digest
    caption: str


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

    async def pending(self, photo_id: str, user: str) -> Upload | None: ...

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
    """How far a region is behind the other. None means unknown, which is never zero."""

    seconds: float | None
    changes: int | None
    bytes: int | None


UNKNOWN_LAG = Lag(seconds=None, changes=None, bytes=None)


class Replication(Protocol):
    def status(self) -> Lag: ...


def needs_of(changes: Iterable[Change]) -> list[Digest]:
    """The objects that these changes name, each once, in order."""
    return list(dict.fromkeys(digest for change in changes for digest in change.write.needs))


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
