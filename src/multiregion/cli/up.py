"""`up`: both regions on this machine until Ctrl-C; `serve`: one part alone."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import httpx
import msgspec
import typer
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from multiregion.application import load
from multiregion.cli.default import import_samples
from multiregion.cli.status import regions_list
from multiregion.clock import SystemClock
from multiregion.commands.client import Client
from multiregion.commands.options import DataOption, JsonOption
from multiregion.config import GALLERY, default_data, label, read_settings
from multiregion.local.deployment import LocalDeployment
from multiregion.local.serve import PARTS
from multiregion.local.serve import serve as serve_part
from multiregion.local.supervisor import Part
from multiregion.local.up import Running, Wishes, running
from multiregion.tls import TRUST

LOOK_SECONDS = 1.0
TICK_SECONDS = 0.2


def up(
    application: Annotated[
        str | None, typer.Argument(metavar="[APPLICATION]", help="Yours, as module:attribute; without it the photo gallery.")
    ] = None,
    primary: Annotated[str, typer.Option(help="The primary region's name.")] = "us-east-1",
    secondary: Annotated[str, typer.Option(help="The secondary region's name.")] = "ap-northeast-1",
    data: DataOption = None,
    port: Annotated[int, typer.Option(help="The edge's port; the next six are used too.")] = 8080,
    wan_delay: Annotated[float, typer.Option("--wan-delay", min=0, max=60_000, metavar="MS", help="The regions' round trip, ms.")] = 0,
    automatic: Annotated[bool, typer.Option("--automatic", help="Take over by itself when the primary is lost.")] = False,
    durability: Annotated[str | None, typer.Option(help="async, remote or remote-strict: whether writes wait for both.")] = None,
    sample_photos: Annotated[bool, typer.Option("--sample-photos", help="Put some photographs in, unless they are there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run both regions, the authority and the edge on this machine, until Ctrl-C. What was written is there at the next start.

    Examples: [bold]multiregion up --sample-photos[/] · [bold]multiregion up --port 9000 --data /srv/two-regions[/] ·
    [bold]multiregion up --wan-delay 150[/] · [bold]multiregion up todo:app[/]

    With [bold]--json[/], standard output is one line as soon as both regions are up: what is in deployment.json, the processes' ids,
    and, of a region that serves reads only, why. All else goes to standard error.
    """
    settings = {"failover": "automatic"} if automatic else {}
    settings |= {"durability": durability} if durability else {}
    read_settings(overrides=settings)  # a wrong word is refused before anything starts
    if application is not None:
        load(application)  # what cannot be loaded is refused before anything starts
    wishes = Wishes(primary, secondary, data or default_data(), port, wan_delay, settings, application)
    asyncio.run(run(wishes, sample_photos, as_json))


def serve(
    part: Annotated[str, typer.Argument(help=f"One of {', '.join(PARTS)}.")],
    config: Annotated[Path, typer.Option("--config", help="Its configuration; `up` writes them into DATA/config.", metavar="FILE")],
) -> None:
    """Run one part alone, for deployments on several machines.

    It runs until Ctrl-C and answers nothing, so it is the one command without --json; its log goes to standard error.
    Example: [bold]multiregion serve region --config .multiregion/config/primary.json[/]
    """
    serve_part(config, part)


async def run(wishes: Wishes, sample_photos: bool, as_json: bool) -> None:
    console = Console(stderr=as_json, highlight=False)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    working = asyncio.ensure_future(work(wishes, sample_photos, as_json, console))
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
    if not working.done() and not console.is_terminal:
        console.print("Stopping …")
    working.cancel()
    stopping.cancel()
    with suppress(asyncio.CancelledError):
        await working


async def work(wishes: Wishes, sample_photos: bool, as_json: bool, console: Console) -> None:
    console.print("Starting both regions …")
    async with running(wishes, read_settings(), partial(announce, console), partial(waits, console), partial(note, console)) as up:
        if sample_photos:
            await put_in_samples(up.kept.application, up.local, console, writable=not up.not_ready)
        if as_json:
            typer.echo(msgspec.json.encode(described(up)).decode())
        else:
            console.print(welcome(up))
        await watch(up, console, live=console.is_terminal and not as_json)


async def put_in_samples(application: str, deployment: LocalDeployment, console: Console, *, writable: bool) -> None:
    if application != GALLERY:
        note(console, "The sample photographs are not put in: they are for the photo gallery.")
    elif not writable:
        note(console, "The sample photographs are not put in: nothing can be written yet.")
    else:
        await import_samples(Client(deployment), console)


def described(up: Running) -> dict[str, Any]:
    """What is in `deployment.json`, the id of each part's process, and why a part is not ready."""
    described: dict[str, Any] = msgspec.to_builtins(up.local)
    if up.not_ready:
        described["notReady"] = {part.name: {"reasons": part.reasons, "needs": part.needs} for part in up.not_ready}
    return {**described, "processes": {part.name: part.process.pid for part in up.supervisor.parts.values() if part.process is not None}}


