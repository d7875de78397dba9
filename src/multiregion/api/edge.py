"""The edge: the built web app and `uiConfig.json`, with the headers that keep a browser from loading anything else."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from multiregion.api.asgi import Lifespan
from multiregion.api.documents import StateDocuments
from multiregion.api.problems import JSON, problem, status_problem
from multiregion.config import PASSWORD_CHARACTERS_MAX, PASSWORD_CHARACTERS_MIN, Deployment, RegionPlace, Settings, label
from multiregion.errors import MultiregionError

ENCODINGS = ((".br", "br"), (".gz", "gzip"))
CONSOLE = "/console/#/ops"
NO_LIMITS: Mapping[str, int] = {}
FOREVER = "public, max-age=31536000, immutable"


def ui_config(
    deployment: Deployment, settings: Settings, *, faults: bool = False, own: bool = False, limits: Mapping[str, int] = NO_LIMITS
) -> dict[str, Any]:
    """What the web app reads at load: where both regions are, and the operators' API. `limits`: the application's. Holds no secret."""
    return {
        "appId": deployment.app_id,
        "name": deployment.name,
        "own": own,
        "primary": deployment.primary.region,
        "secondary": deployment.secondary.region,
        "regions": {place.region: region_config(deployment, place) for place in (deployment.primary, deployment.secondary)},
        "limits": {
            **limits,
            "passwordCharactersMin": PASSWORD_CHARACTERS_MIN,
            "passwordCharactersMax": PASSWORD_CHARACTERS_MAX,
        },
        "operations": {
            "url": deployment.authority,
            "faults": faults,
            "lagObjectiveSeconds": settings.lag_objective_seconds,
        },
    }


def region_config(deployment: Deployment, place: RegionPlace) -> dict[str, Any]:
    state_url = f"{place.url}/state/{deployment.app_id}"
    return {
        "label": label(place.region),
        "apiUrl": place.url,
        "stateUrl": state_url,
        "eventsUrl": f"{state_url}/events",
        "auth": {
            "userPoolId": place.user_pool_id,
            "userPoolClientId": place.client_id,
            "userPoolEndpoint": f"{place.url}/",
            "flow": "USER_PASSWORD_AUTH",
        },
    }


def content_security_policy(region_urls: Sequence[str], authority: str | None = None) -> str:
    """Pictures come from the regions, answers from the authority too; nothing from anywhere else."""
    regions = " ".join(region_urls)
    answering = f"{regions} {authority}" if authority else regions
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self';"
        f" img-src 'self' blob: data: {regions}; connect-src 'self' {answering};"
        " form-action 'none'; base-uri 'none'; frame-ancestors 'none';"
        " require-trusted-types-for 'script'; trusted-types default"
    )


def security_headers(deployment: Deployment) -> dict[str, str]:
    pictures = [deployment.primary.url, deployment.secondary.url, *deployment.picture_origins]
    policy = content_security_policy(pictures, deployment.authority)
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }


class SecurityHeaders:
    def __init__(self, app: ASGIApp, headers: dict[str, str]) -> None:
        self._app = app
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        await self._app(scope, receive, with_headers)


class WebApp(StaticFiles):
    """The bundle: hashed assets for ever, the page itself asked for again each time, compressed when it was at build."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        accepted = Headers(scope=scope).get("accept-encoding", "")
        for suffix, encoding in ENCODINGS:
            if encoding in accepted and self.lookup_path(path + suffix)[1] is not None:
                response = await super().get_response(path + suffix, scope)
                response.headers["Content-Encoding"] = encoding
                response.headers["Content-Type"] = content_type(path)
                break
        else:
            response = await super().get_response(path, scope)
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = FOREVER if path.startswith("assets/") else "no-cache"
        return response


CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}


def content_type(path: str) -> str:
    return CONTENT_TYPES.get(Path(path).suffix, "application/octet-stream")


def edge_application(
    deployment: Deployment,
    settings: Settings,
    web: Path,
    operations: Sequence[Route] = (),
    lifespan: Lifespan = nullcontext,
    *,
    local: bool = False,
    own: bool = False,
    site: Path | None = None,
    limits: Mapping[str, int] = NO_LIMITS,
) -> Starlette:
    """Raises nothing if the web app has not been built: the page then says so. `operations` are for operators; `local`: faults
    can be made with them. `own`: the application is the user's: `site` is its front end, and the operators' console is at `/console/`.
    `limits`: what of its limits the application tells its pages."""
    config = ui_config(deployment, settings, faults=local, own=own, limits=limits)

    async def configuration(request: Request) -> Response:
        return JSON(config)

    async def health(request: Request) -> Response:
        return JSON({"status": "ok"})

    async def index(request: Request) -> Response:
        if built:
            return await files.get_response("index.html", request.scope)
        return Response("The web app has not been built yet. Run: make web\n", 503, media_type="text/plain")

    async def problematic(request: Request, error: Exception) -> Response:
        assert isinstance(error, MultiregionError)
        return problem(error, StateDocuments(deployment))

    built = (web / "index.html").is_file()
    files = WebApp(directory=web, check_dir=False)
    page: list[BaseRoute] = [
        Route("/", index, methods=["GET"]),
        Route("/uiConfig.json", configuration, methods=["GET"]),
        Mount("/", files),
    ]
    routes: list[BaseRoute] = [Route("/healthz", health, methods=["GET"]), *operations]
    if own:
        routes += [page[1], moved("/console", CONSOLE), Mount("/console", routes=[*routes, *page]), *front_end(site)]
    else:
        routes += [moved("/console", "/#/ops"), moved("/console/", "/#/ops"), *page]
    return Starlette(
        routes=routes,
        middleware=[Middleware(SecurityHeaders, security_headers(deployment))],
        exception_handlers={HTTPException: refused, MultiregionError: problematic},
        lifespan=alive(lifespan),
    )


def front_end(site: Path | None) -> list[BaseRoute]:
    """An application's own pages; without any, the way to the operators' console."""
    if site is not None:
        return [Mount("/", StaticFiles(directory=site, html=True))]

    return [moved("/", CONSOLE)]


def moved(path: str, to: str) -> Route:
    async def redirect(request: Request) -> Response:
        return RedirectResponse(to)

    return Route(path, redirect, methods=["GET"])


async def refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return status_problem(error.status_code, error.detail)


def alive(lifespan: Lifespan) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    return lambda app: lifespan()
