"""The command `multiregion`: parse, call, print."""

import os
import sys


def main() -> None:
    """Run a command. Exits 0 when what was asked for is true, 1 when it is not, 2 when it was called wrongly."""
    try:  # around the imports too: they take half a second
        run()
    except KeyboardInterrupt:
        sys.exit(130)


def run() -> None:
    import multiregion.local  # noqa: F401  (first, so that httpx does not load its own command line)
    from multiregion.cli.commands import app
    from multiregion.errors import InvalidInput, MultiregionError

    try:
        refuse_unreadable(sys.argv)
        app(prog_name="multiregion")
    except MultiregionError as error:
        from rich.console import Console

        Console(stderr=True, highlight=False).print(f"[bold red]{error.title}.[/] {escape(error.detail)}", soft_wrap=True)
        sys.exit(2 if isinstance(error, InvalidInput) else 1)


def refuse_unreadable(arguments: list[str]) -> None:
    """What is not in UTF-8 can be put neither into a file of the deployment nor into a call."""
    from multiregion.errors import InvalidInput

    for argument in arguments:
        shown = os.fsencode(argument).decode(errors="replace")
        if shown != argument:
            raise InvalidInput(f"{shown} is not in UTF-8")


def escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)
