"""The seam between a drill and an application: how each kind of operation is done and read back over HTTP. Public names."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Answer:
    """What a region said. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> dict[str, Any]:
        """The body, {} if it is no object."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class Call(Protocol):
    """One region, for the time of one operation. Whoever calls lets what `call` raises pass: the drill knows what it means."""

    @property
    def client_id(self) -> str:
        """Of the region's user pool."""
        ...

    @property
    def pool_id(self) -> str: ...

    @property
    def operator(self) -> Mapping[str, str]:
        """Headers with which an operator is believed."""
        ...

    async def __call__(
        self, method: str, path: str, *, json: Any = None, content: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """`path`: below the region's address, or an address. `json`: the body, unless `content` is."""
        ...

    async def position(self) -> tuple[int, int] | None:
        """How far the region's log has got, for an answer that does not say."""
        ...


@dataclass(slots=True)
class Attempt:
    """One operation that a client is about to make; `Probe.make` gets it back, filled.

    `id`: what is written; `key`: the register, user, session or deleted item that it is about; `value`: its version. `sha256`: digest of
    the contents sent, or for a read received. `asked`: the position that a read sends along. `again`: the kind that is repeated.
    `region_role`: "primary" or "secondary", whichever is asked now.
    """

    kind: str
    id: str
    client: int
    number: int
    key: str | None = None
    value: int | None = None
    sha256: str | None = None
    asked: tuple[int, int] | None = None
    position: tuple[int, int] | None = None
    again: str | None = None
    region_role: str = ""
    memory: dict[str, Any] = field(default_factory=dict)


class Probe(Protocol):
    """What a drill does to one application. Made once a run; everything it writes begins with the run's name."""

    mix: Mapping[str, float]
    """The kinds of operations that it knows, and how often each is made."""

    async def prepare(self, call: Call, *, clients: Sequence[int], operations: int) -> None:
        """Make what the operations need. Raises what `call` raises, and RuntimeError with what was answered instead."""
        ...

    def propose(self, kind: str, client: int, number: int) -> Attempt | None:
        """The next operation of this kind; None: there is nothing to do it to now."""
        ...

    async def make(self, attempt: Attempt, call: Call) -> Answer:
        """The answer that counts."""
        ...

    def note(self, attempt: Attempt, outcome: str, answer: Answer | None) -> None:
        """What came of it: `ok`, `refused` or `unknown`."""
        ...

    async def read_back(self, call: Call) -> Sequence[Mapping[str, Any]]:
        """Everything of this run that a region has, in its own order: rows with `k`, `id`, and what else `drills.history.Item` names."""
        ...

    def lost(self, record: str, what: str) -> tuple[str, str] | None:
        """The kind and the item of an entry of the loss ledger; None: it is nothing that a client asked for."""
        ...

    async def remove(self, call: Call) -> None:
        """Delete all of it, as users and operators do. May be repeated."""
        ...

    async def remaining(self, call: Call) -> Sequence[str]:
        """The ids that a region still has."""
        ...
