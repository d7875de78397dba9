"""RTO, RPO, prediction, errors and reconstitution, as clients saw them. Pure; all times are microseconds since the start of the run."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from multiregion.drills.contents import lost_writes
from multiregion.drills.facts import Facts, Row
from multiregion.drills.index import Index, kind_of, mark
from multiregion.drills.oracle import beginning, following, moment, percentage

GROUPS = {
    "write": ("add", "replace", "delete", "photo", "password"),
    "read": ("read",),
    "sign_in": ("sign_in", "session"),
    "object": ("photo",),
}
"""Kinds of service whose recovery is measured apart. A photo is a write as well as an object."""
CREDENTIALS = ("password", "session")
GONE = (400, 404)
NEW_WRITER = "secondary"
STEADY_MICROSECONDS = 5_000_000
STEADY_SHARE = 0.99
UNITS = {"us": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000}


@dataclass(frozen=True)
class Outage:
    """From the due time of the first operation that failed to the answer with which service was steady again. `end` None: it never was."""

    begin: int
    end: int | None


def measure(facts: Facts) -> Row:
    """Every figure of a run."""
    index = Index(facts)
    start = beginning(facts)
    return {
        "fault": start,
        "rto": {group: recovery(facts, group, start) for group in GROUPS},
        "clocks": clocks(facts, start),
        "rpo": loss(index),
        "prediction": prediction(index),
        "errors": errors(facts, start),
        "reconstitution": reconstitution(facts, start),
        "operations": dict(sorted(Counter(operation["out"] for operation in facts.operations).items())),
        "lateness": lateness(facts),
    }


def failback(facts: Facts) -> int | None:
    """When it was ordered that the writer goes back."""
    orders = [int(each["sent"]) for each in facts.events if each["event"] == "ordered" and each.get("what") == "failback"]
    return max(orders, default=None)


def lateness(facts: Facts) -> Row:
    """How late operations went out: the driver's own share in every figure."""
    late = sorted(each["sent"] - each["due"] for each in facts.operations)
    return {f"p{share}": late[int(len(late) * share / 100)] if late else None for share in (50, 99)}


def of_group(facts: Facts, group: str) -> list[Row]:
    """Operations of this kind of service, of clients that follow the state, by due time."""
    return sorted((each for each in following(facts) if kind_of(each) in GROUPS[group]), key=lambda each: each["due"])


def service(facts: Facts, group: str) -> list[Row]:
    """The same, where it counts as answered that what was asked for is lost: that is the RPO's, and service was there."""
    lost = {entry["item"] for entry in facts.ledger}
    return [each | {"out": "ok"} if is_about_lost(each, lost) else each for each in of_group(facts, group)]


def is_about_lost(operation: Row, lost: set[str]) -> bool:
    """Refused because there is no such item, or not the password any more; not because of the state, or for want of a region."""
    return operation["out"] == "refused" and operation.get("status") in GONE and operation.get("key") in lost


def outage(operations: list[Row], since: int, before: int | None = None) -> Outage | None:
    """The first one that begins between two moments; None if no operation failed."""
    failed = (each["due"] for each in operations if each["out"] != "ok" and each["told"] >= since)
    begin = min(failed, default=None)
    if begin is None or (before is not None and begin >= before):
        return None
    dues = [each["due"] for each in operations]
    good = [0]
    for each in operations:
        good.append(good[-1] + (each["out"] == "ok"))
    for number in range(bisect_left(dues, begin), len(operations)):
        each = operations[number]
        until = bisect_left(dues, each["due"] + STEADY_MICROSECONDS)
        if each["out"] != "ok" or (until == len(dues) and dues[-1] - each["due"] < STEADY_MICROSECONDS * STEADY_SHARE):
            continue
        if good[until] - good[number] >= STEADY_SHARE * (until - number):
            return Outage(begin, each["told"])
    return Outage(begin, None)


def recovery(facts: Facts, group: str, start: int | None) -> Row:
    """`microseconds`: the RTO; 0 if nothing failed, None if service did not come back. `resolution`: the mean time between operations of
    this kind: nothing shorter can be seen. `longest`: the longest that a client waited for an answer after the fault."""
    operations = of_group(facts, group)
    if start is None or not operations:
        return {"measured": False}
    found = outage(service(facts, group), start, failback(facts))
    span = operations[-1]["due"] - operations[0]["due"]
    return {
        "measured": True,
        "begin": found.begin if found else None,
        "end": found.end if found else None,
        "microseconds": 0 if found is None else None if found.end is None else found.end - found.begin,
        "resolution": span // max(1, len(operations) - 1),
        "longest": max((each["told"] - each["due"] for each in operations if each["told"] >= start), default=0),
    }


