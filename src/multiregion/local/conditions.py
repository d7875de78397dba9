"""How a process of this machine is."""

import os
from pathlib import Path

RUNS, FROZEN, ENDED, UNKNOWN = "runs", "frozen", "ended", "unknown"
CONDITIONS = {"T": FROZEN, "t": FROZEN, "Z": ENDED, "X": ENDED}


def condition_of(pid: int) -> str:
    """`runs`, `frozen` or `ended`; `unknown` where the system does not tell (no /proc)."""
    try:
        os.kill(pid, 0)
        letter = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return ENDED
    except OSError:
        return UNKNOWN
    return CONDITIONS.get(letter, RUNS)
