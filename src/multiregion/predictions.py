"""What a takeover may lose: the newest that anybody has heard of the lost region, whether the survivor or the authority."""

from dataclasses import replace

from multiregion.controller import Outlook, RegionControl
from multiregion.leases import Leases
from multiregion.replication import LastKnown
from multiregion.reports import Leadership, Report, Reports
from multiregion.states import Role, RoutingState
from multiregion.stores import Head, StateStore


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

    async def outlook(self) -> Outlook:
        outlook = await self._region.outlook()
        state = await self._authority.read()
        report = (await self._reports.reports()).get(self._role.other)
        silence = self._reports.seconds_since(self._role.other)
        if state.leader is self._role or report is None or silence is None or report.history not in (state.history, *state.succeeds):
            return outlook
        told = missing_by_report(outlook.head, report, await self._reports.leadership())
        told = replace(told, seconds=self._unknown_seconds(state, report, silence))
        return replace(outlook, last_known=worse(outlook.last_known, told))

    def _unknown_seconds(self, state: RoutingState, report: Report, silence: float) -> float:
        """From the last report until the writer surely stopped: with its fence, with its lease, or not yet."""
        if state.writer is None and report.epoch >= state.epoch:
            return 0.0
        stopped = max(0.0, -self._leases.seconds_left()) if self._leases else 0.0
        return max(0.0, silence - stopped)


def missing_by_report(head: Head, report: Report, leadership: Leadership) -> LastKnown:
    """What a region whose log ends at `head` lacks of the leader's log as it was reported. What it has beyond the place where the
    leadership began is of another history, and counts for nothing."""
    reached = leadership.reached(head.mark)
    changes = max(0, report.end.position.sequence - reached.sequence)
    credentials = tuple(each for each in report.exposure.credentials if each.position > reached)
    return LastKnown(changes, max(0, report.bytes - head.bytes), None, credentials, report.exposure.photos_in_flight)


def worse(heard: LastKnown | None, reported: LastKnown) -> LastKnown:
    """Of what the survivor heard and what the authority was told, whichever is more; the time counts from the newest word."""
    if heard is None:
        return reported
    newest = reported if reported.changes >= heard.changes else heard
    seconds = [each for each in (heard.silent_seconds, reported.seconds) if each is not None]
    return replace(newest, bytes=max(heard.bytes, reported.bytes), seconds=min(seconds, default=None))
