"""What a region had once and nobody has any more is counted in the ledger, with real parts over real files."""

from functools import partial

import pytest
from msgspec.structs import replace as altered

from multiregion.continuity import report_of
from multiregion.errors import NotReady
from multiregion.logs import DISK_LOST
from multiregion.reports import base_fact
from multiregion.states import Role, State, move
from multiregion.stores import Exposure, Mark, Position
from tests.unit.starts import Deployment, RunningRegion, level, until, until_known
from tests.unit.test_starts import PRIMARY, SECONDARY, deployment, reported, taken_over, with_copies

__all__ = ["deployment"]


async def led_again(deployment: Deployment, primary: RunningRegion) -> None:
    """By the primary, after the secondary."""
    assert deployment.authority is not None
    await until(lambda: confirmed(primary))
    facts = {"base": base_fact((await primary.records.head()).mark)}
    state = await deployment.state()
    back = move(state, State.ACTIVE, region_lost=True)
    await deployment.authority.replace(state, back, actor="eve", reason="", facts=facts)
    await until(primary.leads)


async def confirmed(region: RunningRegion) -> bool:
    return region.records.confirmed


async def test_what_both_histories_had_and_nobody_has_is_counted_once(deployment: Deployment) -> None:
    """Each region goes on alone after two shared writes, and both are put back to a copy from before."""
    primary, secondary = deployment.running[PRIMARY], deployment.running[SECONDARY]
    await primary.write("before")
    await level(primary, secondary)
    await deployment.stop_all()
    for role in Role:
        deployment.copy(role, "old")
    primary, secondary = (deployment.start(role) for role in Role)
    await until(primary.leads)
    await primary.write("shared1", "shared2")
    await level(primary, secondary)
    await reported(deployment, primary)
    deployment.cut = True
    await primary.write("alone1", "alone2")
    end = (await primary.records.head()).mark
    await until_known(deployment, PRIMARY, end)
    await deployment.stop(PRIMARY)
    await taken_over(deployment, secondary)
    await secondary.write("elsewhere")
    await reported(deployment, secondary)
    await deployment.stop_all()
    for role in Role:
        deployment.put_back(role, "old")
    deployment.cut = deployment.exchanges = False
    primary, secondary = (deployment.start(role) for role in Role)
    await until(secondary.leads)

    async def both_told() -> bool:
        return len(await primary.ledger()) == 2

    await until(both_told)
    counted = {loss.change.position: loss.writes for loss in await primary.ledger()}
    assert counted == {Position(2, 4): 3, end.position: 2}, "3 with the two that both had, and 2 that only the primary had"


async def has_reported(deployment: Deployment, primary: RunningRegion) -> bool:
    """From the file that it has now."""
    assert deployment.authority is not None
    return (await deployment.authority.reports())[PRIMARY].store == primary.records.store


async def test_a_lost_disk_is_still_one_after_a_restart(deployment: Deployment) -> None:
    """The primary had reported nothing yet, and both have lost their files."""
    primary, secondary = deployment.running[PRIMARY], deployment.running[SECONDARY]
    await reported(deployment, primary)
    await deployment.stop(PRIMARY)
    assert deployment.authority is not None
    end = Mark(Position(1, 2), "e" * 32)
    said = await report_of(secondary.records, Exposure())
    await deployment.stop(SECONDARY)
    await deployment.authority.report(SECONDARY, altered(said, end=end))
    for role in Role:
        deployment.lose(role)
    for _ in range(2):
        primary = deployment.start(PRIMARY)
        await until(partial(has_reported, deployment, primary))
        await deployment.stop(PRIMARY)
    primary, secondary = (deployment.start(role) for role in Role)
    await until(primary.leads)
    assert [(loss.cause, loss.writes) for loss in await primary.ledger()] == [(DISK_LOST, 2)]


async def test_the_other_regions_word_of_a_later_state_makes_no_leader_of_an_older_copy(deployment: Deployment) -> None:
    """The secondary led once more after the copies of the primary and of the authority: so both take it for the leader, and that it
    has handed over again is known to it alone."""
    primary, secondary = deployment.running[PRIMARY], deployment.running[SECONDARY]
    await primary.write("before")
    await level(primary, secondary)
    await taken_over(deployment, secondary)
    await primary.records.admit(await deployment.state())
    await secondary.write("elsewhere")
    await level(primary, secondary)
    await reported(deployment, secondary)
    primary = await with_copies(deployment)
    await led_again(deployment, primary)
    await secondary.records.admit(await deployment.state())
    await primary.write("again")
    await level(primary, secondary)
    await deployment.stop(PRIMARY)
    deployment.stop_authority()
    for part in (PRIMARY, "authority"):
        deployment.put_back(part, "old")
    deployment.start_authority()
    primary = deployment.start(PRIMARY)

    async def has_copied() -> bool:
        return await primary.names() == ["again", "before", "elsewhere"]

    await until(has_copied)
    assert (await primary.records.admitted()).leader is PRIMARY and not await primary.leads()
    with pytest.raises(NotReady):
        await primary.write("no")
    assert await primary.ledger() == await secondary.ledger() == []
