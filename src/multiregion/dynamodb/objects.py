"""Immutable bytes in a bucket under their digest; drafts are files in a scratch folder until they are kept."""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from hashlib import file_digest, sha256
from pathlib import Path
from re import compile as pattern
from typing import Any

from multiregion.clock import Clock
from multiregion.dynamodb.errors import ConditionFailed, Contested
from multiregion.dynamodb.session import Engines
from multiregion.errors import InvalidInput, MultiregionError, NotFound
from multiregion.stores import Digest

PREFIX = "objects/"
DIGEST = pattern(r"[0-9a-f]{64}")
PART_BYTES = 8 * 1024 * 1024
PARTS_AT_A_TIME = 4
PIECE_BYTES = 256 * 1024
FRESH_SECONDS = 1_800.0


class S3Objects:
    """`Objects` in one region's bucket, by `objects/<digest>`."""

    def __init__(self, engines: Engines, scratch: Path, clock: Clock) -> None:
        self._engines = engines
        self._bucket = engines.config.bucket
        self._scratch = scratch
        self._clock = clock
        scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left_over in scratch.iterdir():
            left_over.unlink()

    def draft(self) -> Path:
        return self._scratch / self._clock.new_id()

    async def keep(self, draft: Path, *, digest: Digest | None = None) -> Digest:
        try:
            found = await asyncio.to_thread(digest_of, draft)
            if digest not in (None, found):
                raise InvalidInput(f"the bytes have the digest {found}, not {digest}", field="sha256")
            await self._store(draft, found)
            return found
        finally:
            remove(draft)

    async def receive(self, digest: Digest, pieces: AsyncIterator[bytes]) -> None:
        draft = self.draft()
        try:
            with draft.open("wb") as file:
                async for piece in pieces:
                    await asyncio.to_thread(file.write, piece)
            await self.keep(draft, digest=digest)
        finally:
            remove(draft)

    async def put(self, data: bytes) -> Digest:
        draft = self.draft()
        await asyncio.to_thread(draft.write_bytes, data)
        return await self.keep(draft)

    async def open(self, digest: Digest, *, first: int = 0, last: int | None = None) -> AsyncIterator[bytes]:
        if first < 0 or (last is not None and last < first):
            raise InvalidInput(f"there are no bytes from {first} to {last}", field="range")
        wanted = {} if (first, last) == (0, None) else {"Range": f"bytes={first}-{'' if last is None else last}"}
        answer = await self._call("get_object", Key=name_of(digest), **wanted)
        body = answer["Body"]
        try:
            check_range(answer.get("ContentRange"), last)
            while piece := await self._engines.call(body.read, PIECE_BYTES):
                yield piece
        finally:
            body.close()

    async def has(self, digest: Digest) -> bool:
        return await self._found(digest) is not None

    async def delete(self, digest: Digest) -> None:
        await self._call("delete_object", Key=name_of(digest))

    async def discard(self, digest: Digest, *, older_than_seconds: float) -> bool:
        found = await self._found(digest)
        if found is None or self._age_seconds(found) < older_than_seconds:
            return False
        # In a bucket with versions exactly the one that was looked at goes: bytes that are put at this moment are another.
        version = {"VersionId": found["VersionId"]} if found.get("VersionId") else {}
        await self._call("delete_object", Key=name_of(digest), **version)
        return True

    async def digests(self, after: str = "") -> AsyncIterator[tuple[Digest, int]]:
        asked = {"Prefix": PREFIX, "StartAfter": PREFIX + after}
        while True:
            page = await self._call("list_objects_v2", **asked)
            for each in page.get("Contents", []):
                if DIGEST.fullmatch(digest := each["Key"].removeprefix(PREFIX)):
                    yield Digest(digest), each["Size"]
            if not page.get("NextContinuationToken"):
                return
            asked = {"Prefix": PREFIX, "ContinuationToken": page["NextContinuationToken"]}

    async def _found(self, digest: Digest) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = await self._call("head_object", Key=name_of(digest))
        except NotFound:
            return None
        return found

    def _age_seconds(self, found: Mapping[str, Any]) -> float:
        return self._clock.now() - float(found["LastModified"].timestamp())

    async def _store(self, draft: Path, digest: Digest) -> None:
        """Nothing is sent that is there. But what has been there for long is written again: somebody who looks at its age may be
        about to remove it, because no record names it yet. What somebody else is sending at this moment is sent, too."""
        try:
            await self._send(draft, digest, {"IfNoneMatch": "*"})
        except (ConditionFailed, Contested):
            found = await self._found(digest)
            if found is None or self._age_seconds(found) > FRESH_SECONDS:
                await self._send(draft, digest, {})

    async def _send(self, draft: Path, digest: Digest, condition: Mapping[str, str]) -> None:
        size = (await asyncio.to_thread(draft.stat)).st_size
        if size <= PART_BYTES:
            body = await asyncio.to_thread(draft.read_bytes)
            checksum = base64.b64encode(bytes.fromhex(digest)).decode()
            await self._call("put_object", Key=name_of(digest), Body=body, ChecksumSHA256=checksum, **condition)
            return
        upload = (await self._call("create_multipart_upload", Key=name_of(digest), ChecksumAlgorithm="SHA256"))["UploadId"]
        try:
            parts = await self._send_parts(draft, digest, upload, -(-size // PART_BYTES))
            complete = {"UploadId": upload, "MultipartUpload": {"Parts": parts}, **condition}
            await self._call("complete_multipart_upload", Key=name_of(digest), **complete)
        except BaseException:
            with suppress(MultiregionError):  # the bucket's own rule removes what is left of it
                await asyncio.shield(self._call("abort_multipart_upload", Key=name_of(digest), UploadId=upload))
            raise

    async def _send_parts(self, draft: Path, digest: Digest, upload: str, count: int) -> list[dict[str, Any]]:
        """A few at a time, so that memory stays flat however large the object is."""
        places = asyncio.Semaphore(PARTS_AT_A_TIME)

        async def send(number: int) -> dict[str, Any]:
            async with places:
                body = await asyncio.to_thread(part_of, draft, number)
                checksum = base64.b64encode(sha256(body).digest()).decode()
                place = {"Key": name_of(digest), "UploadId": upload, "PartNumber": number}
                answer = await self._call("upload_part", Body=body, ChecksumSHA256=checksum, **place)
                return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum}

        try:
            async with asyncio.TaskGroup() as tasks:
                sending = [tasks.create_task(send(number)) for number in range(1, count + 1)]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures
        return [task.result() for task in sending]

    async def _call(self, operation: str, **arguments: Any) -> Any:
        return await self._engines.call(getattr(self._engines.s3, operation), Bucket=self._bucket, **arguments)


def name_of(digest: Digest) -> str:
    if not DIGEST.fullmatch(digest):
        raise InvalidInput("a digest is 64 lower-case hexadecimal digits", field="sha256")
    return PREFIX + digest


def check_range(given: str | None, last: int | None) -> None:
    """S3 shortens a range that reaches beyond the end, `bytes 0-4/5`, where it should be refused."""
    if given is not None and last is not None and last >= (size := int(given.rpartition("/")[2])):
        raise InvalidInput(f"the object has {size} bytes; byte {last} is not in it", field="range", limit=size)


def digest_of(file: Path) -> Digest:
    with file.open("rb") as opened:
        return Digest(file_digest(opened, "sha256").hexdigest())


def part_of(file: Path, number: int) -> bytes:
    with file.open("rb") as opened:
        opened.seek((number - 1) * PART_BYTES)
        return opened.read(PART_BYTES)


def remove(file: Path) -> None:
    file.unlink(missing_ok=True)
