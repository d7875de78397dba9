"""The rules about what is there at the end: nothing is missing, nothing is there that should not be, both regions hold the same. Pure."""

from collections.abc import Iterator

from multiregion.drills.facts import ROLES, Row
from multiregion.drills.index import THINGS, VERSIONED, Index, Name, Witness, covers, name_of

LOSSLESS = ("planned", "authority-loss")
"""Scenarios in which nothing may be lost."""


def nothing_vanished(index: Index) -> Iterator[Witness]:
    """C1: what was acknowledged is there, or in the ledger, and not both."""
    for name, fate in index.fates.items():
        kind, key, version = name
        if kind in THINGS:
            if fate == "ok" and not index.everywhere(kind, key) and not index.entries(name) and not index.may_be_deleted(key):
                yield Witness(f"{kind} {key} was acknowledged, and is neither there nor in the ledger", (key,), index.lines(name))
        elif version is not None and fate == "ok" and not index.entries(name):
            yield from overwritten_by_older(index, kind, key, version)
    for name in index.fates:
        yield from counted_twice(index, name)
    for (role, kind, id), count in index.counts.items():
        if count > 1:
            yield Witness(f"{kind} {id} is there {count} times in the {role} region", (id,))


def overwritten_by_older(index: Index, kind: str, key: str, version: int) -> Iterator[Witness]:
    """An older version at the end is right only if it is that of a write of unknown outcome, which may have arrived last."""
    for role in index.roles():
        held = index.version(role, kind, key)
        if held < version and index.versions[kind, key].get(held) != "unknown":
            text = f"{kind} {key}: version {version} was acknowledged and is not in the ledger, and the {role} region has {held}"
            yield Witness(text, (key,), index.lines((kind, key, version)))


def counted_twice(index: Index, name: Name) -> Iterator[Witness]:
    kind, key, version = name
    entries = [entry for entry in index.entries(name) if entry["outcome"] != "applied" and entry["last"] is not None]
    entries = [entry for entry in entries if not index.has_another_copy(name, entry)]
    if not entries:
        return
    if kind in THINGS:
        there = index.anywhere(kind, key)
    else:
        there = version is not None and any(index.version(role, kind, key) == version for role in index.roles())
    if there:
        yield Witness(f"{kind} {key} is there, and in the ledger as {entries[0]['id']}", (key,), index.lines(name))


def refusals_wrote_nothing(index: Index) -> Iterator[Witness]:
    """C2: what was refused at every try is neither there nor in the ledger."""
    for name, fate in index.fates.items():
        if fate != "refused":
            continue
        kind, key, version = name
        if kind in THINGS and index.anywhere(kind, key):
            yield Witness(f"{kind} {key} was refused, and is there", (key,), index.lines(name))
        elif version and any(index.version(role, kind, key) == version for role in index.roles()):
            yield Witness(f"{kind} {key}: version {version} was refused, and is there", (key,), index.lines(name))
        elif name in index.listed:
            yield Witness(f"{kind} {key} was refused, and is in the ledger", (key,), index.lines(name))


def nothing_is_invented(index: Index) -> Iterator[Witness]:
    """C3: what is there was asked for, with these contents."""
    for role in index.roles():
        for (kind, id), item in index.items[role].items():
            yield from invented(index, role, kind, id, item)
    own = f"drill-{index.facts.header['run']}-"
    for name, entries in index.listed.items():
        if name[0] in (*THINGS, "delete") and name[1].startswith(own) and name not in index.fates:
            yield Witness(f"{name[0]} {name[1]} is in the ledger as {entries[0]['id']}, and nobody asked for it", (name[1],))


def invented(index: Index, role: str, kind: str, id: str, item: Row) -> Iterator[Witness]:
    if kind in THINGS and (kind, id, None) not in index.fates:
        yield Witness(f"{kind} {id} is in the {role} region, and nobody asked for it", (id,))
    elif kind in THINGS:
        tries = index.tries[kind, id, None]
        written = {each["sha256"] for each in tries if each["out"] != "refused" and each.get("sha256")}
        if written and item.get("sha256") and item["sha256"] not in written:
            lines = index.lines((kind, id, None))
            yield Witness(f"{kind} {id} has other contents in the {role} region than were written", (id,), lines)
    elif kind in VERSIONED:
        held = index.version(role, kind, id)
        if held and held not in index.versions.get((kind, id), {}):
            yield Witness(f"{kind} {id} has version {held} in the {role} region, and nobody wrote it", (id,))


def nothing_lost_on_purpose(index: Index) -> Iterator[Witness]:
    """C4: a planned switch loses nothing."""
    if index.facts.header["scenario"] in LOSSLESS:
        for entry in index.facts.ledger:
            yield Witness(f"{entry['id']} is in the ledger after a switch that loses nothing", (entry["item"] or entry["id"],))


