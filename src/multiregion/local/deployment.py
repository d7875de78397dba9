"""What is in a deployment's folder: its lock, its format, its parts' configurations, and `deployment.json`."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from multiregion.clock import Clock
from multiregion.config import GALLERY, Deployment, PartConfig, RegionPlace
from multiregion.embedded.folders import make_folder, why_not_made
from multiregion.errors import BadDeployment, DiskFailed
from multiregion.local.kept import Kept, found_again, fresh, has_data, nothing_to_go_by, read_kept, write_private
from multiregion.local.locks import locked
from multiregion.shapes import in_words
from multiregion.states import Role

HOST = "127.0.0.1"
PORTS = 7
"""The edge's, both regions', the authority's, and three of the wire: its own, and one towards each region."""


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


class DataFolder:
    """A deployment's folder on this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found_again: str | None = None
        """Where what the deployment is was found, if `format.json` was lost; for people."""

    @property
    def kept_file(self) -> Path:
        return self.folder / "format.json"

    @property
    def deployment_file(self) -> Path:
        return self.folder / "deployment.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one `up`. Raises BadDeployment if another has it, or it cannot be used."""
        with ExitStack() as held:
            try:
                held.enter_context(locked(self.folder, self._in_use))
            except OSError as error:
                raise BadDeployment(
                    f"the data folder {self.folder} cannot be used: {why_not_made(self.folder, error)}. Make it one that can be written, or"
                    " choose another with --data"
                ) from error
            yield

    def _in_use(self, owner: str) -> str:
        return (
            f"the data folder {self.folder} is in use by another `multiregion up` (process {owner});"
            " stop that one, or choose another folder with --data"
        )

    @property
    def is_new(self) -> bool:
        """Whether nothing has ever been deployed here."""
        return not self.kept_file.exists() and not has_data(self.folder)

    def keep(self, clock: Clock, primary: str, secondary: str, application: str | None = None) -> Kept:
        """What this deployment is, made at the first start, and made again where it was lost. Raises BadDeployment if the folder is
        another version's, another application's, or has data and nothing that says whose."""
        kept = self._kept()
        if kept is None:
            write_private(self.kept_file, kept := fresh(clock, primary, secondary, application or GALLERY))
        if (kept.primary, kept.secondary) != (primary, secondary):
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

    def _kept(self) -> Kept | None:
        """None: nothing has ever been deployed here."""
        damage = ""
        try:
            return read_kept(self.kept_file)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise BadDeployment(f"{self.kept_file} cannot be read: {error.strerror}") from error
        except msgspec.DecodeError as error:
            damage = in_words(error)
        if found := found_again(self.folder, self._temporary_password()):
            kept, source = found
            if self.kept_file.exists():
                self.kept_file.replace(self.kept_file.with_suffix(".damaged"))
            write_private(self.kept_file, kept)
            self.found_again = f"{self.kept_file} was {'damaged' if damage else 'missing'}, and was made again from {source}"
            return kept
        if damage or has_data(self.folder):
            raise BadDeployment(nothing_to_go_by(self.kept_file, f"is damaged ({damage})" if damage else "is missing"))
        return None

    def _temporary_password(self) -> str | None:
        try:
            admin = self.read().admin
        except BadDeployment:
            return None
        return admin.temporary_password if admin else None

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
        file = made(self.folder / "config") / f"{name}.json"
        write_private(file, config)
        return file


def made(folder: Path) -> Path:
    """A folder of a deployment's own. Raises BadDeployment, naming what is in the way."""
    try:
        make_folder(folder)
    except DiskFailed as error:
        raise BadDeployment(error.detail) from error
    return folder


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
