"""`loss`: what an unplanned takeover lost, listed when the lost region is back, to make again or to let go."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from multiregion.cli.deployment import Authority
from multiregion.cli.state import moment, print_json
from multiregion.commands.layout import Entry, Fitting, counted, size_words
from multiregion.commands.options import DataOption, JsonOption
from multiregion.errors import InvalidInput

app = typer.Typer(no_args_is_help=True, help="What an unplanned takeover lost: list it, make it again, or let it go.")
console = Console(highlight=False)
IdsArgument = Annotated[list[str] | None, typer.Argument(help="Losses by id, as `loss list` shows them.", metavar="ID…")]
AllOption = Annotated[bool, typer.Option("--all", help="All that are pending.")]


@app.command("list", epilog="Examples: multiregion loss list · multiregion loss list --check")
def show(
    check: Annotated[bool, typer.Option("--check", help="Exit 1 while a loss waits for a decision, or a region does not answer.")] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """List every write that was acknowledged and then lost."""
    found = Authority.of(data).get("/operator/losses")
    pending = [loss for loss in found["losses"] if loss["outcome"] == "pending"]
    if json:
        print_json(found)
    else:
        print_losses(found, len(pending))
    if check and (pending or found["notAnswering"]):
        raise typer.Exit(1)


def print_losses(found: dict[str, Any], pending: int) -> None:
    for region in found["notAnswering"]:
        console.print(f"[yellow]![/] {region} cannot be asked. What it has lost is known when it is back.")
    if not found["losses"]:
        if not found["notAnswering"]:
            console.print("Nothing is known to be lost.")
        return
    console.print(losses_list(found["losses"]))
    for reason, ids in by_reason(found["losses"]).items():
        console.print(f"[dim]{ids[0]}{f' to {ids[-1]}' if len(ids) > 1 else ''}: {escape(reason)}[/]")
    if pending:
        again = any(loss["again"] and loss["outcome"] == "pending" for loss in found["losses"])
        console.print(f"\n{counted(pending, 'entry')} of the loss ledger to decide about:")
        if again:
            console.print("  make them again   multiregion loss apply --all    (or by ID)", soft_wrap=True)
        console.print("  let them go       multiregion loss discard --all  (or by ID)", soft_wrap=True)


def by_reason(losses: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The ids of each run of losses with one reason."""
    found: dict[str, list[str]] = {}
    for loss in losses:
        found.setdefault(loss["reason"], []).append(loss["id"])
    return found


def losses_list(losses: list[dict[str, Any]]) -> Fitting:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("id", "when", "who", "what", "size", ""):
        table.add_column(heading, justify="right" if heading == "size" else "left")
    for loss in losses:
        table.add_row(loss["id"], moment(loss["at"]), Text(loss["user"]), one_line(loss), size_words(loss["bytes"]), outcome(loss))
    return Fitting(table, map(entry, losses))


def entry(loss: dict[str, Any]) -> Entry:
    return [Text(loss["id"], "bold"), Text(moment(loss["at"])), Text(f"by {loss['user']}" if loss["user"] else ""), outcome(loss)], [
        one_line(loss)
    ]


def one_line(loss: dict[str, Any]) -> Text:
    return Text(" ".join(loss["what"].split()))


def outcome(loss: dict[str, Any]) -> Text:
    return Text(f"{loss['outcome']} by {loss['decidedBy']}") if loss["decidedBy"] else Text(loss["outcome"], "yellow")


@app.command("apply", epilog="Examples: multiregion loss apply 1.205 · multiregion loss apply --all")
def apply(
    ids: IdsArgument = None,
    all: AllOption = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what was written meanwhile.")] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Make lost writes again, as ordinary new ones at the current epoch. Exits 1 if one had to be kept back."""
    decide("apply", ids, all, data, json, force=force)


@app.command("discard", epilog="Examples: multiregion loss discard 1.205 · multiregion loss discard --all")
def discard(ids: IdsArgument = None, all: AllOption = False, data: DataOption = None, json: JsonOption = False) -> None:
    """Let lost writes go. They stay in the list, with who decided it."""
    decide("discard", ids, all, data, json)


def decide(verb: str, ids: list[str] | None, all: bool, data: DataOption, json: bool, **more: Any) -> None:
    if bool(ids) is all:
        raise InvalidInput("name the losses by id, or say --all", field="ids")
    events = Authority.of(data).order(f"/operator/losses/{verb}", ids=ids or None, **more)
    settled = [event["settled"] for event in events if "settled" in event]
    if json:
        print_json({"settled": settled})
    else:
        for each in settled:
            mark = "[yellow]![/]" if each["outcome"] == "kept" else "[green]✓[/]"
            console.print(f"{mark} {each['id']} {each['outcome']}  [dim]{escape(each['detail'])}[/]", soft_wrap=True)
        if not settled:
            console.print("Nothing was waiting for a decision.")
    if any(each["outcome"] == "kept" for each in settled):
        raise typer.Exit(1)
