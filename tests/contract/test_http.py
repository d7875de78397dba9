"""What every route of a region has in common: limits, problems, and who may call from a browser."""

from collections.abc import AsyncIterator

import pytest

from multiregion.api.problems import BODY_BYTES_MAX
from tests.contract.worlds import Ability, needs
from tests.gallery_world import Gallery
from tests.identity_world import DEPLOYMENT

LARGE = b'{"message": "' + b"x" * BODY_BYTES_MAX + b'"}'


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    """Without a length that could be looked at first."""
    for start in range(0, len(body), 8192):
        yield body[start : start + 8192]


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_over_the_limit_is_refused(gallery: Gallery, announced: bool) -> None:
    photo = await gallery.add()
    answer = await gallery.call("POST", f"/comments/{photo['photoId']}", content=LARGE if announced else in_pieces(LARGE))
    assert (answer.status_code, answer.json()["code"], answer.json()["limit"]) == (413, "too_large", BODY_BYTES_MAX)


async def test_a_body_that_is_no_json_or_of_another_shape_is_named(gallery: Gallery) -> None:
    photo = await gallery.add()
    for body in (b"{", b"\xff", b"[]", b'{"message": 7}', b"[" * 40_000):
        answer = await gallery.call("POST", f"/comments/{photo['photoId']}", content=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
        assert answer.json()["field"] == ("message" if b"7" in body else "body")


async def test_errors_are_problems_that_nobody_keeps(gallery: Gallery) -> None:
    answer = await gallery.call("GET", "/comments/nothing", None)
    assert answer.headers["content-type"] == "application/problem+json" and answer.headers["cache-control"] == "no-store"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json().keys() >= {"type", "title", "status", "code", "detail"} and answer.json()["status"] == 401


@needs(Ability.ORIGINS)
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
async def test_only_the_edges_origin_may_call_from_a_browser(gallery: Gallery, method: str) -> None:
    asked = {"Access-Control-Request-Method": "POST"} if method == "OPTIONS" else {}
    ours = await gallery.call(method, "/photos", headers={"Origin": DEPLOYMENT.edge, **asked})
    assert ours.headers["access-control-allow-origin"] == DEPLOYMENT.edge
    others = await gallery.call(method, "/photos", headers={"Origin": "http://elsewhere.example", **asked})
    assert "access-control-allow-origin" not in others.headers


@needs(Ability.METHODS)
async def test_a_method_that_is_not_there_is_told_which_are(gallery: Gallery) -> None:
    answer = await gallery.call("PUT", "/photos")
    assert answer.status_code == 405 and answer.headers["allow"] == "GET, HEAD, POST"
