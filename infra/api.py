"""The HTTP API of a region for API Gateway: the package's own OpenAPI document, the calls that users make, with what answers each."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from multiregion.api.document import document
from multiregion.errors import InvalidInput, NotFound, Overloaded, TooLarge, Unauthorized, Unavailable
from multiregion.gallery.application import openapi

MAPPINGS = Path(__file__).resolve().parent / "mappings"
DIRECT = {"getState": ("GetItem", "RoutingApiRole"), "listComments": ("Query", "ApplicationApiRole")}
"""The calls that DynamoDB answers without any code between; reading the state decides how long a failover takes."""
LEFT_OUT = {"followState"}
"""A REST API cannot stream events; clients that are offered no address for them poll."""
JSON, PROBLEM = "application/json", "application/problem+json"
REQUEST_HEADERS = "Authorization,Content-Type,Multiregion-Epoch,Multiregion-Position"
PREFLIGHT_SECONDS = 600


def body(*tags: str) -> dict[str, Any]:
    """The part of the document with these tags."""
    described = document(openapi())
    schemes = {name: scheme(each) for name, each in described["components"]["securitySchemes"].items() if "routing" not in tags}
    return {
        "openapi": "3.0.1",
        "info": {"title": described["info"]["title"], "version": described["info"]["version"]},
        "paths": {path: found for path, methods in described["paths"].items() if (found := answered(path, methods, tags))},
        "components": {"securitySchemes": schemes},
        "x-amazon-apigateway-gateway-responses": gateway_responses(),
    }


def answered(path: str, methods: Mapping[str, Any], tags: tuple[str, ...]) -> dict[str, Any]:
    """The operations on a path that a deployment answers, and the browser's question before them."""
    shared = methods.get("parameters", [])
    found = {
        method: operation(each, shared)
        for method, each in methods.items()
        if method != "parameters" and each["operationId"] not in LEFT_OUT and set(each["tags"]) & set(tags)
    }
    return found | ({"options": preflight(path, list(found))} if found else {})


def operation(described: Mapping[str, Any], shared: list[Any]) -> dict[str, Any]:
    id, direct = described["operationId"], DIRECT.get(described["operationId"])
    parameters = [parameter(each) for each in (*shared, *described.get("parameters", []))]
    responses = {status: response(status, with_headers=bool(direct) and status in ANSWERS) for status in described["responses"]}
    return {
        "operationId": id,
        "parameters": parameters,
        "security": described["security"],
        "responses": responses,
        "x-amazon-apigateway-integration": directly(id, *direct) if direct else by_function(),
    }


def parameter(described: Mapping[str, Any]) -> dict[str, Any]:
    """Only what API Gateway reads: it checks that a parameter is there, and nothing of its schema."""
    required = {"required": True} if described.get("required") else {}
    return {"name": described["name"], "in": described["in"], **required, "schema": {"type": "string"}}


ANSWERS = ("200", "400", "404", "503")
"""What the mapping templates answer; the rest comes from the gateway itself."""
HEADERS = ("Access-Control-Allow-Origin", "Cache-Control", "Content-Type", "Retry-After", "Vary")


def response(status: str, *, with_headers: bool) -> dict[str, Any]:
    names = [name for name in HEADERS if status == "503" or name != "Retry-After"] if with_headers else []
    headers = {"headers": {name: {"schema": {"type": "string"}} for name in names}} if names else {}
    return {"description": status, **headers}


def directly(id: str, action: str, role: str) -> dict[str, Any]:
    name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in id)
    refused = "503" if id == "getState" else "400"
    return {
        "type": "aws",
        "httpMethod": "POST",
        "uri": cdk.Fn.sub(f"arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}:dynamodb:action/{action}"),
        "credentials": cdk.Fn.get_att(role, "Arn"),
        "passthroughBehavior": "when_no_templates",
        "requestTemplates": {JSON: template(f"{name}.request")},
        "responses": {
            "default": mapped("200", JSON, template(f"{name}.response")),
            r"4\d{2}": mapped(refused, PROBLEM, template(f"{name}.refusal")),
            r"5\d{2}": mapped("503", PROBLEM, template("unavailable")),
        },
    }


