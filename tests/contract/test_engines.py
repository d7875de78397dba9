"""What regions on engines promise when an engine is slow, busy, out of reach, or set up otherwise than it has to be."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from multiregion.clock import SystemClock
from multiregion.config import EnginesConfig
from multiregion.dynamodb.heartbeats import Heartbeats
from multiregion.dynamodb.items import COPIES, ITEM_BYTES_MAX, NEEDS, state_item, state_of
from multiregion.dynamodb.session import WAITING_MAX, Engines
from multiregion.dynamodb.state import DynamoState
from multiregion.dynamodb.tables import prepare_bucket, prepare_table
from multiregion.dynamodb.transactions import FENCES, fence_key
from multiregion.errors import (
    BadDeployment,
    Conflict,
    Fenced,
    InvalidInput,
    NotReady,
    Overloaded,
    StaleEpoch,
    Unavailable,
    Unreachable,
)
from multiregion.states import FIRST, Role, RoutingState, State, move
from multiregion.stores import Digest, Key, Records, Write
from tests.contract.backends import REGIONS, AwsBackend, opened
from tests.engines import EngineProcess
from tests.unit.manual_clock import ManualClock

FENCED = move(FIRST, State.FENCED)
AGAIN = RoutingState(State.ACTIVE, 3, Role.PRIMARY)
SUNRISE = Key("photos", "sunrise")
TRANSACT = "TransactWriteItems"
MANY = 1_000


@pytest.fixture
def aws(engines: EngineProcess, tmp_path: Path) -> Iterator[AwsBackend]:
    made = AwsBackend(engines, tmp_path)
    yield made
    engines.fail("none", "deny", 0)
    made.close()


@pytest.fixture
async def records(aws: AwsBackend) -> Records:
    made = await aws.records()
    await made.admit(FIRST)
    return made


def new(id: str = "sunrise", value: bytes = b"1") -> Write:
    return Write(Key("photos", id), value, absent=True)


# An answer that is lost


async def test_a_commit_whose_answer_was_lost_is_asked_for_again_and_made_once(aws: AwsBackend, records: Records) -> None:
    aws.server.fail(TRANSACT, "lose", 2)
    position = await records.commit([new()], epoch=1, actor="ada")
    record = await records.get(SUNRISE)
    assert record is not None and record.version == position
    assert aws.server.calls().count(TRANSACT) == 3


async def test_a_commit_whose_every_answer_was_lost_is_read_back(aws: AwsBackend, records: Records) -> None:
    aws.server.fail(TRANSACT, "lose", MANY)
    position = await records.commit([new()], epoch=1, actor="ada")
    record = await records.get(SUNRISE)
    assert record is not None and record.version == position


async def test_an_engine_that_forgets_tokens_makes_a_commit_once_too(aws: AwsBackend, records: Records) -> None:
    """The repetition finds the record that the first attempt made, and says that it exists already: it is this very commit's."""
    aws.server.fail(TRANSACT, "lose-token", 1)
    position = await records.commit([new()], epoch=1, actor="ada")
    record = await records.get(SUNRISE)
    assert record is not None and record.version == position


async def test_if_nobody_can_tell_the_outcome_is_said_to_be_unknown(aws: AwsBackend, records: Records) -> None:
    aws.server.fail(TRANSACT, "break", MANY)
    with pytest.raises(Unreachable, match="not known") as unknown:
        await records.commit([new()], epoch=1, actor="ada")
    assert unknown.value.definite is False


async def test_a_lost_answer_of_somebody_elses_conflict_is_still_a_conflict(aws: AwsBackend, records: Records) -> None:
    await records.commit([new(value=b"theirs")], epoch=1, actor="bob")
    aws.server.fail(TRANSACT, "break", 1)
    with pytest.raises(Conflict):
        await records.commit([new(value=b"ours")], epoch=1, actor="ada")


# An engine that is busy, or refuses


@pytest.mark.parametrize("kind", ["throttle", "contest"])
async def test_a_busy_engine_is_asked_again(aws: AwsBackend, records: Records, kind: str) -> None:
    aws.server.fail(TRANSACT, kind, 3)
    await records.commit([new()], epoch=1, actor="ada")
    assert await records.count("photos") == 1 and aws.server.calls().count(TRANSACT) == 4


