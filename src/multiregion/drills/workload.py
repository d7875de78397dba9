"""The load of a drill, an open loop: operation k is due at a fixed time whatever became of those before, and every answer is recorded."""

import asyncio
import hashlib
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from multiregion.clock import Clock
from multiregion.drills.compass import Compass, client_at
from multiregion.drills.history import Client, Kind, Operation, Outcome
from multiregion.drills.target import CALL_SECONDS, Silent, Target, position_in
from multiregion.probes import Answer, Attempt, Probe

UNKNOWN_CODES = frozenset({"unreachable", "commit_unknown", "InternalErrorException", "ServiceUnavailableException"})
"""Answers that say no more than silence does. Where users sign in, one name stands for all that is unavailable."""
IN_FLIGHT_MAX = 4_000
REPEATABLE = ("add", "photo", "delete")
"""Not what has versions: the next one is written instead, and the one before must not come back over it."""
REPEATED_SECONDS = 5.0
"""Somebody who got no answer tries again soon, or not at all."""
REPEATS_MAX = 1_000
FROM_EITHER = ("read", "sign_in")
MICROSECONDS = 1_000_000
LATE_MAX = 1_000_000


def chance(seed: int, *what: object) -> float:
    """From 0 to 1, the same for the same words."""
    digest = hashlib.sha256("/".join(map(str, (seed, *what))).encode()).digest()
    return int.from_bytes(digest[:7]) / 2**56


def chosen(mix: Mapping[str, float], chance: float) -> str:
    """A kind, as often as its weight says."""
    left = chance * sum(mix.values())
    for kind, weight in mix.items():
        if left < weight:
            return kind
        left -= weight
    return list(mix)[-1]


def outcome_of(answer: Answer) -> tuple[Outcome, str | None]:
    """What an answer says, and its code."""
    if answer.good:
        return "ok", None
    body = answer.json()
    code = str(body.get("code") or body.get("__type") or "")
    if not code or code in UNKNOWN_CODES:
        return "unknown", code or None
    return "refused", code


@dataclass
class Counts:
    """What came of the operations so far; of those that follow apart, because the others are refused by design."""

    made: int = 0
    following: Counter[str] = field(default_factory=Counter)
    by_kind: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    late: list[int] = field(default_factory=list)
    in_flight_most: int = 0

    def note(self, client: Client, operation: Operation) -> None:
        self.made += 1
        self.by_kind[operation.k][operation.out] += 1
        if client.conduct == "follows":
            self.following[operation.out] += 1
        if len(self.late) < LATE_MAX:
            self.late.append(operation.sent - operation.due)

    @property
    def failed(self) -> int:
        return self.following["refused"] + self.following["unknown"]

    def late_p99(self) -> int:
        """Microseconds between the moment an operation was due and the one it was sent."""
        return sorted(self.late)[int(len(self.late) * 0.99)] if self.late else 0


