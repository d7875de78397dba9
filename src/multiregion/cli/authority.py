"""`authority recover`, and `automatic`: what operators say to the authority beside changes of state."""

import getpass
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from multiregion.cli.deployment import Authority, DataOption, JsonOption, open_deployment
from multiregion.cli.state import ReasonOption, finish, print_json

console = Console(highlight=False)
app = typer.Typer(no_args_is_help=True, help="The authority itself.")
automatic = typer.Typer(no_args_is_help=True, help="Automatic takeover: how it is, pause, resume, acknowledge.")


@app.command("recover", epilog="Examples: multiregion authority recover · multiregion authority recover --region-lost")
def recover(
    region_lost: Annotated[bool, typer.Option("--region-lost", help="The region that does not answer is lost: go on without it.")] = False,
    reason: ReasonOption = "",
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """The authority was lost, or restored from an old copy: begin a new history from the newest state that the regions know.

    The application is fenced then, and both regions obey. Go on with [bold]multiregion state set active[/], or, if the secondary wrote
    last, [bold]multiregion failover --writable[/].
    """
    finish(Authority(open_deployment(data)).order("/operator/recover", regionLost=region_lost, reason=reason), json)


@app.command("accept-history", epilog="Example: multiregion authority accept-history us-east-1")
def accept_history(
    region: Annotated[str, typer.Argument(help="The region that waits to lead.")],
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Give up more than the limit, or what a set-aside database has.")
    ] = False,
    reason: ReasonOption = "",
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """A region waits, because it lacks writes that are known of: go on with the history that it has. What is missing is then in
    [bold]multiregion loss list[/]. Says first what is given up.

    Refused, with nothing changed, if the other region answers and has it: mend the line between the regions then.
    """
    order = {"region": region, "acceptLoss": accept_loss, "reason": reason}
    finish(Authority(open_deployment(data)).order("/operator/accept-history", **order), json)


@automatic.command("status", epilog="Example: multiregion automatic status")
def status(data: DataOption = None, json: JsonOption = False) -> None:
    """Show whether takeover is automatic, and why there is none at the moment."""
    show(Authority(open_deployment(data)).get("/operator/automatic"), json)


@automatic.command("pause", epilog="Example: multiregion automatic pause")
def pause(data: DataOption = None, json: JsonOption = False) -> None:
    """Take over no more until resumed; leases go on."""
    say("pause", data, json)


@automatic.command("resume", epilog="Example: multiregion automatic resume")
def resume(data: DataOption = None, json: JsonOption = False) -> None:
    """Take over again when need be."""
    say("resume", data, json)


@automatic.command("acknowledge", epilog="Example: multiregion automatic acknowledge")
def acknowledge(data: DataOption = None, json: JsonOption = False) -> None:
    """Say that you know of the last automatic takeover; until then there is no other."""
    say("acknowledge", data, json)


def say(word: str, data: DataOption, json: bool) -> None:
    show(Authority(open_deployment(data)).post("/operator/automatic", word=word, actor=getpass.getuser()), json)


def show(found: dict[str, Any], json: bool) -> None:
    if json:
        print_json(found)
        return
    if found["unacknowledged"]:
        console.print("[yellow]![/] There has been an automatic takeover, and there is no other until somebody says that they know of it:")
        console.print("  multiregion automatic acknowledge", soft_wrap=True)
    paused = ", [yellow]paused[/]" if found["paused"] else ""
    console.print(f"Failover is [bold]{found['mode']}[/]{paused}.")
    if found["waitsBecause"]:
        console.print(f"No takeover now: {escape(found['waitsBecause'])}.")
    else:
        console.print("[yellow]![/] A takeover has begun, and goes on: multiregion status")
