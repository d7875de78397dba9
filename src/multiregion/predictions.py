"""What a takeover may lose: the newest that anybody has heard of the lost region, whether the survivor or the authority."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from msgspec import to_builtins

from multiregion import advice
from multiregion.config import Settings
from multiregion.errors import SwitchFailed
from multiregion.health import WELL, WriteHealth
from multiregion.lag_history import LastKnown
from multiregion.leases import Leases
from multiregion.objects import Repaired
from multiregion.reports import Leadership, Report, Reports, base_fact
from multiregion.states import Role, RoutingState
from multiregion.status import missing_of
from multiregion.stores import Head, StateStore


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a region knows of itself and of how far behind the other it is. `forgotten`: it does not have all that it once told the
    authority it had, so its storage is an older copy, or a new one."""

    head: Head
    admitted: RoutingState
    ready: bool
    last_known: LastKnown | None
    writing: WriteHealth = WELL
    forgotten: bool = False


class RegionControl(Protocol):
    """What the controller needs of a region, over a network. Every call raises Unreachable when there is no answer in time."""

    async def admit(self, state: RoutingState) -> RoutingState: ...

    async def head(self) -> Head: ...

    async def outlook(self) -> Outlook: ...

    async def repair(self) -> Repaired:
        """Fetch the objects that are known to be damaged, or found to be missing, from the other region."""
        ...


class InformedRegion:
    """A region as the controller sees it, with what the other one had reported to the authority before it fell silent."""

    def __init__(self, region: RegionControl, role: Role, authority: StateStore, reports: Reports, leases: Leases | None) -> None:
        self._region = region
        self._role = role
        self._authority = authority
        self._reports = reports
        self._leases = leases

    async def admit(self, state: RoutingState) -> RoutingState:
        return await self._region.admit(state)

    async def head(self) -> Head:
        return await self._region.head()

    async def repair(self) -> Repaired:
        return await self._region.repair()

    async def outlook(self) -> Outlook:
        outlook = await self._region.outlook()
        state = await self._authority.read()
        reports = await self._reports.reports()
        outlook = replace(outlook, forgotten=has_forgotten(outlook.head, reports.get(self._role), state))
        report = reports.get(self._role.other)
        silence = self._reports.seconds_since(self._role.other)
        if state.leader is self._role:
            return outlook
        told = None
        if report is not None and is_of_this_history(report, state):
            told = missing_by_report(outlook.head, report, await self._reports.leadership())
        if told is None or report is None or silence is None:
            return replace(outlook, last_known=outlook.last_known and replace(outlook.last_known, seconds=None))
        told = replace(told, seconds=self._unknown_seconds(state, report, silence))
        return replace(outlook, last_known=worse(outlook.last_known, told))

    def _unknown_seconds(self, state: RoutingState, report: Report, silence: float) -> float:
        """From the last report until the writer surely stopped: with its fence, with its lease, or not yet."""
        if state.writer is None and report.epoch >= state.epoch:
            return 0.0
        stopped = max(0.0, -self._leases.seconds_left()) if self._leases else 0.0
        return max(0.0, silence - stopped)


def has_forgotten(head: Head, told: Report | None, state: RoutingState) -> bool:
    """Whether a region whose log ends at `head` had more, as it told the authority, of a history that counts."""
    return told is not None and is_of_this_history(told, state) and told.end.position > head.position


def is_of_this_history(told: Report, state: RoutingState) -> bool:
    """Whether what a region told is of the history that is in force, or of one that it succeeds."""
    return told.history in (state.history, *state.succeeds)


def missing_by_report(head: Head, report: Report, leadership: Leadership) -> LastKnown | None:
    """What a region whose log ends at `head` lacks of the leader's log as it was reported. What it has beyond the place where the two
    part counts for nothing. None: the authority does not know where that is."""
    shared = leadership.shared(head.mark, report.end)
    if shared is None:
        return None
    changes = max(0, report.end.position.sequence - shared.sequence)
    credentials = tuple(each for each in report.exposure.credentials if each.position > shared)
    return LastKnown(changes, max(0, report.bytes - head.bytes), None, credentials, report.exposure.uploads)


