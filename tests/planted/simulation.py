"""Guards of the promises, each with what its absence looks like, noticed by the simulation alone: (file, old, new, test)."""

SEEDS = "tests/simulation/test_simulation.py::test_every_promise_holds"

MUTANTS: list[tuple[str, str, str, str]] = [
    # the fence
    (
        "embedded/records.py",
        "            session.routing = self._check_acceptance(session.routing, bool(session.whole), epoch)\n",
        "",
        SEEDS,
    ),
    (
        "embedded/records.py",
        "        def work(session: RegionSession) -> Position:\n            session.routing = self._check_acceptance(session.routing, bool(session.whole), epoch)\n",
        "        self._check_acceptance(routing_of(self._reading), True, epoch)\n\n        def work(session: RegionSession) -> Position:\n",
        SEEDS,
    ),
    ("embedded/records.py", "if newest.writer is not self._role:", "if newest.writer is None:", SEEDS),
    ("embedded/records.py", "if epoch is not None and epoch != newest.epoch:", "if False:", SEEDS),
    ("embedded/records.py", "newest = heard if heard.supersedes(routing) else routing", "newest = routing", SEEDS),
    (
        "embedded/records.py",
        "        self._heard: RoutingState | None = None\n",
        "        self._heard: RoutingState | None = routing_of(self._reading)\n",
        SEEDS,
    ),
    (
        "embedded/records.py",
        "            if state.supersedes(session.routing):\n                session.routing = state\n            return",
        "            if True:\n                session.routing = state\n            return",
        SEEDS,
    ),
    # the lease
    ("leases.py", "        return self._clock.monotonic() < self._until", "        return True", SEEDS),
    ("leases.py", "        asked_at = self._clock.monotonic()", "        asked_at = self._clock.now()", SEEDS),
    ("leases.py", "self.seconds * (1 + DRIFT)", "self.seconds * 0.5", SEEDS),
    # rewinding and the loss ledger
    ("chains.py", "if own is None or own != other:", "if own is None or other is None or own.position != other.position:", SEEDS),
    ("embedded/objects.py", 'sound = file_digest(file, "sha256").hexdigest() == digest', "sound = True", SEEDS),
    (
        "embedded/guarded.py",
        "            raise self._told(error) from error\n\n    def fetchone",
        "            raise error\n\n    def fetchone",
        SEEDS,
    ),
    ("embedded/ledger.py", "    while session.position > to and", "    while session.position >= to and", SEEDS),
    ("embedded/ledger.py", "in reversed(undone)]", "in reversed(undone[1:])]", SEEDS),
    (
        "embedded/session.py",
        '        if replaced is None:\n            self.db.execute("DELETE',
        '        if replaced is None or value is None:\n            self.db.execute("DELETE',
        SEEDS,
    ),
    (
        "embedded/session.py",
        "            self._set(key, value, order, replaced, had_before=True)",
        "            self._set(key, change.write.value, order, replaced, had_before=True)",
        SEEDS,
    ),
    ("embedded/session.py", 'needs=tuple(Digest(digest) for digest in json.loads(needs or "[]"))', "needs=()", SEEDS),
    (
        "replication.py",
        "        if (await self._peer.marks([own.position.sequence]))[0] == own or own == BEGINNING:",
        "        if True:",
        SEEDS,
    ),
    ("reapply.py", "    again = write if force else on_condition", "    again = write if True else on_condition", SEEDS),
    ("reapply.py", "    await bring(write.needs, region.objects, peer)\n", "", SEEDS),
    # following
    (
        "embedded/reads.py",
        '        if after != START and not is_at(self._mark_at(after.sequence), after, chain or ""):',
        "        if False:",
        SEEDS,
    ),
    (
        "replication.py",
        "            await self._bring_objects(frame.changes)\n            await self._check_history(frame.state)\n            head = await self._region.records.apply(frame.changes, epoch=frame.state.epoch)\n",
        "            await self._check_history(frame.state)\n            head = await self._region.records.apply(frame.changes, epoch=frame.state.epoch)\n            await self._bring_objects(frame.changes)\n",
        SEEDS,
    ),
    # a lost disk
    ("embedded/records.py", "        if not whole:", "        if False:", SEEDS),
    ("replication.py", "        if not theirs.whole:", "        if False:", SEEDS),
    # the switch and the takeover
    (
        "controller.py",
        "        while not (is_level := level(heads[leader], heads[other])) or not await self._is_ready(leader):",
        "        while False:",
        SEEDS,
    ),
    ("controller.py", "required=None if target.serving is leader else leader", "required=None", SEEDS),
    (
        "controller.py",
        "        newest = max([state, *(outlook.admitted for outlook in known.values())], key=lambda each: each.epoch)",
        "        newest = min([state, *(outlook.admitted for outlook in known.values())], key=lambda each: each.epoch)",
        SEEDS,
    ),
    ("states.py", " and not (drained or region_lost):", " and False:", SEEDS),
    ("states.py", "leader=writer or current.leader,", "leader=writer or Role.PRIMARY,", SEEDS),
    ("embedded/authority.py", "            if (newest.state if newest else UNFOUNDED) != old:", "            if False:", SEEDS),
    # automatic takeover and durability
    ("leases.py", "        if self._degraded:\n            return", "        if False:\n            return", SEEDS),
    ("durability.py", "            await self._ask_to_degrade()", "            await self._may_degrade()", SEEDS),
    ("durability.py", "        self._owed = min(self._owed, to)\n", "", SEEDS),
    ("durability.py", "        while self._copied < position:", "        while False:", SEEDS),
    (
        "replication.py",
        "            await self._peer.acknowledge((await self._region.records.head()).position)",
        "            await self._peer.acknowledge(Position((await self._region.records.head()).position.epoch, 10**9))",
        SEEDS,
    ),
]
