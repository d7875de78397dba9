"""What a region does that starts with an older copy, another history or nothing: real regions and a real authority over real files."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from multiregion.continuity import NOT_FOUNDED
from multiregion.errors import NotReady
from multiregion.logs import DISK_LOST, FORKED, OLDER_COPY, Loss
from multiregion.reports import base_fact
from multiregion.states import Role, State, move
from multiregion.stores import BEGINNING
from tests.unit.starts import LOSS_CHANGES_MAX, Deployment, RunningRegion, founded_deployment, level, until, until_known

PRIMARY, SECONDARY = Role.PRIMARY, Role.SECONDARY
FEW = [f"few{n}" for n in range(LOSS_CHANGES_MAX)]
MANY = [*FEW, "one more"]


@pytest.fixture
async def deployment(tmp_path: Path) -> AsyncIterator[Deployment]:
    async with founded_deployment(tmp_path) as made:
        yield made


async def written_since_the_copy(deployment: Deployment, *names: str) -> None:
    """`before` is in the copy `old` of the primary; `names` were acknowledged and replicated later. Nothing runs."""
    primary, secondary = deployment.running[PRIMARY], deployment.running[SECONDARY]
    await primary.write("before")
    await level(primary, secondary)
    await deployment.stop(PRIMARY)
    deployment.copy(PRIMARY, "old")
    primary = deployment.start(PRIMARY)
    await until(primary.leads)
    await primary.write(*names)
    await level(primary, secondary)
    await reported(deployment, primary)
    await deployment.stop_all()


async def reported(deployment: Deployment, primary: RunningRegion) -> None:
    """The authority knows how far both have got."""
    end = (await primary.records.head()).mark

    async def known() -> bool:
        assert deployment.authority is not None
        said = await deployment.authority.reports()
        return all(role in said and said[role].end == end for role in deployment.running)

    await until(known)


def told(losses: list[Loss]) -> list[tuple[str, str, int | None]]:
    return [(loss.change.write.key.id, loss.cause, loss.writes) for loss in losses]


async def until_told(primary: RunningRegion, secondary: RunningRegion, *losses: tuple[str, str, int | None]) -> None:
    """In both ledgers."""

    async def is_told() -> bool:
        return told(await primary.ledger()) == told(await secondary.ledger()) == list(losses)

    await until(is_told)


async def taken_over(deployment: Deployment, secondary: RunningRegion) -> None:
    """By the secondary, from a primary that has not sent everything."""
    assert deployment.authority is not None
    state = await deployment.state()
    facts = {"base": base_fact((await secondary.records.head()).mark)}
    taken = move(state, State.FAILOVER, writable=True, region_lost=True)
    await deployment.authority.replace(state, taken, actor="eve", reason="", facts=facts)
    await until(secondary.leads)


async def both_copied(deployment: Deployment) -> tuple[RunningRegion, RunningRegion]:
    """Copies `old` of the primary and of the authority, with `before` in them; both run again."""
    primary, secondary = deployment.running[PRIMARY], deployment.running[SECONDARY]
    await primary.write("before")
    await level(primary, secondary)
    await reported(deployment, primary)
    primary = await with_copies(deployment)
    await until(primary.leads)
    return primary, secondary


async def with_copies(deployment: Deployment) -> RunningRegion:
    """The primary runs on, and copies `old` of it and of the authority are kept."""
    await deployment.stop(PRIMARY)
    deployment.stop_authority()
    for part in (PRIMARY, "authority"):
        deployment.copy(part, "old")
    deployment.start_authority()
    return deployment.start(PRIMARY)


async def both_put_back(deployment: Deployment) -> None:
    """Nothing runs but the authority."""
    await deployment.stop_all()
    deployment.stop_authority()
    for part in (PRIMARY, "authority"):
        deployment.put_back(part, "old")
    deployment.start_authority()


async def test_a_founded_deployment_goes_on_at_its_first_epoch_after_a_restart_of_everything(deployment: Deployment) -> None:
    await written_since_the_copy(deployment, "after")
    primary = deployment.start(PRIMARY)
    deployment.clock.ahead += 10
    await until(primary.leads)
    assert (await primary.write("on")).epoch == (await deployment.state()).epoch == 1, "a power cut of everything needs nobody"


async def test_the_other_region_is_waited_for_before_a_leader_goes_on_alone(deployment: Deployment) -> None:
    await written_since_the_copy(deployment, "after")
    primary = deployment.start(PRIMARY)

    async def asks() -> bool:
        return "compares its log" in (primary.continuity.reason or "")

    await until(asks)
    with pytest.raises(NotReady, match="this region compares its log"):
        await primary.write("too early")
    assert await primary.names() == ["after", "before"], "reads are served"
    deployment.start(SECONDARY)
    await until(primary.leads)
    assert (await deployment.state()).epoch == 1


async def test_an_old_copy_of_the_leader_catches_up_and_leads_under_a_new_epoch(deployment: Deployment) -> None:
    await written_since_the_copy(deployment, *MANY)
    deployment.put_back(PRIMARY, "old")
    primary, secondary = (deployment.start(role) for role in Role)
    await until(primary.leads)
    state = await deployment.state()
    assert (state.state, state.epoch, state.writer) == ("active", 2, PRIMARY)
    assert await primary.names() == sorted(["before", *MANY])
    await primary.write("on")
    await level(primary, secondary)
    assert await primary.ledger() == await secondary.ledger() == []
    assert deployment.authority is not None and (await deployment.authority.leadership()).since == 2


async def test_an_old_copy_of_the_leader_alone_waits_and_serves_reads_until_the_other_is_back(deployment: Deployment) -> None:
    await written_since_the_copy(deployment, "after")
    deployment.put_back(PRIMARY, "old")
    primary = deployment.start(PRIMARY)
    deployment.clock.ahead += 10
    await until(primary.waits)
    assert "lacks 1 write that the authority knows of" in (primary.continuity.reason or "")
    assert await primary.names() == ["before"]
    with pytest.raises(NotReady, match=r"this region lacks 1 write that .*accept-history primary`") as refused:
        await primary.write("no")
    assert "compares" not in refused.value.detail, "it has done that, and waits for a word"
    secondary = deployment.start(SECONDARY)
    await until(primary.leads)
    assert await primary.names() == ["after", "before"] == await secondary.names()
    assert await primary.ledger() == []


async def test_with_the_operators_word_it_goes_on_and_what_is_missing_is_in_the_ledger(deployment: Deployment) -> None:
    await written_since_the_copy(deployment, *MANY)
    deployment.put_back(PRIMARY, "old")
    primary = deployment.start(PRIMARY)
    deployment.clock.ahead += 10
    await until(primary.waits)
    await deployment.accept_history(PRIMARY)
    await until(primary.leads)
    (gap,) = await primary.ledger()
    assert told([gap]) == [("", OLDER_COPY, len(MANY))] and gap.change.position.sequence == 1 + len(MANY)
    assert (await primary.write("on")).epoch == 2
    secondary = deployment.start(SECONDARY)
    await level(primary, secondary)

    async def equal_ledgers() -> bool:
        return {loss.key for loss in await primary.ledger()} == {loss.key for loss in await secondary.ledger()}

    await until(equal_ledgers)
    undone = [(loss.change.write.key.id, loss.cause) for loss in await primary.ledger() if loss.writes is None]
    assert undone == [(name, OLDER_COPY) for name in MANY], "the other region had them, and the ledger has their contents"


async def test_a_word_that_was_given_at_an_earlier_epoch_counts_no_more(deployment: Deployment) -> None:
    await deployment.accept_history(PRIMARY)
    await written_since_the_copy(deployment, "after")
    assert deployment.authority is not None
    state = await deployment.state()
    for epoch in (2, 3):
        await deployment.authority.replace(state, newer := replace(state, epoch=epoch), actor="eve", reason="")
        state = newer
    deployment.put_back(PRIMARY, "old")
    primary = deployment.start(PRIMARY)
    deployment.clock.ahead += 10
    await until(primary.waits)


async def test_a_lost_file_of_the_leader_is_copied_and_it_leads_under_a_new_epoch(deployment: Deployment) -> None:
    await written_since_the_copy(deployment, *MANY)
    deployment.lose(PRIMARY)
    primary, secondary = (deployment.start(role) for role in Role)
    await until(primary.leads)
    assert (await deployment.state()).epoch == 2 and await primary.names() == sorted(["before", *MANY])
    assert await primary.ledger() == await secondary.ledger() == []


async def test_a_lost_file_of_the_leader_alone_leads_nobody(deployment: Deployment) -> None:
    """A permission to start from nothing has expired with the founding."""
    await written_since_the_copy(deployment, "after")
    deployment.lose(PRIMARY)
    primary = deployment.start(PRIMARY)
    deployment.clock.ahead += 10
    await until(primary.waits)
    with pytest.raises(NotReady, match=r"this region lacks .*start it. If it is lost: `multiregion authority accept-history"):
        await primary.write("no")
    assert not await primary.records.is_whole()


async def test_until_the_deployment_is_founded_that_is_what_its_regions_wait_for(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path)
    primary = deployment.start(PRIMARY)

    async def waits() -> bool:
        return primary.continuity.reason == NOT_FOUNDED

    await until(waits)
    founded_alone = primary.continuity.founds
    secondary = deployment.start(SECONDARY)
    await until(primary.leads)
    assert (founded_alone, primary.continuity.founds, secondary.continuity.founds) == (False, True, False)
    assert not primary.continuity.lost_disk
    await level(primary, secondary)
    assert not secondary.continuity.lost_disk
    await deployment.stop_all()
    deployment.stop_authority()


async def test_an_old_copy_from_before_the_founding_is_no_new_deployment(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path)
    deployment.start(PRIMARY)
    await deployment.stop(PRIMARY)
    deployment.copy(PRIMARY, "old")
    primary, secondary = (deployment.start(role) for role in Role)
    await until(primary.leads)
    store = primary.records.store
    await primary.write("kept")
    await level(primary, secondary)
    await reported(deployment, primary)
    await deployment.stop_all()
    deployment.put_back(PRIMARY, "old")
    primary = deployment.start(PRIMARY)
    assert primary.records.store == store, "the authority says yes to this file for ever"
    deployment.clock.ahead += 10
    await until(primary.waits)
    deployment.start(SECONDARY)
    await until(primary.leads)
    assert await primary.names() == ["kept"] and (await deployment.state()).epoch == 2
    await deployment.stop_all()
    deployment.stop_authority()


@pytest.mark.parametrize("missing", [FEW, MANY])
async def test_what_neither_region_has_is_written_off_up_to_the_limit_and_waited_for_above(
    deployment: Deployment, missing: list[str]
) -> None:
    primary, secondary = deployment.running[PRIMARY], deployment.running[SECONDARY]
    await primary.write("before")
    await level(primary, secondary)
    await deployment.stop_all()
    for role in Role:
        deployment.copy(role, "old")
    primary, secondary = (deployment.start(role) for role in Role)
    await until(primary.leads)
    await primary.write(*missing)
    await level(primary, secondary)
    await reported(deployment, primary)
    end = (await primary.records.head()).position
    await deployment.stop_all()
    for role in Role:
        deployment.put_back(role, "old")
    primary, secondary = (deployment.start(role) for role in Role)
    if missing is MANY:
        await until(primary.waits)
        await deployment.accept_history(PRIMARY)
    await until(primary.leads)
    (gap,) = await primary.ledger()
    assert (gap.change.position, gap.writes, gap.cause, gap.outcome) == (end, len(missing), OLDER_COPY, "pending")
    assert (await primary.write("on")).epoch == 2
    await level(primary, secondary)

    async def told_there() -> bool:
        return [loss.key for loss in await secondary.ledger()] == [gap.key]

    await until(told_there)


async def test_a_region_that_has_lost_its_disk_after_it_was_taken_over_from_tells_what_only_it_had(deployment: Deployment) -> None:
    primary, secondary = deployment.running[PRIMARY], deployment.running[SECONDARY]
    await primary.write("both")
    await level(primary, secondary)
    deployment.cut = True
    await primary.write("lost1", "lost2")
    await until_known(deployment, PRIMARY, (await primary.records.head()).mark)
    await deployment.stop(PRIMARY)
    await taken_over(deployment, secondary)
    deployment.lose(PRIMARY)
    deployment.cut = False
    primary = deployment.start(PRIMARY)

    await until_told(primary, secondary, ("", DISK_LOST, 2))
    assert await primary.names() == ["both"] and await primary.records.is_whole()
    assert await primary.records.owed() == BEGINNING


async def test_logs_with_equal_positions_and_other_chains_are_found_told_and_mended(deployment: Deployment) -> None:
    """The primary and the authority are restored from copies of the same moment while the line is cut: both have written at epoch 1."""
    primary, secondary = await both_copied(deployment)
    await primary.write("a", "b")
    await level(primary, secondary)
    await both_put_back(deployment)
    deployment.cut = True
    primary = deployment.start(PRIMARY)
    deployment.clock.ahead += 10
    await until(primary.leads)
    await primary.write("x", "y")
    secondary = deployment.start(SECONDARY)
    assert (await primary.records.head()).position == (await secondary.records.head()).position
    deployment.cut = False
    await level(primary, secondary)
    assert await primary.names() == await secondary.names() == ["before", "x", "y"]
    await until_told(primary, secondary, ("a", FORKED, None), ("b", FORKED, None))


async def test_what_a_leader_is_known_to_lack_is_remembered_across_restarts(deployment: Deployment) -> None:
    """The authority is as old as the primary's copy: the primary has heard of it from the other region alone."""
    primary, secondary = await both_copied(deployment)
    await primary.write("a")
    await level(primary, secondary)
    end = (await primary.records.head()).mark
    await both_put_back(deployment)
    deployment.slow = True
    primary, secondary = (deployment.start(role) for role in Role)

    async def owes() -> bool:
        return await primary.records.owed() == end

    await until(owes)
    assert await primary.names() == ["before"], "and it is killed before it has it"
    await deployment.stop_all()
    deployment.slow = False
    primary = deployment.start(PRIMARY)
    deployment.clock.ahead += 10
    await until(primary.waits)
    secondary = deployment.start(SECONDARY)
    await until(primary.leads)
    assert await primary.names() == ["a", "before"] and await primary.records.owed() == BEGINNING
    assert (await deployment.state()).epoch == 2


async def test_what_was_compared_before_a_new_state_proves_nothing_under_it(deployment: Deployment) -> None:
    primary, secondary = await both_copied(deployment)
    await primary.write("after")
    await level(primary, secondary)
    newest = (await secondary.records.head()).mark
    await both_put_back(deployment)
    deployment.cut = True

    async def recovered() -> None:
        deployment.meanwhile = None
        deployment.clock.ahead += 10
        assert deployment.authority is not None
        state = await deployment.state()
        fenced = replace(state, state=State.FENCED, epoch=state.epoch + 10)
        await deployment.authority.replace(state, fenced, actor="eve", reason="", facts={"base": base_fact(newest)})
        await primary.records.admit(fenced)

    deployment.meanwhile = recovered
    primary = deployment.start(PRIMARY)
    await until(primary.waits)
    assert not await primary.leads(), "it lacks what the new state begins with"
    deployment.cut = False
    secondary = deployment.start(SECONDARY)
    await until(primary.leads)
    assert await primary.names() == await secondary.names() == ["after", "before"]
    assert await primary.ledger() == []
