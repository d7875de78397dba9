"""Objects that are missing or damaged are fetched from the other region, once, in bounded time, and not if nothing needs them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from multiregion.embedded.objects import FileObjects
from multiregion.errors import Damaged, DiskFailed, MultiregionError, NotFound, Overloaded, Unavailable, Unreachable
from multiregion.objects import Condition, Repaired
from multiregion.repair import FETCHES_MAX, RETRY_SECONDS, UNDER_WAY_MAX, Repairs
from multiregion.scrub import DAY_SECONDS, Pace, Scrub
from multiregion.stores import Digest
from tests.contract.test_local_objects import flip
from tests.contract.test_objects import digest_of
from tests.unit.manual_clock import ManualClock

GONE = digest_of(b"gone")


@dataclass
class Other:
    """The other region's objects; `answers` with an error, or holds a fetch up until `goes_on`."""

    objects: FileObjects
    error: MultiregionError | None = None
    fetched: list[Digest] = field(default_factory=list)
    at_once: int = 0
    at_once_most: int = 0
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def fetch(self, digest: Digest) -> AsyncIterator[bytes]:
        self.fetched.append(digest)
        self.at_once += 1
        self.at_once_most = max(self.at_once, self.at_once_most)
        try:
            await self.goes_on.wait()
            if self.error:
                raise self.error
            found = await self.objects.file(digest)
            yield found.path.read_bytes()
        finally:
            self.at_once -= 1


@dataclass
class Needs:
    digests: list[Digest] = field(default_factory=list)

    async def is_needed(self, digest: Digest) -> bool:
        return digest in self.digests

    async def needed(self, after: str, *, limit: int) -> Sequence[Digest]:
        return [digest for digest in sorted(self.digests) if digest > after][:limit]


@dataclass
class Here:
    """One region, and the other one as it reaches it."""

    objects: FileObjects
    other: Other
    needs: Needs
    clock: ManualClock
    repairs: Repairs

    async def both(self, data: bytes, *, condition: Condition = Condition.SOUND) -> Digest:
        """An object that both regions have and need, in this condition here."""
        digest = await self.objects.put(data)
        await self.other.objects.put(data)
        self.needs.digests.append(digest)
        if condition is Condition.MISSING:
            await self.objects.delete(digest)
        elif condition is Condition.DAMAGED:
            flip(self.objects.path(digest))
        return digest

    async def condition(self, digest: Digest) -> Condition:
        return (await self.objects.look(digest, deep=True)).condition


@pytest.fixture
async def here(tmp_path: Path) -> Here:
    clock = ManualClock()
    objects, other, needs = FileObjects(tmp_path / "here", clock), Other(FileObjects(tmp_path / "there", clock)), Needs()
    other.goes_on.set()
    return Here(objects, other, needs, clock, Repairs(needs, objects, other, clock))


BAD = pytest.mark.parametrize("condition", [Condition.MISSING, Condition.DAMAGED])


@BAD
async def test_many_readers_of_one_object_fetch_it_once(here: Here, condition: Condition) -> None:
    digest = await here.both(b"light", condition=condition)
    here.other.goes_on.clear()
    readers = [asyncio.ensure_future(here.repairs.for_reader(digest, condition)) for _ in range(20)]
    while not here.other.fetched:
        await asyncio.sleep(0)
    readers.pop().cancel()  # one that goes away takes nothing from the others
    here.other.goes_on.set()
    await asyncio.gather(*readers)
    assert here.other.fetched == [digest] and await here.condition(digest) is Condition.SOUND
    assert here.repairs.repaired == 1 and here.repairs.known == {}


async def test_a_disk_that_does_not_take_what_was_fetched_is_told_as_that(here: Here, tmp_path: Path) -> None:
    digest = await here.both(b"light", condition=Condition.MISSING)
    (tmp_path / "here" / "drafts").rmdir()
    (tmp_path / "here" / "drafts").write_text("in the way")
    with pytest.raises(DiskFailed, match=r"is missing here: the disk cannot be written \(Not a directory\)"):
        await here.repairs.for_reader(digest, Condition.MISSING)


