"""API Gateway: a request goes through routing, authorizer, validation, mapping and an integration, and comes back the same way."""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from tests.infra.cloud.mapping import Input, apply
from tests.infra.cloud.openapi import Body, Document, Operation
from tests.infra.cloud.policies import NotModelled
from tests.infra.cloud.replication import ModelledTime

BODY_BYTES_MAX = 10 * 1024 * 1024
STATUS = {
    "ACCESS_DENIED": 403,
    "API_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_FAILURE": 500,
    "BAD_REQUEST_BODY": 400,
    "BAD_REQUEST_PARAMETERS": 400,
    "INTEGRATION_FAILURE": 504,
    "MISSING_AUTHENTICATION_TOKEN": 403,
    "REQUEST_TOO_LARGE": 413,
    "UNAUTHORIZED": 401,
    "UNSUPPORTED_MEDIA_TYPE": 415,
}


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class Stopped(Exception):
    """The gateway itself answers: with one of its gateway responses."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message


class Authorizes(Protocol):
    def claims(self, token: str | None, pools: list[str]) -> dict[str, str] | None: ...


class Integrates(Protocol):
    def action(self, integration: Document, text: str, headers: Mapping[str, str]) -> tuple[int, str]: ...

    def proxy(self, integration: Document, event: Document, source_arn: str) -> Any: ...


class RestApi:
    """One stage of one API in one region."""

    def __init__(self, api_id: str, region: str, account: str, body: Document, clock: ModelledTime) -> None:
        self.id, self.region, self.account, self.body, self.clock = api_id, region, account, Body(body), clock
        self.stage = ""
        self.variables: dict[str, str] = {}

    def answer(self, request: Request, authorizer: Authorizes, integrator: Integrates) -> Response:
        context = self._context(request)
        try:
            return self._answer(request, context, authorizer, integrator)
        except Stopped as stop:
            return self._gateway_response(stop, request, context)

    def _answer(self, request: Request, context: dict[str, Any], authorizer: Authorizes, integrator: Integrates) -> Response:
        operation = self.body.find(request.method, request.path)
        if operation is None:
            raise Stopped("MISSING_AUTHENTICATION_TOKEN", "Missing Authentication Token")
        context["resourcePath"] = operation.path
        self._authorize(operation, request, context, authorizer)
        if len(request.body) > BODY_BYTES_MAX:
            raise Stopped("REQUEST_TOO_LARGE", "Request Too Long")
        text = request.body.decode("utf-8", "replace")
        kind, why = self.body.objection(operation, request.query, request.headers, text)
        if kind:
            context["error"] = {"validationErrorString": f"[{why}]"}
            raise Stopped(kind, "Invalid request body" if kind == "BAD_REQUEST_BODY" else why)
        given = Input(text, operation.parameters, request.query, request.headers)
        return INTEGRATIONS[operation.integration["type"].lower()](self, operation, request, given, context, integrator)

    def _context(self, request: Request) -> dict[str, Any]:
        now = self.clock.now()
        return {
            "requestId": str(uuid.uuid4()),
            "extendedRequestId": uuid.uuid4().hex[:15] + "=",
            "requestTimeEpoch": int(now * 1000),
            "requestTime": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "httpMethod": request.method,
            "path": f"/{self.stage}{request.path}",
            "stage": self.stage,
            "apiId": self.id,
            "accountId": self.account,
            "identity": {"sourceIp": "127.0.0.1", "userAgent": request.header("user-agent") or ""},
        }

    def _authorize(self, operation: Operation, request: Request, context: dict[str, Any], authorizer: Authorizes) -> None:
        for requirement in operation.description.get("security", self.body.document.get("security", [])):
            for name in requirement:
                scheme = self.body.document["components"]["securitySchemes"][name]
                if scheme.get("x-amazon-apigateway-authtype") != "cognito_user_pools":
                    raise NotModelled(f"the authorizer {name}: {scheme}")
                pools = scheme["x-amazon-apigateway-authorizer"]["providerARNs"]
                claims = authorizer.claims(request.header(scheme["name"]), pools)
                if claims is None:
                    raise Stopped("UNAUTHORIZED", "Unauthorized")
                context["authorizer"] = {"claims": claims}

    def _mock(self, operation: Operation, request: Request, given: Input, context: dict[str, Any], _: Integrates) -> Response:
        text, _context = apply(request_template(operation.integration, request), given, context, self.variables)
        status = int(json.loads(text)["statusCode"])
        return self._integration_response(operation, status, "", {}, given, context)

    def _aws(self, operation: Operation, request: Request, given: Input, context: dict[str, Any], integrator: Integrates) -> Response:
        text, changed = apply(request_template(operation.integration, request), given, context, self.variables)
        headers = {
            name.removeprefix("integration.request.header."): value.strip("'")
            for name, value in operation.integration.get("requestParameters", {}).items()
            if name.startswith("integration.request.header.") and value.startswith("'")
        }
        status, answer = integrator.action(operation.integration, text, headers)
        return self._integration_response(operation, status, answer, {}, given, changed)

    def _aws_proxy(self, operation: Operation, request: Request, given: Input, context: dict[str, Any], integrator: Integrates) -> Response:
        event = proxy_event(operation, request, given, context)
        source = f"arn:aws:execute-api:{self.region}:{self.account}:{self.id}/{self.stage}/{request.method}{request.path}"
        answer = integrator.proxy(operation.integration, event, source)
        if (
            not isinstance(answer, dict)
            or not isinstance(answer.get("statusCode"), int)
            or not isinstance(answer.get("body", ""), str | None)
        ):
            raise Stopped("API_CONFIGURATION_ERROR", "Internal server error")
        many = {name: ",".join(values) for name, values in (answer.get("multiValueHeaders") or {}).items()}
        headers = {
            "Content-Type": "application/json",
            **{name: str(value) for name, value in (answer.get("headers") or {}).items()},
            **many,
        }
        return Response(answer["statusCode"], headers, (answer.get("body") or "").encode())

    def _integration_response(
        self, operation: Operation, status: int, answer: str, found: Mapping[str, str], given: Input, context: dict[str, Any]
    ) -> Response:
        responses = operation.integration["responses"]
        selected = next((each for pattern, each in responses.items() if pattern != "default" and re.fullmatch(pattern, str(status))), None)
        selected = selected or responses.get("default")
        if selected is None:
            raise Stopped("API_CONFIGURATION_ERROR", "Internal server error")
        code, text = int(selected["statusCode"]), answer
        templates = selected.get("responseTemplates") or {}
        changed: dict[str, Any] = {}
        media = "application/json"
        if templates:
            media, template = next(iter(templates.items()))
            said = Input(answer, given.path_parameters, given.query, given.headers)
            text, changed = apply(template, said, context, self.variables)
        headers = {"Content-Type": media, **static_headers(selected.get("responseParameters", {}), "method.response.header.")}
        self._check_declared(operation, code, headers)
        override = changed.get("responseOverride", {})
        code = int(override.get("status", code))
        headers = {**headers, **{name: str(value) for name, value in override.get("header", {}).items()}}
        return Response(code, headers, text.encode("utf-8", "surrogatepass"))

    def _check_declared(self, operation: Operation, code: int, headers: Mapping[str, str]) -> None:
        """A status or a header that the method does not declare is refused when the API is imported."""
        declared = operation.description["responses"].get(str(code))
        if declared is None:
            raise NotModelled(f"{operation.method} {operation.path} maps to {code}, which it does not declare")
        known = {name.lower() for name in declared.get("headers", {})} | {"content-type"}
        if missing := [name for name in headers if name.lower() not in known]:
            raise NotModelled(f"{operation.method} {operation.path} {code} does not declare the headers {missing}")

    def _gateway_response(self, stop: Stopped, request: Request, context: dict[str, Any]) -> Response:
        responses = self.body.document.get("x-amazon-apigateway-gateway-responses", {})
        status = STATUS[stop.kind]
        described = responses.get(stop.kind) or responses.get(f"DEFAULT_{status // 100}XX") or {}
        error = {"message": stop.message, "messageString": json.dumps(stop.message), "responseType": stop.kind}
        context = {**context, "error": {**context.get("error", {}), **error}}
        templates = described.get("responseTemplates") or {"application/json": '{"message":$context.error.messageString}'}
        media, template = next(iter(templates.items()))
        status = int(described.get("statusCode", status))
        headers = {
            "Content-Type": media,
            "x-amzn-ErrorType": stop.kind,
            **static_headers(described.get("responseParameters", {}), "gatewayresponse.header."),
        }
        return Response(status, headers, substituted(template, context).encode())


Handle = Callable[[RestApi, Operation, Request, Input, dict[str, Any], Integrates], Response]
INTEGRATIONS: dict[str, Handle] = {"mock": RestApi._mock, "aws": RestApi._aws, "aws_proxy": RestApi._aws_proxy}


def request_template(integration: Document, request: Request) -> str:
    """The template for the request's media type. Without one the request is refused, or passed through where that is declared."""
    sent = (request.header("content-type") or "application/json").partition(";")[0].strip()
    templates = integration.get("requestTemplates") or {}
    if sent in templates:
        return str(templates[sent])
    behaviour = integration.get("passthroughBehavior", "when_no_match").lower()
    if behaviour == "never" or (behaviour == "when_no_templates" and templates):
        raise Stopped("UNSUPPORTED_MEDIA_TYPE", "Unsupported Media Type")
    if integration["type"].lower() == "mock":
        return '{"statusCode": 200}'
    raise NotModelled("a body passed through to an AWS service")


