"""Whether a drill may start: every reason why not, at once. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from multiregion.drills.plan import Plan
from multiregion.errors import MultiregionError


class Unready(MultiregionError):
    """A drill that may not start."""

    status, code, title = 409, "drill_refused", "The drill does not start"

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons), reasons=list(reasons))
        self.reasons = list(reasons)


def reasons(
    plan: Plan,
    status: Mapping[str, Any],
    losses: Mapping[str, Any],
    faults: Sequence[str],
    under_way: str | None,
    undo: bool,
) -> list[str]:
    """`faults`: why what the scenario does cannot be done here. `under_way`: the drill that has not ended. `undo`: whether an earlier one
    has left something to undo."""
    found = list(faults)
    if under_way:
        found.append(f"{under_way} has not ended, and nobody drives it: end it with `multiregion drill abort`")
    if undo:
        found.append("an earlier drill has left something to undo: `multiregion drill abort`")
    if status["state"] != "active" or status["writer"] is None:
        found.append(f"the state is {status['state']}, not active: `multiregion failback` first")
    for role in ("primary", "secondary"):
        found += of_region(plan, role, status["status"][role])
    found += of_ledger(losses)
    found += of_automatic(plan, status["automatic"])
    writing = (status.get("authority") or {}).get("writing")
    if writing and writing["problem"]:
        found.append(f"the authority's disk: {writing['problem']}")
    return found


def of_region(plan: Plan, role: str, region: Mapping[str, Any]) -> list[str]:
    if not region.get("answers"):
        return [f"the {role} region does not answer: {region.get('detail', '')}"]
    if not region["ready"]:
        return [f"the {role} region is not ready: {'; '.join(region['reasons'])}"]
    found = []
    if plan.stop.lag_unknown and region["lag"]["seconds"] is None:
        found.append(f"how far the {role} region is behind is not known")
    if region.get("degradedSince"):
        found.append(f"the {role} region acknowledges without the other one since {region['degradedSince']}")
    if (region.get("writing") or {}).get("problem"):
        found.append(f"the disk of the {role} region: {region['writing']['problem']}")
    return found


def of_ledger(losses: Mapping[str, Any]) -> list[str]:
    found = [f"what {region} has lost cannot be asked" for region in losses["notAnswering"]]
    if pending := sum(each["outcome"] == "pending" for each in losses["losses"]):
        entries = "1 entry" if pending == 1 else f"{pending} entries"
        found.append(f"{entries} of the loss ledger to decide about: `multiregion loss list`")
    return found


def of_automatic(plan: Plan, automatic: Mapping[str, Any]) -> list[str]:
    if automatic["mode"] != "automatic":
        return ["decision.by is automatic, but failover is manual here"] if plan.decision.by == "automatic" else []
    found = []
    if automatic["paused"]:
        found.append("automatic takeover is paused: `multiregion automatic resume`")
    if automatic["unacknowledged"]:
        found.append("the last automatic takeover is not acknowledged: `multiregion automatic acknowledge`")
    return found
