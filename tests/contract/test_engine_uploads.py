"""Uploads straight into a bucket, and what becomes of objects there. The engine of the tests verifies no policy, so what S3 is told
to verify is read from the policy itself; what this package verifies besides is tried."""

import base64
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from multiregion.dynamodb.objects import FRESH_SECONDS, S3Objects
from multiregion.dynamodb.tickets import ADDRESSES_MAX, SAME_SECONDS, S3Links, S3Uploads
from multiregion.errors import InvalidInput
from multiregion.stores import Announced, Digest, Ticket
from tests.contract.backends import AwsBackend
from tests.engines import EngineProcess
from tests.identity_world import RunningClock

PICTURE = b"a picture"
HOUR_SECONDS = 3_600.0


@pytest.fixture
def aws(engines: EngineProcess, tmp_path: Path) -> Iterator[AwsBackend]:
    made = AwsBackend(engines, tmp_path)
    yield made
    made.close()


@pytest.fixture
def clock() -> RunningClock:
    return RunningClock()


@pytest.fixture
async def uploads(aws: AwsBackend, clock: RunningClock) -> S3Uploads:
    return await aws.uploads(clock)


def announced(data: bytes = PICTURE, photo_id: str = "sunrise", user: str = "ada", caption: str = "Šumava 🌄") -> Announced:
    return Announced(photo_id, user, "image/jpeg", len(data), Digest(sha256(data).hexdigest()), caption)


async def send(ticket: Ticket, data: bytes = PICTURE) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.post(ticket.url, data=dict(ticket.fields), files={"file": ("x.jpg", data, "image/jpeg")})


def policy(ticket: Ticket) -> list[Any]:
    conditions: list[Any] = json.loads(base64.b64decode(ticket.fields["policy"]))["conditions"]
    return conditions


async def names(aws: AwsBackend) -> list[str]:
    engines = await aws.engines()
    found = await engines.call(engines.s3.list_objects_v2, Bucket=engines.config.bucket)
    engines.close()
    return [each["Key"] for each in found.get("Contents", [])]


async def test_a_ticket_is_bound_to_name_size_type_and_digest(uploads: S3Uploads) -> None:
    ticket = await uploads.ticket(announced())
    said = policy(ticket)
    digest = base64.b64encode(sha256(PICTURE).digest()).decode()
    assert {"key": ticket.fields["key"]} in said and ["content-length-range", len(PICTURE), len(PICTURE)] in said
    assert {"Content-Type": "image/jpeg"} in said and {"x-amz-checksum-algorithm": "SHA256"} in said
    assert {"x-amz-checksum-sha256": digest} in said and ticket.fields["x-amz-checksum-sha256"] == digest
    assert {"x-amz-algorithm": "AWS4-HMAC-SHA256"} in said and ticket.fields["x-amz-signature"]
    assert "${filename}" not in ticket.fields["key"]


async def test_a_ticket_lives_as_long_as_it_is_set_to(uploads: S3Uploads) -> None:
    ticket = await uploads.ticket(announced())
    document = json.loads(base64.b64decode(ticket.fields["policy"]))
    begun, ends = ticket.fields["x-amz-date"], document["expiration"]
    seconds = [int(text[-2:]) + 60 * int(text[-4:-2]) for text in (begun[:-1], ends.replace(":", "").replace("-", "")[:15])]
    assert 0 < (seconds[1] - seconds[0]) % 3600 <= 61


async def test_what_was_uploaded_is_found_by_its_owner_with_what_was_announced(uploads: S3Uploads, aws: AwsBackend) -> None:
    assert await uploads.pending("sunrise", "ada") is None
    ticket = await uploads.ticket(announced())
    assert await uploads.pending("sunrise", "ada") is None, "a ticket is no upload"
    assert (await send(ticket)).status_code == 204
    upload = await uploads.pending("sunrise", "ada")
    assert upload is not None and upload.announced == announced() and upload.path.read_bytes() == PICTURE
    for photo_id, user in (("sunrise", "bob"), ("sunset", "ada"), ("sunrise/ada", ""), ("", "sunrise/ada")):
        assert await uploads.pending(photo_id, user) is None
    await uploads.forget(upload)
    await uploads.forget(upload)
    assert not upload.path.exists() and await names(aws) == []


@pytest.mark.parametrize(("data", "field"), [(PICTURE + b"!", "size"), (b"", "size"), (b"b picture", "sha256")])
async def test_bytes_that_are_not_what_was_announced_are_refused(uploads: S3Uploads, data: bytes, field: str) -> None:
    """An engine that checks its policy never lets them in; not every compatible one does."""
    await send(await uploads.ticket(announced()), data)
    with pytest.raises(InvalidInput) as refused:
        await uploads.pending("sunrise", "ada")
    assert refused.value.facts["field"] == field
    assert list(uploads._scratch.iterdir()) == []


