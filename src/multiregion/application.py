"""The seam to any application: what it declares of itself, and one region as it sees it."""

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeVar

from multiregion.callers import Caller
from multiregion.clock import Clock
from multiregion.config import Settings
from multiregion.errors import BadDeployment, InvalidInput, MultiregionError
from multiregion.probes import Probe
from multiregion.region import Region as Stores
from multiregion.states import Role, RoutingState
from multiregion.stores import COMMIT_WRITES_MAX, Digest, Key, Links, Objects, Position, Record, Uploads, Write

T = TypeVar("T")
Refusal = TypeVar("Refusal", bound=MultiregionError | None)
LIST_MAX = 1_000
NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)
KIND = re.compile(r"[a-z][a-z0-9-]{0,62}/?")
RESERVED = frozenset({"users", "revocations", "signing-keys"})
"""Kinds of the accounts that come with the product."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of records, named in `Application.kinds`.

    `title` makes a few words of a record's value; an entry of the loss ledger then reads "todo: bread". Without it an entry says only
    "write todos": values are never shown. `name` is what one of them is called ("todo"), by default the kind without its last "s".
    `counted`: whether `multiregion status` says how many there are.
    """

    title: Callable[[bytes], str] | None = None
    name: str = ""
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Application:
    """An application that runs in both regions.

    `build` is called once in each region's process, and returns any ASGI application. `kinds` declares the kinds of its records; a kind
    whose name ends with "/" stands for all that begin with it ("comments/" for "comments/<id>"). `sweep` is awaited about once a minute
    in the region that may write, to finish what was left half done. `site`: a folder of static files that is served at the edge.
    `accounts`: whether users sign in with the product's accounts. `uploads`: what uploads on their way in are called ("photos").
    `openapi`: the application's part of `/openapi.json`. `settings`: a frozen dataclass that adds the application's own to `Settings`;
    `region.settings` is one. `limits`: what of them the pages are told in `uiConfig.json`. `drill`: makes what a drill does to it, from
    the run's name and a nonce.

    Raises ValueError for a kind that cannot be used.
    """

    build: Callable[["Region"], Any]
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    sweep: Callable[["Region"], Awaitable[None]] | None = None
    site: Path | None = None
    accounts: bool = True
    uploads: str = "uploads"
    openapi: Callable[[], Mapping[str, Any]] | None = None
    settings: type[Settings] = Settings
    limits: Callable[[Settings], Mapping[str, int]] | None = None
    drill: Callable[[str, str], Probe] | None = None

    def __post_init__(self) -> None:
        for kind in self.kinds:
            if not KIND.fullmatch(kind):
                raise ValueError(f"kinds: {kind!r} must be at most 63 lower-case letters, digits and hyphens, and may end with a /")
            if kind in RESERVED:
                raise ValueError(f"kinds: {kind!r} is a kind of the accounts; choose another name")

    @property
    def counted(self) -> Sequence[str]:
        """The kinds whose records `multiregion status` counts."""
        own = [kind for kind, each in self.kinds.items() if each.counted and not kind.endswith("/")]
        return [*own, "users"] if self.accounts else own

    def declared(self, kind: str) -> str | None:
        """The name under which a record's kind is declared, if it is."""
        family = kind.partition("/")[0] + "/"
        return kind if kind in self.kinds and not kind.endswith("/") else family if "/" in kind and family in self.kinds else None

    def name_of(self, kind: str) -> str:
        """What one record of this kind is called."""
        declared = self.declared(kind)
        return (self.kinds[declared].name if declared else "") or kind.partition("/")[0].removesuffix("s")

    def title_of(self, kind: str, value: bytes) -> str | None:
        """A record in a few words, if the application has words for it: a title that fails has none."""
        declared = self.declared(kind)
        title = self.kinds[declared].title if declared else None
        try:
            return str(title(value)) if title else None
        except Exception:  # noqa: BLE001  whatever the application raises
            return None


def load(name: str) -> Application:
    """The application that `module:attribute` names. Raises BadDeployment, saying what is wrong with it."""
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise BadDeployment(f"the application {name!r} must be named as module:attribute, as in todo:app")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # as for `python -m`, whatever command this is
    try:
        found = import_module(module)
    except ModuleNotFoundError as error:
        raise BadDeployment(f"the application {name} cannot be loaded: {error}. Run the command where {module} can be imported") from error
    except Exception as error:
        raise BadDeployment(f"the application {name} cannot be loaded: {type(error).__name__}: {error}") from error
    made = getattr(found, attribute, None)
    if not isinstance(made, Application):
        what = "has no such attribute" if made is None else f"has a {type(made).__name__} there"
        raise BadDeployment(f"the application {name} must be a multiregion.Application, but {module} {what}")
    return made


