"""Make a lost write again, as an ordinary new one: objects first, then a fenced commit that overwrites nothing unseen."""

from multiregion.errors import Conflict
from multiregion.region import LoggedRegion
from multiregion.replication import Peer, bring
from multiregion.stores import Change, Position, Write


async def restore(region: LoggedRegion, peer: Peer, lost: Change, expected: Position | None, *, actor: str, force: bool) -> Position:
    """Commit `lost` at the current epoch and return its position. Idempotent: a record that holds it already is left alone.

    `expected` is the version that the record must still have, None that there is none. Raises Conflict if it has been
    written meanwhile, unless `force`; Fenced and the like as any commit; Unreachable, NotFound if an object cannot be had.
    """
    write = lost.write
    current = await region.records.get(write.key)
    if current is not None and current.value == write.value:
        return current.version
    if current is None and write.value is None:
        return (await region.records.head()).position
    await bring(write.needs, region.objects, peer)
    absent, version = (False, None) if force else (expected is None, expected)
    again = Write(write.key, write.value, write.order, write.needs, absent=absent, version=version)
    try:
        return await region.records.commit([again], epoch=None, actor=actor)
    except Conflict as conflict:
        raise Conflict(f"{conflict.detail} since this write was lost; --force overwrites it") from conflict