async def test_a_newer_announcement_takes_the_place_of_an_older_one_and_outlives_its_end(uploads: S3Uploads) -> None:
    await send(await uploads.ticket(announced()))
    first = await uploads.pending("sunrise", "ada")
    await send(await uploads.ticket(announced(b"another")), b"another")
    assert first is not None
    await uploads.forget(first)
    second = await uploads.pending("sunrise", "ada")
    assert second is not None and second.path.read_bytes() == b"another"


async def test_uploads_that_nobody_commits_are_swept(uploads: S3Uploads, clock: RunningClock, aws: AwsBackend) -> None:
    await send(await uploads.ticket(announced()))
    await uploads.pending("sunrise", "ada")
    assert await uploads.sweep() == 0 and len(await names(aws)) == 2
    clock.elapsed = HOUR_SECONDS
    assert await uploads.sweep() == 2 and await names(aws) == []
    assert list(uploads._scratch.iterdir()) == []


# Addresses of pictures


async def test_an_address_shows_the_picture_as_its_type_and_stays_the_same_for_minutes(aws: AwsBackend, clock: RunningClock) -> None:
    digest = await (await aws.objects()).put(PICTURE)
    links = S3Links(await aws.engines(), clock, 3_600)
    address = links.address(digest, "image/webp")
    async with httpx.AsyncClient(trust_env=False) as http:
        shown = await http.get(address)
    assert (shown.content, shown.headers["content-type"]) == (PICTURE, "image/webp") and "immutable" in shown.headers["cache-control"]
    assert links.address(digest, "image/webp") == address != links.address(digest, "image/png")
    for number in range(ADDRESSES_MAX):
        links._addresses[Digest(f"{number:064x}"), "image/png"] = (clock.monotonic(), "")
    links.address(Digest("f" * 64), "image/png")
    assert len(links._addresses) == ADDRESSES_MAX
    made_at, _ = next(iter(links._addresses.values()))
    clock.elapsed = SAME_SECONDS + 1
    links.address(digest, "image/webp")
    assert links._addresses[digest, "image/webp"][0] > made_at + SAME_SECONDS


# What becomes of objects


async def test_what_is_there_is_not_sent_again_unless_it_has_been_there_for_long(aws: AwsBackend, clock: RunningClock) -> None:
    """Or somebody who has seen how old it is could remove it before a record names it."""
    objects = S3Objects(await aws.engines(), aws.scratch / "drafts", clock)
    await aws.objects()
    digest = await objects.put(PICTURE)
    first = await modified(aws, digest)
    aws.server.fail("none", "deny", 0)
    await objects.put(PICTURE)
    assert aws.server.calls().count("S3.PUT") == 1 and await modified(aws, digest) == first
    clock.elapsed = FRESH_SECONDS + 60
    aws.server.fail("none", "deny", 0)
    await objects.put(PICTURE)
    assert aws.server.calls().count("S3.PUT") == 2


async def test_what_somebody_else_sends_at_the_same_moment_is_kept_all_the_same(aws: AwsBackend) -> None:
    objects = await aws.objects()
    aws.server.fail("S3.PUT", "contest-s3", 1)
    digest = await objects.put(PICTURE)
    assert await objects.has(digest) and aws.server.calls().count("S3.PUT") == 2


async def modified(aws: AwsBackend, digest: Digest) -> Any:
    engines = await aws.engines()
    found = await engines.call(engines.s3.head_object, Bucket=engines.config.bucket, Key=f"objects/{digest}")
    engines.close()
    return found["LastModified"], found["ETag"]


async def test_a_large_object_that_breaks_off_leaves_no_parts_behind(aws: AwsBackend) -> None:
    objects = await aws.objects()
    engines = await aws.engines()
    draft = objects.draft()
    draft.write_bytes(bytes(9 * 1024 * 1024))
    digest = Digest(sha256(bytes(9 * 1024 * 1024)).hexdigest())
    aws.server.fail("S3.PUT", "deny-s3", 1)
    with pytest.raises(Exception, match="credentials"):
        await objects.keep(draft, digest=digest)
    left = await engines.call(engines.s3.list_multipart_uploads, Bucket=engines.config.bucket)
    assert left.get("Uploads", []) == [] and not draft.exists() and not await objects.has(digest)
    engines.close()


async def test_in_a_bucket_with_versions_only_what_was_looked_at_is_removed(aws: AwsBackend) -> None:
    objects = await aws.objects()
    engines = await aws.engines()
    versioning = {"Status": "Enabled"}
    await engines.call(engines.s3.put_bucket_versioning, Bucket=engines.config.bucket, VersioningConfiguration=versioning)
    digest = await objects.put(PICTURE)
    assert await objects.discard(digest, older_than_seconds=-10)
    found = await engines.call(engines.s3.list_object_versions, Bucket=engines.config.bucket)
    assert found.get("Versions", []) == [] and found.get("DeleteMarkers", []) == []
    engines.close()