def worse(heard: LastKnown | None, reported: LastKnown) -> LastKnown:
    """Of what the survivor heard and what the authority was told, whichever is more; the time counts from the newest word."""
    if heard is None:
        return reported
    newest = reported if reported.changes >= heard.changes else heard
    seconds = [each for each in (heard.silent_seconds, reported.seconds) if each is not None]
    return replace(newest, bytes=max(heard.bytes, reported.bytes), seconds=min(seconds, default=None))


def refuse_losing(survivor: Outlook, name: str, settings: Settings, all_the_same: str) -> None:
    """Raises SwitchFailed if the survivor would undo what both regions had, and as `refuse_loss` does."""
    if survivor.forgotten:
        because = (
            f"{name} lacks changes that it had: its storage is an older copy, or a new one. Start the other region, which still has them:"
            " taking over undoes what both had."
        )
        raise SwitchFailed(f"{because} {all_the_same}", because=because)
    refuse_loss(survivor.last_known, settings, all_the_same)


def refuse_loss(last_known: LastKnown | None, settings: Settings, all_the_same: str) -> None:
    """Raises SwitchFailed if more than the limit may be lost, or nobody knows how much: with the reason alone as `because`;
    `all_the_same` is how to go on at a command line."""
    because = ""
    if last_known is None or last_known.seconds is None:
        because = f"What would be lost is {prediction(last_known)}."
    elif last_known.changes > settings.loss_changes_max or last_known.seconds > settings.loss_seconds_max:
        because = (
            f"More may be lost than the limit of {settings.loss_changes_max} changes or {settings.loss_seconds_max:g} s allows:"
            f" {prediction(last_known)}."
        )
    if because:
        raise SwitchFailed(f"{because} {all_the_same}", because=because)


def refuse_present(region: Role, names: Mapping[Role, str], order: str) -> None:
    """A region that answers is not lost. Raises SwitchFailed, as `refuse_loss` does."""
    raise SwitchFailed(advice.not_lost(region, names, order), because=f"{names[region]} answers, so it is not lost.")


def prediction(last_known: LastKnown | None) -> str:
    """What a takeover may lose, in words; what is unknown is said to be."""
    if last_known is None:
        return "unknown: the surviving region has not heard from the other since it started"
    known = counted(last_known)
    if last_known.seconds is None:
        return f"{known}, and an unknown number more{uploads(last_known)}"
    return f"{known}, and whatever was written in the last {last_known.seconds:.1f} s{uploads(last_known)}"


def counted(last_known: LastKnown) -> str:
    if not last_known.changes:
        return "nothing that is known of"
    one = last_known.changes == 1
    known = f"{last_known.changes:,} {'change' if one else 'changes'} ({last_known.bytes:,} bytes) that {'is' if one else 'are'} known of"
    return known + named(last_known)


def named(last_known: LastKnown) -> str:
    """Who may sign in is not one change among others."""
    words = [f"{each.what} of {each.user}" for each in last_known.credentials]
    return f", among them {', '.join(words)}" if words else ""


def uploads(last_known: LastKnown) -> str:
    """No record speaks of them yet, so they are in no count of changes."""
    told = "; {} that were on their way in, and have to be uploaded again: {:,}"
    return "".join(told.format(kind, count) for kind, count in (last_known.uploads or {}).items() if count)


def facts_of(outlook: Outlook, *, loses: bool, accepted: bool) -> dict[str, Any]:
    """What the history keeps of a takeover: the watermark, and what was predicted and accepted."""
    position = outlook.head.position
    return {
        "watermark": {"epoch": position.epoch, "sequence": position.sequence},
        **({"base": base_fact(outlook.head.mark)} if loses else {}),
        "predictedLoss": to_builtins(missing_of(outlook.last_known)) if loses else None,
        "acceptedLoss": accepted,
    }
