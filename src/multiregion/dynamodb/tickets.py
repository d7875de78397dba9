"""Uploads straight into the bucket, by a presigned POST; and the presigned addresses under which browsers get pictures."""

import asyncio
import base64
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from multiregion.clock import Clock
from multiregion.dynamodb.objects import digest_of
from multiregion.dynamodb.session import Engines
from multiregion.dynamodb.tables import PENDING
from multiregion.errors import InvalidInput, NotFound
from multiregion.stores import Announced, Digest, Ticket, Upload

GRACE_SECONDS = 600.0
PIECE_BYTES = 256 * 1024
SAME_SECONDS = 300.0
ADDRESSES_MAX = 10_000


class S3Uploads:
    """`Uploads` under `pending/` in the bucket, for each id and user what was announced and, once they have come, the bytes."""

    def __init__(self, engines: Engines, scratch: Path, clock: Clock, ticket_seconds: int) -> None:
        self._engines = engines
        self._bucket = engines.config.bucket
        self._scratch = scratch
        self._clock = clock
        self._ticket_seconds = ticket_seconds
        scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left_over in scratch.iterdir():
            left_over.unlink()

    async def ticket(self, announced: Announced) -> Ticket:
        """Good for exactly these bytes under exactly this name: S3 refuses another size, type or digest."""
        a = announced
        await self._call("put_object", Key=note_name(a.id, a.user), Body=msgspec.json.encode(a), ContentType="application/json")
        fields = {
            "Content-Type": a.content_type,
            "x-amz-checksum-algorithm": "SHA256",
            "x-amz-checksum-sha256": base64.b64encode(bytes.fromhex(a.sha256)).decode(),
        }
        conditions = [{name: value} for name, value in fields.items()] + [["content-length-range", a.size, a.size]]
        signed = await self._engines.call(
            self._engines.signer.generate_presigned_post,
            Bucket=self._bucket,
            Key=bytes_name(a),
            Fields=fields,
            Conditions=conditions,
            ExpiresIn=self._ticket_seconds,
        )
        return Ticket(signed["url"], signed["fields"])

    async def pending(self, id: str, user: str) -> Upload | None:
        try:
            answer = await self._call("get_object", Key=note_name(id, user))
            announced = msgspec.json.decode(await self._engines.call(answer["Body"].read), type=Announced)
            return Upload(announced, await self._fetched(announced))
        except NotFound:
            return None

    async def _fetched(self, announced: Announced) -> Path:
        """The upload in a file of this machine, where it can be decoded. Raises NotFound, and InvalidInput if it is not what was
        announced: engines that are compatible with S3 do not all check it."""
        file = self._scratch / self._clock.new_id()
        answer = await self._call("get_object", Key=bytes_name(announced))
        if answer["ContentLength"] != announced.size:
            raise InvalidInput(
                f"the upload has {answer['ContentLength']} bytes, not the {announced.size} that were announced", field="size"
            )
        try:
            with file.open("wb") as out:
                while piece := await self._engines.call(answer["Body"].read, PIECE_BYTES):
                    await asyncio.to_thread(out.write, piece)
            if (digest := await asyncio.to_thread(digest_of, file)) != announced.sha256:
                raise InvalidInput(f"the upload has the digest {digest}, not the one that was announced", field="sha256")
        except BaseException:
            file.unlink(missing_ok=True)
            raise
        return file

    async def forget(self, upload: Upload) -> None:
        """Only this upload: the note stays if it speaks of a newer one by now."""
        upload.path.unlink(missing_ok=True)
        announced = upload.announced
        with suppress(NotFound):
            name = note_name(announced.id, announced.user)
            answer = await self._call("get_object", Key=name)
            note = msgspec.json.decode(await self._engines.call(answer["Body"].read), type=Announced)
            if note.sha256 == announced.sha256:
                await self._call("delete_object", Key=name)
        await self._call("delete_object", Key=bytes_name(announced))

    async def sweep(self) -> int:
        oldest = self._clock.now() - self._ticket_seconds - GRACE_SECONDS
        swept = 0
        async for found in self._listed():
            if found["LastModified"].timestamp() < oldest:
                await self._call("delete_object", Key=found["Key"])
                swept += 1
        for file in self._scratch.iterdir():
            with suppress(FileNotFoundError):
                if file.stat().st_mtime < oldest:
                    file.unlink()
        return swept

    async def _listed(self) -> AsyncIterator[Mapping[str, Any]]:
        asked: dict[str, str] = {"Prefix": PENDING}
        while True:
            page = await self._call("list_objects_v2", **asked)
            for each in page.get("Contents", []):
                yield each
            if not page.get("NextContinuationToken"):
                return
            asked = {"Prefix": PENDING, "ContinuationToken": page["NextContinuationToken"]}

    async def _call(self, operation: str, **arguments: Any) -> Any:
        return await self._engines.call(getattr(self._engines.s3, operation), Bucket=self._bucket, **arguments)


def note_name(id: str, user: str) -> str:
    """A name of its own for each pair, whatever is in it: nobody can touch another user's upload."""
    return f"{PENDING}{sha256(f'{id}/{user}'.encode()).hexdigest()}.json"


def bytes_name(announced: Announced) -> str:
    return f"{note_name(announced.id, announced.user).removesuffix('.json')}/{announced.sha256}"


class S3Links:
    """`Links` to the objects in the bucket. An address stays the same for minutes, so that browsers can keep pictures.

    Signing calls nobody: credentials are renewed by the calls that threads make all the time.
    """

    def __init__(self, engines: Engines, clock: Clock, seconds: int) -> None:
        self._engines = engines
        self._clock = clock
        self._seconds = seconds
        self._addresses: OrderedDict[tuple[str, str], tuple[float, str]] = OrderedDict()

    def address(self, digest: Digest, content_type: str) -> str:
        now = self._clock.monotonic()
        made_at, address = self._addresses.get((digest, content_type), (None, ""))
        if made_at is None or now - made_at > SAME_SECONDS:
            address = self._signed(digest, content_type)
            self._addresses[digest, content_type] = (now, address)
            self._addresses.move_to_end((digest, content_type))
            while len(self._addresses) > ADDRESSES_MAX:
                self._addresses.popitem(last=False)
        return address

    def _signed(self, digest: Digest, content_type: str) -> str:
        asked = {
            "Bucket": self._engines.config.bucket,
            "Key": f"objects/{digest}",
            "ResponseContentType": content_type,
            "ResponseCacheControl": "private, max-age=31536000, immutable",
        }
        address: str = self._engines.signer.generate_presigned_url("get_object", Params=asked, ExpiresIn=self._seconds + int(SAME_SECONDS))
        return address
