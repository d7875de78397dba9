"""Read every needed object again, slowly, and repair what is missing or damaged before anybody asks for it."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from multiregion.clock import Clock, iso
from multiregion.objects import LocalObjects
from multiregion.repair import Needing, Repairs
from multiregion.status import Objects
from multiregion.stores import Digest

PAGE = 100
PRESENCE_SECONDS = 300.0
REVIEW_SECONDS = 30.0
OBJECT_SECONDS_MIN = 0.002
IDLE_SECONDS = 60.0
DAY_SECONDS = 86_400.0


class Progress(msgspec.Struct):
    """How far the scrub is, kept in a file so that a restart does not begin anew: the last object read (`""`: none of this round), what
    was read in this round, when it began, and when the last whole round ended (None: none has)."""

    after: str = ""
    objects: int = 0
    bytes: int = 0
    began_at: float | None = None
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """A round begins `days` after the one before began, and reads no faster than `bytes_per_second`."""

    days: float
    bytes_per_second: float


class Scrub:
    def __init__(self, records: Needing, objects: LocalObjects, repairs: Repairs, clock: Clock, note: Path, pace: Pace) -> None:
        self._records = records
        self._objects = objects
        self._repairs = repairs
        self._clock = clock
        self._note = note
        self._pace = pace
        self.progress = read(note)

    async def scrub(self) -> None:
        """One round, from where an interrupted one ended; or, while none is due, wait."""
        progress, now = self.progress, self._clock.now()
        if progress.began_at is None or (not progress.after and now - progress.began_at >= self._pace.days * DAY_SECONDS):
            self.progress = progress = Progress(began_at=now, ended_at=progress.ended_at)
        elif not progress.after:
            await self._clock.sleep(IDLE_SECONDS)
            return
        while page := await self._records.needed(progress.after, limit=PAGE):
            for digest in page:
                await self._read(digest)
            progress.after = page[-1]
            self._keep()
        progress.after, progress.ended_at = "", self._clock.now()
        self._keep()

    async def watch_presence(self) -> None:
        """Look for what is missing, which takes no reading, more often; and try again what could not be repaired."""
        await self._repairs.run_all()
        await self._clock.sleep(PRESENCE_SECONDS)

    async def watch_known(self) -> None:
        """Look again at what is known to be bad: nobody shall be told of it for long when it is so no more."""
        await self._clock.sleep(REVIEW_SECONDS)
        await self._repairs.review()

    def status(self) -> Objects:
        progress = self.progress
        return Objects(
            scrubbed_at=iso(progress.ended_at) if progress.ended_at else None,
            scrubbed_objects=progress.objects,
            scrubbed_bytes=progress.bytes,
            repaired=self._repairs.repaired,
            unrepaired=len(self._repairs.known),
        )

    async def _read(self, digest: Digest) -> None:
        await self._repairs.run([digest], deep=True)
        size = (await self._objects.look(digest, deep=False)).size or 0
        self.progress.objects += 1
        self.progress.bytes += size
        await self._clock.sleep(max(OBJECT_SECONDS_MIN, size / self._pace.bytes_per_second))

    def _keep(self) -> None:
        draft = self._note.with_suffix(".draft")
        draft.write_bytes(msgspec.json.encode(self.progress))
        draft.replace(self._note)


def read(note: Path) -> Progress:
    """What was kept, or a fresh beginning if that cannot be read: nothing is lost but the time to read some objects again."""
    try:
        return msgspec.json.decode(note.read_bytes(), type=Progress)
    except (OSError, msgspec.DecodeError):
        return Progress()
