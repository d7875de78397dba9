"""`status` and `verify`: how both regions are, and whether they hold the same."""

from typing import Annotated, Any

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from multiregion.cli.deployment import Authority, DataOption, JsonOption, open_deployment
from multiregion.cli.layout import Entry, Fitting, counted, dim, size_words
from multiregion.cli.state import print_json, sentence
from multiregion.clock import pause
from multiregion.config import label

console = Console(highlight=False)
WATCH_SECONDS = 1.0
DIFFERENCES_SHOWN = 50


def status(
    watch: Annotated[bool, typer.Option("--watch", help="Show it again every second, until Ctrl-C.")] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Show both regions: state, epoch, who writes, how far behind each is, and the last change of state.

    Exits 1 if a region does not answer or is not ready.
    """
    authority = Authority(open_deployment(data))
    found = authority.get("/operator/status")
    if watch and not json:
        with Live(rendered(found), console=console, refresh_per_second=4) as live:
            while True:
                pause(WATCH_SECONDS)
                live.update(rendered(authority.get("/operator/status")))
    while True:
        print_json(found) if json else console.print(rendered(found))
        if not watch:
            break
        pause(WATCH_SECONDS)
        found = authority.get("/operator/status")
    if not all(region["answers"] and region["ready"] for region in found["status"].values()):
        raise typer.Exit(1)


def rendered(found: dict[str, Any]) -> Group:
    last = found["lastChange"]
    reason = f", because: {escape(last['reason'])}" if last and last["reason"] else ""
    changed = f"[dim]Changed {last['at']} by {escape(last['actor'])}{reason}[/]" if last else "[dim]The authority has no history[/]"
    words = dict.fromkeys(region["needs"] for region in found["status"].values() if region.get("needs"))
    asked = [Text.from_markup(f"[yellow]![/] Run: [bold]{escape(word)}[/]") for word in words]
    return Group(Text.from_markup(sentence(found)), Text.from_markup(changed), regions_list(found), *asked)


def regions_list(found: dict[str, Any]) -> Fitting:
    """Both regions, on any terminal. `found` is what the authority answers to `/operator/status`."""
    regions = [(found["regions"][role], role, region) for role, region in found["status"].items()]
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    for heading in ("region", "", "state", "epoch", "change", "behind", "photos", "users", ""):
        table.add_column(heading, justify="right" if heading in ("epoch", "change", "photos", "users") else "left")
    for name, role, region in regions:
        title = Text.assemble((label(name), "bold"), (f" {name}, {role}", "dim"))
        table.add_row(title, health(region), *numbers(region), notes(region))
    return Fitting(table, [entry(*each) for each in regions])


def numbers(region: dict[str, Any]) -> list[str]:
    if not region["answers"]:
        return ["", "", "", "unknown", "", ""]
    counts = (f"{region[name]:,}" for name in ("photos", "users"))
    sequence = "–" if region["sequence"] is None else f"{region['sequence']:,}"
    return [region["state"], f"{region['epoch']:,}", sequence, behind(region["lag"]), *counts]


def entry(name: str, role: str, region: dict[str, Any]) -> Entry:
    title = Text.assemble((label(name), "bold"), f", {role}")
    if not region["answers"]:
        return [title, health(region), Text(""), Text("lag unknown", "yellow")], [dim(name, region["detail"])]
    lag = region["lag"]
    missing = f"{counted(lag['changes'], 'change')} ({size_words(lag['bytes'])}) behind" if lag["changes"] else ""
    counts = counted(region["photos"], "photo"), counted(region["users"], "user")
    change = "" if region["sequence"] is None else f"change {region['sequence']:,}"
    details = [dim(name, change, *counts, missing)]
    cells = [title, health(region), Text(f"{region['state']}, epoch {region['epoch']:,}"), behind_short(lag)]
    said = notes(region)
    return cells, [*details, said] if said else details


def health(region: dict[str, Any]) -> Text:
    if not region["answers"]:
        return Text("✗ down", "bold red")
    if region["writes"]:
        return Text("● writes", "green")
    if region["ready"]:
        return Text("● reads", "green")
    if (region.get("writing") or {}).get("problem"):
        return Text("✗ cannot write", "bold red")
    return Text("◌ reads only" if region.get("needs") else "◌ starting", "yellow")


def notes(region: dict[str, Any]) -> Text:
    """What stands in the way of a region, and what somebody has to know or decide."""
    if not region["answers"]:
        return Text(region["detail"], "dim")
    said = list(region["reasons"])
    if region["degradedSince"]:
        said.append(f"since {region['degradedSince']} writes are acknowledged without the other region")
    if credentials := (region.get("missing") or {}).get("credentials"):
        said.append("not here yet: " + ", ".join(f"{each['what']} of {each['user']}" for each in credentials))
    if region.get("photosInFlight"):
        said.append(f"{counted(region['photosInFlight'], 'photo')} on the way in")
    if region["losses"]:
        said.append(f"{counted(region['losses'], 'lost write')} to decide about: multiregion loss list")
    return Text("; ".join(said), "yellow")


def behind(lag: dict[str, Any]) -> str:
    """A lag in words; what is unknown is said to be."""
    if lag["seconds"] is None:
        return "[yellow]unknown[/]"
    if lag["changes"] is None:
        return f"[yellow]{lag['seconds']:,.1f} s, changes unknown[/]"
    if lag["changes"] == 0:
        return "level"
    return f"{lag['seconds']:,.1f} s, {counted(lag['changes'], 'change')}, {size_words(lag['bytes'])}"


def behind_short(lag: dict[str, Any]) -> Text:
    if lag["seconds"] is None:
        return Text("lag unknown", "yellow")
    if lag["changes"] == 0:
        return Text("level")
    return Text(f"{lag['seconds']:,.1f} s behind", "yellow" if lag["changes"] is None else "")


def verify(
    quick: Annotated[bool, typer.Option("--quick", help="Compare objects by presence, without reading their bytes again.")] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Compare both regions record by record and object by object. Exits 1, with a list, where they differ."""
    events = Authority(open_deployment(data)).order(f"/operator/verify?quick={int(quick)}")
    verdict: dict[str, Any] = {}
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=json) as progress:
        task = progress.add_task("comparing", total=None)
        for event in events:
            verdict = event.get("verdict", verdict)
            progress.update(task, description=f"{verdict.get('records', 0):,} records, {verdict.get('objects', 0):,} objects")
    if json:
        print_json(verdict)
    else:
        print_verdict(verdict, quick)
    if not verdict["equal"]:
        raise typer.Exit(1)


def print_verdict(verdict: dict[str, Any], quick: bool) -> None:
    looked = f"{verdict['records']:,} records and {verdict['objects']:,} objects" + ("" if quick else f" ({verdict['bytes']:,} bytes read)")
    if verdict["equal"]:
        console.print(f"[green]✓[/] Both regions hold the same: {looked}.")
        return
    more = "" if verdict["complete"] else " or more"
    console.print(f"[bold red]✗ {len(verdict['differences'])} differences{more}[/] in {looked}:")
    for difference in verdict["differences"][:DIFFERENCES_SHOWN]:
        console.print(f"  {difference['kind']} {escape(difference['name'])}: {difference['problem']}", soft_wrap=True)
    if len(verdict["differences"]) > DIFFERENCES_SHOWN:
        console.print(f"  … and {len(verdict['differences']) - DIFFERENCES_SHOWN} more (--json lists them)")
