"""Photos: announced, uploaded by ticket, verified and made anew, then visible by one fenced commit; listed, deleted."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from multiregion import Announced, Digest, Key, Region, Ticket, Upload, Write, iso
from multiregion.errors import Conflict, Fenced, Forbidden, InvalidInput, StaleEpoch, TooLarge, UnknownUpload, UnsupportedMedia
from multiregion.gallery.comments import PHOTOS, unknown_photo
from multiregion.gallery.deletion import Deletion
from multiregion.gallery.fields import ID, Colour, Id, Sha256, Size, checked_text
from multiregion.gallery.jobs import HEIC, HEIC_TYPES, THUMBNAIL_TYPE, TYPES, Job
from multiregion.gallery.settings import gallery_settings
from multiregion.gallery.workers import PictureWorkers


class Thumbnail(msgspec.Struct, frozen=True, rename="camel"):
    content_type: str
    size: Size
    sha256: Sha256


class NewPhoto(msgspec.Struct, frozen=True, rename="camel"):
    """What a client says of a photo. Width, height, colour and thumbnail are taken for compatibility and not trusted:
    they are made here."""

    content_type: str
    size: Size
    sha256: Sha256
    caption: str = ""
    photo_id: Id | msgspec.UnsetType = msgspec.UNSET
    width: Size | msgspec.UnsetType = msgspec.UNSET
    height: Size | msgspec.UnsetType = msgspec.UNSET
    colour: Colour | msgspec.UnsetType = msgspec.UNSET
    thumbnail: Thumbnail | msgspec.UnsetType = msgspec.UNSET


class Photo(msgspec.Struct, frozen=True, rename="camel"):
    """`content_type`, `size` and `sha256` describe what is served, `upload_sha256` what was uploaded."""

    photo_id: str
    user: str
    caption: str
    content_type: str
    size: int
    sha256: Digest
    upload_sha256: Digest
    width: int
    height: int
    colour: str
    created_at: str


class StoredPhoto(Photo, frozen=True, rename="camel"):
    thumbnail: Digest


class ShownPhoto(Photo, frozen=True, rename="camel"):
    url: str
    thumbnail_url: str


class Page(msgspec.Struct, frozen=True):
    photos: list[ShownPhoto]
    next: str | None


@dataclass(frozen=True, slots=True)
class Offer:
    """Leave to upload a photo under this id."""

    photo_id: str
    ticket: Ticket


class Photos:
    def __init__(self, region: Region) -> None:
        self._region = region
        self._uploads = region.uploads
        self._links = region.links
        self._clock = region.clock
        self._settings = gallery_settings(region.settings)
        self._workers = PictureWorkers(self._settings.photo_pixels_max)
        self._deletion = Deletion(region)

    async def close(self) -> None:
        await self._workers.close()

    async def page(self, *, after: str, limit: int) -> Page:
        found = await self._region.list(PHOTOS, after=after, limit=limit, newest_first=True)
        return Page([self._shown(msgspec.json.decode(record.value, type=StoredPhoto)) for record in found], found.next)

    async def announce(self, new: NewPhoto, user: str, epoch: int | None) -> ShownPhoto | Offer:
        """A ticket, or the photo itself if the same user has committed the same upload under this id before."""
        announced = self._checked(new, user)
        if found := await self._found(announced.id):
            if (found.user, found.upload_sha256) != (user, announced.sha256):
                raise Conflict(f"the photo {found.photo_id} exists with another owner or content", field="photoId")
            await self._confirm(found.photo_id)
            return self._shown(found)
        await self._refuse_early(epoch)
        return Offer(announced.id, await self._uploads.ticket(announced))

    async def commit(self, photo_id: str, user: str, epoch: int | None) -> ShownPhoto:
        """Make an uploaded photo visible. Idempotent: once committed, it answers the photo in every state. An upload that can never
        become a photo is removed at once; whoever commits it again is told that nothing is uploaded."""
        upload = await self._uploads.pending(photo_id, user) if ID.fullmatch(photo_id) else None
        try:
            photo = await self._committed(photo_id, user, upload, epoch)
        except (InvalidInput, Conflict):
            if upload:
                await self._uploads.forget(upload)
            raise
        if upload:
            await self._uploads.forget(upload)
        return self._shown(photo)

    async def _committed(self, photo_id: str, user: str, upload: Upload | None, epoch: int | None) -> StoredPhoto:
        if found := await self._found(photo_id):
            owned(found, user)
            await self._confirm(photo_id)
            return found
        if upload is None:
            detail = f"nothing is uploaded for the photo {photo_id}, or it was refused; ask for a ticket and upload it first"
            raise UnknownUpload(detail, field="photoId")
        await self._refuse_early(epoch)
        photo = await self._made_or_found(upload, user)
        try:
            await self._add(photo, epoch)
        except Conflict as conflict:
            photo = await self._original(photo, conflict)
        return photo

    async def _made_or_found(self, upload: Upload, user: str) -> StoredPhoto:
        """A request beside this one may have committed the photo, and taken the upload away, since this one looked."""
        try:
            return await self._made(upload)
        except UnknownUpload:
            if found := await self._found(upload.announced.id):
                return owned(found, user)
            raise

    async def delete(self, photo_id: str, user: str, *, operator: bool, epoch: int | None) -> None:
        found = await self._found(photo_id)
        if found is None:
            await self._confirm(photo_id)
            raise unknown_photo(photo_id)
        if not operator and found.user != user:
            raise Forbidden("only its owner or an operator may delete a photo", field="photoId")
        await self._deletion.delete(photo_id, user, epoch)

    def _checked(self, new: NewPhoto, user: str) -> Announced:
        settings = self._settings
        if new.content_type not in TYPES:
            detail = HEIC if new.content_type in HEIC_TYPES else f"contentType must be one of {', '.join(TYPES)}"
            raise UnsupportedMedia(detail, field="contentType")
        if new.size > settings.upload_bytes_max:
            limit = settings.upload_bytes_max
            raise TooLarge(f"the photo has {new.size} bytes; at most {limit} are taken", field="size", limit=limit)
        caption = checked_text("caption", new.caption, settings.caption_characters_max)
        return Announced(new.photo_id or self._clock.new_id(), user, new.content_type, new.size, Digest(new.sha256), caption)

    async def _refuse_early(self, epoch: int | None) -> None:
        """Spare the client an upload, and this region a decoding, that would be refused in the end. The commit is the guard."""
        state = await self._region.state()
        if epoch is not None and epoch != state.epoch:
            raise StaleEpoch(f"decided at epoch {epoch}, but the epoch is {state.epoch} by now", state=state)
        if state.writer is not self._region.role:
            raise Fenced(f"the {self._region.role} region does not accept writes: the application is {state.state}", state=state)

    async def _made(self, upload: Upload) -> StoredPhoto:
        """Verify the upload, and make photo and thumbnail of it, durable before any record names them."""
        objects, announced = self._region.objects, upload.announced
        photo, thumbnail = objects.draft(), objects.draft()
        try:
            job = Job(str(upload.path), announced.content_type, str(photo), str(thumbnail), self._settings.photo_pixels_max)
            picture = await self._workers.render(job)
            size = photo.stat().st_size
            digest, thumbnail_digest = await asyncio.gather(objects.keep(photo), objects.keep(thumbnail))
        finally:
            remove(photo, thumbnail)
        return StoredPhoto(
            photo_id=announced.id,
            user=announced.user,
            caption=announced.note,
            content_type=announced.content_type,
            size=size,
            sha256=digest,
            upload_sha256=announced.sha256,
            width=picture.width,
            height=picture.height,
            colour=picture.colour,
            created_at=iso(self._clock.now()),
            thumbnail=thumbnail_digest,
        )

    async def _add(self, photo: StoredPhoto, epoch: int | None) -> None:
        key, needs = Key(PHOTOS, photo.photo_id), (photo.sha256, photo.thumbnail)
        write = Write(key, msgspec.json.encode(photo), photo.created_at, needs=needs, absent=True)
        await self._region.commit([write], epoch=epoch, actor=photo.user)

    async def _original(self, photo: StoredPhoto, conflict: Conflict) -> StoredPhoto:
        """The same photo, committed a moment ago by a request that ran beside this one."""
        found = await self._found(photo.photo_id)
        if found is None:
            raise Conflict(f"the photo {photo.photo_id} was deleted; upload it under another id", field="photoId") from conflict
        if found.upload_sha256 != photo.upload_sha256:
            raise Conflict(f"the photo {photo.photo_id} exists with other content", field="photoId") from conflict
        return owned(found, photo.user)

    async def _found(self, photo_id: str) -> StoredPhoto | None:
        record = await self._region.get(PHOTOS, photo_id)
        return msgspec.json.decode(record.value, type=StoredPhoto) if record else None

    async def _confirm(self, photo_id: str) -> None:
        """Before it is said again that a photo is there, or is gone: as durable as the first answer promised."""
        version = await self._region.version(PHOTOS, photo_id)
        if version is not None:
            await self._region.confirm(version)

    def _shown(self, photo: StoredPhoto) -> ShownPhoto:
        public = {name: getattr(photo, name) for name in Photo.__struct_fields__}
        return ShownPhoto(
            **public,
            url=self._links.address(photo.sha256, photo.content_type),
            thumbnail_url=self._links.address(photo.thumbnail, THUMBNAIL_TYPE),
        )


def owned(photo: StoredPhoto, user: str) -> StoredPhoto:
    if photo.user != user:
        raise Conflict(f"the photo {photo.photo_id} belongs to somebody else", field="photoId")
    return photo


def remove(*drafts: Path) -> None:
    for draft in drafts:
        with suppress(OSError):  # a disk that is read-only refuses to remove what is not there
            draft.unlink(missing_ok=True)
