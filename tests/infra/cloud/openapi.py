"""The OpenAPI body of an API as API Gateway reads it: which operation a request meets, and whether the request is as declared."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import jsonschema

from tests.infra.cloud.policies import NotModelled

Document = Mapping[str, Any]
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "x-amazon-apigateway-any-method")
# Keywords of later drafts that API Gateway's models (draft 4) refuse or ignore.
LATER_KEYWORDS = {
    "const",
    "contains",
    "if",
    "propertyNames",
    "$defs",
    "prefixItems",
    "examples",
    "dependentRequired",
    "unevaluatedProperties",
}


@dataclass(frozen=True)
class Operation:
    path: str
    method: str
    description: Document
    parameters: Mapping[str, str]

    @property
    def integration(self) -> Document:
        found: Document = self.description["x-amazon-apigateway-integration"]
        return found


class Body:
    """Raises NotModelled for a body that API Gateway would not import as it is meant."""

    def __init__(self, document: Document) -> None:
        if not str(document["openapi"]).startswith("3.0"):
            raise NotModelled(f"OpenAPI {document['openapi']}: API Gateway imports 3.0")
        self.document = document
        for schema in self.schemas(document):
            check_model(schema)

    def schemas(self, node: Any) -> Iterator[Document]:
        if isinstance(node, Mapping):
            for name, value in node.items():
                if name == "schema" and isinstance(value, Mapping):
                    yield value
                elif name == "schemas":
                    yield from value.values()
                else:
                    yield from self.schemas(value)
        elif isinstance(node, list):
            for each in node:
                yield from self.schemas(each)

    def find(self, method: str, path: str) -> Operation | None:
        """`path` as it came, percent-encoded. Fixed paths win over those with parameters."""
        for template, item in sorted(self.document["paths"].items(), key=lambda entry: entry[0].count("{")):
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template))
            if (found := re.fullmatch(pattern, path)) and method.lower() in item:
                parameters = {name: unquote(value) for name, value in found.groupdict().items()}
                described = {
                    **item[method.lower()],
                    "parameters": [*item.get("parameters", []), *item[method.lower()].get("parameters", [])],
                }
                return Operation(template, method, described, parameters)
        return None

    def validator(self, operation: Operation) -> Document:
        name = operation.description.get(
            "x-amazon-apigateway-request-validator", self.document.get("x-amazon-apigateway-request-validator")
        )
        found: Document = self.document["x-amazon-apigateway-request-validators"][name] if name else {}
        return found

    def objection(self, operation: Operation, query: Mapping[str, str], headers: Mapping[str, str], body: str) -> tuple[str, str]:
        """The kind of gateway response and why, or two empty strings."""
        validator = self.validator(operation)
        if validator.get("validateRequestParameters"):
            given = {"query": query, "header": {name.lower(): value for name, value in headers.items()}, "path": operation.parameters}
            for parameter in operation.description["parameters"]:
                name = parameter["name"].lower() if parameter["in"] == "header" else parameter["name"]
                if parameter.get("required") and not given[parameter["in"]].get(name):
                    return "BAD_REQUEST_PARAMETERS", f"Missing required request parameters: [{parameter['name']}]"
        checked = validator.get("validateRequestBody") and "requestBody" in operation.description
        why = self.body_objection(operation, headers, body) if checked else ""
        return ("BAD_REQUEST_BODY", why) if why else ("", "")

    def body_objection(self, operation: Operation, headers: Mapping[str, str], body: str) -> str:
        """API Gateway validates against the model of the request's media type, and nothing if there is none for it."""
        sent = next((value for name, value in headers.items() if name.lower() == "content-type"), "application/json").partition(";")[0]
        content = operation.description["requestBody"]["content"]
        if sent.strip() not in content:
            return ""
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            return "Invalid request body"
        schema = {**content[sent.strip()]["schema"], "components": self.document.get("components", {})}
        errors = sorted(jsonschema.Draft4Validator(schema).iter_errors(document), key=lambda error: str(error.path))
        return ", ".join(error.message[:200] for error in errors[:3])


def check_model(schema: Any) -> None:
    """Refuses what a draft 4 model does not know: it would not be checked on AWS."""
    if isinstance(schema, list):
        for each in schema:
            check_model(each)
    if not isinstance(schema, Mapping):
        return
    if unknown := LATER_KEYWORDS & schema.keys():
        raise NotModelled(f"{sorted(unknown)} in a model: API Gateway's models are of draft 4")
    if isinstance(schema.get("type"), list) and "null" in schema["type"]:
        raise NotModelled("a type with null: API Gateway does not import it from OpenAPI 3.0")
    for name, value in schema.items():
        if name == "properties":
            for each in value.values():
                check_model(each)
        elif name not in ("enum", "required", "example", "default"):
            check_model(value)
