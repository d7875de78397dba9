"""`drill`: rehearse a failover under load, and seal what came of it."""

import asyncio
import getpass
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.markup import escape

from multiregion.cli.deployment import Authority
from multiregion.cli.drill_output import compared, printed, progress, run_lines
from multiregion.cli.drill_setup import driver
from multiregion.cli.state import print_json
from multiregion.clock import SystemClock
from multiregion.commands.options import DataOption, JsonOption
from multiregion.config import default_data
from multiregion.drills import bundle, evidence, plan, runs
from multiregion.drills.junit import junit
from multiregion.drills.oracle import INCONCLUSIVE, PASS
from multiregion.drills.performance import Ended, Performance
from multiregion.drills.preflight import Unready
from multiregion.errors import InvalidInput, NotFound
from multiregion.local.abandoned import abort as abort_run
from multiregion.local.deployment import DataFolder
from multiregion.local.driven import driving, is_driven

app = typer.Typer(no_args_is_help=True, help="Rehearse a failover under load, measured by its clients, with sealed evidence.")
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)
EXIT_INCONCLUSIVE = 3
ScenarioArgument = Annotated[str, typer.Argument(help=f"One of {', '.join(plan.SCENARIOS)}.", metavar="SCENARIO")]
ScenarioOption = Annotated[str, typer.Option("--scenario", help=f"One of {', '.join(plan.SCENARIOS)}.", metavar="SCENARIO")]
RateOption = Annotated[float, typer.Option("--rate", help="Operations a second.", metavar="N")]
ClientsOption = Annotated[int, typer.Option("--clients", help="How many clients, three of which do not follow.", metavar="N")]
DurationOption = Annotated[float, typer.Option("--duration", help="Seconds of load, without the return.", metavar="SECONDS")]
SeedOption = Annotated[int | None, typer.Option("--seed", help="The same seed makes the same operations.", metavar="N")]
ObjectiveOption = Annotated[list[str] | None, typer.Option("--objective", help="As rto=5s, rpo=2s, rpo=100. May be repeated.")]
WritableOption = Annotated[bool, typer.Option("--writable/--read-only", help="Whether the secondary takes writes.")]
OutOption = Annotated[Path | None, typer.Option("--out", help="Where bundles go; by default DATA/drills.", metavar="DIR")]
BundleArgument = Annotated[Path, typer.Argument(help="The folder of a bundle.", metavar="BUNDLE")]
RunArgument = Annotated[int, typer.Argument(min=1, help="The number of a run.", metavar="RUN")]


@app.command("plan", epilog="Example: multiregion drill plan --scenario crash --objective rto=5s > drill.toml")
def show_plan(
    scenario: ScenarioOption = "crash",
    rate: RateOption = 50,
    clients: ClientsOption = 8,
    duration: DurationOption = 60,
    seed: SeedOption = None,
    objective: ObjectiveOption = None,
    writable: WritableOption = True,
) -> None:
    """Print a plan to edit and keep: what is to be shown, under which load, by which fault, and who approved it."""
    typer.echo(plan.as_toml(planned(scenario, rate, clients, duration, seed, objective, writable)), nl=False)


