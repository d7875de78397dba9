"""Passwords: the forced new one, changes, forgotten ones, guessing, and what may be one."""

import asyncio
import unicodedata
from pathlib import Path

import pytest

from multiregion.accounts import passwords
from multiregion.accounts.accounts import NewPasswordNeeded
from multiregion.accounts.attempts import KEYS_MAX, Limit
from multiregion.accounts.passwords import WAITING_MAX, Passwords
from multiregion.accounts.refusals import TooManyAttempts, WeakPassword, WrongCode
from multiregion.clock import SystemClock
from multiregion.config import Settings
from multiregion.errors import InvalidInput, Overloaded, Unauthorized
from multiregion.states import State
from tests.identity_world import ADDRESS, PASSWORD, Pool, World, WoundClock, copy_template, world

DAY = 86_400
NEW = "a new password"


async def challenge(pool: Pool, name: str = "bob") -> str:
    outcome = await pool.accounts.sign_in(name, PASSWORD, address=ADDRESS)
    assert isinstance(outcome, NewPasswordNeeded)
    return outcome.session


class TestFirstPassword:
    async def test_it_signs_in_and_counts_in_both_regions(self, pools: World) -> None:
        session = await pools.a.accounts.set_first_password("bob", NEW, await challenge(pools.a))
        await pools.replicate()
        assert (await pools.b.accounts.identify(session.tokens.id)).user == "bob"
        await pools.b.sign_in("bob", NEW)
        with pytest.raises(Unauthorized):
            await pools.b.sign_in("bob", PASSWORD)

    async def test_a_challenge_of_one_region_is_answered_in_the_other(self, pools: World) -> None:
        await pools.a.accounts.set_first_password("bob", NEW, await challenge(pools.b))
        await pools.a.sign_in("bob", NEW)

    async def test_a_challenge_is_dead_once_it_was_answered(self, pools: World) -> None:
        one, other = await challenge(pools.a), await challenge(pools.a)
        await pools.a.accounts.set_first_password("bob", NEW, one)
        for session in (one, other):
            with pytest.raises(Unauthorized, match="Invalid session"):
                await pools.a.accounts.set_first_password("bob", "another password", session)
        await pools.a.sign_in("bob", NEW)

    async def test_of_two_answers_at_once_one_wins(self, pools: World) -> None:
        session = await challenge(pools.a)
        answers = [pools.a.accounts.set_first_password("bob", f"{NEW} {i}", session) for i in range(2)]
        outcomes = await asyncio.gather(*answers, return_exceptions=True)
        assert sorted(isinstance(outcome, Unauthorized) for outcome in outcomes) == [False, True]

    async def test_a_challenge_lives_three_minutes(self, pools: World) -> None:
        session = await challenge(pools.a)
        pools.wind(180)
        with pytest.raises(Unauthorized, match="expired"):
            await pools.a.accounts.set_first_password("bob", NEW, session)

    async def test_a_challenge_is_one_users(self, pools: World) -> None:
        await pools.a.accounts.administration.invite("eve", "eve@example.com", password=PASSWORD, actor="admin")
        with pytest.raises(Unauthorized, match="Invalid session"):
            await pools.a.accounts.set_first_password("bob", NEW, await challenge(pools.a, "eve"))

    async def test_a_disabled_user_cannot_answer(self, pools: World) -> None:
        session = await challenge(pools.a)
        await pools.a.accounts.administration.disable("bob", actor="admin")
        with pytest.raises(Unauthorized):
            await pools.a.accounts.set_first_password("bob", NEW, session)

    async def test_other_tokens_are_no_challenge(self, pools: World) -> None:
        signed_in = await pools.a.sign_in()
        for token in (signed_in.refresh_token, signed_in.tokens.id, "", "x" * 5000):
            with pytest.raises(Unauthorized, match="Invalid session"):
                await pools.a.accounts.set_first_password("ada", NEW, token)
        with pytest.raises(Unauthorized, match="Invalid Refresh Token"):
            await pools.a.accounts.refresh(await challenge(pools.a))

    async def test_a_temporary_password_expires(self, user_pools: Path, tmp_path: Path) -> None:
        async with world(copy_template(user_pools, tmp_path), Settings(temporary_password_days=2)) as pools:
            pools.wind(2 * DAY)
            await challenge(pools.a)
            pools.wind(1)
            with pytest.raises(Unauthorized, match="Temporary password has expired"):
                await challenge(pools.a)
            await pools.a.accounts.administration.set_password("bob", PASSWORD, permanent=False, actor="admin")
            await challenge(pools.a)

    async def test_an_invitation_without_a_password_goes_to_the_outbox(self, pools: World) -> None:
        await pools.a.accounts.administration.invite("eve", "eve@example.com", actor="admin")
        (message,) = pools.a.messages
        assert (message.kind, message.user, message.email) == ("invitation", "eve", "eve@example.com")
        assert isinstance(await pools.a.accounts.sign_in("eve", message.secret, address=ADDRESS), NewPasswordNeeded)


