"""The command `multiregion`: parse, call, print."""

import sys


def main() -> None:
    """Run a command. Exits 0 when what was asked for is true, 1 when it is not, 2 when it was called wrongly."""
    from multiregion.cli.commands import app
    from multiregion.errors import InvalidInput, MultiregionError

    try:
        app(prog_name="multiregion")
    except MultiregionError as error:
        from rich.console import Console

        Console(stderr=True, highlight=False).print(f"[bold red]{error.title}.[/] {escape(error.detail)}", soft_wrap=True)
        sys.exit(2 if isinstance(error, InvalidInput) else 1)
    except KeyboardInterrupt:
        sys.exit(130)


def escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)
