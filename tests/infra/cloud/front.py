"""One loopback server for every name of the simulated AWS: it looks at the host, as DNS would."""

import re
import socket
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.infra.cloud.gateway import BODY_BYTES_MAX, Request, Response
from tests.infra.cloud.jobs import BatchJobs
from tests.infra.cloud.stacksets import Answers

if TYPE_CHECKING:
    from tests.infra.cloud.cloud import Cloud

EXECUTE = re.compile(r"(\w+)\.execute-api\.([\w-]+)\.amazonaws\.com")
BUCKET = re.compile(r"(.+)\.s3\.([\w-]+)\.amazonaws\.com")
SCOPE = re.compile(r"Credential=[^/]+/\d+/([\w-]+)/")
REGION = re.compile(r"\.([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com$")
OURS = (".amazonaws.com", ".cloudfront.net")
Start = Callable[[str, list[tuple[str, str]]], Any]


class Quiet(WSGIRequestHandler):
    def log_request(self, *_: Any) -> None:
        """Requests are looked at by tests, not by people."""

    def log(self, *_: Any) -> None:
        """Likewise."""


class Front:
    """Requests to APIs, buckets and distributions one at a time; everything else goes to moto."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._lock = threading.RLock()
        self._server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        host = environ.get("HTTP_HOST", "").partition(":")[0]
        path = quote(environ["PATH_INFO"].encode("latin-1"), safe="/-_.~")
        path = urlsplit(environ.get("REQUEST_URI", path)).path or path  # whole addresses come to a proxy
        if path.startswith(Answers.PATH):
            self._cloud.answers.put(path, environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
            return sent(Response(200, {}), start)
        if path == BatchJobs.PATH:
            answered = Response(200, {"Content-Type": "application/xml"}, self._cloud.jobs.create(read_body(environ)))
            self._cloud.pump()
            return sent(answered, start)
        if not (EXECUTE.fullmatch(host) or BUCKET.fullmatch(host) or host.endswith(".cloudfront.net")):
            if (scope := SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))) and scope[1] in self._cloud.gate.lost:
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
                raise ConnectionError(f"nothing answers in {scope[1]}")
            answer: Iterable[bytes] = self._moto(environ, start)
            return answer
        with self._lock:
            self._cloud.pump()
            try:
                answered = self._answer(host, path, environ)
            except Exception as error:
                self._cloud.broken.append(error)
                raise
            self._cloud.pump()
        return sent(answered, start)

    def _answer(self, host: str, path: str, environ: dict[str, Any]) -> Response:
        headers = {key[5:].replace("_", "-").title(): value for key, value in environ.items() if key.startswith("HTTP_")}
        if environ.get("CONTENT_TYPE"):
            headers["Content-Type"] = environ["CONTENT_TYPE"]
        query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
        form = environ.get("CONTENT_TYPE", "").startswith("multipart/")
        body = b"" if form else read_body(environ)
        request = Request(environ["REQUEST_METHOD"], path, query, headers, body)
        if found := EXECUTE.fullmatch(host):
            return self._cloud.apis.answer(found[1], found[2], request)
        if found := BUCKET.fullmatch(host):
            return self._cloud.storefront.answer(found[1], found[2], request, environ)
        return self._cloud.distributions.answer(host, request, frozenset(self._cloud.gate.lost))


def read_body(environ: dict[str, Any]) -> bytes:
    """With a declared length, or in chunks, of which no more are taken than show that it is too much."""
    if environ.get("HTTP_TRANSFER_ENCODING") == "chunked":
        return bytes(environ["wsgi.input"].read(BODY_BYTES_MAX + 1))
    return bytes(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))


def sent(response: Response, start: Start) -> Iterable[bytes]:
    headers = [(name, value) for name, value in response.headers.items() if name.lower() != "content-length"]
    length = [("Content-Length", str(len(response.body)))] if response.status not in (204, 304) else []
    start(f"{response.status} X", [*headers, *length])
    return [response.body] if response.status not in (204, 304) else []


class Wire(httpx.AsyncHTTPTransport):
    """Takes requests for names of AWS to the simulation. A lost region does not answer."""

    def __init__(self, cloud: "Cloud") -> None:
        super().__init__()
        self._cloud = cloud

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        if not host.endswith(OURS):
            raise httpx.ConnectError(f"{host} is not of the simulation", request=request)
        found = REGION.search(host)
        if found and found[1] in self._cloud.gate.lost:
            raise httpx.ConnectError(f"{host} does not answer", request=request)
        target = httpx.URL(self._cloud.front.url)
        moved = request.url.copy_with(scheme="http", host=target.host, port=target.port)
        return await super().handle_async_request(
            httpx.Request(request.method, moved, headers=request.headers, stream=request.stream, extensions=request.extensions)
        )
