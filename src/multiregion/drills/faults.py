"""What a scenario does to a deployment, and how it is undone: the undo is on disk before the fault acts, whoever dies meanwhile."""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from multiregion.errors import BadDeployment

UNDO_FILE = "drill.undo"
UNDOES = {"kill": "start", "lose": "start", "freeze": "resume", "cut": "heal", "delay": "heal", "fill": "empty"}
"""`lose` ends a part and takes its files away; `fill` leaves no room on its disk."""


class Deed(msgspec.Struct, frozen=True):
    """A fault, or what undoes one. `part` is "link" for the wire between the regions."""

    what: str
    part: str
    milliseconds: float = 0.0

    def undo(self) -> "Deed":
        return Deed(UNDOES[self.what], self.part)


class Injector(Protocol):
    """What can lose parts of this deployment and bring them back. Each deed may be repeated: what is so already, stays so."""

    async def do(self, deed: Deed) -> None:
        """Returns when it is done; a part that is started is ready then. Raises MultiregionError with the reason."""
        ...

    def impossible(self, deed: Deed) -> str | None:
        """Why it cannot be done here; None: it can."""
        ...


@dataclass(frozen=True, slots=True)
class Scenario:
    """`takes_over`: how writing moves: by a planned switch, by taking over from a lost region, or not at all."""

    does: tuple[Deed, ...]
    takes_over: Literal["planned", "lost", ""]
    says: str


def scenario(name: str, milliseconds: float) -> Scenario:
    """What is meant by each name in a plan."""
    return {
        "planned": Scenario((), "planned", "writing moves to the other region and back, with nothing lost"),
        "crash": Scenario((Deed("kill", "primary"),), "lost", "the primary's process is killed, and the secondary takes over"),
        "partition": Scenario((Deed("cut", "link"),), "lost", "nothing passes between the regions, and the secondary takes over"),
        "freeze": Scenario((Deed("freeze", "primary"),), "lost", "the primary stops in the middle of its work, and wakes up after"),
        "slow-link": Scenario((Deed("delay", "link", milliseconds),), "planned", "the link is slow while writing moves"),
        "authority-loss": Scenario((Deed("kill", "authority"),), "", "nobody can decide anything; the regions go on"),
        "lost-disk": Scenario((Deed("lose", "primary"),), "lost", "the primary is lost with its disk, and is built again"),
        "disk-full": Scenario((Deed("fill", "primary"),), "planned", "the primary's disk is full, and writing moves away"),
        "return": Scenario((Deed("kill", "secondary"),), "", "the other region is away under load, and catches up"),
    }[name]


class Undo(msgspec.Struct, frozen=True):
    """What is on disk while a drill runs: its number, what has to be undone, newest last, and which state to go back to."""

    run: int
    bundle: str
    state: str
    deeds: list[Deed] = []


class UndoFile:
    """Durable before `register` returns. There is no file if nothing has to be undone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / UNDO_FILE

    def read(self) -> Undo | None:
        """Raises BadDeployment if it cannot be read."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Undo)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            advice = "Undo by hand: multiregion chaos heal, resume and start; then remove it"
            raise BadDeployment(f"{self.path}, which says what a drill has to undo, cannot be read: {error}. {advice}") from error

    def begin(self, undo: Undo) -> None:
        self._write(undo)

    def register(self, deed: Deed) -> None:
        undo = self._open()
        self._write(msgspec.structs.replace(undo, deeds=[*undo.deeds, deed]))

    def forget(self, deed: Deed) -> None:
        undo = self._open()
        self._write(msgspec.structs.replace(undo, deeds=[each for each in undo.deeds if each != deed]))

    def end(self) -> None:
        self.path.unlink(missing_ok=True)
        self._sync_folder()

    def _open(self) -> Undo:
        if (undo := self.read()) is None:
            raise BadDeployment(f"{self.path} is gone in the middle of a drill; nothing more is injected")
        return undo

    def _write(self, undo: Undo) -> None:
        draft = self.path.with_suffix(".draft")
        with draft.open("wb") as file:
            file.write(msgspec.json.encode(undo))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
        self._sync_folder()

    def _sync_folder(self) -> None:
        handle = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


async def inject(deed: Deed, injector: Injector, file: UndoFile) -> None:
    """The undo is registered before the fault acts."""
    file.register(deed.undo())
    await injector.do(deed)


async def heal(injector: Injector, file: UndoFile, on_done: Callable[[Deed], Awaitable[None] | None] = lambda deed: None) -> list[str]:
    """Undo what is registered, newest first, and forget each thing that is undone. Returns why something could not be; it stays
    registered then."""
    failures = []
    undo = file.read()
    for deed in reversed(undo.deeds if undo else []):
        try:
            await injector.do(deed)
        except Exception as error:  # noqa: BLE001  the others have to be undone all the same
            failures.append(f"{deed.what} {deed.part}: {error}")
            continue
        file.forget(deed)
        if (wait := on_done(deed)) is not None:
            await wait
    return failures
