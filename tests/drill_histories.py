"""Histories of drills as a real deployment would leave them, from a seed: a small model of two regions, of clients that follow or do
not, of a fault, a takeover, what it loses, the way back. Every rule holds of what it makes."""

import hashlib
import random
from dataclasses import dataclass, field
from typing import Any

from multiregion.drills.facts import Facts
from multiregion.drills.history import (
    Client,
    Decision,
    Event,
    Final,
    Header,
    Item,
    LedgerEntry,
    Operation,
    plain,
)

SECOND = 1_000_000
MILLISECOND = 1_000
REGIONS = {"primary": "us-east-1", "secondary": "ap-northeast-1"}
ADDRESSES = {"primary": "10.0.0.1:8081", "secondary": "10.0.0.2:8082"}
MIX = {"add": 50, "replace": 10, "photo": 5, "delete": 5, "read": 25, "sign_in": 3, "password": 2}
STARTED = "2026-11-28T11:30:00.000Z"


@dataclass
class Shape:
    """When things happen, in seconds. `lag`: how far the other region is behind; what is younger at the fault is lost."""

    scenario: str = "crash"
    rate: float = 50
    clients: int = 8
    fault: float = 20
    takeover: float = 1.6
    back: float = 42
    failback: float = 47
    until: float = 58
    lag: float = 0.06

    @classmethod
    def short(cls, scenario: str = "crash", rate: float = 30) -> "Shape":
        return cls(scenario, rate, 4, fault=4, takeover=1.2, back=12, failback=13, until=20, lag=0.25)


@dataclass
class Applied:
    """One write that the primary or the secondary has committed."""

    kind: str
    item: str
    value: int | None
    role: str
    position: tuple[int, int]
    sha256: str | None
    lost: bool = False