def static_headers(parameters: Document, prefix: str) -> dict[str, str]:
    """Only constants in single quotes are modelled; they are what the templates use."""
    wrong = [value for name, value in parameters.items() if not name.startswith(prefix) or not re.fullmatch(r"'[^']*'", value)]
    if wrong:
        raise NotModelled(f"the response parameters {wrong}")
    return {name.removeprefix(prefix): value[1:-1] for name, value in parameters.items()}


def substituted(template: str, context: Document) -> str:
    """Gateway responses know no Velocity: only variables of `$context`."""

    def value(found: re.Match[str]) -> str:
        node: Any = context
        for name in found[1].split("."):
            node = node.get(name) if isinstance(node, Mapping) else None
        return "" if node is None else str(node)

    if "#" in re.sub(r"#[0-9a-f]{3,6}", "", template):
        raise NotModelled(f"a directive in a gateway response: {template}")
    return re.sub(r"\$context\.([A-Za-z.]+[A-Za-z])", value, template)


def proxy_event(operation: Operation, request: Request, given: Input, context: Document) -> dict[str, Any]:
    query = dict(request.query) or None
    return {
        "resource": operation.path,
        "path": request.path,
        "httpMethod": request.method,
        "headers": dict(request.headers),
        "multiValueHeaders": {name: [value] for name, value in request.headers.items()},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} if query else None,
        "pathParameters": dict(operation.parameters) or None,
        "stageVariables": None,
        "requestContext": dict(context),
        "body": given.body or None,
        "isBase64Encoded": False,
    }
