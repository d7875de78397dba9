"""A gallery with thousands of photographs that were never uploaded one by one: their records share the objects of a few that were."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import msgspec

from multiregion.clock import SystemClock
from multiregion.config import PartConfig, read_part
from multiregion.embedded.records import SqliteRecords
from multiregion.gallery.comments import PHOTOS
from multiregion.gallery.photos import StoredPhoto
from multiregion.stores import Key, Write
from tests.acceptance.deployment import Deployment

BATCH = 500


def multiply(deployment: Deployment, count: int) -> None:
    """Stop the deployment, give the primary `count` photographs more, and start it again. Older ones come first: `Number 1` is the
    newest, as old as one second less than the oldest that was there."""
    assert deployment.stop() == 0
    asyncio.run(add(read_part(deployment.data / "config" / "primary.json"), count))
    deployment.start()


async def add(config: PartConfig, count: int) -> None:
    """With the region's own store, under its own fence: every record has its place in the change log."""
    assert config.role is not None
    records = SqliteRecords(config.folder / "region.db", config.role, SystemClock())
    try:
        await records.admit(await records.admitted())
        found, _ = await records.query(PHOTOS, limit=100, newest_first=True)
        models = [msgspec.json.decode(record.value, type=StoredPhoto) for record in found]
        writes = [written(models[number % len(models)], models[-1].created_at, number + 1) for number in range(count)]
        for first in range(0, count, BATCH):
            await records.commit(writes[first : first + BATCH], epoch=None, actor=models[0].user)
    finally:
        records.close()


def written(model: StoredPhoto, oldest: str, number: int) -> Write:
    taken = datetime.fromisoformat(oldest) - timedelta(seconds=number)
    created_at = taken.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    changes: dict[str, Any] = {"photo_id": f"many-{number:05}", "caption": f"Number {number}", "created_at": created_at}
    photo = msgspec.structs.replace(model, **changes)
    return Write(Key(PHOTOS, photo.photo_id), msgspec.json.encode(photo), created_at, needs=(photo.sha256, photo.thumbnail), absent=True)
