"""Upload tickets and signed addresses: what they are bound to."""

import base64
import json

import pytest
from msgspec.structs import replace

from multiregion.embedded.links import SignedLinks
from multiregion.embedded.tickets import policy_of, sign, verify
from multiregion.errors import Expired, Forbidden
from multiregion.stores import Announced, Digest
from tests.identity_world import WoundClock

KEY = b"k" * 32
FIELDS = ("key", "Content-Type", "policy", "signature")
ANNOUNCED = Announced("mine", "ada", "image/jpeg", 1234, Digest("ab" * 32), "A caption with é and \U0001f3d4")
FORM = sign(policy_of(ANNOUNCED, expires=100.0), KEY)


def test_what_was_announced_comes_back() -> None:
    assert verify(FORM, KEY, now=100.0) == ANNOUNCED
    assert tuple(FORM) == FIELDS


def test_it_expires() -> None:
    with pytest.raises(Expired):
        verify(FORM, KEY, now=100.1)


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_is_bound(field: str) -> None:
    for changed in ({**FORM, field: FORM[field] + "x"}, {**FORM, field: ""}, {name: FORM[name] for name in FIELDS if name != field}):
        with pytest.raises(Forbidden):
            verify(changed, KEY, now=0.0)


CHANGES = [{"size": 9999}, {"content_type": "image/png"}, {"sha256": "cd" * 32}, {"user": "eve"}, {"id": "other"}, {"note": "x"}]


@pytest.mark.parametrize("change", CHANGES)
def test_a_policy_cannot_be_changed(change: dict[str, object]) -> None:
    other = sign(policy_of(replace(ANNOUNCED, **change), 100.0), b"not the key")
    with pytest.raises(Forbidden):
        verify(other, KEY, now=0.0)
    with pytest.raises(Forbidden):
        verify({**other, "signature": FORM["signature"]}, KEY, now=0.0)


def test_nothing_can_be_added() -> None:
    with pytest.raises(Forbidden):
        verify({**FORM, "acl": "public-read"}, KEY, now=0.0)


def test_the_policy_can_be_read_by_its_holder() -> None:
    policy = json.loads(base64.b64decode(FORM["policy"]))
    assert policy["size"] == 1234 and policy["expires"] == 100.0


@pytest.fixture
def links() -> SignedLinks:
    return SignedLinks("http://localhost:8081", KEY, WoundClock(), seconds=3600)


@pytest.mark.parametrize("expires", ["-1", "1e12", "٣", "9" * 13, "", " 1800003600"])
def test_a_time_that_is_no_number_has_passed(links: SignedLinks, expires: str) -> None:
    signature = links._signature("d", "image/png", expires)
    with pytest.raises(Expired):
        links.check("d", "image/png", expires, signature)
