"""Uploads on their way in: received in pieces into a folder, checked against what was announced, and kept until they are committed."""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import msgspec

from multiregion.clock import Clock
from multiregion.embedded.folders import FolderHealth, make_folder, remove, write_canary
from multiregion.embedded.objects import sync_folder
from multiregion.embedded.tickets import Policy, policy_of, sign, verify
from multiregion.errors import InvalidInput, MultiregionError, TooLarge
from multiregion.health import SLOW_WRITE_SECONDS, WriteHealth
from multiregion.stores import Announced, Ticket, Upload

CANARY = "canary.part"
PIECE_BYTES = 1024 * 1024
GRACE_SECONDS = 600.0
TICKETS_COUNTED_MAX = 10_000


class Arrival(msgspec.Struct, frozen=True):
    """Beside an upload's bytes: what was announced, and the name of the file with them."""

    policy: Policy
    file: str


class Receiving:
    """One upload while its bytes arrive: gathered into large pieces, each hashed and written in a thread while the next one
    arrives, and cut off when they are too many."""

    def __init__(self, announced: Announced, file: Path, health: FolderHealth, ended: "Callable[[Receiving, bool], None]") -> None:
        """`ended` is told at the end, and whether all had arrived. Raises DiskFull, DiskFailed."""
        self.announced = announced
        self.file = file
        self._health = health
        self._ended = ended
        with health.writes():
            self._out = file.open("xb")
        self._hash = sha256()
        self._gathered = bytearray()
        self._size = 0
        self._writing: asyncio.Future[None] | None = None

    def add(self, data: memoryview | bytes) -> None:
        """Raises TooLarge with the first byte too many."""
        self._size += len(data)
        if self._size > self.announced.size:
            limit = self.announced.size
            raise TooLarge(f"the upload is larger than the {limit} bytes that were announced", field="file", limit=limit)
        self._gathered += data

    async def drain(self) -> None:
        """Begin to write what has been gathered, once it is worth it and the piece before is written. Raises DiskFull, DiskFailed."""
        if len(self._gathered) >= PIECE_BYTES:
            await self._written()
            piece, self._gathered = self._gathered, bytearray()
            self._writing = asyncio.ensure_future(asyncio.to_thread(self._write, piece))

    async def finish(self) -> None:
        """Make the bytes durable. Raises InvalidInput if they are not what was announced; DiskFull, DiskFailed."""
        await self._written()
        await asyncio.to_thread(self._finish)

    async def _written(self) -> None:
        if self._writing:
            writing, self._writing = self._writing, None
            await writing

    def abandon(self) -> None:
        """Remove what has arrived, unless it was finished."""
        if self._writing:
            self._writing.cancel()
        finished = self._out.closed
        if not finished:
            with suppress(OSError):  # on a full disk even closing fails, and it is closed all the same
                self._out.close()
            remove(self.file)
        self._ended(self, finished)

    def _write(self, piece: bytearray) -> None:
        self._hash.update(piece)
        with self._health.writes():
            self._out.write(piece)

    def _finish(self) -> None:
        self._write(self._gathered)
        if self._size != self.announced.size:
            raise InvalidInput(f"the upload has {self._size} bytes, not the {self.announced.size} that were announced", field="size")
        if self._hash.hexdigest() != self.announced.sha256:
            raise InvalidInput(f"the upload has the digest {self._hash.hexdigest()}, not the one that was announced", field="sha256")
        with self._health.writes():
            self._out.flush()
            os.fsync(self._out.fileno())
            self._out.close()
        self._health.wrote()


