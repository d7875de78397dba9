"""Whether the loss ledgers are true: nothing leaves them, and each entry names what really happened to its write."""

import sqlite3

from multiregion.embedded.ledger import RANK
from multiregion.logs import DISK_LOST, FORKED, NOT_REPLICATED, OLDER_COPY, Loss
from multiregion.states import Role
from multiregion.stores import Mark
from tests.simulation.pasts import Past, end_of, spelled
from tests.simulation.witnesses import Witness, losses_after


class Ledgers:
    def __init__(self, past: Past) -> None:
        self._past = past
        self._seen: set[Mark] = set()

    def note(self, role: Role, witness: Witness, db: sqlite3.Connection) -> None:
        """After a COMMIT in a region."""
        for loss in losses_after(db, witness.revision):
            self._note(role, witness, loss)
        (count,) = db.execute("SELECT count(*) FROM loss").fetchone()
        self._past.check(count == len(witness.ledger), f"the ledger of the {role} region has lost an entry")

    def _note(self, role: Role, witness: Witness, loss: Loss) -> None:
        known = witness.ledger.get(loss.key)
        if known is not None:
            fell = RANK[loss.outcome] < RANK[known.outcome]
            self._past.check(not fell, f"the loss {spelled(loss.key)} was {known.outcome} in the {role} region, and is {loss.outcome}")
        if loss.key not in self._seen:
            self._seen.add(loss.key)
            self._past.journal.count(f"cause.{loss.cause}")
            self._past.check(
                self._is_true(witness, loss), f"{spelled(loss.key)} is listed as {loss.cause!r} ({loss.reason}), which is not true"
            )
        witness.ledger[loss.key] = loss
        witness.revision = max(witness.revision, loss.revision)

    def _is_true(self, witness: Witness, loss: Loss) -> bool:
        past, leader = self._past, self._past.regions[loss.region.other]
        if loss.writes is not None:
            return self._gap_is_true(witness, loss)
        if loss.cause == NOT_REPLICATED:
            return loss.key not in leader.ever
        if loss.cause == OLDER_COPY:
            return loss.key in leader.ever and loss.region.other in past.put_back | past.lost_files
        here = past.path(loss.key)
        other_way = [
            mark for mark in leader.ever if mark.position.sequence <= loss.key.position.sequence and mark not in here
            and mark.position.epoch <= loss.key.position.epoch
        ]  # fmt: skip
        return loss.cause == FORKED and bool(other_way)

    def _gap_is_true(self, witness: Witness, loss: Loss) -> bool:
        past = self._past
        past.journal.count("gap")
        missing = past.path(end_of(loss)) - witness.held - past.listed(witness)
        past.check(loss.writes in (0, len(missing)), f"{spelled(loss.key)} stands for {loss.writes} writes, and {len(missing)} are missing")
        if loss.cause == DISK_LOST:
            return loss.region in past.lost_files
        return loss.cause == OLDER_COPY and loss.region in past.put_back
