"""The promises without their guards: each of these bugs is planted here and now, and the test that is named for it notices.

`make planted` plants them all; these few are the ones that every run of the tests must see fail.
"""

from pathlib import Path

import pytest

from tests.planted.__main__ import copy_package, planted, run
from tests.planted.mutants import MUTANTS, Mutant

SECONDS = 120.0
PLANTED = {
    "no fence": ("core", "embedded/records.py", "if newest.writer is not self._role:"),
    "the fence outside the transaction": ("core", "embedded/records.py", "        def work(session: RegionSession) -> Position:"),
    "the epoch is not compared": ("core", "embedded/records.py", "if epoch is not None and epoch != newest.epoch:"),
    "writing before the authority was heard": ("core", "embedded/records.py", "        if heard is None:"),
    "writing though the records are lost": ("core", "embedded/records.py", "        if not whole:"),
    "a deleted record comes back": ("core", "embedded/records.py", "if write.absent and found is not None:"),
    "the watermark off by one": ("promises", "embedded/ledger.py", "    while session.position > to and"),
    "rewinding forgets what was deleted": ("core", "embedded/session.py", "self._set(key, value, order, replaced"),
    "the leader is rewound": ("core", "embedded/records.py", "            if self._is_truth(session):"),
    "the replicator accepts an older epoch": ("core", "embedded/records.py", "if epoch < session.routing.epoch:"),
    "the replicator accepts another history": ("promises", "embedded/records.py", "            if known and not session.holds"),
    "objects after the records that name them": ("core", "replication.py", "            await self._bring_objects(frame.changes)"),
    "an unknown lag is zero": ("core", "lag_history.py", "            return UNKNOWN_LAG"),
    "the lease by the wall clock": ("promises", "leases.py", "        return self._clock.monotonic() < self._until"),
    "a lease after the takeover has begun": ("promises", "leases.py", "        if epoch == self._closed_epoch:"),
    "a takeover before the lease has run out": ("promises", "controller.py", "            while not self._leases.have_run_out():"),
    "a takeover from a writer that has degraded": ("promises", "leases.py", "        if self._degraded:"),
    "a takeover of what is not lost": ("promises", "controller.py", "                if outlooks[survivor.other] is not None"),
    "an old backup of the authority decides": ("promises", "controller.py", "        if others:"),
    "two operators both succeed": ("core", "embedded/authority.py", "if (newest.state if newest else UNFOUNDED) != old:"),
    "a new writer without proof": ("core", "states.py", " and not (drained or region_lost):"),
    "a switch that does not drain": ("core", "controller.py", "while not (is_level := level(heads[leader]"),
    "a switch that does not wait for the fence": ("core", "controller.py", "required=None if target.serving is leader"),
    "an acknowledgement before the copy": ("promises", "durability.py", "        while self._copied < position:"),
    "a lost write overwrites a newer one": ("promises", "reapply.py", "    again = write if force else on_condition"),
    "a comment without its photo": ("requirements", "reapply.py", "requires=tuple("),
}


def mutant(name: str) -> Mutant:
    table, file, old = PLANTED[name]
    return next(each for each in MUTANTS if (each.table, each.file) == (table, file) and each.old.startswith(old))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package, in which all these tests pass."""
    made = copy_package(tmp_path_factory.mktemp("planted"))
    assert run(made, sorted({mutant(name).test for name in PLANTED}), SECONDS) == "survived"
    return made


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_noticed(copy: Path, name: str) -> None:
    bug = mutant(name)
    with planted(bug, copy / "multiregion" / bug.file):
        assert run(copy, [bug.test], SECONDS) == "noticed"


def test_there_are_enough_of_them() -> None:
    assert len({mutant(name) for name in PLANTED}) == len(PLANTED) >= 20
