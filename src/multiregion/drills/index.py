"""The facts of a run, arranged for the rules: what each write came to, what the ledger accounts for, what is there at the end. Pure."""

from collections import Counter
from dataclasses import dataclass, field

from multiregion.drills.facts import ROLES, Facts, Row

THINGS = ("add", "photo")
"""Kinds of writes that make something with an id of its own."""
VERSIONED = ("replace", "password")
"""Kinds of writes that give something the next version. One client owns each, and its versions only grow."""
WRITES = (*THINGS, *VERSIONED, "delete")
LINES_MAX = 20

Name = tuple[str, str, int | None]
"""A write: kind, the id, register, user or deleted item it is about, and the version, if it has one."""


@dataclass(frozen=True)
class Witness:
    """Why a rule is broken, as small as it can be said. `lines`: of the history."""

    text: str
    ids: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()

    @property
    def size(self) -> tuple[int, int, str]:
        return (len(self.lines) + len(self.ids), len(self.text), self.text)


def kind_of(operation: Row) -> str:
    """What a `repeat` repeats, else the kind itself."""
    return str(operation["t"]) if operation["k"] == "repeat" else str(operation["k"])


def name_of(operation: Row) -> Name:
    kind = kind_of(operation)
    if kind in THINGS:
        return kind, operation["id"], None
    return kind, operation.get("key") or operation["id"], operation.get("value") if kind in VERSIONED else None


def mark(value: list[int] | tuple[int, int] | None) -> tuple[int, int] | None:
    return (value[0], value[1]) if value else None


@dataclass
class Index:
    """`fates`: a write is `ok` if any try of it was, `refused` if every try was, else `unknown`."""

    facts: Facts
    fates: dict[Name, str] = field(default_factory=dict)
    tries: dict[Name, list[Row]] = field(default_factory=dict)
    versions: dict[tuple[str, str], dict[int, str]] = field(default_factory=dict)
    listed: dict[Name, list[Row]] = field(default_factory=dict)
    ranges: list[Row] = field(default_factory=list)
    items: dict[str, dict[tuple[str, str], Row]] = field(default_factory=dict)
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        for operation in self.facts.operations:
            if kind_of(operation) in WRITES:
                self._add(operation)
        for (kind, key, version), fate in self.fates.items():
            if version is not None:
                self.versions.setdefault((kind, key), {})[version] = fate
        for entry in self.facts.ledger:
            if entry["k"] is None:
                self.ranges.append(entry)
            else:
                self.listed.setdefault((entry["k"], entry["item"], entry.get("value")), []).append(entry)
        for role, final in self.facts.finals.items():
            self.items[role] = {(item["k"], item["id"]): item for item in final["items"]}
            self.counts.update((role, item["k"], item["id"]) for item in final["items"])

    def _add(self, operation: Row) -> None:
        name = name_of(operation)
        self.tries.setdefault(name, []).append(operation)
        outcome = str(operation["out"])
        fate = self.fates.get(name, outcome)
        if "ok" in (fate, outcome):
            self.fates[name] = "ok"
        else:
            self.fates[name] = fate if fate == outcome else "unknown"

    def lines(self, *names: Name) -> tuple[int, ...]:
        found = sorted(operation["i"] for name in names for operation in self.tries.get(name, ()))
        return tuple(found[:LINES_MAX])

    def entries(self, name: Name) -> list[Row]:
        """The entries of the ledger that account for this write: by its name, or by the position that its client was told. A write of
        unknown outcome may have been repeated elsewhere: what one region lost is not what another acknowledged."""
        tries = self.tries.get(name, ())
        regions = {each["region"] for each in tries if each["out"] == "ok" and each.get("region")}
        named = [entry for entry in self.listed.get(name, ()) if not regions or entry["region"] in regions]
        return named + [entry for entry in self.ranges if any(covers(entry, each) for each in tries)]

    def has_another_copy(self, name: Name, entry: Row) -> bool:
        """Whether the write may be there although this entry is right: it was asked for in another region as well."""
        regions = self.facts.header.get("regions", {})
        asked = {each.get("region") or regions.get(each.get("to")) for each in self.tries.get(name, ()) if each["out"] != "refused"}
        return bool(asked - {entry["region"], None})

    def is_lost(self, name: Name) -> bool:
        """In the ledger, and not made again since."""
        return any(entry["outcome"] != "applied" for entry in self.entries(name))

    def may_be_deleted(self, id: str) -> bool:
        return self.fates.get(("delete", id, None)) in ("ok", "unknown")

    def everywhere(self, kind: str, id: str) -> bool:
        return all((kind, id) in items for items in self.items.values())

    def anywhere(self, kind: str, id: str) -> bool:
        return any((kind, id) in items for items in self.items.values())

    def version(self, role: str, kind: str, key: str) -> int:
        """The version that is there at the end; 0 is the one from before the run."""
        item = self.items[role].get((kind, key), {})
        return max(item.get("accepts") or (0,)) if kind == "password" else int(item.get("value") or 0)

    def roles(self) -> tuple[str, ...]:
        return tuple(role for role in ROLES if role in self.items)


def covers(entry: Row, operation: Row) -> bool:
    """Whether an entry without contents accounts for the position of this write."""
    position, first, last = mark(operation.get("position")), mark(entry["first"]), mark(entry["last"])
    if position is None or first is None or operation.get("region") != entry["region"]:
        return False
    return first <= position <= last if last else first <= position and position[0] == first[0]
