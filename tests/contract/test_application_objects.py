"""Pictures by signed address: who may see them, for how long, and how a browser may keep them."""

import hashlib
import os
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from multiregion.embedded.records import SqliteRecords
from multiregion.gallery.application import app
from multiregion.region import LoggedRegion, Region
from multiregion.states import Role
from multiregion.sweep import UNNEEDED_SECONDS, sweep
from tests.contract.test_local_objects import flip
from tests.contract.worlds import Ability, needs
from tests.gallery_world import Gallery, picture

pytestmark = needs(Ability.LINKS)


def changed(url: str, **changes: str) -> str:
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | changes
    return parts._replace(query=urlencode(query)).geturl()


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_browser_may_keep_a_picture_and_run_nothing_in_it(gallery: Gallery) -> None:
    photo = await gallery.add()
    answer = await gallery.http.get(photo["url"])
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert answer.headers["content-security-policy"] == "default-src 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["etag"] == f'"{photo["sha256"]}"'
    kept = await gallery.http.get(photo["url"], headers={"If-None-Match": answer.headers["etag"]})
    assert (kept.status_code, kept.content) == (304, b"")


async def test_parts_of_a_picture(gallery: Gallery) -> None:
    photo = await gallery.add()
    whole = (await gallery.http.get(photo["url"])).content
    part = await gallery.http.get(photo["url"], headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole)}"
    assert (await gallery.http.get(photo["url"], headers={"Range": f"bytes={len(whole)}-"})).status_code == 416
    assert int((await gallery.http.head(photo["url"])).headers["content-length"]) == len(whole)


@pytest.mark.parametrize("changes", [{"signature": "0" * 64}, {"signature": "ÿ"}, {"expires": "9999999999"}, {"type": "text/html"}])
async def test_a_forged_address(gallery: Gallery, changes: dict[str, str]) -> None:
    photo = await gallery.add()
    assert code(await gallery.http.get(changed(photo["url"], **changes))) == (403, "forbidden")


async def test_another_pictures_signature(gallery: Gallery) -> None:
    photo, secret = await gallery.add(), await gallery.objects.put(b"not a picture")
    assert code(await gallery.http.get(photo["url"].replace(photo["sha256"], secret))) == (403, "forbidden")
    assert code(await gallery.http.get(f"{gallery.url}/objects/{secret}")) == (403, "forbidden")


async def test_an_address_stays_the_same_for_minutes_and_expires(gallery: Gallery) -> None:
    gallery.wind(1)
    photo = await gallery.add()
    gallery.wind(298)
    assert (await gallery.call("GET", "/photos")).json()["photos"][0]["url"] == photo["url"]
    gallery.wind(3600 - 298)
    assert (await gallery.http.get(photo["url"])).status_code == 200
    assert (await gallery.call("GET", "/photos", "operator")).json()["photos"][0]["url"] != photo["url"]
    gallery.wind(301)
    assert code(await gallery.http.get(photo["url"])) == (403, "expired")


async def test_an_object_that_is_not_here(gallery: Gallery) -> None:
    photo = await gallery.add()
    await gallery.objects.delete(photo["sha256"])
    assert code(await gallery.http.get(photo["url"])) == (404, "not_found")


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-9"}])
async def test_damaged_bytes_are_not_served(gallery: Gallery, headers: dict[str, str]) -> None:
    photo = await gallery.add()
    flip(gallery.objects.path(photo["sha256"]), at=-1 % photo["size"])
    assert code(await gallery.http.get(photo["url"], headers=headers)) == (503, "damaged")


def age(gallery: Gallery, digest: str, seconds: float) -> None:
    path = gallery.objects.path(digest)  # type: ignore[arg-type]
    assert path is not None
    then = gallery.world.clock.now() - seconds
    os.utime(path, (then, then))


async def test_objects_are_swept_when_nothing_needs_them_and_not_before(gallery: Gallery) -> None:
    shown = await gallery.add(picture(size=(1000, 800)), photoId="shown")
    await gallery.add(picture(size=(1000, 900)), photoId="gone")
    await gallery.call("DELETE", "/photos/gone")
    waiting = await gallery.objects.put(b"waits for its record")
    for digest in await gallery.kept():
        age(gallery, digest, UNNEEDED_SECONDS - 1 if digest == waiting else UNNEEDED_SECONDS + 1)
    assert len(await gallery.kept()) == 5
    await gallery.sweep()
    kept = await gallery.kept()
    assert len(kept) == 3 and waiting in kept and shown["sha256"] in kept
    assert hashlib.sha256((await gallery.http.get(shown["thumbnailUrl"])).content).hexdigest() in kept


async def test_objects_go_from_a_region_that_follows_too_once_it_has_its_records(gallery: Gallery) -> None:
    """Each of these says alone whether bytes go: the delete has been applied here, the region is whole, and they are old enough."""
    photo = await gallery.add(picture(size=(1000, 800)))
    objects, records = gallery.objects, gallery.records
    for digest in await gallery.kept():
        age(gallery, digest, UNNEEDED_SECONDS + 1)
    following = LoggedRegion(Role.SECONDARY, "ap-northeast-1", records, objects)

    async def swept(data: Region) -> None:
        await sweep(app, gallery.region, data, gallery.uploads)

    await swept(following)
    assert len(await gallery.kept()) == 2
    await gallery.call("DELETE", f"/photos/{photo['photoId']}")
    young = await objects.put(b"young")
    age(gallery, young, UNNEEDED_SECONDS - 1)
    lost = SqliteRecords(gallery.folder / "lost.db", Role.SECONDARY, gallery.world.clock, guarded=True)
    await swept(LoggedRegion(Role.SECONDARY, "ap-northeast-1", lost, objects))
    lost.close()
    assert len(await gallery.kept()) == 3
    await swept(Region(Role.SECONDARY, "ap-northeast-1", records, objects))
    assert len(await gallery.kept()) == 3
    await swept(following)
    assert await gallery.kept() == [young]
