"""The course of a drill, phase by phase. Whatever stops it, every fault is undone, the load ends, and what was recorded stays true."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from multiregion.clock import Clock, iso
from multiregion.drills.collect import own
from multiregion.drills.compass import Compass
from multiregion.drills.faults import Deed, Injector, Scenario, UndoFile, heal, inject, scenario
from multiregion.drills.operator import Operator
from multiregion.drills.plan import Plan, lengths, share
from multiregion.drills.recording import Recording
from multiregion.drills.target import Silent
from multiregion.drills.workload import Workload
from multiregion.errors import MultiregionError, SwitchFailed

LATENESS_MICROSECONDS_MAX = 50_000
DETECTED = 3
"""So many failed operations, and the drill knows that something is wrong."""
LOOK_SECONDS = 0.2
DECISION_SECONDS = 300.0
READY_SECONDS = 120.0
CAUGHT_UP_SECONDS = 3.0
COUNTS_SECONDS = 1.0
HOME_SECONDS = 6.0
"""Service counts as good again after 5 s of it."""
NOBODY = ("automatic", "multiregion")
"""Who changes the state without an order: automatic takeover, and a region that goes on under a new epoch."""
DECIDES = ("hand over", "take over")
STATE_EVERY_SECONDS = 0.02


class Stopped(Exception):
    """The run says nothing, and why."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that a course uses. `known`: the entries of the loss ledger from before the run."""

    plan: Plan
    workload: Workload
    compass: Compass
    operator: Operator
    injector: Injector
    undo: UndoFile
    recording: Recording
    clock: Clock
    regions: Mapping[str, str]
    automatic: bool
    run: int
    known: frozenset[str] = frozenset()


