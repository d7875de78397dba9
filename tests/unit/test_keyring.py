"""The keys of a part without a user pool: asked for when they are needed, and not more often than helps."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from joserfc.jwk import RSAKey

from multiregion.accounts import Keyring
from multiregion.accounts.keyring import ASK_AGAIN_SECONDS
from multiregion.errors import Unreachable
from tests.unit.manual_clock import ManualClock


class Regions:
    """What the regions answer when asked for their keys."""

    def __init__(self) -> None:
        self.asked = 0
        self.published: dict[str, dict[str, str | list[str]]] = {}
        self.reachable = True

    def publish(self, kid: str) -> None:
        self.published[kid] = {**RSAKey.generate_key(2048, {"kid": kid}).as_dict(private=False), "kid": kid, "kty": "RSA"}

    async def answer(self) -> bytes:
        self.asked += 1
        await asyncio.sleep(0)
        if not self.reachable:
            raise Unreachable("neither region answers")
        return msgspec.json.encode({"keys": list(self.published.values())})


@pytest.fixture
def regions() -> Regions:
    return Regions()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def keyring(regions: Regions, clock: ManualClock, tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys.json", regions.answer, clock)


async def test_a_region_that_had_no_answer_is_asked_again_at_once(keyring: Keyring, regions: Regions) -> None:
    """A deployment just started: the authority asks before the regions listen, and somebody signs in a moment later."""
    regions.reachable = False
    await keyring.refresh()
    regions.reachable = True
    assert await keyring.named("first") is None, "a region without a key has not answered either"
    regions.publish("first")
    assert await keyring.named("first") is not None


async def test_those_who_come_while_a_key_is_asked_for_wait_for_that_answer(keyring: Keyring, regions: Regions) -> None:
    regions.publish("first")
    found = await asyncio.gather(*(keyring.named("first") for _ in range(20)))
    assert all(found) and regions.asked == 1


async def test_a_key_that_nobody_has_is_asked_for_every_few_seconds_at_most(keyring: Keyring, regions: Regions, clock: ManualClock) -> None:
    regions.publish("first")
    for _ in range(20):
        assert await keyring.named("forged") is None
    assert regions.asked == 1
    regions.publish("second")
    clock.elapsed += ASK_AGAIN_SECONDS
    assert await keyring.named("second") is not None


async def test_the_keys_outlast_a_restart_while_no_region_answers(
    keyring: Keyring, regions: Regions, clock: ManualClock, tmp_path: Path
) -> None:
    regions.publish("first")
    await keyring.refresh()
    regions.reachable = False
    again = Keyring(tmp_path / "keys.json", regions.answer, clock)
    assert await again.named("first") is not None