def deleted_stays_deleted(index: Index) -> Iterator[Witness]:
    """C7: a delete that was acknowledged holds, or is itself in the ledger."""
    for name, fate in index.fates.items():
        if name[0] != "delete" or fate != "ok" or index.is_lost(name):
            continue
        for role in index.roles():
            for kind in THINGS:
                if (kind, name[1]) in index.items[role]:
                    text = f"{kind} {name[1]} was deleted, and is there again in the {role} region"
                    yield Witness(text, (name[1],), index.lines(name))


def regions_are_equal(index: Index) -> Iterator[Witness]:
    """C8: both regions answer the same, item by item, in the same order."""
    verification = index.facts.environment.get("verification")
    if verification is not None and not verification["equal"]:
        yield Witness(f"verify --deep found {len(verification['differences'])} differences")
    if len(index.roles()) < len(ROLES):
        return
    kinds = {kind for items in index.items.values() for kind, _ in items}
    for kind in sorted(kinds):
        here, there = ([item for item in index.facts.finals[role]["items"] if item["k"] == kind] for role in ROLES)
        yield from differences(kind, here, there)


def differences(kind: str, here: list[Row], there: list[Row]) -> Iterator[Witness]:
    mine, theirs = ({item["id"]: item for item in items} for items in (here, there))
    for id in sorted(mine.keys() ^ theirs.keys()):
        yield Witness(f"{kind} {id} is in the {'primary' if id in mine else 'secondary'} region only", (id,))
    both = mine.keys() & theirs.keys()
    for id in sorted(both):
        if mine[id] != theirs[id]:
            fields = sorted(name for name in {*mine[id], *theirs[id]} if mine[id].get(name) != theirs[id].get(name))
            yield Witness(f"{kind} {id} differs between the regions in {', '.join(fields)}", (id,))
    orders = ([item["id"] for item in items if item["id"] in both] for items in (here, there))
    for first, second in zip(*orders, strict=False):
        if first != second:
            yield Witness(f"{kind}: the primary region lists {first} where the secondary lists {second}", (first, second))
            return


def photos_have_bytes(index: Index) -> Iterator[Witness]:
    """C9: a photo that is visible answers with the bytes that its record names."""
    for role in index.roles():
        for (kind, id), item in index.items[role].items():
            if kind == "photo" and (item.get("bytes") is None or item["bytes"] != item.get("sha256")):
                what = "other bytes" if item.get("bytes") else "no bytes"
                yield Witness(f"photo {id} answers with {what} in the {role} region", (id,), index.lines(("photo", id, None)))


def ledger_is_settled(index: Index) -> Iterator[Witness]:
    """C13: what was applied is there, what was discarded is not, and who decided, and when, is known."""
    waits = index.facts.plan.get("return", {}).get("loss") == "list-only"
    for entry in index.facts.ledger:
        id = (entry["item"] or entry["id"],)
        if entry["outcome"] == "pending":
            if not waits:
                yield Witness(f"{entry['id']} is still pending in the ledger", id)
        elif not entry.get("by") or not entry.get("at"):
            yield Witness(f"who {entry['outcome']} {entry['id']}, or when, is not known", id)
        elif entry["k"] is not None:
            yield from settled_wrongly(index, entry)


def settled_wrongly(index: Index, entry: Row) -> Iterator[Witness]:
    kind, item, applied = entry["k"], entry["item"], entry["outcome"] == "applied"
    name = (kind, item, entry.get("value"))
    if kind in THINGS:
        if applied and not index.everywhere(kind, item) and not index.may_be_deleted(item):
            yield Witness(f"{kind} {item} was applied again from the ledger, and is not there", (item,), index.lines(name))
        elif not applied and index.anywhere(kind, item) and not index.has_another_copy(name, entry):
            yield Witness(f"{kind} {item} was discarded from the ledger, and is there", (item,), index.lines(name))
    elif kind == "delete" and applied:
        if any(index.anywhere(thing, item) for thing in THINGS):
            yield Witness(f"the delete of {item} was applied again from the ledger, and it is there", (item,), index.lines(name))
    elif kind in VERSIONED and applied and any(index.version(role, kind, item) < (entry.get("value") or 0) for role in index.roles()):
        yield Witness(f"{kind} {item} was applied again from the ledger, and is older", (item,), index.lines(name))


def lost_writes(index: Index) -> list[Name]:
    """Every acknowledged write that the ledger accounts for, whatever became of the entry."""
    return [name for name, fate in index.fates.items() if fate == "ok" and index.entries(name)]


def unlisted_positions(index: Index) -> list[Name]:
    """Acknowledged writes that are known to be lost only from their clients: the ledger has their positions, not their contents."""
    return [
        name_of(operation)
        for entry in index.ranges
        for operation in index.facts.operations
        if operation["out"] == "ok" and covers(entry, operation)
    ]