@app.command(
    "run",
    epilog="Examples: multiregion drill run crash · multiregion drill run planned --duration 20 --objective rto=1s ·"
    " multiregion drill run crash --plan drill.toml --json --junit drill.xml",
)
def run(
    context: typer.Context,
    scenario: ScenarioArgument,
    plan_file: Annotated[Path | None, typer.Option("--plan", help="A plan; its options cannot be given beside it.", metavar="FILE")] = None,
    rate: RateOption = 50,
    clients: ClientsOption = 8,
    duration: DurationOption = 60,
    seed: SeedOption = None,
    objective: ObjectiveOption = None,
    writable: WritableOption = True,
    out: OutOption = None,
    junit_file: Annotated[Path | None, typer.Option("--junit", help="Write the result as JUnit XML.", metavar="FILE")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Inject a fault under load, take over, return, and judge by what clients were told and what both regions hold.

    Only users, photos and comments of the drill's own are written, and they are removed at the end; but the fault is real, and whoever
    else uses this deployment feels it. Ctrl-C undoes everything.

    Exits 0 if every promise and objective was kept, 1 if not or if it may not start, 3 if the run says nothing.
    """
    if plan_file:
        refuse_beside_plan(context)
    if junit_file:
        refuse_unwritable(junit_file)
    wanted = from_file(plan_file, scenario) if plan_file else planned(scenario, rate, clients, duration, seed, objective, writable)
    clock, began = SystemClock(), SystemClock().monotonic()
    folder = DataFolder(data or default_data())
    folder.read()
    screen = errors if as_json else console
    try:
        with driving(folder):
            ended = asyncio.run(perform(wanted, folder, out or folder.folder / "drills", progress(screen)))
    except Unready as unready:
        if as_json:
            print_json({"verdict": None, "refused": unready.reasons})
        raise_listed(unready)
        raise typer.Exit(1) from unready
    except asyncio.CancelledError as stopped:
        errors.print("The drill was ended. What it did is undone, as far as it said nothing else.")
        raise typer.Exit(1) from stopped
    if junit_file:
        junit_file.write_bytes(junit(f"drill {ended.run} {wanted.drill.scenario}", ended.derived, clock.monotonic() - began))
    if as_json:
        print_json({"run": ended.run, "bundle": str(ended.folder), "seal": ended.seal, **ended.derived})
    else:
        console.print(printed(ended))
    raise typer.Exit(exit_code(ended.derived["verdict"]))


async def perform(wanted: plan.Plan, folder: DataFolder, out: Path, tell: Callable[[dict[str, Any]], None]) -> Ended:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)  # as Ctrl-C does by itself
    async with AsyncExitStack() as stack:
        means = await driver(stack, folder, out, getpass.getuser(), tell)
        return await Performance(wanted, means).run()


def raise_listed(unready: Unready) -> None:
    errors.print("[bold red]The drill does not start.[/]")
    for reason in unready.reasons:
        errors.print(f"  {escape(reason)}", soft_wrap=True)


def exit_code(verdict: str) -> int:
    return {PASS: 0, INCONCLUSIVE: EXIT_INCONCLUSIVE}.get(verdict, 1)


def planned(
    scenario: str, rate: float, clients: int, duration: float, seed: int | None, objective: list[str] | None, writable: bool
) -> plan.Plan:
    """A plan from the options. Raises InvalidInput, naming the field."""
    seed = int(SystemClock().new_id()[-12:], 16) if seed is None else seed
    made = plan.Plan(
        drill=plan.Drill(scenario, requested_by=getpass.getuser()),
        objective=plan.Objective(**plan.objective_of(objective or [])),
        workload=plan.Workload(rate=rate, clients=clients, duration=f"{duration:g}s", seed=seed),
        decision=plan.Decision(writable=writable),
    )
    plan.check(made)
    return made


def refuse_unwritable(file: Path) -> None:
    """Before the drill rather than after it. Raises InvalidInput."""
    try:
        file.open("ab").close()
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror}", field="--junit") from error


def refuse_beside_plan(context: typer.Context) -> None:
    """Raises InvalidInput for an option that a plan would overrule without a word."""
    for name in ("rate", "clients", "duration", "seed", "objective", "writable"):
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise InvalidInput(f"--{name} is what the plan says: change it there, or leave --plan out", field=f"--{name}")


def from_file(file: Path, scenario: str) -> plan.Plan:
    """Raises InvalidInput, also if it is of another scenario than the one that was named."""
    try:
        with file.open(encoding="utf-8") as text:
            found = plan.parse(text.read(plan.PLAN_CHARACTERS_MAX + 1))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}", field="--plan") from error
    if found.drill.scenario != scenario:
        raise InvalidInput(f"{file} is a plan for {found.drill.scenario}, not for {scenario}", field="--plan")
    return found


@app.command("list", epilog="Example: multiregion drill list")
def show_runs(out: OutOption = None, data: DataOption = None, json: JsonOption = False) -> None:
    """List every run that was ever started, broken off ones included, and whether its bundle is where it was."""
    found = known_runs(data)
    folders = bundles(data, out)
    rows = [{**msgspec.to_builtins(run), "bundle": str(folders[run.number]) if run.number in folders else None} for run in found]
    if json:
        print_json({"runs": rows})
    else:
        console.print(run_lines(rows))


@app.command("show", epilog="Example: multiregion drill show 7")
def show_run(run: RunArgument, out: OutOption = None, data: DataOption = None, json: JsonOption = False) -> None:
    """Show what a run came to, from its bundle."""
    folder, report = report_of(run, data, out)
    derived = report["derived"]
    if json:
        print_json({"run": run, "bundle": str(folder), **derived})
    else:
        console.print(printed(Ended(run, folder, derived, "")))


@app.command("compare", epilog="Example: multiregion drill compare 7 12")
def compare(first: RunArgument, second: RunArgument, out: OutOption = None, data: DataOption = None, json: JsonOption = False) -> None:
    """Show the figures of two runs beside each other."""
    sides = {number: report_of(number, data, out)[1] for number in (first, second)}
    if json:
        print_json({str(number): report["derived"] for number, report in sides.items()})
        return
    if len({report["scenario"] for report in sides.values()}) > 1:
        console.print("[yellow]![/] These are two scenarios: their figures do not measure the same thing.")
    console.print(compared(sides))


@app.command("verify", epilog="Example: multiregion drill verify .multiregion/drills/drill-0007-crash-20261128T1130Z --key KEY.pub")
def verify(
    folder: BundleArgument,
    key: Annotated[Path | None, typer.Option("--key", help="The public key it must be sealed by.", metavar="PUB")] = None,
    json: JsonOption = False,
) -> None:
    """Check a bundle again: seal, chain, history and verdict. Exits 1 if anything differs."""
    if not folder.is_dir():
        raise InvalidInput(f"there is no bundle {folder}", field="BUNDLE")
    try:
        known = key.read_bytes() if key else None
    except OSError as error:
        raise InvalidInput(f"{key} cannot be read: {error.strerror}", field="--key") from error
    problems = evidence.verify(folder, known)
    if json:
        print_json({"verified": not problems, "problems": problems})
    else:
        for problem in problems:
            console.print(f"[bold red]✗[/] {escape(problem)}", soft_wrap=True)
        if not problems:
            console.print("[green]✓[/] The bundle is as it was sealed, and its verdict follows from its facts.")
    raise typer.Exit(1 if problems else 0)


@app.command("report", epilog="Example: multiregion drill report BUNDLE --html > report.html")
def report(
    folder: BundleArgument,
    html: Annotated[bool, typer.Option("--html", help="As one page.")] = False,
    json: JsonOption = False,
) -> None:
    """Print a bundle's report: in words, as one HTML page, or as JSON."""
    name = "report.html" if html else "report.json" if json else "summary.txt"
    file = folder / name
    if not file.exists():
        raise NotFound(f"there is no {name} in {folder}")
    typer.echo(file.read_text(), nl=False)


@app.command("abort", epilog="Example: multiregion drill abort")
def abort(data: DataOption = None, json: JsonOption = False) -> None:
    """Undo what a drill has done that did not get to its end, go back to the state before, and list it as broken off."""
    folder = DataFolder(data or default_data())
    folder.read()
    done = asyncio.run(abort_run(folder, getpass.getuser(), SystemClock()))
    if json:
        print_json(done)
    elif done["run"] is None:
        console.print("There is nothing to break off.")
    else:
        console.print(f"[green]✓[/] Drill {done['run']} is broken off; {done['undone']} faults undone.")


def known_runs(data: Path | None) -> list[runs.Run]:
    """A run whose driver is gone is broken off, though nobody has said so yet."""
    found = runs.runs_in(Authority.of(data).get("/operator/drills")["drills"])
    if is_driven(DataFolder(data or default_data())):
        return found
    return [replace(run, outcome=runs.ABORTED) if run.outcome == runs.UNDER_WAY else run for run in found]


def bundles(data: Path | None, out: Path | None) -> dict[int, Path]:
    """Run -> folder, by the folders' names."""
    places = [path for path in ((out or (data or default_data()) / "drills").glob("drill-*-*")) if path.is_dir()]
    return {int(path.name.split("-")[1]): path for path in sorted(places) if path.name.split("-")[1].isdecimal()}


def report_of(run: int, data: Path | None, out: Path | None) -> tuple[Path, dict[str, Any]]:
    """Raises NotFound if the run has no bundle here."""
    folder = bundles(data, out).get(run)
    if folder is None or not (folder / bundle.REPORT).exists():
        raise NotFound(f"there is no sealed bundle of run {run} in {out or (data or default_data()) / 'drills'}; `drill list` shows all")
    return folder, msgspec.json.decode((folder / bundle.REPORT).read_bytes(), type=dict[str, Any])
