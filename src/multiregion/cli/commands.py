"""Every command in one place, in the order of their help."""

import typer

from multiregion import __version__
from multiregion.cli import authority, aws, chaos, default, drill, losses, repair, state, status, up, users

app = typer.Typer(
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


app.command("up")(up.up)
app.command("status")(status.status)
app.command("verify")(status.verify)
app.command("repair")(repair.repair)
app.add_typer(state.app, name="state")
app.command("failover")(state.failover)
app.command("failback")(state.failback)
app.command("switchover")(state.switchover)
app.add_typer(losses.app, name="loss")
app.add_typer(users.app, name="user")
app.add_typer(default.app, name=default.COMMAND)
app.add_typer(authority.automatic, name="automatic")
app.add_typer(authority.app, name="authority")
app.add_typer(chaos.app, name="chaos")
app.add_typer(drill.app, name="drill")
app.command("serve")(up.serve)
app.add_typer(aws.app, name="aws")