async def test_a_few_are_fetched_at_once_and_of_too_many_readers_the_last_are_told(here: Here) -> None:
    digests = [await here.both(str(n).encode(), condition=Condition.MISSING) for n in range(UNDER_WAY_MAX + 1)]
    here.other.goes_on.clear()
    readers = [asyncio.ensure_future(here.repairs.for_reader(digest, Condition.MISSING)) for digest in digests]
    with pytest.raises(Overloaded):
        await readers.pop()
    here.other.goes_on.set()
    await asyncio.gather(*readers)
    assert here.other.at_once_most == FETCHES_MAX


@pytest.mark.parametrize(
    ("condition", "said", "kind", "words"),
    [
        (Condition.MISSING, NotFound("no"), NotFound, "is missing here, and the other region does not have it"),
        (Condition.DAMAGED, NotFound("no"), Damaged, "is damaged here, and the other region does not have it"),
        (Condition.MISSING, Damaged("no"), Damaged, "is missing here, and damaged in the other region"),
        (Condition.DAMAGED, Unreachable("no"), Unavailable, "is damaged here, and the other region does not answer"),
    ],
)
async def test_what_no_region_can_give_is_told_as_it_is(
    here: Here, condition: Condition, said: MultiregionError, kind: type[MultiregionError], words: str
) -> None:
    digest = await here.both(b"light", condition=condition)
    here.other.error = said
    with pytest.raises(kind, match=words):
        await here.repairs.for_reader(digest, condition)
    assert list(here.repairs.known) == [digest] and await here.condition(digest) is condition


async def test_wrong_bytes_from_the_other_region_are_not_kept(here: Here) -> None:
    digest = await here.both(b"light", condition=Condition.MISSING)

    class Liar(Other):
        async def fetch(self, digest: Digest) -> AsyncIterator[bytes]:
            yield b"dark"

    repairs = Repairs(here.needs, here.objects, Liar(here.other.objects), here.clock)
    with pytest.raises(Unavailable, match="was not it"):
        await repairs.for_reader(digest, Condition.MISSING)
    assert await here.condition(digest) is Condition.MISSING


async def test_the_other_region_is_not_asked_by_every_reader_while_it_does_not_have_it(here: Here) -> None:
    digest = await here.both(b"light", condition=Condition.MISSING)
    await here.other.objects.delete(digest)
    for _ in range(3):
        with pytest.raises(NotFound):
            await here.repairs.for_reader(digest, Condition.MISSING)
    assert len(here.other.fetched) == 1
    await here.other.objects.put(b"light")
    here.clock.elapsed += RETRY_SECONDS
    await here.repairs.for_reader(digest, Condition.MISSING)
    assert here.repairs.known == {}


async def test_what_nothing_needs_any_more_is_not_brought_back(here: Here) -> None:
    digest = await here.both(b"light", condition=Condition.MISSING)
    here.needs.digests.clear()
    await here.repairs.for_reader(digest, Condition.MISSING)
    assert await here.repairs.run([digest], deep=True) == Repaired()
    assert here.other.fetched == [] and not await here.objects.has(digest)


async def test_everything_that_is_missing_or_known_to_be_damaged_is_repaired(here: Here) -> None:
    missing, damaged = await here.both(b"a", condition=Condition.MISSING), await here.both(b"b", condition=Condition.DAMAGED)
    unnoticed, away = await here.both(b"c", condition=Condition.DAMAGED), await here.both(b"d", condition=Condition.MISSING)
    await here.other.objects.delete(away)
    here.other.error = Unreachable("away")
    with pytest.raises(Unavailable):
        await here.repairs.for_reader(damaged, Condition.DAMAGED)
    here.other.error = None
    done = await here.repairs.run_all()
    assert sorted(done.objects) == sorted([missing, damaged]) and list(done.lost) == [away] and done.failed == {}
    assert [await here.condition(each) for each in (missing, damaged, unnoticed)] == ["sound", "sound", "damaged"]
    assert list(here.repairs.known) == [away]
    assert (await here.repairs.run([unnoticed], deep=True)) == Repaired([unnoticed])


async def test_what_could_not_be_repaired_is_forgotten_once_nothing_needs_it(here: Here) -> None:
    digest = await here.both(b"light", condition=Condition.MISSING)
    await here.other.objects.delete(digest)
    assert list((await here.repairs.run_all()).lost) == [digest]
    here.needs.digests.clear()
    assert await here.repairs.run_all() == Repaired() and here.repairs.known == {}


