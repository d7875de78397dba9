"""The faults of one cell, done to real processes: files are changed while the process is dead, disks while it runs."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path

from tests.acceptance.cells import DISKS, FILES, Cell, Fault, Situation, Store
from tests.acceptance.deployment import Deployment, answers, deployed, until
from tests.acceptance.disks import SLOW_SECONDS, able_to_be_slow, failing, full, on_small_disks, slow
from tests.acceptance.operators import Operator
from tests.acceptance.storage import copy_files, damage_files, lose_files, put_back

LOSS_CHANGES_MAX = 12
"""More than is written after the copies are taken, less than is written in all."""
LEASE_SECONDS_SHORT, LEASE_SECONDS_LONG = 2, 60
UNHEALTHY_SECONDS = 2
BEGINS: dict[Fault, Callable[[Deployment, str], AbstractContextManager[None]]] = {
    Fault.FULL: full,
    Fault.FAILING: failing,
    Fault.SLOW: slow,
}


@contextmanager
def deployment_for(cell: Cell, folder: Path) -> Iterator[Deployment]:
    """The deployment in which the cell happens. A lease is long where its end would hide what the start rule does."""
    by_lease = Store.AUTHORITY in cell.stores_with(*FILES) or cell.situation.leader in cell.stores_with(*DISKS)
    environment = {
        "MULTIREGION_LOSS_CHANGES_MAX": str(LOSS_CHANGES_MAX),
        "MULTIREGION_LEASE_SECONDS": str(LEASE_SECONDS_SHORT if by_lease else LEASE_SECONDS_LONG),
        "MULTIREGION_UNHEALTHY_SECONDS": str(UNHEALTHY_SECONDS),
    }
    if cell.stores_with(Fault.SLOW):
        environment |= {"MULTIREGION_SLOW_WRITE_SECONDS": str(SLOW_SECONDS * 2 / 3), **able_to_be_slow(folder)}
    options = ("--automatic",) if cell.situation is Situation.AUTOMATIC else ()
    small = bool(cell.stores_with(Fault.FULL))
    begun = on_small_disks(folder, *options, **environment) if small else deployed(folder, *options, inside=(), **environment)
    with begun as deployment:
        yield deployment


class Faults:
    def __init__(self, cell: Cell, deployment: Deployment, operator: Operator, disks: ExitStack, copies: Path) -> None:
        """`disks` holds what has been done to them."""
        self._cell = cell
        self._deployment = deployment
        self._operator = operator
        self._copies = copies
        self._ill = disks
        self.with_files = [str(store) for store in cell.stores_with(*FILES)]
        self.with_disks = [str(store) for store in cell.stores_with(*DISKS)]

    def copy(self) -> None:
        """Of each store that will be put back."""
        for store in self._cell.stores_with(Fault.OLD):
            copy_files(self._deployment, str(store), self._copies / str(store))

    def strike(self) -> None:
        """Everything fails before any of it starts again, and it is told which disks are not well."""
        for part in self.with_files:
            self._deployment.kill(part)
        for store, fault in self._cell.faults:
            self._do(str(store), fault)
        for part in self.with_files:
            self.start(part)
        for part in self.with_disks:
            until(partial(self.problem, part), f"it is told that the disk of the {part} is not well")

    def _do(self, part: str, fault: Fault) -> None:
        if fault is Fault.LOST:
            lose_files(self._deployment, part)
        elif fault is Fault.OLD:
            put_back(self._deployment, part, self._copies / part)
        elif fault is Fault.DAMAGED:
            damage_files(self._deployment, part)
        else:
            self._ill.enter_context(BEGINS[fault](self._deployment, part))

    def start(self, part: str) -> None:
        """An authority with a damaged file does not run."""
        (self._deployment.data / f"start-{part}").touch()
        if part == Store.AUTHORITY and self.is_authority_damaged:
            until(lambda: "is damaged" in self.authority_said(), "the authority says that its file is damaged")
            return
        until(partial(answers, f"{self._deployment.url(part)}/healthz"), f"{part} answers")

    @property
    def is_authority_damaged(self) -> bool:
        return self._cell.fault_of(Store.AUTHORITY) is Fault.DAMAGED

    def authority_said(self) -> str:
        return " ".join((self._deployment.data / "logs" / "authority.log").read_text().split())

    def problem(self, part: str) -> str | None:
        """Of its disk, as it is told: by the authority of its own, by a region itself."""
        if part == Store.AUTHORITY:
            found = self._operator.get("status")["authority"]["writing"]["problem"]
        else:
            with self._deployment.region(part, {}) as http:
                found = http.get("/readyz").json()["writing"]["problem"]
        return None if found is None else str(found)

    def heal(self) -> None:
        """The disks are well again, and it is told."""
        self._ill.close()
        for part in self.with_disks:
            if part != Store.AUTHORITY or not self.is_authority_damaged:
                until(partial(self._is_well, part), f"the disk of the {part} is well")

    def _is_well(self, part: str) -> bool:
        return self.problem(part) is None

    def start_without_files(self, part: str) -> None:
        """As one that has lost them; an authority with a damaged file does not run anyway."""
        if part != Store.AUTHORITY:
            self._deployment.kill(part)
        lose_files(self._deployment, part)
        (self._deployment.data / f"start-{part}").touch()
        until(partial(answers, f"{self._deployment.url(part)}/healthz"), f"{part} answers")
