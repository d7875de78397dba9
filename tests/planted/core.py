"""Guards of the state, the stores, replication, the switch and the parts, each with what its absence looks like and the test that must
then fail: (file, old, new, test)."""

STATES = "tests/unit/test_states.py"
RECORDS = "tests/contract/test_records.py"
LOGGED = "tests/contract/test_logged_records.py"
FENCE = "tests/contract/test_fence.py"
OBJECTS = "tests/contract/test_objects.py"
AUTHORITY = "tests/contract/test_state_store.py"
REPLICATION = "tests/unit/test_replication.py"
SWITCH = "tests/unit/test_controller.py"
VERIFICATION = "tests/unit/test_verification.py"
SUPERVISOR = "tests/unit/test_supervisor.py"
FOLDER = "tests/unit/test_data_folder.py"
EDGE = "tests/unit/test_edge.py"
HTTP = "tests/contract/test_http.py"
LISTS = "tests/unit/test_cli_layout.py"

WAITING = f"{FENCE}::test_a_fence_counts_for_writes_that_were_waiting_when_it_was_heard"
UNHEARD = f"{RECORDS}::test_nothing_is_accepted_before_the_authority_was_heard[embedded]"
LOST_FILE = f"{LOGGED}::test_a_new_file_in_an_old_deployment_takes_no_writes_until_it_is_whole"
GAP = f"{LOGGED}::test_a_gap_is_refused"
REWOUND = f"{LOGGED}::test_rewinding_restores_what_each_change_replaced"
PLANNED = f"{SWITCH}::test_a_planned_failover_takes_every_step_and_loses_nothing"
STOPPED = f"{SUPERVISOR}::test_nothing_runs_after_it_has_stopped_everything"
OWNER_ONLY = f"{FOLDER}::test_what_is_secret_is_its_owners_alone"
HEADERS = f"{EDGE}::test_every_answer_forbids_what_the_page_does_not_need"

