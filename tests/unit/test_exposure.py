"""What a region says that a takeover would lose: who may sign in, told from other changes, and uploads on their way in."""

import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec import to_builtins

from multiregion.clock import SystemClock
from multiregion.embedded.pending import PendingUploads
from multiregion.errors import InvalidInput
from multiregion.gallery.application import app as gallery
from multiregion.lag_history import LagMeter, LastKnown
from multiregion.local.exposure import CREDENTIALS_MAX, RegionExposure
from multiregion.predictions import prediction
from multiregion.status import missing_of
from multiregion.stores import Announced, CredentialChange, Digest, Exposure, Head, Key, Position, Write
from tests.identity_world import PASSWORD, World
from tests.undone import not_replicated
from tests.unit.manual_clock import ManualClock

TICKET_SECONDS = 60


def uploads(folder: Path, clock: SystemClock) -> PendingUploads:
    return PendingUploads(folder, "http://localhost", b"key", clock, TICKET_SECONDS)


def announced(photo_id: str, data: bytes = b"bytes") -> Announced:
    return Announced(photo_id, "ada", "image/jpeg", len(data), Digest(sha256(data).hexdigest()), "")


def said(exposed: Sequence[CredentialChange]) -> list[str]:
    return [f"{each.what} of {each.user}" for each in exposed]


async def test_every_change_of_who_may_sign_in_is_told_by_its_name_and_others_are_not(pools: World, tmp_path: Path) -> None:
    exposure = RegionExposure(pools.a.records, uploads(tmp_path / "pending", pools.clock))
    before = {each.position for each in exposure().credentials}
    users, token = pools.a.accounts.administration, (await pools.a.sign_in()).refresh_token
    await pools.a.accounts.revoke(token)
    await pools.a.records.commit([Write(Key("photos", "p"), b"{}")], epoch=None, actor="ada")
    await users.set_password("ada", "another-one-1", permanent=True, actor="root")
    await users.sign_out("ada", actor="root")
    await users.join("ada", "operators", actor="root")
    await users.disable("bob", actor="root")
    await users.enable("bob", actor="root")
    await users.reset_password("bob", actor="root")
    await users.invite("Zoe", "zoe@example.com", password=PASSWORD, actor="root")
    await users.delete("zoe", actor="root")
    told = [each for each in exposure().credentials if each.position not in before]
    assert said(told) == [
        "deleted of zoe",
        "new user of Zoe",
        "password reset of bob",
        "enabled of bob",
        "disabled of bob",
        "groups of ada",
        "sign-out everywhere of ada",
        "password of ada",
        "sign-out of ada",
    ]
    assert [each.position for each in told] == sorted((each.position for each in told), reverse=True)


async def test_it_is_bounded_and_forgets_what_was_undone(pools: World, tmp_path: Path) -> None:
    exposure = RegionExposure(pools.a.records, uploads(tmp_path / "pending", pools.clock))
    head = (await pools.a.records.head()).position
    for _ in range(CREDENTIALS_MAX + 5):
        await pools.a.accounts.administration.sign_out("ada", actor="root")
    assert len(exposure().credentials) == CREDENTIALS_MAX
    assert exposure().credentials[0].position == (await pools.a.records.head()).position
    await pools.b.records.apply(pools.a.records.changes(head, limit=100), epoch=pools.state.epoch)
    there = RegionExposure(pools.b.records, uploads(tmp_path / "other", pools.clock))
    assert there() == exposure()
    await pools.b.records.rewind(head, explain=not_replicated("test"))
    assert all(each.position <= head for each in there().credentials)


async def receive(pending: PendingUploads, photo_id: str) -> None:
    receiving = pending.receive((await pending.ticket(announced(photo_id))).fields)
    receiving.add(b"bytes")
    await pending.keep(receiving)
    receiving.abandon()


async def test_photos_are_in_flight_from_the_ticket_to_the_commit(tmp_path: Path) -> None:
    pending = uploads(tmp_path, ManualClock())
    assert pending.in_flight() == 0
    *_, ticket = [await pending.ticket(announced(photo_id)) for photo_id in ("a", "a", "b")]
    assert pending.in_flight() == 2, "the same photo twice is one"
    receiving = pending.receive(ticket.fields)
    receiving.add(b"bytes")
    assert pending.in_flight() == 2
    await pending.keep(receiving)
    receiving.abandon()
    assert pending.in_flight() == 2
    await pending.ticket(announced("b"))
    assert pending.in_flight() == 2
    upload = await pending.pending("b", "ada")
    assert upload is not None
    await pending.forget(upload)
    assert pending.in_flight() == 1


async def test_uploads_are_called_what_the_application_calls_them(pools: World, tmp_path: Path) -> None:
    pending = uploads(tmp_path / "pending", pools.clock)
    assert RegionExposure(pools.a.records, pending)().uploads == {"uploads": 0}
    await pending.ticket(announced("a"))
    assert RegionExposure(pools.a.records, pending, gallery.uploads)().uploads == {"photos": 1}


