"""A position that comes with a write and goes with a read: who is told one, who waits for one, and for how long."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from multiregion.api.documents import StateDocuments
from multiregion.api.positions import DIGITS_MAX, HEADER, Positions
from multiregion.clock import SystemClock
from multiregion.stores import Key, Position, Write
from tests.identity_world import DEPLOYMENT, World

WAIT_SECONDS = 0.05
PHOTO = Key("photos", "p")


async def photos(request: Request) -> Response:
    return PlainTextResponse("", int(request.query_params.get("status", "200")))


@pytest.fixture
async def secondary(pools: World) -> AsyncIterator[httpx.AsyncClient]:
    """The region that follows, behind what tells and awaits positions; `?status=` is what the application answers."""
    app = Starlette(routes=[Route("/photos", photos, methods=["GET", "POST"])])
    reading = Positions(app, pools.b.records, StateDocuments(DEPLOYMENT), SystemClock(), WAIT_SECONDS)
    transport = httpx.ASGITransport(reading)
    async with httpx.AsyncClient(transport=transport, base_url="http://region", headers={"Authorization": "x"}) as http:
        yield http


async def written(pools: World) -> Position:
    return await pools.a.records.commit([Write(PHOTO, b"{}")], epoch=None, actor="ada")


def said(position: Position) -> dict[str, str]:
    return {HEADER: f"{position.epoch}.{position.sequence}"}


@pytest.mark.parametrize(("status", "told"), [(201, True), (204, True), (409, False), (503, False)])
async def test_only_a_write_that_succeeded_is_told_its_position(
    pools: World, secondary: httpx.AsyncClient, status: int, told: bool
) -> None:
    answer = await secondary.post(f"/photos?status={status}")
    head, history = await pools.b.records.head(), (await pools.b.records.admitted()).history
    assert answer.headers.get(HEADER) == (f"{said(head.position)[HEADER]}.{history}.{head.chain[:8]}" if told else None)
    assert HEADER not in (await secondary.get("/photos")).headers


async def test_a_read_waits_until_its_position_is_there(pools: World, secondary: httpx.AsyncClient) -> None:
    position = await written(pools)
    behind = await secondary.get("/photos", headers=said(position))
    assert (behind.status_code, behind.json()["code"]) == (503, "behind")
    reading = asyncio.ensure_future(secondary.get("/photos", headers=said(position)))
    await pools.replicate()
    assert (await reading).status_code == 200


Missing = Callable[[Position], Position]


@pytest.mark.parametrize(
    "missing",
    [lambda at: Position(at.epoch + 5, at.sequence), lambda at: Position(at.epoch - 1, at.sequence), lambda at: Position(99, 1)],
)
async def test_a_position_of_another_history_is_told_to_start_over(pools: World, secondary: httpx.AsyncClient, missing: Missing) -> None:
    position = await written(pools)
    await pools.replicate()
    answer = await secondary.get("/photos", headers=said(missing(position)))
    assert (answer.status_code, answer.json()["code"]) == (409, "unknown_position")


async def test_who_is_not_signed_in_does_not_make_anybody_wait(pools: World, secondary: httpx.AsyncClient) -> None:
    del secondary.headers["Authorization"]
    assert (await secondary.get("/photos", headers=said(await written(pools)))).status_code == 200


@pytest.mark.parametrize("text", ["1", "1.", ".1", "1.-1", "1.1.-", "1.1.h.c.x", "x.y", "١.١", "9" * (DIGITS_MAX + 1) + ".1"])
async def test_what_is_no_position_is_refused_by_name(secondary: httpx.AsyncClient, text: str) -> None:
    answer = await secondary.get("/photos", headers={HEADER.encode(): text.encode()})
    assert (answer.status_code, answer.json()["field"]) == (400, HEADER)
