"""What the authority decided, seen at each of its COMMITs, and what it may decide."""

import sqlite3
from collections.abc import Mapping
from typing import Any

import msgspec

from multiregion.automatic import ACTOR
from multiregion.config import Settings
from multiregion.durability import ASYNC
from multiregion.embedded.authority import BASES, NEWEST_STATE, decision_of
from multiregion.predictions import Outlook
from multiregion.reports import Report, base_of
from multiregion.states import Role, RoutingState
from multiregion.stores import BEGINNING, START, Decision, Mark, Position
from tests.simulation.pasts import AUTHORITY, Past, spelled


class Decisions:
    def __init__(self, past: Past, settings: Settings, acknowledged: Mapping[Mark, Any]) -> None:
        self._past = past
        self._settings = settings
        self._acknowledged = acknowledged
        self.states: dict[tuple[str, int], RoutingState] = {}
        self.deciding: RoutingState | None = None
        self.founded_upon: str | None = None

    def committed(self, db: sqlite3.Connection) -> None:
        """After each COMMIT of the authority."""
        row = db.execute(NEWEST_STATE).fetchone()
        if row is not None:
            self._decided(decision_of(row))
        self._read_reports(db)

    def _read_reports(self, db: sqlite3.Connection) -> None:
        past = self._past
        for role, body in db.execute("SELECT role, body FROM report"):
            report = msgspec.json.decode(body, type=Report)
            if past.reports.get(Role(role)) != report:
                past.reports[Role(role)] = report
                past.reported_at[Role(role)] = past.time()
                past.journal.note(
                    "reported", role, f"{spelled(report.end)} {'' if report.whole else 'not whole'} store {report.store[-4:]}"
                )
        row = db.execute(BASES).fetchone()
        past.base = base_of(msgspec.json.decode(row[1])["base"]) if row else BEGINNING

    def restored(self, db: sqlite3.Connection | None) -> None:
        """The authority has another file now, or none."""
        self._past.reports.clear()
        self._past.base = BEGINNING
        self.deciding = None
        if db is not None:
            row = db.execute(NEWEST_STATE).fetchone()
            self.deciding = decision_of(row).state if row else None
            self._read_reports(db)

    def same_state(self, state: RoutingState, who: str) -> None:
        known = self.states.setdefault((state.history, state.epoch), state)
        # An authority that was put back does not know what it has decided, and a region that does may be silent.
        excused = AUTHORITY in self._past.hits
        self._past.check(known == state or excused, f"two states of epoch {state.epoch}: {known}, and in {who} {state}")

    def _decided(self, decision: Decision) -> None:
        state, facts = decision.state, decision.facts
        before, self.deciding = self.deciding, state
        if before == state:
            return
        if "founded" in facts:
            self._note_founded(facts["founded"])
        self.same_state(state, "the authority")
        if before is None:
            return
        self._past.check(state.epoch > before.epoch, f"the authority's epoch fell from {before.epoch} to {state.epoch}")
        self._past.journal.note(
            "decided", decision.actor, f"epoch {state.epoch}: {state.state}, writer {state.writer}, leader {state.leader}"
        )
        self._check(before, decision)

    def _note_founded(self, store: str) -> None:
        # Of stores that are all three lost nobody can know that they were.
        all_lost = {AUTHORITY, *Role} <= self._past.hits
        self._past.check(self.founded_upon in (None, store) or all_lost, "the deployment was founded a second time")
        self.founded_upon = store

    def _check(self, before: RoutingState, decision: Decision) -> None:
        state, facts = decision.state, decision.facts
        if state.history != before.history:
            return
        if state.leader is before.leader and "base" in facts:
            self._past.journal.count("resumed")
        if "watermark" in facts:
            self._check_watermark(state, Position(**facts["watermark"]))
            if facts["acceptedLoss"]:
                self._past.words += 1
        elif state.leader is not before.leader:
            self._check_handed_over(state)
        if decision.actor == ACTOR and state.leader is not before.leader:
            self._check_automatic(state, switched="watermark" not in facts)

    def _check_watermark(self, state: RoutingState, watermark: Position) -> None:
        """What the survivor had when it was named: never more than it has."""
        survivor = self._past.regions[state.serving]
        there = watermark == START or any(mark.position == watermark for mark in survivor.ever)
        self._past.check(there, f"the watermark {watermark} is a position that the {state.serving} region has never reached")
        missing = [mark for mark in survivor.log if mark.position > watermark]
        self._past.journal.count("watermark behind" if missing else "watermark exact")

    def _check_handed_over(self, state: RoutingState) -> None:
        old, new = self._past.regions[state.leader.other], self._past.regions[state.leader]
        if self._past.hits & set(Role):
            return  # it may have lost its disk just now, and writes nothing before it has everything again
        self._past.check(old.log == new.log, "a planned switch handed over before the other region had everything")
        self._past.check(max(old.epoch, old.obeyed) >= state.epoch - 1, "a planned switch handed over before the old writer was fenced")

    def _check_automatic(self, state: RoutingState, *, switched: bool) -> None:
        leader, old = self._past.regions[state.leader], self._past.regions[state.leader.other]
        if not leader.whole:
            return  # its disk was lost while this was being decided; it gets everything from the other, and writes nothing before
        held = leader.held | self._past.gone
        lost = [mark for mark in self._acknowledged if mark not in held and mark in old.held]
        self._past.journal.note(f"automatic {'switch' if switched else 'takeover'}", ACTOR, f"loses {len(lost)} acknowledged changes")
        if self._settings.durability != ASYNC and not self._past.excused:
            self._past.check(not lost, f"an automatic takeover lost {len(lost)} acknowledged changes though durability is not async")

    def check_prediction(self, role: Role, known_before: set[Mark], outlook: Outlook, state: RoutingState) -> None:
        """What a takeover by `role` would lose of `known_before`, the writes that the authority had been told of before it asked."""
        known = outlook.last_known
        if state.leader is role or known is None or known.seconds is None or not state.is_taken_by(outlook.admitted):
            return  # nothing is lost, or an unknown number; or the survivor knows more than the authority, which then decides nothing
        past, leader = self._past, self._past.regions[role.other]
        # What a ledger lists, or this region had once, and the leader does not hold has been lost already.
        listed = set[Mark]().union(*(past.listed(witness) for witness in past.regions.values()))
        already = (listed | past.path(past.regions[role].owed)) - leader.held
        lost = known_before - past.path(outlook.head.mark) - already
        self._past.journal.count("predicted some" if lost else "predicted none")
        self._past.check(
            known.changes >= len(lost),
            f"{known.changes} changes were predicted to be lost in a takeover by the {role} region, and {len(lost)} are",
        )
