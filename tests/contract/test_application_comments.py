"""Comments over a real socket: who wrote them, what may be in them, and where they go when their photo goes."""

import asyncio
from typing import Any

import httpx
import pytest

from multiregion.gallery.deletion import BATCH, NOTES
from multiregion.states import State
from multiregion.stores import Key, Write
from tests.contract.worlds import Ability, needs
from tests.gallery_world import Gallery


async def comment(gallery: Gallery, message: str, user: str = "ada", photo: str = "mine", **more: Any) -> httpx.Response:
    return await gallery.call("POST", f"/comments/{photo}", user, json={"message": message, **more})


def code(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


async def listed(gallery: Gallery) -> list[str]:
    answer = await gallery.call("GET", "/comments/mine")
    return [each["message"] for each in answer.json()["comments"]]


async def test_the_author_is_the_tokens_never_the_bodys(gallery: Gallery) -> None:
    await gallery.add(photoId="mine")
    said = {"message": "hello", "user": "ada", "author": "ada"}
    answer = await gallery.call("POST", "/comments/mine", "root", json=said)
    assert (answer.status_code, answer.json()["user"]) == (201, "root")
    assert set(answer.json()) == {"commentId", "photoId", "user", "message", "createdAt"}
    assert (await gallery.call("GET", "/comments/mine")).json() == {"comments": [answer.json()], "next": None}


GOOD = [
    "x",
    "x" * 2000,
    "🏔" * 2000,
    "two\nlines\tand a tab",
    '"quotes" \\ </script><b>',
    "  kept as it is  ",
    "\u202eright to left",
    "é" * 2000,
]


@pytest.mark.parametrize("message", GOOD)
async def test_a_message_comes_back_as_it_was(gallery: Gallery, message: str) -> None:
    await gallery.add(photoId="mine")
    assert (await comment(gallery, message)).json()["message"] == message
    assert await listed(gallery) == [message]


BAD = ["", " \n\t ", "x" * 2001, "🏔" * 2001, "a\u0000b", "\u0007", "\u007f", "\u0085 next line", "carriage\r\nreturn"]


@pytest.mark.parametrize("message", BAD)
async def test_a_bad_message_is_named(gallery: Gallery, message: str) -> None:
    await gallery.add(photoId="mine")
    before = await gallery.head()
    answer = await comment(gallery, message)
    assert (code(answer), answer.json()["field"]) == ((400, "invalid_input"), "message")
    assert ("limit" in answer.json()) == (len(message) > 2000)
    assert await gallery.head() == before


BODIES: list[tuple[bytes, int, str]] = [
    (b"", 400, "body"),
    (b"{", 400, "body"),
    (b"[]", 400, "body"),
    (b"{}", 400, "body"),
    (b'{"message": 5}', 400, "message"),
    (b'{"message": null}', 400, "message"),
    (b'{"message": "x", "commentId": "a/b"}', 400, "commentId"),
    (b'{"message": "x", "commentId": null}', 400, "commentId"),
    (b'{"message": "' + b"x" * 70_000 + b'"}', 413, "body"),
    (b"[" * 30_000, 400, "body"),
]


@pytest.mark.parametrize(("body", "status", "field"), BODIES)
async def test_a_bad_body_is_named(gallery: Gallery, body: bytes, status: int, field: str) -> None:
    await gallery.add(photoId="mine")
    answer = await gallery.call("POST", "/comments/mine", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text
    assert await listed(gallery) == []


@needs(Ability.BYTES)
@pytest.mark.parametrize("body", [b'{"message": "\xff"}', b'{"message": "\\ud800"}'])
async def test_a_body_that_is_no_text_is_named(gallery: Gallery, body: bytes) -> None:
    await gallery.add(photoId="mine")
    answer = await gallery.call("POST", "/comments/mine", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["field"]) == (400, "body"), answer.text
    assert await listed(gallery) == []


async def test_a_comment_can_be_repeated(gallery: Gallery) -> None:
    await gallery.add(photoId="mine")
    first = await comment(gallery, "hello", commentId="c1")
    head = await gallery.head()
    again = await comment(gallery, "hello", commentId="c1")
    assert (again.status_code, again.json()) == (201, first.json())
    assert await gallery.head() == head
    assert code(await comment(gallery, "bye", commentId="c1")) == (409, "conflict")
    assert code(await comment(gallery, "hello", user="root", commentId="c1")) == (409, "conflict")
    assert await listed(gallery) == ["hello"]


async def test_an_id_belongs_to_its_photo(gallery: Gallery) -> None:
    await gallery.add(photoId="mine")
    await gallery.add(photoId="other")
    assert (await comment(gallery, "a", commentId="c1")).status_code == 201
    assert (await comment(gallery, "b", commentId="c1", photo="other")).status_code == 201


@pytest.mark.parametrize("photo_id", ["nothing", "a%2Fb", "%00", "..%2fx", "x" * 2000, "%ff"])
async def test_an_unknown_photo(gallery: Gallery, photo_id: str) -> None:
    for answer in (await gallery.call("GET", f"/comments/{photo_id}"), await comment(gallery, "x", photo=photo_id)):
        assert answer.status_code == 404
    before = await gallery.head()
    assert code(await comment(gallery, "x", photo="nothing")) == (404, "unknown_photo")
    assert await gallery.head() == before


async def test_250_comments_are_paged_oldest_first(gallery: Gallery) -> None:
    await gallery.add(photoId="mine")
    for number in range(0, 250, 50):
        gallery.wind(1)
        await asyncio.gather(*[comment(gallery, f"n{number + each}", commentId=f"c{number + each:03}") for each in range(50)])
    found: list[str] = []
    pages, following = 0, ""
    while pages == 0 or following:
        page = (await gallery.call("GET", f"/comments/mine?limit=100{following and '&after='}{following}")).json()
        found += [each["message"] for each in page["comments"]]
        pages, following = pages + 1, page["next"] or ""
    batches = [sorted(found[start : start + 50], key=lambda name: int(name[1:])) for start in range(0, 250, 50)]
    assert [name for batch in batches for name in batch] == [f"n{number}" for number in range(250)]
    assert pages == 3


async def test_comments_go_with_their_photo(gallery: Gallery) -> None:
    await gallery.add(photoId="mine")
    await comment(gallery, "hello", commentId="c1")
    assert (await gallery.call("DELETE", "/photos/mine")).status_code == 204
    assert code(await gallery.call("GET", "/comments/mine")) == (404, "unknown_photo")
    assert code(await comment(gallery, "late")) == (404, "unknown_photo")
    assert await gallery.left_of("mine") == 0


async def many(gallery: Gallery, count: int) -> None:
    writes = [Write(Key("comments/mine", f"c{n:05}"), b"{}", f"{n:05}") for n in range(count)]
    await gallery.records.commit(writes, epoch=None, actor="test")


@needs(Ability.STEERING)
async def test_more_comments_than_one_commit_takes(gallery: Gallery) -> None:
    await gallery.add(photoId="mine")
    await many(gallery, 2 * BATCH + 1)
    assert (await gallery.call("DELETE", "/photos/mine")).status_code == 204
    assert await gallery.records.count("comments/mine") == await gallery.records.count(NOTES) == 0


@needs(Ability.STEERING)
async def test_a_deletion_that_was_cut_off_is_finished_by_a_sweep(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    await gallery.add(photoId="mine")
    await many(gallery, BATCH + 1)
    commit = gallery.records.commit

    async def commit_once(*arguments: Any, **more: Any) -> Any:
        position = await commit(*arguments, **more)
        await gallery.admit(State.FENCED)
        return position

    with monkeypatch.context() as patched:
        patched.setattr(gallery.records, "commit", commit_once)
        assert (await gallery.call("DELETE", "/photos/mine")).status_code == 204
    assert await gallery.records.count("comments/mine") == 1
    assert code(await gallery.call("GET", "/comments/mine")) == (404, "unknown_photo")
    await gallery.sweep()
    assert await gallery.records.count("comments/mine") == 1  # fenced: not this region's to finish
    await gallery.admit(State.ACTIVE)
    await gallery.sweep()
    assert await gallery.records.count("comments/mine") == await gallery.records.count(NOTES) == 0
