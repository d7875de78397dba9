"""What a mapping template is made of, and what each part comes to. The golden vectors of Velocity 1.7 say whether it is right."""

import operator
import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tests.infra.cloud.policies import NotModelled

Scope = MutableMapping[str, Any]


class Part(Protocol):
    def render(self, scope: Scope) -> str: ...


class Expression(Protocol):
    def value(self, scope: Scope) -> Any: ...


def shown(value: Any) -> str:
    """As Java prints it. A map or a list in the output is surely a mistake of the template."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    raise NotModelled(f"printing {type(value).__name__} {value!r}")


@dataclass(frozen=True)
class Text:
    text: str

    def render(self, scope: Scope) -> str:
        return self.text


class LoopEnded(Exception):
    """`#break`; `text` is what the blocks inside the loop had rendered until then."""

    text = ""


@dataclass(frozen=True)
class Break:
    def render(self, scope: Scope) -> str:
        raise LoopEnded


@dataclass(frozen=True)
class Block:
    parts: Sequence[Part]

    def render(self, scope: Scope) -> str:
        out: list[str] = []
        try:
            out.extend(part.render(scope) for part in self.parts)
        except LoopEnded as ended:
            ended.text = "".join(out) + ended.text
            raise
        return "".join(out)


@dataclass(frozen=True)
class Literal:
    constant: Any

    def value(self, scope: Scope) -> Any:
        return self.constant


@dataclass(frozen=True)
class Interpolated:
    """A string in double quotes."""

    block: Block

    def value(self, scope: Scope) -> Any:
        return self.block.render(scope)


@dataclass(frozen=True)
class ListOf:
    items: Sequence[Expression]

    def value(self, scope: Scope) -> Any:
        return [item.value(scope) for item in self.items]


@dataclass(frozen=True)
class MapOf:
    entries: Sequence[tuple[Expression, Expression]]

    def value(self, scope: Scope) -> Any:
        return {key.value(scope): value.value(scope) for key, value in self.entries}


@dataclass(frozen=True)
class Step:
    """`.name`, `.name(arguments)` or `[index]` after a reference."""

    name: str = ""
    arguments: Sequence[Expression] | None = None
    index: Expression | None = None

    def of(self, owner: Any, scope: Scope) -> Any:
        if owner is None:
            return None
        if self.index is not None:
            return element(owner, self.index.value(scope))
        if self.arguments is None:
            return attribute(owner, self.name)
        return call(owner, self.name, [argument.value(scope) for argument in self.arguments])


@dataclass(frozen=True)
class Reference:
    """`$name…`. Printed as it stands in the template where it has no value, unless it is quiet (`$!name`)."""

    source: str
    name: str
    steps: Sequence[Step]
    quiet: bool

    def value(self, scope: Scope) -> Any:
        found = scope.get(self.name)
        for step in self.steps:
            found = step.of(found, scope)
        return found

    def render(self, scope: Scope) -> str:
        found = self.value(scope)
        if found is None:
            return "" if self.quiet else self.source
        return shown(found)


@dataclass(frozen=True)
class Assignment:
    target: Reference
    expression: Expression

    def render(self, scope: Scope) -> str:
        value = self.expression.value(scope)
        if value is None:
            return ""  # Velocity leaves the target as it was
        if not self.target.steps:
            scope[self.target.name] = value
            return ""
        owner = Reference("", self.target.name, self.target.steps[:-1], quiet=True).value(scope)
        last = self.target.steps[-1]
        if not isinstance(owner, dict) or last.arguments is not None:
            raise NotModelled(f"#set of {self.target.source}")
        owner[last.index.value(scope) if last.index is not None else last.name] = value
        return ""


@dataclass(frozen=True)
class Choice:
    branches: Sequence[tuple[Expression, Block]]
    otherwise: Block

    def render(self, scope: Scope) -> str:
        for condition, block in self.branches:
            if truth(condition.value(scope)):
                return block.render(scope)
        return self.otherwise.render(scope)


@dataclass(frozen=True)
class Loop:
    name: str
    items: Expression
    block: Block

    def render(self, scope: Scope) -> str:
        found = self.items.value(scope)
        items = list(found.values()) if isinstance(found, Mapping) else list(found or [])
        outer = {each: scope.get(each) for each in (self.name, "foreach")}
        out = []
        for index, item in enumerate(items):
            last = index + 1 == len(items)
            scope[self.name] = item
            scope["foreach"] = {"index": index, "count": index + 1, "hasNext": not last, "first": index == 0, "last": last}
            try:
                out.append(self.block.render(scope))
            except LoopEnded as ended:
                out.append(ended.text)
                break
        for name, value in outer.items():
            scope.pop(name, None) if value is None else scope.update({name: value})
        return "".join(out)


@dataclass(frozen=True)
class Not:
    expression: Expression

    def value(self, scope: Scope) -> Any:
        return not truth(self.expression.value(scope))


@dataclass(frozen=True)
class Binary:
    sign: str
    left: Expression
    right: Expression

    def value(self, scope: Scope) -> Any:
        if self.sign == "&&":
            return truth(self.left.value(scope)) and truth(self.right.value(scope))
        if self.sign == "||":
            return truth(self.left.value(scope)) or truth(self.right.value(scope))
        left, right = self.left.value(scope), self.right.value(scope)
        if self.sign in ("==", "!="):
            return equal(left, right) == (self.sign == "==")
        if self.sign in COMPARISONS:
            return is_number(left) and is_number(right) and COMPARISONS[self.sign](left, right)
        return arithmetic(self.sign, left, right)


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}


def truth(value: Any) -> bool:
    return value if isinstance(value, bool) else value is not None


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def equal(left: Any, right: Any) -> bool:
    if left is None or right is None:
        return left is right
    if is_number(left) and is_number(right):
        return bool(left == right)
    if type(left) is type(right):
        return bool(left == right)
    return shown(left) == shown(right)


def arithmetic(sign: str, left: Any, right: Any) -> Any:
    if sign == "+" and (isinstance(left, str) or isinstance(right, str)):
        return shown(left) + shown(right)
    if not (isinstance(left, int) and isinstance(right, int)):
        return None if left is None or right is None else _unmodelled(f"{left!r} {sign} {right!r}")
    if sign in "/%" and right == 0:
        return None
    quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1) if sign in "/%" else 0
    return {"+": left + right, "-": left - right, "*": left * right, "/": quotient, "%": left - quotient * right}[sign]


def _unmodelled(what: str) -> Any:
    raise NotModelled(what)


def element(owner: Any, index: Any) -> Any:
    if isinstance(owner, Mapping):
        return owner.get(index)
    if isinstance(owner, list) and isinstance(index, int):
        return owner[index] if -len(owner) <= index < len(owner) else _unmodelled(f"index {index} of {len(owner)}")
    return _unmodelled(f"[{index!r}] of {type(owner).__name__}")


def attribute(owner: Any, name: str) -> Any:
    if isinstance(owner, Mapping):
        return owner.get(name)
    if isinstance(owner, str | int | list):
        return None  # has no such getter
    return getattr(owner, name)


def call(owner: Any, name: str, arguments: list[Any]) -> Any:
    kind = "map" if isinstance(owner, Mapping) else "list" if isinstance(owner, list) else "string" if isinstance(owner, str) else ""
    if kind:
        if (kind, name) not in METHODS:
            raise NotModelled(f"{name}() of a {kind}")
        return METHODS[kind, name](owner, *arguments)
    if is_number(owner) or isinstance(owner, bool):
        return shown(owner) if name == "toString" else _unmodelled(f"{name}() of {owner!r}")
    return getattr(owner, name)(*arguments)


def java_units(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def substring(text: str, start: int, end: int | None = None) -> str:
    return java_units(text)[2 * start : None if end is None else 2 * end].decode("utf-16-le", "surrogatepass")


def replace_all(text: str, pattern: str, replacement: str) -> str:
    """Java's, where `$1` is a group and a backslash takes the next character as it is."""
    pieces = re.findall(r"\\(.)|\$(\d)|([^\\$])", replacement, re.DOTALL)
    return re.sub(
        pattern, lambda found: "".join(found.group(int(group)) if group else escaped or plain for escaped, group, plain in pieces), text
    )


