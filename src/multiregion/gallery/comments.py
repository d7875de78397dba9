"""Comments on photos: each one a record beside its photo's, fenced with it, and gone when it is gone."""

import msgspec

from multiregion import Key, Region, Write, iso
from multiregion.errors import Conflict, InvalidInput, NotFound, Refused
from multiregion.gallery.fields import Id, checked_text
from multiregion.gallery.settings import gallery_settings

PHOTOS, COMMENTS = "photos", "comments/"


class NewComment(msgspec.Struct, frozen=True, rename="camel"):
    """What a client sends. The author is never among it."""

    message: str
    comment_id: Id | msgspec.UnsetType = msgspec.UNSET


class Comment(msgspec.Struct, frozen=True, rename="camel"):
    comment_id: str
    photo_id: str
    user: str
    message: str
    created_at: str


class Page(msgspec.Struct, frozen=True):
    """One page of a photo's comments, oldest first, as they are stored: they were checked when they were written."""

    comments: list[msgspec.Raw]
    next: str | None


def partition(photo_id: str) -> str:
    return f"{COMMENTS}{photo_id}"


class UnknownPhoto(NotFound):
    code, title = "unknown_photo", "No such photo"


def unknown_photo(photo_id: str) -> UnknownPhoto:
    return UnknownPhoto(f"there is no photo {photo_id}", field="photoId")


class Comments:
    def __init__(self, region: Region) -> None:
        self._region = region
        self._clock = region.clock
        self._characters_max = gallery_settings(region.settings).comment_characters_max

    async def page(self, photo_id: str, *, after: str, limit: int) -> Page:
        if await self._region.get(PHOTOS, photo_id) is None:
            raise unknown_photo(photo_id)
        found = await self._region.list(partition(photo_id), after=after, limit=limit)
        return Page([msgspec.Raw(record.value) for record in found], found.next)

    async def add(self, photo_id: str, new: NewComment, user: str, epoch: int | None) -> Comment:
        """Idempotent if the client gives the id: repeated with the same author and message, it answers the original."""
        if not new.message.strip():
            raise InvalidInput("message is empty", field="message")
        message = checked_text("message", new.message, self._characters_max)
        comment = Comment(new.comment_id or self._clock.new_id(), photo_id, user, message, iso(self._clock.now()))
        key = Key(partition(photo_id), comment.comment_id)
        write = Write(key, msgspec.json.encode(comment), comment.created_at, requires=(Key(PHOTOS, photo_id),), absent=True)
        try:
            await self._region.commit([write], epoch=epoch, actor=user)
        except NotFound as missing:
            raise unknown_photo(photo_id) from missing
        except (Conflict, Refused) as refusal:
            return await self._original(key, comment, refusal)
        return comment

    async def _original(self, key: Key, repeated: Comment, refusal: Conflict | Refused) -> Comment:
        """The comment that was written before under this id: a lost answer may be asked for again in every state.
        Raises the refusal if there is none, and Conflict if it is another one."""
        record = await self._region.get(key.partition, key.id)
        if record is None and isinstance(refusal, Conflict):
            raise Conflict(f"the comment {key.id} was deleted", field="commentId") from refusal
        if record is None:
            raise refusal
        original = msgspec.json.decode(record.value, type=Comment)
        if (original.user, original.message) != (repeated.user, repeated.message):
            raise Conflict(f"the comment {key.id} exists with another author or text", field="commentId") from refusal
        await self._region.confirm(record.version)
        return original
