"""What a deployment keeps for good, in `format.json` and as a copy in each store's folder; and how it is found again when it is lost."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from multiregion.clock import Clock, SystemClock
from multiregion.config import GALLERY, PartConfig, read_part
from multiregion.errors import BadDeployment

FORMAT = 1
STORES = {"primary": "region.db", "secondary": "region.db", "authority": "authority.db"}
COPY = "deployment-kept.json"
NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
PARTS = ("primary", "secondary", "authority", "edge", "wire", "region")


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


def fresh(clock: Clock, primary: str, secondary: str, application: str) -> Kept:
    for option, name in (("--primary", primary), ("--secondary", secondary)):
        check_name(option, name)
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


def check_name(option: str, name: str) -> None:
    """Raises BadDeployment for what cannot be told from a part, an option or a path."""
    if not NAME.fullmatch(name):
        raise BadDeployment(
            f"{option} {name[:80]!r} is no name for a region: it must begin with a small letter, and go on with at most 62 small letters,"
            " digits and hyphens"
        )
    if name in PARTS:
        raise BadDeployment(f"{option} {name} is no name for a region: it is what a part of every deployment is called")


def initial_password(clock: Clock) -> str:
    """Readable from a screen: four groups, without the signs that people mix up."""
    letters = "".join(c for c in clock.secret(96) if c.isalnum() and c not in "0O1lI")
    return "-".join([letters[0:4], letters[4:8], letters[8:12]])


def read_kept(file: Path) -> Kept:
    """Raises OSError, DecodeError for one that is damaged, BadDeployment for one of a newer release."""
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


def keep_copies(folder: Path, kept: Kept) -> None:
    """Beside each store's data, so that a backup of it says whose it is. That of another deployment is left as it is, and so is a
    folder that cannot be written."""
    for store in STORES:
        copy = folder / store / COPY
        with suppress(OSError, BadDeployment):
            there = readable(copy)
            if there is None or (there.app_id == kept.app_id and there != kept):
                copy.parent.mkdir(exist_ok=True, mode=0o700)
                write_private(copy, kept)


def found_again(folder: Path, temporary_password: str | None) -> tuple[Kept, str] | None:
    """What the parts' configurations say, or, without any, the copies beside the data; and which file that was. Raises BadDeployment
    if they are of several deployments."""
    copies = list(copies_in(folder))
    configured = one_of(list(configurations_in(folder, temporary_password)))
    if configured is None:
        return one_of(copies)
    kept, _ = configured
    # A copy has the first password, too, which no configuration knows.
    return next(((copy, file) for copy, file in copies if copy.app_id == kept.app_id), configured)


def one_of(found: Sequence[tuple[Kept, str]]) -> tuple[Kept, str] | None:
    if len({kept.app_id for kept, _ in found}) > 1:
        said = ", ".join(f"{file} ({kept.app_id})" for kept, file in found)
        raise BadDeployment(f"these files are of several deployments: {said}. Move away what belongs to another one, and start again")
    return found[0] if found else None


def copies_in(folder: Path) -> Iterator[tuple[Kept, str]]:
    for store in STORES:
        if kept := readable(folder / store / COPY):
            yield kept, f"{store}/{COPY}"


def configurations_in(folder: Path, temporary_password: str | None) -> Iterator[tuple[Kept, str]]:
    for file in sorted((folder / "config").glob("*.json")):
        with suppress(BadDeployment):
            yield kept_of(read_part(file), temporary_password), f"config/{file.name}"


def kept_of(part: PartConfig, temporary_password: str | None) -> Kept:
    told = part.deployment
    pool = told.primary.user_pool_id.removeprefix(f"{told.primary.region}_")
    password = temporary_password or initial_password(SystemClock())
    regions = told.primary.region, told.secondary.region
    return Kept(FORMAT, told.app_id, *regions, told.secret, told.operator_token, pool, told.primary.client_id, password, part.application)


def readable(file: Path) -> Kept | None:
    """None: it is not there, damaged, or on a disk that cannot be read."""
    try:
        return read_kept(file)
    except (OSError, msgspec.DecodeError):
        return None


def has_data(folder: Path) -> bool:
    return any((folder / store / database).exists() for store, database in STORES.items())


def nothing_to_go_by(file: Path, why: str) -> str:
    return (
        f"{file} {why}, and nothing beside it says what this deployment is. Put one of these back from a backup: that file, the folder"
        f" config, or {COPY} in the folder primary, secondary or authority. Or choose another folder with --data"
    )
