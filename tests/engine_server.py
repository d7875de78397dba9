"""Engines for tests, as a process of its own: moto's DynamoDB and S3 on loopback, with what moto leaves out and what can go wrong.

`python -m tests.engine_server` prints its port. One request is served at a time: moto takes a failed transaction back by putting
the whole table back, and would take back what others wrote meanwhile.
"""

import io
import json
import logging
import sys
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from tests.engines import CALLS, FAULTS

CANCELLED = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"

REFUSALS = {"break": ("InternalServerError", 500), "throttle": ("ThrottlingException", 400), "deny": ("AccessDeniedException", 400)}
S3_REFUSALS = {"deny-s3": ("AccessDenied", 403), "contest-s3": ("ConditionalRequestConflict", 409)}


def refusal(code: str, status: int = 400, **more: Any) -> Response:
    return Response(json.dumps({"__type": code, "message": code, **more}), status, content_type="application/x-amz-json-1.0")


class EngineServer:
    """moto behind what it does not do: a transaction's token counts; and any operation can be made to fail, as often as said.

    A fault is `lose` (done, but the answer is lost), `lose-token` (its token is lost as well), or one that does nothing:
    `break`, `throttle`, `contest` (another transaction is at the same items), `deny`,
    and for S3 `deny-s3` and `contest-s3`.
    """

    def __init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._tokens: dict[str, bytes] = {}
        self._faults: list[dict[str, Any]] = []
        self._calls: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        environ["wsgi.input"] = io.BytesIO(request.get_data())  # it is read here and by moto
        if request.path == FAULTS:
            self._faults = json.loads(request.get_data())
            self._calls.clear()
            return Response("")(environ, start_response)
        if request.path == CALLS:
            return Response(json.dumps(self._calls))(environ, start_response)
        target = request.headers.get("X-Amz-Target", "")
        operation = target.partition(".")[2] if target else f"S3.{request.method}"
        self._calls.append(operation)
        return self._serve(operation, request)(environ, start_response)

    def _serve(self, operation: str, request: Request) -> Response:
        fault = self._fault(operation)
        if fault in S3_REFUSALS:
            code, status = S3_REFUSALS[fault]
            return Response(f"<Error><Code>{code}</Code></Error>", status, content_type="application/xml")
        if fault in REFUSALS:
            return refusal(*REFUSALS[fault])
        if fault == "contest":
            return self._contested(operation, request)
        answer = self._answer(operation, request)
        if fault == "lose-token":
            self._tokens.clear()
        return refusal(*REFUSALS["break"]) if fault.startswith("lose") else answer

    def _fault(self, operation: str) -> str:
        for fault in self._faults:
            if fault["operation"] == operation and fault["times"] > 0:
                fault["times"] -= 1
                return str(fault["kind"])
        return ""

    def _contested(self, operation: str, request: Request) -> Response:
        if operation != "TransactWriteItems":
            return refusal("TransactionConflictException")
        reasons = [{"Code": "None"} for _ in json.loads(request.get_data())["TransactItems"]]
        return refusal(CANCELLED, CancellationReasons=[{"Code": "TransactionConflict", "Message": "at the same moment"}, *reasons[1:]])

    def _answer(self, operation: str, request: Request) -> Response:
        if operation != "TransactWriteItems":
            return Response.from_app(self._moto, request.environ)
        body = request.get_data(cache=True)
        token = json.loads(body)["ClientRequestToken"]
        if self._tokens.get(token) == body:
            return Response("{}", content_type="application/x-amz-json-1.0")
        answer = Response.from_app(self._moto, request.environ)
        if answer.status_code == 200:
            self._tokens[token] = body
        return answer


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, EngineServer(), threaded=False)
    print(server.port, flush=True)
    try:
        server.serve_forever()
    finally:
        sys.exit(0)


if __name__ == "__main__":
    main()
