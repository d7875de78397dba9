"""Make a lost write again, as an ordinary new one: objects first, then a fenced commit that overwrites nothing unseen."""

from msgspec.structs import replace

from multiregion.errors import Conflict, NotFound
from multiregion.region import LoggedRegion
from multiregion.replication import Peer, bring
from multiregion.stores import Change, Mark, Position, Write

DISCARDED = "discarded"


async def restore(region: LoggedRegion, peer: Peer, lost: Change, expected: Position | None, *, actor: str, force: bool) -> Position:
    """Commit `lost` at the current epoch and return its position. Idempotent: what is so already is left alone.

    `expected` is the version that the record must still have, None that there is none. Raises Conflict if it has been written meanwhile,
    unless `force`, if another record that it requires does not exist, or if somebody has discarded it; Fenced and the like as any
    commit; Unreachable, NotFound, Damaged if an object cannot be had.
    """
    records, write = region.records, upon_others(lost.write)
    if await records.outcome(Mark(lost.position, lost.chain)) == DISCARDED:
        raise Conflict("somebody else has discarded it meanwhile")
    version, current = await records.version(write.key), await records.get(write.key)
    if version is not None and (current.value if current else None) == write.value:
        await records.confirm(version)
        return version
    await bring(write.needs, region.objects, peer)
    for digest in write.needs:
        await region.objects.file(digest)  # sound, or fetched again
    again = write if force else on_condition(write, version, expected)
    try:
        return await records.commit([again], epoch=None, actor=actor)
    except Conflict as conflict:
        raise Conflict(f"{conflict.detail} since this write was lost; --force overwrites it") from conflict
    except NotFound as missing:
        raise Conflict(f"{missing.detail}, and this write needs it: it was deleted, or is a lost write itself") from missing


def upon_others(write: Write) -> Write:
    """`write`, without what it requires of its own record: `on_condition` says how that must be."""
    return replace(write, requires=tuple(key for key in write.requires if key != write.key))


def on_condition(write: Write, version: Position | None, expected: Position | None) -> Write:
    """`write`, if the record is still what it was made upon. To delete what never was is to note that it shall not be."""
    absent = expected is None or (write.value is None and version is None)
    return replace(write, absent=absent, version=None if absent else expected)
