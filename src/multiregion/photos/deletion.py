"""Deleting a photo with all its comments, and sweeping up what deletions and broken uploads leave behind.

A photo goes in one commit, together with a note of what is still to be done; its comments cannot be seen from then on, and
none can be added. The note goes when the last comment has gone, so whoever finds it can finish the job, in either region.
"""

from collections.abc import Sequence
from contextlib import suppress

from multiregion.errors import MultiregionError, NotFound
from multiregion.photos.comments import PHOTOS, partition, unknown_photo
from multiregion.region import LoggedRegion, Region
from multiregion.stores import COMMIT_WRITES_MAX, Key, Uploads, Write

NOTES = "deletions"
BATCH = COMMIT_WRITES_MAX - 2  # beside the photo and the note
UNNEEDED_SECONDS = 3600.0
SWEEPER = "multiregion"


class Deletion:
    def __init__(self, region: Region, uploads: Uploads) -> None:
        self._region = region
        self._uploads = uploads

    async def delete(self, photo_id: str, actor: str, epoch: int | None) -> None:
        """Raises UnknownPhoto if there is none by now."""
        photo, note = Key(PHOTOS, photo_id), Key(NOTES, photo_id)
        writes = [Write(photo, None, requires=(photo,)), Write(note, photo_id.encode(), photo_id), *await self._comments(photo_id)]
        try:
            await self._region.records.commit(writes, epoch=epoch, actor=actor)
        except NotFound as missing:
            raise unknown_photo(photo_id) from missing
        with suppress(MultiregionError):  # the photo is gone, which was asked for; the rest waits for a sweep
            await self._finish(photo_id, actor)

    async def _finish(self, photo_id: str, actor: str) -> None:
        """Ends, because no comment can be added to a photo that is gone."""
        while comments := await self._comments(photo_id):
            await self._region.records.commit(comments, epoch=None, actor=actor)
        await self._region.records.commit([Write(Key(NOTES, photo_id), None)], epoch=None, actor=actor)

    async def _comments(self, photo_id: str) -> Sequence[Write]:
        records, _ = await self._region.records.query(partition(photo_id), limit=BATCH)
        return [Write(record.key, None) for record in records]

    async def sweep(self) -> None:
        """Uploads are swept in every region, and deletions are finished by the writer. Objects that nothing needs are removed by the
        writer, and by every region that follows a log: it claims an object before it applies the record that needs it. Engines do
        not, so there a region that follows may be about to get a record that needs an object it already has."""
        await self._uploads.sweep()
        is_writer = (await self._region.records.admitted()).writer is self._region.role
        if is_writer:
            await self._finish_deletions()
        if is_writer or await self._follows_log():
            await self._discard_objects()

    async def _follows_log(self) -> bool:
        """A region that has lost its records does not know yet what they need."""
        return isinstance(self._region, LoggedRegion) and await self._region.records.is_whole()

    async def _finish_deletions(self) -> None:
        notes, _ = await self._region.records.query(NOTES, limit=BATCH)
        for note in notes:
            await self._finish(note.key.id, SWEEPER)

    async def _discard_objects(self) -> None:
        """Whatever is younger may be waiting for its record."""
        async for digest, _ in self._region.objects.digests():
            if not await self._region.records.is_needed(digest):
                await self._region.objects.discard(digest, older_than_seconds=UNNEEDED_SECONDS)
