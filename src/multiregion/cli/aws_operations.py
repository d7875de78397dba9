"""`aws status`, `aws state`, `aws verify`: the running deployment, as `status`, `state` and `verify` are for a local one."""

import getpass
from contextlib import suppress
from typing import Annotated, Any

import httpx
import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from multiregion.cli.aws_options import EitherRegionOption, NameOption, ProfileOption, RegionOption
from multiregion.cli.state import print_json, sentence, styled
from multiregion.clock import SystemClock, pause
from multiregion.cloud.account import Account
from multiregion.cloud.application import Application, Wanted
from multiregion.cloud.comparison import WAIT_SECONDS, Buckets, Comparison, Missing
from multiregion.cloud.health import Alarm, Health, Lag
from multiregion.cloud.repair import Job, Repair
from multiregion.cloud.stack import Stack, deployed
from multiregion.cloud.survivor import known
from multiregion.commands.layout import dim, say, stacked
from multiregion.commands.options import JsonOption
from multiregion.config import label
from multiregion.states import parse_state
from multiregion.verdicts import Verdict

state = typer.Typer(no_args_is_help=True, help="Show or change the state of the application on AWS (guide, Appendix A).")
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)
PROBE_SECONDS = 5.0
DIFFERENCES_SHOWN = 50
TABLES = ("AppConfigGlobalTableName", "CommentsTableName", "UsersTableName")
BUCKETS = {"PhotosBucket": ("photos/", True), "SiteBucket": ("", False)}
"""What of each is to be equal, and whether S3 replicates it: an upload that is not finished lies elsewhere and stays where it is."""


@state.command("get", epilog="Example: multiregion aws state get --json")
def get(
    name: NameOption = "multiregion", region: EitherRegionOption = None, profile: ProfileOption = None, json: JsonOption = False
) -> None:
    """Show the state that was decided last, and each region's own copy of it. Exits 1 if a copy is not there or older."""
    account = Account(profile, region)
    found = Application(account, known(account, name)).state()
    if json:
        print_json(found)
    else:
        say(console, sentence(found))
        print_copies(found)
    if behind(found):
        raise typer.Exit(1)


def behind(found: dict[str, Any]) -> list[str]:
    """The regions whose copy is older than what was decided, or cannot be read."""
    return [region for region, copy in found["copies"].items() if copy is None or copy.get("epoch") != found["epoch"]]


def print_copies(found: dict[str, Any]) -> None:
    if not found["authorityAnswers"]:
        where = f"{label(found['authority'])} ({found['authority']})"
        say(console, f"[yellow]![/] The authority in {where} does not answer: this is what the newest copy says.")
    for region in behind(found):
        copy = found["copies"][region]
        said = f"has still {copy.get('state')}, epoch {copy.get('epoch')}" if copy else "does not answer, so its copy is unknown"
        say(console, f"[yellow]![/] {label(region)} ({region}) {said}")


