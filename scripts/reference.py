"""Writes the generated parts of the documentation and the API's document from the code, or checks them (`--check`)."""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
import typer.main

from multiregion import errors as errors_module
from multiregion.accounts import refusals
from multiregion.api.document import document as described
from multiregion.api.identity import NAMES
from multiregion.api.identity_operations import OperatorOperations, UserOperations
from multiregion.cli.commands import app
from multiregion.config import ENVIRONMENT_PREFIX
from multiregion.errors import MultiregionError
from multiregion.gallery import comments
from multiregion.gallery.application import openapi
from multiregion.gallery.settings import GallerySettings
from multiregion.status import Readiness, RegionStatus
from tests.acceptance.cells import cells
from tests.acceptance.expectations import lines_of_the_page

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference.md"
GUARANTEES = ROOT / "docs" / "guarantees.md"
OPENAPI = ROOT / "src" / "multiregion" / "api" / "openapi.json"
ERROR_MODULES = (errors_module.__name__, refusals.__name__, comments.__name__)
METHODS = ("get", "post", "put", "patch", "delete")


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def commands_of(group: Any) -> dict[str, Any]:
    return {name: group.get_command(None, name) for name in group.list_commands(None)}


def walk_commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its full name."""
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, child in sorted(commands_of(command).items()):
        if not child.hidden:
            yield from walk_commands(child, f"{path} {name}")


def parameters(command: Any, kind: str) -> list[Any]:
    return [each for each in command.params if each.param_type_name == kind and not getattr(each, "hidden", False)]


def argument_name(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    return name if argument.required else f"[{name}]"


def option_name(option: Any) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    return names if option.is_flag or not option.metavar else f"{names} {option.metavar}"


def plain(markup: str | None) -> str:
    """Help without the terminal's markup: what is bold there is code here."""
    return re.sub(r"\[bold\](.*?)\[/\]", r"`\1`", markup or "").strip()


def default_of(option: Any) -> str:
    """What an option is when it is not given, the environment variable that it is read from included."""
    value = option.show_default if isinstance(option.show_default, str) else option.default
    if option.is_flag or value in (None, "") or callable(value):
        value = None
    return " or ".join(f"`{each}`" for each in (option.envvar, value) if each is not None)


def command_section(path: str, command: Any) -> str:
    arguments = parameters(command, "argument")
    usage = " ".join([path, *map(argument_name, arguments)])
    rows = [[f"`{argument_name(each)}`", "", plain(each.help)] for each in arguments]
    rows += [[f"`{option_name(each)}`", default_of(each), plain(each.help)] for each in parameters(command, "option")]
    texts = [f"### {path}", f"`{usage}`", plain(command.help), plain(command.epilog), table(["option", "default", "what it does"], rows)]
    return "\n\n".join(text for text in texts if text)


def commands() -> str:
    return "\n".join(command_section(path, command) for path, command in walk_commands(typer.main.get_command(app), "multiregion"))


def endpoints() -> str:
    whole = described(openapi())
    rows = [
        [
            f"`{method.upper()} {path}`",
            "signed in" if operation.get("security") else "anyone",
            operation["summary"],
            ", ".join(operation["responses"]),
        ]
        for path, item in whole["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]
    return table(["call", "who", "what it does", "answers"], rows)


def error_tree(kind: type[MultiregionError] = MultiregionError) -> Iterator[type[MultiregionError]]:
    """The errors that `multiregion.errors` draws, and those of identity, each after the one it is a kind of."""
    yield kind
    ours = [child for child in kind.__subclasses__() if child.__module__ in ERROR_MODULES]
    for child in sorted(ours, key=lambda child: ERROR_MODULES.index(child.__module__)):  # not by who was imported first
        yield from error_tree(child)


def errors() -> str:
    rows = [[f"`{each.code}`", str(each.status), each.title, "yes" if each.definite else "no"] for each in error_tree()]
    return table(["code", "status", "what it says", "surely did not happen"], rows)


def operations() -> str:
    users = UserOperations.__new__(UserOperations).table()
    operators = OperatorOperations.__new__(OperatorOperations).table()
    rows = [[f"`{name}`", "users"] for name in sorted(users)] + [[f"`{name}`", "operators"] for name in sorted(operators)]
    return table(["operation", "for"], rows)


def sign_in_errors() -> str:
    return table(["`__type`", "status", "for"], [[f"`{name}`", str(status), f"`{kind.code}`"] for kind, name, status in NAMES])


def number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else value if isinstance(value, str) else f"{value:g}"


def settings() -> str:
    rows = [
        [f"`{ENVIRONMENT_PREFIX}{each.name.upper()}`", f"{number(each.default)} {each.metadata['unit']}", each.metadata["help"]]
        for each in fields(GallerySettings)
    ]
    return table(["variable", "default", "what it is"], rows)


def storage() -> str:
    head = ["what fails", "in", "writing", "a planned move away meanwhile", "an operator says", "the ledger lists"]
    return f"{len(list(cells()))} cells:\n\n{table(head, list(lines_of_the_page()))}"


Sections = Mapping[str, Callable[[], str]]
SECTIONS: Sections = {
    "commands": commands,
    "settings": settings,
    "endpoints": endpoints,
    "operations": operations,
    "errors": errors,
    "sign-in errors": sign_in_errors,
}
PAGES: Mapping[Path, Sections] = {REFERENCE: SECTIONS, GUARANTEES: {"storage": storage}}


def generated(page: Path, text: str) -> str:
    """`text` with everything between its markers written anew. Raises ValueError, naming the section, if a marker is missing."""
    for name, section in PAGES[page].items():
        start, end = f"<!-- generated: {name} -->\n", f"<!-- end: {name} -->"
        before, found, rest = text.partition(start)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"docs/{page.name} has no place for {name}")
        text = f"{before}{start}\n{section()}\n{end}{after}"
    return text


def document(text: str) -> str:
    """The API's document with the schemas of what a region says of itself, from the code."""
    document = json.loads(text)
    _, schemas = msgspec.json.schema_components([Readiness, RegionStatus], ref_template="#/components/schemas/{name}")
    for name, schema in schemas.items():
        document["components"]["schemas"][name] = {key: value for key, value in schema.items() if key != "title"}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 if a page is out of date")
    check = parser.parse_args().check
    pages = {page: (page.read_text(), generated(page, page.read_text())) for page in PAGES}
    pages[OPENAPI] = (OPENAPI.read_text(), document(OPENAPI.read_text()))
    old = [page for page, (text, fresh) in pages.items() if fresh != text]
    for page in old:
        if check:
            print(f"{page.relative_to(ROOT)} is out of date (make reference)", file=sys.stderr)
        else:
            page.write_text(pages[page][1])
    return 1 if check and old else 0


if __name__ == "__main__":
    sys.exit(main())
