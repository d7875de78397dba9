"""Guards of the state, the stores, replication, the switch and the parts: (file, old, new, test)."""

SUPERVISOR = "tests/unit/test_supervisor.py"

MUTANTS: list[tuple[str, str, str, str]] = [
    (
        "local/supervisor.py",
        "        await asyncio.gather(*(self._reap(part) for part in running))\n",
        "",
        f"{SUPERVISOR}::test_nothing_runs_after_it_has_stopped_everything",
    ),
]
