"""How an operation in AWS is shown while it goes on: a bar for all resources of both regions, and a line for each failure."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from multiregion.cli.state import print_json
from multiregion.clock import pause
from multiregion.cloud.account import Account
from multiregion.cloud.failure import explain
from multiregion.cloud.failure import said as plainly
from multiregion.cloud.progress import Event, Snapshot, Watch
from multiregion.cloud.removal import begin, left
from multiregion.cloud.stack import GOOD, Stack
from multiregion.cloud.template import STACK_SET
from multiregion.commands.layout import say
from multiregion.config import label

errors = Console(stderr=True, highlight=False)
NAMES_SHOWN = 2
VERBS = (
    ("UPDATE_ROLLBACK", "undoing the update"),
    ("ROLLBACK", "rolling back"),
    ("DELETE", "deleting"),
    ("UPDATE", "updating"),
    ("CREATE", "creating"),
)


def verb(status: str) -> str:
    return next((words for start, words in VERBS if status.startswith(start)), status.lower())


@contextmanager
def interruptible() -> Iterator[None]:
    """Whoever presses Ctrl-C while something may have begun is told that it goes on."""
    try:
        yield
    except KeyboardInterrupt:
        errors.print("[yellow]![/] What has begun goes on in AWS. Run the same command again to watch it.")
        raise


def followed(account: Account, stack: Stack, *, total: int | None, quiet: bool) -> Snapshot:
    """Watch what goes on with the stack until it ends. `total` is how many resources there will be, if that is known."""
    columns = TextColumn("{task.description:<12}"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn()
    now = TextColumn("[dim]{task.fields[now]}[/]")
    seen: set[str] = set()
    found: Snapshot | None = None
    with Progress(*columns, now, console=errors, transient=True, disable=quiet or not errors.is_terminal) as progress:
        task = progress.add_task("starting", total=total, now="")
        for snapshot in Watch(account, stack.id, pause).looks():
            found = snapshot
            tell(snapshot, seen, progress.console, quiet=quiet)
            busy = snapshot.working_on()
            known = total if total and not snapshot.rolls_back else None
            progress.update(task, description=verb(snapshot.stack.status), completed=snapshot.finished(), total=known, now=names(busy))
    assert found is not None
    return found


def names(events: list[Event]) -> str:
    """The newest of the resources that are being worked on."""
    shown = ", ".join(f"{event.resource} in {label(event.region)}" for event in events[-NAMES_SHOWN:])
    return f"{shown} …" if len(events) > NAMES_SHOWN else shown


def tell(snapshot: Snapshot, seen: set[str], console: Console, *, quiet: bool) -> None:
    """What is new: failures and the stacks' own changes always, finished resources where no bar shows them."""
    for event in snapshot.events:
        if event.id in seen:
            continue
        seen.add(event.id)
        if quiet:
            continue
        if event.failed:
            if event.type != STACK_SET:  # which says once more what failed inside it; the end says it if nothing did
                say(console, f"[bold red]✗[/] {event.region} {escape(event.resource)}: {escape(plainly(event.reason))}")
        elif event.of_stack and event.status.endswith("_COMPLETE"):
            mark = "[yellow]![/]" if "ROLLBACK" in event.status else "[green]✓[/]"
            say(console, f"{mark} {event.region} {escape(part_of(snapshot.stack, event.resource))}: {words_of(event.status)}")
        elif event.status.endswith("_COMPLETE") and not console.is_terminal:
            console.print(f"[dim]· {event.region} {event.resource}[/]", soft_wrap=True)


def part_of(stack: Stack, name: str) -> str:
    """A stack's name without what all of the deployment's have in common: `stores` of a regional one."""
    _, found, rest = name.partition(f"-{stack.token}-")
    return rest.partition("-")[0] if found else name


def words_of(status: str) -> str:
    return status.lower().replace("_", " ")


def report(account: Account, snapshot: Snapshot, *, json: bool, again: str) -> bool:
    """Whether the operation did what was asked. If not, says why, what stays, and what to do."""
    if snapshot.stack.status in GOOD | {"DELETE_COMPLETE"}:
        return True
    failure, status = explain(snapshot), snapshot.stack.status
    stays = left(account, snapshot) if status == "ROLLBACK_COMPLETE" else []
    if json:
        kept = [each.described() for each in stays]
        print_json({"stack": snapshot.stack.name, "status": status, "failure": msgspec.to_builtins(failure), "kept": kept})
        return False
    say(errors, f"[bold red]✗[/] {snapshot.stack.name} ended as {status}")
    say(errors, escape(failure.sentence()), indent=2)
    say(errors, escape(failure.advice), indent=2)
    if status == "ROLLBACK_COMPLETE":
        say(errors, f"What had been made is removed again{', but for:' if stays else '.'}", indent=2)
        for each in stays:
            say(errors, f"{each.kind} {escape(each.name)} in {each.region}: {each.amount or 'contents not to be seen'}", indent=4)
            errors.print(f"      {escape(each.removal())}", soft_wrap=True)
        say(errors, f"Then: multiregion aws deploy --retry{again}. It makes everything anew, under other names.", indent=2)
    elif status == "UPDATE_ROLLBACK_COMPLETE":
        say(errors, "The deployment is as it was before.", indent=2)
    elif status == "DELETE_FAILED":
        say(errors, f"Remove what the reason names, then run again: multiregion aws destroy{again}", indent=2)
    return False


def discarded(account: Account, stack: Stack, *, quiet: bool) -> None:
    """Delete a stack, and follow that to its end. Exits 1 if something is left."""
    begin(account, stack)
    if not report(account, followed(account, stack, total=None, quiet=quiet), json=quiet, again=""):
        raise typer.Exit(1)
