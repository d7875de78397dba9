"""The chain beside each position: equal positions are equal histories only if their chains are equal, too. Pure."""

from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from multiregion.errors import Conflict, LogSpoiled
from multiregion.stores import BEGINNING, Change, Mark

CHAIN_BYTES = 16
PROBES = 32
"""How many places of a log are asked for at once, when two logs are compared."""

Marks = Callable[[Sequence[int]], Awaitable[Sequence[Mark | None]]]
"""The marks at these sequences of a log, None where it has none."""


def linked(before: str, change: Change) -> str:
    """The chain that ends with `change`: a digest of the chain before, the position, the key and the digest of the value. It
    covers digests, not values, so that a value can be taken out of a log; and what the write requires only if it requires
    anything, so that the logs of older files keep their chains."""
    write, position = change.write, change.position
    value = change.digest or (None if write.value is None else sha256(write.value).digest())
    link: tuple[Any, ...] = (before, position.epoch, position.sequence, write.key.partition, write.key.id, write.order, write.needs, value)
    if write.requires:
        link = (*link, [(key.partition, key.id) for key in write.requires])
    return sha256(msgspec.msgpack.encode(link)).hexdigest()[: 2 * CHAIN_BYTES]


async def shared_mark(length: int, ours: Marks, theirs: Marks) -> Mark:
    """The last place up to which two logs agree; `length` is the last sequence that both may have. A chain covers all before it,
    so a few rounds of `PROBES` places find it in a log of any length."""
    agreed, beyond = BEGINNING, length + 1  # they agree at `agreed`, and not at `beyond`
    while (gap := beyond - agreed.position.sequence - 1) > 0:
        step = -(-gap // PROBES)
        places = range(agreed.position.sequence + step, beyond, step)
        for place, own, other in zip(places, await ours(places), await theirs(places), strict=True):
            if own is None or own != other:
                beyond = place
                break
            agreed = own
    return agreed


def check_follows(changes: Sequence[Change], end: Mark) -> None:
    """Raises Conflict unless these changes go on where the log ends, and come of the same history."""
    for expected, change in enumerate(changes, end.position.sequence + 1):
        if change.position.sequence != expected or change.position.epoch < end.position.epoch:
            raise Conflict(f"expected change {expected} of epoch {end.position.epoch} or later, got {change.position}")
        end = Mark(change.position, linked(end.chain, change))
        if end.chain != change.chain:
            # Whoever sends it has said that its log goes on from there.
            raise LogSpoiled(
                f"change {change.position.sequence} of epoch {change.position.epoch} in the other region's log is damaged there:"
                " `multiregion verify --deep` puts it back if it can, and says what else to do"
            )
