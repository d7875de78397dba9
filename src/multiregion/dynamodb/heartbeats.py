"""How far a region is behind, where the engine replicates and does not say: measured by heartbeats that are answered.

Each process writes the number of its heartbeat, and the newest it has seen of the others. An answer to heartbeat n was written
after n was: so whoever reads it has what the other region wrote before n, and knows by its own clock alone how long ago that is.
"""

from typing import Any

from multiregion.clock import Clock
from multiregion.dynamodb.items import Item, key_item
from multiregion.dynamodb.session import Engines
from multiregion.stores import UNKNOWN_LAG, Key, Lag

PARTITION = "#heartbeats"
SENT_MAX = 1_000
DAY_SECONDS = 86_400


class Heartbeats:
    """`Replication` for one process of `region`; several processes of a region each measure for themselves."""

    def __init__(self, engines: Engines, region: str, clock: Clock) -> None:
        self._engines = engines
        self._region = region
        self._clock = clock
        self._id = f"{region}/{clock.new_id()}"
        self._number = 0
        self._sent: dict[int, float] = {}
        self._level_at: float | None = None

    def status(self) -> Lag:
        if self._level_at is None:
            return UNKNOWN_LAG
        return Lag(seconds=self._clock.monotonic() - self._level_at, changes=None, bytes=None)

    async def beat(self) -> None:
        """Read what the others have said, and answer it with the next heartbeat."""
        seen = await self._seen()
        self._number += 1
        self._sent[self._number] = self._clock.monotonic()
        self._sent.pop(self._number - SENT_MAX, None)
        item = {
            **key_item(Key(PARTITION, self._id)),
            "region": {"S": self._region},
            "beat": {"N": str(self._number)},
            "seen": {"M": {id: {"N": str(number)} for id, number in seen.items()}},
            "expires": {"N": str(int(self._clock.now()) + DAY_SECONDS)},
        }
        await self._engines.call(self._engines.dynamodb.put_item, TableName=self._engines.config.table, Item=item)

    async def _seen(self) -> dict[str, int]:
        """The newest heartbeat of each process of the other region."""
        seen: dict[str, int] = {}
        for item in await self._items():
            if item["region"]["S"] == self._region:
                continue
            seen[item["id"]["S"]] = int(item["beat"]["N"])
            answered = int(item["seen"]["M"].get(self._id, {"N": "0"})["N"])
            if (sent := self._sent.get(answered)) is not None:
                self._level_at = max(sent, self._level_at or sent)
        return seen

    async def _items(self) -> list[Item]:
        asked: dict[str, Any] = {
            "TableName": self._engines.config.table,
            "KeyConditionExpression": "#partition = :partition",
            "ExpressionAttributeNames": {"#partition": "partition"},
            "ExpressionAttributeValues": {":partition": {"S": PARTITION}},
        }
        answer = await self._engines.call(self._engines.dynamodb.query, **asked)
        items: list[Item] = answer["Items"]
        return items
