"""The application API: photos and comments. Handlers parse, call and answer; nothing else."""

import re
from typing import Any, TypedDict

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from multiregion import JSON, Caller, Region, read_json
from multiregion.errors import InvalidInput
from multiregion.gallery.comments import Comments, NewComment
from multiregion.gallery.photos import NewPhoto, Offer, Photos

LIMIT_DEFAULT, LIMIT_MAX = 50, 100
NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)


class PageWanted(TypedDict):
    after: str
    limit: int


def routes(region: Region, photos: Photos, comments: Comments) -> list[Route]:
    return [*CommentsAPI(comments, region).routes(), *PhotosAPI(photos, region).routes()]


class CommentsAPI:
    def __init__(self, comments: Comments, region: Region) -> None:
        self._comments = comments
        self._region = region

    def routes(self) -> list[Route]:
        return [
            Route("/comments/{photo_id}", self.list_comments, methods=["GET"]),
            Route("/comments/{photo_id}", self.add_comment, methods=["POST"]),
        ]

    async def list_comments(self, request: Request) -> Response:
        await caller_of(self._region, request)
        return JSON(await self._comments.page(request.path_params["photo_id"], **page_wanted(request)))

    async def add_comment(self, request: Request) -> Response:
        caller = await caller_of(self._region, request)
        epoch = self._region.asked_epoch()
        new = await read_json(request, NewComment)
        return JSON(await self._comments.add(request.path_params["photo_id"], new, caller.user, epoch), 201)


class PhotosAPI:
    def __init__(self, photos: Photos, region: Region) -> None:
        self._photos = photos
        self._region = region

    def routes(self) -> list[Route]:
        return [
            Route("/photos", self.list_photos, methods=["GET"]),
            Route("/photos", self.start_photo, methods=["POST"]),
            Route("/photos/{photo_id}/commit", self.commit_photo, methods=["POST"]),
            Route("/photos/{photo_id}", self.delete_photo, methods=["DELETE"]),
        ]

    async def list_photos(self, request: Request) -> Response:
        await caller_of(self._region, request)
        return JSON(await self._photos.page(**page_wanted(request)))

    async def start_photo(self, request: Request) -> Response:
        caller = await caller_of(self._region, request)
        epoch = self._region.asked_epoch()
        new = await read_json(request, NewPhoto)
        found = await self._photos.announce(new, caller.user, epoch)
        return JSON(offer(found), 201) if isinstance(found, Offer) else JSON(found, 200)

    async def commit_photo(self, request: Request) -> Response:
        caller = await caller_of(self._region, request)
        return JSON(await self._photos.commit(request.path_params["photo_id"], caller.user, self._region.asked_epoch()), 201)

    async def delete_photo(self, request: Request) -> Response:
        caller = await caller_of(self._region, request)
        epoch = self._region.asked_epoch()
        await self._photos.delete(request.path_params["photo_id"], caller.user, operator=caller.is_operator, epoch=epoch)
        return Response(status_code=204, headers={"Cache-Control": "no-store"})


async def caller_of(region: Region, request: Request) -> Caller:
    return await region.caller(request.headers.get("authorization", ""))


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
