"""Where a write waits for the other region, whoever asks for it again waits, too: a second answer is worth what the first was."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from multiregion.clock import SystemClock
from multiregion.durability import STRICT, RemoteCopies
from multiregion.errors import Conflict, Unreachable
from multiregion.states import State
from multiregion.stores import Key, Write
from tests.contract.worlds import Ability, needs
from tests.gallery_world import Gallery, picture
from tests.identity_world import Pool, World

WAIT_SECONDS = 0.02


def waiting_for_the_other_region(pool: Pool) -> RemoteCopies:
    """From here on nothing counts before the other region has confirmed it."""
    copies = pool.records._durability = RemoteCopies(SystemClock(), STRICT, WAIT_SECONDS)
    return copies


async def announce(gallery: Gallery) -> httpx.Response:
    return await gallery.announce(picture(), photoId="mine")


async def commit(gallery: Gallery) -> httpx.Response:
    return await gallery.commit("mine")


async def delete(gallery: Gallery) -> httpx.Response:
    return await gallery.call("DELETE", "/photos/gone")


async def comment(gallery: Gallery) -> httpx.Response:
    return await gallery.call("POST", "/comments/mine", json={"message": "hello", "commentId": "c"})


REPEATS = [(announce, 200), (commit, 201), (delete, 404), (comment, 201)]


@needs(Ability.DURABILITY)
@pytest.mark.parametrize(("repeat", "status"), REPEATS)
@pytest.mark.parametrize("state", [State.ACTIVE, State.FENCED])
async def test_what_is_asked_for_again_is_not_acknowledged_sooner_than_it_is_copied(
    gallery: Gallery, repeat: Callable[[Gallery], Awaitable[httpx.Response]], status: int, state: State
) -> None:
    for photo_id in ("mine", "gone"):
        await gallery.add(photoId=photo_id)
    assert (await comment(gallery)).status_code == 201 and (await delete(gallery)).status_code == 204
    copies = waiting_for_the_other_region(gallery.world.a)
    await gallery.world.admit(state)
    answer = await repeat(gallery)
    assert (answer.status_code, answer.json()["code"]) == (503, "unreachable")
    copies.acknowledge((await gallery.head()).position)
    assert (await repeat(gallery)).status_code == status


async def test_a_write_that_conflicts_may_be_the_same_one_and_waits(pools: World) -> None:
    write = Write(Key("photos", "p"), b"{}", absent=True)
    await pools.a.records.commit([write], epoch=None, actor="ada")
    copies = waiting_for_the_other_region(pools.a)
    with pytest.raises(Unreachable):
        await pools.a.records.commit([write], epoch=None, actor="ada")
    copies.acknowledge((await pools.a.records.head()).position)
    with pytest.raises(Conflict):
        await pools.a.records.commit([write], epoch=None, actor="ada")


@needs(Ability.DURABILITY)
async def test_a_photo_that_never_was_is_not_waited_for(gallery: Gallery) -> None:
    waiting_for_the_other_region(gallery.world.a)
    assert (await gallery.call("DELETE", "/photos/never")).status_code == 404


async def test_a_change_of_a_user_that_is_made_already_waits(pools: World) -> None:
    administration = pools.a.accounts.administration
    await administration.join("ada", "operators", actor="root")
    copies = waiting_for_the_other_region(pools.a)
    with pytest.raises(Unreachable):
        await administration.join("ada", "operators", actor="root")
    copies.acknowledge((await pools.a.records.head()).position)
    await administration.join("ada", "operators", actor="root")


async def test_a_session_that_is_revoked_already_waits(pools: World) -> None:
    token = (await pools.a.sign_in()).refresh_token
    await pools.a.accounts.revoke(token)
    copies = waiting_for_the_other_region(pools.a)
    with pytest.raises(Unreachable):
        await pools.a.accounts.revoke(token)
    copies.acknowledge((await pools.a.records.head()).position)
    await pools.a.accounts.revoke(token)


async def test_a_region_that_follows_has_it_from_the_other_one(pools: World) -> None:
    waiting_for_the_other_region(pools.b)
    await pools.b.records.confirm((await pools.b.records.head()).position)
