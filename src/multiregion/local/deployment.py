"""What is in a deployment's folder: its lock, its format, its parts' configurations, and `deployment.json`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from multiregion.clock import Clock
from multiregion.config import GALLERY, Deployment, PartConfig, RegionPlace
from multiregion.errors import BadDeployment
from multiregion.local.locks import locked
from multiregion.shapes import in_words
from multiregion.states import Role

FORMAT = 1
HOST = "127.0.0.1"


class Admin(msgspec.Struct, rename="camel", omit_defaults=True):
    username: str
    temporary_password: str | None = None


class AuthorityPlace(msgspec.Struct, rename="camel"):
    url: str
    operator_token: str


class LocalDeployment(msgspec.Struct, rename="camel"):
    """`deployment.json`: where things are, for every command and any script."""

    app_id: str
    edge: str
    primary: RegionPlace
    secondary: RegionPlace
    authority: AuthorityPlace
    wire: str
    admin: Admin | None = None
    """None: the application has accounts of its own."""


class Kept(msgspec.Struct, rename="camel"):
    """`format.json`: what a deployment keeps for good, whatever its ports are the next time."""

    format: int
    app_id: str
    primary: str
    secondary: str
    secret: str
    operator_token: str
    pool: str
    client_id: str
    initial_password: str
    application: str = GALLERY


class DataFolder:
    """A deployment's folder on this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def deployment_file(self) -> Path:
        return self.folder / "deployment.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one `up`. Raises BadDeployment if another has it."""
        with locked(self.folder, self._in_use):
            yield

    def _in_use(self, owner: str) -> str:
        return (
            f"the data folder {self.folder} is in use by another `multiregion up` (process {owner});"
            " stop that one, or choose another folder with --data"
        )

    @property
    def is_new(self) -> bool:
        """Whether nothing has ever been deployed here."""
        return not (self.folder / "format.json").exists()

    def keep(self, clock: Clock, primary: str, secondary: str, application: str | None = None) -> Kept:
        """What this deployment is, made at the first start. Raises BadDeployment if the folder is another version's, another
        application's, or damaged."""
        file = self.folder / "format.json"
        if not file.exists():
            if any((self.folder / role / "region.db").exists() for role in Role):
                raise BadDeployment(f"{file} is missing, with data beside it; restore that file, or choose another folder with --data")
            write_private(file, fresh(clock, primary, secondary, application or GALLERY))
        kept = read_kept(file)
        if {kept.primary, kept.secondary} != {primary, secondary} or kept.primary != primary:
            raise BadDeployment(
                f"{self.folder} was made for {kept.primary} and {kept.secondary}; start it with"
                f" --primary {kept.primary} --secondary {kept.secondary}, or choose another folder with --data"
            )
        if application not in (None, kept.application):
            raise BadDeployment(
                f"{self.folder} has the data of {kept.application}; start it without naming an application, or choose another folder"
                " for this one with --data"
            )
        return kept

    def read(self) -> LocalDeployment:
        """`deployment.json`. Raises BadDeployment, saying what to do, if there is none or it cannot be read."""
        try:
            return msgspec.json.decode(self.deployment_file.read_bytes(), type=LocalDeployment)
        except FileNotFoundError as error:
            raise BadDeployment(
                f"there is no deployment in {self.folder}; start one with `multiregion up`, or name its folder with --data"
            ) from error
        except (OSError, msgspec.DecodeError) as error:
            raise BadDeployment(f"{self.deployment_file} cannot be read: {in_words(error)}") from error

    def write(self, deployment: LocalDeployment) -> None:
        write_private(self.deployment_file, deployment)

    def write_config(self, name: str, config: PartConfig) -> Path:
        folder = self.folder / "config"
        folder.mkdir(exist_ok=True, mode=0o700)
        file = folder / f"{name}.json"
        write_private(file, config)
        return file