METHODS: dict[tuple[str, str], Callable[..., Any]] = {
    ("string", "concat"): lambda text, other: text + other,
    ("string", "contains"): lambda text, other: other in text,
    ("string", "endsWith"): lambda text, other: text.endswith(other),
    ("string", "equals"): lambda text, other: text == other,
    ("string", "equalsIgnoreCase"): lambda text, other: text.lower() == other.lower(),
    ("string", "indexOf"): lambda text, other: len(java_units(text.partition(other)[0])) // 2 if other in text else -1,
    ("string", "isEmpty"): lambda text: text == "",
    ("string", "length"): lambda text: len(java_units(text)) // 2,
    ("string", "matches"): lambda text, pattern: re.fullmatch(pattern, text, re.ASCII) is not None,
    ("string", "replace"): lambda text, old, new: text.replace(old, new),
    ("string", "replaceAll"): replace_all,
    ("string", "split"): lambda text, pattern: re.split(pattern, text),
    ("string", "startsWith"): lambda text, other: text.startswith(other),
    ("string", "substring"): substring,
    ("string", "toLowerCase"): lambda text: text.lower(),
    ("string", "toString"): lambda text: text,
    ("string", "toUpperCase"): lambda text: text.upper(),
    ("string", "trim"): lambda text: text.strip("".join(map(chr, range(33)))),
    ("map", "containsKey"): lambda owner, key: key in owner,
    ("map", "entrySet"): lambda owner: [{"key": key, "value": value} for key, value in owner.items()],
    ("map", "get"): lambda owner, key: owner.get(key),
    ("map", "isEmpty"): lambda owner: not owner,
    ("map", "keySet"): lambda owner: list(owner),
    ("map", "size"): len,
    ("list", "contains"): lambda owner, item: item in owner,
    ("list", "get"): lambda owner, index: element(owner, index),
    ("list", "isEmpty"): lambda owner: not owner,
    ("list", "size"): len,
}