def clocks(facts: Facts, start: int | None) -> Row:
    """When the fault was detected (a client failed; None: none did before the decision), a takeover decided (by the authority), executed
    (the new writer obeyed), validated (clients write again). `pauses`: when a person was waited for."""
    pauses = [[each["sent"], each["done"]] for each in facts.events if each["event"] == "operator"]
    if start is None:
        return {"fault": None, "detected": None, "decided": None, "executed": None, "validated": None, "pauses": pauses}
    found = outage(service(facts, "write"), start, failback(facts))
    validated = found.end if found else None
    decided = decided_at(facts, start)
    ends = [at for at in (decided, validated, failback(facts)) if at is not None]
    failures = [each["told"] for each in following(facts) if each["out"] != "ok" and start <= each["told"] <= min(ends, default=start)]
    return {
        "fault": start,
        "detected": min(failures, default=None),
        "decided": decided,
        "executed": executed_at(facts, start),
        "validated": validated,
        "pauses": pauses,
    }


def executed_at(facts: Facts, start: int) -> int | None:
    """When the new writer obeyed: as the order was told, or as it said itself."""
    decided = [each for each in facts.events if each["event"] == "decided" and each["done"] >= start]
    epoch = decided[0].get("epoch") if decided else None
    told = (each for each in facts.events if each.get("part") == NEW_WRITER and each["done"] >= start)
    obeyed = [
        int(each["done"])
        for each in told
        if (each["event"] == "admitted" and each.get("epoch") == epoch) or (each["event"] == "state" and each.get("state") == "failover")
    ]
    return min(obeyed, default=None)


def decided_at(facts: Facts, start: int) -> int | None:
    """By the driver's clock if it saw the decision, else by the authority's, as far as its offset is known."""
    seen = [int(each["done"]) for each in facts.events if each["event"] == "decided" and each["done"] >= start]
    if seen:
        return min(seen)
    offset = facts.header["offsets"].get("authority")
    if offset is None:
        return None
    zero = datetime.fromisoformat(facts.header["started"])
    lines = [int((datetime.fromisoformat(each["at"]) - zero).total_seconds() * 1_000_000) - offset for each in facts.authority]
    return min((at for at in lines if at >= start), default=None)


def loss(index: Index) -> Row:
    """What was acknowledged and is lost. `seconds` in microseconds: from the first such acknowledgement to the last that its region gave
    at that epoch or before; everything acknowledged earlier survived."""
    names = lost_writes(index)
    tries = [each for name in names for each in index.tries[name] if each["out"] == "ok"]
    entries = index.facts.ledger
    microseconds = 0
    if tries:
        first = min(tries, key=lambda each: each["told"])
        epoch = max(epoch_of(each) for each in tries)
        last = max(
            each["told"]
            for each in index.facts.operations
            if each["out"] == "ok" and each.get("region") == first.get("region") and epoch_of(each) <= epoch and is_write(each)
        )
        microseconds = last - first["told"]
    return {
        "writes": len(names),
        "kinds": dict(sorted(Counter(kind for kind, _, _ in names).items())),
        "seconds": microseconds,
        "changes": changes(entries),
        "bytes": None if any(entry.get("bytes") is None for entry in entries) else sum(entry["bytes"] for entry in entries),
        "credentials": sorted({entry["item"] for entry in entries if entry["k"] in CREDENTIALS}),
        "outcomes": dict(sorted(Counter(entry["outcome"] for entry in entries).items())),
    }


def epoch_of(operation: Row) -> int:
    """Of the log at the answer; where users sign in an answer says none, and the position that was asked for does."""
    position = mark(operation.get("position"))
    return int(operation.get("epoch") or (position[0] if position else 0))


def is_write(operation: Row) -> bool:
    return kind_of(operation) in GROUPS["write"]


def changes(entries: list[Row]) -> int | None:
    """How many changes the ledger accounts for; None if it does not know."""
    total = 0
    for entry in entries:
        first, last = mark(entry["first"]), mark(entry["last"])
        if first is None or last is None or first[0] != last[0]:
            return None
        total += last[1] - first[1] + 1
    return total


