"""The seam to any application: what may be declared, what a region refuses, and what becomes of a refusal in any framework."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest
from a2wsgi import WSGIMiddleware
from fastapi import FastAPI, HTTPException
from flask import Flask
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router

import multiregion
from multiregion import Application, Kind, Region, Write
from multiregion.api.applied import Applied, alive
from multiregion.api.asgi import application
from multiregion.api.documents import StateDocuments
from multiregion.api.edge import edge_application
from multiregion.application import LIST_MAX
from multiregion.callers import Caller
from multiregion.clock import SystemClock
from multiregion.config import Settings
from multiregion.embedded.links import SignedLinks
from multiregion.embedded.pending import PendingUploads
from multiregion.errors import BadDeployment, Conflict, Fenced, InvalidInput, StaleEpoch, Unauthorized
from multiregion.states import Role, State, move
from multiregion.stores import COMMIT_WRITES_MAX, Key
from tests.identity_world import DEPLOYMENT
from tests.unit.links import FIRST
from tests.unit.links import region as stores

KINDS = {"todos": Kind(title=lambda value: value.decode()), "notes/": Kind(name="note")}


def nothing(region: Region) -> Any:
    return Router([])


LIST = Application(nothing, kinds=KINDS)


async def who(authorization: str) -> Caller:
    if not authorization:
        raise Unauthorized("sign in first")
    return Caller(authorization)


def made(folder: Path, role: Role = Role.PRIMARY, declared: Application = LIST) -> Region:
    clock = SystemClock()
    uploads = PendingUploads(folder / "pending", "http://region", b"k" * 32, clock, 60)
    return Region(declared, stores(folder, role), uploads, SignedLinks("http://region", b"k" * 32, clock, 60), clock, Settings(), who)


@pytest.fixture
async def region(tmp_path: Path) -> Region:
    found = made(tmp_path)
    await found._records.admit(FIRST)
    return found


# Names


def test_every_public_name_is_there_with_its_docstring() -> None:
    for name in multiregion.__all__:
        found = getattr(multiregion, name)
        assert name == "Digest" or (found.__doc__ and not found.__doc__.startswith(f"{name}(")), name


def test_the_public_names_are_these() -> None:
    assert sorted(multiregion.__all__) == [
        "Announced", "Answer", "Application", "Attempt", "Call", "Caller", "Clock", "Digest", "JSON", "Key", "Kind", "MultiregionError",
        "Page", "Position", "Probe", "Record", "Region", "Role", "RoutingState", "Settings", "SyncRegion", "Ticket", "Upload", "Write",
        "iso", "read_json", "setting",
    ]  # fmt: skip
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = multiregion.nothing


def test_a_name_is_loaded_when_it_is_used_and_not_before() -> None:
    code = "import multiregion, sys; assert 'starlette' not in sys.modules; multiregion.JSON; assert 'starlette' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


# What is declared


@pytest.mark.parametrize("kind", ["", "Todos", "to dos", "users", "revocations", "signing-keys", "a/b", "-x", "x" * 64])
def test_a_kind_that_cannot_be_used_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="kinds"):
        Application(nothing, kinds={kind: Kind()})


def test_what_records_are_called() -> None:
    assert [LIST.name_of(kind) for kind in ("todos", "notes/7", "users", "signing-keys")] == ["todo", "note", "user", "signing-key"]
    assert (LIST.title_of("todos", b"bread"), LIST.title_of("notes/7", b"x"), LIST.title_of("users", b"x")) == ("bread", None, None)
    assert LIST.title_of("todos", b"\xff") is None, "a title that fails is none"
    assert (LIST.counted, Application(nothing, kinds=KINDS, accounts=False).counted) == (["todos", "users"], ["todos"])


@pytest.mark.parametrize("kind", ["todo", "users", "notes", "notes2/7", "todos/7"])
async def test_only_declared_kinds_are_read_and_written(region: Region, kind: str) -> None:
    calls: list[Callable[[], Awaitable[Any]]] = [
        lambda: region.put(kind, "1", b""),
        lambda: region.get(kind, "1"),
        lambda: region.list(kind),
        lambda: region.delete(kind, "1"),
        lambda: region.count(kind),
        lambda: region.version(kind, "1"),
        lambda: region.commit([Write(Key("todos", "1"), b""), Write(Key(kind, "1"), b"")]),
    ]
    for call in calls:
        with pytest.raises(InvalidInput, match="declares no kind") as refused:
            await call()
        assert refused.value.facts["field"] == "kind"
    assert await region.count("todos") == 0


# A region


async def test_records_are_written_read_listed_and_deleted(region: Region) -> None:
    for n in range(3):
        await region.put("todos", f"{n}", b"bread", actor="ada")
    first = await region.list("todos", limit=2)
    rest = await region.list("todos", after=first.next or "", limit=2)
    assert [record.id for record in [*first, *rest]] == ["0", "1", "2"] and rest.next is None
    assert [record.id for record in await region.list("todos", newest_first=True, limit=1)] == ["2"]
    found = await region.get("todos", "1")
    assert found is not None
    assert await region.put("todos", "1", b"milk", version=found.version) > found.version
    with pytest.raises(Conflict):
        await region.put("todos", "1", b"lost update", version=found.version)
    with pytest.raises(Conflict):
        await region.put("todos", "1", b"again", absent=True)
    await region.delete("todos", "1")
    assert await region.get("todos", "1") is None and await region.count("todos") == 2


async def test_several_writes_are_one_commit(region: Region) -> None:
    writes = [Write(Key("todos", "1"), b"a"), Write(Key("notes/1", "n"), b"b", requires=(Key("todos", "0"),))]
    with pytest.raises(multiregion.errors.NotFound):
        await region.commit(writes)
    assert await region.get("todos", "1") is None
    await region.put("todos", "0", b"")
    await region.commit(writes)
    assert await region.get("todos", "1") is not None and await region.get("notes/1", "n") is not None


async def test_limits_are_named(region: Region) -> None:
    for limit in (0, LIST_MAX + 1):
        with pytest.raises(InvalidInput, match="1,000") as refused:
            await region.list("todos", limit=limit)
        assert refused.value.facts["field"] == "limit"
    assert await region.list("todos", limit=LIST_MAX) == []
    for count in (0, COMMIT_WRITES_MAX + 1):
        with pytest.raises(InvalidInput) as refused:
            await region.commit([Write(Key("todos", f"{n}"), b"") for n in range(count)])
        assert refused.value.facts["field"] == "writes"


async def test_a_region_that_is_not_the_writer_refuses(tmp_path: Path) -> None:
    other = made(tmp_path, Role.SECONDARY)
    await other._records.admit(FIRST)
    with pytest.raises(Fenced):
        await other.put("todos", "1", b"")


async def test_code_that_cannot_await_calls_the_same_from_a_thread(region: Region) -> None:
    with pytest.raises(RuntimeError, match="once the region serves"):
        region.sync.count("todos")
    region.bind()
    with pytest.raises(RuntimeError, match="would wait for itself"):
        region.sync.count("todos")

    def work() -> list[bytes]:
        region.sync.put("todos", "1", b"bread")
        region.sync.commit([Write(Key("todos", "2"), b"milk")])
        assert region.sync.get("todos", "3") is None and region.sync.count("todos") == 2
        region.sync.delete("todos", "2")
        assert region.sync.state() == FIRST and region.sync.caller("ada") == Caller("ada")
        return [record.value for record in region.sync.list("todos")]

    assert await asyncio.to_thread(work) == [b"bread"]


# What becomes of a refusal


def fastapi(region: Region) -> Any:
    api = FastAPI()

    @api.post("/add")
    async def add() -> str:
        await region.put("todos", "1", b"")
        return "added"

    @api.post("/broken")
    async def broken() -> str:
        raise ZeroDivisionError

    @api.post("/handled")
    async def handled() -> str:
        try:
            await region.put("todos", "2", b"", absent=True)
        except Conflict:
            await region.put("todos", "3", b"")
        raise ZeroDivisionError

    @api.post("/own")
    async def own() -> str:
        raise HTTPException(418, "mine")

    return api


def starlette(region: Region) -> Any:
    async def add(request: Request) -> Response:
        await region.put("todos", "1", b"")
        return PlainTextResponse('"added"')

    async def broken(request: Request) -> Response:
        raise ZeroDivisionError

    return Starlette(routes=[Route("/add", add, methods=["POST"]), Route("/broken", broken, methods=["POST"])])


def flask(region: Region) -> Any:
    web = Flask("list")

    @web.post("/add")
    def add() -> str:
        region.sync.put("todos", "1", b"")
        return '"added"'

    @web.post("/broken")
    def broken() -> str:
        raise ZeroDivisionError

    return WSGIMiddleware(web)  # type: ignore[arg-type]


FRAMEWORKS = [fastapi, starlette, flask]


@asynccontextmanager
async def serving(region: Region, build: Callable[[Region], Any]) -> AsyncIterator[httpx.AsyncClient]:
    documents = StateDocuments(DEPLOYMENT)
    region.bind()
    built = build(region)
    app = application([], documents, DEPLOYMENT.edge, nullcontext, otherwise=Applied(built, documents))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://region") as http:
        yield http


@pytest.mark.parametrize("build", FRAMEWORKS)
async def test_a_refusal_is_the_documented_answer_whatever_the_framework(region: Region, build: Callable[[Region], Any]) -> None:
    async with serving(region, build) as http:
        answer = await http.post("/add")
        assert (answer.status_code, answer.text) == (200, '"added"')
        stale = await http.post("/add", headers={"Multiregion-Epoch": "0"})
        assert (stale.status_code, stale.json()["code"]) == (StaleEpoch.status, StaleEpoch.code)
        wrong = await http.post("/add", headers={"Multiregion-Epoch": "now"})
        assert (wrong.status_code, wrong.json()["field"]) == (400, "Multiregion-Epoch")
        await region._records.admit(move(FIRST, State.FENCED))
        fenced = await http.post("/add")
        assert (fenced.status_code, fenced.json()["code"], fenced.json()["state"]["state"]) == (409, "fenced", "fenced")
        broken = await http.post("/broken")
        assert broken.status_code == 500 and "fenced" not in broken.text


async def test_an_error_of_the_applications_own_is_not_taken_for_a_refusal_it_has_dealt_with(region: Region) -> None:
    async with serving(region, fastapi) as http:
        await region.put("todos", "2", b"")
        assert (await http.post("/handled")).status_code == 500
        assert await region.get("todos", "3") is not None
        own = await http.post("/own")
        assert (own.status_code, own.json()) == (418, {"detail": "mine"})


async def test_an_applications_own_start_and_end_are_run() -> None:
    done: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        done.append("start")
        yield
        done.append("end")

    async with alive(Starlette(lifespan=lifespan)):
        assert done == ["start"]
    assert done == ["start", "end"]
    web: Any = WSGIMiddleware(Flask("none"))  # type: ignore[arg-type]
    async with alive(web):
        pass


async def test_an_application_that_does_not_start_is_told() -> None:
    done: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        if not done:
            raise ZeroDivisionError("no database")
        yield

    with pytest.raises(BadDeployment, match="no database"):
        async with alive(Starlette(lifespan=lifespan)):
            pass


# The edge


async def test_a_site_of_ones_own_is_served_at_the_edge_and_the_console_beside_it(tmp_path: Path) -> None:
    site, web = tmp_path / "site", tmp_path / "web"
    for folder, words in ((site, "mine"), (web, "console")):
        folder.mkdir()
        (folder / "index.html").write_text(words)
    app = edge_application(DEPLOYMENT, Settings(), web, own=True, site=site)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge") as http:
        assert (await http.get("/")).text == "mine" and (await http.get("/console/")).text == "console"
        for path in ("/uiConfig.json", "/console/uiConfig.json"):
            assert (await http.get(path)).json()["appId"] == DEPLOYMENT.app_id
        assert (await http.get("/console/healthz")).status_code == 200, "the console asks beside its own page"
        assert (await http.get("/healthz")).status_code == 200 and (await http.get("/nothing")).status_code == 404
        assert (await http.get("/console")).headers["location"] == "/console/#/ops"


async def test_pages_are_told_the_limits_of_their_own_application_and_no_others(tmp_path: Path) -> None:
    for limits in ({}, {"breads": 3}):
        app = edge_application(DEPLOYMENT, Settings(), tmp_path, own=True, limits=limits)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge") as http:
            told = (await http.get("/uiConfig.json")).json()["limits"]
        assert told == {**limits, "passwordCharactersMin": 12, "passwordCharactersMax": 256}


async def test_the_console_is_at_the_same_address_whatever_is_served(tmp_path: Path) -> None:
    app = edge_application(DEPLOYMENT, Settings(), tmp_path)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge") as http:
        for path in ("/console", "/console/"):
            assert (await http.get(path)).headers["location"] == "/#/ops"
