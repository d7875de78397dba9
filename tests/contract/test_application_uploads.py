"""Uploads by ticket: what a ticket allows, what a form may be, and that nothing else arrives."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from multiregion.config import Settings
from tests.contract.worlds import Ability, needs
from tests.gallery_world import Gallery, announcement, gallery_in, picture
from tests.identity_world import World

MEBIBYTE = 1024 * 1024

pytestmark = needs(Ability.UPLOADS)


def code(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


async def ticket(gallery: Gallery, data: bytes, **changes: Any) -> dict[str, Any]:
    answer = await gallery.announce(data, **changes)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_ticket_names_its_fields_in_order(gallery: Gallery) -> None:
    offer = await ticket(gallery, picture(), photoId="mine")
    assert list(offer["upload"]["fields"]) == ["key", "Content-Type", "policy", "signature"]
    assert (offer["photoId"], offer["upload"]["fields"]["key"]) == ("mine", "pending/mine")


async def test_an_upload_needs_no_token_and_can_be_repeated(gallery: Gallery) -> None:
    data = picture()
    offer = await ticket(gallery, data)
    assert [(await gallery.send(offer, data)).status_code for _ in range(2)] == [204, 204]
    assert len(gallery.pending_files()) == 2  # the bytes and their note: the first upload's are gone
    assert (await gallery.commit(offer["photoId"])).status_code == 201


async def test_a_ticket_expires(gallery: Gallery) -> None:
    data = picture()
    offer = await ticket(gallery, data)
    gallery.wind(61)
    answer = await gallery.send(offer, data)
    assert code(answer) == (403, "expired") and "ask for a new one" in answer.json()["detail"]
    assert gallery.pending_files() == []


TAMPERED = [
    {"signature": "0" * 64},
    {"signature": ""},
    {"signature": "ÿ"},
    {"policy": ""},
    {"policy": "e30="},
    {"key": "pending/other"},
    {"Content-Type": "image/png"},
    {"acl": "public-read"},
]


@pytest.mark.parametrize("changes", TAMPERED)
async def test_a_tampered_ticket(gallery: Gallery, changes: dict[str, str]) -> None:
    data = picture()
    answer = await gallery.send(await ticket(gallery, data), data, **changes)
    assert code(answer) == (403, "forbidden")
    assert gallery.pending_files() == []


async def test_another_deployments_ticket(gallery: Gallery, tmp_path: Path) -> None:
    from multiregion.embedded.pending import PendingUploads
    from multiregion.stores import Announced, Digest

    data = picture()
    announced = Announced("mine", "ada", "image/jpeg", len(data), Digest(hashlib.sha256(data).hexdigest()), "")
    forged = await PendingUploads(tmp_path / "elsewhere", gallery.url, b"another key", gallery.world.clock, 60).ticket(announced)
    answer = await gallery.send({"upload": {"url": forged.url, "fields": forged.fields}}, data)
    assert code(answer) == (403, "forbidden")


async def test_fewer_bytes_than_announced(gallery: Gallery) -> None:
    data = picture()
    answer = await gallery.send(await ticket(gallery, data), data[:-1])
    assert (code(answer), answer.json()["field"]) == ((400, "invalid_input"), "size")
    assert gallery.pending_files() == []


async def test_other_bytes_than_announced(gallery: Gallery) -> None:
    data = picture()
    answer = await gallery.send(await ticket(gallery, data), bytes(len(data)))
    assert (code(answer), answer.json()["field"]) == ((400, "invalid_input"), "sha256")
    assert gallery.pending_files() == []


async def test_one_byte_too_many(gallery: Gallery) -> None:
    data = picture()
    answer = await gallery.send(await ticket(gallery, data), data + b"x")
    assert code(answer) == (413, "too_large") and answer.json()["limit"] == len(data)
    assert answer.headers["connection"] == "close"
    assert gallery.pending_files() == []


def form(fields: dict[str, str], data: bytes, boundary: str = "b", after: bytes = b"") -> bytes:
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()]
    file = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="x"\r\nContent-Type: image/jpeg\r\n\r\n'.encode()
    return b"".join(parts) + file + data + b"\r\n" + after + f"--{boundary}--\r\n".encode()


async def post(gallery: Gallery, body: Any, content_type: str = "multipart/form-data; boundary=b", **headers: str) -> httpx.Response:
    return await gallery.http.post(gallery.url + "/uploads", content=body, headers={"Content-Type": content_type, **headers})


async def test_an_endless_upload_is_cut_off(gallery: Gallery) -> None:
    """No length is declared, and the bytes do not stop: the answer must not wait for their end."""
    data, sent = picture(), 0
    fields = (await ticket(gallery, data))["upload"]["fields"]
    begin = form(fields, data).rpartition(b"\r\n--b--")[0]

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield begin
        while sent < 1000 * MEBIBYTE:
            sent += 65536
            yield bytes(65536)

    try:
        answer = await post(gallery, endless())
        assert code(answer) == (413, "too_large")
    except httpx.TransportError:
        pass  # the connection ended before the client looked for an answer
    assert sent < 50 * MEBIBYTE
    assert gallery.pending_files() == []


async def test_a_gigabyte_is_refused_before_it_is_sent(gallery: Gallery) -> None:
    parts = urlsplit(gallery.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = (
        f"POST /uploads HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: {1024 * MEBIBYTE}\r\n\r\n"
    )
    writer.write(head.encode())
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "too_large"


async def test_an_upload_that_breaks_off_leaves_nothing(gallery: Gallery) -> None:
    data = picture(size=(800, 600))
    body = form((await ticket(gallery, data))["upload"]["fields"], data)
    parts = urlsplit(gallery.url)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = f"POST /uploads HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body[:-500])
    await writer.drain()
    while not gallery.pending_files():
        await asyncio.sleep(0.01)
    writer.close()
    while gallery.pending_files():
        await asyncio.sleep(0.01)


async def test_a_silent_upload_is_given_up(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multiregion.api.uploads.IDLE_SECONDS_MAX", 0.05)
    data = picture()
    body = form((await ticket(gallery, data))["upload"]["fields"], data)

    async def hesitating() -> AsyncIterator[bytes]:
        yield body[:-10]
        await asyncio.sleep(0.2)

    answer = await post(gallery, hesitating())
    assert (answer.status_code, answer.json()["field"]) == (400, "file") and "nothing arrived" in answer.json()["detail"]
    assert gallery.pending_files() == []


async def test_an_upload_that_takes_too_long_is_given_up(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multiregion.api.uploads.UPLOAD_SECONDS_MAX", 0.1)
    data = picture()
    body = form((await ticket(gallery, data))["upload"]["fields"], data)

    async def dripping() -> AsyncIterator[bytes]:
        for byte in body[:20]:
            yield bytes([byte])
            await asyncio.sleep(0.01)
        yield body[20:]

    answer = await post(gallery, dripping())
    assert (answer.status_code, answer.json()["field"]) == (400, "file") and "took longer" in answer.json()["detail"]
    assert gallery.pending_files() == []


async def test_a_part_behind_the_file_is_refused(gallery: Gallery) -> None:
    data = picture()
    fields = (await ticket(gallery, data))["upload"]["fields"]
    late = b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\npending/other\r\n'
    answer = await post(gallery, form(fields, data, after=late))
    assert (code(answer), answer.json()["field"]) == ((400, "invalid_input"), "file")
    assert gallery.pending_files() == []


BROKEN: list[tuple[bytes, str, int, str]] = [
    (b"", "multipart/form-data; boundary=b", 400, "file"),
    (b"no form", "multipart/form-data; boundary=b", 400, "body"),
    (b"{}", "application/json", 400, "body"),
    (b"", "multipart/form-data", 400, "body"),
    (b"", "multipart/form-data; boundary=" + "x" * 71, 400, "body"),
    (form({}, b"x"), "multipart/form-data; boundary=b", 403, "signature"),
    (form({"policy": "x" * 20_000}, b"x"), "multipart/form-data; boundary=b", 413, "policy"),
    (form({str(n): "x" for n in range(9)}, b"x"), "multipart/form-data; boundary=b", 400, "body"),
    (form({"": "x"}, b"x"), "multipart/form-data; boundary=b", 400, "body"),
    (b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\n\xff\r\n--b--\r\n', "multipart/form-data; boundary=b", 400, "key"),
    (b"--b\r\n" + b"X-Padding: x\r\n" * 50 + b"\r\n", "multipart/form-data; boundary=b", 400, "body"),
]


@pytest.mark.parametrize(("body", "content_type", "status", "field"), BROKEN)
async def test_a_broken_form_is_named(gallery: Gallery, body: bytes, content_type: str, status: int, field: str) -> None:
    answer = await post(gallery, body, content_type)
    assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text
    assert gallery.pending_files() == []


@pytest.mark.parametrize("cut", [len(b"--\r\n"), len(b"b--\r\n"), len(b"\r\n--b--\r\n")])
async def test_a_form_without_its_end_is_refused(gallery: Gallery, cut: int) -> None:
    data = picture()
    body = form((await ticket(gallery, data))["upload"]["fields"], data)
    answer = await post(gallery, body[:-cut])
    assert (code(answer), answer.json()["field"]) == ((400, "invalid_input"), "file")
    assert gallery.pending_files() == []


async def test_a_name_that_comes_twice_is_refused(gallery: Gallery) -> None:
    data = picture()
    fields = (await ticket(gallery, data))["upload"]["fields"]
    twice = b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nx\r\n' + form(fields, data)
    assert code(await post(gallery, twice)) == (400, "invalid_input")


async def test_too_many_uploads_at_once(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multiregion.api.uploads.UPLOADS_MAX", 0)
    data = picture()
    assert code(await gallery.send(await ticket(gallery, data), data)) == (503, "overloaded")


async def test_uploads_that_nobody_commits_are_swept(gallery: Gallery) -> None:
    import os

    old, young = await gallery.upload(picture()), await gallery.upload(picture(colour=(1, 2, 3)))
    for file in (gallery.folder / "pending").iterdir():
        os.utime(file, (gallery.world.clock.now(), gallery.world.clock.now()))
    left = await gallery.uploads.pending(old, "ada")
    assert left is not None
    for name in (left.path.name, gallery.uploads._note(old, "ada").name):
        os.utime(gallery.folder / "pending" / name, (0, gallery.world.clock.now() - 661))
    assert await gallery.uploads.sweep() == 2
    assert (await gallery.commit(old)).status_code == 404
    assert (await gallery.commit(young)).status_code == 201


@pytest.mark.parametrize("number", range(3))
async def test_a_stream_in_pieces_of_any_size(gallery: Gallery, number: int) -> None:
    data = picture(size=(300, 200))
    body = form((await ticket(gallery, data))["upload"]["fields"], data)
    size = (1, 7, 4096)[number]

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    assert (await post(gallery, pieces())).status_code == 204
    assert len(gallery.pending_files()) == 2


async def test_what_a_crash_cut_off_is_gone_at_the_next_start(pools: World, tmp_path: Path) -> None:
    folder = tmp_path / "primary"
    (folder / "pending").mkdir(parents=True)
    (folder / "pending" / "cut.part").write_bytes(b"half")
    async with gallery_in(pools, folder, Settings()) as gallery:
        assert gallery.pending_files() == []
        assert (await gallery.call("POST", "/photos", json=announcement(picture()))).status_code == 201
