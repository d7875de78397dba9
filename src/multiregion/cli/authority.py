"""`authority recover`, and `automatic`: what operators say to the authority beside changes of state."""

import getpass
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from multiregion.cli.deployment import Authority
from multiregion.cli.state import ReasonOption, finish, moment, print_json
from multiregion.commands.options import DataOption, JsonOption

console = Console(highlight=False)
app = typer.Typer(no_args_is_help=True, help="The authority itself.")
automatic = typer.Typer(no_args_is_help=True, help="Automatic takeover: how it is, pause, resume, acknowledge.")


@app.command("recover", epilog="Examples: multiregion authority recover · multiregion authority recover --from us-east-1")
def recover(
    source: Annotated[
        str, typer.Option("--from", help="The region whose log counts. Without this: the newest.", metavar="REGION", show_default=False)
    ] = "",
    region_lost: Annotated[bool, typer.Option("--region-lost", help="The region that does not answer is lost: go on without it.")] = False,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Begin with nothing, though a database that was set aside has something.")
    ] = False,
    reason: ReasonOption = "",
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """The authority was lost, or restored from an old copy: begin a new history from the newest state that the regions know.

    If it was neither, and the files of a region were replaced by those of a copy of this deployment, name the other region with
    [bold]--from[/]: what only the copy has goes to [bold]multiregion loss list[/].

    The application is fenced then, and both regions obey. Go on with [bold]multiregion state set active[/], or, if the secondary wrote
    last, [bold]multiregion failover --writable[/].
    """
    order = {"regionLost": region_lost, "region": source, "acceptLoss": accept_loss, "reason": reason}
    finish(Authority.of(data).order("/operator/recover", **order), json)


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
    finish(Authority.of(data).order("/operator/accept-history", **order), json)


@automatic.command("status", epilog="Example: multiregion automatic status")
def status(data: DataOption = None, json: JsonOption = False) -> None:
    """Show whether takeover is automatic, and why there is none at the moment."""
    show(Authority.of(data).get("/operator/automatic"), json)


@automatic.command("pause", epilog="Example: multiregion automatic pause")
def pause(data: DataOption = None, json: JsonOption = False) -> None:
    """Take over no more until resumed; leases go on."""
    say("pause", data, json)


@automatic.command("resume", epilog="Example: multiregion automatic resume")
def resume(data: DataOption = None, json: JsonOption = False) -> None:
    """Take over again when need be."""
    say("resume", data, json)


@automatic.command("acknowledge", epilog="Example: multiregion automatic acknowledge")
def acknowledge(
    epoch: Annotated[int | None, typer.Option("--epoch", help="Only if this is the epoch of that takeover.", metavar="N")] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Say that you know of the last automatic takeover, which is shown; until then there is no other.

    If the primary is down then, another one follows at once: it is said so. Pause automatic takeover first if that must not be.
    """
    authority = Authority.of(data)
    found = authority.get("/operator/automatic")
    taken = found["takeover"]
    if epoch is None and taken is None:
        if not json:
            console.print("There is no automatic takeover to acknowledge.")
        show(found, json)
        return
    if taken and found["movesNow"] and not json:
        again(found)
    order = {"word": "acknowledge", "epoch": taken["epoch"] if epoch is None else epoch, "actor": getpass.getuser()}
    after = authority.post("/operator/automatic", **order)
    if taken and not json:
        console.print(f"[green]✓[/] Acknowledged: {told(taken)}.", soft_wrap=True)
    show(after, json)


def say(word: str, data: DataOption, json: bool) -> None:
    show(Authority.of(data).post("/operator/automatic", word=word, actor=getpass.getuser()), json)


def told(taken: dict[str, Any]) -> str:
    why = f", because: {escape(taken['reason'])}" if taken["reason"] else ""
    return f"the automatic takeover of {moment(taken['at'])}, epoch {taken['epoch']}{why}"


def again(found: dict[str, Any]) -> None:
    console.print(f"[yellow]![/] Once it is acknowledged, writing moves again at once: {escape(found['movesNow'])}.", soft_wrap=True)


def show(found: dict[str, Any], json: bool) -> None:
    if json:
        print_json(found)
        return
    if taken := found["takeover"]:
        console.print(f"[yellow]![/] Nobody has acknowledged {told(taken)}. There is no other until somebody does:", soft_wrap=True)
        console.print("  multiregion automatic acknowledge", soft_wrap=True)
        if found["movesNow"]:
            again(found)
    paused = ", [yellow]paused[/]" if found["paused"] else ""
    console.print(f"Failover is [bold]{found['mode']}[/]{paused}.")
    if found["waitsBecause"]:
        console.print(f"No takeover now: {escape(found['waitsBecause'])}.", soft_wrap=True)
    else:
        why = f": {escape(found['movesNow'])}" if found["movesNow"] else ""
        console.print(f"[yellow]![/] A takeover begins now, or has begun{why}. See: multiregion status", soft_wrap=True)
