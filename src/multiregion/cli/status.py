"""`status` and `verify`: how both regions are, and whether they hold the same."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from multiregion.cli.deployment import Authority
from multiregion.cli.headline import headline
from multiregion.cli.state import on_the_way, print_json, sentence
from multiregion.clock import pause
from multiregion.commands.layout import Entry, Fitting, counted, dim, size_words
from multiregion.commands.options import DataOption, JsonOption
from multiregion.config import label
from multiregion.errors import InvalidInput

console = Console(highlight=False)
WATCH_SECONDS = 1.0
DIFFERENCES_SHOWN = 50
NEEDED_BY_SHOWN = 3


def status(
    watch: Annotated[bool, typer.Option("--watch", help="Show it again every second, until Ctrl-C.")] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Show both regions: state, epoch, who writes, how far behind each is, and the last change of state.

    While the authority does not answer, the regions are asked themselves. Exits 1 if a region does not answer, is not ready or cannot
    write to its disk, or the authority does not answer or cannot write its state.
    """
    authority = Authority.of(data)
    found = authority.status()
    if watch and not json:
        with Live(rendered(found), console=console, refresh_per_second=4) as live:
            while True:
                pause(WATCH_SECONDS)
                live.update(rendered(authority.status()))
    while True:
        print_json(found) if json else console.print(rendered(found))
        if not watch:
            break
        pause(WATCH_SECONDS)
        found = authority.status()
    if problem_of_authority(found) or not all(map(is_well, found["status"].values())):
        raise typer.Exit(1)


def is_well(region: dict[str, Any]) -> bool:
    return bool(region["answers"] and region["ready"]) and not (region["writing"] or {}).get("problem")


def rendered(found: dict[str, Any]) -> Group:
    """The authority that does not answer is told of first: all else is then the regions' own word."""
    if not found["authority"].get("answers", True):
        return Group(*without_authority(found), regions_list(found), *commands_in(found))
    last = found["lastChange"]
    reason = f", because: {escape(last['reason'])}" if last and last["reason"] else ""
    changed = f"[dim]Changed {last['at']} by {escape(last['actor'])}{reason}[/]" if last else "[dim]The authority has no history[/]"
    problem = problem_of_authority(found)
    trouble = [Text.assemble(("✗ ", "bold red"), f"The authority: {problem}")] if problem else []
    return Group(*headline(found), Text.from_markup(changed), regions_list(found), *trouble, *commands_in(found))


def without_authority(found: dict[str, Any]) -> Iterator[Text]:
    authority = found["authority"]
    yield Text.assemble(("✗ ", "bold red"), authority["detail"])
    yield Text(authority["meanwhile"])
    if found["state"] is not None:
        yield Text.from_markup(f"[dim]The newest state that a region obeys:[/] {sentence(found)}")


def commands_in(found: dict[str, Any]) -> Iterator[Text]:
    for word in dict.fromkeys(region["needs"] for region in found["status"].values() if region.get("needs")):
        yield Text.from_markup(f"[yellow]![/] Run: [bold]{escape(word)}[/]")


def problem_of_authority(found: dict[str, Any]) -> str | None:
    """That it does not answer; or what is wrong with writing to its disk, and since when. An engine's is not known."""
    if not found["authority"].get("answers", True):
        return str(found["authority"]["detail"])
    writing = found["authority"]["writing"]
    return f"{writing['problem']}, since {writing['since']}" if writing and writing["problem"] else None


def regions_list(found: dict[str, Any]) -> Fitting:
    """Both regions, on any terminal. `found` is what the authority answers to `/operator/status`."""
    regions = [(found["regions"][role], role, region) for role, region in found["status"].items()]
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    kinds = list(dict.fromkeys(kind for _, _, region in regions for kind in region.get("counts", ())))
    for heading in ("region", "", "state", "epoch", "change", "behind", *kinds, ""):
        table.add_column(heading, justify="right" if heading in ("epoch", "change", *kinds) else "left")
    for name, role, region in regions:
        title = Text.assemble((label(name), "bold"), (f" {name}, {role}", "dim"))
        table.add_row(title, health(region), *numbers(region, kinds), notes(region))
    return Fitting(table, [entry(*each) for each in regions])