class TestChange:
    async def test_it_ends_every_session_but_the_one_it_is_done_in(self, pools: World) -> None:
        mine, other = await pools.a.sign_in(), await pools.b.sign_in()
        await pools.a.accounts.change_password(mine.tokens.access, PASSWORD, NEW, address=ADDRESS)
        await pools.replicate()
        for pool in (pools.a, pools.b):
            await pool.accounts.identify(mine.tokens.id)
            await pool.accounts.identify((await pool.accounts.refresh(mine.refresh_token)).id)
            with pytest.raises(Unauthorized, match="revoked"):
                await pool.accounts.refresh(other.refresh_token)
            with pytest.raises(Unauthorized):
                await pool.sign_in()
            await pool.sign_in(password=NEW)
        await pools.a.accounts.sign_out_everywhere(mine.tokens.access)
        with pytest.raises(Unauthorized, match="revoked"):
            await pools.a.accounts.refresh(mine.refresh_token)

    async def test_the_previous_password_must_be_right(self, pools: World) -> None:
        mine = await pools.a.sign_in()
        with pytest.raises(Unauthorized, match="Incorrect"):
            await pools.a.accounts.change_password(mine.tokens.access, "wrong password", NEW, address=ADDRESS)
        await pools.a.sign_in()

    @pytest.mark.parametrize("permanent", [True, False])
    async def test_a_password_set_by_an_operator_ends_all_sessions(self, pools: World, permanent: bool) -> None:
        mine = await pools.a.sign_in()
        await pools.a.accounts.administration.set_password("ada", NEW, permanent=permanent, actor="admin")
        with pytest.raises(Unauthorized, match="revoked"):
            await pools.a.accounts.refresh(mine.refresh_token)
        with pytest.raises(Unauthorized, match="revoked"):
            await pools.a.accounts.identify(mine.tokens.id)
        outcome = await pools.a.accounts.sign_in("ada", NEW, address=ADDRESS)
        assert isinstance(outcome, NewPasswordNeeded) is not permanent


class TestForgotten:
    async def code(self, pools: World) -> str:
        await pools.a.accounts.forgot_password("ada", address=ADDRESS)
        return pools.a.messages[-1].secret

    async def test_a_code_sets_a_password_once_and_ends_all_sessions(self, pools: World) -> None:
        mine = await pools.a.sign_in()
        code = await self.code(pools)
        await pools.a.accounts.confirm_forgotten("ada", code.replace("-", "").upper(), NEW, address=ADDRESS)
        await pools.a.sign_in(password=NEW)
        with pytest.raises(Unauthorized, match="revoked"):
            await pools.a.accounts.refresh(mine.refresh_token)
        with pytest.raises(WrongCode):
            await pools.a.accounts.confirm_forgotten("ada", code, "another password", address=ADDRESS)

    async def test_a_code_is_good_for_half_an_hour_and_not_for_an_hour(self, pools: World) -> None:
        code = await self.code(pools)
        pools.wind(1800)
        await pools.a.accounts.confirm_forgotten("ada", code, NEW, address=ADDRESS)
        code = await self.code(pools)
        pools.wind(3600)
        with pytest.raises(WrongCode):
            await pools.a.accounts.confirm_forgotten("ada", code, NEW, address=ADDRESS)

    async def test_a_code_is_one_users(self, pools: World) -> None:
        code = await self.code(pools)
        with pytest.raises(WrongCode):
            await pools.a.accounts.confirm_forgotten("root", code, NEW, address=ADDRESS)

    async def test_nothing_tells_an_unknown_user_from_a_known_one(self, pools: World) -> None:
        await pools.a.accounts.forgot_password("nobody", address=ADDRESS)
        assert pools.a.messages == []
        refusals = []
        for name in ("ada", "nobody"):
            with pytest.raises(WrongCode) as refused:
                await pools.a.accounts.confirm_forgotten(name, "0000-0000", NEW, address=ADDRESS)
            refusals.append(refused.value.detail)
        assert refusals[0] == refusals[1]

    async def test_codes_cannot_be_asked_for_without_end(self, pools: World) -> None:
        for _ in range(10):
            await pools.a.accounts.forgot_password("ada", address=ADDRESS)
        with pytest.raises(TooManyAttempts):
            await pools.a.accounts.forgot_password("ada", address=ADDRESS)
        assert len(pools.a.messages) == 10
        await pools.a.sign_in()

    async def test_codes_cannot_be_guessed_without_end(self, pools: World) -> None:
        for _ in range(10):
            with pytest.raises(WrongCode):
                await pools.a.accounts.confirm_forgotten("ada", "0000-0000", NEW, address=ADDRESS)
        with pytest.raises(TooManyAttempts):
            await pools.a.accounts.confirm_forgotten("ada", await self.code(pools), NEW, address=ADDRESS)


