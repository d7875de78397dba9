"""Whether a drill is under way in a deployment's folder, and what a driver that died has left there."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from multiregion.drills.faults import UndoFile
from multiregion.errors import BadDeployment, Conflict
from multiregion.local.deployment import DataFolder, made
from multiregion.local.locks import held_by, locked


def drills_folder(data: DataFolder) -> Path:
    return made(data.folder / "drills")


@contextmanager
def driving(data: DataFolder) -> Iterator[None]:
    """Be the one driver of this deployment. Raises Conflict if there is another; the kernel ends it with the process."""
    with ExitStack() as held:
        folder = drills_folder(data)
        try:
            held.enter_context(locked(folder, lambda owner: f"a drill is under way (process {owner})"))
        except BadDeployment as error:
            raise Conflict(f"{error.detail}. Wait for it, or stop it with Ctrl-C there") from error
        yield


def is_driven(data: DataFolder) -> bool:
    """Whether the driver of a drill lives."""
    return held_by(data.folder / "drills") is not None


def left_behind(data: DataFolder) -> bool:
    """Whether a driver has died and left something to undo, and `up` runs, without which there is nothing to undo it to."""
    file = UndoFile(data.folder)
    if not file.path.exists() or is_driven(data) or held_by(data.folder) is None:
        return False
    undo = file.read()
    return bool(undo and undo.deeds)
