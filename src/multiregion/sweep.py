"""Removes what deletions and broken uploads leave behind: uploads that nobody committed, objects that nothing needs."""

from multiregion.application import Application, Region
from multiregion.region import LoggedRegion
from multiregion.region import Region as Stores
from multiregion.stores import Uploads

UNNEEDED_SECONDS = 3600.0


async def sweep(application: Application, region: Region, stores: Stores, uploads: Uploads) -> None:
    """Uploads are swept in every region; what the application left half done is finished by the writer. Objects that nothing needs are
    removed by the writer, and by every region that follows a log: it claims an object before it applies the record that needs it.
    Engines do not, so there a region that follows may be about to get a record that needs an object it already has."""
    await uploads.sweep()
    is_writer = (await stores.records.admitted()).writer is stores.role
    if is_writer and application.sweep is not None:
        await application.sweep(region)
    if is_writer or await follows_log(stores):
        await discard_objects(stores)


async def follows_log(stores: Stores) -> bool:
    """A region that has lost its records does not know yet what they need."""
    return isinstance(stores, LoggedRegion) and await stores.records.is_whole()


async def discard_objects(stores: Stores) -> None:
    """Whatever is younger may be waiting for its record."""
    async for digest, _ in stores.objects.digests():
        if not await stores.records.is_needed(digest):
            await stores.objects.discard(digest, older_than_seconds=UNNEEDED_SECONDS)