@dataclass(slots=True)
class Asked:
    """What is known of the request that is answered: the epoch that its sender decided under, as its header says it, and the last
    refusal of the region."""

    epoch: str | None = None
    refusal: MultiregionError | None = None


ASKED: ContextVar[Asked | None] = ContextVar("asked", default=None)


class Identifies(Protocol):
    async def __call__(self, authorization: str) -> Caller:
        """Whose request this is, by its Authorization header. Raises Unauthorized."""
        ...


class Page(list[Record]):
    """One page of records. `next`: the `after` of the next page; None at the end."""

    def __init__(self, records: Iterable[Record], next: str | None) -> None:
        super().__init__(records)
        self.next = next


class Region:
    """One region, as an application sees it.

    What it writes is fenced (refused in a region that is not the writer), logged, replicated, and listed if it is lost. A refusal needs
    no handling: raised through the application's own handler, it becomes the documented answer, 409 with the state for `Fenced`.
    """

    WRITES_MAX = COMMIT_WRITES_MAX
    """How many writes one commit takes."""

    def __init__(
        self,
        application: Application,
        stores: Stores,
        uploads: Uploads,
        links: Links,
        clock: Clock,
        settings: Settings,
        identify: Identifies,
    ) -> None:
        self._application = application
        self._records = stores.records
        self._stores = stores
        self._identify = identify
        self._loop: asyncio.AbstractEventLoop | None = None
        self.objects: Objects = stores.objects
        """Immutable bytes by their digest. A record that names one in `needs` is seen only where the bytes are."""
        self.uploads = uploads
        """Bytes that browsers send directly, by ticket."""
        self.links = links
        """Signed addresses under which a browser gets an object for a while."""
        self.clock = clock
        self.settings = settings
        self.sync = SyncRegion(self)
        """The same for code that cannot await: a WSGI application, or a thread."""

    @property
    def role(self) -> Role:
        """Whether this is the primary or the secondary region."""
        return self._stores.role

    @property
    def name(self) -> str:
        """The region's name, as in `us-east-1`."""
        return self._stores.name

    async def state(self) -> RoutingState:
        """The state this region obeys."""
        return await self._records.admitted()

    async def caller(self, authorization: str) -> Caller:
        """Who makes a request, by its Authorization header. Raises Unauthorized."""
        return await noting(self._identify(authorization))

    async def get(self, kind: str, id: str) -> Record | None:
        return await self._records.get(self._key(kind, id))

    async def list(self, kind: str, *, after: str = "", limit: int = 50, newest_first: bool = False) -> Page:
        """One page of a kind's records in their `order` (those without: by id). Raises InvalidInput for a limit that is not 1 to 1,000,
        and for an `after` that no page gave."""
        if not 1 <= limit <= LIST_MAX:
            raise noted(InvalidInput(f"limit must be a whole number from 1 to {LIST_MAX:,}", field="limit", limit=LIST_MAX))
        partition = self._key(kind, "").partition
        return Page(*await noting(self._records.query(partition, after=after, limit=limit, newest_first=newest_first)))

    async def count(self, kind: str) -> int:
        return await self._records.count(self._key(kind, "").partition)

    async def put(
        self,
        kind: str,
        id: str,
        value: bytes,
        *,
        order: str = "",
        needs: Sequence[Digest] = (),
        absent: bool = False,
        version: Position | None = None,
        requires: Sequence[Key] = (),
        actor: str = "",
        epoch: int | None = None,
    ) -> Position:
        """Write one record, and return its version. As `commit`."""
        write = Write(self._key(kind, id), value, order, tuple(needs), tuple(requires), absent=absent, version=version)
        return await self.commit([write], actor=actor, epoch=epoch)

    async def delete(
        self,
        kind: str,
        id: str,
        *,
        version: Position | None = None,
        requires: Sequence[Key] = (),
        actor: str = "",
        epoch: int | None = None,
    ) -> Position:
        """Delete one record, whether there is one or not. As `commit`."""
        write = Write(self._key(kind, id), None, requires=tuple(requires), version=version)
        return await self.commit([write], actor=actor, epoch=epoch)

    async def commit(self, writes: Sequence[Write], *, actor: str = "", epoch: int | None = None) -> Position:
        """Apply all writes or none, durably, and return the last one's position; at most 90 at once.

        `actor` is who the log and the loss ledger name; `epoch` the one that was decided under, by default the request's own
        `Multiregion-Epoch`.

        Raises Fenced if this region is not the writer, StaleEpoch if another epoch has begun since, NotReady, Conflict if a condition of
        a write does not hold, NotFound if a record that a write requires is missing, Overloaded, DiskFull and DiskFailed: nothing was
        written then. After CommitUnknown that cannot be said.
        """
        for each in writes:
            self._key(each.key.partition, each.key.id)
        if not 1 <= len(writes) <= COMMIT_WRITES_MAX:
            raise noted(InvalidInput(f"writes must be 1 to {COMMIT_WRITES_MAX} in one commit", field="writes", limit=COMMIT_WRITES_MAX))
        decided = self.asked_epoch() if epoch is None else epoch
        return await noting(self._records.commit(writes, epoch=decided, actor=actor))

    def asked_epoch(self) -> int | None:
        """The epoch that the sender of the request that is answered says it decided under. Raises InvalidInput."""
        asked = ASKED.get()
        if asked is None or asked.epoch is None:
            return None
        if NUMBER.fullmatch(asked.epoch):
            return int(asked.epoch)
        raise noted(InvalidInput("Multiregion-Epoch must be a whole number", field="Multiregion-Epoch"))

    async def version(self, kind: str, id: str) -> Position | None:
        """Where the record was written, or deleted, last. None: there never was one."""
        return await self._records.version(self._key(kind, id))

    async def confirm(self, position: Position) -> None:
        """Wait until what was written up to there is as durable as `commit` makes it: before a request is answered again that was
        answered before. Raises Unreachable if that cannot be said."""
        await noting(self._records.confirm(position))

    def _key(self, kind: str, id: str) -> Key:
        if self._application.declared(kind) is None:
            declared = ", ".join(self._application.kinds) or "none"
            raise noted(InvalidInput(f"the application declares no kind {kind!r}, but {declared}", field="kind"))
        return Key(kind, id)

    def bind(self) -> None:
        """From now on `sync` works through the loop that runs this."""
        self._loop = asyncio.get_running_loop()

    def loop(self) -> asyncio.AbstractEventLoop:
        """The region's own loop, for another thread. Raises RuntimeError inside of it, and before the region serves."""
        if self._loop is None:
            raise RuntimeError("region.sync works once the region serves")
        try:
            inside = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            inside = False
        if inside:
            raise RuntimeError("region.sync would wait for itself here: use `await region.…`")
        return self._loop


