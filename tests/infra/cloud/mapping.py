"""What API Gateway puts into a mapping template's reach: `$input`, `$util`, `$context`, `$stageVariables`."""

import base64
import json
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.infra.cloud.policies import NotModelled
from tests.infra.cloud.velocity import render

JSON_PATH = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d+)\]|\['([^']+)'\]")
ESCAPES = {"\b": "\\b", "\n": "\\n", "\t": "\\t", "\f": "\\f", "\r": "\\r", "'": "\\'", '"': '\\"', "\\": "\\\\", "/": "\\/"}


def at_path(document: Any, path: str) -> Any:
    """The value at a plain JSON path, or None."""
    rest = path[1:] if path.startswith("$") else "?"
    if rest not in ("", ".") and "".join(found[0] for found in JSON_PATH.finditer(rest)) != rest:
        raise NotModelled(f"the JSON path {path}")
    for name, index, quoted in JSON_PATH.findall(rest):
        if index and isinstance(document, list) and int(index) < len(document):
            document = document[int(index)]
        elif not index and isinstance(document, dict):
            document = document.get(name or quoted)
        else:
            return None
    return document


@dataclass(frozen=True)
class Input:
    """`$input`: the payload that a template is applied to, and the parameters of the request."""

    body: str
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def _document(self) -> Any:
        return json.loads(self.body) if self.body.strip() else {}

    def path(self, expression: str) -> Any:
        return at_path(self._document(), expression)

    def json(self, expression: str) -> str:
        return json.dumps(at_path(self._document(), expression), separators=(",", ":"), ensure_ascii=False)

    def params(self, name: str | None = None) -> Any:
        kinds = {"path": dict(self.path_parameters), "querystring": dict(self.query), "header": dict(self.headers)}
        if name is None:
            return kinds
        return next((values[name] for values in kinds.values() if name in values), "")


class Util:
    """`$util`, as the documentation of API Gateway describes it."""

    def escapeJavaScript(self, text: Any) -> str | None:
        return None if text is None else "".join(escaped(character) for character in str(text))

    def parseJson(self, text: str) -> Any:
        return json.loads(text)

    def urlEncode(self, text: str) -> str:
        return urllib.parse.quote_plus(text)

    def urlDecode(self, text: str) -> str:
        return urllib.parse.unquote_plus(text)

    def base64Encode(self, text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    def base64Decode(self, text: str) -> str:
        return base64.b64decode(text).decode()


def escaped(character: str) -> str:
    """Commons Lang's `escapeJavaScript`: the apostrophe, too, although JSON knows no such escape."""
    if character in ESCAPES:
        return ESCAPES[character]
    if " " <= character <= "~" or character == "\x7f":
        return character
    units = character.encode("utf-16-be", "surrogatepass").hex().upper()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def apply(template: str, given: Input, context: Mapping[str, Any], stage_variables: Mapping[str, str] | None = None) -> tuple[str, Any]:
    """The rendered text, and the context as the template left it (it may have overridden the status or headers)."""
    changed = json.loads(json.dumps(dict(context)))
    changed.setdefault("responseOverride", {"header": {}})
    scope = {"input": given, "util": Util(), "context": changed, "stageVariables": dict(stage_variables or {})}
    return render(template, scope), changed