class PendingUploads:
    """`Uploads` in one folder. For each id and user one `.json`, which names the file with the bytes beside it."""

    def __init__(
        self, folder: Path, url: str, key: bytes, clock: Clock, ticket_seconds: int, slow_seconds: float = SLOW_WRITE_SECONDS
    ) -> None:
        """Raises DiskFailed."""
        self._folder = folder
        self._url = url
        self._key = key
        self._clock = clock
        self._ticket_seconds = ticket_seconds
        self._health = FolderHealth(str(folder), clock, self._try_out, slow_seconds)
        make_folder(folder)
        remove(*folder.glob("*.part"))
        self._arriving: dict[Receiving, str] = {}
        self._arrived = self._arrived_lately()
        self._ticketed: dict[str, float] = {}

    def writing(self) -> WriteHealth:
        """How writing to the folder goes."""
        return self._health.now()

    async def prove_writing(self) -> None:
        """Try the folder if no upload was kept for a moment; `writing` says what came of it."""
        await self._health.prove()

    def _try_out(self) -> None:
        write_canary(file := self._folder / CANARY)
        file.unlink()

    def in_flight(self) -> int:
        """How many uploads are on their way in: announced with a ticket that is still good; arriving; or here for no longer than a
        ticket lives, since whoever means to commit one does so at once. The bytes of the others are kept until they are swept. What
        was refused is not on its way."""
        for counted in (self._ticketed, self._arrived):
            forget_expired(counted, self._clock.monotonic())
        return len({*self._ticketed, *self._arrived, *self._arriving.values()})

    def _arrived_lately(self) -> dict[str, float]:
        """The uploads that an earlier process has received, in the order in which they stop counting."""
        now, elapsed = self._clock.now(), self._clock.monotonic()
        ages = {note.name: max(0.0, now - note.stat().st_mtime) for note in self._folder.glob("*.json")}
        until = {name: elapsed + self._ticket_seconds - age for name, age in ages.items()}
        return dict(sorted(until.items(), key=lambda each: each[1]))

    def _note_ticket(self, note: Path) -> None:
        """In the order in which they expire. Beyond TICKETS_COUNTED_MAX the oldest are not counted."""
        self._ticketed.pop(note.name, None)
        self._ticketed[note.name] = self._clock.monotonic() + self._ticket_seconds
        if len(self._ticketed) > TICKETS_COUNTED_MAX:
            del self._ticketed[next(iter(self._ticketed))]

    def _note_end(self, receiving: Receiving, finished: bool) -> None:
        """What broke off or was refused counts again when somebody sends it again."""
        name = self._arriving.pop(receiving, None)
        if name is not None and not finished:
            self._ticketed.pop(name, None)

    async def ticket(self, announced: Announced) -> Ticket:
        self._note_ticket(self._note(announced.id, announced.user))
        policy = policy_of(announced, self._clock.now() + self._ticket_seconds)
        return Ticket(f"{self._url}/uploads", sign(policy, self._key))

    def receive(self, fields: Mapping[str, str]) -> Receiving:
        """Begin an upload. The form's fields are all the authority there is. Raises Forbidden, Expired, DiskFull, DiskFailed."""
        announced = verify(fields, self._key, self._clock.now())
        receiving = Receiving(announced, self._folder / f"{self._clock.new_id()}.part", self._health, self._note_end)
        self._arriving[receiving] = self._note(announced.id, announced.user).name
        return receiving

    async def keep(self, arriving: Receiving) -> None:
        """Finish an upload, and put it where `pending` finds it. A second upload takes the first one's place."""
        await arriving.finish()
        await asyncio.to_thread(self._keep, arriving)
        name = self._note(arriving.announced.id, arriving.announced.user).name
        self._ticketed.pop(name, None)
        self._arrived.pop(name, None)
        self._arrived[name] = self._clock.monotonic() + self._ticket_seconds

    async def pending(self, id: str, user: str) -> Upload | None:
        arrival = self._arrival(self._note(id, user))
        return Upload(arrival.policy.announced(), self._folder / arrival.file) if arrival else None

    async def forget(self, upload: Upload) -> None:
        """Only this upload: the note stays if it speaks of a newer one by now."""
        note = self._note(upload.announced.id, upload.announced.user)
        arrival = self._arrival(note)
        if arrival and arrival.file == upload.path.name:
            remove(note)  # what the disk does not let go is swept later
            self._arrived.pop(note.name, None)
            self._ticketed.pop(note.name, None)
        remove(upload.path)

    async def sweep(self) -> int:
        with self._health.writes():
            return await asyncio.to_thread(lambda: len(list(self._swept())))

    def _note(self, id: str, user: str) -> Path:
        """A name of its own for each pair, whatever is in it: nobody can touch another user's upload."""
        return self._folder / f"{sha256(f'{id}/{user}'.encode()).hexdigest()}.json"

    def _arrival(self, note: Path) -> Arrival | None:
        with self._health.reads():
            try:
                return msgspec.json.decode(note.read_bytes(), type=Arrival)
            except FileNotFoundError:
                return None

    def _keep(self, receiving: Receiving) -> None:
        a = receiving.announced
        note, part = self._note(a.id, a.user), receiving.file
        earlier = self._arrival(note)
        bytes_file = part.with_suffix(".bin")
        draft = part.with_suffix(".note.part")
        try:
            with self._health.writes():
                part.rename(bytes_file)
                with draft.open("wb") as file:
                    file.write(msgspec.json.encode(Arrival(policy_of(a, self._clock.now()), bytes_file.name)))
                    file.flush()
                    os.fsync(file.fileno())
                draft.rename(note)
                sync_folder(self._folder)
        except MultiregionError:
            remove(bytes_file, draft)
            raise
        if earlier:
            remove(self._folder / earlier.file)

    def _swept(self) -> Iterator[Path]:
        oldest = self._clock.now() - self._ticket_seconds - GRACE_SECONDS
        for file in self._folder.iterdir():
            with suppress(FileNotFoundError):
                if file.stat().st_mtime < oldest:
                    file.unlink()
                    yield file


def forget_expired(counted: dict[str, float], now: float) -> None:
    """`counted` is in the order in which its entries expire."""
    while counted and counted[oldest := next(iter(counted))] < now:
        del counted[oldest]
