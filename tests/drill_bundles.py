"""Bundles as a drill leaves them, of histories from a seed."""

from pathlib import Path
from typing import Any

import msgspec

from multiregion.drills import history
from multiregion.drills.evidence import Sealer, seal_bundle, seal_plan
from multiregion.drills.facts import Facts, Row

PLAN_TEXT = """[drill]
title = "Q4 region loss"
scenario = "{scenario}"
requested_by = "operator"
approved_by = "approver"
reason = "DORA Art. 11(6) yearly"

[objective]
rto_write = "5s"
rto_read = "2s"
rpo_writes = 100
rpo_seconds = "2s"
errors_outside_outage = "0.1%"

[return]
failback = true
loss = "discard"

[stop]
if_error_rate_before_fault = ">1%"
"""


def record(path: Path, facts: Facts, plan: str) -> None:
    """The history, as the driver writes it."""
    header = msgspec.convert({**facts.header, "plan": plan}, history.Header)
    with history.Writer(path, header) as writer:
        for row in sorted([*facts.operations, *facts.events], key=lambda row: int(row["i"])):
            kind: Any = history.Event if "event" in row else history.Operation
            writer.append(msgspec.convert(row, kind))


def make(folder: Path, facts: Facts, sealer: Sealer, previous: str | None = None) -> tuple[Row, str]:
    plan = PLAN_TEXT.format(scenario=facts.header["scenario"]).encode()
    sealed = seal_plan(folder, plan, sealer, run=facts.header["run"], at="2026-11-28T11:29:00.000Z", previous=previous)
    record(folder / "history.jsonl", facts, sealed)
    return seal_bundle(folder, facts, sealer, previous=previous, enclosures={"fis.json": b"{}\n"})
