"""Signing in, staying signed in and signing out, in two regions."""

import asyncio
from pathlib import Path

import pytest

from multiregion.accounts.accounts import NewPasswordNeeded
from multiregion.accounts.refusals import ResetRequired, WrongTokenKind
from multiregion.config import Settings
from multiregion.errors import Fenced, NotReady, Unauthorized
from multiregion.states import State
from tests.identity_world import ADDRESS, PASSWORD, Pool, World, copy_template, world

DAY = 86_400


async def test_a_session_begun_in_one_region_goes_on_in_the_other(pools: World) -> None:
    session = await pools.a.sign_in()
    for pool in (pools.a, pools.b):
        assert (await pool.accounts.identify(session.tokens.id)).user == "ada"
        assert (await pool.accounts.by_access_token(session.tokens.access)).name == "ada"
        refreshed = await pool.accounts.refresh(session.refresh_token)
        assert (await pools.a.accounts.identify(refreshed.id)).user == "ada"
        assert (await pools.b.accounts.identify(refreshed.id)).user == "ada"


@pytest.mark.parametrize("state", State)
async def test_signing_in_and_refreshing_write_nothing_and_work_in_every_state(pools: World, state: State) -> None:
    await pools.admit(state)
    before = await pools.a.records.head(), await pools.b.records.head()
    for pool in (pools.a, pools.b):
        session = await pool.sign_in()
        await pool.accounts.identify((await pool.accounts.refresh(session.refresh_token)).id)
        invited = await pool.accounts.sign_in("bob", PASSWORD, address=ADDRESS)
        assert isinstance(invited, NewPasswordNeeded)
    assert (await pools.a.records.head(), await pools.b.records.head()) == before


@pytest.mark.parametrize("state", [State.FENCED, State.FAILOVER])
async def test_what_must_be_remembered_is_refused_where_nobody_writes(pools: World, state: State) -> None:
    session = await pools.a.sign_in()
    invited = await pools.a.accounts.sign_in("bob", PASSWORD, address=ADDRESS)
    assert isinstance(invited, NewPasswordNeeded)
    await pools.admit(state)
    for pool in (pools.a, pools.b):
        before = await pool.records.head()
        accounts, administration = pool.accounts, pool.accounts.administration
        for attempt in (
            accounts.revoke(session.refresh_token),
            accounts.sign_out_everywhere(session.tokens.access),
            accounts.set_first_password("bob", "a new password", invited.session),
            accounts.change_password(session.tokens.access, PASSWORD, "a new password", address=ADDRESS),
            accounts.forgot_password("ada", address=ADDRESS),
            administration.invite("eve", "eve@example.com", actor="admin"),
            administration.disable("ada", actor="admin"),
            administration.set_password("ada", "a new password", permanent=True, actor="admin"),
        ):
            with pytest.raises(Fenced, match=str(state)):
                await attempt
        assert await pool.records.head() == before
        assert pool.messages == []


async def test_only_the_writer_takes_new_users(pools: World) -> None:
    with pytest.raises(Fenced):
        await pools.b.accounts.administration.invite("eve", "eve@example.com", actor="admin")
    await pools.a.accounts.administration.invite("eve", "eve@example.com", password=PASSWORD, actor="admin")
    await pools.replicate()
    assert isinstance(await pools.b.accounts.sign_in("eve", PASSWORD, address=ADDRESS), NewPasswordNeeded)


async def assert_dead(pool: Pool, id_token: str, access_token: str, refresh_token: str) -> None:
    for attempt in (
        pool.accounts.identify(id_token),
        pool.accounts.by_access_token(access_token),
        pool.accounts.refresh(refresh_token),
    ):
        with pytest.raises(Unauthorized, match=r"revoked|disabled"):
            await attempt


async def test_a_revoked_session_is_dead_in_both_regions_and_others_live(pools: World) -> None:
    one, other = await pools.a.sign_in(), await pools.a.sign_in()
    later = await pools.b.accounts.refresh(one.refresh_token)
    await pools.b.accounts.identify(one.tokens.id)  # remembered there as verified
    await pools.a.accounts.revoke(one.refresh_token)
    await assert_dead(pools.a, one.tokens.id, later.access, one.refresh_token)
    await pools.replicate()
    await assert_dead(pools.b, one.tokens.id, later.access, one.refresh_token)
    await assert_dead(pools.b, later.id, one.tokens.access, one.refresh_token)
    assert (await pools.b.accounts.identify(other.tokens.id)).user == "ada"
    await pools.b.accounts.refresh(other.refresh_token)


async def test_revoking_twice_and_at_once_is_revoking_once(pools: World) -> None:
    session = await pools.a.sign_in()
    await asyncio.gather(*(pools.a.accounts.revoke(session.refresh_token) for _ in range(4)))
    before = await pools.a.records.head()
    await pools.a.accounts.revoke(session.refresh_token)
    assert await pools.a.records.head() == before


async def test_revocations_that_nothing_needs_any_more_are_swept(pools: World) -> None:
    for _ in range(3):
        await pools.a.accounts.revoke((await pools.a.sign_in()).refresh_token)
    assert await pools.a.records.count("revocations") == 3
    pools.wind(30 * DAY + 3600 + 1)
    await pools.a.accounts.revoke((await pools.a.sign_in()).refresh_token)
    assert await pools.a.records.count("revocations") == 1


