"""How drills look on a terminal: what happens while one runs, what it came to, and all of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from multiregion.cli.state import moment
from multiregion.commands.layout import Entry, Fitting
from multiregion.drills.measures import GROUPS
from multiregion.drills.oracle import BROKEN, INCONCLUSIVE, MISSED, PASS
from multiregion.drills.performance import Ended

STYLES = {PASS: "bold green", BROKEN: "bold red", MISSED: "bold red", INCONCLUSIVE: "bold yellow"}
COUNTS_EVERY = 5
PHASES = {
    "preflight": "looks whether it may start",
    "prepare": "makes its users and photos",
    "baseline": "load, and nothing else",
    "fault": "the fault",
    "outage": "until clients notice",
    "takeover": "writing moves",
    "after": "load goes on",
    "return": "what was done is undone",
    "settle": "both regions, and the loss ledger",
    "failback": "writing goes back",
    "home": "load as before",
    "calm": "no load, until both regions are equal",
    "final reads": "reads everything in both regions",
    "remove": "deletes what it wrote",
    "check": "the verdict",
}


def progress(screen: Console) -> Callable[[dict[str, Any]], None]:
    """A line for each phase and each thing done, and one every few seconds."""
    seen = 0

    def tell(event: dict[str, Any]) -> None:
        nonlocal seen
        at = f"[dim]{event['at'] / 1_000_000:6.1f} s[/]"
        if "counts" in event:
            seen += 1
            if seen % COUNTS_EVERY == 0:
                screen.print(f"{at}  [dim]{counts_words(event)}[/]", soft_wrap=True)
        elif "run" in event:
            screen.print(f"{at}  [bold]Drill {event['run']}[/] [dim]{escape(event['folder'])}[/]", soft_wrap=True)
        elif words := words_of(event):
            screen.print(f"{at}  {words}", soft_wrap=True)

    return tell


def counts_words(event: Mapping[str, Any]) -> str:
    counts = event["counts"]
    words = ", ".join(f"{counts.get(outcome, 0)} {outcome}" for outcome in ("ok", "refused", "unknown"))
    return f"{words}; writes go to {event['serving']}"


def words_of(event: Mapping[str, Any]) -> str:
    if "phase" in event:
        return f"[bold]{event['phase']}[/]  [dim]{PHASES.get(event['phase'], '')}[/]"
    if "fault" in event:
        return f"[bold red]✗[/] {event['fault']} {event['part']}"
    if "undo" in event:
        return f"[green]✓[/] {event['undo']} {event['part']}"
    if "did" in event:
        return f"[green]✓[/] {event['did']} in {event['seconds'] * 1000:.0f} ms"
    if "lost" in event:
        return f"{event['lost']} entries of the loss ledger to settle" if event["lost"] else "nothing in the loss ledger"
    return f"[yellow]![/] {escape(str(event.get('note') or event.get('waits') or ''))}" if "note" in event or "waits" in event else ""


def printed(ended: Ended) -> Group:
    """The verdict first, then what it rests on."""
    derived = ended.derived
    verdict = derived["verdict"]
    lines: list[Any] = [Text.assemble((verdict, STYLES[verdict]), f"  drill {ended.run}")]
    broken = [rule for rule in derived["rules"] if rule["outcome"] == "broken"]
    lines += [Text(f"  {rule['rule']} {rule['promise']}: {rule['witnesses'][0]['text']}", "red") for rule in broken]
    lines += [Text(f"  {doubt}", "yellow") for doubt in derived["doubts"]]
    for objective in derived["objectives"]:
        lines.append(Text(f"  {'✓' if objective['met'] else '✗'} {objective_words(objective)}"))
    if verdict == INCONCLUSIVE:
        lines.append(Text("  No figure of this run counts."))
    else:
        lines.append(figures({"": figures_of(derived)}))
    lines.append(Text(str(ended.folder), "dim"))
    return Group(*lines)


def objective_words(objective: Mapping[str, Any]) -> str:
    measured = "not measured" if objective["measured"] is None else f"measured {amount(objective['objective'], objective['measured'])}"
    return f"{objective['objective']}: {measured}, at most {amount(objective['objective'], objective['limit'])}"


def amount(name: str, value: Any) -> str:
    if name.startswith("rto") or name == "rpo_seconds":
        return seconds_words(value)
    return f"{value:.2%}" if name == "errors_outside_outage" else str(value)


def seconds_words(microseconds: Any) -> str:
    return "–" if microseconds is None else f"{microseconds / 1_000_000:.2f} s"


def compared(sides: Mapping[int, Mapping[str, Any]]) -> Table:
    return figures({f"run {number}": {"scenario": report["scenario"], **figures_of(report["derived"])} for number, report in sides.items()})


def figures(sides: Mapping[str, Mapping[str, str]]) -> Table:
    """One row for each figure, one column for each run."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_header=len(sides) > 1)
    table.add_column("")
    for name in sides:
        table.add_column(name, justify="right")
    for name in dict.fromkeys(name for row in sides.values() for name in row):
        table.add_row(name, *(row.get(name, "–") for row in sides.values()))
    return table


def figures_of(derived: Mapping[str, Any]) -> dict[str, str]:
    measures = derived["measures"]
    found = {"verdict": str(derived["verdict"])}
    for group in GROUPS:
        if (each := measures["rto"][group])["measured"]:
            found[f"RTO {group.replace('_', '-')}"] = f"{seconds_words(each['microseconds'])} ± {each['resolution'] / 1_000_000:.2f} s"
    loss = measures["rpo"]
    found["writes lost"] = str(loss["writes"])
    found["RPO"] = seconds_words(loss["seconds"])
    noticed = sum(each["noticed"] for each in derived["self_check"])
    found["planted defects found"] = f"{noticed} of {len(derived['self_check'])}"
    return found


def run_lines(rows: Sequence[Mapping[str, Any]]) -> Fitting | Text:
    if not rows:
        return Text("No drill has been run. Try: multiregion drill run planned")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("run", "when", "scenario", "by", "outcome", "bundle"):
        table.add_column(heading)
    entries: list[Entry] = []
    for row in rows:
        bundle = Text(row["bundle"] or "no bundle here", "dim" if row["bundle"] else "yellow")
        outcome = Text(row["outcome"], STYLES.get(row["outcome"], ""))
        cells = [Text(str(row["number"])), Text(moment(row["at"])), Text(row["scenario"]), Text(row["actor"]), outcome]
        table.add_row(*cells, bundle)
        entries.append((cells, [bundle]))
    return Fitting(table, entries)
