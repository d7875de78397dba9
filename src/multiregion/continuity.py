"""Whether a region that has just started may lead: its log is compared with what the other region and the authority know.

A leader is not the truth because it leads: its file may be lost, or an older copy. It writes nothing until it has been proved to
have everything, and goes on under a new epoch if it was not so from the start, so that no position is given twice in one epoch.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from multiregion import advice
from multiregion.clock import Clock
from multiregion.errors import MultiregionError, NotReady
from multiregion.logs import DISK_LOST, OLDER_COPY, LoggedRecords
from multiregion.region import LoggedRegion
from multiregion.replication import Peer
from multiregion.reports import Known, Leadership, Report, must_hold, newest
from multiregion.states import UNFOUNDED, Role, RoutingState
from multiregion.stores import BEGINNING, Exposure, Mark

log = logging.getLogger("multiregion.continuity")

NOT_FOUNDED = "the deployment is not founded yet: that needs both regions and the authority"
COMPARES = "compares its log with what the other region has"
LOOK_SECONDS, LOOK_SECONDS_PROVED = 0.1, 1.0
ASK_SECONDS = 5.0


class AuthorityAtStart(Protocol):
    """What a region asks of the authority about its own past. Every call raises Unreachable without an answer in time."""

    async def known(self, role: Role) -> Known: ...

    async def report(self, role: Role, report: Report) -> None: ...

    async def found(self, store: str) -> RoutingState | None:
        """The first state, if the deployment is founded upon the file with this id, now or earlier. Raises NotReady while the
        authority does not know yet that both regions are empty."""
        ...

    async def resume(self, role: Role, state: RoutingState, base: Mark, reason: str, *, alone: bool) -> RoutingState:
        """Go on leading under a new epoch, with a log that ends at `base`; of a new history if `alone`. Raises StaleEpoch unless
        `state` is in force."""
        ...


class Course(Enum):
    """What a leader does next, after its log has been compared."""

    LEAD = "lead"
    LEAD_ANEW = "lead under a new epoch"
    CATCH_UP = "catch up with the other region"
    WRITE_OFF = "write off what nobody has, and lead under a new epoch"
    WAIT = "wait for an operator"
    ASK = "ask the other region again"


@dataclass(frozen=True, slots=True)
class Other:
    """The other region beside this one: where its log ends, whether each log holds the end of the other, and whether it holds
    something that this one is known to lack."""

    end: Mark
    state: RoutingState
    holds_ours: bool
    is_held: bool
    has_what_we_lack: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """`lacks`: whether this log lacks something that the authority knows of; `missing`: how many writes of that neither region has
    (None: unknown). `was_short`: it lacked something since it started."""

    lacks: bool
    other: Other | None
    missing: int | None
    since: int
    was_short: bool
    asked_long: bool
    accepted: bool


def course(seen: Comparison, loss_changes_max: int) -> Course:
    other = seen.other
    if not seen.lacks:
        if other is not None and not other.is_held and other.end.position.epoch >= seen.since:
            return Course.CATCH_UP if other.holds_ours else Course.LEAD_ANEW
        if other is None and not (seen.asked_long or seen.accepted):
            return Course.ASK
        return Course.LEAD_ANEW if seen.was_short else Course.LEAD
    if other is not None and (other.has_what_we_lack or (other.holds_ours and not other.is_held)):
        return Course.CATCH_UP
    if seen.accepted:
        return Course.WRITE_OFF
    if other is None:
        return Course.WAIT if seen.asked_long else Course.ASK
    return Course.WRITE_OFF if seen.missing is not None and seen.missing <= loss_changes_max else Course.WAIT


Kept = Callable[[Sequence[Mark], bool], Awaitable[Role | None]]
"""In which region's folder lies a sound database that was set aside and has one of these; if that is said, in the other one's, too.
Raises Unreachable if that one cannot say."""


async def nothing_kept(marks: Sequence[Mark], both: bool) -> Role | None:
    return None


class Continuity:
    """One region's start, from the authority's first word until it may lead, or follows; then what it owes to the ledger."""

    def __init__(
        self,
        region: LoggedRegion,
        peer: Peer,
        authority: AuthorityAtStart,
        clock: Clock,
        loss_changes_max: int,
        kept: Kept = nothing_kept,
    ) -> None:
        self._role = region.role
        self._name = region.name
        self._records = region.records
        self._peer = peer
        self._authority = authority
        self._clock = clock
        self._loss_changes_max = loss_changes_max
        self._kept = kept
        self._put_back: Role | None = None
        self._began = clock.monotonic()
        self._was_short = False
        self._was_new = not region.records.began_whole
        self._cause = OLDER_COPY
        self._course = Course.ASK
        self._introduced = False
        self.reason: str | None = None
        """Why this region does not lead, for people; None: nothing is in the way."""
        self.needs: str | None = None
        """The command without which it never will."""
        self.is_cut = False
        """Whether it waits for the line between the regions alone."""
        self.lost_disk = False
        """Whether it had another file once."""
        self.founds = False
        """Whether the deployment began with its file, so that there is nothing to be copied."""

    def _say(self, reason: str | None = None, needs: str | None = None, *, of_itself: bool = True) -> None:
        """What stands in the way, to operators and to writers, until the next look says something else. `of_itself`: the sentence is
        about this region, and leaves its name out."""
        self.reason, self.needs, self.is_cut = reason, needs, False
        self._records.hold(f"this region {reason}" if reason and of_itself else reason)

    def catches_up(self) -> bool:
        return not self._records.proved and self._course is Course.CATCH_UP

    async def run(self) -> None:
        """One look; called again and again."""
        try:
            await self._look()
        finally:
            await self._clock.sleep(LOOK_SECONDS_PROVED if self._records.proved else LOOK_SECONDS)

    async def may_report(self) -> bool:
        """Not before what the authority knows of this region's past is safe here; a region without a past has nothing to lose."""
        return self._introduced or not (await self._records.admitted()).history

    async def _look(self) -> None:
        state = await self._introduce()
        if state is None:
            return
        if state.leader is not self._role:
            self._records.prove()
            self._say()
            self._was_short, self._began = False, self._clock.monotonic()
            await self._settle_as_follower()
        elif self._records.proved:
            self._say()
            self._began = self._clock.monotonic()
            await self._settle_as_leader()
        else:
            await self._compare(state)

    async def _introduce(self) -> RoutingState | None:
        """The state that this region obeys, once the authority has confirmed it; founds the deployment if it has to be."""
        records = self._records
        if self._was_new and self._role is Role.PRIMARY and (await records.head()).mark == BEGINNING:
            await self._found()
        if not records.confirmed:
            return None
        state = await records.admitted()
        if state.epoch == UNFOUNDED.epoch:
            self._say(NOT_FOUNDED, of_itself=False)
            return None
        if not self._introduced:
            known = await self._authority.known(self._role)
            is_empty = self._was_new and (await records.head()).mark == BEGINNING
            if known.stores.get(self._role, "" if is_empty else records.store) != records.store:
                self._cause = DISK_LOST
            await records.owe(known.ends.get(self._role, BEGINNING), known.leadership, cause=self._cause)
            self.lost_disk = known.stores.get(self._role) not in (None, records.store)
            self._introduced = True
        return state

    async def _found(self) -> None:
        """An empty file is the founding one only if the authority says so; else it stands for a lost one."""
        try:
            founded = await self._authority.found(self._records.store)
        except NotReady:
            self._say(NOT_FOUNDED, of_itself=False)
            raise
        if founded is not None:
            self.founds = True
            self._say(COMPARES)
            await self._records.found(founded)
            self._was_new = False

    async def _compare(self, state: RoutingState) -> None:
        records = self._records
        known = await self._authority.known(self._role)
        lacking = [mark for mark in must_hold(known, await records.owed()) if not await records.holds(mark)]
        other = await self._other(lacking)
        if other is not None and other.state.supersedes(state):
            self._say(advice.knows_less(other.state, state), of_itself=False)
            return
        end = (await records.head()).mark
        if self._was_new or await records.owed() != BEGINNING:
            self._was_short = True
        if other is not None and other.end == end == BEGINNING and not lacking:
            await records.make_whole(await records.head())  # nothing was ever written
        asked_long = self._clock.monotonic() - self._began > ASK_SECONDS
        missing = await self._missing(lacking, known.leadership)
        accepted = known.accepted or (known.given_up and other is not None)
        seen = Comparison(bool(lacking), other, missing, known.leadership.since, self._was_short, asked_long, accepted)
        chosen = await self._unless_kept(course(seen, self._loss_changes_max), seen, lacking)
        if chosen is Course.CATCH_UP and other is not None and await records.owed() == BEGINNING:
            await records.owe(other.end if not lacking else newest(lacking), known.leadership, cause=self._cause)
        self._was_short = self._was_short or bool(lacking) or chosen is Course.CATCH_UP
        if chosen is not self._course:
            log.info("%s", chosen.value)
        self._course = chosen
        if await records.admitted() == state:  # else what was compared says nothing of what the new state begins with
            await self._go(state, end, lacking, other, known, missing)

    async def _unless_kept(self, chosen: Course, seen: Comparison, lacking: Sequence[Mark]) -> Course:
        """What lies in a folder is not written off without an operator's word."""
        self._put_back = None
        if seen.accepted or chosen not in (Course.WRITE_OFF, Course.WAIT):
            return chosen
        try:
            self._put_back = await self._kept(lacking, seen.other is not None)
        except MultiregionError:
            return Course.ASK if chosen is Course.WRITE_OFF else chosen
        return chosen if self._put_back is None else Course.WAIT

    async def _missing(self, lacking: Sequence[Mark], leadership: Leadership) -> int | None:
        counts = [await self._records.missing(mark, leadership) for mark in lacking]
        return None if None in counts else max([count for count in counts if count is not None], default=0)

    async def _other(self, lacking: Sequence[Mark]) -> Other | None:
        try:
            standing = await self._peer.standing()
            own = (await self._records.head()).mark
            places = [own.position.sequence, *(mark.position.sequence for mark in lacking)]
            found = await self._peer.marks(places)
        except MultiregionError:
            return None
        holds_ours = own == BEGINNING or found[0] == own
        has = any(there == mark for there, mark in zip(found[1:], lacking, strict=True))
        return Other(standing.end, standing.state, holds_ours, await self._records.holds(standing.end), has)

    async def _go(
        self, state: RoutingState, end: Mark, lacking: Sequence[Mark], other: Other | None, known: Known, missing: int | None
    ) -> None:
        records, leadership = self._records, known.leadership
        match self._course:
            case Course.LEAD if await records.is_whole():
                records.prove()
                self._say()
            case Course.LEAD_ANEW if await records.is_whole():
                await self._resume(state, end, leadership, "everything that is known elsewhere is here again")
            case Course.WRITE_OFF:
                if other is not None:
                    await self._hear_ledger()
                await self._write_off(lacking, leadership)  # while it still shows why they are missing
                await records.make_whole(await records.head())
                reason = "what was missing is in no region that answered; see `multiregion loss list`"
                await self._resume(state, end, leadership, reason, alone=other is None)
            case Course.CATCH_UP:
                self._say("lacks changes that the other region has, and copies them before it leads")
            case Course.WAIT if self._put_back is not None:
                word = advice.put_back(self._put_back)
                self._say(f"lacks {advice.writes_of(missing)} that {advice.kept(self._put_back, word)}", word)
            case Course.WAIT:
                is_cut = other is None and known.other_answers and known.other_is_whole
                self._say(self._why_it_waits(missing, other, known), None if is_cut else advice.accept_history(self._name))
                self.is_cut = is_cut
            case _:
                self._say(COMPARES)

    async def _write_off(self, lacking: Sequence[Mark], leadership: Leadership) -> None:
        await self._records.write_off(newest(lacking), leadership, cause=self._cause)

    async def _resume(self, state: RoutingState, end: Mark, leadership: Leadership, reason: str, *, alone: bool = False) -> None:
        """The last step: led under the new epoch, the log begins where it ends now. `alone`: nobody knows what the other region
        obeys by now, so the epoch is one of a new history."""
        resumed = await self._authority.resume(self._role, state, end, reason, alone=alone)
        await self._records.admit(resumed)
        await self._records.settle_debt(leadership)
        self._records.prove()
        self._say()
        self._was_short = False

    def _why_it_waits(self, missing: int | None, other: Other | None, known: Known) -> str:
        word = advice.accept_history(self._name)
        lacks = f"lacks {advice.writes_of(missing)} that the authority knows of, and serves reads only. "
        if other is None and known.other_answers and not known.other_is_whole:
            return f"{lacks}The other region has lost its records, too. To go on without them: `{word}`"
        if other is None and known.other_answers:
            return f"{lacks}The other region, which may have them, answers the authority and not this one: {advice.MEND_LINE}"
        if other is None:
            return f"{lacks}The other region, which may have them, does not answer: start it. If it is lost: `{word}`"
        return f"{lacks}The other region does not have them either. To go on without them: `{word}`"

    async def _settle_as_follower(self) -> None:
        """What this region had once, and nobody has: said in the ledger as soon as it has all that the leader has."""
        owed = await self._records.owed()
        if owed == BEGINNING:
            return
        leadership = (await self._authority.known(self._role)).leadership
        theirs, end = await self._peer.standing(), (await self._records.head()).mark
        (there,) = await self._peer.marks([end.position.sequence])
        counted = theirs.leads and theirs.owed == BEGINNING
        if counted and (theirs.end == end or (there == end and end.position > owed.position)):
            await self._hear_ledger()
            await self._write_off([owed], leadership)

    async def _settle_as_leader(self) -> None:
        """What the other region still has of it, it undoes and lists item by item; what it has not is nowhere."""
        if await self._records.owed() == BEGINNING:
            return
        leadership = (await self._authority.known(self._role)).leadership
        await self._records.settle_debt(leadership)
        owed = await self._records.owed()
        if owed != BEGINNING and (await self._peer.standing()).whole:
            await self._hear_ledger()
            (there,) = await self._peer.marks([owed.position.sequence])
            if there != owed and await self._records.missing(owed, leadership) != 0:
                await self._write_off([owed], leadership)

    async def _hear_ledger(self) -> None:
        """What the other region's ledger has is not counted a second time."""
        after = 0
        while losses := await self._peer.losses(after):
            await self._records.merge(losses)
            after = losses[-1].revision


async def report_of(records: LoggedRecords, exposure: Exposure) -> Report:
    """What a region tells of itself: while it lacks something that it had once, that, not where its log ends now."""
    head, state, owed = await records.head(), await records.admitted(), await records.owed()
    end = head.mark if await records.holds(owed) else owed
    return Report(records.store, state.history, state.epoch, end, head.bytes, await records.is_whole(), exposure)
