"""Fenced records in a DynamoDB table: the fence, every condition and every write are one transaction of the engine.

The engine replicates the table to the other region, each item alone and in no order. So there is no change log here: a
version's sequence is drawn at random, tells two writes of a record apart, and orders nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from multiregion.clock import Clock, iso
from multiregion.dynamodb.errors import Cancelled, ConditionFailed
from multiregion.dynamodb.items import (
    INDEX,
    NEEDS,
    SEQUENCE_MODULUS,
    Item,
    check_size,
    key_item,
    key_of,
    needs_of,
    position_item,
    position_of,
    record_of,
    sort_of,
    state_item,
    state_of,
)
from multiregion.dynamodb.session import Engines
from multiregion.dynamodb.transactions import FENCES, Commit, FenceMoved, fence_key, refusal
from multiregion.errors import Fenced, MultiregionError, NotReady, Overloaded, StaleEpoch, Unreachable
from multiregion.states import Role, RoutingState, State
from multiregion.stores import Digest, Key, Position, Record, Write, cursor, read_cursor

TRIES_MAX = 8
FENCE_TRIES_MAX = 4
PAUSE_SECONDS, PAUSE_SECONDS_MAX = 0.02, 1.0
UNTOLD = RoutingState(State.FENCED, 0, Role.PRIMARY)


class DynamoRecords:
    """`Records` for one region, named by its role and the name under which its fence stands in the table."""

    def __init__(self, engines: Engines, role: Role, region: str, clock: Clock, *, lease: Callable[[], bool] | None = None) -> None:
        """`lease` says whether this region may still write, by a clock that only grows; None: writing needs no lease."""
        self._engines = engines
        self._table = engines.config.table
        self._role = role
        self._region = region
        self._clock = clock
        self._lease = lease
        self._heard: RoutingState | None = None

    def close(self) -> None:
        self._engines.close()

    # Writing

    async def commit(self, writes: Sequence[Write], *, epoch: int | None, actor: str) -> Position:
        state = self._check_fence(self._heard, epoch)
        self._check_lease()
        check_size(writes)
        for _ in range(FENCE_TRIES_MAX):
            commit = self._planned(state, writes, actor)
            try:
                await self._carry_out(commit)
            except FenceMoved as moved:
                state = await self._after(moved, state, epoch)
                continue
            if not self._may_write():
                raise Unreachable("the lease ran out while this was being written; whether it lasts will be known when the region is back")
            return commit.position
        raise Overloaded("the state of the application changes faster than this can be written; try again")

    async def confirm(self, position: Position) -> None:
        """Nothing is waited for: what the engine has acknowledged is durable, and the other region gets it in the engine's time."""

    def _planned(self, state: RoutingState, writes: Sequence[Write], actor: str) -> Commit:
        token = self._clock.new_id()
        position = Position(state.epoch, int(token, 16) % SEQUENCE_MODULUS)
        return Commit(self._table, self._region, self._role, state, position, token, actor, iso(self._clock.now()), writes)

    def _check_fence(self, state: RoutingState | None, epoch: int | None) -> RoutingState:
        """The state to write under, if this region may. It spares a call; the guard is in the transaction."""
        if state is None:
            raise NotReady("this region has started and waits for the authority's word before it accepts writes")
        if epoch is not None and epoch != state.epoch:
            raise StaleEpoch(f"decided at epoch {epoch}, but the epoch is {state.epoch} by now", state=state)
        if state.writer is not self._role:
            raise Fenced(f"the {self._role} region does not accept writes: the application is {state.state}", state=state)
        return state

    async def _after(self, moved: FenceMoved, tried: RoutingState, epoch: int | None) -> RoutingState:
        """The state to try again under: another process of this region has heard more, or the table has not got so far yet."""
        if moved.state is not None and moved.state.epoch >= tried.epoch:
            return self._check_fence(moved.state, epoch)
        await self._store(tried)
        return self._check_fence(await self.admitted(), epoch)

    def _may_write(self) -> bool:
        return self._lease is None or self._lease()

    def _check_lease(self) -> None:
        if not self._may_write():
            raise NotReady("this region holds no lease from the authority, so it does not accept writes")

    async def _carry_out(self, commit: Commit) -> None:
        """The same transaction, under the same token, until its outcome is known. Raises FenceMoved, what a condition that does
        not hold means, Overloaded, and Unreachable if nobody can tell."""
        parts = list(commit.parts())
        items = [{part.action: part.body} for part in parts]
        may_be_there = False
        problem: MultiregionError = Overloaded("the engine takes no more at the moment; try again")
        for number in range(TRIES_MAX):
            try:
                await self._engines.ask("transact_write_items", TransactItems=items, ClientRequestToken=commit.token)
                return
            except Cancelled as cancelled:
                cause = refusal(parts, cancelled.reasons)
                if not isinstance(cause, Overloaded):
                    if may_be_there and await self._is_there(commit):
                        return
                    raise cause from cancelled
                problem = cause
            except (Overloaded, Unreachable) as error:
                may_be_there = may_be_there or isinstance(error, Unreachable)
                problem = error
            await self._pause(number)
        if may_be_there and not await self._is_there(commit):
            raise Unreachable(f"whether this was written is not known: {problem.detail}")
        if not may_be_there:
            raise problem

    async def _is_there(self, commit: Commit) -> bool:
        """Whether a commit whose answer was lost has been made: all of it is there, or nothing."""
        item = await self._item(commit.writes[-1].key)
        return item is not None and position_of(item) == commit.position

    async def _pause(self, number: int) -> None:
        longest = min(PAUSE_SECONDS * 2**number, PAUSE_SECONDS_MAX)
        await self._clock.sleep(longest * (1 + int(self._clock.new_id()[-4:], 16) / 0x10000) / 2)

    # Reading

    async def get(self, key: Key) -> Record | None:
        item = await self._item(key)
        return record_of(item) if item is not None and "value" in item else None

    async def version(self, key: Key) -> Position | None:
        item = await self._item(key)
        return position_of(item) if item is not None else None

    async def query(
        self, partition: str, *, after: str = "", limit: int = 50, newest_first: bool = False
    ) -> tuple[Sequence[Record], str | None]:
        beyond = sort_of(*read_cursor(after)) if after else None
        items: list[Item] = []
        async for page in self._pages(partition, beyond, limit + 1, newest_first=newest_first):
            items += page
            if len(items) > limit:
                break
        records = [record_of(item) for item in items[:limit]]
        return records, cursor(records[-1]) if len(items) > limit else None

    async def _pages(self, partition: str, beyond: str | None, limit: int, *, newest_first: bool) -> AsyncIterator[list[Item]]:
        names, values = {"#partition": "partition"}, {":partition": {"S": partition}}
        expression = "#partition = :partition"
        if beyond is not None:
            expression += f" AND #sort {'<' if newest_first else '>'} :beyond"
            names, values = {**names, "#sort": "sort"}, {**values, ":beyond": {"S": beyond}}
        asked = {
            "IndexName": INDEX,
            "KeyConditionExpression": expression,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
            "ScanIndexForward": not newest_first,
            "Limit": limit,
        }
        async for answer in self._answers("query", **asked):
            yield answer["Items"]

    async def count(self, partition: str) -> int:
        asked = {
            "IndexName": INDEX,
            "KeyConditionExpression": "#partition = :partition",
            "ExpressionAttributeNames": {"#partition": "partition"},
            "ExpressionAttributeValues": {":partition": {"S": partition}},
            "Select": "COUNT",
        }
        return sum([answer["Count"] async for answer in self._answers("query", **asked)])

    async def is_needed(self, digest: Digest) -> bool:
        """The notes say which records to ask; what a record says counts, and a note that is out of date is removed."""
        asked = {
            "KeyConditionExpression": "#partition = :partition",
            "ExpressionAttributeNames": {"#partition": "partition"},
            "ExpressionAttributeValues": {":partition": {"S": NEEDS + digest}},
        }
        async for answer in self._answers("query", **asked):
            for note in answer["Items"]:
                item = await self._item(Key(note["of_partition"]["S"], note["of_id"]["S"]))
                if item is not None and digest in needs_of(item):
                    return True
                await self._remove_note(note)
        return False

    async def _remove_note(self, note: Item) -> None:
        """Unless the record has come to need the object again since."""
        try:
            await self._engines.ask(
                "delete_item",
                Key=key_item(key_of(note)),
                TableName=self._table,
                ConditionExpression="#sequence = :sequence",
                ExpressionAttributeNames={"#sequence": "sequence"},
                ExpressionAttributeValues={":sequence": position_item(position_of(note))["sequence"]},
            )
        except ConditionFailed:
            return

    # The state

    @property
    def confirmed(self) -> bool:
        """Whether the authority has been heard since this process started."""
        return self._heard is not None

    async def admitted(self) -> RoutingState:
        item = await self._item(fence_key(self._region, 0))
        return state_of(item) if item is not None else UNTOLD

    async def admit(self, state: RoutingState) -> RoutingState:
        # What was heard counts in this process at once, even if it cannot be stored.
        if self._heard is not None and state.epoch > self._heard.epoch:
            self._heard = state
        stored = await self.admitted()
        # An authority that knows less than this region, restored from an old backup, confirms nothing.
        if state.epoch >= max(stored.epoch, self._heard.epoch if self._heard else 0):
            self._heard = state
        if state.epoch > stored.epoch:
            await self._store(state)
            stored = await self.admitted()
        if self._heard is not None and stored.epoch > self._heard.epoch:
            self._heard = stored
        return stored

    async def _store(self, state: RoutingState) -> None:
        """Set every copy of the fence, the one that is read last: what it says, all of them say. Not as one transaction: that
        would have to wait for a moment in which nobody writes."""
        await asyncio.gather(*(self._set_fence(number, state) for number in range(1, FENCES)))
        await self._set_fence(0, state)

    async def _set_fence(self, number: int, state: RoutingState) -> None:
        for attempt in range(TRIES_MAX):
            try:
                await self._engines.ask(
                    "put_item",
                    TableName=self._table,
                    Item={**key_item(fence_key(self._region, number)), **state_item(state)},
                    ConditionExpression="attribute_not_exists(#epoch) OR #epoch < :epoch",
                    ExpressionAttributeNames={"#epoch": "epoch"},
                    ExpressionAttributeValues={":epoch": {"N": str(state.epoch)}},
                )
                return
            except ConditionFailed:
                return  # it says so already, or something later
            except Overloaded:
                if attempt == TRIES_MAX - 1:
                    raise
                await self._pause(attempt)

    # The engine

    async def _item(self, key: Key) -> Item | None:
        answer = await self._engines.ask("get_item", TableName=self._table, Key=key_item(key), ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item

    async def _answers(self, operation: str, **asked: Any) -> AsyncIterator[dict[str, Any]]:
        """A query's answers, consistent, until the engine has no more."""
        start: dict[str, Any] = {}
        while True:
            answer = await self._engines.ask(operation, TableName=self._table, ConsistentRead=True, **asked, **start)
            yield answer
            if not answer.get("LastEvaluatedKey"):
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
