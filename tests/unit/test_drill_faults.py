"""A fault is undone whoever dies: its undo is on disk before it acts, newest first, and only what is undone is forgotten."""

from pathlib import Path

import pytest

from multiregion.drills.faults import UNDOES, Deed, Undo, UndoFile, heal, inject, scenario
from multiregion.drills.plan import SCENARIOS
from multiregion.errors import BadDeployment, NotFound


class Parts:
    """Does nothing but remember; looks at the file at the moment of each deed."""

    def __init__(self, file: UndoFile, fails: str = "") -> None:
        self.did: list[Deed] = []
        self.registered: list[list[Deed]] = []
        self._file = file
        self._fails = fails

    async def do(self, deed: Deed) -> None:
        undo = self._file.read()
        self.registered.append(list(undo.deeds) if undo else [])
        if deed.what == self._fails:
            raise NotFound(f"cannot {deed.what}")
        self.did.append(deed)

    def impossible(self, deed: Deed) -> str | None:
        return None


@pytest.fixture
def file(tmp_path: Path) -> UndoFile:
    made = UndoFile(tmp_path)
    made.begin(Undo(7, "bundle", "active"))
    return made


async def test_the_undo_is_on_disk_when_the_fault_acts(file: UndoFile) -> None:
    parts = Parts(file)
    await inject(Deed("kill", "primary"), parts, file)
    assert parts.registered == [[Deed("start", "primary")]]


async def test_a_fault_that_fails_half_way_is_undone_too(file: UndoFile) -> None:
    with pytest.raises(NotFound):
        await inject(Deed("freeze", "primary"), Parts(file, "freeze"), file)
    assert await heal(parts := Parts(file), file) == []
    assert parts.did == [Deed("resume", "primary")]


async def test_the_newest_fault_is_undone_first_and_all_are_forgotten(file: UndoFile) -> None:
    parts = Parts(file)
    for deed in (Deed("delay", "link", 100), Deed("kill", "primary")):
        await inject(deed, parts, file)
    assert await heal(parts, file) == []
    assert parts.did[2:] == [Deed("start", "primary"), Deed("heal", "link")]
    assert file.read() == Undo(7, "bundle", "active", [])


async def test_what_cannot_be_undone_stays_registered_and_the_rest_is_undone(file: UndoFile) -> None:
    for deed in (Deed("cut", "link"), Deed("kill", "primary")):
        await inject(deed, Parts(file), file)
    assert await heal(Parts(file, "start"), file) == ["start primary: cannot start"]
    left = file.read()
    assert left is not None
    assert left.deeds == [Deed("start", "primary")]


async def test_without_a_file_nothing_is_injected(file: UndoFile) -> None:
    parts = Parts(file)
    file.end()
    with pytest.raises(BadDeployment, match="nothing more is injected"):
        await inject(Deed("kill", "primary"), parts, file)
    assert parts.did == []


async def test_another_driver_reads_what_a_dead_one_has_registered(file: UndoFile, tmp_path: Path) -> None:
    await inject(Deed("cut", "link"), Parts(file), file)
    assert UndoFile(tmp_path).read() == Undo(7, "bundle", "active", [Deed("heal", "link")])


def test_a_file_that_cannot_be_read_says_what_to_do(file: UndoFile) -> None:
    file.path.write_text("{")
    with pytest.raises(BadDeployment, match="chaos heal"):
        file.read()


@pytest.mark.parametrize("name", SCENARIOS)
def test_everything_that_a_scenario_does_can_be_undone(name: str) -> None:
    for deed in scenario(name, 200).does:
        assert deed.undo().what == UNDOES[deed.what]
        assert deed.undo().part == deed.part
