"""Both regions' loss ledgers become one set: each takes in what the other has, in every state, again and again."""

from collections.abc import Sequence

from multiregion.clock import Clock
from multiregion.errors import MultiregionError
from multiregion.region import LoggedRegion
from multiregion.replication import Peer, bring
from multiregion.stores import Change, needs_of

EXCHANGE_SECONDS = 1.0
PENDING = "pending"


class LedgerExchange:
    """One region's side. Begins anew whenever the other region's file is another one."""

    def __init__(self, region: LoggedRegion, peer: Peer, clock: Clock) -> None:
        self._region = region
        self._peer = peer
        self._clock = clock
        self._store = ""
        self._after = 0

    async def run(self) -> None:
        """One look; called again and again."""
        try:
            await self._look()
        finally:
            await self._clock.sleep(EXCHANGE_SECONDS)

    async def _look(self) -> None:
        store = (await self._peer.standing()).store
        if store != self._store:
            self._store, self._after = store, 0
        while losses := await self._peer.losses(self._after):
            await self._region.records.merge(losses)
            await self._keep_objects([loss.change for loss in losses if loss.outcome == PENDING])
            self._after = losses[-1].revision

    async def _keep_objects(self, changes: Sequence[Change]) -> None:
        """A record that is listed as lost can be made again only while somebody has its bytes."""
        for change in changes:
            try:
                await bring(needs_of([change]), self._region.objects, self._peer)
            except MultiregionError:
                continue
