"""`multiregion up` without its looks: everything on this machine, from the folder's lock to the administrator's invitation."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec

from multiregion.application import load
from multiregion.clock import Clock, SystemClock
from multiregion.config import Deployment, PartConfig, Settings, read_settings_of, unknown_variables
from multiregion.errors import BadDeployment
from multiregion.local.clients import client
from multiregion.local.deployment import DataFolder, LocalDeployment, describe, plan
from multiregion.local.drilling import undo_before_start
from multiregion.local.kept import STORES, Kept, keep_copies
from multiregion.local.locks import held_by
from multiregion.local.supervisor import Part, Supervisor, check_base, check_ports
from multiregion.states import Role
from multiregion.tls import TRUST

ADMIN_EMAIL = "admin@example.com"
INVITE_SECONDS = 10.0
INVITE_PAUSE_SECONDS = 0.1
LEFT_BEHIND_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options of `up`."""

    primary: str
    secondary: str
    data: Path
    port: int
    wan_delay_milliseconds: float = 0.0
    settings: dict[str, str] = field(default_factory=dict)
    application: str | None = None
    """As `module:attribute`. None: what the folder was made for, or the gallery."""


@dataclass(slots=True)
class Running:
    """A deployment that is up."""

    supervisor: Supervisor
    deployment: Deployment
    folder: DataFolder
    local: LocalDeployment
    kept: Kept
    wire: str
    invited: bool = False

    @property
    def not_ready(self) -> list[Part]:
        return [part for part in self.supervisor.parts.values() if not part.ready]

    async def refresh_admin(self) -> None:
        """Take the temporary password out of `deployment.json` once it has been changed. Create the administrator, once, if that could
        not be done when everything was started."""
        if self.local.admin is None:
            return
        self.invited = self.invited or await invite_later(self.deployment, self.kept.initial_password)
        if self.local.admin.temporary_password and await admin_status(self.deployment) == "CONFIRMED":
            self.local = describe(self.kept, self.deployment, self.wire, None)
            self.folder.write(self.local)


@asynccontextmanager
async def running(
    wishes: Wishes,
    settings: Settings,
    on_ready: Callable[[Part], None],
    on_waiting: Callable[[Part], None],
    on_note: Callable[[str], None] = lambda words: None,
) -> AsyncIterator[Running]:
    """Start everything, and go on when it serves reads; whatever happens, stop everything. `on_note` is told what an operator has to
    know and do nothing about. Raises BadDeployment with what to do."""
    folder, clock = DataFolder(wishes.data), SystemClock()
    with folder.locked():
        await wait_until_unserved(wishes.data, clock)
        check_base(wishes.port)
        kept = folder.keep(clock, wishes.primary, wishes.secondary, wishes.application)
        if folder.found_again:
            on_note(folder.found_again)
        keep_copies(folder.folder, kept)
        undo_before_start(folder)
        application = load(kept.application)
        read_settings_of(application.settings)  # a wrong one is refused before anything starts
        for words in unknown_variables(kind=application.settings):
            on_note(words)
        accounts = application.accounts
        deployment, parts = plan(kept, wishes.data, wishes.port, settings=wishes.settings)
        check_ports(parts)  # before anything is written that a deployment in use could have
        wire = f"http://localhost:{parts['wire'].port}"
        folder.write(local := describe(kept, deployment, wire, kept.initial_password, accounts=accounts))
        supervisor = Supervisor(folder, parts, settings, clock)
        try:
            await unwrapped(supervisor.start_all(on_ready, on_waiting))
            if wishes.wan_delay_milliseconds:
                await change_wire(parts["wire"], deployment, delay_milliseconds=wishes.wan_delay_milliseconds / 2)
            up = Running(supervisor, deployment, folder, local, kept, wire)
            if accounts and not up.not_ready:
                await invite_admin(deployment, kept.initial_password)
            await up.refresh_admin()
            yield up
        finally:
            await supervisor.stop_all()


async def wait_until_unserved(data: Path, clock: Clock) -> None:
    """The folder's lock can be removed, those of its parts are held by whoever serves them: found out before anything is written.
    What an `up` that was killed has left behind ends by itself in a moment. Raises BadDeployment."""
    until = clock.monotonic() + LEFT_BEHIND_SECONDS
    while found := next(((store, owner) for store in STORES if (owner := held_by(data / store))), None):
        if clock.monotonic() > until:
            store, owner = found
            raise BadDeployment(
                f"the data folder {data} is in use by another `multiregion up`: process {owner} serves {store}; nothing was changed."
                " Stop that one, or choose another folder with --data"
            )
        await clock.sleep(INVITE_PAUSE_SECONDS)


async def unwrapped(work: Any) -> None:
    """Await what may raise a group of errors, and raise its first alone."""
    try:
        await work
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def change_wire(wire: PartConfig, deployment: Deployment, **order: Any) -> None:
    async with client(f"http://localhost:{wire.port}", deployment) as http:
        (await http.post("/wire", content=msgspec.json.encode(order))).raise_for_status()


async def ask_pool(deployment: Deployment, operation: str, role: Role = Role.PRIMARY, **body: Any) -> httpx.Response:
    """An operator's call of a region's user pool."""
    place = deployment.place(role)
    headers = {
        "Authorization": f"Bearer {deployment.operator_token}",
        "X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}",
        "Content-Type": "application/x-amz-json-1.1",
    }
    body["UserPoolId"] = place.user_pool_id
    async with httpx.AsyncClient(trust_env=False, timeout=INVITE_SECONDS, verify=TRUST) as http:
        return await http.post(f"{place.url}/", content=msgspec.json.encode(body), headers=headers)


async def invite_admin(deployment: Deployment, temporary_password: str) -> None:
    """Create the administrator, once. While the application is fenced at its first start there is nothing to be done."""
    if await admin_status(deployment) is not None:
        return
    clock = SystemClock()
    until = clock.monotonic() + INVITE_SECONDS
    while (response := await invite(deployment, temporary_password)).status_code == 503 and clock.monotonic() < until:
        await clock.sleep(INVITE_PAUSE_SECONDS)  # on a busy machine a lease can run out, and is there again a moment later
    if response.status_code not in (200, 409):
        raise BadDeployment(f"the administrator could not be created: {response.text}")


async def invite_later(deployment: Deployment, temporary_password: str) -> bool:
    """Whether there is an administrator by now."""
    try:
        return await admin_status(deployment) is not None or (await invite(deployment, temporary_password)).status_code == 200
    except httpx.HTTPError:
        return False


async def invite(deployment: Deployment, temporary_password: str) -> httpx.Response:
    return await ask_pool(
        deployment,
        "AdminCreateUser",
        Username="admin",
        TemporaryPassword=temporary_password,
        UserAttributes=[{"Name": "email", "Value": ADMIN_EMAIL}],
        ClientMetadata={"groups": "operators"},
    )


async def admin_status(deployment: Deployment) -> str | None:
    """`FORCE_CHANGE_PASSWORD`, `CONFIRMED`, …, or None if there is no administrator (or nobody to ask)."""
    for role in Role:
        with suppress(httpx.HTTPError):
            response = await ask_pool(deployment, "AdminGetUser", role, Username="admin")
            if response.status_code == 200:
                return str(response.json()["UserStatus"])
    return None
