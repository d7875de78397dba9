"""What a run leaves: the final reads of both regions, the loss ledger and the authority's lines, as rows for the checker."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec

from multiregion.drills.facts import ROLES
from multiregion.drills.history import Decision, Final, Item, LedgerEntry, Mark, Operation
from multiregion.drills.operator import HttpOperator
from multiregion.drills.target import Target
from multiregion.probes import Call, Probe

POSITIONS = re.compile(r"(\d+)\.(\d+|\?)(?:-(\d+|\?))?(?:\.[0-9a-f]+)?")
VERSIONED = ("replace", "password")


async def finals(
    probe: Probe, call: Callable[[str], Call], target: Target, regions: Mapping[str, str], now: Callable[[], int]
) -> dict[str, Final]:
    """Both regions, one after the other: they are level and nobody writes."""
    found = {}
    for role in ROLES:
        items = [msgspec.convert(item, Item) for item in await probe.read_back(call(role))]
        epoch = int((await target.state(role))["epoch"])
        found[role] = Final(region=regions[role], read_at=now(), epoch=epoch, items=items)
    return found


def marks(id: str) -> tuple[Mark, Mark | None]:
    """The positions that an entry accounts for, by its id: `1.205`, `1.201-205`, `1.206-?`. Where it begins may be unknown: from 0."""
    found = POSITIONS.fullmatch(id)
    if not found:
        raise ValueError(f"{id!r} is not an id of the loss ledger")
    epoch, first, last = int(found[1]), found[2], found[3]
    begin = (epoch, 0 if first == "?" else int(first))
    if last is None:
        return begin, begin
    return begin, None if last == "?" else (epoch, int(last))


def ledger(
    losses: Sequence[Mapping[str, Any]],
    known: set[str],
    probe: Probe,
    regions: Mapping[str, str],
    decided: Mapping[str, str],
    operations: Sequence[Operation],
) -> list[LedgerEntry]:
    """The entries that are not among those `known` before the run, and that clients asked for or whose contents nobody has. `decided`: when
    each was settled, by its id."""
    found = []
    for loss in losses:
        if loss["id"] in known:
            continue
        named = probe.lost(loss["record"], loss["what"]) if is_one(loss["id"]) else None
        if named is None and is_one(loss["id"]):
            continue  # the application's own bookkeeping
        first, last = marks(loss["id"])
        kind, item = named or (None, None)
        entry = LedgerEntry(
            id=loss["id"], region=regions[loss["region"]], k=kind, item=item, first=first, last=last, bytes=loss["bytes"],
            cause=str(loss["cause"]), outcome=loss["outcome"], by=loss["decidedBy"], at=decided.get(loss["id"]),
        )  # fmt: skip
        found.append(entry)
    return with_versions(found, operations)


def own(losses: Sequence[Mapping[str, Any]], run: int, known: Collection[str] = ()) -> list[str]:
    """Ids of what is pending and this run's to decide about: its own writes, with their bookkeeping, and entries without contents that were
    not there before. What others lost is theirs."""
    name = f"drill-{run}-"
    pending = [loss for loss in losses if loss["outcome"] == "pending" and loss["id"] not in known]
    return [loss["id"] for loss in pending if name in loss["record"] or not is_one(loss["id"])]


def is_one(id: str) -> bool:
    return "-" not in id


def with_versions(entries: list[LedgerEntry], operations: Sequence[Operation]) -> list[LedgerEntry]:
    """The ledger shows nothing of a user's record. Which version an entry lost, the positions say: of two acknowledged versions the log
    had the first by the position that was told with it, and the second after that. What is left over was of unknown outcome."""
    versions: dict[str, int] = {}
    for key in {entry.item for entry in entries if entry.k in VERSIONED}:
        mine = sorted((entry for entry in entries if entry.item == key and entry.k in VERSIONED), key=lambda entry: entry.first)
        made = [each for each in operations if each.key == key and (each.t or each.k) in VERSIONED and each.out != "refused"]
        versions |= assigned([(entry.id, entry.first) for entry in mine], made)
    return [msgspec.structs.replace(entry, value=versions[entry.id]) if entry.id in versions else entry for entry in entries]


def assigned(entries: list[tuple[str, Mark]], operations: Sequence[Operation]) -> dict[str, int]:
    """Entry -> version; both in the order of the log."""
    told = {each.value: each.position for each in operations if each.out == "ok" and each.value is not None}
    unsure = sorted({each.value for each in operations if each.out == "unknown" and each.value is not None} - told.keys())
    found: dict[str, int] = {}
    before: Mark = (0, 0)
    for version in sorted(told):
        position = told[version]
        within = [id for id, at in entries if id not in found and before < at and (position is None or at <= position)]
        if within:
            found[within[-1] if position is not None else within[0]] = version
        before = position or before
    left = [id for id, _ in entries if id not in found]
    found |= dict(zip(left, unsure, strict=False))
    return found


def decisions(lines: Sequence[Mapping[str, Any]], since: str) -> list[Decision]:
    """The authority's lines since a moment, oldest first. A row of decisions about losses is one line."""
    fields = Decision.__struct_fields__
    return [msgspec.convert({name: line[name] for name in fields}, Decision) for line in reversed(lines) if line["at"] >= since]


async def losses_of(operator: HttpOperator) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await operator.get("losses"))["losses"]
    return found
