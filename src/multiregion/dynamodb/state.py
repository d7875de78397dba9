"""The authority's state and its history in a table that is in neither region's failure domain."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from multiregion.clock import Clock
from multiregion.dynamodb.errors import Cancelled
from multiregion.dynamodb.items import Item, key_item, state_item, state_of
from multiregion.dynamodb.session import Engines
from multiregion.errors import MultiregionError, NotReady, Overloaded, StaleEpoch, Unreachable
from multiregion.states import FIRST, RoutingState
from multiregion.stores import Decision, Entry, Key

TRIES_MAX = 10
PAUSE_SECONDS, PAUSE_SECONDS_MAX = 0.02, 1.0
PAGE = 100
DIGITS = 15


class DynamoState:
    """`StateStore` for one application. The newest state and the number of the last line of history are one item, which every
    decision replaces in the transaction that adds its line."""

    def __init__(self, engines: Engines, app_id: str, clock: Clock) -> None:
        self._engines = engines
        self._table = engines.config.table
        self._clock = clock
        self._newest = Key(f"#authority/{app_id}", "state")
        self._lines = f"#authority/{app_id}/history"

    def close(self) -> None:
        self._engines.close()

    async def begin(self) -> None:
        """Decide the first state, unless something has been decided before."""
        if await self._read() is None:
            first = Decision(FIRST, "multiregion", self._clock.now(), "deployed")
            try:
                await self._add(None, first)
            except StaleEpoch:
                return  # another process of the authority was first

    async def read(self) -> RoutingState:
        return state_of(await self._stored())

    async def replace(
        self, old: RoutingState, new: RoutingState, *, actor: str, reason: str, facts: Mapping[str, Any] | None = None
    ) -> RoutingState:
        decision = Decision(new, actor, self._clock.now(), reason, facts=facts or {})
        for attempt in range(TRIES_MAX):
            stored = await self._stored()
            if state_of(stored) != old:
                raise await self._overtaken()
            try:
                await self._add(stored, decision)
            except StaleEpoch:
                await self._pause(attempt)  # a note may have been added, which changes no state
                continue
            return new
        raise Overloaded("the history is being written by others all the time; try again")

    async def note(self, what: str, *, actor: str, reason: str, facts: Mapping[str, Any]) -> None:
        for attempt in range(TRIES_MAX):
            stored = await self._stored()
            try:
                await self._add(stored, Decision(state_of(stored), actor, self._clock.now(), reason, what, facts))
            except StaleEpoch:
                await self._pause(attempt)
                continue
            return
        raise Overloaded("the history is being written by others all the time; try again")

    async def history(self, limit: int = 50, *, about: str | None = None) -> Sequence[Decision]:
        found: list[Decision] = []
        async for item in self._newest_first():
            decision = decision_of(item)
            if about in (None, decision.what, decision.actor):
                found.append(decision)
            if len(found) >= limit:
                break
        return found

    async def entries(self, limit: int) -> Sequence[Entry]:
        """Engines lose nothing that could be decided about, so each decision is one."""
        return [Entry(decision) for decision in await self.history(limit)]

    async def _overtaken(self) -> StaleEpoch:
        (newest,) = await self.history(1, about="state")
        state = newest.state
        return StaleEpoch(f"{newest.actor} changed the state to {state.state} (epoch {state.epoch}) first", state=state)

    async def _stored(self) -> Item:
        stored = await self._read()
        if stored is None:
            raise NotReady("the authority's table holds no state of this application yet")
        return stored

    async def _read(self) -> Item | None:
        answer = await self._engines.ask("get_item", TableName=self._table, Key=key_item(self._newest), ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item

    async def _add(self, stored: Item | None, decision: Decision) -> None:
        """Raises StaleEpoch if anything has been added since `stored` was read; Unreachable if nobody can tell."""
        number = int(stored["number"]["N"]) + 1 if stored else 1
        token = self._clock.new_id()
        line = {**key_item(Key(self._lines, f"{number:0{DIGITS}}")), **decision_item(decision), "token": {"S": token}}
        items = [self._moved(stored, decision, number, token), {"Put": {"TableName": self._table, "Item": line}}]
        problem: MultiregionError | None = None
        for attempt in range(TRIES_MAX):
            try:
                await self._engines.ask("transact_write_items", TransactItems=items, ClientRequestToken=token)
                return
            except Cancelled as cancelled:
                if all(reason.code in ("None", "TransactionConflict", "ThrottlingError") for reason in cancelled.reasons):
                    problem = problem or Overloaded("others write at the same moment; try again")
                elif await self._is_there(token):
                    return
                else:
                    raise StaleEpoch("something was decided meanwhile") from cancelled
            except (Overloaded, Unreachable) as error:
                problem = error if isinstance(error, Unreachable) else problem or error
            await self._pause(attempt)
        assert problem is not None
        raise problem

    def _moved(self, stored: Item | None, decision: Decision, number: int, token: str) -> Item:
        item = {**key_item(self._newest), **state_item(decision.state), "number": {"N": str(number)}, "token": {"S": token}}
        if stored is None:
            return {"Put": {"TableName": self._table, "Item": item, **IS_NEW}}
        unchanged = {
            "ConditionExpression": "#number = :number",
            "ExpressionAttributeNames": {"#number": "number"},
            "ExpressionAttributeValues": {":number": stored["number"]},
        }
        return {"Put": {"TableName": self._table, "Item": item, **unchanged}}

    async def _is_there(self, token: str) -> bool:
        """Whether a decision whose answer was lost has been made."""
        item = await self._read()
        return item is not None and item["token"]["S"] == token

    async def _pause(self, attempt: int) -> None:
        longest = min(PAUSE_SECONDS * 2**attempt, PAUSE_SECONDS_MAX)
        await self._clock.sleep(longest * (1 + int(self._clock.new_id()[-4:], 16) / 0x10000) / 2)

    async def _newest_first(self) -> AsyncIterator[Item]:
        start: dict[str, Any] = {}
        while True:
            answer = await self._engines.ask(
                "query",
                TableName=self._table,
                KeyConditionExpression="#partition = :partition",
                ExpressionAttributeNames={"#partition": "partition"},
                ExpressionAttributeValues={":partition": {"S": self._lines}},
                ScanIndexForward=False,
                ConsistentRead=True,
                Limit=PAGE,
                **start,
            )
            for item in answer["Items"]:
                yield item
            if not answer.get("LastEvaluatedKey"):
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


IS_NEW = {"ConditionExpression": "attribute_not_exists(#id)", "ExpressionAttributeNames": {"#id": "id"}}


def decision_item(decision: Decision) -> Item:
    return {
        **state_item(decision.state),
        "actor": {"S": decision.actor},
        "at": {"N": repr(decision.at)},
        "reason": {"S": decision.reason},
        "what": {"S": decision.what},
        "facts": {"S": json.dumps(dict(decision.facts))},
    }


def decision_of(item: Item) -> Decision:
    texts = (item["actor"]["S"], float(item["at"]["N"]), item["reason"]["S"], item["what"]["S"])
    return Decision(state_of(item), *texts, facts=json.loads(item["facts"]["S"]))