async def test_what_was_announced_and_never_sent_counts_as_long_as_its_ticket(tmp_path: Path) -> None:
    pending = uploads(tmp_path, clock := ManualClock())
    await pending.ticket(announced("a"))
    clock.elapsed += TICKET_SECONDS
    assert pending.in_flight() == 1
    clock.elapsed += 1
    assert pending.in_flight() == 0


async def test_what_nobody_commits_counts_no_longer_than_a_ticket_lives_and_its_bytes_are_kept(tmp_path: Path) -> None:
    pending = uploads(tmp_path, clock := ManualClock())
    await receive(pending, "a")
    clock.elapsed += TICKET_SECONDS
    assert pending.in_flight() == 1
    clock.elapsed += 1
    assert pending.in_flight() == 0 and await pending.pending("a", "ada") is not None


async def test_a_restart_does_not_count_longer(tmp_path: Path) -> None:
    clock = ManualClock()
    for photo_id in ("old", "late"):
        await receive(uploads(tmp_path, clock), photo_id)
    for note in tmp_path.glob("*.json"):
        is_old = note == uploads(tmp_path, clock)._note("old", "ada")
        arrived = clock.now() - (TICKET_SECONDS + 1 if is_old else 50)
        os.utime(note, (arrived, arrived))
    again = uploads(tmp_path, clock)
    assert again.in_flight() == 1
    clock.elapsed += TICKET_SECONDS - 49
    assert again.in_flight() == 0


async def test_what_still_arrives_when_its_ticket_has_expired_is_in_flight(tmp_path: Path) -> None:
    pending = uploads(tmp_path, clock := ManualClock())
    receiving = pending.receive((await pending.ticket(announced("a"))).fields)
    clock.elapsed += TICKET_SECONDS + 1
    assert pending.in_flight() == 1
    receiving.abandon()
    assert pending.in_flight() == 0


@pytest.mark.parametrize("sent", [b"bytes too many", b"other", b"few"])
async def test_what_is_refused_on_its_way_is_in_flight_no_more(tmp_path: Path, sent: bytes) -> None:
    pending = uploads(tmp_path, ManualClock())
    receiving = pending.receive((await pending.ticket(announced("a"))).fields)
    with pytest.raises(InvalidInput):
        receiving.add(sent)
        await pending.keep(receiving)
    receiving.abandon()
    assert pending.in_flight() == 0


def test_only_what_has_not_arrived_is_missing() -> None:
    clock = ManualClock()
    meter = LagMeter(clock, stale_seconds=1.0)
    changes = tuple(CredentialChange(Position(1, n), "password", f"user{n}") for n in (9, 7, 5))
    meter.hear(Head(Position(1, 9), 900, ""), Exposure(changes, {"photos": 2}))
    assert meter.last_known() is None
    meter.applied(Head(Position(1, 7), 700, ""))
    known = meter.last_known()
    assert known is not None and said(known.credentials) == ["password of user9"] and known.uploads == {"photos": 2}
    meter.applied(Head(Position(1, 9), 900, ""))
    level = meter.last_known()
    assert level is not None and level.credentials == ()


HOPPER = CredentialChange(Position(1, 9), "password", "hopper")


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (None, "unknown: the surviving region has not heard from the other since it started"),
        (LastKnown(2, 90, 1.5), "2 changes (90 bytes) that are known of, and whatever was written in the last 1.5 s"),
        (LastKnown(2, 90, None), "2 changes (90 bytes) that are known of, and an unknown number more"),
        (LastKnown(2, 90, 1.5, (HOPPER,)), "2 changes (90 bytes) that are known of, among them password of hopper, and whatever was"),
        (LastKnown(1, 45, 1.5), "1 change (45 bytes) that is known of, and whatever was written in the last 1.5 s"),
        (LastKnown(0, 0, 1.5), "nothing that is known of, and whatever was written in the last 1.5 s"),
        (LastKnown(0, 0, 1.5, (), {"photos": 3}), "in the last 1.5 s; photos that were on their way in, and have to be uploaded again: 3"),
    ],
)
def test_a_prediction_names_credentials_and_says_what_is_unknown(known: LastKnown | None, words: str) -> None:
    assert words in prediction(known)


def test_uploads_are_not_told_of_where_there_are_none() -> None:
    assert prediction(LastKnown(0, 0, 1.5, (), {"files": 0})) == prediction(LastKnown(0, 0, 1.5))


def test_what_the_history_keeps_of_it() -> None:
    assert missing_of(None) is None
    kept = to_builtins(missing_of(LastKnown(2, 90, None, (HOPPER,), None)))
    assert kept == {
        "changes": 2,
        "bytes": 90,
        "seconds": None,
        "credentials": [{"what": "password", "user": "hopper"}],
        "uploadsInFlight": None,
    }
