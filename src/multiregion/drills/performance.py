"""One run of a drill from the first question to the seal: preflight, number, plan sealed, course, final reads, removal, verdict, seal."""

import asyncio
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from multiregion.clock import Clock, iso
from multiregion.drills import collect, preflight, runs
from multiregion.drills.bundle import HISTORY, digest
from multiregion.drills.compass import Compass, clients_of
from multiregion.drills.course import Course, Stage, Stopped
from multiregion.drills.evidence import Sealer, seal_bundle, seal_plan
from multiregion.drills.experience import experience
from multiregion.drills.facts import ROLES, Facts
from multiregion.drills.faults import Injector, Undo, UndoFile, scenario
from multiregion.drills.history import Client, Header, Writer, plain
from multiregion.drills.operator import HttpOperator
from multiregion.drills.plan import Plan, as_toml, seconds
from multiregion.drills.recording import Recording, Tell
from multiregion.drills.target import PATIENT_SECONDS, Silent, Target
from multiregion.drills.unfinished import seal_unfinished
from multiregion.drills.workload import Workload
from multiregion.errors import MultiregionError, SwitchFailed
from multiregion.probes import Call, Probe

LEVEL_SECONDS = 60.0
REMOVED_SECONDS = 30.0
LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Means:
    """What a run is made with. `environment`: what there is to say of versions, settings and topology. `offsets`: as in the header."""

    operator: HttpOperator
    target: Target
    injector: Injector
    undo: UndoFile
    sealer: Sealer
    make_probe: Callable[[str, str], Probe]
    clock: Clock
    tell: Tell
    out: Path
    environment: Mapping[str, Any]
    offsets: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Ended:
    """`stopped`: why the course did not get to its end."""

    run: int
    folder: Path
    derived: Mapping[str, Any]
    seal: str
    stopped: str = ""


@dataclass(slots=True)
class Recorded:
    """What a course leaves behind for the checker."""

    facts: dict[str, Any] = field(default_factory=dict)
    stopped: str = ""


