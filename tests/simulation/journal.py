"""What happened in one run: every event in order, a digest of all of them, and how often each kind occurred."""

from collections import Counter
from collections.abc import Callable
from hashlib import sha256

LINES_SHOWN = 60
EXPECTED = (
    "accepted", "acknowledged", "replicated", "rewound", "whole", "admitted", "decided", "verified",
    "wrote.record", "wrote.photo", "wrote.delete",
    "refused.stale_epoch", "refused.fenced", "refused.not_ready", "refused.not_found", "refused.conflict",
    "refused.disk_full", "refused.disk_failed",
    "unknown.unreachable", "lease ran out in a commit", "degraded", "position.True", "position.False", "position.None",
    "network.lost", "network.repeated", "network.stream_broken", "link cut", "isolated", "link slow", "link lossy",
    "killed", "frozen", "thawed", "struck before the transaction", "struck before the commit", "struck before the answer",
    "struck between calls", "disk full", "disk slow", "disk failing",
    "disk lost", "copied", "put back", "damaged", "damage told", "set aside",
    "two stores at once", "well again", "history accepted", "resumed", "gap", "cause.not replicated", "cause.restored from an older copy",
    "cause.disk lost", "predicted some",
    "object lost", "object flipped", "object served", "object mended", "object told missing", "page damaged", "damage met",
    "wall clock set",
    "switch finished", "switchover finished", "set_state finished", "take_over finished", "recover finished", "automatic takeover",
    "automatic pause", "automatic resume", "automatic acknowledge", "step check", "step fence", "step drain", "step verify",
    "step hand", "step take", "step predict", "step lease", "step recover", "step admit", "step claim", "order.switch_failed",
    "order.stale_epoch", "order.illegal_move", "order.unreachable", "two operators at once", "interrupted",
    "loss applied", "loss kept", "loss discarded", "object late",
)  # fmt: skip
"""Every kind of event that a set of seeds has to reach, or it has not tried what it says it tries."""
RARE = ("authority outdated", "automatic switch", "cause.written on a forked history", "position given again")
"""Those that only RARE_SEEDS seeds or more are sure to reach."""
RARE_SEEDS = 2_000


class Violation(AssertionError):
    """A promise was broken."""


class Journal:
    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self.counts: Counter[str] = Counter()
        self.lines: list[str] = []

    def note(self, kind: str, who: str, what: object = "") -> None:
        """An event that the trace shows."""
        self.counts[kind] += 1
        self.lines.append(f"{self._time():9.4f} {who:<11} {kind:<28} {what}")

    def count(self, kind: str) -> None:
        """An event of which there are too many to show."""
        self.counts[kind] += 1

    @property
    def digest(self) -> str:
        return sha256("\n".join(self.lines).encode()).hexdigest()[:16]
