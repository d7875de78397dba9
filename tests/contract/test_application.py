"""The application API over a real socket: photos and comments, and every refusal in its own words."""

import asyncio
import hashlib
import io
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from multiregion.errors import Unavailable
from multiregion.gallery.pictures import THUMBNAIL_EDGE
from multiregion.gallery.settings import GallerySettings
from multiregion.states import State
from tests.contract.worlds import Ability, needs
from tests.gallery_world import Gallery, announcement, gallery_in, picture
from tests.identity_world import World


def code(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


@needs(Ability.DECODING)
async def test_a_photo_is_uploaded_committed_listed_and_shown(gallery: Gallery) -> None:
    data = picture(size=(1600, 1200), colour=(10, 120, 200))
    photo = await gallery.add(data, caption="The sea")
    listed = (await gallery.call("GET", "/photos")).json()
    assert listed == {"photos": [photo], "next": None}
    assert (photo["user"], photo["caption"], photo["contentType"]) == ("ada", "The sea", "image/jpeg")
    assert (photo["width"], photo["height"], photo["uploadSha256"]) == (1600, 1200, hashlib.sha256(data).hexdigest())
    assert photo["createdAt"].endswith("Z") and "thumbnail" not in photo
    shown = await gallery.http.get(photo["url"])
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    assert (len(shown.content), hashlib.sha256(shown.content).hexdigest()) == (photo["size"], photo["sha256"])
    small = Image.open(io.BytesIO((await gallery.http.get(photo["thumbnailUrl"])).content))
    assert (small.format, small.size) == ("JPEG", (THUMBNAIL_EDGE, THUMBNAIL_EDGE * 3 // 4))
    assert await gallery.pending_uploads() == []


def unsigned(photo: dict[str, Any]) -> dict[str, Any]:
    """Without the signatures of its addresses, which may be made anew for each answer."""
    return {name: str(value).partition("?")[0] if name in ("url", "thumbnailUrl") else value for name, value in photo.items()}


async def test_nothing_is_visible_before_the_commit(gallery: Gallery) -> None:
    before = await gallery.head()
    await gallery.upload(picture())
    assert (await gallery.call("GET", "/photos")).json()["photos"] == []
    assert await gallery.kept() == [] and await gallery.head() == before


async def test_a_commit_can_be_repeated(gallery: Gallery) -> None:
    photo = await gallery.add()
    head = await gallery.head()
    again = await gallery.commit(photo["photoId"])
    assert (again.status_code, unsigned(again.json())) == (201, unsigned(photo))
    assert await gallery.head() == head


async def test_two_commits_at_once_make_one_photo(gallery: Gallery) -> None:
    photo_id, before = await gallery.upload(picture()), await gallery.head()
    answers = await asyncio.gather(*[gallery.commit(photo_id) for _ in range(4)])
    assert [answer.status_code for answer in answers] == [201] * 4
    assert await gallery.head() != before
    (made,) = (await gallery.call("GET", "/photos")).json()["photos"]
    assert all(unsigned(answer.json()) == unsigned(made) for answer in answers)


async def test_a_photo_that_is_there_needs_no_upload(gallery: Gallery) -> None:
    data = picture()
    photo = await gallery.add(data, photoId="mine")
    again = await gallery.announce(data, photoId="mine")
    assert (again.status_code, unsigned(again.json())) == (200, unsigned(photo))


async def test_an_id_that_is_taken_is_refused(gallery: Gallery) -> None:
    await gallery.add(picture(), photoId="mine")
    assert code(await gallery.announce(picture(colour=(1, 2, 3)), photoId="mine")) == (409, "conflict")
    assert code(await gallery.announce(picture(), "root", photoId="mine")) == (409, "conflict")
    assert code(await gallery.commit("mine", "root")) == (409, "conflict")


async def test_an_upload_can_be_repeated_and_the_last_one_counts(gallery: Gallery) -> None:
    first, second = picture(), picture(colour=(1, 2, 3))
    await gallery.upload(first, photoId="mine")
    await gallery.upload(second, photoId="mine")
    assert (await gallery.commit("mine")).json()["uploadSha256"] == hashlib.sha256(second).hexdigest()
    assert await gallery.pending_uploads() == []


async def test_nobody_touches_the_upload_of_another(gallery: Gallery) -> None:
    mine, theirs = picture(), picture(colour=(1, 2, 3))
    await gallery.upload(mine, "ada", photoId="same")
    await gallery.upload(theirs, "root", photoId="same")
    assert (await gallery.commit("same", "ada")).json()["uploadSha256"] == hashlib.sha256(mine).hexdigest()
    assert code(await gallery.commit("same", "root")) == (409, "conflict")


async def test_a_commit_without_an_upload(gallery: Gallery) -> None:
    answer = await gallery.commit("nothing")
    assert code(answer) == (404, "unknown_upload") and "upload it first" in answer.json()["detail"]


WRONG_ANNOUNCEMENTS: list[tuple[dict[str, Any], int, str, str]] = [
    ({"contentType": "image/heic"}, 415, "unsupported_media", "contentType"),
    ({"contentType": "image/gif"}, 415, "unsupported_media", "contentType"),
    ({"size": 0}, 400, "invalid_input", "size"),
    ({"size": "12"}, 400, "invalid_input", "size"),
    ({"size": 26_214_401}, 413, "too_large", "size"),
    ({"sha256": "ab"}, 400, "invalid_input", "sha256"),
    ({"sha256": "A" * 64}, 400, "invalid_input", "sha256"),
    ({"caption": "x" * 501}, 400, "invalid_input", "caption"),
    ({"caption": "a\u0000b"}, 400, "invalid_input", "caption"),
    ({"caption": None}, 400, "invalid_input", "caption"),
    ({"photoId": "../../etc"}, 400, "invalid_input", "photoId"),
    ({"photoId": "x" * 65}, 400, "invalid_input", "photoId"),
    ({"photoId": "id\n"}, 400, "invalid_input", "photoId"),
    ({"width": 0}, 400, "invalid_input", "width"),
    ({"colour": "red"}, 400, "invalid_input", "colour"),
    ({"thumbnail": {"contentType": "image/jpeg", "size": 1, "sha256": "x"}}, 400, "invalid_input", "thumbnail.sha256"),
]


@pytest.mark.parametrize(("changes", "status", "expected", "field"), WRONG_ANNOUNCEMENTS)
async def test_a_wrong_announcement_is_named(gallery: Gallery, changes: dict[str, Any], status: int, expected: str, field: str) -> None:
    answer = await gallery.announce(picture(), **changes)
    assert code(answer) == (status, expected)
    assert answer.json()["field"] == field
    assert await gallery.pending_uploads() == []


@needs(Ability.DECODING)
async def test_what_is_said_of_size_and_colour_is_not_believed(gallery: Gallery) -> None:
    photo = await gallery.add(picture(size=(64, 48)), width=9999, height=1, colour="#00ff00")
    assert (photo["width"], photo["height"]) == (64, 48)
    assert photo["colour"].startswith("#c")


async def test_the_limit_is_in_the_refusal(gallery: Gallery) -> None:
    assert (await gallery.announce(picture(), size=10**12)).json()["limit"] == 26_214_400
    assert "export the photograph as JPEG" in (await gallery.announce(picture(), contentType="image/heif")).json()["detail"]


async def bad_picture(gallery: Gallery, data: bytes, **changes: Any) -> httpx.Response:
    """The answer to a commit that must leave nothing behind."""
    photo_id, before = await gallery.upload(data, **changes), await gallery.head()
    answer = await gallery.commit(photo_id)
    assert await gallery.head() == before and await gallery.kept() == []
    assert await gallery.drafts() == []
    return answer


async def test_what_is_not_a_picture(gallery: Gallery) -> None:
    answer = await bad_picture(gallery, b"<svg onload=alert(1)>")
    assert code(answer) == (415, "unsupported_media") and "not a picture" in answer.json()["detail"]


@needs(Ability.UPLOADS)
async def test_an_upload_that_is_refused_at_its_commit_is_gone_at_once_and_no_photo_on_its_way(gallery: Gallery) -> None:
    photo_id = await gallery.upload(b"<svg onload=alert(1)>")
    assert code(await gallery.commit(photo_id)) == (415, "unsupported_media")
    assert await gallery.pending_uploads() == [] and gallery.uploads.in_flight() == 0
    again = await gallery.commit(photo_id)
    assert code(again) == (404, "unknown_upload") and "or it was refused" in again.json()["detail"]


@needs(Ability.UPLOADS)
async def test_an_upload_for_an_id_that_is_taken_is_gone_at_once(gallery: Gallery) -> None:
    for user in ("ada", "root"):
        await gallery.upload(picture(colour=(1, 2, 3) if user == "root" else (3, 2, 1)), user, photoId="same")
    assert (await gallery.commit("same")).status_code == 201
    assert code(await gallery.commit("same", "root")) == (409, "conflict")
    assert await gallery.pending_uploads() == [] and gallery.uploads.in_flight() == 0


@needs(Ability.DECODING)
async def test_a_truncated_picture(gallery: Gallery) -> None:
    noise = io.BytesIO()
    Image.effect_noise((600, 400), 60).save(noise, "JPEG")
    answer = await bad_picture(gallery, noise.getvalue()[: len(noise.getvalue()) // 2])
    assert code(answer) == (415, "unsupported_media") and "truncated" in answer.json()["detail"]


@needs(Ability.DECODING)
async def test_a_decompression_bomb(gallery: Gallery) -> None:
    bomb = picture("PNG", (30_000, 30_000), 0, "1")
    assert len(bomb) < 200_000
    answer = await bad_picture(gallery, bomb, contentType="image/png")
    assert code(answer) == (413, "too_large") and answer.json()["limit"] == 50_000_000


@needs(Ability.DECODING)
async def test_heic_is_named(gallery: Gallery) -> None:
    answer = await bad_picture(gallery, b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(500))
    assert code(answer) == (415, "unsupported_media") and "HEIC" in answer.json()["detail"]


async def test_another_type_than_announced(gallery: Gallery) -> None:
    answer = await bad_picture(gallery, picture("PNG"), contentType="image/jpeg")
    assert code(answer) == (415, "unsupported_media") and answer.json()["field"] == "contentType"


@needs(Ability.STEERING)
async def test_a_decoding_that_breaks_leaves_no_drafts(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    workers: Any = gallery.photos._workers
    render = workers.render

    async def render_and_die(job: Any) -> Any:
        await render(job)
        raise Unavailable("the process that decodes pictures has died")

    monkeypatch.setattr(workers, "render", render_and_die)
    assert code(await bad_picture(gallery, picture())) == (503, "unavailable")


async def test_lists_are_paged_newest_first(gallery: Gallery) -> None:
    for number in range(5):
        gallery.wind(1)
        await gallery.add(picture(), photoId=f"p{number}")
    first = (await gallery.call("GET", "/photos?limit=3")).json()
    second = (await gallery.call("GET", f"/photos?limit=3&after={first['next']}")).json()
    assert [photo["photoId"] for photo in first["photos"] + second["photos"]] == ["p4", "p3", "p2", "p1", "p0"]
    assert second["next"] is None


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=1.0", "limit=", "limit=٣", "after=nonsense"])
@pytest.mark.parametrize("path", ["/photos", "/comments/mine"])
async def test_a_wrong_page_is_named(gallery: Gallery, path: str, query: str) -> None:
    await gallery.add(photoId="mine")
    answer = await gallery.call("GET", f"{path}?{query}")
    assert code(answer) == (400, "invalid_input")
    assert answer.json()["field"] == query.partition("=")[0]


async def test_every_call_needs_a_token(gallery: Gallery) -> None:
    for method, path in (
        ("GET", "/photos"),
        ("POST", "/photos"),
        ("POST", "/photos/x/commit"),
        ("DELETE", "/photos/x"),
        ("GET", "/comments/x"),
        ("POST", "/comments/x"),
    ):
        assert code(await gallery.call(method, path, user=None)) == (401, "unauthorized")
        assert code(await gallery.call(method, path, user=None, headers={"Authorization": "Bearer x.y.z"})) == (401, "unauthorized")


async def test_only_the_owner_and_operators_delete(gallery: Gallery) -> None:
    await gallery.add(user="root", photoId="theirs")
    await gallery.add(user="ada", photoId="mine")
    assert code(await gallery.call("DELETE", "/photos/theirs", "ada")) == (403, "forbidden")
    assert (await gallery.call("DELETE", "/photos/mine", "ada")).status_code == 204
    assert (await gallery.call("DELETE", "/photos/theirs", "operator")).status_code == 204
    assert (await gallery.call("GET", "/photos")).json()["photos"] == []
    assert code(await gallery.call("DELETE", "/photos/mine", "ada")) == (404, "unknown_photo")


async def test_a_deleted_id_stays_deleted(gallery: Gallery) -> None:
    await gallery.add(photoId="mine")
    await gallery.call("DELETE", "/photos/mine")
    answer = await gallery.commit(await gallery.upload(picture(), photoId="mine"))
    assert code(answer) == (409, "conflict") and "was deleted" in answer.json()["detail"]


FENCED = [(State.FENCED, "fenced"), (State.FAILOVER, "failover")]


@pytest.mark.parametrize(("state", "name"), FENCED)
async def test_writes_are_refused_with_the_state_and_write_nothing(gallery: Gallery, state: State, name: str) -> None:
    await gallery.add(photoId="there")
    photo_id = await gallery.upload(picture(colour=(1, 2, 3)))
    await gallery.admit(state)
    before, kept = await gallery.head(), await gallery.kept()
    for answer in (
        await gallery.announce(picture(colour=(3, 2, 1))),
        await gallery.commit(photo_id),
        await gallery.call("DELETE", "/photos/there"),
        await gallery.call("POST", "/comments/there", json={"message": "hello"}),
    ):
        assert code(answer) == (409, "fenced")
        assert (answer.json()["state"]["state"], answer.json()["state"]["epoch"]) == (name, gallery.epoch)
    assert await gallery.head() == before and await gallery.kept() == kept
    assert [photo["photoId"] for photo in (await gallery.call("GET", "/photos")).json()["photos"]] == ["there"]


@needs(Ability.STEERING)
async def test_the_fence_is_in_the_commit_not_before_it(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state changes while the picture is being decoded: the look before has seen the old one."""
    photo_id, before = await gallery.upload(picture()), await gallery.head()
    workers: Any = gallery.photos._workers
    render = workers.render

    async def render_slowly(job: Any) -> Any:
        made = await render(job)
        await gallery.admit(State.FENCED)
        return made

    monkeypatch.setattr(workers, "render", render_slowly)
    assert code(await gallery.commit(photo_id)) == (409, "fenced")
    assert await gallery.head() == before
    assert (await gallery.call("GET", "/photos")).json()["photos"] == []
    await gallery.admit(State.ACTIVE)
    monkeypatch.undo()
    assert (await gallery.commit(photo_id)).status_code == 201


@needs(Ability.STEERING)
async def test_the_epoch_is_in_the_commit_not_before_it(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """The application is fenced and active again while the picture is being decoded: it is another epoch."""
    photo_id, before = await gallery.upload(picture()), await gallery.head()
    decided = {"Multiregion-Epoch": str(gallery.epoch)}
    workers: Any = gallery.photos._workers
    render = workers.render

    async def render_slowly(job: Any) -> Any:
        made = await render(job)
        await gallery.admit(State.FENCED)
        await gallery.admit(State.ACTIVE)
        return made

    monkeypatch.setattr(workers, "render", render_slowly)
    assert code(await gallery.commit(photo_id, headers=decided)) == (409, "stale_epoch")
    assert await gallery.head() == before


async def test_a_write_decided_under_another_epoch_is_refused(gallery: Gallery) -> None:
    await gallery.add(photoId="there")
    photo_id, before = await gallery.upload(picture(colour=(1, 2, 3))), await gallery.head()
    old = {"Multiregion-Epoch": str(gallery.epoch - 1)}
    for answer in (
        await gallery.call("POST", "/photos", json=announcement(picture(colour=(3, 2, 1))), headers=old),
        await gallery.commit(photo_id, headers=old),
        await gallery.call("DELETE", "/photos/there", headers=old),
        await gallery.call("POST", "/comments/there", json={"message": "hello"}, headers=old),
    ):
        assert code(answer) == (409, "stale_epoch")
        assert answer.json()["state"]["epoch"] == gallery.epoch
    assert await gallery.head() == before
    now = {"Multiregion-Epoch": str(gallery.epoch)}
    assert (await gallery.commit(photo_id, headers=now)).status_code == 201
    wrong = await gallery.call("DELETE", "/photos/there", headers={"Multiregion-Epoch": "x"})
    assert code(wrong) == (400, "invalid_input") and wrong.json()["field"] == "Multiregion-Epoch"


async def test_what_was_committed_is_answered_in_every_state(gallery: Gallery) -> None:
    """A client whose answer was lost before the fence must not be told that nothing was written."""
    photo = await gallery.add(photoId="mine")
    said = {"message": "hello", "commentId": "c1"}
    comment = await gallery.call("POST", "/comments/mine", json=said)
    await gallery.admit(State.FENCED)
    assert unsigned((await gallery.commit("mine")).json()) == unsigned(photo)
    again = await gallery.call("POST", "/comments/mine", json=said)
    assert (again.status_code, again.json()) == (201, comment.json())


@needs(Ability.STEERING)
async def test_a_crash_between_object_and_record_leaves_nothing_visible(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    photo_id = await gallery.upload(picture())

    async def crash(*_: object, **__: object) -> None:
        raise RuntimeError("the process ends here")

    with monkeypatch.context() as patched:
        patched.setattr(gallery.records, "commit", crash)
        assert (await gallery.commit(photo_id)).status_code == 500
    assert (await gallery.call("GET", "/photos")).json()["photos"] == []
    assert (await gallery.commit(photo_id)).status_code == 201


async def test_a_full_queue_is_said(pools: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multiregion.gallery.workers.WAITING_MAX", 0)
    async with gallery_in(pools, tmp_path / "primary") as gallery:
        answer = await gallery.commit(await gallery.upload(picture()))
        assert code(answer) == (503, "overloaded") and answer.headers["retry-after"] == "5"


async def test_the_settings_limits_are_kept(pools: World, tmp_path: Path) -> None:
    settings = GallerySettings(upload_bytes_max=5_000, photo_pixels_max=1_000, caption_characters_max=5, comment_characters_max=5)
    async with gallery_in(pools, tmp_path / "primary", settings) as gallery:
        assert code(await gallery.announce(b"x", size=5_001)) == (413, "too_large")
        assert (await gallery.announce(picture(), caption="123456")).json()["limit"] == 5
        assert code(await bad_picture(gallery, picture(size=(64, 48)), caption="")) == (413, "too_large")
        photo = await gallery.add(picture(size=(20, 20)), caption="12345")
        answer = await gallery.call("POST", f"/comments/{photo['photoId']}", json={"message": "123456"})
        assert (answer.status_code, answer.json()["field"], answer.json()["limit"]) == (400, "message", 5)
