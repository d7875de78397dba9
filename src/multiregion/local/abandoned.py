"""A drill whose driver is gone: what it did is undone, the state goes back, its data goes, and its run is listed as broken off."""

from pathlib import Path
from typing import Any

from multiregion.application import load
from multiregion.clock import Clock
from multiregion.config import read_part
from multiregion.drills import runs
from multiregion.drills.collect import own
from multiregion.drills.evidence import Sealer
from multiregion.drills.faults import UndoFile, heal
from multiregion.drills.operator import HttpOperator
from multiregion.drills.target import PATIENT_SECONDS, HttpTarget, Silent
from multiregion.drills.unfinished import seal_unfinished
from multiregion.errors import SwitchFailed
from multiregion.local.deployment import DataFolder, LocalDeployment
from multiregion.local.drilling import LocalInjector
from multiregion.local.driven import driving

KEY = "drill-key"


def key_file(data: DataFolder) -> Path:
    """What this deployment's bundles are sealed with: the authority's own, as it numbers them."""
    return data.folder / "authority" / KEY


async def abort(data: DataFolder, actor: str, clock: Clock) -> dict[str, Any]:
    """Raises Conflict if its driver lives, SwitchFailed with what could not be undone; may be run again."""
    deployment = data.read()
    with driving(data):
        file = UndoFile(data.folder)
        undo = file.read()
        if failures := await heal(LocalInjector(data, clock), file):
            raise SwitchFailed(f"not everything could be undone: {'; '.join(failures)}. Mend it, and run this again")
        async with HttpOperator(deployment.authority.url, deployment.authority.operator_token, actor) as operator:
            lines = await operator.drills()
            run = runs.under_way(lines)
            if undo is not None and (await operator.get("state"))["state"] != undo.state:
                await operator.all("failback", reason=f"drill {undo.run} is broken off")
            if undo is not None:
                if ids := own((await operator.get("losses"))["losses"], undo.run):
                    await operator.all("losses/discard", ids=ids)
                await remove(data, deployment, undo.run)
            if run is not None:
                seal = ""
                if undo is not None and undo.run == run.number:
                    seal = await seal_unfinished(
                        Path(undo.bundle), Sealer.open(key_file(data)), authority=[], environment={},
                        previous=runs.seal_before(lines, run.number),
                    )  # fmt: skip
                await runs.end(operator, run.number, actor=actor, verdict=runs.ABORTED, seal=seal)
        if undo is not None:
            file.end()
    return {"run": run.number if run else undo.run if undo else None, "undone": len(undo.deeds) if undo else 0}


async def remove(data: DataFolder, deployment: LocalDeployment, run: int) -> None:
    """The users and photos of a run. Raises SwitchFailed if they cannot be removed now."""
    make_probe = load(read_part(data.folder / "config" / "authority.json").application).drill
    if make_probe is None:
        return
    places = {"primary": deployment.primary, "secondary": deployment.secondary}
    async with HttpTarget(deployment.app_id, places, deployment.authority.operator_token) as target:
        try:
            await make_probe(f"drill-{run}", "").remove(target.call("primary", {}, seconds=PATIENT_SECONDS))
        except (Silent, RuntimeError) as error:
            raise SwitchFailed(f"what drill {run} wrote could not be removed: {error}. Run this again") from error
