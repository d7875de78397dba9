"""A region's application API on a real socket, over real stores, with users who are signed in."""

import asyncio
import hashlib
import io
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from PIL import Image
from starlette.routing import Router

from multiregion.api.applied import Applied
from multiregion.api.asgi import application
from multiregion.api.authentication import Authenticate
from multiregion.api.documents import StateDocuments
from multiregion.api.objects import object_routes
from multiregion.api.routing import RoutingAPI, StateNews
from multiregion.application import Region
from multiregion.config import Settings
from multiregion.embedded.links import SignedLinks
from multiregion.embedded.objects import FileObjects
from multiregion.embedded.pending import PendingUploads
from multiregion.gallery.application import app
from multiregion.gallery.comments import Comments
from multiregion.gallery.deletion import NOTES
from multiregion.gallery.handlers import routes
from multiregion.gallery.photos import Photos
from multiregion.region import Region as Data
from multiregion.states import Role, State
from multiregion.stores import Digest, Head
from multiregion.sweep import sweep
from tests.identity_world import DEPLOYMENT, Pool, World

OPERATOR = {"Authorization": f"Bearer {DEPLOYMENT.operator_token}"}


def picture(format: str = "JPEG", size: tuple[int, int] = (64, 48), colour: Any = (200, 40, 40), mode: str = "RGB", **saving: Any) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, format, **saving)
    return file.getvalue()


def announcement(data: bytes, **changes: Any) -> dict[str, Any]:
    said = {"contentType": "image/jpeg", "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "caption": "A red field"}
    return {**said, **changes}


@dataclass(kw_only=True)
class Visitor:
    """Whoever uses a region's API over HTTP, signed in as one of its users."""

    url: str
    tokens: dict[str, str] = field(default_factory=dict)
    http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(trust_env=False, timeout=30))

    def headers(self, user: str | None) -> dict[str, str]:
        if user is None:
            return {}
        return OPERATOR if user == "operator" else {"Authorization": self.tokens[user]}

    async def call(self, method: str, path: str, user: str | None = "ada", **more: Any) -> httpx.Response:
        headers = {**self.headers(user), **more.pop("headers", {})}
        return await self.http.request(method, self.url + path, headers=headers, **more)

    async def announce(self, data: bytes, user: str = "ada", **changes: Any) -> httpx.Response:
        return await self.call("POST", "/photos", user, json=announcement(data, **changes))

    async def send(self, ticket: Mapping[str, Any], data: bytes, **changes: str) -> httpx.Response:
        fields = {**ticket["upload"]["fields"], **changes}
        return await self.http.post(ticket["upload"]["url"], data=fields, files={"file": ("x.jpg", data, "image/jpeg")})

    async def upload(self, data: bytes, user: str = "ada", **changes: Any) -> str:
        """Announced and uploaded, not committed. Returns the photo's id."""
        announced = await self.announce(data, user, **changes)
        assert announced.status_code == 201, announced.text
        sent = await self.send(announced.json(), data)
        assert (sent.status_code, sent.content) == (204, b""), sent.text
        return str(announced.json()["photoId"])

    async def commit(self, photo_id: str, user: str = "ada", **more: Any) -> httpx.Response:
        return await self.call("POST", f"/photos/{photo_id}/commit", user, **more)

    async def add(self, data: bytes | None = None, user: str = "ada", **changes: Any) -> dict[str, Any]:
        answer = await self.commit(await self.upload(data or picture(), user, **changes), user)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())


@dataclass(kw_only=True)
class Gallery(Visitor):
    """One region of this package: its stores, its domain objects, and an HTTP client for each kind of caller."""

    records: Any
    objects: FileObjects
    uploads: PendingUploads
    links: SignedLinks
    data: Data
    region: Region
    photos: Photos
    comments: Comments
    world: World
    folder: Path

    async def head(self) -> Head:
        head: Head = await self.records.head()
        return head

    async def kept(self) -> list[Digest]:
        return [digest async for digest, _ in self.objects.digests()]

    async def pending_uploads(self) -> list[str]:
        return self.pending_files()

    async def drafts(self) -> list[str]:
        """What a decoding has left behind."""
        return [file.name for file in (self.folder / "objects" / "drafts").iterdir()]

    async def left_of(self, photo_id: str) -> int:
        """Records of a deleted photo's comments, and notes that they are still to be deleted."""
        counts = [await self.records.count(collection) for collection in (f"comments/{photo_id}", NOTES)]
        return sum(counts)

    def pending_files(self) -> list[str]:
        return sorted(file.name for file in (self.folder / "pending").iterdir())

    async def sweep(self) -> None:
        await sweep(app, self.region, self.data, self.uploads)

    def wind(self, seconds: float) -> None:
        self.world.wind(seconds)

    async def admit(self, state: State) -> None:
        await self.world.admit(state)

    @property
    def epoch(self) -> int:
        return self.world.state.epoch

    @property
    def origin(self) -> str:
        """Whose pages may call from a browser."""
        return DEPLOYMENT.edge


def open_gallery(pools: World, pool: Pool, role: Role, folder: Path, url: str, settings: Settings) -> Gallery:
    objects = FileObjects(folder / "objects", pools.clock)
    data = Data(role, DEPLOYMENT.place(role).region, pool.records, objects)
    uploads = PendingUploads(folder / "pending", url, DEPLOYMENT.key("upload-ticket"), pools.clock, settings.ticket_seconds)
    links = SignedLinks(url, DEPLOYMENT.key("object-link"), pools.clock, settings.link_seconds)
    identify = Authenticate(pool.accounts, DEPLOYMENT, pools.clock).bearer_of
    region = Region(app, data, uploads, links, pools.clock, settings, identify)
    return Gallery(
        url=url,
        records=pool.records,
        objects=objects,
        uploads=uploads,
        links=links,
        data=data,
        region=region,
        photos=Photos(region),
        comments=Comments(region),
        world=pools,
        folder=folder,
    )


@asynccontextmanager
async def served(app: Any, listener: socket.socket) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", access_log=False))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def gallery_in(pools: World, folder: Path, settings: Settings | None = None, role: Role = Role.PRIMARY) -> AsyncIterator[Gallery]:
    settings = settings or Settings()
    pool = pools.a if role is Role.PRIMARY else pools.b
    with socket.create_server(("127.0.0.1", 0)) as listener:
        gallery = open_gallery(pools, pool, role, folder, f"http://127.0.0.1:{listener.getsockname()[1]}", settings)
        documents = StateDocuments(DEPLOYMENT)
        routing = RoutingAPI(DEPLOYMENT.app_id, pool.records, StateNews(), documents, streams_max=1)
        objects = object_routes(gallery.uploads, gallery.links, gallery.objects, settings.upload_bytes_max)
        built = Router(routes(gallery.region, gallery.photos, gallery.comments), redirect_slashes=False)
        answering = Applied(built, documents)
        gallery.tokens = {name: (await pool.sign_in(name)).tokens.id for name in ("ada", "root")}
        async with (
            served(
                application([*routing.routes(), *objects], documents, DEPLOYMENT.edge, nullcontext, otherwise=answering, more=built.routes),
                listener,
            ),
            gallery.http,
        ):
            try:
                yield gallery
            finally:
                await gallery.photos.close()