@state.command(
    "set",
    epilog="Examples: multiregion aws state set fenced --reason maintenance · multiregion aws state set failover --region-lost",
)
def set_state(
    new: Annotated[str, typer.Argument(help="active, fenced or failover (case-sensitive).", metavar="STATE")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the history.", metavar="TEXT")] = "",
    writable: Annotated[bool, typer.Option("--writable", help="With failover: let the secondary take writes.")] = False,
    region_lost: Annotated[bool, typer.Option("--region-lost", help="The region that wrote last is lost: go on without it.")] = False,
    accept_loss: Annotated[bool, typer.Option("--accept-loss", help="Go on even if more than the limit may be lost.")] = False,
    name: NameOption = "multiregion",
    region: EitherRegionOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Change the state through AppStateUpdaterLambda, as in the guide's Appendix A, with who wants it and why.

    Naming a new writer needs the old one fenced and equal, or [bold]--region-lost[/]. When the primary is lost, name the secondary with
    [bold]--region[/]. Exits 1 if it is refused.
    """
    parse_state(new)
    account = Account(profile, region)
    application = Application(account, known(account, name))
    wanted = Wanted(new, getpass.getuser(), reason, writable, region_lost, accept_loss)
    answer = application.change(wanted)
    found = application.state()
    if json:
        print_json({"answer": answer, **found})
    else:
        say(console, f"[green]✓[/] {sentence(found)}")
    silent = [region for region, confirmed in answer.get("confirmed", {}).items() if not confirmed]
    for region in silent:
        say(errors, f"[yellow]![/] {label(region)} ({region}) has not confirmed it yet")
    if silent:
        raise typer.Exit(1)


@state.command("history", epilog="Example: multiregion aws state history --limit 5")
def history(
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many decisions to show.", metavar="N")] = 50,
    name: NameOption = "multiregion",
    region: EitherRegionOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Show who changed the state, when and why, newest first."""
    account = Account(profile, region)
    decisions = Application(account, known(account, name)).history(limit)
    if json:
        print_json({"history": decisions})
        return
    lines = [([Text(str(each.get("at", ""))), Text(f"epoch {each['epoch']}"), state_text(each), by(each)], why(each)) for each in decisions]
    console.print(stacked(lines))


def state_text(decision: dict[str, Any]) -> Text:
    return Text.from_markup(styled(decision["state"]))


def by(decision: dict[str, Any]) -> Text:
    return Text(f"by {decision.get('actor') or 'somebody'}")


def why(decision: dict[str, Any]) -> list[Text]:
    return [dim(str(decision["reason"]))] if decision.get("reason") else []


def status(
    name: NameOption = "multiregion", region: EitherRegionOption = None, profile: ProfileOption = None, json: JsonOption = False
) -> None:
    """Show the deployment: state and epoch, whether both regions answer from outside, how far replication is behind, and alarms.

    Exits 1 if a region does not answer, tells another state than the one decided, or an alarm is on. When the primary is lost, name the
    secondary with [bold]--region[/].
    """
    account = Account(profile, region)
    stack = known(account, name)
    application = Application(account, stack)
    found = application.state()
    probes = [
        probe(place, stack.outputs.get(f"{role}RoutingUrl", stack.outputs.get(f"{role}ApiUrl")), application.app_id)
        for role, place in roles(application)
    ]
    health = Health(account, stack, SystemClock().now())
    health.silent |= {region for region, copy in found["copies"].items() if copy is None}
    lags, alarms = list(health.lags()), list(health.alarms())
    if json:
        print_json(everything(stack, found, probes, lags, alarms, health.silent))
    else:
        print_status(stack, found, probes, lags, alarms)
        print_copies(found)
        print_silent(health.silent)
    agree = all(each["answers"] and each["epoch"] == found["epoch"] for each in probes)
    if not agree or health.silent or any(alarm.state == "ALARM" for alarm in alarms):
        raise typer.Exit(1)


def roles(application: Application) -> tuple[tuple[str, str], ...]:
    return (("Primary", application.primary), ("Secondary", application.secondary))


def probe(region: str, url: str | None, app_id: str) -> dict[str, Any]:
    """What a region's routing API tells somebody outside, as a browser would ask it."""
    clock = SystemClock()
    began = clock.monotonic()
    told: dict[str, Any] = {"region": region, "answers": False, "state": None, "epoch": None, "milliseconds": None, "detail": ""}
    if not url:
        return {**told, "detail": "the stack does not say its address"}
    try:
        response = httpx.get(f"{url.rstrip('/')}/state/{app_id}", timeout=PROBE_SECONDS)
        body = response.json() if response.status_code == 200 else {}
    except (httpx.HTTPError, ValueError) as error:
        return {**told, "detail": f"no answer ({type(error).__name__})"}
    if response.status_code != 200:
        return {**told, "detail": f"answered {response.status_code}"}
    milliseconds = round((clock.monotonic() - began) * 1_000)
    return {**told, "answers": True, "state": body.get("state"), "epoch": body.get("epoch"), "milliseconds": milliseconds}


def everything(
    stack: Stack, found: dict[str, Any], probes: list[Any], lags: list[Lag], alarms: list[Alarm], silent: set[str]
) -> dict[str, Any]:
    return {
        "stack": {"name": stack.name, "status": stack.status, "region": stack.region},
        **found,
        "answers": probes,
        "lag": [msgspec.to_builtins(each) for each in lags],
        "alarms": [msgspec.to_builtins(each) for each in alarms],
        "silent": sorted(silent),
    }


def print_status(stack: Stack, found: dict[str, Any], probes: list[Any], lags: list[Lag], alarms: list[Alarm]) -> None:
    say(console, sentence(found))
    if found.get("at"):
        reason = f", because: {escape(str(found['reason']))}" if found.get("reason") else ""
        say(console, f"[dim]Changed {found['at']} by {escape(str(found.get('actor', 'somebody')))}{reason}[/]")
    console.print(f"[dim]Stack {stack.name}: {stack.status}[/]")
    for each in probes:
        console.print(answer_line(each, found["epoch"]), soft_wrap=True)
    prefix = f"{stack.outputs.get('StackSetPrefix', '')}-"
    console.print("Replication, in the last half hour:")
    for lag in lags:
        seconds = "nothing measured" if lag.seconds is None else f"at most {lag.seconds:,.1f} s behind"
        say(console, f"{label(lag.source)} → {label(lag.to)}  {escape(lag.what.removeprefix(prefix))}: {seconds}", indent=2)
    on = [alarm for alarm in alarms if alarm.state == "ALARM"]
    console.print(f"Alarms: {len(on)} of {len(alarms)} on" if alarms else "Alarms: none are set")
    for alarm in on:
        say(console, f"[bold red]✗[/] {alarm.region} {escape(alarm.name)}: {escape(alarm.reason)}", indent=2)


def print_silent(silent: set[str]) -> None:
    for region in sorted(silent):
        say(console, f"[yellow]![/] AWS in {label(region)} ({region}) does not answer: its lag and its alarms are unknown.")


def answer_line(probe: dict[str, Any], epoch: int) -> str:
    title = f"[bold]{label(probe['region'])}[/] [dim]{probe['region']}[/]"
    if not probe["answers"]:
        return f"[bold red]✗[/] {title}: {escape(probe['detail'])}"
    mark = "[green]✓[/]" if probe["epoch"] == epoch else "[yellow]![/]"
    with suppress(KeyError):
        return f"{mark} {title}: tells {styled(str(probe['state']))}, epoch {probe['epoch']}, in {probe['milliseconds']} ms"
    return f"{mark} {title}: tells something else than a state"


def verify(
    wait: Annotated[
        float, typer.Option("--wait", min=0, max=600, help="How long what differs in a table may take to arrive.", metavar="SECONDS")
    ] = WAIT_SECONDS,
    repair: Annotated[
        bool, typer.Option("--repair", help="Let S3 replicate again what only one region has: what failed, or is older than the rule.")
    ] = False,
    name: NameOption = "multiregion",
    region: RegionOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Compare both regions item by item: every table, every photograph, the web application. Exits 1, with a list, where they differ.

    What differs only because it is on its way gets some seconds to arrive. A write that arrived late is told with its epoch and region.
    With [bold]--repair[/], a job of S3 Batch Replication is begun for each region that has photographs the other lacks.
    """
    account = Account(profile, region)
    stack = deployed(account, name)
    tables = [stack.output(each) for each in TABLES]
    named = [(kind, *[stack.output(f"{role}{kind}") for role in ("Primary", "Secondary")]) for kind in BUCKETS]
    buckets = [Buckets(here, there, *BUCKETS[kind]) for kind, here, there in named]
    verdict, comparison = Verdict(), Comparison(account, stack.regions[:2], pause, wait)
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=json) as progress:
        task = progress.add_task("comparing", total=None)
        for verdict in comparison.run(tables, buckets):
            progress.update(task, description=f"{verdict.records:,} items, {verdict.objects:,} objects")
    if not json:
        print_verdict(verdict)
    jobs = repaired(Repair(account, stack), comparison.missing, quiet=json) if repair and comparison.missing else []
    if json:
        print_json({**verdict.document(), **({"jobs": msgspec.to_builtins(jobs)} if repair else {})})
    if not verdict.equal:
        raise typer.Exit(1)


def repaired(repair: Repair, missing: list[Missing], *, quiet: bool) -> list[Job]:
    """Each job on its line as it is begun."""
    jobs = []
    for job in repair.run(missing):
        jobs.append(job)
        if quiet:
            continue
        if job.id:
            say(console, f"[green]✓[/] S3 replicates {job.objects:,} objects of {job.bucket} again. How far it is, and then verify again:")
            console.print(f"  [dim]{repair.watch(job)}[/]", soft_wrap=True)
        for each in job.left:
            say(console, f"[yellow]![/] not replicated again: {escape(each)}")
    return jobs


def print_verdict(verdict: Verdict) -> None:
    looked = f"{verdict.records:,} items and {verdict.objects:,} objects ({verdict.bytes:,} bytes)"
    if verdict.equal:
        console.print(f"[green]✓[/] Both regions hold the same: {looked}.")
        return
    more = "" if verdict.complete else " or more"
    console.print(f"[bold red]✗ {len(verdict.differences)} differences{more}[/] in {looked}:")
    for each in verdict.differences[:DIFFERENCES_SHOWN]:
        say(console, f"{escape(each.kind)} {escape(each.name)}: {each.problem}", indent=2)
    if len(verdict.differences) > DIFFERENCES_SHOWN:
        console.print(f"  … and {len(verdict.differences) - DIFFERENCES_SHOWN} more (--json lists them)")
