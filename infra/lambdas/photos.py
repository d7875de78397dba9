"""Photos: announced, uploaded to S3 under a signed ticket, checked, then visible by one fenced commit; listed, deleted."""

import base64
import hashlib
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.lambdas.calls import Call, given, matched, text, whole
from infra.lambdas.comments import unknown_photo
from infra.lambdas.items import typed
from infra.lambdas.pictures import measure
from infra.lambdas.problems import Problem, invalid
from infra.lambdas.shared import CAPTION_MAX, COLOUR, DIGEST, ID, LINK_SECONDS, PHOTO_BYTES_MAX, TICKET_SECONDS, TYPES
from infra.lambdas.store import ABSENT, BATCH, DELETIONS, HEAD, PENDING, PHOTOS, Store, Taken, delete, now, put

HEADER_BYTES, PENDING_SECONDS = 262_144, 3_600
SHOWN = ("photoId", "user", "caption", "contentType", "size", "sha256", "uploadSha256", "width", "height", "colour", "createdAt")


class Photos:
    def __init__(self, store: Store, environment: Any) -> None:
        self.store = store
        self.bucket = environment["BUCKET"]
        style = Config(signature_version="s3v4", s3={"addressing_style": "virtual"}, connect_timeout=2, read_timeout=10)
        endpoint = environment.get("AWS_ENDPOINT_URL") or f"https://s3.{store.region}.amazonaws.com"
        self.s3 = boto3.client("s3", region_name=store.region, endpoint_url=endpoint, config=style)
        self.here: set[str] = set()

    def list_photos(self, call: "Call") -> Any:
        limit, after = call.page()
        start = {"ExclusiveStartKey": typed({"photoId": PHOTOS, "commentId": after})} if after else {}
        found = self.store.query(PHOTOS, ScanIndexForward=False, Limit=limit + 1, **start)
        page = found[:limit]
        following = page[-1]["commentId"] if len(found) > limit else None
        with ThreadPoolExecutor(16) as threads:
            arrived = list(threads.map(self.has_bytes, page))
        return 200, {"photos": [self.shown(photo) for photo, here in zip(page, arrived, strict=True) if here], "next": following}

    def has_bytes(self, photo: Any) -> bool:
        """A record of the other region may come before the bytes that it names; it is shown when they are here."""
        key = photo["key"]
        if photo["region"] != self.store.region and key not in self.here:
            if self.head(key) is None or (photo["thumbnail"] != key and self.head(photo["thumbnail"]) is None):
                return False
            self.here.add(key)
        return True

    def announce(self, call: "Call") -> Any:
        """A ticket, or the photo itself if the same user has committed the same upload under this id before."""
        pending = announced(call)
        photo = self.found(pending["id"])
        if photo:
            if (photo["user"], photo["uploadSha256"]) != (call.user, pending["sha256"]):
                raise Problem(409, "conflict", f"the photo {pending['id']} exists with another owner or content", field="photoId")
            return 200, self.shown(photo)
        self.store.commit([put(pending)], call.epoch)
        offer = {"photoId": pending["id"], "upload": self.ticket(pending, pending_key(call.user, pending["id"]))}
        if thumbnail := pending.get("thumbnail"):
            offer["thumbnailUpload"] = self.ticket(thumbnail, pending_key(call.user, pending["id"], "/thumbnail"))
        return 201, offer

    def ticket(self, promised: Any, key: str) -> Any:
        """Leave to post exactly the promised bytes to this key, for a minute."""
        fields = {
            "Content-Type": promised["contentType"],
            "x-amz-checksum-sha256": base64.b64encode(bytes.fromhex(promised["sha256"])).decode(),
        }
        size = promised["size"]
        conditions = [{name: value} for name, value in fields.items()] + [["content-length-range", size, size]]
        post: Any = self.s3.generate_presigned_post(self.bucket, key, fields, conditions, TICKET_SECONDS)
        return post

    def commit_photo(self, call: "Call", photo_id: str) -> Any:
        """Make an uploaded photo visible. Idempotent: once committed, it answers the photo in every state."""
        pending = self.store.get(PENDING, pending_id(call.user, photo_id))
        if photo := self.found(photo_id):
            return 201, self.shown(owned(photo, call.user))
        if not pending:
            raise unknown_upload(photo_id)
        self.store.admit(call.epoch)
        photo = self.made(pending, call.user)
        listing = {**photo, "photoId": PHOTOS, "commentId": f"{photo['createdAt']}~{photo_id}", "id": photo_id}
        writes = [put({**photo, "commentId": HEAD, "order": "0"}, ABSENT), put(listing), delete(PENDING, pending["commentId"])]
        try:
            self.store.commit(writes, call.epoch)
        except Taken as taken:
            photo = self.same(photo, taken.stored)
        self.forget(call.user, photo_id)
        return 201, self.shown(photo)

    def made(self, pending: Any, user: str) -> Any:
        """Check what was uploaded, and copy it to where it stays, before any record names it."""
        id, thumbnail = pending["id"], pending.get("thumbnail")
        pending_photo, key = pending_key(user, id), f"photos/{id}/{pending['sha256']}"
        self.check(pending, pending_photo)
        begin = self.s3.get_object(Bucket=self.bucket, Key=pending_photo, Range=f"bytes=0-{HEADER_BYTES - 1}")["Body"].read()
        width, height = measure(pending["contentType"], begin)
        self.keep(pending_photo, key)
        small = key
        if thumbnail:
            self.check({**thumbnail, "id": id}, pending_key(user, id, "/thumbnail"))
            small = f"photos/{id}/{thumbnail['sha256']}"
            self.keep(pending_key(user, id, "/thumbnail"), small)
        told = {name: pending[name] for name in ("caption", "contentType", "size", "sha256", "colour")}
        kept = {"photoId": id, "user": user, **told, "uploadSha256": pending["sha256"], "width": width, "height": height}
        return {**kept, "createdAt": now(), "key": key, "thumbnail": small}

    def check(self, promised: Any, key: str) -> None:
        found = self.head(key)
        digest = base64.b64encode(bytes.fromhex(promised["sha256"])).decode()
        if found is None or (found["ContentLength"], found.get("ChecksumSHA256")) != (promised["size"], digest):
            raise unknown_upload(promised["id"])

    def head(self, key: str) -> Any:
        try:
            return self.s3.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise

    def keep(self, source: str, key: str) -> None:
        where = {"Bucket": self.bucket, "Key": key, "CopySource": {"Bucket": self.bucket, "Key": source}}
        self.s3.copy_object(**where, ChecksumAlgorithm="SHA256")

    def forget(self, user: str, photo_id: str) -> None:
        keys = [{"Key": pending_key(user, photo_id, name)} for name in ("", "/thumbnail")]
        self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": keys, "Quiet": True})

    def same(self, photo: Any, stored: Any) -> Any:
        """The same photo, committed a moment ago by a request beside this one."""
        if not stored or stored.get("deleted"):
            raise Problem(409, "conflict", f"the photo {photo['photoId']} was deleted; upload it under another id", field="photoId")
        if stored["uploadSha256"] != photo["uploadSha256"]:
            raise Problem(409, "conflict", f"the photo {photo['photoId']} exists with other content", field="photoId")
        return owned(stored, photo["user"])

    def delete_photo(self, call: "Call", photo_id: str) -> Any:
        photo = self.found(photo_id)
        if photo is None:
            raise unknown_photo(photo_id)
        if photo["user"] != call.user and "operators" not in call.groups:
            raise Problem(403, "forbidden", "only its owner or an operator may delete a photo", field="photoId")
        gone = {"photoId": photo_id, "commentId": HEAD, "order": "0", "deleted": True}
        note = {"photoId": DELETIONS, "commentId": photo_id}
        listing = delete(PHOTOS, f"{photo['createdAt']}~{photo_id}")
        try:
            self.store.commit([put(gone, "attribute_exists(photoId) AND attribute_not_exists(deleted)"), listing, put(note)], call.epoch)
        except Taken as taken:
            raise unknown_photo(photo_id) from taken
        try:
            self.finish(photo_id)
        except (Problem, ClientError, BotoCoreError) as error:
            print(f"the rest of the photo {photo_id} waits for the sweep: {error}")
        return 204, None

    def finish(self, photo_id: str) -> None:
        """Remove the comments and the bytes of a photo that is gone. Ends, because none can be added."""
        while comments := [each for each in self.store.query(photo_id, Limit=BATCH) if each["commentId"] != HEAD]:
            self.store.commit([delete(photo_id, each["commentId"]) for each in comments], None)
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=f"photos/{photo_id}/").get("Contents", [])
        if found:
            self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": each["Key"]} for each in found], "Quiet": True})
        self.store.commit([delete(DELETIONS, photo_id)], None)

    def sweep(self) -> int:
        """Finish the deletions that were cut off, if this region is the writer."""
        if self.store.document(self.store.state())["writer"] != self.store.region:
            return 0
        notes = self.store.query(DELETIONS, Limit=BATCH)
        for note in notes:
            self.finish(note["commentId"])
        return len(notes)

    def found(self, photo_id: str) -> Any:
        photo = self.store.get(photo_id, HEAD)
        return None if photo.get("deleted") else photo or None

    def shown(self, photo: Any) -> Any:
        visible = {name: photo[name] for name in SHOWN} | {"photoId": photo.get("id", photo["photoId"])}
        return {**visible, "url": self.link(photo["key"]), "thumbnailUrl": self.link(photo["thumbnail"])}

    def link(self, key: str) -> Any:
        headers = {"ResponseCacheControl": "private, max-age=31536000, immutable"}
        return self.s3.generate_presigned_url("get_object", {"Bucket": self.bucket, "Key": key, **headers}, LINK_SECONDS)


