"""The operator's word that a region goes on with what it has: what is asked and said before it counts."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from multiregion.accepting import Histories
from multiregion.errors import SwitchFailed, Unreachable
from multiregion.predictions import Outlook
from multiregion.rebuild import Damage
from multiregion.replication import Standing, standing_of
from multiregion.reports import ACCEPTED, Report
from multiregion.states import FIRST, Role
from multiregion.stores import Head, Mark, Position
from tests.unit.starts import LOSS_CHANGES_MAX, Deployment, RunningRegion, founded_deployment, level, until
from tests.unit.test_starts import FEW, MANY, PRIMARY, SECONDARY, reported, written_since_the_copy


@dataclass
class Asked:
    """A region as the authority reaches it, whatever becomes of the line between the regions."""

    deployment: Deployment
    role: Role

    async def standing(self) -> Standing:
        return await standing_of(self._running.records)

    async def marks(self, sequences: Sequence[int]) -> Sequence[Mark | None]:
        return await self._running.records.marks(sequences)

    async def kept(self, marks: Sequence[Mark]) -> str | None:
        return "set-aside" if self.role in self.deployment.kept else None

    async def damage(self) -> Damage:
        return Damage(None, None, "set-aside-1" if self.role in self.deployment.kept else None)

    async def outlook(self) -> Outlook:
        records = self._running.records
        return Outlook(await records.head(), await records.admitted(), True, None)

    @property
    def _running(self) -> RunningRegion:
        if self.role not in self.deployment.running:
            raise Unreachable("no answer")
        return self.deployment.running[self.role]


@pytest.fixture
async def deployment(tmp_path: Path) -> AsyncIterator[Deployment]:
    async with founded_deployment(tmp_path) as made:
        yield made


def histories_of(deployment: Deployment) -> Histories:
    authority = deployment.authority
    assert authority is not None
    names = {PRIMARY: "us-east-1", SECONDARY: "ap-northeast-1"}
    return Histories(authority, authority, {role: Asked(deployment, role) for role in Role}, names, LOSS_CHANGES_MAX)


async def predicted(deployment: Deployment, *, accept_loss: bool = False) -> str:
    return (await histories_of(deployment).predict(PRIMARY, accept_loss=accept_loss)).detail


async def waits_with_an_old_copy(deployment: Deployment, *names: str) -> RunningRegion:
    """`names` were acknowledged and replicated, and the primary has come back without them while the line is cut."""
    await written_since_the_copy(deployment, *names)
    deployment.put_back(PRIMARY, "old")
    deployment.cut = True
    primary = deployment.start(PRIMARY)
    deployment.clock.ahead += 10
    await until(primary.waits)
    return primary


async def test_what_the_other_region_has_is_not_given_up_while_only_the_line_is_cut(deployment: Deployment) -> None:
    primary = await waits_with_an_old_copy(deployment, "after")
    deployment.start(SECONDARY)

    async def told() -> bool:
        return "answers the authority and not this one: mend the line between the regions" in (primary.continuity.reason or "")

    await until(told)
    assert primary.continuity.needs is None, "no word is asked for"
    for accept_loss in (False, True):
        with pytest.raises(
            SwitchFailed, match=r"ap-northeast-1 answers, and has what us-east-1 lacks: 1 write\. Nothing was changed: mend the line"
        ):
            await predicted(deployment, accept_loss=accept_loss)
    deployment.cut = False
    await until(primary.leads)
    assert await primary.names() == ["after", "before"]


async def test_what_the_other_region_has_that_the_authority_has_not_heard_of_is_not_given_up_either(deployment: Deployment) -> None:
    primary, secondary = deployment.running[PRIMARY], deployment.running[SECONDARY]
    await primary.write("before")
    await level(primary, secondary)
    await reported(deployment, primary)
    await deployment.stop_all()
    deployment.copy(PRIMARY, "old")
    deployment.stop_authority()
    deployment.copy("authority", "old")
    deployment.start_authority()
    primary, secondary = (deployment.start(role) for role in Role)
    await until(primary.leads)
    await primary.write("after")
    await level(primary, secondary)
    await deployment.stop_all()
    deployment.stop_authority()
    deployment.put_back(PRIMARY, "old")
    deployment.put_back("authority", "old")
    deployment.start_authority()
    deployment.cut = True
    deployment.start(PRIMARY), deployment.start(SECONDARY)
    with pytest.raises(SwitchFailed, match="has what us-east-1 lacks"):
        await predicted(deployment)


@dataclass
class Log:
    """A region whose log consists of these."""

    held: list[Mark]

    async def standing(self) -> Standing:
        return Standing("store", self.held[-1], FIRST, leads=False, whole=True)

    async def marks(self, sequences: Sequence[int]) -> Sequence[Mark | None]:
        return [next((mark for mark in self.held if mark.position.sequence == sequence), None) for sequence in sequences]

    async def kept(self, marks: Sequence[Mark]) -> str | None:
        return None

    async def damage(self) -> Damage:
        return Damage(self.held[-1], None, None)


async def test_what_the_other_region_has_counts_though_its_log_does_not_continue_this_one(deployment: Deployment) -> None:
    await deployment.stop_all()
    authority = deployment.authority
    assert authority is not None
    shared, forked, known = (Mark(Position(1, sequence), chain) for sequence, chain in ((1, "a"), (2, "b"), (2, "c")))
    await authority.report(PRIMARY, Report("store", (await authority.read()).history, 1, known, 0, whole=True))
    regions = {PRIMARY: Log([shared, forked]), SECONDARY: Log([shared, known])}
    histories = Histories(authority, authority, regions, {role: role.value for role in Role}, LOSS_CHANGES_MAX)
    with pytest.raises(SwitchFailed, match="secondary answers, and has what primary lacks"):
        await histories.predict(PRIMARY, accept_loss=True)


async def test_without_the_other_region_few_writes_are_given_up_on_the_word_alone_and_many_with_accept_loss(deployment: Deployment) -> None:
    primary = await waits_with_an_old_copy(deployment, *MANY)
    assert "does not answer: start it" in (primary.continuity.reason or "") and "accept-history" in (primary.continuity.needs or "")
    lacks = "us-east-1 lacks 11 writes that the authority knows of; ap-northeast-1, which may have it, does not answer"
    with pytest.raises(SwitchFailed, match=f"limit of 10 changes allows: {lacks}.*Nothing was changed; --accept-loss"):
        await predicted(deployment)
    assert lacks in await predicted(deployment, accept_loss=True)


async def test_what_the_other_region_does_not_have_either_can_be_given_up(deployment: Deployment) -> None:
    primary = await waits_with_an_old_copy(deployment, *FEW)
    deployment.lose(SECONDARY)
    deployment.start(SECONDARY)

    async def told() -> bool:
        return "The other region has lost its records, too" in (primary.continuity.reason or "")

    await until(told)
    assert "accept-history" in (primary.continuity.needs or "")
    assert await predicted(deployment) == "us-east-1 lacks 10 writes that the authority knows of; ap-northeast-1 does not have it either"


async def both_have_lost(deployment: Deployment, *names: str) -> RunningRegion:
    await written_since_the_copy(deployment, *names)
    deployment.lose(PRIMARY)
    deployment.lose(SECONDARY)
    primary, _ = (deployment.start(role) for role in Role)
    return primary


@pytest.mark.parametrize("role", list(Role))
async def test_what_lies_in_a_folder_is_not_written_off_without_a_word(deployment: Deployment, role: Role) -> None:
    deployment.kept = [role]
    primary = await both_have_lost(deployment, "after")
    word = f"multiregion repair {role} --put-back"

    async def told() -> bool:
        return primary.continuity.needs == word and word in (primary.continuity.reason or "")

    await until(told)
    assert not await primary.leads() and await primary.ledger() == []
    with pytest.raises(SwitchFailed, match=f"`{word}` puts it back. Nothing was changed; --accept-loss goes on without it"):
        await predicted(deployment)
    assert word in await predicted(deployment, accept_loss=True)
    await deployment.accept_history(PRIMARY)
    await until(primary.leads)
    assert [loss.writes for loss in await primary.ledger()] == [2]


async def test_nothing_is_written_off_before_the_other_region_has_said_what_it_keeps(deployment: Deployment) -> None:
    deployment.kept_unknown = True
    primary = await both_have_lost(deployment, "after")
    for _ in range(20):
        await deployment.clock.sleep(1)
        assert not await primary.leads()
    deployment.kept_unknown = False
    await until(primary.leads)
    assert [loss.writes for loss in await primary.ledger()] == [2]


async def test_what_a_repair_gives_up_is_not_the_word_to_go_on_without_the_other_region(deployment: Deployment) -> None:
    await written_since_the_copy(deployment, *MANY)
    deployment.lose(PRIMARY)
    primary = deployment.start(PRIMARY)
    assert deployment.authority is not None
    await deployment.authority.note(ACCEPTED, actor="eve", reason="copied anew", facts={"role": PRIMARY, "beside": True})
    deployment.clock.ahead += 10
    await until(primary.waits)
    secondary = deployment.start(SECONDARY)
    await until(primary.leads)
    assert await primary.names() == sorted(["before", *MANY]) and await secondary.ledger() == []


async def test_nothing_begins_with_empty_regions_while_a_database_is_set_aside(deployment: Deployment) -> None:
    """After the authority's loss nobody else knows that there was more."""
    empty = {role: await Asked(deployment, role).outlook() for role in Role}
    await histories_of(deployment).refuse_nothing(empty)
    deployment.kept.append(SECONDARY)
    with pytest.raises(SwitchFailed, match=r"ap-northeast-1 keeps a database.*set-aside-1.*`multiregion repair ap-northeast-1 --put-back`"):
        await histories_of(deployment).refuse_nothing(empty)
    has_some = replace(empty[PRIMARY], head=Head(Position(1, 1), 9, "", "chain"))
    await histories_of(deployment).refuse_nothing({**empty, PRIMARY: has_some})