@pytest.mark.parametrize("kind", ["throttle", "contest"])
async def test_an_engine_that_stays_busy_is_an_error_after_which_nothing_was_written(aws: AwsBackend, records: Records, kind: str) -> None:
    aws.server.fail(TRANSACT, kind, MANY)
    with pytest.raises(Overloaded) as refused:
        await records.commit([new()], epoch=1, actor="ada")
    assert refused.value.definite is True and aws.server.calls().count(TRANSACT) <= 10
    assert await records.count("photos") == 0


async def test_credentials_that_are_not_accepted_are_said_at_once(aws: AwsBackend, records: Records) -> None:
    aws.server.fail(TRANSACT, "deny", MANY)
    with pytest.raises(Unavailable, match="credentials"):
        await records.commit([new()], epoch=1, actor="ada")
    assert aws.server.calls().count(TRANSACT) == 1


async def test_an_engine_that_is_not_there_is_unreachable() -> None:
    nowhere = Engines(EnginesConfig("us-east-1", "t", "b", "http://127.0.0.1:9", "http://127.0.0.1:9"), call_seconds=1)
    with pytest.raises(Unreachable):
        await nowhere.call(nowhere.dynamodb.get_item, TableName="t", Key={})
    nowhere.close()


async def test_no_more_calls_wait_than_are_taken(aws: AwsBackend) -> None:
    engines = await aws.engines()
    blocked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def block() -> None:
        asyncio.run_coroutine_threadsafe(blocked.wait(), loop).result()

    waiting = [asyncio.ensure_future(engines.call(block)) for _ in range(WAITING_MAX)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match=str(WAITING_MAX)):
        await engines.call(block)
    blocked.set()
    await asyncio.gather(*waiting)
    await engines.call(block)
    engines.close()


# The fence, with several processes for one region


async def test_a_fence_that_another_process_has_heard_holds_for_all(aws: AwsBackend, records: Records) -> None:
    other = await aws.records()
    await other.admit(FENCED)
    with pytest.raises(Fenced) as refused:
        await records.commit([new()], epoch=None, actor="ada")
    assert refused.value.facts["state"] == FENCED
    with pytest.raises(StaleEpoch):
        await records.commit([new()], epoch=1, actor="ada")
    assert await records.count("photos") == 0


async def test_what_another_process_has_heard_is_written_under(aws: AwsBackend, records: Records) -> None:
    await (await aws.records()).admit(AGAIN)
    assert (await records.commit([new()], epoch=None, actor="ada")).epoch == 3
    with pytest.raises(StaleEpoch):
        await records.commit([new("sunset")], epoch=1, actor="ada")


async def test_every_copy_of_the_fence_says_the_same_once_a_state_is_admitted(aws: AwsBackend, records: Records) -> None:
    aws.server.fail("PutItem", "contest", 5)
    await records.admit(FENCED)
    engines = await aws.engines()
    for number in range(FENCES):
        key = fence_key(REGIONS[Role.PRIMARY], number)
        found = await engines.call(
            engines.dynamodb.get_item, TableName=engines.config.table, Key={"partition": {"S": key.partition}, "id": {"S": key.id}}
        )
        assert state_of(found["Item"]) == FENCED
    engines.close()


@pytest.mark.parametrize("operation", ["PutItem", "GetItem"])
async def test_a_fence_that_could_not_be_set_is_not_confirmed_and_holds_in_this_process(
    aws: AwsBackend, records: Records, operation: str
) -> None:
    aws.server.fail(operation, "deny", MANY)
    with pytest.raises(Unavailable):
        await records.admit(FENCED)
    aws.server.fail("none", "deny", 0)
    assert await records.admitted() == FIRST
    with pytest.raises(Fenced):
        await records.commit([new()], epoch=None, actor="ada")


async def test_a_state_that_was_heard_and_not_stored_is_stored_before_the_first_write_under_it(aws: AwsBackend, records: Records) -> None:
    aws.server.fail("PutItem", "deny", 7)
    with pytest.raises(Unavailable):
        await records.admit(AGAIN)
    aws.server.fail("none", "deny", 0)
    assert (await records.commit([new()], epoch=3, actor="ada")).epoch == 3
    assert await records.admitted() == AGAIN