def prediction(index: Index) -> Row:
    """What the takeover said it would lose, beside what was lost: so many changes that it knew of, and what was written in its last
    `seconds` (`since`: so many writes were acknowledged in them). Together that must never be fewer."""
    said = [each for each in index.facts.events if each["event"] == "prediction"]
    lost, counted = len(lost_writes(index)), changes(index.facts.ledger)
    if not said:
        return {"predicted": None, "seconds": None, "since": None, "lost": lost, "outcome": "not asked"}
    writes, seconds = said[-1]["detail"].get("writes"), said[-1]["detail"].get("seconds")
    since = acknowledged_before(index.facts, said[-1]["sent"], seconds) if seconds is not None else None
    if writes is None:
        outcome = "unknown"
    elif writes < lost:
        outcome = "since" if since is None or lost <= writes + since else "under"
    else:
        outcome = "exact" if writes in (lost, counted) else "over"
    return {"predicted": writes, "seconds": seconds, "since": since, "lost": lost, "outcome": outcome}


def acknowledged_before(facts: Facts, asked: int, seconds: float) -> int:
    """How many writes were acknowledged in the last seconds before the takeover was decided; it was asked for after that."""
    decided = min([int(each["sent"]) for each in facts.events if each["event"] == "decided"], default=asked)
    begin = decided - round(seconds * 1_000_000)
    return sum(is_write(each) and each["out"] == "ok" and begin <= each["told"] <= decided for each in facts.operations)


def outages(facts: Facts, start: int | None) -> list[Outage]:
    """After the fault and after the order to fail back, of any kind of service."""
    back = failback(facts)
    spans = [(since, before) for since, before in ((start, back), (back, None)) if since is not None]
    found = [outage(service(facts, group), since, before) for since, before in spans for group in GROUPS]
    return [each for each in found if each is not None]


def errors(facts: Facts, start: int | None) -> Row:
    """Failed operations of clients that follow, by kind of service; and their share outside of every outage."""
    periods = outages(facts, start)
    outside = failed = 0
    lost = {entry["item"] for entry in facts.ledger}
    for each in following(facts):
        if not any(period.begin <= each["due"] and (period.end is None or each["due"] <= period.end) for period in periods):
            outside += 1
            failed += each["out"] != "ok" and not is_about_lost(each, lost)
    groups = {}
    for group in GROUPS:
        counted = Counter(each["out"] for each in of_group(facts, group))
        groups[group] = {out: counted[out] for out in ("ok", "refused", "unknown")}
    return {
        "groups": groups,
        "outside": outside,
        "failed_outside": failed,
        "share_outside": round(failed / outside, 6) if outside else None,
    }


def reconstitution(facts: Facts, start: int | None) -> Row:
    """Until both regions held the same again, and how long clients could not write when the writer went back."""
    undone = moment(facts, "undo", last=True) or start
    level = [each["done"] for each in facts.events if each["event"] == "level" and undone is not None and each["done"] >= undone]
    back = failback(facts)
    pause = None if back is None else outage(service(facts, "write"), back)
    return {
        "level": level[0] - start if level and start is not None else None,
        "failback": None if back is None else 0 if pause is None else None if pause.end is None else pause.end - pause.begin,
    }


def duration(text: str) -> int:
    """`5s`, `<= 250ms`, `2m` in microseconds."""
    text = text.lstrip("<>= ")
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    return round(float(number) * UNITS[text[len(number) :]])


def objectives(facts: Facts, measures: Row) -> list[Row]:
    """C14: each objective of the plan, what was measured (None: could not be), and how much is left: microseconds, writes, or a share."""
    found = []
    for name, limit in sorted(facts.plan.get("objective", {}).items()):
        if name.startswith("rto_"):
            bound: float = duration(limit)
            value, unit = measures["rto"][name.removeprefix("rto_")].get("microseconds"), "us"
        elif name == "rpo_seconds":
            bound, value, unit = duration(limit), measures["rpo"]["seconds"], "us"
        elif name == "rpo_writes":
            bound, value, unit = int(limit), measures["rpo"]["writes"], "writes"
        else:
            bound, value, unit = percentage(limit, 0), measures["errors"]["share_outside"], "share"
        met = value is not None and value <= bound
        margin = None if value is None else round(bound - value, 6)
        found.append({"objective": name, "limit": bound, "measured": value, "margin": margin, "unit": unit, "met": met})
    return found