def fresh(clock: Clock, primary: str, secondary: str, application: str) -> Kept:
    if primary == secondary:
        raise BadDeployment(f"--primary and --secondary are both {primary}; they must be two regions")
    pool = "".join(c for c in clock.secret(24) if c.isalnum())[:9]
    return Kept(
        FORMAT,
        clock.new_id(),
        primary,
        secondary,
        clock.secret(),
        clock.secret(),
        pool,
        clock.new_id()[:26],
        initial_password(clock),
        application,
    )


def initial_password(clock: Clock) -> str:
    """Readable from a screen: four groups, without the signs that people mix up."""
    letters = "".join(c for c in clock.secret(96) if c.isalnum() and c not in "0O1lI")
    return "-".join([letters[0:4], letters[4:8], letters[8:12]])


def read_kept(file: Path) -> Kept:
    try:
        content = file.read_bytes()
        version = msgspec.json.decode(content, type=dict[str, Any]).get("format")
        if not isinstance(version, int):
            raise msgspec.DecodeError("it names no format")
        if version > FORMAT:
            raise BadDeployment(
                f"{file.parent} was written by a newer multiregion (format {version}, this one knows {FORMAT});"
                " upgrade multiregion, or choose another folder with --data"
            )
        return msgspec.json.decode(content, type=Kept)
    except (OSError, msgspec.DecodeError) as error:
        raise BadDeployment(
            f"{file} is damaged ({in_words(error)}); restore it from a backup, or choose another folder with --data"
        ) from error


def write_private(file: Path, content: msgspec.Struct) -> None:
    """Replace a file at once, readable by its owner only."""
    draft = file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as opened:
        opened.write(msgspec.json.format(msgspec.json.encode(content)) + b"\n")
        opened.flush()
        os.fsync(opened.fileno())
    draft.replace(file)


def plan(kept: Kept, data: Path, port: int, *, settings: dict[str, str] | None = None) -> tuple[Deployment, dict[str, PartConfig]]:
    """Every part's configuration, by name; the order is the order to start them in."""

    def url(offset: int) -> str:
        return f"http://localhost:{port + offset}"

    def place(region: str, offset: int) -> RegionPlace:
        return RegionPlace(region, url(offset), f"{region}_{kept.pool}", kept.client_id)

    name = "Lightbox" if kept.application == GALLERY else kept.application.partition(":")[0]
    deployment = Deployment(
        kept.app_id, name, url(0), place(kept.primary, 1), place(kept.secondary, 2), url(3), kept.secret, kept.operator_token
    )

    def part(name: str, offset: int, role: Role | None = None, **more: Any) -> PartConfig:
        folder = data / (role or name)
        return PartConfig(
            "region" if role else name,
            HOST,
            port + offset,
            str(folder.absolute()),
            deployment,
            role,
            settings=settings or {},
            application=kept.application,
            **more,
        )

    links = {Role.PRIMARY: (port + 5, f"{HOST}:{port + 1}"), Role.SECONDARY: (port + 6, f"{HOST}:{port + 2}")}
    parts = {
        "wire": part("wire", 4, links={role.value: link for role, link in links.items()}),
        "authority": part("authority", 3),
        "primary": part("region", 1, Role.PRIMARY, peer=f"http://{HOST}:{port + 6}"),
        "secondary": part("region", 2, Role.SECONDARY, peer=f"http://{HOST}:{port + 5}"),
        "edge": part("edge", 0),
    }
    return deployment, parts


def describe(kept: Kept, deployment: Deployment, wire: str, temporary_password: str | None, *, accounts: bool = True) -> LocalDeployment:
    return LocalDeployment(
        app_id=deployment.app_id,
        edge=deployment.edge,
        primary=deployment.primary,
        secondary=deployment.secondary,
        authority=AuthorityPlace(deployment.authority, deployment.operator_token),
        wire=wire,
        admin=Admin("admin", temporary_password) if accounts else None,
    )
