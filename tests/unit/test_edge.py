"""The edge answers with the web app, says where the regions are, and lets a browser load nothing else."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest

from multiregion.accounts.passwords import acceptable
from multiregion.api.edge import edge_application
from multiregion.config import Settings
from multiregion.errors import InvalidInput
from tests.identity_world import DEPLOYMENT


@pytest.fixture
def web(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "assets" / "index.js").write_text("plain")
    (tmp_path / "assets" / "index.js.br").write_bytes(b"compressed")
    return tmp_path


@pytest.fixture
async def edge(web: Path) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(edge_application(DEPLOYMENT, Settings(), web))
    async with httpx.AsyncClient(transport=transport, base_url=DEPLOYMENT.edge) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/uiConfig.json", "/assets/index.js", "/nowhere"])
async def test_every_answer_forbids_what_the_page_does_not_need(edge: httpx.AsyncClient, path: str) -> None:
    headers = (await edge.get(path)).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == "'self'" and policy["require-trusted-types-for"] == "'script'"
    regions = f"{DEPLOYMENT.primary.url} {DEPLOYMENT.secondary.url}"
    assert policy["connect-src"] == f"'self' {regions} {DEPLOYMENT.authority}" and policy["img-src"] == f"'self' blob: data: {regions}"
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


async def test_the_configuration_names_both_regions_and_no_secret(edge: httpx.AsyncClient) -> None:
    answer = await edge.get("/uiConfig.json")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["regions"].keys() == {"us-east-1", "ap-northeast-1"}
    assert DEPLOYMENT.secret not in answer.text and DEPLOYMENT.operator_token not in answer.text


async def test_the_configuration_has_the_rule_that_a_new_password_is_held_to(edge: httpx.AsyncClient) -> None:
    limits = (await edge.get("/uiConfig.json")).json()["limits"]
    least, most = limits["passwordCharactersMin"], limits["passwordCharactersMax"]
    assert least >= 12 and acceptable("x" * least, "ada") and acceptable("x" * most, "ada")
    for length in (least - 1, most + 1):
        with pytest.raises(InvalidInput):
            acceptable("x" * length, "ada")


async def test_hashed_files_are_kept_for_ever_and_the_page_is_asked_for_again(edge: httpx.AsyncClient) -> None:
    asset = await edge.get("/assets/index.js", headers={"accept-encoding": "identity"})
    assert "immutable" in asset.headers["cache-control"] and asset.text == "plain"
    assert (await edge.get("/")).headers["cache-control"] == "no-cache"


async def test_what_was_compressed_at_build_is_sent_so(edge: httpx.AsyncClient) -> None:
    async with edge.stream("GET", "/assets/index.js", headers={"accept-encoding": "br"}) as answer:
        assert answer.headers["content-encoding"] == "br" and answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert b"".join([part async for part in answer.aiter_raw()]) == b"compressed"


@pytest.mark.parametrize("path", ["/../secret", "/%2e%2e/secret", "/assets/..%2f..%2fsecret"])
async def test_no_path_leads_out_of_the_bundle(web: Path, path: str) -> None:
    inside = web / "bundle"
    inside.mkdir()
    (web / "secret").write_text("secret")
    transport = httpx.ASGITransport(edge_application(DEPLOYMENT, Settings(), inside))
    async with httpx.AsyncClient(transport=transport, base_url=DEPLOYMENT.edge) as client:
        answer = await client.get(path)
    assert answer.status_code == 404 and "secret" not in answer.text


async def test_pictures_may_come_from_and_go_to_where_the_deployment_keeps_them_and_nothing_else_may(web: Path) -> None:
    bucket = "https://pictures.example.com"
    deployment = msgspec.structs.replace(DEPLOYMENT, picture_origins=(bucket,))
    transport = httpx.ASGITransport(edge_application(deployment, Settings(), web))
    async with httpx.AsyncClient(transport=transport, base_url=DEPLOYMENT.edge) as client:
        parts = (await client.get("/")).headers["content-security-policy"].split(";")
    assert [part.split()[0] for part in parts if bucket in part.split()] == ["img-src", "connect-src"]


async def test_without_a_built_web_app_the_page_says_so(tmp_path: Path) -> None:
    transport = httpx.ASGITransport(edge_application(DEPLOYMENT, Settings(), tmp_path / "nowhere"))
    async with httpx.AsyncClient(transport=transport, base_url=DEPLOYMENT.edge) as client:
        answer = await client.get("/")
    assert answer.status_code == 503 and "make web" in answer.text