MUTANTS: list[tuple[str, str, str, str]] = [
    (
        "embedded/database.py",
        "        self.commits += 1\n",
        "",
        f"{RECORDS}::test_a_record_is_read_as_the_last_commit_left_it",
    ),
    # the state
    (
        "states.py",
        "if state.value == name:",
        "if isinstance(name, str) and state.value == name.lower().strip():",
        f"{STATES}::test_a_state_is_one_of_three_in_exactly_this_case",
    ),
    (
        "states.py",
        " and not (drained or region_lost):",
        " and False:",
        f"{STATES}::test_a_new_writer_needs_the_proof_that_the_old_log_is_drained",
    ),
    ("states.py", "leader=writer or current.leader,", "leader=writer or Role.PRIMARY,", f"{STATES}::test_fencing_remembers_who_wrote_last"),
    (
        "states.py",
        "if self.state is State.FAILOVER and self.writable:",
        "if self.state is State.FAILOVER:",
        f"{STATES}::test_where_each_state_points_and_who_writes",
    ),
    # the authority
    (
        "embedded/authority.py",
        "if (newest.state if newest else UNFOUNDED) != old:",
        "if False:",
        f"{AUTHORITY}::test_the_second_of_two_is_told_who_was_first",
    ),
    # the fence
    (
        "embedded/records.py",
        "if self._head is None or self._head_at != self._writer.commits:",
        "if self._head is None:",
        f"{LOGGED}::test_equal_contents_have_equal_heads_and_others_have_not",
    ),
    (
        "embedded/records.py",
        "if self._found_at != (commits := self._writer.commits)",
        "if self._found_at > (commits := self._writer.commits)",
        f"{RECORDS}::test_a_record_is_read_as_the_last_commit_left_it[embedded]",
    ),
    ("embedded/records.py", "if newest.writer is not self._role:", "if False:", f"{RECORDS}::test_only_the_writer_accepts[embedded]"),
    (
        "embedded/records.py",
        "if epoch is not None and epoch != newest.epoch:",
        "if False:",
        f"{RECORDS}::test_another_epoch_than_the_admitted_is_refused",
    ),
    (
        "embedded/records.py",
        "        if heard is None:\n            raise",
        "        if heard is None:\n            heard = routing\n        if False:\n            raise",
        UNHEARD,
    ),
    (
        "embedded/records.py",
        "newest = heard if heard.supersedes(routing) else routing",
        "newest = routing",
        f"{LOGGED}::test_a_fence_that_was_heard_is_in_force_and_told_though_it_cannot_be_stored",
    ),
    (
        "embedded/records.py",
        "        def work(session: RegionSession) -> Position:\n            session.routing = self._check_acceptance(session.routing, bool(session.whole), epoch)\n",
        "        self._check_acceptance(routing_of(self._reading), True, epoch)\n\n        def work(session: RegionSession) -> Position:\n",
        WAITING,
    ),
    (
        "embedded/records.py",
        "            if state.supersedes(session.routing):\n                session.routing = state\n            return",
        "            if True:\n                session.routing = state\n            return",
        f"{FENCE}::test_an_older_epoch_is_not_stored_either",
    ),
    ("embedded/records.py", "        if not whole:", "        if False:", LOST_FILE),
    ("embedded/records.py", "if session.holds(other.mark) and not session.whole:", "if not session.whole:", LOST_FILE),
    (
        "embedded/records.py",
        "        if not self._may_write():\n            raise NotReady(",
        "        if False:\n            raise NotReady(",
        f"{RECORDS}::test_without_a_lease_nothing_is_written[embedded]",
    ),
    (
        "embedded/records.py",
        "        if not self._may_write():\n            # Frozen",
        "        if False:\n            # Frozen",
        f"{RECORDS}::test_a_lease_that_runs_out_during_the_commit_leaves_the_outcome_open[embedded]",
    ),
    (
        "embedded/records.py",
        "if state.is_taken_by(newest := self._newest()):",
        "if self._heard is None or state.supersedes(self._heard):",
        f"{FENCE}::test_an_authority_that_knows_less_confirms_nothing",
    ),
    # conditions of a write
    (
        "embedded/records.py",
        "if found is None or found.value is None:",
        "if found is None:",
        f"{RECORDS}::test_a_required_record_must_exist[embedded]",
    ),
    (
        "embedded/records.py",
        "if write.absent and found is not None:",
        "if write.absent and found is not None and found.value is not None:",
        f"{RECORDS}::test_a_deleted_record_stays_deleted[embedded]",
    ),
    (
        "embedded/records.py",
        "if write.version is not None and (",
        "if False and (",
        f"{RECORDS}::test_a_version_guards_against_lost_updates[embedded]",
    ),
    (
        "embedded/database.py",
        "if len(group) > 1 and not may_be_stored:",
        "if False:",
        f"{LOGGED}::test_one_bad_write_does_not_fail_the_others_in_its_group",
    ),
    # taking the other region's changes
    ("chains.py", "if change.position.sequence != expected or", "if", GAP),
    (
        "embedded/records.py",
        "[change for change in changes if change.position.sequence > session.sequence]",
        "list(changes)",
        f"{LOGGED}::test_changes_applied_twice_are_applied_once",
    ),
    ("embedded/records.py", "if fresh and self._is_truth(session):", "if False:", f"{LOGGED}::test_the_writer_takes_no_changes"),
    (
        "embedded/records.py",
        "if epoch < session.routing.epoch:",
        "if False:",
        f"{LOGGED}::test_changes_sent_under_an_older_epoch_are_refused",
    ),
    (
        "embedded/reads.py",
        'if after != START and not is_at(self._mark_at(after.sequence), after, chain or ""):',
        "if False:",
        f"{LOGGED}::test_a_position_of_another_history_is_told_apart",
    ),
    ("embedded/session.py", "self.content + added - removed", "self.content + added", REWOUND),
    # undoing
    (
        "embedded/records.py",
        '            if self._is_truth(session):\n                raise Fenced("this region leads: its log',
        '            if False:\n                raise Fenced("this region leads: its log',
        f"{LOGGED}::test_the_leader_is_never_rewound",
    ),
    ("embedded/session.py", "self._set(key, value, order, replaced, had_before=True)", "pass", REWOUND),
    ("embedded/session.py", "self.bytes -= undone.size", "self.bytes -= 0", REWOUND),
    ("embedded/ledger.py", "in reversed(undone)]", "in undone]", f"{LOGGED}::test_every_rewound_change_is_in_the_ledger_once_in_order"),
    # objects
    (
        "embedded/objects.py",
        "if expected not in (None, digest):",
        "if False:",
        f"{OBJECTS}::test_bytes_that_are_not_the_object_are_not_kept",
    ),
    (
        "embedded/objects.py",
        "if not DIGEST.fullmatch(digest):",
        "if False:",
        f"{OBJECTS}::test_a_name_that_is_no_digest_reaches_nothing[embedded-]",
    ),
    # replication
    (
        "replication.py",
        "            await self._bring_objects(frame.changes)\n            await self._check_history(frame.state)\n            head = await self._region.records.apply(frame.changes, epoch=frame.state.epoch)\n",
        "            await self._check_history(frame.state)\n            head = await self._region.records.apply(frame.changes, epoch=frame.state.epoch)\n            await self._bring_objects(frame.changes)\n",
        f"{REPLICATION}::test_no_record_is_visible_before_its_object",
    ),
    (
        "replication.py",
        "if digest not in skipped and not await objects.claim(digest)]",
        "if digest not in skipped]",
        f"{REPLICATION}::test_an_object_that_is_there_is_not_fetched_again",
    ),
    (
        "lag_history.py",
        "            return UNKNOWN_LAG",
        "            return Lag(0.0, 0, 0)",
        f"{REPLICATION}::test_lag_is_unknown_until_heard_and_never_zero_then",
    ),
    (
        "lag_history.py",
        "if broken or self._clock.monotonic() - self.heard_at > self._stale_seconds:",
        "if False:",
        f"{REPLICATION}::test_a_silent_link_makes_the_count_unknown_and_the_seconds_grow",
    ),
    (
        "replication.py",
        "if batch and size + change.size > BATCH_BYTES_MAX:",
        "if False:",
        f"{REPLICATION}::test_batches_are_bounded_in_bytes_and_lose_nothing",
    ),
    (
        "replication.py",
        "if (await self._peer.marks([own.position.sequence]))[0] == own or own == BEGINNING:",
        "if True:",
        f"{REPLICATION}::test_a_region_whose_log_went_another_way_is_rewound_and_follows",
    ),
    # the planned switch
    (
        "controller.py",
        "if silent and target.serving is not state.leader and (silent := await self._silent()):",
        "if False:",
        f"{SWITCH}::test_a_switch_that_cannot_finish_changes_nothing",
    ),
    (
        "controller.py",
        "while not (is_level := level(heads[leader], heads[other])) or not await self._is_ready(leader):",
        "while False:",
        PLANNED,
    ),
    (
        "controller.py",
        "required=None if target.serving is leader else leader)",
        "required=None)",
        f"{SWITCH}::test_the_old_writer_must_have_confirmed_the_fence",
    ),
    ("controller.py", "if head != heads[other]:", "if False:", f"{SWITCH}::test_logs_that_are_level_but_differ_are_not_handed_over"),
    (
        "controller.py",
        "            return move(state, to)\n",
        "            return move(state, to, drained=True)\n",
        f"{SWITCH}::test_setting_the_state_at_once_names_no_new_writer",
    ),
    (
        "controller.py",
        "            if request.is_met_by(state):\n                return",
        "            if False:\n                return",
        f"{SWITCH}::test_setting_the_state_that_is_makes_no_new_epoch",
    ),
    # rejoining
    (
        "replication.py",
        "        if not theirs.whole:",
        "        if False:",
        f"{REPLICATION}::test_two_regions_that_have_both_lost_everything_wait",
    ),
    (
        "replication.py",
        "        if theirs.state != state:\n            return",
        "        if False:\n            return",
        f"{REPLICATION}::test_nothing_is_rewound_before_the_new_leader_knows_that_it_is",
    ),
    (
        "embedded/records.py",
        "if self.confirmed and state.supersedes(self._newest()):",
        "if state.supersedes(self._newest()):",
        f"{REPLICATION}::test_a_region_that_has_just_started_takes_no_state_from_the_other",
    ),
    # verification
    (
        "verification.py",
        "if here[0] != here[1]:",
        "if [each and (*each[:4], each[5]) for each in here[:1]] != [each and (*each[:4], each[5]) for each in here[1:]]:",
        f"{VERIFICATION}::test_a_deletion_that_happened_on_one_side_only_is_found",
    ),
    (
        "verification.py",
        "if size is None or not intact:",
        "if size is None:",
        f"{VERIFICATION}::test_objects_that_are_missing_or_damaged_are_found_on_the_side_that_has_not_them",
    ),
    (
        "verification.py",
        "if verdict.differences and await self._has_moved_on():",
        "if False:",
        f"{VERIFICATION}::test_a_change_that_was_under_way_is_no_difference",
    ),
    (
        "verdicts.py",
        "return self.complete and not self.differences",
        "return not self.differences",
        f"{VERIFICATION}::test_it_stops_after_enough_differences_and_does_not_call_that_equal",
    ),
    # processes and the folder
    ("local/supervisor.py", "            await asyncio.gather(*(self._reap(part) for part in stopping))\n", "", STOPPED),
    (
        "local/supervisor.py",
        "            self._signal(part, signal.SIGKILL)\n            await",
        "            await",
        f"{SUPERVISOR}::test_a_part_that_will_not_stop_is_ended",
    ),
    ("local/supervisor.py", '"--with-parent", ', "", f"{SUPERVISOR}::test_a_part_does_not_outlive_whoever_started_it"),
    (
        "local/supervisor.py",
        "        check_ports({name: part.config for name, part in self.parts.items()})\n",
        "",
        f"{SUPERVISOR}::test_a_port_that_is_taken_is_named_before_anything_is_started",
    ),
    (
        "local/locks.py",
        "fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "pass",
        f"{FOLDER}::test_the_folder_has_one_holder_at_a_time",
    ),
    ("local/kept.py", "os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)", "os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)", OWNER_ONLY),
    ("local/locks.py", "parents=True, exist_ok=True, mode=0o700)", "parents=True, exist_ok=True)", OWNER_ONLY),
    (
        "local/deployment.py",
        "if (kept.primary, kept.secondary) != (primary, secondary):",
        "if {kept.primary, kept.secondary} != {primary, secondary}:",
        f"{FOLDER}::test_a_folder_keeps_its_regions_and_their_roles",
    ),
    # the edge and what all routes have in common
    ("api/edge.py", '        "Content-Security-Policy": policy,\n', "", HEADERS),
    ("api/edge.py", "connect-src 'self' {answering};", "connect-src *;", HEADERS),
    ("api/edge.py", '"X-Content-Type-Options": "nosniff",', "", HEADERS),
    ("api/asgi.py", "allow_origins=[edge],", 'allow_origins=["*"],', f"{HTTP}::test_only_the_edges_origin_may_call_from_a_browser"),
    ("api/problems.py", "if len(body) > limit:", "if False:", f"{HTTP}::test_a_body_over_the_limit_is_refused"),
    (
        "api/problems.py",
        "            self.raw_headers.append(NO_STORE)",
        "            pass",
        f"{HTTP}::test_errors_are_problems_that_nobody_keeps",
    ),
    # what people read
    ("cli/status.py", 'return Text("lag unknown", "yellow")', 'return Text("level")', f"{LISTS}::test_what_is_unknown_is_said_to_be"),
    ("commands/layout.py", "if needed <= options.max_width", "if True", f"{LISTS}::test_the_status_says_everything_of_both_regions"),
]
