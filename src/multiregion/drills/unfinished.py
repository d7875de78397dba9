"""The bundle of a run that was broken off: what had been recorded is sealed as it is, and can never pass."""

import asyncio
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from multiregion.drills.bundle import HISTORY, MANIFEST, PLAN
from multiregion.drills.evidence import Sealer, seal_bundle
from multiregion.drills.facts import Facts
from multiregion.errors import InvalidInput


async def seal_unfinished(
    folder: Path, sealer: Sealer, *, authority: list[Any], environment: Mapping[str, Any], previous: str | None
) -> str:
    """The digest of the seal; "" if nothing can be sealed: nothing was recorded, the last line is torn, or there is a seal already."""
    if not (folder / HISTORY).exists() or (folder / MANIFEST).exists():
        return ""
    plan = tomllib.loads((folder / PLAN).read_text())
    facts = Facts(
        plan=plan, header={}, operations=[], events=[], finals={}, ledger=[], authority=authority,
        environment={**environment, "stopped": "broken off"},
    )  # fmt: skip
    try:
        _, seal = await asyncio.to_thread(seal_bundle, folder, facts, sealer, previous=previous)
    except (InvalidInput, FileExistsError):
        return ""
    return seal
