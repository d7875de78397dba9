"""Objects over HTTP: sent in by ticket, and got under signed addresses."""

from typing import Protocol

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from multiregion.api.uploads import Receives, UploadsAPI
from multiregion.objects import LocalObjects
from multiregion.stores import Digest, Links

OBJECT_HEADERS = {
    "Cache-Control": "private, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}


class CheckedLinks(Links, Protocol):
    def check(self, digest: str, content_type: str, expires: str, signature: str) -> Digest:
        """The object that an address was signed for. Raises Expired, Forbidden."""
        ...


def object_routes(uploads: Receives, links: CheckedLinks, objects: LocalObjects, file_bytes_max: int) -> list[Route]:
    """Where a region keeps its objects itself; engines take and serve them directly."""
    return [*UploadsAPI(uploads, file_bytes_max=file_bytes_max).routes(), *ObjectsAPI(objects, links).routes()]


class ObjectsAPI:
    """The objects. Needs no token: the signed address is the authority, so that `<img>` can show it."""

    def __init__(self, objects: LocalObjects, links: CheckedLinks) -> None:
        self._objects = objects
        self._links = links

    def routes(self) -> list[Route]:
        return [Route("/objects/{digest}", self.get_object, methods=["GET"])]

    async def get_object(self, request: Request) -> Response:
        query = request.query_params
        content_type = query.get("type", "")
        digest = self._links.check(request.path_params["digest"], content_type, query.get("expires", ""), query.get("signature", ""))
        headers = {**OBJECT_HEADERS, "ETag": f'"{digest}"'}
        if request.headers.get("if-none-match") == headers["ETag"] and await self._objects.has(digest):
            return Response(status_code=304, headers=headers)
        found = await self._objects.file(digest)
        return FileResponse(found.path, headers=headers, media_type=content_type, stat_result=found.stat)
