"""What a region on engines says it holds: the proof that a planned switch waits for, and what `verify` compares."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from multiregion.dynamodb.inventory import Inventory
from multiregion.errors import Overloaded
from multiregion.states import FIRST, Role, State, move
from multiregion.stores import Digest, Key, Write
from tests.contract.backends import AwsBackend
from tests.engines import EngineProcess

FENCED = move(FIRST, State.FENCED)
BEGIN = Key("", "")


@pytest.fixture
def aws(engines: EngineProcess, tmp_path: Path) -> Iterator[AwsBackend]:
    made = AwsBackend(engines, tmp_path)
    yield made
    made.close()


async def inventory(aws: AwsBackend, role: Role) -> Inventory:
    return Inventory(await aws.engines(role), await aws.objects(role))


async def replicate(aws: AwsBackend, *, leave_out: int = 0) -> None:
    """Everything but the last few items, from the primary's table to the secondary's."""
    source, target = await aws.engines(Role.PRIMARY), await aws.engines(Role.SECONDARY)
    items = (await source.call(source.dynamodb.scan, TableName=source.config.table))["Items"]
    records = sorted((item for item in items if not item["partition"]["S"].startswith("#")), key=lambda item: item["id"]["S"])
    for item in records[: len(records) - leave_out]:
        await target.call(target.dynamodb.put_item, TableName=target.config.table, Item=item)


async def test_two_regions_are_level_once_every_record_tombstone_and_object_is_there(aws: AwsBackend) -> None:
    here, there = await inventory(aws, Role.PRIMARY), await inventory(aws, Role.SECONDARY)
    records, objects = await aws.records(), await aws.objects()
    await records.admit(FIRST)
    picture = await objects.put(b"picture")
    await records.commit([Write(Key("photos", "a"), b"1"), Write(Key("photos", "b"), b"1", needs=(picture,))], epoch=1, actor="ada")
    await records.commit([Write(Key("photos", "a"), b"2"), Write(Key("photos", "c"), None)], epoch=1, actor="ada")
    await records.admit(FENCED)
    head = await here.head(FENCED)
    assert head == await here.head(FENCED) and head.position.epoch == 2
    assert (await there.head(FENCED)).position != head.position
    await replicate(aws, leave_out=1)
    assert (await there.head(FENCED)).position != head.position, "the tombstone is missing"
    await replicate(aws)
    assert (await there.head(FENCED)).position != head.position, "the picture is missing"
    await (await aws.objects(Role.SECONDARY)).put(b"picture")
    assert await there.head(FENCED) == head


async def test_while_somebody_writes_nothing_is_read_and_no_content_is_told(aws: AwsBackend) -> None:
    here = await inventory(aws, Role.PRIMARY)
    aws.server.fail("none", "deny", 0)
    head = await here.head(FIRST)
    assert (head.position.epoch, head.content) == (1, "") and "Scan" not in aws.server.calls()


async def test_names_come_in_order_page_by_page_with_tombstones_and_without_what_is_not_a_record(aws: AwsBackend) -> None:
    here, records = await inventory(aws, Role.PRIMARY), await aws.records()
    await records.admit(FIRST)
    needed = Digest("a" * 64)
    writes = [Write(Key(partition, id), b"1", needs=(needed,)) for partition in ("users", "photos") for id in ("b", "a")]
    await records.commit([*writes, Write(Key("photos", "gone"), None)], epoch=1, actor="ada")
    first = await here.names(BEGIN, limit=3)
    second = await here.names(first[-1][0], limit=3)
    assert [(key.partition, key.id, gone) for key, _, gone, _ in [*first, *second]] == [
        ("photos", "a", False),
        ("photos", "b", False),
        ("photos", "gone", True),
        ("users", "a", False),
        ("users", "b", False),
    ]
    assert await here.names(second[-1][0], limit=3) == []
    assert (await here.needed("", limit=5), await here.needed(needed, limit=5)) == ([needed], [])


async def test_equal_records_have_equal_marks_and_others_have_not(aws: AwsBackend) -> None:
    here, records = await inventory(aws, Role.PRIMARY), await aws.records()
    await records.admit(FIRST)
    marks = set()
    for value in (b"1", b"2", None):
        await records.commit([Write(Key("photos", "a"), value)], epoch=1, actor="ada")
        ((_, _, _, mark),) = await here.names(BEGIN, limit=5)
        ((_, _, _, again),) = await here.names(BEGIN, limit=5)
        assert mark == again
        marks.add(mark)
    assert len(marks) == 3


async def test_an_object_is_examined_by_presence_and_on_demand_by_its_bytes(aws: AwsBackend) -> None:
    here, objects, engines = await inventory(aws, Role.PRIMARY), await aws.objects(), await aws.engines()
    digest = await objects.put(b"picture")
    assert await here.examine(digest, deep=True) == (digest, 7, True)
    await engines.call(engines.s3.put_object, Bucket=engines.config.bucket, Key=f"objects/{digest}", Body=b"damaged")
    assert await here.examine(digest, deep=False) == (digest, 7, True)
    assert await here.examine(digest, deep=True) == (digest, 7, False)
    await objects.delete(digest)
    assert await here.examine(digest, deep=True) == (digest, None, False)


async def test_a_table_that_is_too_large_to_be_compared_is_said_to_be(aws: AwsBackend) -> None:
    small = Inventory(await aws.engines(), await aws.objects(), entries_max=8)
    records = await aws.records()
    await records.admit(FIRST)
    await records.commit([Write(Key("photos", f"p{n}"), b"1") for n in range(40)], epoch=1, actor="ada")
    with pytest.raises(Overloaded, match="more than 8 records"):
        await small.names(BEGIN, limit=5)
