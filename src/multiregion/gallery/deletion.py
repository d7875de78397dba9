"""Deleting a photo with all its comments.

A photo goes in one commit, together with a note of what is still to be done; its comments cannot be seen from then on, and
none can be added. The note goes when the last comment has gone, so whoever finds it can finish the job, in either region.
"""

from collections.abc import Sequence
from contextlib import suppress

from multiregion import Key, MultiregionError, Region, Write
from multiregion.errors import NotFound
from multiregion.gallery.comments import PHOTOS, partition, unknown_photo

NOTES = "deletions"
BATCH = Region.WRITES_MAX - 2  # beside the photo and the note
SWEEPER = "multiregion"


class Deletion:
    def __init__(self, region: Region) -> None:
        self._region = region

    async def delete(self, photo_id: str, actor: str, epoch: int | None) -> None:
        """Raises UnknownPhoto if there is none by now."""
        photo, note = Key(PHOTOS, photo_id), Key(NOTES, photo_id)
        writes = [Write(photo, None, requires=(photo,)), Write(note, photo_id.encode(), photo_id), *await self._comments(photo_id)]
        try:
            await self._region.commit(writes, epoch=epoch, actor=actor)
        except NotFound as missing:
            raise unknown_photo(photo_id) from missing
        with suppress(MultiregionError):  # the photo is gone, which was asked for; the rest waits for a sweep
            await self._finish(photo_id, actor)

    async def _finish(self, photo_id: str, actor: str) -> None:
        """Ends, because no comment can be added to a photo that is gone."""
        while comments := await self._comments(photo_id):
            await self._region.commit(comments, epoch=None, actor=actor)
        await self._region.commit([Write(Key(NOTES, photo_id), None)], epoch=None, actor=actor)

    async def _comments(self, photo_id: str) -> Sequence[Write]:
        return [Write(record.key, None) for record in await self._region.list(partition(photo_id), limit=BATCH)]

    async def sweep(self) -> None:
        """Finish the deletions that were left half done."""
        for note in await self._region.list(NOTES, limit=BATCH):
            await self._finish(note.key.id, SWEEPER)
