"""Everything a verdict rests on, as plain JSON values: what is recorded, and nothing that is derived from it.

Standard library only, because the stand-alone verifier of a bundle contains this file."""

from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
"""One JSON object."""

ROLES = ("primary", "secondary")


@dataclass(frozen=True)
class Facts:
    """One run, as its bundle holds it. The shapes of the rows are the structs of `history.py` of the same names, as JSON.

    `plan`: the sealed plan. `header`, `operations`, `events`: the lines of the history. `finals`: role -> its last read (`Final`).
    `ledger`: both regions' loss ledgers as one, after settling (`LedgerEntry`). `authority`: its history lines during the run
    (`Decision`). `environment`: versions, settings, topology, clocks; under `verification` what `verify --deep` answered.
    """

    plan: Row
    header: Row
    operations: list[Row]
    events: list[Row]
    finals: dict[str, Row]
    ledger: list[Row]
    authority: list[Row]
    environment: Row = field(default_factory=dict)
