"""A drill whose driver is gone: what it did is undone, the state goes back, and its run is listed as broken off."""

from typing import Any

from multiregion.clock import Clock
from multiregion.drills import runs
from multiregion.drills.faults import UndoFile, heal
from multiregion.drills.operator import HttpOperator
from multiregion.errors import SwitchFailed
from multiregion.local.deployment import DataFolder
from multiregion.local.drilling import LocalInjector, driving


async def abort(data: DataFolder, actor: str, clock: Clock) -> dict[str, Any]:
    """Raises Conflict if its driver lives, SwitchFailed with what could not be undone; may be run again."""
    deployment = data.read()
    with driving(data):
        file = UndoFile(data.folder)
        undo = file.read()
        if failures := await heal(LocalInjector(data, clock), file):
            raise SwitchFailed(f"not everything could be undone: {'; '.join(failures)}. Mend it, and run this again")
        async with HttpOperator(deployment.authority.url, deployment.authority.operator_token, actor) as operator:
            run = runs.under_way(await operator.drills())
            if undo is not None and (await operator.get("state"))["state"] != undo.state:
                await operator.all("failback", reason="drill aborted")
            if run is not None:
                await runs.end(operator, run.number, actor=actor, verdict=runs.ABORTED, seal="")
        if undo is not None:
            file.end()
    return {"run": run.number if run else undo.run if undo else None, "undone": len(undo.deeds) if undo else 0}
