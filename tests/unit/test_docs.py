"""The documentation names everything that users can type, set, call or be told, and nothing that is not there."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer.main

from multiregion.api.document import document
from multiregion.cli.commands import app
from multiregion.config import Settings
from multiregion.errors import MultiregionError
from multiregion.gallery.application import openapi
from scripts.reference import GUARANTEES, METHODS, REFERENCE, commands_of, error_tree, generated, walk_commands
from scripts.reference import PAGES as GENERATED

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^( *)```[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODES = {kind.code for kind in error_tree(MultiregionError)}


def expected_lines() -> Iterator[str]:
    """What has to stand in the reference, each as the start of a line of its own."""
    yield from (f"### {path}\n" for path, _ in walk_commands(typer.main.get_command(app), "multiregion"))
    yield from (f"| `MULTIREGION_{each.name.upper()}` |" for each in fields(Settings))
    yield from (f"| `{code}` |" for code in CODES)
    for path, item in document(openapi())["paths"].items():
        yield from (f"| `{method.upper()} {path}` |" for method in METHODS if method in item)


def missing(text: str) -> list[str]:
    return [line for line in expected_lines() if f"\n{line}" not in text]


def test_everything_has_its_line_in_the_reference() -> None:
    assert missing(REFERENCE.read_text()) == []


@pytest.mark.parametrize("line", ["### multiregion status\n", "| `fenced` |", "| `GET /photos` |", "| `MULTIREGION_TICKET_SECONDS` |"])
def test_a_missing_line_is_found(line: str) -> None:
    assert missing(REFERENCE.read_text().replace(f"\n{line}", "\n")) == [line]


@pytest.mark.parametrize("page", GENERATED, ids=lambda page: page.name)
def test_what_is_generated_is_up_to_date(page: Path) -> None:
    text = page.read_text()
    assert generated(page, text) == text, "run make reference"


@pytest.mark.parametrize(
    ("page", "there", "edited"),
    [(REFERENCE, "| `fenced` | 409 |", "| `fenced` | 410 |"), (GUARANTEES, "| the other region: lost or", "| the other region: gone or")],
)
def test_a_hand_edited_page_is_found(page: Path, there: str, edited: str) -> None:
    text = page.read_text()
    assert there in text
    assert generated(page, text.replace(there, edited)) == text


@pytest.mark.parametrize(("page", "name"), [(page, name) for page, sections in GENERATED.items() for name in sections])
def test_a_page_without_a_place_for_a_section_is_refused(page: Path, name: str) -> None:
    with pytest.raises(ValueError, match=f"no place for {name}"):
        generated(page, page.read_text().replace(f"<!-- end: {name} -->", ""))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made where the pages are read."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(page.read_text())}


def broken_links(page: Path, text: str) -> Iterator[str]:
    for link in LINK.findall(text):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert list(broken_links(page, page.read_text())) == []


@pytest.mark.parametrize("link", ["nowhere.md", "concepts.md#no-such-heading", "#no-such-heading"])
def test_a_broken_link_is_found(link: str) -> None:
    assert list(broken_links(ROOT / "docs" / "start.md", f"[x]({link}) [y](concepts.md#the-state)")) == [link]


def code(text: str) -> Iterator[str]:
    """Lines of fenced blocks, and inline code."""
    for _, block in FENCED.findall(text):
        yield from (line.strip() for line in block.splitlines())
    yield from INLINE.findall(FENCED.sub("", text))


def words_of(line: str) -> list[str]:
    """What is typed after `multiregion`, or nothing if the line is no such command."""
    program, _, rest = line.partition(" ")
    if program.removeprefix(".venv/bin/") != "multiregion" or "…" in rest or ":" in rest.partition(" ")[0]:
        return []
    return shlex.split(rest, comments=True)


def option_names(command: Any) -> set[str]:
    return {"--help"}.union(*([*each.opts, *each.secondary_opts] for each in command.params))


def unknown(line: str) -> Iterator[str]:
    """What a command line of the documentation asks for that the program does not have."""
    command: Any = typer.main.get_command(app)
    words = words_of(line)
    while words and hasattr(command, "commands"):
        word = words.pop(0)
        found = commands_of(command)
        if word not in found:
            yield word
            return
        command = found[word]
    yield from (word for word in words if word.startswith("--") and word.partition("=")[0] not in option_names(command))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_the_documentation_exist(page: Path) -> None:
    assert [f"{word} in {line}" for line in code(page.read_text()) for word in unknown(line)] == []


@pytest.mark.parametrize("line", ["multiregion fly", ".venv/bin/multiregion state fly", "multiregion status --fly"])
def test_a_command_that_does_not_exist_is_found(line: str) -> None:
    assert list(unknown(next(code(f"```\n{line}\n```\n")))) == [re.split(r"[ ]", line)[-1]]


def verbs() -> set[str]:
    return set(re.findall(r"^([a-z]+):.* ## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_verbs_in_the_documentation_exist(page: Path) -> None:
    named = {match[1] for line in code(page.read_text()) if (match := re.match(r"make ([a-z]+)", line))}
    assert named <= verbs()


def test_error_codes_in_the_guarantees_exist() -> None:
    text = (ROOT / "docs" / "guarantees.md").read_text()
    named = set(re.findall(r"^\| \d{3} `(\w+)`", text, re.MULTILINE))
    assert named
    assert named <= CODES