class Workload:
    def __init__(
        self,
        probe: Probe,
        target: Target,
        compass: Compass,
        clients: list[Client],
        regions: Mapping[str, str],
        *,
        rate: float,
        seed: int,
        mix: Mapping[str, float],
        clock: Clock,
        now: Callable[[], int],
        record: Callable[[Operation], Any],
    ) -> None:
        """`now`: microseconds since the run began; `record` gets each operation once it is over."""
        self._probe = probe
        self._target = target
        self._compass = compass
        self._clients = clients
        self._regions = regions
        self._rate, self._seed, self._mix = rate, seed, dict(mix)
        self._clock, self._now, self._record = clock, now, record
        self._under_way: set[asyncio.Task[None]] = set()
        self._unknown: dict[int, deque[Attempt]] = defaultdict(lambda: deque(maxlen=REPEATS_MAX))
        self.counts = Counts()

    async def run(self) -> None:
        """Until cancelled. Operations that are under way then, `drain` waits for. Raises RuntimeError rather than leave one out."""
        began, number = self._now(), 0
        while True:
            due = began + int(number * MICROSECONDS / self._rate)
            if (wait := due - self._now()) > 0:
                await self._clock.sleep(wait / MICROSECONDS)
            if len(self._under_way) >= IN_FLIGHT_MAX:
                raise RuntimeError(f"{IN_FLIGHT_MAX:,} operations were under way at once, and no more are sent: ask for a lower --rate")
            self._begin(number, due)
            number += 1

    def _begin(self, number: int, due: int) -> None:
        task = asyncio.create_task(self._operate(number, due))
        self._under_way.add(task)
        self.counts.in_flight_most = max(self.counts.in_flight_most, len(self._under_way))
        task.add_done_callback(self._under_way.discard)

    async def drain(self) -> None:
        """Every operation ends by its deadline. Raises what one of them raised that no answer can be."""
        for error in await asyncio.gather(*list(self._under_way), return_exceptions=True):
            if isinstance(error, Exception):
                raise error

    def _propose(self, number: int, client: int) -> Attempt:
        kind = chosen(self._mix, chance(self._seed, number, "kind"))
        unknown = self._unknown[client]
        while unknown and number - unknown[0].number > REPEATED_SECONDS * self._rate:
            unknown.popleft()
        if kind == "repeat" and unknown:
            before = unknown.popleft()
            return replace(before, kind="repeat", again=before.again or before.kind, number=number)
        attempt = self._probe.propose(kind, client, number) if kind != "repeat" else None
        attempt = attempt or self._probe.propose("add", client, number)
        assert attempt is not None, "an add can always be made"
        return attempt

    async def _operate(self, number: int, due: int) -> None:
        client = client_at(self._clients, chance(self._seed, number, "client"))
        attempt = self._propose(number, client.c)
        roles = [self._compass.role_for(client)]
        if attempt.kind in FROM_EITHER and client.conduct == "follows":
            roles.append(next(role for role in self._regions if role != roles[0]))
        headers = self._compass.headers_for(client)
        sent, told, tried = self._now(), 0, []
        answer: Answer | None = None
        silent: Silent | None = None
        for role in roles:
            attempt.region_role = role
            tried.append(role)
            answer, silent = await self._ask(attempt, role, headers)
            told = self._now()
            if answer is not None:
                break
        out, code = outcome_of(answer) if answer else told_by(silent)
        self._probe.note(attempt, out, answer)
        await self._learn(attempt, answer, role, headers, out)
        self._keep(client, attempt, out)
        operation = Operation(
            c=client.c, k=cast(Kind, attempt.kind), id=attempt.id, due=due, sent=sent, told=told, to=tried[-1],
            addr=self._target.address(role), tried=tried if len(tried) > 1 else [], out=out, status=answer.status if answer else None,
            code=code, epoch=epoch_of(attempt, answer), region=self._regions[role] if answer else None, position=attempt.position,
            sha256=attempt.sha256, key=attempt.key, value=attempt.value, asked=attempt.asked, t=attempt.again,
        )  # fmt: skip
        self._record(operation)
        self.counts.note(client, operation)
        if client.conduct == "follows" and out != "ok":
            self._follow(answer, role)

    async def _ask(self, attempt: Attempt, role: str, headers: Mapping[str, str]) -> tuple[Answer | None, Silent | None]:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await self._probe.make(attempt, self._target.call(role, headers)), None
        except TimeoutError:
            return None, Silent("timeout", definite=False)
        except Silent as silent:
            return None, silent

    async def _learn(self, attempt: Attempt, answer: Answer | None, role: str, headers: Mapping[str, str], out: str) -> None:
        """Where in its region's log an acknowledged write is at the latest; of one whose answer does not say, the region is asked."""
        if out == "ok" and answer is not None and attempt.kind not in FROM_EITHER:
            attempt.position = position_in(answer) or await self._target.call(role, headers).position()

    def _keep(self, client: Client, attempt: Attempt, out: str) -> None:
        if out == "unknown" and (attempt.again or attempt.kind) in REPEATABLE and client.conduct == "follows":
            self._unknown[client.c].append(attempt)

    def _follow(self, answer: Answer | None, role: str) -> None:
        """As the web application does: by the state that a refusal carries, or by asking both regions."""
        state = answer.json().get("state") if answer else None
        if isinstance(state, dict):
            self._compass.learn(state, role)
        else:
            self._compass.look()


def told_by(silent: Silent | None) -> tuple[Outcome, str | None]:
    if silent is None:
        return "unknown", None
    return ("refused" if silent.definite else "unknown"), silent.code


def epoch_of(attempt: Attempt, answer: Answer | None) -> int | None:
    """The epoch of the log at a fresh write. One that is repeated may have been written under an earlier epoch than its answer."""
    position = position_in(answer) if answer and answer.good and attempt.again is None else None
    return position[0] if position else None
