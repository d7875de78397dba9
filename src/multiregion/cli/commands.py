"""Every command in one place, in the order of their help."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from multiregion import __version__
from multiregion.cli import default

PLACES = {
    "up": "up.up",
    "status": "status.status",
    "verify": "status.verify",
    "repair": "repair.repair",
    "state": "state.app",
    "failover": "state.failover",
    "failback": "state.failback",
    "switchover": "state.switchover",
    "loss": "losses.app",
    "user": "users.app",
    default.COMMAND: "default.app",
    "automatic": "authority.automatic",
    "authority": "authority.app",
    "chaos": "chaos.app",
    "drill": "drill.app",
    "serve": "up.serve",
    "aws": "aws.app",
}


def loaded(name: str) -> Any:
    module, _, attribute = PLACES[name].partition(".")
    found = getattr(import_module(f"multiregion.cli.{module}"), attribute)
    alone = typer.Typer(rich_markup_mode="rich", pretty_exceptions_enable=False, callback=lambda: None)
    if isinstance(found, typer.Typer):
        alone.add_typer(found, name=name)
    else:
        alone.command(name)(found)
    return get_group(alone).commands[name]


class Commands(TyperGroup):
    """Each is loaded when it is called, and all for their help. All take half a second."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*PLACES]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        for name in (cmd_name,) if cmd_name in PLACES else PLACES:  # all, so that one of them is suggested
            if name not in self.commands:
                self.add_command(loaded(name), name)
        return super().get_command(ctx, cmd_name)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Run an application in two regions, and prove that it survives losing one.",
    epilog="Start with [bold]multiregion up[/]. Every command exits 0 when what it was asked for is true, 1 when it is not,"
    " 2 when it was called wrongly.",
)


def show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"multiregion {__version__}")
        raise typer.Exit


@app.callback()
def root(version: bool = typer.Option(False, "--version", help="Show the version.", callback=show_version, is_eager=True)) -> None:
    pass
