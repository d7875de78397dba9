"""`photo import` against a region on a socket: resumed, repeated, broken and fenced."""

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from multiregion.cli.up import put_in_samples
from multiregion.clock import SystemClock
from multiregion.commands.client import Client
from multiregion.config import GALLERY, RegionPlace
from multiregion.gallery import importing
from multiregion.gallery.commands import import_samples, print_json, print_result
from multiregion.gallery.importing import Import, Importer, caption_of, pictures_in
from multiregion.local.deployment import Admin, AuthorityPlace, LocalDeployment
from multiregion.states import State
from tests.contract.worlds import Ability, needs
from tests.gallery_world import Gallery, picture
from tests.identity_world import DEPLOYMENT, PASSWORD

pytestmark = needs(Ability.OPERATORS)


class HurriedClock(SystemClock):
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.01))


def deployment_of(gallery: Gallery) -> LocalDeployment:
    def place(named: RegionPlace, url: str) -> RegionPlace:
        return RegionPlace(named.region, url, named.user_pool_id, named.client_id)

    return LocalDeployment(
        app_id=DEPLOYMENT.app_id,
        edge=DEPLOYMENT.edge,
        primary=place(DEPLOYMENT.primary, gallery.url),
        secondary=place(DEPLOYMENT.secondary, "http://127.0.0.1:9"),
        authority=AuthorityPlace("http://127.0.0.1:9", DEPLOYMENT.operator_token),
        admin=Admin("admin"),
        wire="http://127.0.0.1:9",
    )


async def imported(gallery: Gallery, folder: Path, jobs: int = 3, **more: Any) -> Import:
    async with Client(deployment_of(gallery), clock=HurriedClock()) as client:
        return await Importer(client, **more).run(pictures_in(folder, recursive=True), jobs=jobs)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "pictures"
    (made / "within").mkdir(parents=True)
    for number in range(6):
        (made / f"half-a_fig {number}.jpg").write_bytes(picture(colour=(number * 30, 9, 9)))
    (made / "within" / "drawing.PNG").write_bytes(picture("PNG"))
    (made / "within" / "photo.webp").write_bytes(picture("WEBP"))
    (made / "notes.txt").write_text("not a picture")
    return made


async def captions(gallery: Gallery) -> list[str]:
    return sorted(photo["caption"] for photo in (await gallery.call("GET", "/photos?limit=100")).json()["photos"])


async def test_a_folder_goes_in_once(gallery: Gallery, folder: Path) -> None:
    sent: list[int] = []
    first = await imported(gallery, folder, sent=sent.append)
    assert first.good and len(first.of("added")) == 8
    assert await captions(gallery) == ["Drawing", *[f"Half a fig {n}" for n in range(6)], "Photo"]
    assert sum(sent) == sum(item.size for item in first.items)
    head = await gallery.head()
    second = await imported(gallery, folder)
    assert second.good and len(second.of("present")) == 8
    assert await gallery.head() == head


async def test_only_the_folder_itself_unless_told(folder: Path) -> None:
    assert len(pictures_in(folder, recursive=False)) == 6
    assert len(pictures_in(folder, recursive=True)) == 8


async def test_the_same_picture_under_two_names_is_one_photo(gallery: Gallery, tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (tmp_path / "twice").mkdir(exist_ok=True)
        (tmp_path / "twice" / name).write_bytes(picture())
    result = await imported(gallery, tmp_path / "twice")
    assert result.good and len(result.of("added")) == 1
    assert len(await captions(gallery)) == 1


async def test_bad_files_are_listed_and_the_rest_goes_in(gallery: Gallery, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "broken.jpg").write_bytes(picture(size=(300, 300))[:-200])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "heic.jpg").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    with (folder / "huge.jpg").open("wb") as file:
        file.truncate(30 * 1024 * 1024)
    (folder / os.fsdecode(b"not \xff text.jpg")).write_bytes(picture())
    result = await imported(gallery, folder)
    assert not result.good and not result.stopped and len(result.of("added")) == 8
    reasons = {Path(item.name).name: item.reason for item in result.of("failed")}
    assert reasons.keys() == {"broken.jpg", "empty.jpg", "heic.jpg", "huge.jpg", "not \ufffd text.jpg"}
    assert (reasons["empty.jpg"], reasons["not \ufffd text.jpg"]) == ("is empty", "its name is not in UTF-8; rename it")
    print_result(result)
    print_json(result)
    printed = capsys.readouterr()
    assert "not \ufffd text.jpg: its name" in printed.err and "not \ufffd text.jpg" in printed.out
    assert "truncated" in reasons["broken.jpg"] and "HEIC" in reasons["heic.jpg"] and "26214400" in reasons["huge.jpg"]


async def test_it_stops_in_a_state_that_lets_nobody_write(gallery: Gallery, folder: Path) -> None:
    await gallery.admit(State.FENCED)
    head = await gallery.head()
    result = await imported(gallery, folder)
    assert "the state is fenced" in result.stopped and "again when the state is active" in result.stopped
    assert len(result.of("waiting")) == 8 and await gallery.head() == head


