"""What a planned switch makes sure of before it fences: that the region which is to serve has every object that it needs."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from multiregion import advice
from multiregion.clock import Clock
from multiregion.errors import MultiregionError, SwitchFailed
from multiregion.objects import Repaired
from multiregion.orders import Step
from multiregion.states import Role, RoutingState


class Repairing(Protocol):
    async def repair(self) -> Repaired:
        """Fetch what is known to be damaged, or is missing, from the other region. Raises Unreachable."""
        ...


async def repair_both(
    regions: Mapping[Role, Repairing], names: Mapping[Role, str], state: RoutingState, target: Role, clock: Clock
) -> Step:
    """Have both regions repair their objects, before a switch from `state` to `target`.

    Raises SwitchFailed if `target` does not say, or would be left without an object that the other region may have. One that no region
    has is not the switch's to refuse: it would be as missing without it.
    """
    began = clock.monotonic()
    answers = await asyncio.gather(*(regions[role].repair() for role in Role), return_exceptions=True)
    done = dict(zip(Role, answers, strict=True))
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, MultiregionError):
            raise answer
    of_target = done[target]
    if not isinstance(of_target, Repaired):
        raise SwitchFailed(advice.no_object_list(target, state, names, silent_in(done)))
    if of_target.failed:
        first, why = next(iter(of_target.failed.items()))
        raise SwitchFailed(
            f"{names[target]} lacks objects that it could not get from the other region: {len(of_target.failed)}, the first: {first},"
            f" {why}. Nothing was changed; `multiregion verify --repair` tries again and lists them"
            + ("" if isinstance(done[target.other], Repaired) else f". {advice.without(target.other, state, names)}")
        )
    found = ", ".join(said for role in Role if (said := words(done[role], names[role])))
    return Step("repair", "done" if found else "not needed", clock.monotonic() - began, found)


def silent_in(answers: Mapping[Role, object]) -> dict[Role, BaseException]:
    """Of what both regions were asked at once: who did not answer it, and why."""
    return {role: answer for role, answer in answers.items() if isinstance(answer, BaseException)}


def words(done: Repaired | BaseException, name: str) -> str:
    if not isinstance(done, Repaired):
        return ""
    parts = [f"{len(done.objects)} repaired"] if done.objects else []
    parts += [f"{len(done.failed)} not repaired"] if done.failed else []
    parts += [f"{len(done.lost)} that no region has any more"] if done.lost else []
    return f"objects in {name}: {', '.join(parts)}" if parts else ""
