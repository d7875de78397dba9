"""The mapping templates of the committed API, each with requests and answers that are hard for it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.infra.vectors.language import HARD

TEMPLATE = Path(__file__).resolve().parents[3] / "deployment" / "multi-region-application-architecture.template"
STATES = [
    {"appId": {"S": "app"}, "state": {"S": state}, "epoch": {"N": epoch}, "writer": {"S": writer}, "writable": {"BOOL": False}}
    for state, epoch, writer in (("active", "1", "us-east-1"), ("fenced", "42", "none"), ("failover", "3", "none"))
]
IDS = ["p1", "app", "a'b", 'a"b', "$x", "#if", "a\\b", "é🏔"]
PAGES = [
    {},
    {"limit": "1"},
    {"limit": "100"},
    {"limit": "101"},
    {"limit": ""},
    {"after": "2026-01-31T12:00:00.000Z~c1"},
    {"after": "x'\"$"},
]


def comment(number: int, text: str) -> dict[str, Any]:
    """As it is stored."""
    order = f"2026-01-31T12:00:00.{number:03}Z"
    plain = {"photoId": "p1", "commentId": f"c{number}", "user": text[:20], "message": text, "createdAt": order, "order": order}
    return {**{name: {"S": value} for name, value in plain.items()}, "epoch": {"N": "1"}, "region": {"S": "us-east-1"}}


HEAD = {"photoId": {"S": "p1"}, "commentId": {"S": "#"}, "order": {"S": "0"}, "user": {"S": "ada"}}
LAST = {"photoId": {"S": "p1"}, "commentId": {"S": "c1"}, "order": {"S": "2026-01-31T12:00:00.001Z"}}
ANSWERS: list[dict[str, Any]] = [
    {},
    *({"Item": state} for state in STATES),
    *({"Items": [state], "Count": 1} for state in STATES),
    {"Items": [], "Count": 0, "ScannedCount": 0},
    {"Items": [HEAD], "Count": 1},
    {"Items": [HEAD, *(comment(number, text) for number, text in enumerate(HARD))], "Count": 1 + len(HARD)},
    {"Items": [HEAD, comment(1, "one"), comment(2, "two")], "Count": 3, "LastEvaluatedKey": LAST},
    {"__type": "com.amazon.coral.validate#ValidationException", "message": 'it\'s "wrong"'},
    {"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", "message": "slow down"},
    {"message": "nothing of a type"},
]


def templates() -> Iterator[str]:
    """Every text of the API's bodies that is rendered, with names in place of what CloudFormation fills in."""
    hub = json.loads(TEMPLATE.read_text())
    bodies = [each["Properties"].get("TemplateBody") for each in hub["Resources"].values() if each["Type"].endswith("StackSet")]
    for text in bodies:
        for resource in json.loads(text)["Resources"].values():
            if resource["Type"] == "AWS::ApiGateway::RestApi":
                yield from mapping_templates(resource["Properties"]["Body"])


def mapping_templates(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from mapping_templates(each)
    elif isinstance(node, Mapping):
        for name, value in node.items():
            if name in ("requestTemplates", "responseTemplates") and "gatewayresponse" not in str(node):
                yield from (filled(template) for template in value.values())
            elif name != "x-amazon-apigateway-gateway-responses":
                yield from mapping_templates(value)


def filled(template: Any) -> str:
    """Text, also where CloudFormation joins it from parts."""
    if isinstance(template, str):
        return template
    ((function, argument),) = template.items()
    if function == "Fn::Join":
        return str(argument[0]).join(filled(part) for part in argument[1])
    if function == "Fn::Sub":
        return argument if isinstance(argument, str) else str(argument[0])
    return f"<{argument}>"


def requests() -> Iterator[tuple[Any, str, Mapping[str, str]]]:
    """What each template is tried with: an answer of DynamoDB, the id in the path, the query."""
    yield from ((answer, IDS[0], {}) for answer in ANSWERS)
    yield from ((ANSWERS[-3], name, {}) for name in IDS)
    yield from ((answer, IDS[0], page) for page in PAGES for answer in ANSWERS[-4:-2])


def cases() -> list[dict[str, Any]]:
    context = {"requestId": "r-1", "responseOverride": {"header": {}}, "authorizer": {"claims": {"cognito:username": "ada"}}}
    variables = {"state": "States", "comments": "Comments", "primary": "us-east-1", "secondary": "ap-northeast-1", "appId": "app"}
    return [given(template, *request, context, variables) for template in sorted(set(templates())) for request in requests()]


def given(template: str, body: Any, name: str, query: Mapping[str, str], context: Any, variables: Any) -> dict[str, Any]:
    path = {"appId": name, "photoId": name}
    return {
        "template": template,
        "body": json.dumps(body),
        "path": path,
        "query": dict(query),
        "headers": {},
        "context": context,
        "stageVariables": variables,
    }
