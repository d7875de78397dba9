"""`chaos`: lose a region on purpose, on this machine, and bring it back."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from multiregion.cli.state import print_json
from multiregion.clock import SystemClock
from multiregion.commands.options import DataOption, JsonOption, open_deployment
from multiregion.config import default_data
from multiregion.errors import InvalidInput
from multiregion.local.deployment import DataFolder, LocalDeployment
from multiregion.local.faults import PARTS, Faults

app = typer.Typer(no_args_is_help=True, help="Lose a region on purpose, and bring it back (local deployments only).")
console = Console(highlight=False)
RegionArgument = Annotated[str, typer.Argument(help="A region's name, or primary, secondary, authority, edge, wire.", metavar="REGION")]
OneWayOption = Annotated[bool, typer.Option("--one-way", help="Only the way to the secondary (or to --to).")]
ToOption = Annotated[str | None, typer.Option("--to", help="Only the way to this region.", metavar="REGION")]


@app.command("kill", epilog="Example: multiregion chaos kill us-east-1")
def kill(region: RegionArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """End a region's process at once, as a crash would (SIGKILL)."""
    pid = send("kill", region, data)
    say(
        as_json,
        {"did": "kill", "region": region, "process": pid},
        f"[bold red]✗[/] {region} is down. Bring it back: multiregion chaos start {region}",
    )


@app.command("freeze", epilog="Example: multiregion chaos freeze us-east-1")
def freeze(region: RegionArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Stop a region's process in the middle of whatever it does (SIGSTOP)."""
    pid = send("freeze", region, data)
    say(
        as_json,
        {"did": "freeze", "region": region, "process": pid},
        f"[yellow]‖[/] {region} is frozen. Let it go on: multiregion chaos resume {region}",
    )


@app.command("resume", epilog="Example: multiregion chaos resume us-east-1")
def resume(region: RegionArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Let a frozen region go on (SIGCONT)."""
    pid = send("resume", region, data)
    say(as_json, {"did": "resume", "region": region, "process": pid}, f"[green]▶[/] {region} goes on.")


@app.command("start", epilog="Example: multiregion chaos start us-east-1")
def start(region: RegionArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Start a region that was killed, and wait until it is ready. `multiregion up` must be running."""
    asyncio.run(faults_of(data).start(part_of(region, open_deployment(data))))
    say(as_json, {"did": "start", "region": region}, f"[green]✓[/] {region} is up.")


@app.command("cut", epilog="Examples: multiregion chaos cut · multiregion chaos cut --one-way · multiregion chaos cut --to primary")
def cut(one_way: OneWayOption = False, to: ToOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Let nothing pass between the regions any more, or nothing to one of them."""
    to = to or ("secondary" if one_way else None)
    change_wire(data, to, cut=True)
    where = "between the regions" if to is None else f"to {to}"
    say(as_json, {"did": "cut", "to": to}, f"[bold red]✗[/] Nothing passes {where}. Mend it: multiregion chaos heal")


@app.command("delay", epilog="Example: multiregion chaos delay 75")
def delay(
    milliseconds: Annotated[float, typer.Argument(min=0, max=60_000, help="One way; a round trip takes twice that.", metavar="MS")],
    to: ToOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make everything between the regions arrive later."""
    change_wire(data, to, delay_milliseconds=milliseconds)
    way = "Each way between the regions" if to is None else f"The way to {to}"
    say(as_json, {"did": "delay", "to": to, "milliseconds": milliseconds}, f"[yellow]…[/] {way} takes {milliseconds:g} ms more.")


@app.command("heal", epilog="Example: multiregion chaos heal")
def heal(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Undo every cut and delay between the regions."""
    change_wire(data, None, cut=False, delay_milliseconds=0)
    say(as_json, {"did": "heal"}, "[green]✓[/] The regions are connected, without delay.")


def say(as_json: bool, done: dict[str, object], words: str) -> None:
    print_json(done) if as_json else console.print(words)


def change_wire(data: DataOption, to: str | None, **order: object) -> None:
    deployment = open_deployment(data)
    role = None if to is None else part_of(to, deployment)
    asyncio.run(faults_of(data).change_wire(**order, to=role))


def send(what: str, region: str, data: DataOption) -> int:
    """Returns the process's id. Raises NotRunning if there is none."""
    return faults_of(data).send(what, part_of(region, open_deployment(data)))


def faults_of(data: DataOption) -> Faults:
    return Faults(DataFolder(data or default_data()), SystemClock())


def part_of(region: str, deployment: LocalDeployment) -> str:
    """The part's name for a region's name or role. Raises InvalidInput, naming what there is."""
    names = {deployment.primary.region: "primary", deployment.secondary.region: "secondary"}
    if region not in names and region not in PARTS:
        raise InvalidInput(f"there is no region {region!r}; there are {', '.join([*names, *PARTS])}", field="region")
    return names.get(region, region)
