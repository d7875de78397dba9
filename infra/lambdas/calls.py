"""One request as API Gateway hands it over, and its fields, checked with words that name the field and its limit."""

import base64
import json
import re
from typing import Any

from infra.lambdas.problems import Problem, invalid
from infra.lambdas.shared import BODY_BYTES_MAX, CONTROL, ID, PAGE, PAGE_MAX


class Call:
    """One request, as API Gateway hands it over."""

    def __init__(self, event: Any) -> None:
        self.method, self.resource = event["httpMethod"], event["resource"]
        self.path, self.query = event.get("pathParameters") or {}, event.get("queryStringParameters") or {}
        claims = event["requestContext"]["authorizer"]["claims"]
        self.user = claims["cognito:username"]
        self.groups = re.split(r"[\s,\[\]]+", claims.get("cognito:groups", ""))
        self.headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        self.raw, self.encoded = event.get("body") or "", event.get("isBase64Encoded")

    @property
    def body(self) -> Any:
        data = base64.b64decode(self.raw) if self.encoded else self.raw.encode("utf-8", "surrogatepass")
        if len(data) > BODY_BYTES_MAX:
            raise Problem(413, "too_large", f"the body is larger than {BODY_BYTES_MAX} bytes", field="body", limit=BODY_BYTES_MAX)
        try:
            body = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise invalid("body", f"the body is not valid JSON in UTF-8: {error}") from error
        if not isinstance(body, dict):
            raise invalid("body", "the body must be a JSON object")
        return body

    @property
    def epoch(self) -> int | None:
        """The epoch that the client says it decided under."""
        given = self.headers.get("multiregion-epoch")
        if given is not None and not re.fullmatch(r"[0-9]{1,15}", given):
            raise invalid("Multiregion-Epoch", "Multiregion-Epoch must be a whole number")
        return None if given is None else int(given)

    def page(self) -> Any:
        limit, after = self.query.get("limit", str(PAGE)), self.query.get("after", "")
        if not re.fullmatch(r"[0-9]{1,15}", limit, re.ASCII) or not 1 <= int(limit) <= PAGE_MAX:
            raise invalid("limit", f"limit must be a whole number from 1 to {PAGE_MAX}", limit=PAGE_MAX)
        if after and not re.fullmatch(rf"[0-9TZ:.-]{{24}}~{ID}", after):
            raise invalid("after", "after must be the `next` of an earlier page")
        return int(limit), after


def given(body: Any, name: str, inside: str = "") -> Any:
    """A field that must be there; if it is missing, what is wrong is the object around it."""
    if name not in body:
        raise invalid(inside.rstrip(".") or "body", f"the field {inside}{name} is missing")
    return body[name]


def matched(body: Any, name: str, pattern: str, *, required: bool = False, inside: str = "") -> Any:
    value = given(body, name, inside) if required else body.get(name)
    if name not in body:
        return None
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise invalid(inside + name, f"{inside}{name} must be a string like {pattern}")
    return value


def text(body: Any, name: str, most: int, default: str | None = None) -> Any:
    value = given(body, name) if default is None else body.get(name, default)
    if not isinstance(value, str):
        raise invalid(name, f"{name} must be a string")
    if len(value) > most:
        raise invalid(name, f"{name} has {len(value)} characters; at most {most} are taken", limit=most)
    if found := re.search(CONTROL, value):
        raise invalid(name, f"{name} contains the control character U+{ord(found[0]):04X}; only line breaks and tabs are taken")
    return value


def whole(body: Any, name: str, *, required: bool = False, inside: str = "") -> Any:
    value = given(body, name, inside) if required else body.get(name)
    if name not in body:
        return None
    if type(value) is not int or value < 1:
        raise invalid(inside + name, f"{inside}{name} must be a whole number of at least 1")
    return value
