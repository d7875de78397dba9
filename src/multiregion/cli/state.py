"""`state get`, `state set`, `failover`, `failback`: what the application points to, and how that changes."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console, Group
from rich.markup import escape
from rich.text import Text

from multiregion.cli.deployment import Authority
from multiregion.clock import SystemClock
from multiregion.commands.layout import Entry, counted, dim, stacked
from multiregion.commands.options import DataOption, JsonOption
from multiregion.drills.experience import PLANNED, TAKEOVER, last_drill
from multiregion.errors import MultiregionError
from multiregion.states import parse_state

app = typer.Typer(no_args_is_help=True, help="Show or change the application's state.")
console = Console(highlight=False)
warnings = Console(stderr=True, highlight=False)

LostOption = Annotated[bool, typer.Option("--region-lost", help="The region that serves now is lost: take over without it.")]
AcceptOption = Annotated[bool, typer.Option("--accept-loss", help="Go on even if more than the limit may be lost.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept in the history.", metavar="TEXT")]
MARKS = {"done": "[green]✓[/]", "not needed": "[dim]–[/]", "not confirmed": "[yellow]![/]"}
AFTER_TAKEOVER = "When the lost region is back, it follows this one; what was lost is then in: multiregion loss list"
TELL_SECONDS = 2.0
"""How long an order waits to say what the last drill measured."""
STATE_STYLES = {"active": "green", "fenced": "yellow", "failover": "magenta"}


@app.command("get", epilog="Example: multiregion state get --json")
def get(data: DataOption = None, json: JsonOption = False) -> None:
    """Show the state that the authority decided last."""
    state = Authority.of(data).get("/operator/state")
    if json:
        print_json(state)
    else:
        console.print(sentence(state))


@app.command("set", epilog="Examples: multiregion state set fenced --reason 'nightly maintenance' · multiregion state set active")
def set_state(
    state: Annotated[str, typer.Argument(help="active, fenced or failover (case-sensitive).")],
    reason: ReasonOption = "",
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Change the state at once, as in the guide's Appendix A.

    [bold]active[/]: reading and writing in the primary. [bold]fenced[/]: reading in the primary, writing nowhere.
    [bold]failover[/]: reading in the secondary, writing nowhere. For a switch that waits until both regions are equal
    use failover and failback.
    """
    parse_state(state)
    finish(Authority.of(data).order("/operator/state", state=state, reason=reason), json)