class SyncRegion:
    """A region for code that cannot await: each call waits for the same call of `Region`."""

    def __init__(self, region: Region) -> None:
        self._region = region

    def state(self) -> RoutingState:
        return self._run(self._region.state())

    def caller(self, authorization: str) -> Caller:
        return self._run(self._region.caller(authorization))

    def get(self, kind: str, id: str) -> Record | None:
        return self._run(self._region.get(kind, id))

    def list(self, kind: str, *, after: str = "", limit: int = 50, newest_first: bool = False) -> Page:
        return self._run(self._region.list(kind, after=after, limit=limit, newest_first=newest_first))

    def count(self, kind: str) -> int:
        return self._run(self._region.count(kind))

    def put(self, kind: str, id: str, value: bytes, **more: Any) -> Position:
        return self._run(self._region.put(kind, id, value, **more))

    def delete(self, kind: str, id: str, **more: Any) -> Position:
        return self._run(self._region.delete(kind, id, **more))

    def commit(self, writes: Sequence[Write], **more: Any) -> Position:
        return self._run(self._region.commit(writes, **more))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        asked = ASKED.get()

        async def as_asked() -> T:
            ASKED.set(asked)
            return await work

        try:
            loop = self._region.loop()
        except RuntimeError:
            work.close()
            raise
        return asyncio.run_coroutine_threadsafe(as_asked(), loop).result()


async def noting(work: Awaitable[T]) -> T:
    """What a request is refused with is kept, in case a framework makes an error of its own of it; what went well afterwards shows that
    the application has dealt with it."""
    try:
        found = await work
    except MultiregionError as error:
        noted(error)
        raise
    noted(None)
    return found


def noted(error: Refusal) -> Refusal:
    asked = ASKED.get()
    if asked is not None:
        asked.refusal = error
    return error
