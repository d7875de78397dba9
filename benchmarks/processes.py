"""What the kernel says of a process: memory, processor time, children."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
KIBIBYTE = 1024


def status_bytes(pid: int, field: str) -> int:
    """A size in /proc/PID/status: VmRSS for what is resident now, VmHWM for the most there has been. 0 if the process is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * KIBIBYTE for line in lines if line.startswith(f"{field}:")), 0)


def resident_bytes(pid: int) -> int:
    return status_bytes(pid, "VmRSS")


def peak_bytes(pid: int) -> int:
    return status_bytes(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """Let `peak_bytes` begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def fields_of(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def cpu_seconds(pid: int) -> float:
    fields = fields_of(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS


def children(pid: int) -> list[int]:
    found = []
    for each in Path("/proc").iterdir():
        if each.name.isdecimal():
            try:
                if int(fields_of(int(each.name))[1]) == pid:
                    found.append(int(each.name))
            except OSError:
                continue
    return found