async def test_it_stops_in_the_middle_and_goes_on_when_run_again(gallery: Gallery, folder: Path) -> None:
    finished: list[str] = []

    def fence_after_two(item: Any) -> None:
        finished.append(item.path.name)

    async with Client(deployment_of(gallery), clock=HurriedClock()) as client:
        importer = Importer(client, done=fence_after_two)
        running = asyncio.create_task(importer.run(pictures_in(folder, recursive=True), jobs=1))
        while len(finished) < 2:
            await asyncio.sleep(0.001)
        await gallery.admit(State.FENCED)
        result = await running
    assert result.stopped and result.of("added") and result.of("waiting")
    await gallery.admit(State.ACTIVE)
    again = await imported(gallery, folder)
    assert again.good and len(again.of("present")) == len(result.of("added"))
    assert len(await captions(gallery)) == 8


class Breaking(httpx.AsyncHTTPTransport):
    """Fails every seventh request, and loses the answer to every eleventh."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.count += 1
        if self.count % 7 == 0:
            raise httpx.ConnectError("broken on purpose")
        response = await super().handle_async_request(request)
        if self.count % 11 == 0:
            await response.aread()
            raise httpx.ReadError("the answer is lost on purpose")
        return response


async def test_breaks_are_ridden_out(gallery: Gallery, folder: Path) -> None:
    sent: list[int] = []
    async with Client(deployment_of(gallery), clock=HurriedClock()) as client:
        importer = Importer(client, sent=sent.append)
        await importer._prepare()
        client._http._transport = Breaking()
        client._http._mounts = {}
        importer._prepare = lambda: asyncio.sleep(0)  # type: ignore[method-assign]
        result = await importer.run(pictures_in(folder, recursive=True), jobs=2)
    assert result.good, [item.reason for item in result.of("failed")]
    assert len(result.of("added")) == len(await captions(gallery)) == 8
    assert any(item.waited_seconds for item in result.items)
    assert sum(sent) == sum(item.size for item in result.items)


async def test_it_gives_up_after_a_while(gallery: Gallery, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "WAIT_SECONDS_MAX", 1.0)
    monkeypatch.setattr("multiregion.gallery.workers.WAITING_MAX", 0)
    result = await imported(gallery, folder)
    assert len(result.of("failed")) == 8
    assert all("waiting to be looked at" in item.reason and "tried for" in item.reason for item in result.items)
    assert all(item.waited_seconds <= 1.0 for item in result.items)


async def test_a_user_imports_in_their_own_name(gallery: Gallery, folder: Path) -> None:
    async with Client(deployment_of(gallery), user="ada", password=PASSWORD, clock=HurriedClock()) as client:
        client._token = gallery.tokens["ada"].removeprefix("Bearer ")
        result = await Importer(client).run(pictures_in(folder, recursive=False), jobs=2)
    assert result.good
    assert {photo["user"] for photo in (await gallery.call("GET", "/photos")).json()["photos"]} == {"ada"}


async def test_the_samples_go_in_once(gallery: Gallery) -> None:
    from rich.console import Console

    console = Console(record=True, width=200, file=sys.stderr)
    await import_samples(Client(deployment_of(gallery)), console)
    await import_samples(Client(deployment_of(gallery)), console)
    assert console.export_text().count("13 sample photographs are in the gallery") == 2
    found = await captions(gallery)
    assert len(found) == 13 and "Earthrise by NASA" in found


@pytest.mark.parametrize(
    ("application", "writable", "why"),
    [("todo:app", True, "they are for the photo gallery"), (GALLERY, False, "nothing can be written yet")],
)
async def test_samples_are_not_put_in_where_they_cannot_be(gallery: Gallery, application: str, writable: bool, why: str) -> None:
    from rich.console import Console

    console = Console(record=True, width=200, file=sys.stderr)
    await put_in_samples(application, deployment_of(gallery), console, writable=writable)
    assert f"not put in: {why}" in console.export_text() and await captions(gallery) == []


def test_the_samples_are_small_and_all_named_with_their_licence() -> None:
    samples = Path(importing.__file__).parent / "samples"
    files = [item.path for item in pictures_in(samples, recursive=True)]
    sources = (samples / "SOURCES.md").read_text()
    assert len(files) >= 12 and sum(file.stat().st_size for file in files) <= 3_000_000
    assert sorted(re.findall(r"^\| `([^`]+)`", sources, re.M)) == sorted(file.name for file in files)


@pytest.mark.parametrize(
    ("name", "caption"),
    [
        ("half-a_fig.jpg", "Half a fig"),
        ("IMG_0001.JPG", "IMG 0001"),
        ("日本.png", "日本"),
        ("---.jpg", ""),
        ("x" * 600 + ".jpg", "X" + "x" * 499),
    ],
)
def test_captions_come_from_names(name: str, caption: str) -> None:
    assert caption_of(Path(name)) == caption
