"""`photo`: real photographs in, and a list of what is there."""

import asyncio
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from multiregion.commands.client import Client
from multiregion.commands.layout import Entry, Fitting, dim, size_words
from multiregion.commands.options import DataOption, JsonOption, open_deployment
from multiregion.errors import InvalidInput
from multiregion.gallery.client import photos
from multiregion.gallery.importing import Import, Importer, Item, pictures_in

app = typer.Typer(no_args_is_help=True, help="Photographs: put them in, and list them.")
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)
JOBS_DEFAULT, JOBS_MAX = 4, 16
MEBIBYTE = 1024 * 1024

FolderArgument = Annotated[Path, typer.Argument(help="The folder with the photographs (JPEG, PNG, WebP).", metavar="DIR")]
UserOption = Annotated[str | None, typer.Option("--user", help="Import as this user, who signs in. Default: the administrator.")]
PasswordOption = Annotated[
    str | None, typer.Option("--password", help="That user's password; asked for if not given.", envvar="MULTIREGION_PASSWORD")
]


@app.command("import", epilog="Example: multiregion photo import ~/Pictures --recursive")
def import_photos(
    folder: FolderArgument,
    user: UserOption = None,
    password: PasswordOption = None,
    jobs: Annotated[int, typer.Option("--jobs", help="How many at a time.", min=1, max=JOBS_MAX)] = JOBS_DEFAULT,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Folders within the folder too.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a folder's photographs in.

    What is there already is skipped, so that an import that was interrupted goes on when it is run again.
    Exits 1 if a file could not be imported; all the others are."""
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is not a folder", field="DIR")
    deployment = open_deployment(data)
    if user and password is None:
        password = typer.prompt(f"Password of {user}", hide_input=True, err=True)
    client = Client(deployment, user=user, password=password or "")
    items = pictures_in(folder, recursive=recursive)
    try:
        result = asyncio.run(imported(client, items, jobs=jobs, show=not as_json))
    except KeyboardInterrupt:
        errors.print("[yellow]![/] interrupted; run the same command again to go on")
        raise
    print_json(result) if as_json else print_result(result)
    if not result.good:
        raise typer.Exit(1)


@app.command("list", epilog="Example: multiregion photo list --json")
def list_photos(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the photographs, newest first."""
    found = asyncio.run(all_photos(Client(open_deployment(data))))
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        console.print(photos_list(found) if found else "There is no photo yet. Put some in: [bold]multiregion photo import DIR[/]")


async def import_samples(client: Client, console: Console) -> None:
    """Put the sample photographs in, unless they are there, and say in one line how that went."""
    with as_file(files("multiregion.gallery").joinpath("samples")) as folder:
        result = await imported(client, pictures_in(folder, recursive=False), jobs=JOBS_DEFAULT, show=False)
    if result.good:
        console.print(f"[green]✓[/] {len(result.items)} sample photographs are in the gallery")
    else:
        reason = escape(result.stopped or result.of("failed")[0].reason)
        console.print(f"[yellow]![/] not all sample photographs are in the gallery: {reason}")


async def imported(client: Client, items: list[Item], *, jobs: int, show: bool) -> Import:
    async with client:
        if not show:
            return await Importer(client).run(items, jobs=jobs)
        with progress_bar() as progress:
            files_task = progress.add_task("", total=sum(item.size for item in items), done=0, count=len(items))

            def done(item: Item) -> None:
                progress.update(files_task, done=len([each for each in items if each.outcome != "waiting"]))

            importer = Importer(client, sent=lambda size: progress.advance(files_task, size), done=done)
            return await importer.run(items, jobs=jobs)


def progress_bar() -> Progress:
    return Progress(
        TextColumn("Importing {task.fields[done]}/{task.fields[count]}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
    )


async def all_photos(client: Client) -> list[dict[str, Any]]:
    async with client:
        return [photo async for photo in photos(client)]


def print_result(result: Import) -> None:
    added, present, failed = (result.of(outcome) for outcome in ("added", "present", "failed"))
    size = sum(item.size for item in added)
    speed = size / MEBIBYTE / result.seconds if result.seconds else 0.0
    measured = f"{size / MEBIBYTE:.1f} MB in {result.seconds:.1f} s, {speed:.1f} MB/s"
    console.print(f"[green]✓[/] {len(added)} imported ({measured}), {len(present)} there already")
    if result.stopped:
        errors.print(f"[bold red]✗[/] stopped: {escape(result.stopped)}", soft_wrap=True)
    for item in failed:
        waited = f" [dim](waited {item.waited_seconds:.1f} s)[/]" if item.waited_seconds else ""
        errors.print(f"[bold red]✗[/] {escape(item.name)}: {escape(item.reason)}{waited}", soft_wrap=True)


def print_json(result: Import) -> None:
    typer.echo(
        msgspec.json.encode(
            {
                "added": len(result.of("added")),
                "present": len(result.of("present")),
                "failed": [
                    {"file": item.name, "reason": item.reason, "waitedSeconds": item.waited_seconds} for item in result.of("failed")
                ],
                "notTried": len(result.of("waiting")),
                "bytes": sum(item.size for item in result.of("added")),
                "seconds": round(result.seconds, 3),
                "stopped": result.stopped or None,
            }
        ).decode()
    )


def photos_list(found: list[dict[str, Any]]) -> Fitting:
    table = Table(box=None, header_style="dim")
    for heading in ("id", "by", "caption", "size", "pixels", "added"):
        table.add_column(heading, justify="right" if heading in ("size", "pixels") else "left")
    for photo in found:
        pixels, size, added, caption = shown(photo)
        table.add_row(Text(photo["photoId"]), Text(photo["user"]), Text(caption), size, pixels, added)
    return Fitting(table, map(entry, found))


def entry(photo: dict[str, Any]) -> Entry:
    pixels, size, added, caption = shown(photo)
    return [Text(added), Text(caption)], [dim(photo["photoId"], f"by {photo['user']}", pixels, size)]


def shown(photo: dict[str, Any]) -> tuple[str, str, str, str]:
    """Its pixels, size, time and caption, each in one line."""
    caption = " ".join(photo["caption"].split())
    return f"{photo['width']} x {photo['height']}", size_words(photo["size"]), photo["createdAt"][:16].replace("T", " "), caption
