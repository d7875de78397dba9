"""`chaos`: lose a region on purpose, on this machine, and bring it back."""

import os
import signal
from typing import Annotated

import httpx
import msgspec
import typer
from rich.console import Console

from multiregion.cli.deployment import DataOption, JsonOption, answer, open_deployment
from multiregion.cli.state import print_json
from multiregion.clock import SystemClock, pause
from multiregion.config import REGION_PURPOSE, default_data, read_part
from multiregion.errors import BadDeployment, InvalidInput, MultiregionError, Unreachable
from multiregion.local.deployment import HOST, DataFolder, LocalDeployment

app = typer.Typer(no_args_is_help=True, help="Lose a region on purpose, and bring it back (local deployments only).")
console = Console(highlight=False)
RegionArgument = Annotated[str, typer.Argument(help="A region's name, or primary, secondary, authority, edge, wire.", metavar="REGION")]
OneWayOption = Annotated[bool, typer.Option("--one-way", help="Only the way to the secondary (or to --to).")]
ToOption = Annotated[str | None, typer.Option("--to", help="Only the way to this region.", metavar="REGION")]
START_SECONDS = 30.0
PAUSE_SECONDS = 0.1


class NotRunning(MultiregionError):
    """There is no process to send a signal to."""

    status, code, title = 409, "not_running", "Not running"


@app.command("kill", epilog="Example: multiregion chaos kill us-east-1")
def kill(region: RegionArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """End a region's process at once, as a crash would (SIGKILL)."""
    pid = send(region, signal.SIGKILL, data)
    say(
        as_json,
        {"did": "kill", "region": region, "process": pid},
        f"[bold red]✗[/] {region} is down. Bring it back: multiregion chaos start {region}",
    )


@app.command("freeze", epilog="Example: multiregion chaos freeze us-east-1")
def freeze(region: RegionArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Stop a region's process in the middle of whatever it does (SIGSTOP)."""
    pid = send(region, signal.SIGSTOP, data)
    say(
        as_json,
        {"did": "freeze", "region": region, "process": pid},
        f"[yellow]‖[/] {region} is frozen. Let it go on: multiregion chaos resume {region}",
    )


@app.command("resume", epilog="Example: multiregion chaos resume us-east-1")
def resume(region: RegionArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Let a frozen region go on (SIGCONT)."""
    pid = send(region, signal.SIGCONT, data)
    say(as_json, {"did": "resume", "region": region, "process": pid}, f"[green]▶[/] {region} goes on.")


@app.command("start", epilog="Example: multiregion chaos start us-east-1")
def start(region: RegionArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Start a region that was killed, and wait until it is ready. `multiregion up` must be running."""
    folder = DataFolder(data or default_data())
    name = part_of(region, open_deployment(data))
    config = read_part(folder.folder / "config" / f"{name}.json")
    (folder.folder / f"start-{name}").touch()
    url = f"http://{HOST}:{config.port}/{'readyz' if config.role else 'healthz'}"
    clock = SystemClock()
    until = clock.monotonic() + START_SECONDS
    while clock.monotonic() < until:
        try:
            if httpx.get(url, timeout=1.0, trust_env=False).status_code == 200:
                say(as_json, {"did": "start", "region": region}, f"[green]✓[/] {region} is up.")
                return
        except httpx.HTTPError:
            pass
        pause(PAUSE_SECONDS)
    (folder.folder / f"start-{name}").unlink(missing_ok=True)
    raise BadDeployment(
        f"{region} was not ready within {START_SECONDS:g} s. Is `multiregion up` running? Its log: {folder.folder / 'logs' / name}.log"
    )


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
    config = read_part((data or default_data()) / "config" / "wire.json")
    role = None if to is None else part_of(to, deployment)
    headers = {"Authorization": f"Bearer {config.deployment.bearer(REGION_PURPOSE)}"}
    try:
        response = httpx.post(f"{deployment.wire}/wire", json={**order, "to": role}, headers=headers, trust_env=False)
    except httpx.HTTPError as error:
        raise Unreachable("the wire does not answer. Is `multiregion up` running?") from error
    answer(response)


def send(region: str, number: signal.Signals, data: DataOption) -> int:
    """Returns the process's id. Raises NotRunning if there is none."""
    name = part_of(region, open_deployment(data))
    file = (data or default_data()) / "processes.json"
    try:
        pid = msgspec.json.decode(file.read_bytes(), type=dict[str, int])[name]
        os.kill(pid, number)
    except (FileNotFoundError, KeyError) as error:
        raise NotRunning(f"{file} does not name {region}'s process. Is `multiregion up` running?") from error
    except ProcessLookupError as error:
        raise NotRunning(f"{region} has no process. Start it: multiregion chaos start {region}") from error
    return pid


def part_of(region: str, deployment: LocalDeployment) -> str:
    """The part's name for a region's name or role. Raises InvalidInput, naming what there is."""
    names = {deployment.primary.region: "primary", deployment.secondary.region: "secondary"}
    parts = ("primary", "secondary", "authority", "edge", "wire")
    if region not in names and region not in parts:
        raise InvalidInput(f"there is no region {region!r}; there are {', '.join([*names, *parts])}", field="region")
    return names.get(region, region)
