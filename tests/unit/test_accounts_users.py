"""Users: what may stand in one, changes by several at once, lists, and the outbox for what they must be told."""

import asyncio
import stat
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiregion.accounts.outbox import OUTBOX_BYTES_MAX, Message, Outbox
from multiregion.accounts.refusals import UserExists
from multiregion.accounts.users import User, checked_email, checked_group, checked_name, checked_phone, folded
from multiregion.errors import DiskFull, InvalidInput, NotFound
from tests.identity_world import PASSWORD, World, WoundClock

NEW = "a new password"


async def changed(pools: World, name: str) -> User:
    return await pools.a.accounts.users.find(name)


class TestFields:
    @given(st.text(max_size=140))
    def test_a_name_is_refused_or_can_be_stored_and_found(self, name: str) -> None:
        with suppress(InvalidInput):
            checked = checked_name(name)
            assert 1 <= len(checked) <= 128
            assert not any(character.isspace() for character in checked)
            assert checked_name(checked) == checked
            assert folded(checked) == folded(name)
            checked.encode()

    @pytest.mark.parametrize("name", ["ada", "Ada.Lovelace+1@example.com", "José", "美咲", "x" * 128])
    def test_names_that_are_taken(self, name: str) -> None:
        assert checked_name(name) == name

    @pytest.mark.parametrize("name", ["", " ada", "ada\n", "a/b", "a\0b", "x" * 129, "<b>", "a b"])
    def test_names_that_are_not(self, name: str) -> None:
        with pytest.raises(InvalidInput, match="Username"):
            checked_name(name)

    @pytest.mark.parametrize("email", ["a@b", "ada@example.com", "ada+tag@sub.example.co.jp"])
    def test_emails_that_are_taken(self, email: str) -> None:
        assert checked_email(email) == email

    @pytest.mark.parametrize("email", ["", "ada", "@b", "a@", "a@b.", "a@.b", "a b@c", "a@b@c", "a@b\n", "a" * 65 + "@b", "a@" + "b" * 254])
    def test_emails_that_are_not(self, email: str) -> None:
        with pytest.raises(InvalidInput, match="email"):
            checked_email(email)

    @pytest.mark.parametrize(
        "phone", ["12065550100", "+0123456789", "+1 206 555 0100", "+123456", "+1234567890123456", "+１２３４５６７８", ""]
    )
    def test_phones_that_are_not(self, phone: str) -> None:
        with pytest.raises(InvalidInput, match="phone_number"):
            checked_phone(phone)

    def test_a_phone_that_is_taken(self) -> None:
        assert checked_phone("+12065550100") == "+12065550100"
        assert checked_phone(None) is None

    def test_there_is_one_group(self) -> None:
        with pytest.raises(InvalidInput, match="operators"):
            checked_group("owners")


class TestUsers:
    async def test_names_are_one_users_whatever_the_case(self, pools: World) -> None:
        for name in ("ada", "ADA", "Ada"):
            with pytest.raises(UserExists):
                await pools.a.accounts.administration.invite(name, "x@example.com", password=PASSWORD, actor="admin")
        session = await pools.a.sign_in("ADA")
        assert (await pools.a.accounts.identify(session.tokens.id)).user == "ada"

    async def test_a_deleted_name_stays_taken(self, pools: World) -> None:
        administration = pools.a.accounts.administration
        await administration.delete("bob", actor="admin")
        with pytest.raises(UserExists):
            await administration.invite("bob", "x@example.com", password=PASSWORD, actor="admin")
        with pytest.raises(NotFound):
            await administration.delete("bob", actor="admin")

    async def test_a_list_has_pages(self, pools: World) -> None:
        first, following = await pools.a.accounts.users.page(limit=2)
        rest, end = await pools.a.accounts.users.page(limit=2, after=following or "")
        assert [user.name for user in (*first, *rest)] == ["ada", "bob", "root"]
        assert end is None

    async def test_two_changes_at_once_are_both_kept(self, pools: World) -> None:
        administration = pools.a.accounts.administration
        await asyncio.gather(
            administration.disable("ada", actor="admin"),
            administration.join("ada", "operators", actor="admin"),
            administration.set_password("ada", NEW, permanent=False, actor="admin"),
        )
        user = await changed(pools, "ada")
        assert (user.enabled, user.groups, user.status) == (False, ("operators",), "FORCE_CHANGE_PASSWORD")

    async def test_the_operator_who_did_it_is_in_the_log(self, pools: World) -> None:
        before = await pools.a.records.head()
        await pools.a.accounts.administration.disable("ada", actor="root")
        (change,) = pools.a.records.changes(before.position, limit=10)
        assert change.actor == "root"

    async def test_unknown_users_are_named(self, pools: World) -> None:
        with pytest.raises(NotFound, match="no user nobody"):
            await pools.a.accounts.administration.disable("nobody", actor="admin")

    async def test_an_operator_can_be_invited_at_once(self, pools: World) -> None:
        user = await pools.a.accounts.administration.invite(
            "eve", "eve@example.com", phone="+12065550100", password=PASSWORD, groups=("operators",), actor="admin"
        )
        assert (await changed(pools, "eve")) == user
        assert user.groups == ("operators",)

    async def test_a_change_that_changes_nothing_is_not_written(self, pools: World) -> None:
        before = await pools.a.records.head()
        await pools.a.accounts.administration.enable("ada", actor="admin")
        await pools.a.accounts.administration.join("root", "operators", actor="admin")
        assert await pools.a.records.head() == before


class TestOutbox:
    async def test_messages_are_lines_that_only_the_owner_can_read(self, tmp_path: Path) -> None:
        file = tmp_path / "outbox.jsonl"
        outbox = Outbox(file, WoundClock())
        await asyncio.gather(*(outbox.deliver(Message("reset_code", f"u{i}", "e@example.com", "c")) for i in range(5)))
        lines = [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]
        assert sorted(line["user"] for line in lines) == [f"u{i}" for i in range(5)]
        assert lines[0].keys() == {"at", "kind", "user", "email", "secret"}
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    async def test_it_is_bounded(self, tmp_path: Path) -> None:
        file = tmp_path / "outbox.jsonl"
        file.write_bytes(b"x" * (OUTBOX_BYTES_MAX - 10))
        await Outbox(file, WoundClock()).deliver(Message("invitation", "eve", "e@example.com", "c"))
        assert file.stat().st_size < 1000
        assert file.with_name("outbox.jsonl.old").stat().st_size == OUTBOX_BYTES_MAX - 10

    async def test_a_message_that_cannot_be_written_is_an_error(self) -> None:
        with pytest.raises(DiskFull, match="No space left"):
            await Outbox(Path("/dev/full"), WoundClock()).deliver(Message("invitation", "eve", "e@example.com", "c"))