class Performance:
    """May be run once."""

    def __init__(self, plan: Plan, means: Means) -> None:
        self._means = means
        self._plan = plan
        self._recording = Recording(means.clock, means.tell)
        self._number = 0
        self._known: set[str] = set()
        self._since = ""
        self._previous_seal: str | None = None
        self._folder = means.out
        self._regions: Mapping[str, str] = {}

    async def run(self) -> Ended:
        """Raises Unready with every reason why it does not start. Cancelled, it undoes everything, and seals what there is as aborted."""
        status = await self._ready()
        self._regions = status["regions"]
        text = as_toml(self._plan).encode()
        nonce = self._means.clock.secret(9).replace("_", "x").replace("-", "y")
        self._number = await runs.begin(
            self._means.operator, actor=self._means.operator.actor, scenario=self._plan.drill.scenario, plan=digest(text), nonce=nonce
        )
        started = iso(self._means.clock.now())
        self._since = started
        self._folder = self._means.out / folder_name(self._number, self._plan.drill.scenario, started)
        self._means.undo.begin(Undo(self._number, str(self._folder), "active"))
        self._previous_seal = runs.seal_before(await self._means.operator.drills(), self._number)
        plan_digest = seal_plan(self._folder, text, self._means.sealer, run=self._number, at=started, previous=self._previous_seal)
        self._recording.say(run=self._number, folder=str(self._folder))
        recorded = await self._recorded(status, nonce, plan_digest)
        return await self._sealed(recorded)

    async def _ready(self) -> Mapping[str, Any]:
        means = self._means
        self._recording.say(phase="preflight")
        status, losses = await asyncio.gather(means.operator.get("status"), means.operator.get("losses"))
        self._known = {loss["id"] for loss in losses["losses"]}
        does = scenario(self._plan.drill.scenario, self._plan.fault.milliseconds).does
        impossible = [why for deed in does if (why := means.injector.impossible(deed))]
        run = runs.under_way(await means.operator.drills())
        name = f"drill {run.number} ({run.scenario}, by {run.actor})" if run else None
        if found := preflight.reasons(self._plan, status, losses, impossible, name, means.undo.read() is not None):
            raise preflight.Unready(found)
        return status

    async def _recorded(self, status: Mapping[str, Any], nonce: str, plan: str) -> Recorded:
        """The facts of the run. Whatever happens, faults are undone and the drill's data goes."""
        means, recorded = self._means, Recorded()
        probe = means.make_probe(f"drill-{self._number}", nonce)
        clients = clients_of(self._plan.workload.clients)
        course, workload = self._course(probe, clients, status)
        try:
            await self._prepare(probe, course, clients)
            header = self._header(nonce, plan, clients, status)
            self._recording.restart()
            self._recording.to(Writer(self._folder / HISTORY, header))
            await self._through(course, recorded)
            await self._read(course, probe, recorded, plain(header))
            await self._remove(probe, recorded)
            self._recording.close()
        except (Silent, RuntimeError) as error:
            await self._break_off(course, probe)
            raise SwitchFailed(f"the drill was broken off: {error}") from error
        except BaseException:
            await self._break_off(course, probe)
            raise
        recorded.facts["environment"]["driver"] = {
            "operations": workload.counts.made, "late_p99": workload.counts.late_p99(), "in_flight_most": workload.counts.in_flight_most,
        }  # fmt: skip
        return recorded

    def _course(self, probe: Probe, clients: list[Client], status: Mapping[str, Any]) -> tuple[Course, Workload]:
        means, recording, workload = self._means, self._recording, self._plan.workload
        regions = self._regions
        compass = Compass(means.target, regions, means.clock, recording.now, recording.line)
        compass.begin(status)
        load = Workload(
            probe, means.target, compass, clients, regions, rate=workload.rate, seed=workload.seed, mix=workload.mix or probe.mix,
            clock=means.clock, now=recording.now, record=recording.operation,
        )  # fmt: skip
        automatic = status["automatic"]["mode"] == "automatic"
        stage = Stage(
            self._plan, load, compass, means.operator, means.injector, means.undo, recording, means.clock, regions, automatic,
            self._number, frozenset(self._known),
        )  # fmt: skip
        return Course(stage), load

    async def _prepare(self, probe: Probe, course: Course, clients: list[Client]) -> None:
        """Before time begins: what the operations need, in both regions."""
        self._recording.say(phase="prepare")
        total = seconds("workload.duration", self._plan.workload.duration)
        operations = int(self._plan.workload.rate * total * 1.5)
        await probe.prepare(self._patient(ROLES[0]), clients=[client.c for client in clients], operations=operations)
        await course.until_level(LEVEL_SECONDS)

    def _patient(self, role: str) -> Call:
        return self._means.target.call(role, {}, seconds=PATIENT_SECONDS)

    def _header(self, nonce: str, plan: str, clients: list[Client], status: Mapping[str, Any]) -> Header:
        workload = self._plan.workload
        return Header(
            run=self._number, scenario=self._plan.drill.scenario, plan=plan, nonce=nonce, seed=workload.seed, rate=workload.rate,
            started=iso(self._means.clock.now()), offsets=dict(self._means.offsets), regions=dict(self._regions), clients=clients,
        )  # fmt: skip

    async def _through(self, course: Course, recorded: Recorded) -> None:
        limit = seconds("stop.max_duration", self._plan.stop.max_duration)
        try:
            async with asyncio.timeout(limit):
                await course.run()
        except TimeoutError:
            recorded.stopped = f"it took longer than {limit:g} s (stop.max_duration)"
        except (Stopped, MultiregionError, Silent, RuntimeError) as error:
            recorded.stopped = str(error)
        if recorded.stopped:
            self._recording.note(f"stopped: {recorded.stopped}")
            await course.back()

    async def _read(self, course: Course, probe: Probe, recorded: Recorded, header: dict[str, Any]) -> None:
        """What both regions, the ledger and the authority say at the end. A run that was stopped has no final reads, so that it can
        never pass."""
        means, recording = self._means, self._recording
        await course.calm()
        recording.begin("final reads")
        finals = {} if recorded.stopped else await collect.finals(probe, self._patient, means.target, self._regions, recording.now)
        (verdict, *_) = [line["verdict"] for line in await means.operator.all("verify?deep=1") if "verdict" in line][-1:]
        lines = await means.operator.history()
        decided = {line["facts"]["loss"]: line["at"] for line in lines if "loss" in line["facts"]}
        losses = await collect.losses_of(means.operator)
        settled = {loss["id"]: decided.get(loss["id"], course.settled_at) for loss in losses if loss["decidedBy"]}
        entries = collect.ledger(losses, self._known, probe, self._regions, settled, recording.operations)
        ours = set(collect.own(losses, self._number, self._known))
        others = [loss["id"] for loss in losses if loss["id"] not in self._known | ours and loss["outcome"] == "pending"]
        if others:
            self._recording.note(f"{len(others)} lost writes are not the drill's, and wait: multiregion loss list")
        environment = {
            **means.environment,
            "others_lost": len(others),
            "verification": {"equal": verdict["equal"], "differences": verdict["differences"]},
        }
        if recorded.stopped:
            environment["stopped"] = recorded.stopped
        recorded.facts = {
            "header": header,
            "finals": {role: plain(final) for role, final in finals.items()},
            "ledger": plain(entries),
            "authority": plain(collect.decisions(lines, self._since)),
            "environment": environment,
        }

    async def _remove(self, probe: Probe, recorded: Recorded) -> None:
        """By ordinary deletes, and looked at in both regions."""
        means = self._means
        self._recording.begin("remove")
        state = await means.operator.get("state")
        writer = next((role for role, name in self._regions.items() if name == state["writer"]), None)
        if writer is None:
            recorded.facts["environment"]["removed"] = {"left": None, "why": "nothing can be written in this state"}
            return
        await probe.remove(self._patient(writer))
        left = await self._left(probe)
        recorded.facts["environment"]["removed"] = {"left": left}
        if left:
            self._recording.note(f"{len(left)} of the drill's own items could not be removed")

    async def _left(self, probe: Probe) -> list[str]:
        until = self._means.clock.monotonic() + REMOVED_SECONDS
        while True:
            found = [await probe.remaining(self._patient(role)) for role in ROLES]
            if not any(found) or self._means.clock.monotonic() > until:
                return sorted({id for ids in found for id in ids})
            await self._means.clock.sleep(LOOK_SECONDS)

    async def _break_off(self, course: Course, probe: Probe) -> None:
        """The state before, as far as that can be, and a seal on what there is; what cannot be, `drill abort` does."""
        means = self._means
        self._recording.say(note="broken off: everything is undone")
        try:
            await course.back()
            await course.failback()
            await course.until_level(LEVEL_SECONDS)
            await probe.remove(self._patient(ROLES[0]))
            lines = collect.decisions(await means.operator.history(), self._since)
        except (MultiregionError, Silent, RuntimeError) as error:
            self._recording.say(note=f"not everything is as before: {error}. Run: multiregion drill abort")
            return
        finally:
            self._recording.close()
        seal = await seal_unfinished(
            self._folder, means.sealer, authority=plain(lines), environment=means.environment, previous=self._previous_seal
        )
        await runs.end(means.operator, self._number, actor=means.operator.actor, verdict=runs.ABORTED, seal=seal)
        means.undo.end()
        self._recording.say(note=f"broken off, and sealed so: {self._folder}")

    async def _sealed(self, recorded: Recorded) -> Ended:
        """The verdict is derived from what is read back from the files."""
        means = self._means
        self._recording.say(phase="check")
        derived, seal = await self._seal(recorded.facts)
        await runs.end(
            means.operator, self._number, actor=means.operator.actor, verdict=derived["verdict"], seal=seal, experience=experience(derived)
        )
        means.undo.end()
        self._recording.say(phase="sealed")
        return Ended(self._number, self._folder, derived, seal, recorded.stopped)

    async def _seal(self, facts: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
        given = Facts(plan=tomllib.loads(as_toml(self._plan)), operations=[], events=[], **facts)
        return await asyncio.to_thread(seal_bundle, self._folder, given, self._means.sealer, previous=self._previous_seal)


def folder_name(number: int, scenario: str, started: str) -> str:
    """`drill-0007-crash-20261128T1130Z`."""
    day, time = started[:10].replace("-", ""), started[11:16].replace(":", "")
    return f"drill-{number:04}-{scenario}-{day}T{time}Z"