class TestGuessing:
    async def wrong(self, pools: World, name: str, address: str = ADDRESS) -> None:
        with pytest.raises(Unauthorized, match="Incorrect username or password"):
            await pools.a.accounts.sign_in(name, "wrong password", address=address)

    async def test_ten_failures_make_a_user_wait_and_a_right_password_too(self, pools: World) -> None:
        for _ in range(10):
            await self.wrong(pools, "ADA")
        with pytest.raises(TooManyAttempts) as refused:
            await pools.a.sign_in()
        assert refused.value.facts["retry_after_seconds"] <= 7
        await pools.a.sign_in("root")
        pools.wind(6)
        await pools.a.sign_in()

    async def test_an_address_that_failed_too_often_waits_whatever_name_it_tries(self, user_pools: Path, tmp_path: Path) -> None:
        async with world(copy_template(user_pools, tmp_path), Settings(attempts_per_address=4)) as pools:
            for i in range(4):
                await self.wrong(pools, f"nobody{i}")
            with pytest.raises(TooManyAttempts):
                await pools.a.sign_in()
            await pools.a.accounts.sign_in("ada", PASSWORD, address="192.0.2.2")

    async def test_many_attempts_at_once_do_not_outrun_the_limit(self, pools: World) -> None:
        attempts = [pools.a.accounts.sign_in("ada", f"guess number {i}", address=ADDRESS) for i in range(40)]
        outcomes = await asyncio.gather(*attempts, return_exceptions=True)
        tried = [outcome for outcome in outcomes if isinstance(outcome, Unauthorized)]
        assert len(tried) <= 11
        assert sum(isinstance(outcome, TooManyAttempts) for outcome in outcomes) == 40 - len(tried)

    async def test_successes_do_not_count(self, pools: World) -> None:
        for _ in range(12):
            await pools.a.sign_in()

    async def test_changing_a_password_is_no_way_to_guess(self, pools: World) -> None:
        mine = await pools.a.sign_in()
        for _ in range(10):
            with pytest.raises(Unauthorized):
                await pools.a.accounts.change_password(mine.tokens.access, "wrong password", NEW, address=ADDRESS)
        with pytest.raises(TooManyAttempts):
            await pools.a.accounts.change_password(mine.tokens.access, PASSWORD, NEW, address=ADDRESS)

    async def test_an_unknown_name_costs_a_hash_too(self, pools: World, monkeypatch: pytest.MonkeyPatch) -> None:
        verified: list[str] = []
        verify = Passwords._verify

        def counting(self: Passwords, hash: str, password: str) -> bool:
            verified.append(hash)
            return verify(self, hash, password)

        monkeypatch.setattr(Passwords, "_verify", counting)
        await self.wrong(pools, "ada")
        await self.wrong(pools, "nobody")
        known, unknown = verified
        assert known.rpartition("$")[0].split("$")[:4] == unknown.rpartition("$")[0].split("$")[:4]

    async def test_the_queue_of_passwords_is_bounded(self) -> None:
        hashing = Passwords(SystemClock())
        outcomes = await asyncio.gather(*(hashing.hash("a password") for _ in range(WAITING_MAX + 5)), return_exceptions=True)
        assert sum(isinstance(outcome, Overloaded) for outcome in outcomes) == 5
        assert await hashing.matches(await hashing.hash("a password"), "a password", admit=lambda: None)

    def test_a_limit_remembers_a_bounded_number_of_keys(self) -> None:
        limit = Limit(WoundClock(), per_minute=1)
        for i in range(KEYS_MAX + 1):
            limit.count(str(i))
        assert limit.wait_seconds("0") == 0
        assert limit.wait_seconds(str(KEYS_MAX)) == 60


class TestWhatMayBeOne:
    @pytest.mark.parametrize("password", ["", "short", "1234567", "é" * 7])
    async def test_too_short(self, pools: World, password: str) -> None:
        for attempt in (
            pools.a.accounts.set_first_password("bob", password, await challenge(pools.a)),
            pools.a.accounts.administration.set_password("bob", password, permanent=True, actor="admin"),
        ):
            with pytest.raises(WeakPassword, match="at least 12 characters"):
                await attempt

    def test_the_user_name(self) -> None:
        with pytest.raises(WeakPassword, match="user name"):
            passwords.acceptable("Ada.Lovelace", "ada.lovelace")

    async def test_too_long_is_refused_for_known_and_unknown_users_alike(self, pools: World) -> None:
        for name in ("ada", "nobody"):
            with pytest.raises(InvalidInput, match="more than 256 characters"):
                await pools.a.accounts.sign_in(name, "x" * 257, address=ADDRESS)

    async def test_any_characters_in_either_unicode_form(self, pools: World) -> None:
        password = "Zoë’s パスワード 🔑 \0"
        await pools.a.accounts.administration.set_password("ada", unicodedata.normalize("NFD", password), permanent=True, actor="admin")
        await pools.a.sign_in(password=unicodedata.normalize("NFC", password))

    def test_temporary_ones_are_readable_and_never_the_same(self) -> None:
        made = {passwords.temporary(SystemClock()) for _ in range(100)}
        assert len(made) == 100
        assert all(len(each) == 19 and not set(each) & set("ilouILOU") for each in made)


async def test_a_code_is_not_handed_out_where_it_cannot_be_used(pools: World) -> None:
    await pools.admit(State.FAILOVER, writable=True)
    await pools.b.accounts.forgot_password("ada", address=ADDRESS)
    assert [message.user for message in pools.b.messages] == ["ada"]
