"""`aws`: the guide's deployment in an AWS account: write its template, deploy it, show what it is, take it down."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from multiregion.cli import aws_cost, aws_operations
from multiregion.cli.aws_options import NameOption, ProfileOption, RegionOption, chosen_again
from multiregion.cli.aws_progress import discarded, followed, interruptible, report
from multiregion.cli.state import print_json
from multiregion.cloud import preflight, removal
from multiregion.cloud.account import Account, Identity
from multiregion.cloud.launch import ATTACH, CREATE, NOTHING, Launched, launch, update
from multiregion.cloud.preflight import Check, Preflight, Wish
from multiregion.cloud.publish import INDEX, Bundle, Publication, packaged_bundle
from multiregion.cloud.stack import NEVER_WHOLE, NotWhole, Stack, deployed, find_stack, ours
from multiregion.cloud.template import FILE_NAME, packaged_template, read_template
from multiregion.commands.layout import say
from multiregion.commands.options import JsonOption
from multiregion.errors import BadDeployment, InvalidInput

app = typer.Typer(no_args_is_help=True, help="The guide's deployment on AWS: two regions from one CloudFormation template.")
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)
MARKS = {preflight.GOOD: "[green]✓[/]", preflight.BAD: "[bold red]✗[/]", preflight.UNKNOWN: "[yellow]![/]"}

TemplateOption = Annotated[Path | None, typer.Option("--template", help="Another template than the packaged one.", metavar="FILE")]


@app.command(
    "synth", epilog=f"Examples: multiregion aws synth · multiregion aws synth - --part StoresStackSet · multiregion aws synth {FILE_NAME}"
)
def synth(
    file: Annotated[str, typer.Argument(help="Where to write it; - for standard output.", metavar="FILE")] = FILE_NAME,
    part: Annotated[str | None, typer.Option("--part", help="One of the templates inside it, by its StackSet.", metavar="NAME")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
    json: JsonOption = False,
) -> None:
    """Write the CloudFormation template to a file, to read it, check it, or launch it in the console. No account is needed.

    It is the template that the package brings. From a checkout, `python -m infra` makes that one anew from its source.
    """
    template = packaged_template()
    if part is not None:
        if part not in template.inner:
            raise InvalidInput(f"the template has no part {part!r}; it has {', '.join(template.inner)}", field="--part")
        template = template.inner[part]
    if file == "-":
        typer.echo(template.text, nl=not template.text.endswith("\n"))
        return
    path = Path(file)
    if path.exists() and not force:
        raise InvalidInput(f"{path} is there already; --force overwrites it", field="FILE")
    try:
        path.write_text(template.text, encoding="utf-8")
    except OSError as error:
        raise BadDeployment(f"{path} cannot be written: {error.strerror}") from error
    if json:
        print_json({"file": str(path), "bytes": template.size, "resources": len(template.resources)})
    else:
        console.print(f"[green]✓[/] {escape(str(path))}: {template.size:,} bytes, {len(template.resources)} resources", soft_wrap=True)


@app.command(
    "deploy",
    epilog="Examples: multiregion aws deploy --admin-name maria --admin-email maria@example.com --admin-phone +12345678999"
    " · multiregion aws deploy --parameter FailoverWritable=yes · multiregion aws deploy --site-only",
)
def deploy(
    name: NameOption = "multiregion",
    region: RegionOption = None,
    secondary_region: Annotated[str | None, typer.Option("--secondary-region", help="The second region (for a new deployment).")] = None,
    admin_name: Annotated[str | None, typer.Option("--admin-name", help="The administrator's user name.")] = None,
    admin_email: Annotated[str | None, typer.Option("--admin-email", help="Where the invitation goes.")] = None,
    admin_phone: Annotated[str | None, typer.Option("--admin-phone", help="As in +12345678999.")] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", help="Any other parameter; repeat it.", metavar="NAME=VALUE")
    ] = None,
    template: TemplateOption = None,
    web: Annotated[Path | None, typer.Option("--web", help="Another built web application than the packaged one.", metavar="DIR")] = None,
    site_only: Annotated[
        bool, typer.Option("--site-only", help="Only bring another web application than the template's, and change nothing else.")
    ] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Delete what a failed first deployment left, and deploy anew.")] = False,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Deploy to AWS, or bring a deployment up to date: check first, publish the template and the web application, follow the work
    in both regions.

    Interrupted, or with the line lost, the work goes on in AWS; the same command watches it again. What is not named keeps its value.
    Exits 1 if a check or the deployment fails, with the reason and what to do.
    """
    account = Account(profile, region)
    named = {"AdminName": admin_name, "AdminEmail": admin_email, "AdminPhone": admin_phone, "SecondaryRegion": secondary_region}
    values = {key: value for key, value in named.items() if value is not None} | parsed(parameter or [])
    wish = Wish(name, read_template(template) if template else packaged_template(), bundle_in(web), values, retry)
    identity = account.identity()
    stack = find_stack(account, name)
    wish.template.checked(values, known=stack.parameters if stack and stack.status not in NEVER_WHOLE else {})
    if not site_only:
        checked(Preflight(account, identity, stack, wish), quiet=json)
    with interruptible():
        launched = site(account, identity, stack, wish) if site_only else launch_all(account, identity, stack, wish, quiet=json)
        finish(account, launched, wish, json=json, again=chosen_again(name, region, profile))


