"""Mapping templates: the part of Velocity's language that they need, parsed strictly. Anything else is refused, not guessed."""

import re
from functools import lru_cache
from typing import Any

from tests.infra.cloud.policies import NotModelled
from tests.infra.cloud.velocity_tree import (
    Assignment,
    Binary,
    Block,
    Break,
    Choice,
    Expression,
    Interpolated,
    ListOf,
    Literal,
    Loop,
    MapOf,
    Not,
    Part,
    Reference,
    Step,
    Text,
)

REFERENCE = re.compile(r"\$(!?)(\{?)([A-Za-z][A-Za-z0-9_-]*)")
IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
DIRECTIVE = re.compile(r"#(?:\{(\w+)\}|([a-z]+))")
KNOWN = ("set", "if", "elseif", "else", "end", "foreach", "break")
REST_OF_LINE = re.compile(r"[ \t]*(\r\n|\n|\r)")
BLANK = re.compile(r"[ \t\r\n]*")
TOKEN = re.compile(r"==|!=|<=|>=|&&|\|\||[<>!+\-*/%]|\b(?:and|or|not|eq|ne|lt|gt|le|ge)\b")
WORDS = {"and": "&&", "or": "||", "not": "!", "eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">="}
PRECEDENCE = (("||",), ("&&",), ("==", "!="), ("<", ">", "<=", ">="), ("+", "-"), ("*", "/", "%"))


@lru_cache(maxsize=512)
def parse(template: str) -> Block:
    """Raises NotModelled with the place of what is not understood."""
    parser = Parser(template)
    block, ended_by = parser.block(())
    if ended_by:
        parser.refuse(f"#{ended_by} without a beginning")
    return block


def render(template: str, scope: dict[str, Any]) -> str:
    return parse(template).render(scope)


class Parser:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def refuse(self, why: str) -> Any:
        line = self.text.count("\n", 0, self.at) + 1
        raise NotModelled(f"mapping template, line {line}: {why} at {self.text[self.at : self.at + 40]!r}")

    # --- text and directives

    def block(self, until: tuple[str, ...]) -> tuple[Block, str]:
        """Parts up to one of the directives in `until` (which is consumed), or the end of the text."""
        parts: list[Part] = []
        text: list[str] = []

        def flush() -> None:
            if text:
                parts.append(Text("".join(text)))
                text.clear()

        while self.at < len(self.text):
            name = self.directive_name()
            if name in ("else", "elseif", "end"):
                if name not in until:
                    self.refuse(f"#{name} here")
                self.skip_directive(name)
                flush()
                return Block(parts), name
            part = self.part(name, text)
            if part is not None:
                flush()
                parts.append(part)
        flush()
        if until:
            self.refuse("the end of the template inside a directive")
        return Block(parts), ""

    def part(self, name: str, text: list[str]) -> Part | None:
        """The next part; or None when it was a character of text, which is added to `text`."""
        character = self.text[self.at]
        if character == "\\" and self.text[self.at + 1 : self.at + 2] in ("$", "#"):
            self.refuse("an escaped $ or #")
        if name:
            if name == "set" and not "".join(text).strip(" \t"):
                text.clear()  # Velocity takes blanks with it that stand alone before a #set
            return self.directive(name)
        if self.text.startswith("##", self.at):
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end + 1
            return Text("")
        if self.text.startswith("#*", self.at):
            end = self.text.find("*#", self.at)
            self.at = end + 2 if end >= 0 else self.refuse("a comment without an end")
            return Text("")
        if character == "$" and REFERENCE.match(self.text, self.at):
            return self.reference()
        if self.text[self.at :] in ("$", "#", "$!"):
            self.refuse("a sign that Velocity takes for the beginning of something")
        text.append(character)
        self.at += 1
        return None

    def directive_name(self) -> str:
        found = DIRECTIVE.match(self.text, self.at)
        if not found or self.text.startswith("##", self.at):
            return ""
        name = found[1] or found[2]
        if name in KNOWN:
            return name
        for known in ("else", "end"):  # `#elsetext` is an else, and text
            if name.startswith(known):
                return known
        return str(self.refuse(f"the directive #{name}")) if self.text[found.end() : found.end() + 1] == "(" else ""

    def skip_directive(self, name: str) -> None:
        braced = self.text.startswith(f"#{{{name}}}", self.at)
        self.at += len(name) + (3 if braced else 1)
        if name in ("else", "end"):
            self.rest_of_line()

    def rest_of_line(self) -> None:
        if found := REST_OF_LINE.match(self.text, self.at):
            self.at = found.end()

    def directive(self, name: str) -> Part:
        self.skip_directive(name)
        if name == "break":
            return Break()
        self.expect("(")
        return {"set": self.assignment, "if": self.choice, "foreach": self.loop}[name]()

    def assignment(self) -> Part:
        self.blank()
        target = self.reference()
        self.expect("=")
        expression = self.expression()
        self.close()
        return Assignment(target, expression)

    def choice(self) -> Part:
        branches = []
        otherwise = Block([])
        ended_by = "elseif"
        while ended_by == "elseif":
            condition = self.expression()
            self.close()
            block, ended_by = self.block(("elseif", "else", "end"))
            branches.append((condition, block))
            if ended_by == "elseif":
                self.expect("(")
        if ended_by == "else":
            otherwise, _ = self.block(("end",))
        return Choice(branches, otherwise)

    def loop(self) -> Part:
        self.blank()
        item = self.reference()
        self.blank()
        if not self.text.startswith("in", self.at):
            self.refuse("#foreach without `in`")
        self.at += 2
        items = self.expression()
        self.close()
        block, _ = self.block(("end",))
        return Loop(item.name, items, block)

    # --- references

    def reference(self) -> Reference:
        start = self.at
        found = REFERENCE.match(self.text, self.at) or self.refuse("a reference was expected")
        self.at = found.end()
        steps = []
        while (step := self.step()) is not None:
            steps.append(step)
        if found[2]:
            if not self.text.startswith("}", self.at):
                self.refuse("} was expected")
            self.at += 1
        return Reference(self.text[start : self.at], found[3], tuple(steps), quiet=bool(found[1]))

    def step(self) -> Step | None:
        if self.text.startswith("[", self.at):
            self.at += 1
            index = self.expression()
            self.expect("]")
            return Step(index=index)
        name = IDENTIFIER.match(self.text, self.at + 1) if self.text.startswith(".", self.at) else None
        if not name:
            return None
        self.at = name.end()
        if not self.text.startswith("(", self.at):
            return Step(name[0])
        self.at += 1
        arguments = self.listed(")")
        return Step(name[0], tuple(arguments))

    def listed(self, end: str) -> list[Expression]:
        items: list[Expression] = []
        self.blank()
        while not self.text.startswith(end, self.at):
            items.append(self.expression())
            self.blank()
            if self.text.startswith(",", self.at):
                self.at += 1
            elif not self.text.startswith(end, self.at):
                self.refuse(f"{end} was expected")
        self.at += len(end)
        return items

    # --- expressions

    def expression(self, level: int = 0) -> Expression:
        if level == len(PRECEDENCE):
            return self.unary()
        left = self.expression(level + 1)
        while (sign := self.sign()) in PRECEDENCE[level]:
            self.take_sign()
            left = Binary(sign, left, self.expression(level + 1))
        return left

    def sign(self) -> str:
        self.blank()
        found = TOKEN.match(self.text, self.at)
        return WORDS.get(found[0], found[0]) if found else ""

    def take_sign(self) -> None:
        found = TOKEN.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def unary(self) -> Expression:
        if self.sign() == "!":
            self.take_sign()
            return Not(self.unary())
        return self.primary()

    def primary(self) -> Expression:
        self.blank()
        character = self.text[self.at : self.at + 1]
        if character == "$":
            return self.reference()
        if character in ("'", '"'):
            return self.string(character)
        if character in ("(", "[", "{"):
            self.at += 1
            return {"(": self.grouped, "[": self.list, "{": self.map}[character]()
        if found := re.compile(r"-?\d+(?![\d.])|\btrue\b|\bfalse\b").match(self.text, self.at):
            self.at = found.end()
            return Literal({"true": True, "false": False}.get(found[0]) if found[0].isalpha() else int(found[0]))
        expression: Expression = self.refuse("an expression was expected")
        return expression

    def grouped(self) -> Expression:
        inner = self.expression()
        self.expect(")")
        return inner

    def list(self) -> Expression:
        return ListOf(tuple(self.listed("]")))

    def map(self) -> Expression:
        entries = []
        self.blank()
        while not self.text.startswith("}", self.at):
            key = self.expression()
            self.expect(":")
            entries.append((key, self.expression()))
            self.blank()
            if self.text.startswith(",", self.at):
                self.at += 1
            self.blank()
        self.at += 1
        return MapOf(tuple(entries))

    def string(self, quote: str) -> Expression:
        end = self.text.find(quote, self.at + 1)
        if end < 0 or self.text.startswith(quote * 2, end):
            self.refuse("a string without an end, or with a doubled quote")
        inner = self.text[self.at + 1 : end]
        self.at = end + 1
        if quote == "'" or not ("$" in inner or "#" in inner):
            return Literal(inner)
        return Interpolated(parse(inner))

    def blank(self) -> None:
        found = BLANK.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def expect(self, character: str) -> None:
        self.blank()
        if not self.text.startswith(character, self.at):
            self.refuse(f"{character} was expected")
        self.at += 1

    def close(self) -> None:
        """The end of a directive's parentheses takes the line's end with it."""
        self.expect(")")
        self.rest_of_line()