async def test_a_process_that_is_late_does_not_set_the_fence_back(aws: AwsBackend) -> None:
    late = await aws.records()
    await late.admit(FIRST)
    await (await aws.records()).admit(AGAIN)
    await late._store(FENCED)
    assert await late.admitted() == AGAIN
    assert (await late.commit([new()], epoch=None, actor="ada")).epoch == 3


async def test_a_note_that_is_written_again_meanwhile_is_not_removed(aws: AwsBackend, records: Records) -> None:
    """Whoever looks for objects that nothing needs finds an old note, and a record comes to need the object at that moment."""
    picture = Digest("a" * 64)
    await records.commit([Write(SUNRISE, b"1", needs=(picture,))], epoch=1, actor="ada")
    engines = await aws.engines()
    key = {"partition": {"S": NEEDS + picture}, "id": {"S": "photos/sunrise"}}
    old = (await engines.call(engines.dynamodb.get_item, TableName=engines.config.table, Key=key))["Item"]
    await records.commit([Write(SUNRISE, None)], epoch=1, actor="ada")
    await records.commit([Write(SUNRISE, b"2", needs=(picture,))], epoch=1, actor="ada")
    await (await aws.records())._remove_note(old)
    assert await records.is_needed(picture)
    engines.close()


def test_a_state_goes_into_an_item_and_comes_back() -> None:
    for state in (FIRST, FENCED, RoutingState(State.FAILOVER, 7, Role.SECONDARY, writable=True)):
        assert state_of(state_item(state)) == state
    assert state_item(FENCED)["writer"] == {"S": "nobody"}


# What an engine does not take

LARGE = ITEM_BYTES_MAX // COPIES