def called(part: Part) -> str:
    return f"{label(part.config.deployment.place(part.config.role).region)} region" if part.config.role else part.name


def waits(console: Console, part: Part) -> None:
    console.print(f"[dim]…[/] {called(part)} serves reads, and is not ready yet: {because(part)}", soft_wrap=True)


def note(console: Console, words: str) -> None:
    console.print(f"[yellow]![/] {escape(words)}", soft_wrap=True)


def because(part: Part) -> str:
    return escape("; ".join(part.reasons))


def announce(console: Console, part: Part) -> None:
    if not part.runs:
        console.print(f"[bold red]✗[/] {called(part)} does not run: {because(part)}", soft_wrap=True)
        return
    waiting = ("[yellow]![/]", " serves reads only") if part.serves else ("[bold red]✗[/]", " has to be repaired")
    mark, only = ("[green]✓[/]", "") if part.ready else waiting
    console.print(f"{mark} {called(part)}{only} [dim]http://localhost:{part.config.port}, process {part.process and part.process.pid}[/]")


def welcome(up: Running) -> Panel:
    admin = up.local.admin
    lines = Table.grid(padding=(0, 2))
    lines.add_row("Open", f"[bold link={up.local.edge}]{up.local.edge}[/]")
    if up.kept.application != GALLERY:
        for place in (up.local.primary, up.local.secondary):
            lines.add_row(label(place.region), f"{place.url}")
        lines.add_row("Console", f"{up.local.edge}/console/#/ops")
    if admin is not None:
        lines.add_row("Sign in as", f"[bold]{admin.username}[/]")
        temporary = f"[bold]{admin.temporary_password}[/] [dim]until you choose your own[/]"
        lines.add_row("Password", temporary if admin.temporary_password else "the one you chose")
    lines.add_row("", "")
    waiting = up.not_ready
    for part in waiting:
        lines.add_row(f"[yellow]{called(part)}[/]", because(part))
    for word in dict.fromkeys(part.needs for part in waiting if part.needs):
        lines.add_row("[bold]Run[/]", f"[bold]{word}[/]")
    if waiting:
        lines.add_row("", "")
    lines.add_row("[dim]Then[/]", "[dim]multiregion status · multiregion state set fenced · multiregion failover · multiregion failback[/]")
    lines.add_row("[dim]Lose a region[/]", f"[dim]multiregion chaos kill {up.local.primary.region}[/]")
    lines.add_row("[dim]Data[/]", f"[dim]{up.folder.folder.absolute()}[/]")
    lines.add_row("[dim]Stop[/]", "[dim]Ctrl-C[/]")
    title, style = headline(waiting)
    return Panel(lines, title=title, title_align="left", border_style=style, expand=False, padding=(1, 2))


def headline(waiting: Sequence[Part]) -> tuple[str, str]:
    """What the panel says, and its colour."""
    if not waiting:
        return "Two regions are up", "green"
    if not all(part.serves for part in waiting if part.config.role):
        return "A region has to be repaired", "yellow"
    if all(part.runs for part in waiting):
        return "Two regions are up, and serve reads only", "yellow"
    return "Two regions are up, without their authority, and serve reads only", "yellow"


async def watch(up: Running, console: Console, *, live: bool) -> None:
    """Health until cancelled: a list that renews itself, or no more than a line for each change."""
    if not live:
        async for _ in health(up, console):
            continue
    with Live(console=console, refresh_per_second=4, transient=True) as screen:
        async for found in health(up, console):
            screen.update(
                regions_list(found) if found else "[yellow]The authority does not answer.[/] Start it: multiregion chaos start authority"
            )


async def health(up: Running, console: Console) -> AsyncIterator[dict[str, Any] | None]:
    """What `status` shows, every second. Meanwhile parts that ended are reported, and those somebody wants are started."""
    known = {part.name for part in up.supervisor.parts.values() if part.runs}
    headers = {"Authorization": f"Bearer {up.deployment.operator_token}"}
    clock = SystemClock()
    async with httpx.AsyncClient(trust_env=False, timeout=3.0, headers=headers, verify=TRUST) as http:
        while True:
            for _ in range(int(LOOK_SECONDS / TICK_SECONDS)):
                await up.supervisor.start_wanted()
                known = report_changes(up, known, console)
                await clock.sleep(TICK_SECONDS)
            for part in await up.supervisor.look():
                console.print(f"[green]✓[/] {called(part)} is ready")
            await up.refresh_admin()
            try:
                yield (await http.get(f"{up.deployment.authority}/operator/status")).raise_for_status().json()
            except httpx.HTTPError:
                yield None


def report_changes(up: Running, known: set[str], console: Console) -> set[str]:
    runs = {part.name for part in up.supervisor.parts.values() if part.runs}
    for name in sorted(known - runs):
        console.print(f"[bold red]✗[/] {name} ended. Bring it back: multiregion chaos start {name}")
    for name in sorted(runs - known):
        console.print(f"[green]✓[/] {name} was started again")
    return runs