async def test_only_a_refresh_token_can_be_revoked(pools: World) -> None:
    session = await pools.a.sign_in()
    with pytest.raises(WrongTokenKind):
        await pools.a.accounts.revoke(session.tokens.access)
    with pytest.raises(Unauthorized, match="Invalid Refresh Token"):
        await pools.a.accounts.revoke("nonsense")


async def test_signing_out_everywhere_ends_all_sessions_but_not_the_next(pools: World) -> None:
    one, other = await pools.a.sign_in(), await pools.b.sign_in()
    await pools.a.accounts.sign_out_everywhere(one.tokens.access)
    await pools.replicate()
    for session in (one, other):
        for pool in (pools.a, pools.b):
            await assert_dead(pool, session.tokens.id, session.tokens.access, session.refresh_token)
    again = await pools.a.sign_in()
    assert (await pools.b.accounts.identify(again.tokens.id)).user == "ada"


async def test_a_disabled_user_is_out_in_both_regions_until_enabled_and_signed_in_again(pools: World) -> None:
    session = await pools.a.sign_in()
    await pools.a.accounts.administration.disable("ada", actor="admin")
    await pools.replicate()
    for pool in (pools.a, pools.b):
        await assert_dead(pool, session.tokens.id, session.tokens.access, session.refresh_token)
        with pytest.raises(Unauthorized, match="User is disabled"):
            await pool.sign_in()
        with pytest.raises(Unauthorized, match="Incorrect username or password"):
            await pool.sign_in(password="wrong password")
    await pools.a.accounts.administration.enable("ada", actor="admin")
    await assert_dead(pools.a, session.tokens.id, session.tokens.access, session.refresh_token)
    await pools.a.accounts.identify((await pools.a.sign_in()).tokens.id)


async def test_a_deleted_user_is_gone_and_the_name_stays_taken(pools: World) -> None:
    session = await pools.a.sign_in()
    await pools.a.accounts.administration.delete("ada", actor="admin")
    await assert_dead(pools.a, session.tokens.id, session.tokens.access, session.refresh_token)
    with pytest.raises(Unauthorized, match="Incorrect username or password"):
        await pools.a.sign_in()


async def test_a_session_lives_as_long_as_the_settings_say(user_pools: Path, tmp_path: Path) -> None:
    async with world(copy_template(user_pools, tmp_path), Settings(token_seconds=600, refresh_days=2)) as pools:
        session = await pools.a.sign_in()
        assert session.tokens.expires_in == 600
        pools.wind(599)
        await pools.b.accounts.identify(session.tokens.id)
        pools.wind(1)
        for pool in (pools.a, pools.b):
            with pytest.raises(Unauthorized, match="ID Token has expired"):
                await pool.accounts.identify(session.tokens.id)
            with pytest.raises(Unauthorized, match="Access Token has expired"):
                await pool.accounts.by_access_token(session.tokens.access)
        pools.wind(2 * DAY - 601)
        await pools.b.accounts.identify((await pools.b.accounts.refresh(session.refresh_token)).id)
        pools.wind(1)
        with pytest.raises(Unauthorized, match="Refresh Token has expired"):
            await pools.b.accounts.refresh(session.refresh_token)
        await pools.a.accounts.revoke(session.refresh_token)
        assert await pools.a.records.count("revocations") == 0


async def test_a_user_whose_password_was_reset_must_set_another(pools: World) -> None:
    session = await pools.a.sign_in()
    await pools.a.accounts.administration.reset_password("ada", actor="admin")
    await assert_dead(pools.a, session.tokens.id, session.tokens.access, session.refresh_token)
    with pytest.raises(ResetRequired):
        await pools.a.sign_in()
    with pytest.raises(Unauthorized):
        await pools.a.sign_in(password="wrong password")
    (message,) = pools.a.messages
    await pools.a.accounts.confirm_forgotten("ada", message.secret, "a new password", address=ADDRESS)
    await pools.a.sign_in(password="a new password")


async def test_there_is_one_signing_key_however_often_and_wherever_it_is_prepared(tmp_path: Path) -> None:
    async with world(tmp_path) as pools:
        with pytest.raises(Fenced):
            await pools.b.accounts.prepare()
        with pytest.raises(NotReady, match="signing key"):
            await pools.b.accounts.keys.newest()
        await asyncio.gather(*(pools.a.accounts.prepare() for _ in range(3)))
        await pools.a.accounts.prepare()
        assert await pools.a.records.count("signing-keys") == 1
        await pools.replicate()
        assert await pools.a.accounts.keys.public() == await pools.b.accounts.keys.public()
        (key,) = (await pools.a.accounts.keys.public())["keys"]
        assert key.keys() == {"kty", "n", "e", "kid", "alg", "use"}


async def test_the_stored_signing_key_cannot_be_read_without_the_secret(pools: World) -> None:
    (record,), _ = await pools.a.records.query("signing-keys")
    _, key = await pools.a.accounts.keys.newest()
    private = key.as_dict(private=True)
    for part in ("n", "d", "p"):
        assert str(private[part]).encode() not in record.value


async def test_groups_are_looked_up_at_each_use(pools: World) -> None:
    session = await pools.a.sign_in()
    assert not (await pools.a.accounts.identify(session.tokens.id)).is_operator
    await pools.a.accounts.administration.join("ada", "operators", actor="admin")
    assert (await pools.a.accounts.identify(session.tokens.id)).is_operator
    await pools.a.accounts.administration.leave("ada", "operators", actor="admin")
    assert not (await pools.a.accounts.identify(session.tokens.id)).is_operator
