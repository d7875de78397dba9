"""The tables of planted bugs as one list: what is changed where, and the test that must then fail."""

from pathlib import Path
from typing import NamedTuple

from tests.planted import (
    account,
    commands,
    console,
    core,
    counts,
    deployment,
    driving,
    engines,
    folders,
    health,
    identity,
    infra,
    loading,
    orders,
    photos,
    profile,
    promises,
    repairs,
    requirements,
    simulation,
    starts,
    storage,
    successions,
    verdicts,
)

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "multiregion"
INFRA = ROOT / "infra"
TABLES = {
    "account": account.MUTANTS,
    "commands": commands.MUTANTS,
    "console": console.MUTANTS,
    "core": core.MUTANTS,
    "counts": counts.MUTANTS,
    "deployment": deployment.MUTANTS,
    "engines": engines.MUTANTS,
    "folders": folders.MUTANTS,
    "health": health.MUTANTS,
    "identity": identity.MUTANTS,
    "infra": infra.MUTANTS,
    "orders": orders.MUTANTS,
    "photos": photos.MUTANTS,
    "profile": profile.MUTANTS,
    "promises": promises.MUTANTS,
    "repairs": repairs.MUTANTS,
    "requirements": requirements.MUTANTS,
    "simulation": simulation.MUTANTS,
    "starts": starts.MUTANTS,
    "loading": loading.MUTANTS,
    "storage": storage.MUTANTS,
    "successions": successions.MUTANTS,
    "driving": driving.MUTANTS,
    "verdicts": verdicts.MUTANTS,
}


class Mutant(NamedTuple):
    """`old` becomes `new` in `file` of the package, or of `infra/`; `test` must notice."""

    table: str
    file: str
    old: str
    new: str
    test: str

    @property
    def source_root(self) -> Path:
        return ROOT if self.file.startswith("infra/") else PACKAGE.parent

    @property
    def source(self) -> Path:
        """The file itself."""
        return ROOT / self.file if self.file.startswith("infra/") else PACKAGE / self.file

    def __str__(self) -> str:
        return f"{self.table} {self.file}: {self.old.strip()!r} becomes {self.new.strip()!r}, {self.test}"

    def planted_in(self, text: str) -> str:
        """Raises ValueError unless there is exactly one place for it."""
        if text.count(self.old) != 1:
            raise ValueError(f"{text.count(self.old)} places for {self}")
        return text.replace(self.old, self.new)


MUTANTS = [Mutant(table, *each) for table, mutants in TABLES.items() for each in mutants]