def bundle_in(web: Path | None) -> Bundle | None:
    if web is not None and not (web / INDEX).is_file():
        raise InvalidInput(f"{web} holds no {INDEX}, so it is no built web application", field="--web")
    return packaged_bundle(web)


def parsed(given: list[str]) -> dict[str, str]:
    found = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not (key and equals):
            raise InvalidInput(f"--parameter takes NAME=VALUE, not {each!r}", field="--parameter")
        found[key] = value
    return found


def checked(checks: Preflight, *, quiet: bool) -> None:
    """Every check on its line. Exits 1 if one is bad."""
    found = []
    for check in checks.run():
        found.append(check)
        if not quiet or check.outcome == preflight.BAD:
            show(check, errors if quiet else console)
    if any(check.outcome == preflight.BAD for check in found):
        errors.print("Nothing has been changed.")
        raise typer.Exit(1)


def show(check: Check, where: Console) -> None:
    where.print(f"{MARKS[check.outcome]} {check.name:<16} {escape(check.found)}", soft_wrap=True)
    if check.advice and check.outcome != preflight.GOOD:
        say(where, f"[dim]{escape(check.advice)}[/]", indent=2)


def launch_all(account: Account, identity: Identity, stack: Stack | None, wish: Wish, *, quiet: bool) -> Launched:
    if stack and stack.runs:
        return Launched(ATTACH, stack.id)
    if stack and stack.status in NEVER_WHOLE and wish.retry:
        discarded(account, stack, quiet=quiet)
        stack = None
    published = Publication(account, identity).publish(wish.template, wish.bundle)
    return launch(account, stack, wish.name, wish.template, wish.parameters, published)


def site(account: Account, identity: Identity, stack: Stack | None, wish: Wish) -> Launched:
    """Only the web application: the stack's own template again, with another bundle."""
    if wish.bundle is None:
        raise BadDeployment("the web application has not been built here: make web")
    stack = stack or deployed(account, wish.name)
    if stack.runs:
        return Launched(ATTACH, stack.id)
    return update(account, stack, None, {}, Publication(account, identity).publish(wish.template, wish.bundle))


def finish(account: Account, launched: Launched, wish: Wish, *, json: bool, again: str) -> None:
    """Follow the work to its end, and say what came of it."""
    if launched.what == ATTACH and not json:
        console.print("[yellow]![/] An operation goes on already; this follows it, and changes nothing.")
    stack = find_stack(account, launched.stack_id)
    assert stack is not None
    if launched.what != NOTHING:
        total = len(list(wish.template.everything(stack.parameters, stack.region))) if stack.status.startswith("CREATE") else None
        snapshot = followed(account, stack, total=total, quiet=json)
        stack = snapshot.stack
        if not report(account, snapshot, json=json, again=again):
            raise typer.Exit(1)
    if json:
        print_json({"what": launched.what, "stack": stack.name, "status": stack.status, "outputs": dict(stack.outputs)})
    else:
        welcome(stack, launched, wish, again)