@pytest.mark.parametrize(
    ("writes", "field"),
    [
        ([Write(SUNRISE, bytes(LARGE))], "value"),
        ([Write(Key("photos", "p" * 1_100), b"")], "id"),
        ([Write(Key("p" * 2_000, "p"), b"")], "partition"),
        ([Write(SUNRISE, b"", "o" * 1_100)], "order"),
        ([Write(SUNRISE, b"", "a\0b")], "order"),
        ([Write(Key("#fence/us-east-1", "0"), b"")], "key"),
        ([Write(Key("photos", ""), b"")], "key"),
        ([Write(SUNRISE, b"", requires=(Key("photos", "p" * 1_100),))], "id"),
        ([Write(SUNRISE, b"", requires=(Key("#fence/us-east-1", "0"),))], "key"),
        ([new(f"p{n}") for n in range(100)], "writes"),
        ([Write(Key("p", f"{n}"), b"", requires=(Key("photos", f"{n}"),)) for n in range(50)], "writes"),
        ([Write(SUNRISE, b"", needs=tuple(Digest(f"{n:064x}") for n in range(99)))], "writes"),
        ([Write(Key("photos", f"p{n}"), bytes(LARGE - 1_500)) for n in range(30)], "writes"),
    ],
    ids=[
        "value",
        "id",
        "partition",
        "order",
        "character",
        "own",
        "nameless",
        "required-id",
        "required-own",
        "writes",
        "required",
        "needs",
        "bytes",
    ],
)
async def test_what_is_over_a_limit_is_refused_with_the_field_and_the_limit(records: Records, writes: list[Write], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await records.commit(writes, epoch=1, actor="ada")
    assert refused.value.facts["field"] == field


async def test_what_is_at_the_limits_is_taken(records: Records) -> None:
    await records.commit([Write(SUNRISE, bytes(LARGE - 1_000))], epoch=1, actor="ada")
    await records.commit([new(f"p{n}") for n in range(99)], epoch=1, actor="ada")
    assert await records.count("photos") == 100


# The authority's state


async def test_a_decision_whose_answer_was_lost_is_made_once(aws: AwsBackend) -> None:
    state = await aws.state()
    await state.begin()
    aws.server.fail(TRANSACT, "lose-token", 1)
    await state.replace(FIRST, FENCED, actor="ada", reason="drill")
    assert [decision.reason for decision in await state.history()] == ["drill", "deployed"]


async def test_a_table_without_a_state_says_so(aws: AwsBackend) -> None:
    state = await aws.state()
    with pytest.raises(NotReady):
        await state.read()


async def test_two_applications_in_one_table_do_not_meet(aws: AwsBackend) -> None:
    ours = await aws.state()
    await ours.begin()
    engines = opened(aws.server.config(name=f"{aws.name}-authority"))
    theirs = DynamoState(engines, "another", SystemClock())
    await theirs.begin()
    await ours.replace(FIRST, FENCED, actor="ada", reason="")
    assert (await theirs.read(), len(await theirs.history())) == (FIRST, 1)
    theirs.close()


# Tables and buckets


async def test_a_table_that_is_not_there_or_laid_out_otherwise_is_named(aws: AwsBackend) -> None:
    config = msgspec.structs.replace(aws.server.config(), create=False)
    absent = opened(config)
    with pytest.raises(BadDeployment, match=f"{config.table} in us-east-1 cannot be used"):
        await prepare_table(absent, indexed=True)
    made = opened(msgspec.structs.replace(config, create=True))
    await prepare_table(made, indexed=False)
    with pytest.raises(BadDeployment, match="laid out"):
        await prepare_table(absent, indexed=True)
    absent.close()
    made.close()


async def test_a_bucket_that_is_not_there_is_named(aws: AwsBackend) -> None:
    for bucket, problem in (("", "engines.bucket is empty"), ("no-such-bucket", "no bucket no-such-bucket")):
        engines = opened(msgspec.structs.replace(aws.server.config(), bucket=bucket, create=False))
        with pytest.raises(BadDeployment, match=problem):
            await prepare_bucket(engines, "http://localhost:8080")
        engines.close()


async def test_making_what_is_there_leaves_it_as_it_is(aws: AwsBackend, records: Records) -> None:
    await records.commit([new()], epoch=1, actor="ada")
    engines = await aws.engines()
    for _ in range(2):
        await prepare_table(engines, indexed=True)
        await prepare_bucket(engines, "http://localhost:8080")
    assert await records.count("photos") == 1
    cors = await engines.call(engines.s3.get_bucket_cors, Bucket=engines.config.bucket)
    assert cors["CORSRules"][0]["AllowedOrigins"] == ["http://localhost:8080"]
    engines.close()


# The lag


async def test_the_lag_is_the_time_since_the_last_heartbeat_that_was_answered(aws: AwsBackend) -> None:
    """One table for both: whatever is written is replicated at once."""
    engines = await aws.engines()
    clock = ManualClock()
    here, there = Heartbeats(engines, "us-east-1", clock), Heartbeats(engines, "ap-northeast-1", clock)
    await here.beat()
    assert here.status().seconds is None and here.status().changes is None
    await there.beat()
    clock.elapsed += 3
    await here.beat()
    assert here.status().seconds == 3 and there.status().seconds is None
    clock.elapsed += 5
    await here.beat()
    assert here.status().seconds == 8, "what was answered long ago says nothing of now"
    await there.beat()
    await here.beat()
    assert here.status().seconds == 0 and there.status().seconds == 8
    engines.close()


async def test_a_heartbeat_of_another_process_of_the_region_is_no_answer(aws: AwsBackend) -> None:
    engines = await aws.engines()
    clock = ManualClock()
    a, b = Heartbeats(engines, "us-east-1", clock), Heartbeats(engines, "us-east-1", clock)
    for beats in (a, b, a, b):
        await beats.beat()
    assert a.status().seconds is None
    engines.close()


# Addresses


def test_without_endpoints_addresses_name_the_bucket_and_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    for region, host in (("us-east-1", "s3.us-east-1.amazonaws.com"), ("cn-north-1", "s3.cn-north-1.amazonaws.com.cn")):
        engines = Engines(EnginesConfig(region, "t", "pictures"))
        address = engines.signer.generate_presigned_url("get_object", Params={"Bucket": "pictures", "Key": "objects/x"})
        assert re.match(rf"https://pictures\.{re.escape(host)}/objects/x\?.*X-Amz-Algorithm=AWS4-HMAC-SHA256", address)
        engines.close()