def template(name: str) -> str:
    return (MAPPINGS / f"{name}.vtl").read_text()


def mapped(status: str, kind: str, text: str) -> dict[str, Any]:
    headers = {"Access-Control-Allow-Origin": origin(), "Cache-Control": "'no-store'", "Content-Type": f"'{kind}'", "Vary": "'Origin'"}
    if status == "503":
        headers["Retry-After"] = "'1'"
    parameters = {f"method.response.header.{name}": value for name, value in headers.items()}
    return {"statusCode": status, "responseParameters": parameters, "responseTemplates": {JSON: text}}


def origin() -> Any:
    return cdk.Fn.sub("'${AllowedOrigin}'")


def by_function() -> dict[str, Any]:
    function = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${Prefix}-Writer"
    path = f"arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/{function}/invocations"
    return {"type": "aws_proxy", "httpMethod": "POST", "passthroughBehavior": "when_no_match", "uri": cdk.Fn.sub(path)}


def preflight(path: str, methods: list[str]) -> dict[str, Any]:
    headers = {
        "Access-Control-Allow-Origin": origin(),
        "Access-Control-Allow-Methods": f"'{','.join(method.upper() for method in (*methods, 'options'))}'",
        "Access-Control-Allow-Headers": f"'{REQUEST_HEADERS}'",
        "Access-Control-Max-Age": f"'{PREFLIGHT_SECONDS}'",
    }
    named = [word.strip("{}") for word in path.split("/") if word.startswith("{")]
    return {
        "parameters": [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in named],
        "security": [],
        "responses": {"204": {"description": "204", "headers": {name: {"schema": {"type": "string"}} for name in headers}}},
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "passthroughBehavior": "when_no_templates",
            "requestTemplates": {JSON: '{"statusCode": 204}'},
            "responses": {
                "default": {
                    "statusCode": "204",
                    "responseParameters": {f"method.response.header.{name}": value for name, value in headers.items()},
                }
            },
        },
    }


def scheme(described: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: described[name] for name in ("type", "in", "name")},
        "x-amazon-apigateway-authtype": "cognito_user_pools",
        "x-amazon-apigateway-authorizer": {
            "type": "cognito_user_pools",
            "providerARNs": [cdk.Fn.import_value(cdk.Fn.sub("${Prefix}-UserPoolArn"))],
        },
    }


REFUSALS = {
    "UNAUTHORIZED": Unauthorized,
    "ACCESS_DENIED": Unauthorized,
    "MISSING_AUTHENTICATION_TOKEN": NotFound,
    "RESOURCE_NOT_FOUND": NotFound,
    "BAD_REQUEST_BODY": InvalidInput,
    "BAD_REQUEST_PARAMETERS": InvalidInput,
    "REQUEST_TOO_LARGE": TooLarge,
    "THROTTLED": Overloaded,
    "QUOTA_EXCEEDED": Overloaded,
    "DEFAULT_5XX": Unavailable,
}
"""What the gateway itself refuses, in our words. It says "missing authentication token" of a path that it does not know."""


def gateway_responses() -> dict[str, Any]:
    named = {kind: refusal(error.status, error.title, error.code) for kind, error in REFUSALS.items()}
    return named | {"DEFAULT_4XX": refusal(400, InvalidInput.title, InvalidInput.code)}


def refusal(status: int, title: str, code: str) -> dict[str, Any]:
    headers = {"Access-Control-Allow-Origin": origin(), "Cache-Control": "'no-store'", "Content-Type": f"'{PROBLEM}'"}
    if status == 401:
        headers["WWW-Authenticate"] = "'Bearer'"
    if status == 503:
        headers["Retry-After"] = "'1'"
    about = {"type": "about:blank", "title": title, "status": status, "code": code}
    text = json.dumps(about)[:-1] + ', "detail": $context.error.messageString}'
    return {
        "statusCode": str(status),
        "responseParameters": {f"gatewayresponse.header.{name}": value for name, value in headers.items()},
        "responseTemplates": {JSON: text},
    }
