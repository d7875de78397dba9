"""A region's records as its log says that they are, and as they are stored."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from multiregion.stores import Change, Key, Position


@dataclass(frozen=True, slots=True)
class Row:
    """A record, or a tombstone without a value, with the objects it points to."""

    value: bytes | None
    order: str
    version: Position
    needs: frozenset[str]


Table = dict[Key, Row]


def replayed(changes: Iterable[Change]) -> Table:
    table: Table = {}
    for change in changes:
        write = change.write
        needs = frozenset(write.needs) if write.value is not None else frozenset[str]()
        table[write.key] = Row(write.value, write.order, change.position, needs)
    return table


def stored(db: sqlite3.Connection) -> Table:
    needs: dict[Key, set[str]] = {}
    for partition, id, digest in db.execute("SELECT partition, id, digest FROM need"):
        needs.setdefault(Key(partition, id), set()).add(digest)
    rows = db.execute("SELECT partition, id, value, sort, epoch, sequence FROM record")
    return {
        (key := Key(partition, id)): Row(value, order, Position(epoch, sequence), frozenset(needs.get(key, ())))
        for partition, id, value, order, epoch, sequence in rows
    }
