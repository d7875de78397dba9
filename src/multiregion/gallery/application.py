"""The guide's photo-sharing application, on the same public names as any other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any

import msgspec
from starlette.routing import Router

from multiregion import Application, Kind, Region
from multiregion.gallery.comments import COMMENTS, PHOTOS, Comments
from multiregion.gallery.deletion import NOTES, Deletion
from multiregion.gallery.drill import GalleryDrill
from multiregion.gallery.handlers import routes
from multiregion.gallery.photos import Photos
from multiregion.gallery.settings import GallerySettings, limits


def build(region: Region) -> Router:
    photos = Photos(region)

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        yield
        await photos.close()

    return Router(routes(region, photos, Comments(region)), lifespan=lifespan, redirect_slashes=False)


async def sweep(region: Region) -> None:
    await Deletion(region).sweep()


def caption(value: bytes) -> str:
    return text(value, "caption")


def message(value: bytes) -> str:
    return text(value, "message")


def text(value: bytes, field: str) -> str:
    return str(msgspec.json.decode(value, type=dict[str, Any]).get(field, ""))


def openapi() -> dict[str, Any]:
    described: dict[str, Any] = msgspec.json.decode(files("multiregion.gallery").joinpath("openapi.json").read_bytes())
    return described


app = Application(
    build,
    kinds={PHOTOS: Kind(title=caption), COMMENTS: Kind(title=message), NOTES: Kind(counted=False)},
    sweep=sweep,
    uploads=PHOTOS,
    openapi=openapi,
    settings=GallerySettings,
    limits=limits,
    drill=GalleryDrill,
)