@dataclass
class World:
    """Two regions: the writes that each committed, and by which state clients are sent where."""

    seed: int
    shape: Shape
    run: int = 7
    chance: random.Random = field(init=False)
    applied: list[Applied] = field(default_factory=list)
    lines: list[Operation | Event] = field(default_factory=list)
    versions: dict[tuple[str, str], int] = field(default_factory=dict)
    known: dict[int, tuple[int, int]] = field(default_factory=dict)
    mine: dict[int, list[str]] = field(default_factory=dict)
    sequence: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        shape = self.shape
        self.lossy = shape.scenario in ("crash", "freeze", "partition")
        self.fault = round(shape.fault * SECOND)
        self.taken = self.fault + round(shape.takeover * SECOND if self.lossy else 0.12 * SECOND)
        self.failback = round(shape.failback * SECOND)
        self.failed_back = self.failback + 180 * MILLISECOND
        self.roles = ["follows"] * shape.clients + ["stale", "pinned", "pinned"]

    @property
    def clients(self) -> list[Client]:
        pins = iter(REGIONS)
        return [Client(number, role, next(pins) if role == "pinned" else None) for number, role in enumerate(self.roles)]  # type: ignore[arg-type]

    def epoch(self, role: str, at: int) -> int:
        """What a region obeys. A lost one obeys nothing new until it is back."""
        if at < self.fault or (role == "primary" and self.lossy and at < self.shape.back * SECOND):
            return 1
        if at < self.taken:
            return 1 if self.lossy else 2
        return 3 if at < self.failback else 4 if at < self.failed_back else 5

    def writes_in(self, role: str, at: int) -> bool:
        return self.epoch(role, at) in ((1, 5) if role == "primary" else (3,))

    def is_up(self, role: str, at: int) -> bool:
        return role == "secondary" or not self.lossy or not self.fault <= at < self.shape.back * SECOND

    def target(self, client: Client, at: int) -> str:
        if client.role:
            return client.role
        learnt = self.chance.randrange(60 * MILLISECOND)
        return "secondary" if client.conduct == "follows" and self.taken + learnt <= at < self.failed_back + learnt else "primary"

    def operate(self) -> None:
        kinds, weights = list(MIX), list(MIX.values())
        for number in range(int(self.shape.until * self.shape.rate)):
            due = round(number / self.shape.rate * SECOND)
            weights_of_clients = [10] * self.shape.clients + [1] * 3
            client = self.chance.choices(self.clients, weights_of_clients)[0]
            kind = self.chance.choices(kinds, weights)[0]
            if client.conduct != "follows" and kind in ("delete", "replace", "password", "sign_in"):
                kind = "add"
            self.one(client, kind, number, due)

    def one(self, client: Client, kind: str, number: int, due: int) -> None:
        id = f"drill-{self.run}-{client.c}-{number}"
        sent = due + self.chance.randrange(200, 1500)
        role = self.target(client, sent)
        key, value = self.subject(client, kind)
        if kind == "delete" and key is None:
            kind = "add"
        took = round(self.chance.lognormvariate(8.1, 0.5))
        base: dict[str, Any] = {"c": client.c, "k": kind, "id": id, "due": due, "sent": sent, "key": key, "value": value}
        tried: list[str] = []
        if not self.is_up(role, sent + took // 2):
            if kind != "read":
                return self.say(base, role, "unknown", sent + (took if sent > self.fault else 2 * SECOND), code="unreachable")
            tried, role, took = [role, "secondary"], "secondary", took + 4 * MILLISECOND
        self.answer(client, base, role, sent + took, tried)
        return None

    def subject(self, client: Client, kind: str) -> tuple[str | None, int | None]:
        if kind in ("replace", "password"):
            key = f"{kind}-{client.c}"
            self.versions["written", key] = self.versions.get(("written", key), 0) + 1
            return key, self.versions["written", key]
        if kind == "delete":
            return (self.mine[client.c].pop(0), None) if self.mine.get(client.c) else (None, None)
        if kind == "read":
            return f"replace-{client.c}", None
        return (f"password-{client.c}", self.versions.get(("good", f"password-{client.c}"), 0)) if kind == "sign_in" else (None, None)

    def answer(self, client: Client, base: dict[str, Any], role: str, told: int, tried: list[str]) -> None:
        kind, at = base["k"], told - MILLISECOND
        more: dict[str, Any] = {"epoch": self.epoch(role, at), "region": REGIONS[role], "tried": tried}
        if kind == "read":
            more |= {"asked": self.known.get(client.c), "value": self.held(role, "replace", base["key"], at)}
            return self.say(base, role, "ok", told, status=200, **more)
        if kind == "sign_in":
            right = self.held(role, "password", base["key"], at) == base["value"]
            code = None if right else "NotAuthorizedException"
            return self.say(base, role, "ok" if right else "refused", told, status=200 if right else 400, code=code, **more)
        if not self.writes_in(role, at):
            return self.say(base, role, "refused", told, status=409, code="not_writer", **more)
        self.commit(client, base, role, told, more)
        return None

    def commit(self, client: Client, base: dict[str, Any], role: str, told: int, more: dict[str, Any]) -> None:
        epoch = more["epoch"]
        self.sequence[epoch] = self.sequence.get(epoch, 800) + 1
        position = (epoch, self.sequence[epoch])
        sha256 = None if base["k"] == "delete" else hashlib.sha256(base["id"].encode()).hexdigest()
        item = base["key"] if base["k"] in ("replace", "password", "delete") else base["id"]
        lost = self.lossy and role == "primary" and told - MILLISECOND > self.fault - self.shape.lag * SECOND and epoch == 1
        self.applied.append(Applied(base["k"], item, base["value"], role, position, sha256, lost))
        if self.lossy and role == "primary" and told > self.fault and epoch == 1:
            return self.say(base, role, "unknown", base["sent"] + 2 * SECOND)
        self.known[client.c] = position
        if base["k"] == "add":
            self.mine.setdefault(client.c, []).append(base["id"])
        if base["k"] == "password" and not lost:
            self.versions["good", base["key"]] = base["value"]
        status = {"delete": 204, "replace": 200, "password": 200}.get(base["k"], 201)
        return self.say(base, role, "ok", told, status=status, position=position, sha256=sha256, **more)

    def held(self, role: str, kind: str, key: str, at: int) -> int:
        lost_seen = role == "primary" and at < self.fault
        values = [each.value or 0 for each in self.applied if (each.kind, each.item) == (kind, key) and (lost_seen or not each.lost)]
        return values[-1] if values else 0

    def say(self, base: dict[str, Any], role: str, out: str, told: int, **more: Any) -> None:
        fields = {name: value for name, value in (base | more).items() if value is not None}
        self.lines.append(Operation(to=role, addr=ADDRESSES[role], out=out, told=told, **fields))  # type: ignore[arg-type]

    def events(self) -> None:
        shape, taken, back = self.shape, self.taken, round(self.shape.back * SECOND)
        phases = {"baseline": 0, "fault": self.fault, "after": taken, "return": back, "failback": self.failback, "calm": self.failed_back}
        for what, at in phases.items():
            self.happen("phase", at, at, what=what)
        if self.lossy:
            part = "link" if shape.scenario == "partition" else "primary"
            what = {"crash": "kill", "freeze": "freeze", "partition": "cut"}[shape.scenario]
            self.happen("fault", self.fault, self.fault + 800, what=what, part=part)
            self.happen("undo", back, back + 900 * MILLISECOND, what="start", part="primary")
        ordered = taken - 300 * MILLISECOND if self.lossy else self.fault
        self.happen("ordered", ordered, taken, what="failover --writable")
        self.happen("prediction", ordered + 9000, ordered + 9000, detail={"writes": sum(each.lost for each in self.applied)})
        self.happen("decided", ordered + 20 * MILLISECOND, taken - 60 * MILLISECOND, epoch=3)
        self.happen("admitted", taken - 40 * MILLISECOND, taken - 5 * MILLISECOND, part="secondary", epoch=3)
        if not self.lossy:
            self.happen("state", self.fault + 15_000, self.fault + 15_000, state="fenced", epoch=2)
        self.happen("level", back + 2 * SECOND, back + 2 * SECOND)
        self.happen("ordered", self.failback, self.failed_back, what="failback")
        self.happen("level", self.failed_back, self.failed_back + SECOND)

    def happen(self, name: str, sent: int, done: int, **more: Any) -> None:
        self.lines.append(Event(event=name, sent=sent, done=done, **more))  # type: ignore[arg-type]

    def final(self, role: str) -> Final:
        left = [each for each in self.applied if not each.lost]
        deleted = {each.item for each in left if each.kind == "delete"}
        items = [
            Item(k=each.kind, id=each.item, sha256=each.sha256, bytes=each.sha256 if each.kind == "photo" else None)
            for each in left
            if each.kind in ("add", "photo") and each.item not in deleted
        ]
        newest = {(each.kind, each.item): each for each in left if each.kind in ("replace", "password")}
        for (kind, item), each in newest.items():
            extra: dict[str, Any] = {"accepts": [each.value]} if kind == "password" else {"value": each.value}
            items.append(Item(k=kind, id=item, **extra))
        items += [Item(k="session", id=f"session-{number}", good=True) for number in range(self.shape.clients)]
        return Final(region=REGIONS[role], read_at=round(self.shape.until * SECOND), epoch=5, items=items)

    def entry(self, each: Applied) -> LedgerEntry:
        return LedgerEntry(
            id=f"{each.position[0]}.{each.position[1]}",
            region=REGIONS[each.role],
            k=each.kind,
            item=each.item,
            value=each.value,
            first=each.position,
            last=each.position,
            bytes=144,
            cause="undone: not replicated when the secondary took over",
            outcome="discarded",
            by="drill",
            at="2026-11-28T11:30:44.210Z",
        )


def decisions(world: World) -> list[Decision]:
    def at(microseconds: int, epoch: int, state: str, writer: str | None, reason: str) -> Decision:
        seconds = microseconds / SECOND
        time = f"2026-11-28T11:30:{seconds:06.3f}Z"
        return Decision(at=time, what="state", epoch=epoch, state=state, writer=writer, actor="drill", reason=reason)

    return [
        at(world.taken - 80 * MILLISECOND, 3, "failover", "secondary", "the primary region is lost"),
        at(world.failback + 20 * MILLISECOND, 4, "fenced", None, "failback"),
        at(world.failed_back - 20 * MILLISECOND, 5, "active", "primary", "failback"),
    ]


PLAN: dict[str, dict[str, Any]] = {
    "drill": {"title": "Q4 region loss", "requested_by": "operator", "approved_by": "approver", "reason": "DORA Art. 11(6) yearly"},
    "objective": {"rto_write": "5s", "rto_read": "2s", "rpo_writes": 100, "rpo_seconds": "2s", "errors_outside_outage": "0.1%"},
    "return": {"failback": True, "loss": "discard"},
    "stop": {"if_error_rate_before_fault": ">1%"},
}
ENVIRONMENT: dict[str, Any] = {
    "versions": {"multiregion": "1.1.0", "python": "3.11.2", "sqlite": "3.40.1"},
    "wheel": hashlib.sha256(b"wheel").hexdigest(),
    "durability": "local",
    "verification": {"equal": True, "differences": [], "records": 2290, "objects": 131},
}


def facts_of(seed: int, shape: Shape | None = None) -> Facts:
    """A whole run; the same for the same seed."""
    world = World(seed, shape or Shape())
    world.operate()
    world.events()
    lines = sorted(world.lines, key=lambda line: line.told if isinstance(line, Operation) else line.sent)
    rows = [plain(line) | {"i": number} for number, line in enumerate(lines, 1)]
    drill: dict[str, Any] = {**PLAN["drill"], "scenario": world.shape.scenario}
    header = Header(
        run=world.run,
        scenario=world.shape.scenario,
        plan=hashlib.sha256(b"plan").hexdigest(),
        nonce="6f1c",
        seed=seed,
        rate=world.shape.rate,
        started=STARTED,
        offsets={"primary": 120, "secondary": -340, "authority": 15},
        regions=REGIONS,
        clients=world.clients,
    )
    return Facts(
        plan={**PLAN, "drill": drill},
        header=plain(header),
        operations=[row for row in rows if "event" not in row],
        events=[row for row in rows if "event" in row],
        finals={role: plain(world.final(role)) for role in REGIONS},
        ledger=[plain(world.entry(each)) for each in world.applied if each.lost],
        authority=plain(decisions(world)),
        environment=ENVIRONMENT,
    )
