"""Guards of takeover, leases, losses, durability, automatic mode and positions, each with what its absence looks like and the test that must
then fail: (file, old, new, test)."""

TAKEOVER = "tests/unit/test_takeover.py"
LEASES = "tests/unit/test_leases.py"
LOSSES = "tests/unit/test_losses.py"
DURABILITY = "tests/unit/test_durability.py"
AUTOMATIC = "tests/unit/test_automatic.py"
EXPOSURE = "tests/unit/test_exposure.py"
SUPERVISOR = "tests/unit/test_supervisor.py"
RECORDS = "tests/contract/test_records.py"
LOGGED = "tests/contract/test_logged_records.py"
FENCE = "tests/contract/test_fence.py"
HISTORIES = "tests/contract/test_histories.py"
REPEATS = "tests/contract/test_repeats.py"
POSITIONS = "tests/contract/test_positions.py"

LIMIT = f"{TAKEOVER}::test_more_than_the_limit_and_what_is_unknown_need_the_operators_word"
UNATTENDED = f"{TAKEOVER}::test_on_no_operators_word_a_held_lease_a_renewed_one_and_degraded_writes_are_respected"
LEASED = f"{TAKEOVER}::test_while_the_lost_region_may_hold_a_lease_nobody_else_is_named"
NOT_NAMED = f"{TAKEOVER}::test_a_survivor_that_cannot_serve_is_not_named"
RECOVERED = f"{TAKEOVER}::test_recovering_takes_the_newest_state_that_a_region_knows"
ONLY_THE_WRITER = f"{LEASES}::test_only_the_writer_of_this_epoch_is_granted_one"
CLOSED = f"{LEASES}::test_once_closed_an_epoch_gets_no_other_lease_and_the_next_one_does"
BELIEVED = f"{LEASES}::test_what_is_believed_of_the_writers_durability_is_what_it_said_last"
IN_TIME = f"{LEASES}::test_the_region_stops_before_the_authority_lets_anybody_else_begin"
JUST_STARTED = f"{LEASES}::test_an_authority_that_has_just_started_believes_that_a_lease_was_granted_a_moment_ago"
WAIT = f"{AUTOMATIC}::test_each_reason_alone_is_enough_to_wait"
CONFIRMED = f"{DURABILITY}::test_a_write_is_acknowledged_once_the_other_region_has_it"
AGAIN = f"{REPEATS}::test_what_is_asked_for_again_is_not_acknowledged_sooner_than_it_is_copied"
REACHED = f"{LOGGED}::test_a_position_is_reached_may_be_reached_or_is_of_another_history"
LATE = f"{DURABILITY}::test_a_confirmation_that_arrives_late_takes_nothing_back"
NEWER = f"{LOSSES}::test_what_was_written_meanwhile_is_not_overwritten_unless_by_force"