class Course:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._plan, self._recording, self._clock = stage.plan, stage.recording, stage.clock
        self._lengths = lengths(stage.plan)
        self._scenario: Scenario = scenario(stage.plan.drill.scenario, stage.plan.fault.milliseconds)
        self._operator = stage.operator
        self.settled_at = ""
        """When the losses of this run were decided about."""

    async def run(self) -> None:
        """Under load, from the baseline to the last moment before it is calm. Raises Stopped, MultiregionError."""
        load = asyncio.create_task(self._stage.workload.run())
        watching = [asyncio.create_task(self._stage.compass.watch()), asyncio.create_task(self._count())]
        phases = asyncio.create_task(self._phases())
        try:
            done, _ = await asyncio.wait([load, phases, *watching], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (phases, load, *watching):
                task.cancel()
            await asyncio.gather(phases, load, *watching, return_exceptions=True)
            await self._stage.workload.drain()

    async def _phases(self) -> None:
        await self._baseline()
        await self._fault()
        await self._outage()
        await self._takeover()
        self._recording.begin("after")
        await self._clock.sleep(self._lengths.after)
        await self.back()
        self._recording.begin("home")
        await self._clock.sleep(HOME_SECONDS)

    async def back(self) -> None:
        """The lost part returns, what was lost is settled, and the writer goes back. May be repeated."""
        self._recording.begin("return")
        await self.heal()
        self._recording.begin("settle")
        await self._until(self._is_back, READY_SECONDS, "both regions are ready, and neither is behind")
        await self.settle()
        if self._plan.back.failback:
            self._recording.begin("failback")
            await self.failback()

    async def _baseline(self) -> None:
        self._recording.begin("baseline")
        await self._clock.sleep(self._lengths.baseline)
        counts = self._stage.workload.counts
        made, failed = sum(counts.following.values()), counts.failed
        most = share("stop.if_error_rate_before_fault", self._plan.stop.if_error_rate_before_fault)
        if not made:
            raise Stopped("no operation was answered before the fault")
        if failed / made > most:
            raise Stopped(f"before the fault {failed} of {made} operations failed; nothing was injected")
        if (late := counts.late_p99()) > LATENESS_MICROSECONDS_MAX:
            raise Stopped(f"this machine sends operations {late / 1000:.0f} ms late (p99); nothing was injected. Ask for a lower --rate")

    async def _fault(self) -> None:
        self._recording.begin("fault")
        for deed in self._scenario.does:
            sent = self._recording.now()
            await inject(deed, self._stage.injector, self._stage.undo)
            self._recording.event("fault", sent=sent, what=deed.what, part=deed.part)
            self._recording.say(fault=deed.what, part=deed.part)

    async def _outage(self) -> None:
        """Until clients have noticed; what they cannot notice lasts as long as the plan says."""
        self._recording.begin("outage")
        if self._plan.drill.scenario in ("crash", "freeze", "lost-disk", "disk-full"):
            before = self._stage.workload.counts.failed
            await self._either(lambda: self._stage.workload.counts.failed >= before + DETECTED, self._lengths.outage)
        elif self._plan.drill.scenario != "planned":
            await self._clock.sleep(self._lengths.outage)

    async def _takeover(self) -> None:
        if not self._scenario.takes_over:
            return
        self._recording.begin("takeover")
        if self._scenario.takes_over == "planned":
            await self._order("failover", writable=True, reason=self._reason)
        elif self._stage.automatic or self._plan.decision.by == "operator":
            await self._decided_by_others()
        else:
            await self._order("failover", writable=self._plan.decision.writable, regionLost=True, acceptLoss=True, reason=self._reason)
        await self._predicted()

    @property
    def _reason(self) -> str:
        return f"drill: {self._plan.drill.title or self._plan.drill.scenario}"

    async def _order(self, path: str, **body: Any) -> None:
        """Every step is recorded as it happens."""
        began = self._recording.now()
        self._recording.event("ordered", what=path)
        async for event in self._operator.order(path, **body):
            if "step" in event:
                self._step(event["step"])
        self._recording.say(did=path, seconds=(self._recording.now() - began) / 1_000_000)

    def _step(self, step: Mapping[str, Any]) -> None:
        detail = {"outcome": step["outcome"], "seconds": step["seconds"], "words": step["detail"]}
        self._recording.event("step", what=step["name"], detail=detail)
        if step["name"] in DECIDES:
            self._recording.event("decided", what=step["name"], epoch=step["epoch"])
        elif step["region"] and step["outcome"] == "done":
            part = next((role for role, name in self._stage.regions.items() if name == step["region"]), None)
            self._recording.event("admitted", part=part, epoch=step["epoch"])

    async def _decided_by_others(self) -> None:
        """By automatic takeover, or by a person at another terminal."""
        began, before = self._recording.now(), self._stage.compass.epoch
        if not self._stage.automatic:
            self._recording.say(waits="decide at another terminal: multiregion failover --writable --region-lost")
        await self._until(lambda: self._has_decided(before), DECISION_SECONDS, "a takeover is decided")
        if not self._stage.automatic:
            self._recording.event("operator", sent=began, what="decided")
        self._recording.event("decided", what="take over", epoch=self._stage.compass.epoch)

    async def _has_decided(self, before: int) -> bool:
        state = await self._operator.get("state")
        return bool(state["epoch"] > before and state["state"] == "failover")

    async def _predicted(self) -> None:
        """What the takeover said that it would lose: in the authority's own line."""
        line = next((line for line in await self._operator.history() if "predictedLoss" in line["facts"]), None)
        if line is None or self._scenario.takes_over != "lost":
            return
        said = line["facts"]["predictedLoss"]
        self._recording.event("prediction", detail={"writes": said and said["changes"], "seconds": said and said["seconds"]})

    async def heal(self) -> None:
        """Everything that was done is undone. Raises SwitchFailed with what could not be; it stays registered."""
        sent = self._recording.now()

        def undone(deed: Deed) -> None:
            nonlocal sent
            self._recording.event("undo", sent=sent, what=deed.what, part=deed.part)
            self._recording.say(undo=deed.what, part=deed.part)
            sent = self._recording.now()

        if failures := await heal(self._stage.injector, self._stage.undo, undone):
            raise SwitchFailed(f"not everything could be undone: {'; '.join(failures)}. Try again: multiregion drill abort")

    async def _is_back(self) -> bool:
        status = await self._operator.get("status")
        for region in status["status"].values():
            if not (region["answers"] and region["ready"] and region["replicating"] and region["epoch"] == status["epoch"]):
                return False
            if region["lag"]["seconds"] is None or region["lag"]["seconds"] > CAUGHT_UP_SECONDS:
                return False
        return True

    async def settle(self) -> None:
        """Decide about what this run has lost, and nobody else."""
        word = self._plan.back.loss
        found = await self._operator.get("losses")
        pending = own(found["losses"], self._stage.run, self._stage.known)
        if pending or self._recording.phase == "settle":
            self._recording.say(lost=len(pending))
        if word == "list-only" or not pending:
            return
        self.settled_at = iso(self._clock.now())
        await self._operator.all(f"losses/{word}", ids=pending)
        self._recording.event("step", what=f"loss {word}", detail={"outcome": "done", "words": f"{len(pending)} entries"})

    async def failback(self) -> None:
        """Raises SwitchFailed, with who it was, if somebody else has changed the state: a drill undoes its own orders alone."""
        status = await self._operator.get("status")
        if status["state"] != "active":
            self._refuse_others(status)
            await self._order("failback", reason=f"{self._reason}, back")
        if self._stage.automatic:
            found = await self._operator.get("automatic")
            if found["unacknowledged"]:
                await self._operator.post("automatic", word="acknowledge", epoch=found["takeover"]["epoch"])

    def _refuse_others(self, status: Mapping[str, Any]) -> None:
        last = status["lastChange"]
        own = last["reason"].startswith(self._reason) or last["actor"] in NOBODY
        if own or (self._plan.decision.by == "operator" and status["state"] == "failover"):
            return
        why = f", because: {last['reason']}" if last["reason"] else ""
        raise SwitchFailed(
            f"{last['actor']} changed the state to {status['state']} (epoch {status['epoch']}) during the drill{why}. It is left so"
        )

    async def calm(self) -> None:
        """No fault and no writes, until both regions hold the same."""
        self._recording.begin("calm")
        await self._clock.sleep(self._lengths.calm)
        await self.until_level(READY_SECONDS)
        await self.settle()  # what a region that came back has listed since
        await self.until_level(READY_SECONDS)
        self._recording.event("level")

    async def until_level(self, seconds: float) -> None:
        """Raises SwitchFailed."""
        await self._until(self._is_level, seconds, "both regions hold the same")

    async def _is_level(self) -> bool:
        sides = list((await self._operator.get("status"))["status"].values())
        return all(side["answers"] and side["ready"] for side in sides) and sides[0]["content"] == sides[1]["content"]

    async def _either(self, true: Callable[[], bool], seconds: float) -> None:
        until = self._clock.monotonic() + seconds
        while not true() and self._clock.monotonic() < until:
            await self._clock.sleep(STATE_EVERY_SECONDS)

    async def _until(self, true: Callable[[], Awaitable[bool]], seconds: float, what: str) -> None:
        """Raises SwitchFailed if it does not become true in time."""
        until, why = self._clock.monotonic() + seconds, ""
        while self._clock.monotonic() < until:
            try:
                if await true():
                    return
                why = ""
            except (MultiregionError, Silent) as error:
                why = f" ({error})"
            await self._clock.sleep(LOOK_SECONDS)
        raise SwitchFailed(f"not within {seconds:g} s: {what}{why}")

    async def _count(self) -> None:
        """For whoever watches."""
        counts = self._stage.workload.counts
        while True:
            await self._clock.sleep(COUNTS_SECONDS)
            made = dict(counts.following)
            self._recording.say(counts=made, phase=self._recording.phase, late=counts.late_p99(), serving=self._stage.compass.serving)