@pytest.mark.parametrize("ends", ["put here by somebody else", "needed no more"])
async def test_what_could_not_be_repaired_is_told_no_longer_than_it_is_so(here: Here, tmp_path: Path, ends: str) -> None:
    """Whoever put it right, or deleted what needed it, did not tell."""
    scrub = scrub_of(here, tmp_path)
    damaged, missing = await here.both(b"light", condition=Condition.DAMAGED), await here.both(b"dark", condition=Condition.MISSING)
    here.other.error = NotFound("no")
    await here.repairs.run([damaged, missing], deep=True)
    await scrub.watch_known()
    assert scrub.status().unrepaired == 2, "it is still so"
    if ends == "needed no more":
        here.needs.digests.clear()
    else:
        await here.objects.put(b"light")
        await here.objects.put(b"dark")
    began = here.clock.elapsed
    await scrub.watch_known()
    assert scrub.status().unrepaired == 0 and here.clock.elapsed - began < 60 and len(here.other.fetched) == 2


async def test_a_reader_or_a_repair_that_finds_it_needed_no_more_forgets_it(here: Here) -> None:
    digests = [await here.both(data, condition=Condition.DAMAGED) for data in (b"light", b"dark")]
    here.other.error = NotFound("no")
    await here.repairs.run(digests, deep=True)
    here.needs.digests.clear()
    here.clock.elapsed += RETRY_SECONDS
    await here.repairs.for_reader(digests[0], Condition.DAMAGED)
    assert list(here.repairs.known) == digests[1:]
    await here.repairs.run(digests[1:], deep=True)
    assert here.repairs.known == {}


# The scrub


def scrub_of(here: Here, folder: Path, *, days: float = 7, bytes_per_second: float = 10.0) -> Scrub:
    return Scrub(here.needs, here.objects, here.repairs, here.clock, folder / "scrub.json", Pace(days, bytes_per_second))


async def test_a_round_of_the_scrub_finds_and_repairs_what_nobody_has_asked_for(here: Here, tmp_path: Path) -> None:
    bad = [await here.both(b"a", condition=Condition.DAMAGED), await here.both(b"b", condition=Condition.MISSING)]
    await here.both(b"c")
    scrub = scrub_of(here, tmp_path)
    await scrub.scrub()
    assert [await here.condition(digest) for digest in bad] == ["sound", "sound"]
    said = scrub.status()
    assert (said.scrubbed_objects, said.scrubbed_bytes, said.repaired, said.unrepaired) == (3, 3, 2, 0)
    assert said.scrubbed_at is not None


async def test_the_scrub_reads_no_faster_than_it_may_and_begins_again_when_it_is_time(here: Here, tmp_path: Path) -> None:
    digests = [await here.both(bytes([n]) * 100) for n in range(5)]
    scrub, began = scrub_of(here, tmp_path), here.clock.elapsed
    await scrub.scrub()
    assert here.clock.elapsed - began == pytest.approx(50)
    flip(here.objects.path(digests[0]))
    here.clock.wall += 7 * DAY_SECONDS - 1
    await scrub.scrub()
    assert await here.condition(digests[0]) is Condition.DAMAGED
    here.clock.wall += 1
    await scrub.scrub()
    assert await here.condition(digests[0]) is Condition.SOUND


async def test_a_restart_goes_on_where_the_scrub_was(here: Here, tmp_path: Path) -> None:
    digests = sorted([await here.both(bytes([n]) * 10) for n in range(250)])
    (tmp_path / "scrub.json").write_text(f'{{"after": "{digests[199]}", "objects": 7, "bytes": 70, "began_at": 5}}')
    again = scrub_of(here, tmp_path)
    await again.scrub()
    assert (again.progress.objects, again.progress.bytes) == (7 + 50, 70 + 500)
    (tmp_path / "scrub.json").write_text("no note")
    anew = scrub_of(here, tmp_path)
    await anew.scrub()
    assert anew.progress.objects == 250


async def test_what_is_missing_is_found_without_waiting_for_the_scrub(here: Here, tmp_path: Path) -> None:
    digest = await here.both(b"light", condition=Condition.MISSING)
    await scrub_of(here, tmp_path).watch_presence()
    assert await here.condition(digest) is Condition.SOUND