MUTANTS: list[tuple[str, str, str, str]] = [
    # the takeover
    (
        "controller.py",
        "                if outlooks[survivor.other] is not None and",
        "                if False and",
        f"{TAKEOVER}::test_a_region_that_answers_is_not_lost_unless_the_loss_is_accepted",
    ),
    (
        "predictions.py",
        "    if last_known is None or last_known.seconds is None:\n        because",
        "    if last_known is None:\n        because",
        LIMIT,
    ),
    ("predictions.py", "if last_known.changes > settings.loss_changes_max or last_known.seconds", "if last_known.seconds", LIMIT),
    (
        "predictions.py",
        "if last_known.changes > settings.loss_changes_max or last_known.seconds > settings.loss_seconds_max:",
        "if last_known.changes > settings.loss_changes_max:",
        LIMIT,
    ),
    ("controller.py", "            if not request.accept_loss:", "            if True:", LIMIT),
    (
        "controller.py",
        "            loses = state.leader is not survivor",
        "            loses = True",
        f"{TAKEOVER}::test_whoever_wrote_last_loses_nothing_by_coming_back",
    ),
    (
        "controller.py",
        "        if outlook is None:\n            raise SwitchFailed",
        "        if outlook is None:\n            raise TypeError",
        NOT_NAMED,
    ),
    ("controller.py", "        if not outlook.ready:", "        if False:", NOT_NAMED),
    (
        "controller.py",
        "            outlook = await self._last_look(survivor)\n            # From",
        "            # From",
        f"{TAKEOVER}::test_what_the_survivor_receives_while_it_is_decided_is_not_called_lost",
    ),
    (
        "controller.py",
        'or too much may be lost.\n        """\n        state, outlooks = await self._survey(request)\n        if request.is_met_by(state):',
        'or too much may be lost.\n        """\n        state, outlooks = await self._survey(request)\n        if False:',
        f"{TAKEOVER}::test_asked_for_again_it_only_tells_again",
    ),
    (
        "controller.py",
        "self._tell(state, required=state.serving)",
        "self._tell(state)",
        f"{TAKEOVER}::test_a_survivor_that_does_not_confirm_is_no_success",
    ),
    (
        "controller.py",
        "        if request.epoch not in (None, state.epoch):",
        "        if False:",
        f"{TAKEOVER}::test_an_order_decided_under_another_epoch_is_refused",
    ),
    (
        "controller.py",
        "        if others:",
        "        if False:",
        f"{TAKEOVER}::test_an_authority_that_knows_less_than_a_region_decides_nothing",
    ),
    # the takeover and leases
    ("controller.py", "            if request.unattended:\n", "            if False:\n", UNATTENDED),
    (
        "controller.py",
        "        if objection := self._leases.objection():",
        "        if False and (objection := self._leases.objection()):",
        UNATTENDED,
    ),
    (
        "controller.py",
        "and wrote and not self._leases.close(state.epoch)",
        "and wrote and not self._leases.have_run_out()",
        f"{TAKEOVER}::test_on_no_operators_word_the_lease_that_has_run_out_stays_so",
    ),
    ("controller.py", "            if self._may_hold_lease(state, survivor.other):", "            if False:", LEASED),
    ("controller.py", "            while not self._leases.have_run_out():", "            while False:", LEASED),
    (
        "controller.py",
        "wrote = state.writer is lost or (state.writer is None and state.leader is lost)",
        "wrote = state.writer is lost",
        f"{TAKEOVER}::test_a_fence_that_was_decided_before_and_not_outlasted_is_outlasted",
    ),
    (
        "controller.py",
        "            await self._regions[lost].admit(fenced)\n",
        "            raise MultiregionError('')\n",
        f"{TAKEOVER}::test_a_lost_region_that_confirms_the_fence_is_not_waited_for",
    ),
    # the authority from an old backup
    (
        "controller.py",
        "        newest = max([state, *(outlook.admitted for outlook in known.values())], key=lambda each: each.epoch)",
        "        newest = state",
        "tests/unit/test_takeover.py::test_recovering_begins_a_new_history_fenced_beyond_what_any_region_knows",
    ),
    (
        "controller.py",
        "        if state.history and all(",
        "        if False and all(",
        f"{TAKEOVER}::test_recovering_what_is_not_behind_changes_nothing",
    ),
    # leases
    ("leases.py", "        if state.epoch != epoch or state.writer is not role:", "        if state.writer is not role:", ONLY_THE_WRITER),
    ("leases.py", "        if state.epoch != epoch or state.writer is not role:", "        if state.epoch != epoch:", ONLY_THE_WRITER),
    ("leases.py", "        if epoch == self._closed_epoch:", "        if False:", CLOSED),
    ("leases.py", "self._granted_at = clock.monotonic()", "self._granted_at = clock.monotonic() - seconds * 2", JUST_STARTED),
    ("leases.py", "self._until = max(self._until, asked_at + seconds)", "self._until = asked_at + seconds + 1", IN_TIME),
    ("leases.py", "        if self.have_run_out():\n            self._closed", "        if True:\n            self._closed", CLOSED),
    ("leases.py", "        if not self.have_run_out():\n            return", "        if False:\n            return", BELIEVED),
    ("leases.py", "        if self._degraded:\n            return", "        if False:\n            return", BELIEVED),
    ("leases.py", "        self._degraded = degraded\n        return", "        return", BELIEVED),
    ("leases.py", "self._until = max(self._until, asked_at + seconds)", "self._until = self._clock.monotonic() + seconds", IN_TIME),
    (
        "leases.py",
        "self._until = max(self._until, asked_at + seconds)",
        "self._until = asked_at + seconds",
        f"{LEASES}::test_an_answer_that_arrives_late_does_not_shorten_what_came_before_it",
    ),
    (
        "leases.py",
        "self.seconds * (1 + DRIFT)",
        "self.seconds",
        f"{LEASES}::test_a_region_whose_clock_is_slower_within_the_drift_has_stopped_by_then",
    ),
    (
        "leases.py",
        "        return self._clock.monotonic() < self._until",
        "        return self._clock.now() < self._until",
        f"{LEASES}::test_the_wall_clock_neither_lengthens_a_lease_nor_ends_it",
    ),
    # automatic mode
    ("automatic.py", "    if situation.state.writer is not Role.PRIMARY and", "    if situation.state.writer is None and", WAIT),
    ("automatic.py", "    if situation.objection is not None:", "    if False:", WAIT),
    ("automatic.py", "    if situation.paused:", "    if False:", WAIT),
    ("automatic.py", "    if situation.unacknowledged and not situation.begun:", "    if False:", WAIT),
    ("automatic.py", "    if survivor is None or not survivor.ready:", "    if survivor is None:", WAIT),
    ("automatic.py", "    if last_known.changes > settings.loss_changes_max or last_known.seconds", "    if last_known.seconds", WAIT),
    (
        "automatic.py",
        'if decision.what == "state" and decision.actor == ACTOR), None)',
        'if decision.what == "state"), None)',
        f"{AUTOMATIC}::test_a_takeover_of_its_own_holds_it_down_until_it_is_acknowledged",
    ),
    (
        "automatic.py",
        'return bool(words) and words[0] == "paused"',
        'return "paused" in words',
        f"{AUTOMATIC}::test_it_is_paused_from_the_word_until_it_is_resumed",
    ),
    ("automatic.py", "    if last_known is None or last_known.seconds is None:", "    if last_known is None:", WAIT),
    # durability
    ("durability.py", "        while self._copied < position:", "        while False:", CONFIRMED),
    ("durability.py", "        self._copied = max(self._copied, position)", "        self._copied = position", LATE),
    (
        "durability.py",
        "            await self._ask_to_degrade()\n",
        "            pass\n",
        f"{DURABILITY}::test_remote_does_not_degrade_unless_it_may",
    ),
    (
        "durability.py",
        "        if self._mode == STRICT and self._away_since is not None:",
        "        if False:",
        f"{DURABILITY}::test_strict_refuses_definitely_once_the_other_region_is_away_and_takes_writes_when_it_is_back",
    ),
    (
        "durability.py",
        "        if self._copied >= self._owed:\n",
        "        if True:\n",
        f"{DURABILITY}::test_it_has_recovered_only_when_everything_it_had_not_waited_for_is_there",
    ),
    ("durability.py", "        self._owed = min(self._owed, to)\n", "", f"{DURABILITY}::test_what_was_undone_is_owed_to_nobody"),
    (
        "embedded/records.py",
        "        if (await self.admitted()).leader is self._role:\n            await",
        "        if True:\n            await",
        f"{REPEATS}::test_a_region_that_follows_has_it_from_the_other_one",
    ),
    (
        "embedded/records.py",
        "        if (await self.admitted()).leader is self._role:\n            await",
        "        if (await self.admitted()).writer is self._role:\n            await",
        AGAIN,
    ),
    (
        "embedded/records.py",
        "            await self._durable((await self.head()).position)\n            raise",
        "            raise",
        f"{REPEATS}::test_a_write_that_conflicts_may_be_the_same_one_and_waits",
    ),
    ("gallery/comments.py", "        await self._region.confirm(record.version)\n", "", AGAIN),
    ("gallery/photos.py", "            await self._confirm(found.photo_id)\n", "", AGAIN),
    ("gallery/photos.py", "            await self._confirm(photo_id)\n            return found", "            return found", AGAIN),
    ("gallery/photos.py", "            await self._confirm(photo_id)\n            raise", "            raise", AGAIN),
    (
        "accounts/users.py",
        "                await self._records.confirm(record.version)\n",
        "",
        f"{REPEATS}::test_a_change_of_a_user_that_is_made_already_waits",
    ),
    (
        "accounts/accounts.py",
        "            await self._records.confirm(revoked)\n",
        "",
        f"{REPEATS}::test_a_session_that_is_revoked_already_waits",
    ),
    (
        "durability.py",
        "        if rewinds != self._rewinds:",
        "        if False:",
        f"{DURABILITY}::test_whoever_waits_while_it_is_rewound_is_not_told_that_it_lasts",
    ),
    (
        "local/authority.py",
        "degraded=settings.durability == REMOTE",
        "degraded=False",
        f"{LEASES}::test_an_authority_that_has_just_started_believes_the_worst_of_a_writer_that_may_degrade",
    ),
    # losses, and making them again
    (
        "embedded/ledger.py",
        "    while session.position > to and",
        "    while session.position >= to and",
        f"{LOGGED}::test_rewinding_restores_what_each_change_replaced",
    ),
    ("reapply.py", "    again = write if force else on_condition", "    again = write if True else on_condition", NEWER),
    ("reapply.py", "    again = write if force else on_condition", "    again = on_condition", NEWER),
    (
        "reapply.py",
        "    await bring(write.needs, region.objects, peer)\n",
        "",
        f"{LOSSES}::test_its_object_is_brought_before_a_write_is_made_again",
    ),
    (
        "reapply.py",
        "        return version\n",
        "        return (await records.head()).position\n",
        f"{LOSSES}::test_a_record_that_was_lost_with_its_deletions_is_made_again_with_them",
    ),
    (
        "reapply.py",
        "    absent = expected is None or (write.value is None and version is None)",
        "    absent = False",
        f"{LOSSES}::test_a_deletion_of_what_never_was_deletes_nothing_that_is_there_by_now",
    ),
    (
        "losses.py",
        "            except (Conflict, Damaged, NotFound) as obstacle:",
        "            except Conflict as obstacle:",
        f"{LOSSES}::test_a_photo_whose_picture_is_gone_does_not_hold_up_the_rest",
    ),
    ("losses.py", "        if writer is None:", "        if False:", f"{LOSSES}::test_where_nobody_may_write_nothing_is_applied"),
    (
        "losses.py",
        "again.get(expected, expected) if expected else None",
        "expected",
        f"{LOSSES}::test_lost_writes_are_made_again_in_their_order_at_the_current_epoch",
    ),
    (
        "losses.py",
        "entry.loss.outcome == PENDING and ",
        "",
        f"{LOSSES}::test_lost_writes_are_made_again_in_their_order_at_the_current_epoch",
    ),
    (
        "losses.py",
        "        if unknown and not silent:",
        "        if unknown:",
        f"{LOSSES}::test_an_id_that_is_in_no_ledger_is_refused_and_one_that_may_be_in_a_silent_region_is_not_denied",
    ),
    (
        "losses.py",
        "        await self._authority.note(",
        "        await self._authority.history(1) if facts else await self._authority.note(",
        f"{LOSSES}::test_each_decision_is_in_the_history_with_who_decided",
    ),
    (
        "api/losses.py",
        '        return f"write {kind}"',
        "        return str(write.value)",
        f"{LOSSES}::test_what_a_loss_was_is_told_in_words_without_secrets",
    ),
    # histories and positions
    (
        "embedded/records.py",
        "            session.routing = self._check_acceptance(session.routing, bool(session.whole), epoch)\n",
        "            self._check_acceptance(session.routing, bool(session.whole), epoch)\n",
        f"{FENCE}::test_a_write_that_overtakes_a_new_epoch_on_its_way_to_the_disk_is_logged_under_it",
    ),
    ("embedded/records.py", "        self._check_lease()\n", "", f"{RECORDS}::test_without_a_lease_nothing_is_written"),
    (
        "embedded/records.py",
        "            if known and not session.holds(known[-1].mark):",
        "            if False:",
        f"{HISTORIES}::test_a_change_of_another_history_is_not_taken_for_the_one_that_is_there",
    ),
    ("embedded/records.py", "return True if is_at(self._mark_at(position.sequence), position, chain) else None", "return True", REACHED),
    ("embedded/records.py", "return False if may_come and not await self.leads() else None", "return False if may_come else None", REACHED),
    (
        "api/positions.py",
        "        if reached is None:",
        "        if False:",
        f"{POSITIONS}::test_a_position_of_another_history_is_told_to_start_over",
    ),
    (
        "api/positions.py",
        "            if left <= 0:",
        "            if left <= 0:\n                return\n            if False:",
        f"{POSITIONS}::test_a_read_waits_until_its_position_is_there",
    ),
    ("api/positions.py", 'and message["status"] < 300:', ":", f"{POSITIONS}::test_only_a_write_that_succeeded_is_told_its_position"),
    (
        "api/positions.py",
        ' and "authorization" in Headers(scope=scope):',
        ":",
        f"{POSITIONS}::test_who_is_not_signed_in_does_not_make_anybody_wait",
    ),
    ("api/positions.py", " and len(part) <= DIGITS_MAX", "", f"{POSITIONS}::test_what_is_no_position_is_refused_by_name"),
    # what is said to be at risk
    (
        "accounts/exposure.py",
        "    if before.enabled != after.enabled:",
        "    if False:",
        f"{EXPOSURE}::test_every_change_of_who_may_sign_in_is_told_by_its_name_and_others_are_not",
    ),
    (
        "accounts/exposure.py",
        "    if before.password != after.password:",
        "    if False:",
        f"{EXPOSURE}::test_every_change_of_who_may_sign_in_is_told_by_its_name_and_others_are_not",
    ),
    (
        "local/exposure.py",
        "        if newest != self._newest:",
        "        if newest > self._newest:",
        f"{EXPOSURE}::test_it_is_bounded_and_forgets_what_was_undone",
    ),
    ("lag_history.py", "if each.position > self._applied.position)", ")", f"{EXPOSURE}::test_only_what_has_not_arrived_is_missing"),
    # processes
    (
        "local/supervisor.py",
        "                if not await self._still_runs(part):",
        "                if not part.runs:",
        f"{SUPERVISOR}::test_a_part_is_started_again_when_somebody_wants_it",
    ),
    (
        "local/supervisor.py",
        "                if not await self._still_runs(part):",
        "                if True:",
        f"{SUPERVISOR}::test_a_part_is_started_again_when_somebody_wants_it",
    ),
]
