"""The checker checks itself: defects planted in a copy of the recorded facts, each of which its rule must notice. Pure.

Each defect is planted beside what was recorded, on things of its own where the run offers none, so that every run plants all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from multiregion.drills.facts import ROLES, Facts, Row
from multiregion.drills.index import Index
from multiregion.drills.oracle import RULES

DIGEST = "0" * 64
OTHER_DIGEST = "f" * 64


@dataclass(frozen=True)
class Defect:
    rule: str
    name: str
    plant: Callable[[Facts], Facts]


def last_line(facts: Facts) -> int:
    return max((row["i"] for rows in (facts.operations, facts.events) for row in rows), default=0)


def end(facts: Facts) -> int:
    return max((row["told"] for row in facts.operations), default=0) + 1_000_000


def client(facts: Facts) -> int:
    """One that the run does not have."""
    return 1 + max((each["c"] for each in facts.header["clients"]), default=0)


def writer(facts: Facts) -> tuple[int, str]:
    """The newest epoch that was told, and by which region."""
    epoch = max((row.get("epoch") or 0 for row in facts.operations), default=0) or 1
    return epoch, next((row["region"] for row in reversed(facts.operations) if row.get("epoch") == epoch and row.get("region")), "a")


def told(facts: Facts, kind: str, id: str, **more: object) -> Row:
    """An answer of the current writer, after everything else."""
    at = end(facts)
    epoch, region = writer(facts)
    base: Row = {"i": last_line(facts) + 1, "c": client(facts), "k": kind, "id": f"planted-{id}", "due": at, "sent": at, "told": at + 1000}
    return base | {"to": "primary", "out": "ok", "epoch": epoch, "region": region} | more


def with_told(facts: Facts, *rows: Row) -> Facts:
    return replace(facts, operations=[*facts.operations, *rows])


def with_item(facts: Facts, item: Row, roles: tuple[str, ...] = ROLES) -> Facts:
    finals = {role: dict(final) for role, final in facts.finals.items()}
    for role in roles:
        if role in finals:
            finals[role]["items"] = [*finals[role]["items"], item]
    return replace(facts, finals=finals)


def with_entry(facts: Facts, kind: str, item: str, **more: object) -> Facts:
    entry: Row = {"id": "0.1", "region": writer(facts)[1], "k": kind, "item": item, "first": [0, 1], "last": [0, 1], "outcome": "discarded"}
    return replace(facts, ledger=[*facts.ledger, entry | {"by": "planted", "at": "planted"} | more])


def acknowledged_twice(facts: Facts) -> tuple[Facts, Row, Row]:
    """With two items of one kind that are there in both regions, as acknowledged."""
    first, second = (told(facts, "add", str(number), sha256=DIGEST) for number in (1, 2))
    planted = with_told(facts, first, second | {"i": first["i"] + 1})
    for row in (first, second):
        planted = with_item(planted, {"k": "add", "id": row["id"], "sha256": DIGEST})
    return planted, first, second


def dropped(facts: Facts) -> Facts:
    """An acknowledged item that is there is taken out of both final reads."""
    index = Index(facts)
    names = [name for name, fate in index.fates.items() if name[0] == "add" and fate == "ok" and index.everywhere("add", name[1])]
    names = [name for name in names if not index.entries(name) and not index.may_be_deleted(name[1])]
    if not names:
        return with_told(facts, told(facts, "add", "1"))
    id = names[len(names) // 2][1]
    finals = {role: {**final, "items": [item for item in final["items"] if item["id"] != id]} for role, final in facts.finals.items()}
    return replace(facts, finals=finals)


def unlisted(facts: Facts) -> Facts:
    """The ledger loses an entry."""
    index = Index(facts)
    for name, fate in index.fates.items():
        entries = index.entries(name)
        if name[0] == "add" and fate == "ok" and len(entries) == 1 and not index.everywhere("add", name[1]):
            return replace(facts, ledger=[entry for entry in facts.ledger if entry is not entries[0]])
    return with_told(facts, told(facts, "photo", "1"))


def listed_and_there(facts: Facts) -> Facts:
    planted, first, _ = acknowledged_twice(facts)
    return with_entry(planted, "add", first["id"])


def revived(facts: Facts) -> Facts:
    row = told(facts, "add", "1", out="refused")
    return with_item(with_told(facts, row), {"k": "add", "id": row["id"]})


def refused_and_listed(facts: Facts) -> Facts:
    row = told(facts, "add", "1", out="refused")
    return with_entry(with_told(facts, row), "add", row["id"])


def invented_item(facts: Facts) -> Facts:
    return with_item(facts, {"k": "add", "id": "planted-1"})


def changed_contents(facts: Facts) -> Facts:
    row = told(facts, "add", "1", sha256=DIGEST)
    return with_item(with_told(facts, row), {"k": "add", "id": row["id"], "sha256": OTHER_DIGEST})


def lost_on_purpose(facts: Facts) -> Facts:
    return with_entry(replace(facts, header={**facts.header, "scenario": "planned"}), "add", "planted-1")


def second_writer(facts: Facts) -> Facts:
    row = told(facts, "add", "1")
    return with_told(facts, row, row | {"i": row["i"] + 1, "id": "planted-2", "region": "planted region"})


def fallen_epoch(facts: Facts) -> Facts:
    row = told(facts, "read", "1")
    later = {"i": row["i"] + 1, "id": "planted-2", "sent": row["told"] + 1, "told": row["told"] + 2, "epoch": row["epoch"] - 1}
    return with_told(facts, row | {"epoch": row["epoch"] + 1}, row | later | {"epoch": row["epoch"]})


def zombie_writer(facts: Facts) -> Facts:
    row = told(facts, "add", "1")
    new = row | {"epoch": row["epoch"] + 1, "region": "planted region"}
    return with_told(facts, new, row | {"i": row["i"] + 1, "id": "planted-2", "sent": row["told"] + 1, "told": row["told"] + 2})


def resurrected(facts: Facts) -> Facts:
    planted, first, _ = acknowledged_twice(facts)
    return with_told(planted, told(planted, "delete", "3", key=first["id"]))


def one_sided(facts: Facts) -> Facts:
    row = told(facts, "add", "1")
    return with_item(with_told(facts, row), {"k": "add", "id": row["id"]}, ROLES[:1])


def reordered(facts: Facts) -> Facts:
    planted, first, second = acknowledged_twice(facts)
    items = planted.finals[ROLES[1]]["items"] if ROLES[1] in planted.finals else []
    swapped = {first["id"]: second["id"], second["id"]: first["id"]}
    finals = dict(planted.finals)
    finals[ROLES[1]] = {**finals.get(ROLES[1], {}), "items": [{**item, "id": swapped.get(item["id"], item["id"])} for item in items]}
    return replace(planted, finals=finals)


def bytes_missing(facts: Facts) -> Facts:
    row = told(facts, "photo", "1", sha256=DIGEST)
    return with_item(with_told(facts, row), {"k": "photo", "id": row["id"], "sha256": DIGEST})


def stale_read(facts: Facts) -> Facts:
    row = told(facts, "replace", "1", key="planted-register", value=2)
    read = {
        "i": row["i"] + 1,
        "k": "read",
        "id": "planted-2",
        "asked": [1, 1],
        "value": 1,
        "sent": row["told"] + 1,
        "told": row["told"] + 2,
    }
    return with_item(with_told(facts, row, row | read), {"k": "replace", "id": "planted-register", "value": 2})


def two_passwords(facts: Facts) -> Facts:
    row = told(facts, "password", "1", key="planted-user", value=1)
    return with_item(with_told(facts, row), {"k": "password", "id": "planted-user", "accepts": [0, 1]})


def session_lost(facts: Facts) -> Facts:
    row = told(facts, "session", "1", key="planted-session")
    return with_item(with_told(facts, row), {"k": "session", "id": "planted-session", "good": False})


def unread(facts: Facts) -> Facts:
    row = told(facts, "read", "1", out="unknown", tried=list(ROLES))
    return with_told(facts, row)


def unsettled(facts: Facts) -> Facts:
    """An entry of which nobody knows who discarded it."""
    return with_entry(facts, "add", "planted-1", by=None)


DEFECTS = (
    Defect("C1", "an acknowledged write is missing", dropped),
    Defect("C1", "a lost write is not in the ledger", unlisted),
    Defect("C1", "a write is there and in the ledger", listed_and_there),
    Defect("C2", "a refused write is there", revived),
    Defect("C2", "a refused write is in the ledger", refused_and_listed),
    Defect("C3", "something is there that nobody wrote", invented_item),
    Defect("C3", "contents are not those that were written", changed_contents),
    Defect("C4", "a planned switch lost a write", lost_on_purpose),
    Defect("C5", "two regions accept writes at one epoch", second_writer),
    Defect("C5", "the epoch that a region tells falls", fallen_epoch),
    Defect("C6", "the old writer accepts a write after the new one", zombie_writer),
    Defect("C7", "something deleted is there again", resurrected),
    Defect("C8", "an item is in one region only", one_sided),
    Defect("C8", "the regions list items in another order", reordered),
    Defect("C9", "a photo answers without bytes", bytes_missing),
    Defect("C10", "a register is read at an older version", stale_read),
    Defect("C11", "the old password still works", two_passwords),
    Defect("C11", "a session from before is refused", session_lost),
    Defect("C12", "a second passes without an answered read", unread),
    Defect("C13", "an entry was discarded by nobody", unsettled),
)


def self_check(facts: Facts, defects: Sequence[Defect] = DEFECTS) -> list[Row]:
    """Plants each defect, one at a time, and says whether its rule found more than it finds in what was recorded."""
    clean = Index(facts)
    rules = {rule: find for rule, _, find in RULES}
    found = {rule: sum(1 for _ in find(clean)) for rule, find in rules.items()}
    return [
        {"rule": each.rule, "defect": each.name, "noticed": sum(1 for _ in rules[each.rule](Index(each.plant(facts)))) > found[each.rule]}
        for each in defects
    ]