def promised(body: Any, inside: str = "") -> Any:
    """What a client says of bytes that it wants to upload."""
    content_type = given(body, "contentType", inside)
    if not isinstance(content_type, str):
        raise invalid(f"{inside}contentType", f"{inside}contentType must be a string")
    if content_type not in TYPES:
        hint = "; export the photograph as JPEG" if content_type in ("image/heic", "image/heif") else ""
        raise Problem(415, "unsupported_media", f"contentType must be one of {', '.join(TYPES)}{hint}", field=f"{inside}contentType")
    size, digest = whole(body, "size", required=True, inside=inside), matched(body, "sha256", DIGEST, required=True, inside=inside)
    if size > PHOTO_BYTES_MAX:
        detail = f"the photo has {size} bytes; at most {PHOTO_BYTES_MAX} are taken"
        raise Problem(413, "too_large", detail, field=f"{inside}size", limit=PHOTO_BYTES_MAX)
    return {"contentType": content_type, "size": size, "sha256": digest}


def announced(call: Call) -> Any:
    """What is kept of an announcement until the upload is committed, or for an hour. Width and height are measured later."""
    body = call.body
    id = matched(body, "photoId", ID) or str(uuid.uuid4())
    told = {**promised(body), "caption": text(body, "caption", CAPTION_MAX, ""), "colour": matched(body, "colour", COLOUR) or "#808080"}
    whole(body, "width"), whole(body, "height")
    if "thumbnail" in body:
        if not isinstance(body["thumbnail"], dict):
            raise invalid("thumbnail", "thumbnail must be an object")
        told["thumbnail"] = promised(body["thumbnail"], "thumbnail.")
    key = {"photoId": PENDING, "commentId": pending_id(call.user, id), "id": id}
    return {**key, **told, "expires": int(time.time()) + PENDING_SECONDS}


def pending_id(user: str, photo_id: str) -> str:
    return f"{hashlib.sha256(user.encode()).hexdigest()[:32]}/{photo_id}"


def pending_key(user: str, photo_id: str, name: str = "") -> str:
    return f"pending/{pending_id(user, photo_id)}{name}"


def owned(photo: Any, user: str) -> Any:
    if photo["user"] != user:
        raise Problem(409, "conflict", f"the photo {photo['photoId']} belongs to somebody else", field="photoId")
    return photo


def unknown_upload(photo_id: str) -> Problem:
    detail = f"what was announced is not uploaded for the photo {photo_id}; ask for a ticket and upload it first"
    return Problem(404, "unknown_upload", detail, field="photoId")
