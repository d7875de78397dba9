"""The application API: photos, comments, uploads, and the pictures themselves. Handlers parse, call and answer; nothing else."""

import re
from typing import Any, Protocol, TypedDict

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from multiregion.accounts import Caller
from multiregion.api.problems import JSON, read_json
from multiregion.api.uploads import UploadsAPI
from multiregion.config import Settings
from multiregion.embedded.links import SignedLinks
from multiregion.embedded.pending import PendingUploads
from multiregion.errors import InvalidInput
from multiregion.objects import LocalObjects
from multiregion.photos.comments import Comments, NewComment
from multiregion.photos.gallery import NewPhoto, Offer, Photos

LIMIT_DEFAULT, LIMIT_MAX = 50, 100
NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)
PICTURE_HEADERS = {
    "Cache-Control": "private, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}


class PageWanted(TypedDict):
    after: str
    limit: int


class Authenticates(Protocol):
    async def caller(self, request: Request) -> Caller: ...


def routes(
    photos: Photos,
    comments: Comments,
    authenticate: Authenticates,
    settings: Settings,
    *,
    uploads: PendingUploads,
    links: SignedLinks,
    objects: LocalObjects,
) -> list[Route]:
    return [
        *record_routes(photos, comments, authenticate),
        *UploadsAPI(uploads, file_bytes_max=settings.photo_bytes_max).routes(),
        *ObjectsAPI(objects, links).routes(),
    ]


def record_routes(photos: Photos, comments: Comments, authenticate: Authenticates) -> list[Route]:
    """All that is needed where browsers send pictures to the object store, and get them there."""
    return [*CommentsAPI(comments, authenticate).routes(), *PhotosAPI(photos, authenticate).routes()]


class CommentsAPI:
    def __init__(self, comments: Comments, authenticate: Authenticates) -> None:
        self._comments = comments
        self._authenticate = authenticate

    def routes(self) -> list[Route]:
        return [
            Route("/comments/{photo_id}", self.list_comments, methods=["GET"]),
            Route("/comments/{photo_id}", self.add_comment, methods=["POST"]),
        ]

    async def list_comments(self, request: Request) -> Response:
        await self._authenticate.caller(request)
        return JSON(await self._comments.page(request.path_params["photo_id"], **page_wanted(request)))

    async def add_comment(self, request: Request) -> Response:
        caller = await self._authenticate.caller(request)
        epoch = decided_epoch(request)
        new = await read_json(request, NewComment)
        return JSON(await self._comments.add(request.path_params["photo_id"], new, caller.user, epoch), 201)


class PhotosAPI:
    def __init__(self, photos: Photos, authenticate: Authenticates) -> None:
        self._photos = photos
        self._authenticate = authenticate

    def routes(self) -> list[Route]:
        return [
            Route("/photos", self.list_photos, methods=["GET"]),
            Route("/photos", self.start_photo, methods=["POST"]),
            Route("/photos/{photo_id}/commit", self.commit_photo, methods=["POST"]),
            Route("/photos/{photo_id}", self.delete_photo, methods=["DELETE"]),
        ]

    async def list_photos(self, request: Request) -> Response:
        await self._authenticate.caller(request)
        return JSON(await self._photos.page(**page_wanted(request)))

    async def start_photo(self, request: Request) -> Response:
        caller = await self._authenticate.caller(request)
        epoch = decided_epoch(request)
        new = await read_json(request, NewPhoto)
        found = await self._photos.announce(new, caller.user, epoch)
        return JSON(offer(found), 201) if isinstance(found, Offer) else JSON(found, 200)

    async def commit_photo(self, request: Request) -> Response:
        caller = await self._authenticate.caller(request)
        return JSON(await self._photos.commit(request.path_params["photo_id"], caller.user, decided_epoch(request)), 201)

    async def delete_photo(self, request: Request) -> Response:
        caller = await self._authenticate.caller(request)
        epoch = decided_epoch(request)
        await self._photos.delete(request.path_params["photo_id"], caller.user, operator=caller.is_operator, epoch=epoch)
        return Response(status_code=204, headers={"Cache-Control": "no-store"})


class ObjectsAPI:
    """The pictures. Needs no token: the signed address is the authority, so that `<img>` can show it."""

    def __init__(self, objects: LocalObjects, links: SignedLinks) -> None:
        self._objects = objects
        self._links = links

    def routes(self) -> list[Route]:
        return [Route("/objects/{digest}", self.get_object, methods=["GET"])]

    async def get_object(self, request: Request) -> Response:
        query = request.query_params
        content_type = query.get("type", "")
        digest = self._links.check(request.path_params["digest"], content_type, query.get("expires", ""), query.get("signature", ""))
        headers = {**PICTURE_HEADERS, "ETag": f'"{digest}"'}
        if request.headers.get("if-none-match") == headers["ETag"] and await self._objects.has(digest):
            return Response(status_code=304, headers=headers)
        found = await self._objects.file(digest)
        return FileResponse(found.path, headers=headers, media_type=content_type, stat_result=found.stat)


def offer(offered: Offer) -> dict[str, Any]:
    return {"photoId": offered.photo_id, "upload": {"url": offered.ticket.url, "fields": offered.ticket.fields}}


def page_wanted(request: Request) -> PageWanted:
    if not request.scope["query_string"]:
        return {"after": "", "limit": LIMIT_DEFAULT}
    query = request.query_params
    text = query.get("limit", str(LIMIT_DEFAULT))
    if NUMBER.fullmatch(text) and 1 <= int(text) <= LIMIT_MAX:
        return {"after": query.get("after", ""), "limit": int(text)}
    raise InvalidInput(f"limit must be a whole number from 1 to {LIMIT_MAX}", field="limit", limit=LIMIT_MAX)


def decided_epoch(request: Request) -> int | None:
    """The epoch that the client says it decided under."""
    text = request.headers.get("multiregion-epoch")
    if text is None:
        return None
    if NUMBER.fullmatch(text):
        return int(text)
    raise InvalidInput("Multiregion-Epoch must be a whole number", field="Multiregion-Epoch")
