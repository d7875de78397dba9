"""`user`: who may sign in. Sign-up is closed; users are made here, in the region that writes."""

from typing import Annotated, Any

import httpx
import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from multiregion.accounts.passwords import temporary
from multiregion.callers import OPERATORS
from multiregion.cli.deployment import Failure
from multiregion.clock import SystemClock, iso
from multiregion.commands.layout import Entry, Fitting, dim
from multiregion.commands.options import DataOption, JsonOption, open_deployment
from multiregion.config import RegionPlace, read_settings
from multiregion.errors import Refused, Unreachable
from multiregion.local.deployment import LocalDeployment
from multiregion.tls import TRUST

app = typer.Typer(no_args_is_help=True, help="Users: invite, list, disable, and reset passwords.")
console = Console(highlight=False)

CALL_SECONDS = 10.0
STATE_SECONDS = 2.0
PAGES_MAX = 10_000
NameArgument = Annotated[str, typer.Argument(help="The user name.", metavar="NAME")]
STATUS_WORDS = {
    "CONFIRMED": "[green]active[/]",
    "FORCE_CHANGE_PASSWORD": "[yellow]invited[/]",
    "RESET_REQUIRED": "[yellow]must reset the password[/]",
}


@app.command("add", epilog="Example: multiregion user add maria --email maria@example.com --phone +12065550100")
def add(
    name: NameArgument,
    email: Annotated[str, typer.Option("--email", help="The user's e-mail address.", metavar="E")],
    phone: Annotated[str | None, typer.Option("--phone", help="The user's phone number, such as +12065550100.", metavar="P")] = None,
    operator: Annotated[
        bool, typer.Option("--operator", help="The user administers users, and may do what the application leaves to operators.")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Invite a user, with a temporary password that is shown once.

    At the first sign-in the user chooses a new one. It then holds in both regions.
    """
    pool = UserPool.writing(open_deployment(data))
    password = temporary(SystemClock())
    attributes = [{"Name": "email", "Value": email}] + ([{"Name": "phone_number", "Value": phone}] if phone else [])
    groups = {"groups": OPERATORS} if operator else {}
    pool.ask("AdminCreateUser", Username=name, UserAttributes=attributes, TemporaryPassword=password, ClientMetadata=groups)
    show_password(name, password, "is invited" + (" as an operator" if operator else ""), as_json)


@app.command("list", epilog="Example: multiregion user list --json")
def list_users(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List all users, by name. Works in every state, and while a region is lost."""
    users = [shown(user) for user in UserPool.answering(open_deployment(data)).users()]
    if as_json:
        print_json(users)
    else:
        console.print(users_list(users) if users else "There is no user yet. Invite one: [bold]multiregion user add NAME --email E[/]")


@app.command("disable", epilog="Example: multiregion user disable maria")
def disable(name: NameArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Sign a user out everywhere and let nobody in under that name, until `user enable`."""
    UserPool.writing(open_deployment(data)).ask("AdminDisableUser", Username=name)
    show_done(name, "is disabled and signed out everywhere", as_json)


@app.command("enable", epilog="Example: multiregion user enable maria")
def enable(name: NameArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Let a disabled user sign in again, with the same password."""
    UserPool.writing(open_deployment(data)).ask("AdminEnableUser", Username=name)
    show_done(name, "can sign in again", as_json)


@app.command("reset-password", epilog="Example: multiregion user reset-password maria")
def reset_password(name: NameArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Sign a user out everywhere and set a new temporary password, which is shown once."""
    password = temporary(SystemClock())
    pool = UserPool.writing(open_deployment(data))
    pool.ask("AdminSetUserPassword", Username=name, Password=password, Permanent=False)
    show_password(name, password, "is signed out everywhere", as_json)


class UserPool:
    """One region's identity operations, called as the operator."""

    def __init__(self, deployment: LocalDeployment, place: RegionPlace) -> None:
        self._place = place
        self._headers = {
            "Authorization": f"Bearer {deployment.authority.operator_token}",
            "Content-Type": "application/x-amz-json-1.1",
        }

    @classmethod
    def writing(cls, deployment: LocalDeployment) -> "UserPool":
        """The pool of the region that writes. Raises Refused if none does, and Unreachable if it cannot be found out."""
        _, state = first_answering(deployment)
        for place in (deployment.primary, deployment.secondary):
            if place.region == state["writer"]:
                return cls(deployment, place)
        raise Refused(f"the application is {state['state']}: users cannot be changed now, in either region. Signing in goes on as before")

    @classmethod
    def answering(cls, deployment: LocalDeployment) -> "UserPool":
        """The pool of the first region that answers. Raises Unreachable."""
        place, _ = first_answering(deployment)
        return cls(deployment, place)

    def users(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        more: dict[str, str] = {}
        for _ in range(PAGES_MAX):
            page = self.ask("ListUsers", **more)
            found += page["Users"]
            if "PaginationToken" not in page:
                break
            more = {"PaginationToken": page["PaginationToken"]}
        return found

    def ask(self, operation: str, **fields: Any) -> dict[str, Any]:
        """Raises Failure with the region's own words if it refuses, and Unreachable if it does not answer."""
        body = msgspec.json.encode({"UserPoolId": self._place.user_pool_id, **fields})
        target = {"X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}"}
        try:
            how: dict[str, Any] = {"timeout": CALL_SECONDS, "trust_env": False, "verify": TRUST}
            response = httpx.post(self._place.url, headers=self._headers | target, content=body, **how)
        except httpx.HTTPError as error:
            raise Unreachable(
                f"the region {self._place.region} at {self._place.url} did not answer ({type(error).__name__});"
                " look with `multiregion user list` whether it was done"
            ) from error
        answer = read(response)
        if response.status_code >= 400:
            raise Failure(refusal(self._place, response))
        return answer


def read(response: httpx.Response) -> dict[str, Any]:
    try:
        return msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}


def refusal(place: RegionPlace, response: httpx.Response) -> str:
    """In the region's own words, be they of its identity endpoint or of any other."""
    answer = read(response)
    return str(answer.get("message") or answer.get("detail") or f"{place.region} answered {response.status_code}").rstrip(".")


def first_answering(deployment: LocalDeployment) -> tuple[RegionPlace, dict[str, Any]]:
    """The primary and its state document, else the secondary and its own. Raises Unreachable if neither answers."""
    why, answers = list[str](), False
    for place in (deployment.primary, deployment.secondary):
        try:
            response = httpx.get(f"{place.url}/state/{deployment.app_id}", timeout=STATE_SECONDS, trust_env=False, verify=TRUST)
        except httpx.HTTPError:
            why.append(f"{place.region} at {place.url} does not answer")
            continue
        state = read(response)
        if response.status_code == 200 and "writer" in state:
            return place, state
        why.append(refusal(place, response))
        answers = True
    raise Unreachable(f"{'; '.join(why)}. {'`multiregion status` says what helps' if answers else 'Is `multiregion up` running?'}")


def show_password(name: str, password: str, what: str, as_json: bool) -> None:
    if as_json:
        print_json({"username": name, "temporaryPassword": password})
        return
    days = read_settings().temporary_password_days
    lines = f"[bold]{escape(name)}[/] {what}.\n\nTemporary password   [bold]{password}[/]\n\n"
    console.print(Panel.fit(f"{lines}[dim]It is not shown again. It must be changed at the first sign-in, within {days} days.[/]"))


def show_done(name: str, what: str, as_json: bool) -> None:
    if as_json:
        print_json({"username": name})
    else:
        console.print(f"[green]✓[/] {escape(name)} {what}")


def shown(user: dict[str, Any]) -> dict[str, Any]:
    attributes = {each["Name"]: each["Value"] for each in user["Attributes"]}
    return {
        "username": user["Username"],
        "email": attributes["email"],
        "phone": attributes.get("phone_number"),
        "status": user["UserStatus"],
        "enabled": user["Enabled"],
        "createdAt": iso(user["UserCreateDate"]),
    }


def users_list(users: list[dict[str, Any]]) -> Fitting:
    table = Table(box=None, header_style="dim")
    for heading in ("user", "email", "phone", "status", "since"):
        table.add_column(heading)
    for user in users:
        table.add_row(Text(user["username"]), Text(user["email"]), user["phone"] or "", status_words(user), user["createdAt"][:10])
    return Fitting(table, map(entry, users))


def entry(user: dict[str, Any]) -> Entry:
    return [Text(user["username"], "bold"), status_words(user), Text(user["createdAt"][:10])], [dim(user["email"], user["phone"] or "")]


def status_words(user: dict[str, Any]) -> Text:
    return Text.from_markup(STATUS_WORDS[user["status"]] if user["enabled"] else "[red]disabled[/]")


def print_json(content: object) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(content)).decode())
