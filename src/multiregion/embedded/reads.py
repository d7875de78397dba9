"""What only reads a region's file: records, the log, the loss ledger."""

from collections.abc import Sequence
from pathlib import Path

from multiregion.embedded import entries, ledger
from multiregion.embedded.database import connect
from multiregion.embedded.guarded import About, Reading
from multiregion.embedded.schema import (
    CHANGE_COLUMNS,
    CHANGE_WIDTH,
    CREDENTIALS,
    NEEDED,
    NEEDED_BY,
    RECORD_COLUMNS,
    change_of,
    fingerprint,
    record_of,
)
from multiregion.errors import Conflict, DatabaseDamaged
from multiregion.logs import Loss
from multiregion.objects import NeededBy
from multiregion.stores import BEGINNING, START, Change, Digest, Key, Mark, Position, Record, cursor, read_cursor


class RegionReads:
    """Through a connection of its own, which sees what has been committed."""

    def __init__(self, path: Path, about: About) -> None:
        self._about = about
        self._reading = connect(path, about, kind=Reading)
        self._reading.execute("PRAGMA query_only = on")

    @property
    def damage(self) -> DatabaseDamaged | None:
        """What was found to be damaged in the file, since it was opened."""
        return self._about.damage

    def _look_up(self, key: Key) -> Record | None:
        row = self._reading.execute(
            f"SELECT {RECORD_COLUMNS} FROM record WHERE partition = ? AND id = ? AND value IS NOT NULL", (key.partition, key.id)
        ).fetchone()
        return row and record_of(row)

    async def version(self, key: Key) -> Position | None:
        row = self._reading.execute("SELECT epoch, sequence FROM record WHERE partition = ? AND id = ?", (key.partition, key.id)).fetchone()
        return row and Position(*row)

    async def query(
        self, partition: str, *, after: str = "", limit: int = 50, newest_first: bool = False
    ) -> tuple[Sequence[Record], str | None]:
        where, arguments = "partition = ? AND value IS NOT NULL", [partition]
        if after:
            where += f" AND (sort, id) {'<' if newest_first else '>'} (?, ?)"
            arguments += read_cursor(after)
        direction = "DESC" if newest_first else "ASC"
        rows = self._reading.execute(
            f"SELECT {RECORD_COLUMNS} FROM record WHERE {where} ORDER BY sort {direction}, id {direction} LIMIT ?",
            (*arguments, limit + 1),
        ).fetchall()
        records = [record_of(row) for row in rows[:limit]]
        return records, cursor(records[-1]) if len(rows) > limit else None

    async def count(self, partition: str) -> int:
        found = self._reading.execute("SELECT count(*) FROM record WHERE partition = ? AND value IS NOT NULL", (partition,))
        return int(found.fetchone()[0])

    async def names(self, after: Key, *, limit: int) -> Sequence[tuple[Key, Position, bool, int]]:
        """Every record and tombstone after `after`: its key, version, whether it is deleted, and a fingerprint of it."""
        rows = self._reading.execute(
            f"SELECT {RECORD_COLUMNS} FROM record WHERE (partition, id) > (?, ?) ORDER BY partition, id LIMIT ?",
            (after.partition, after.id, limit),
        )
        found = [record_of(row) for row in rows]
        return [(r.key, r.version, r.value is None, fingerprint(r.key, r.value, r.order, r.version)) for r in found]

    async def needed(self, after: str, *, limit: int) -> Sequence[Digest]:
        """The objects that visible records, and lost writes that nobody has decided about, point to, in order of digest."""
        return [Digest(digest) for (digest,) in self._reading.execute(NEEDED, (after, limit))]

    async def is_needed(self, digest: Digest) -> bool:
        """Whether any visible record points to this object, or a lost write that nobody has decided about."""
        needed = "SELECT 1 FROM need WHERE digest = ?1 UNION ALL SELECT 1 FROM loss WHERE outcome = 'pending' AND instr(needs, ?1) LIMIT 1"
        return self._reading.execute(needed, (digest,)).fetchone() is not None

    async def needed_by(self, digest: Digest, *, limit: int) -> NeededBy:
        """The names of up to `limit` of those that make it needed: visible records first (`todos/abc`), then lost writes."""
        rows = self._reading.execute(f"SELECT * FROM ({NEEDED_BY}) ORDER BY 1, 2 LIMIT ?2", (digest, limit)).fetchall()
        (count,) = self._reading.execute(f"SELECT count(*) FROM ({NEEDED_BY})", (digest,)).fetchone()
        return NeededBy([name for _, name in rows], count - len(rows))

    async def is_whole(self) -> bool:
        return bool(self._reading.execute("SELECT whole FROM region").fetchone()[0])

    def changes(self, after: Position, *, limit: int, chain: str | None = None) -> Sequence[Change]:
        if after != START and not is_at(self._mark_at(after.sequence), after, chain or ""):
            raise Conflict(f"change {after.sequence} of epoch {after.epoch} is not in this region's log")
        rows = self._reading.execute(
            f"SELECT {CHANGE_COLUMNS} FROM change WHERE sequence > ? ORDER BY sequence LIMIT ?", (after.sequence, limit)
        )
        return [change_of(row) for row in rows]

    async def spoiled(self, after: int, *, limit: int) -> tuple[int, Sequence[Position]]:
        return entries.spoiled(self._reading, after, limit=limit)

    def credential_changes(self, *, limit: int) -> Sequence[tuple[Change, bytes | None]]:
        """The newest changes of who may sign in, newest first, each with the value that it replaced."""
        rows = self._reading.execute(
            f"SELECT {CHANGE_COLUMNS}, previous_value FROM change WHERE {CREDENTIALS} AND digest IS NULL AND NOT previous_expunged"
            " ORDER BY sequence DESC LIMIT ?",
            (limit,),
        )
        return [(change_of(row[:CHANGE_WIDTH]), row[CHANGE_WIDTH]) for row in rows]

    def _mark_at(self, sequence: int) -> Mark | None:
        row = self._reading.execute("SELECT epoch, chain FROM change WHERE sequence = ?", (sequence,)).fetchone()
        return row and Mark(Position(row[0], sequence), row[1])

    async def marks(self, sequences: Sequence[int]) -> Sequence[Mark | None]:
        return [self._mark_at(sequence) for sequence in sequences]

    async def holds(self, mark: Mark) -> bool:
        return mark == BEGINNING or self._mark_at(mark.position.sequence) == mark

    async def losses(self, *, after: int = 0, limit: int = 100) -> Sequence[Loss]:
        return ledger.losses(self._reading, after=after, limit=limit)

    async def pending_losses(self) -> int:
        return int(self._reading.execute(f"SELECT count(*) FROM loss WHERE outcome = 'pending' AND NOT {ledger.HELD}").fetchone()[0])

    async def outcome(self, key: Mark) -> str | None:
        found = self._reading.execute(f"SELECT outcome FROM loss WHERE {ledger.KEY}", ledger.key_of(key)).fetchone()
        return str(found[0]) if found else None

    async def owed(self) -> Mark:
        epoch, sequence, chain = self._reading.execute("SELECT owed_epoch, owed_sequence, owed_chain FROM region").fetchone()
        return Mark(Position(epoch, sequence), chain)


def is_at(found: Mark | None, position: Position, chain: str) -> bool:
    return found is not None and found.position == position and found.chain.startswith(chain)