def welcome(stack: Stack, launched: Launched, wish: Wish, again: str) -> None:
    words = {CREATE: "is deployed", NOTHING: "is up to date; there was nothing to change"}.get(launched.what, "is up to date")
    console.print(f"[green]✓[/] {stack.name} {words}")
    lines = Table.grid(padding=(0, 2))
    lines.add_row("Open", f"[bold]{stack.outputs.get('ConsoleUrl', 'unknown')}[/]")
    invited = f"[dim]the invitation went to {escape(stack.parameters.get('AdminEmail', ''))}[/]" if launched.what == CREATE else ""
    lines.add_row("Sign in as", f"[bold]{escape(stack.parameters.get('AdminName', ''))}[/] {invited}")
    lines.add_row("[dim]Then[/]", f"[dim]multiregion aws status{again}[/]")
    lines.add_row("", f"[dim]multiregion aws state set fenced{again}[/]")
    lines.add_row("[dim]Take down[/]", f"[dim]multiregion aws destroy{again}[/]")
    console.print(lines)


@app.command("outputs", epilog="Examples: multiregion aws outputs · multiregion aws outputs --json | jq -r .ConsoleUrl")
def outputs(name: NameOption = "multiregion", region: RegionOption = None, profile: ProfileOption = None, json: JsonOption = False) -> None:
    """Show what the deployment says of itself: addresses, ids, names of tables, buckets and functions."""
    stack = deployed(Account(profile, region), name)
    if json:
        print_json(dict(stack.outputs))
        return
    if not stack.outputs:
        raise NotWhole(f"the stack {name} ({stack.status}) has no outputs yet")
    for key, value in sorted(stack.outputs.items()):
        console.print(f"{key:<28} {escape(value)}", soft_wrap=True)


def destroy(
    name: NameOption = "multiregion",
    region: RegionOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Take the deployment down in both regions. Says first what stays, and asks. Buckets and tables with data stay.

    Interrupted, run it again. Exits 1 if something could not be deleted, with the reason; 0 if there is nothing left to take down.
    """
    account = Account(profile, region)
    found = find_stack(account, name)
    if found is None:
        gone_already(account, name, json)
        return
    stack = ours(account, found)
    stays = removal.kept(account, stack)
    if not json:
        announce(stack, stays)
    if not yes and not typer.confirm(f"Take {name} down", default=False, err=True):
        errors.print("Nothing has been changed.")
        raise typer.Exit(1)
    with interruptible():
        removal.begin(account, stack)
        snapshot = followed(account, stack, total=None, quiet=json)
    if not report(account, snapshot, json=json, again=chosen_again(name, region, profile)):
        raise typer.Exit(1)
    published = removal.remove_publication(account, account.identity())
    if json:
        print_json({"stack": name, "status": snapshot.stack.status, "kept": [each.described() for each in stays]})
    else:
        parted(name, stays, published)


def gone_already(account: Account, name: str, json: bool) -> None:
    """Nothing to take down; what an interrupted deletion left to do is done."""
    removal.remove_publication(account, account.identity())
    if json:
        print_json({"stack": name, "status": None, "kept": []})
    else:
        say(console, f"[yellow]![/] There is no stack {name} in {account.region}, so there is nothing to take down.")


def announce(stack: Stack, stays: list[removal.Kept]) -> None:
    words = " and ".join(stack.regions)
    say(console, f"[bold]{stack.name}[/] in {words}: the web application, both APIs and all functions go.")
    if not stays:
        console.print("Nothing of it stays.")
        return
    console.print("This stays, and goes on costing until you remove it:")
    list_kept(each for each in stays if not each.is_shared)
    console.print("This stays, too, because other APIs of the account may use it; it costs nothing:")
    list_kept(each for each in stays if each.is_shared)


def list_kept(stays: Iterable[removal.Kept]) -> None:
    for each in stays:
        say(console, f"{each.kind} {escape(each.name)} in {each.region}: {each.amount or 'contents not to be seen'}", indent=2)


def parted(name: str, stays: list[removal.Kept], published: int | None) -> None:
    console.print(f"[green]✓[/] {name} is gone")
    if published is None:
        console.print("[dim]Another deployment uses the published templates, so they stay.[/]")
    if stays:
        console.print("To remove what stayed, once nobody needs it:")
        for each in stays:
            console.print(f"  {escape(each.removal())}", soft_wrap=True)
        console.print("[dim]The last ones only if no other API of the account writes logs.[/]")


app.command("status", epilog="Example: multiregion aws status --json")(aws_operations.status)
app.add_typer(aws_operations.state, name="state")
app.command("verify", epilog="Examples: multiregion aws verify · multiregion aws verify --repair")(aws_operations.verify)
app.command("destroy", epilog="Examples: multiregion aws destroy · multiregion aws destroy --yes --json")(destroy)
app.command("cost", epilog=aws_cost.EXAMPLES)(aws_cost.cost)