def numbers(region: dict[str, Any], kinds: list[str]) -> list[str]:
    if not region["answers"]:
        return ["", "", "", "unknown", *([""] * len(kinds))]
    counts = (f"{region['counts'][kind]:,}" for kind in kinds)
    sequence = "–" if region["sequence"] is None else f"{region['sequence']:,}"
    return [region["state"], f"{region['epoch']:,}", sequence, behind(region["lag"]), *counts]


def entry(name: str, role: str, region: dict[str, Any]) -> Entry:
    title = Text.assemble((label(name), "bold"), f", {role}")
    if not region["answers"]:
        return [title, health(region), Text(""), Text("lag unknown", "yellow")], [dim(name, region["detail"])]
    lag = region["lag"]
    missing = f"{counted(lag['changes'], 'change')} ({size_words(lag['bytes'])}) behind" if lag["changes"] else ""
    counts = (counted(count, kind.removesuffix("s")) for kind, count in region["counts"].items())
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
    said += on_the_way(region)
    if unrepaired := (region.get("objects") or {}).get("unrepaired"):
        said.append(f"{counted(unrepaired, 'object')} missing or damaged, and not repaired: multiregion verify --repair says why")
    if region["losses"]:
        said.append(f"{counted(region['losses'], 'entry')} of the loss ledger to decide about: multiregion loss list")
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
    deep: Annotated[bool, typer.Option("--deep", help="Read every object's bytes again.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Also fetch what is missing or damaged from the other region.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Objects by presence alone, as without an option.")] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Compare both regions record by record and object by object. Exits 1, with a list, where they differ.

    With [bold]--repair[/] objects that are missing or damaged in a region are fetched from the other one; it exits 0 if both hold the same
    afterwards. A region whose records differ is copied anew by multiregion repair.
    """
    if quick and (deep or repair):
        raise InvalidInput("--quick reads no bytes, so it does not go with --deep or --repair", field="quick")
    events = Authority.of(data).order(f"/operator/verify?deep={int(deep)}&repair={int(repair)}")
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
        print_verdict(verdict, deep or repair)
    if not verdict["equal"]:
        raise typer.Exit(1)


def print_verdict(verdict: dict[str, Any], deep: bool) -> None:
    looked = f"{verdict['records']:,} records and {verdict['objects']:,} objects" + (f" ({verdict['bytes']:,} bytes read)" if deep else "")
    if verdict["repairs"]:
        console.print(f"[green]✓[/] {counted(verdict['repairs'], 'object')} repaired:")
        print_differences(verdict["repaired"], verdict["repairs"])
    if verdict["equal"]:
        console.print(f"[green]✓[/] Both regions hold the same: {looked}.")
        return
    more = "" if verdict["complete"] else " or more"
    console.print(f"[bold red]✗ {counted(len(verdict['differences']), 'difference')}{more}[/] in {looked}:")
    print_differences(verdict["differences"], len(verdict["differences"]))


def print_differences(differences: list[dict[str, Any]], count: int) -> None:
    for difference in differences[:DIFFERENCES_SHOWN]:
        told = f"{difference['name']}: {difference['problem']}{needed_by(difference)}"
        console.print(f"  {difference['kind']} {escape(told)}", soft_wrap=True)
    if count > DIFFERENCES_SHOWN:
        console.print(f"  … and {count - DIFFERENCES_SHOWN} more (--json lists them)")


def needed_by(difference: dict[str, Any]) -> str:
    """Which records need an object, where that is known: a few, and how many more."""
    names = difference.get("neededBy") or []
    more = len(names[NEEDED_BY_SHOWN:]) + difference.get("neededByMore", 0)
    return f"; needed by {', '.join(names[:NEEDED_BY_SHOWN])}{f' and {more:,} more' if more else ''}" if names else ""