@app.command("history", epilog="Example: multiregion state history")
def history(
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many entries to show.", metavar="N")] = 50,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Show who changed the state, when and why, newest first, and what else was decided: about losses, and automatic takeover.

    Decisions about many losses in a row are one entry, with their number; multiregion loss list shows each.
    """
    found = Authority.of(data).get(f"/operator/history?limit={limit}")
    if json:
        print_json(found)
    else:
        console.print(history_list(found["history"]))


def history_list(lines: list[dict[str, Any]]) -> Group:
    return stacked([told(line) for line in lines])


def told(line: dict[str, Any]) -> Entry:
    """One entry of the history: when, at which epoch, what and who; below that why, and what a takeover knew."""
    is_state = line["what"] == "state"
    what = (
        Text(line["state"], f"bold {STATE_STYLES[line['state']]}")
        if is_state
        else Text(": ".join(filter(None, (line["what"], line["reason"]))))
    )
    cells = [Text(moment(line["at"])), Text(f"epoch {line['epoch']}"), what, Text(f"by {line['actor']}")]
    details = [dim(line["reason"])] if is_state and line["reason"] else []
    if towards := line["facts"].get("towards"):
        details.append(dim(f"on the way to {towards['state']}{', writable' * towards['writable']}"))
    if "watermark" in line["facts"]:
        details.append(dim(*takeover_facts(line["facts"])))
    if line["what"] == "loss":
        details.append(dim(line["facts"]["record"] if line["count"] == 1 else counted(line["count"], "lost write")))
    return cells, details


def takeover_facts(facts: dict[str, Any]) -> Iterator[str]:
    """What was known when a region took over."""
    yield f"took over after change {facts['watermark']['sequence']}"
    lost = facts["predictedLoss"]
    if lost is None:
        yield "what it lost was unknown, or nothing"
    else:
        seconds = "an unknown time" if lost["seconds"] is None else f"the last {lost['seconds']:.1f} s"
        yield f"missing then: {counted(lost['changes'], 'known change')}, and {seconds}"
        yield from (f"{each['what']} of {each['user']}" for each in lost.get("credentials", ()))
        yield from on_the_way(lost)
    if facts["acceptedLoss"]:
        yield "loss accepted"


def on_the_way(found: dict[str, Any]) -> Iterator[str]:
    """The uploads that no record speaks of yet, by the application's word for them."""
    for kind, count in (found.get("uploadsInFlight") or {}).items():
        if count:
            yield f"{counted(count, kind.removesuffix('s'))} on the way in"


def moment(at: str) -> str:
    return f"{at[:19].replace('T', ' ')} UTC"


def failover(
    writable: Annotated[bool, typer.Option("--writable", help="Let the secondary take writes; they come home at failback.")] = False,
    region_lost: LostOption = False,
    accept_loss: AcceptOption = False,
    reason: ReasonOption = "",
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Point the application at the secondary region: fence, drain, verify, hand over. Loses nothing.

    The secondary then serves everything read-only, as in the guide, or takes writes with [bold]--writable[/]. If the primary is lost,
    [bold]--region-lost[/] takes over without it: what would be lost is shown first, and what was lost is listed when it returns
    (multiregion loss list). Interrupted, run it again: it goes on from where it was.
    """
    authority = Authority.of(data)
    if not json:
        tell_last_drill(authority, region_lost)
    order = {"writable": writable, "regionLost": region_lost, "acceptLoss": accept_loss, "reason": reason}
    finish(authority.order("/operator/failover", **order), json, lost=region_lost)


def failback(
    region_lost: LostOption = False,
    accept_loss: AcceptOption = False,
    reason: ReasonOption = "",
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Return the application to the primary region, where it reads and writes: fence, drain, verify, hand over.

    What was written in the secondary meanwhile comes home first. With [bold]--region-lost[/] the secondary is given up as lost.
    """
    authority = Authority.of(data)
    if not json:
        tell_last_drill(authority, region_lost)
    order = {"regionLost": region_lost, "acceptLoss": accept_loss, "reason": reason}
    finish(authority.order("/operator/failback", **order), json, lost=region_lost)


def tell_last_drill(authority: Authority, region_lost: bool) -> None:
    """What the last drill of such an order measured. Never in the order's way."""
    try:
        lines = authority.get("/operator/drills", seconds=TELL_SECONDS)["drills"]
    except MultiregionError:
        return
    if said := last_drill(lines, TAKEOVER if region_lost else PLANNED, SystemClock().now()):
        console.print(dim(said))


def switchover(reason: ReasonOption = "", data: DataOption = None, json: JsonOption = False) -> None:
    """Give the writing to the other region, whichever that is, losing nothing: fence, drain, verify, hand over."""
    finish(Authority.of(data).order("/operator/switchover", reason=reason), json)


def finish(events: Iterator[dict[str, Any]], json: bool, *, lost: bool = False) -> None:
    """Print the steps as they happen; after a takeover also what to do when the lost region is back. Exits 1 if the region that serves
    now has not confirmed the new state; of another one standard error warns."""
    steps: list[dict[str, Any]] = []
    end: dict[str, Any] = {}
    for event in events:
        if "step" in event:
            steps.append(event["step"])
            if not json:
                print_step(event["step"])
        end = event.get("end", end)
    if json:
        print_json({**end, "steps": steps})
    else:
        console.print(sentence(end))
        if lost and end["writer"]:
            console.print(AFTER_TAKEOVER)
    told_last = {step["region"]: step["outcome"] for step in steps if step.get("region")}
    untold = [region for region, outcome in told_last.items() if outcome == "not confirmed"]
    for region in untold:
        warnings.print(f"[yellow]Warning.[/] {region} could not be told; it learns the state when it is back.", soft_wrap=True)
    if serving(end) in untold:
        raise typer.Exit(1)


def print_step(step: dict[str, Any]) -> None:
    seconds = f"{step['seconds'] * 1000:7.0f} ms" if step["outcome"] == "done" else " " * 10
    console.print(f"{MARKS[step['outcome']]} {step['name']:<22} {seconds}  [dim]{escape(step['detail'])}[/]", soft_wrap=True)


def styled(state: str) -> str:
    return f"[bold {STATE_STYLES[state]}]{state}[/]"


def serving(state: dict[str, Any]) -> str:
    region: str = state["regions"]["secondary" if state["state"] == "failover" else "primary"]
    return region


def sentence(state: dict[str, Any]) -> str:
    writing = f"writes go to {state['writer']}" if state["writer"] else "nothing can be written"
    return f"{styled(state['state'])}, epoch {state['epoch']}: the application points to {serving(state)}; {writing}."


def print_json(content: object) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(content)).decode())
