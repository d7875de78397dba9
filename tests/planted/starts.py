"""Bugs in what is done when a region starts, or has lost something: (file, what is there, what it becomes, the test that must notice)."""

PREDICTIONS = "tests/unit/test_predictions.py"
SHARED = f"{PREDICTIONS}::test_two_logs_part_where_the_leadership_of_the_later_one_began"
FORGOTTEN = f"{PREDICTIONS}::test_across_epochs_that_the_authority_has_forgotten_nobody_knows_what_is_lost"
COPY = "tests/unit/test_registry.py::test_what_an_older_copy_of_its_file_says_founds_nothing"
OUTDATED = "tests/unit/test_starts.py::test_what_was_compared_before_a_new_state_proves_nothing_under_it"
LOGGED = "tests/contract/test_logged_records.py"
HEARSAY = "tests/unit/test_debts.py::test_the_other_regions_word_of_a_later_state_makes_no_leader_of_an_older_copy"
NOT_YET = "tests/unit/test_starts.py::test_until_the_deployment_is_founded_that_is_what_its_regions_wait_for"
TOLD_NOTHING = "tests/contract/test_damage.py::test_a_region_that_has_been_told_nothing_yet_does_not_say_that_anything_is_missing"
LEDGER = "tests/contract/test_ledger.py"
ONCE = "tests/unit/test_debts.py::test_what_both_histories_had_and_nobody_has_is_counted_once"
FIRST_CAUSE = f"{LEDGER}::test_the_first_cause_counts_until_nothing_is_owed"
OTHER_HISTORY = f"{LEDGER}::test_what_another_history_has_at_the_same_places_is_still_missing"
WAITS = "tests/unit/test_starts.py::test_an_old_copy_of_the_leader_alone_waits_and_serves_reads_until_the_other_is_back"

MUTANTS: list[tuple[str, str, str, str]] = [
    # the founding
    (
        "registry.py",
        " or not (known is None or known.is_empty):",
        ":",
        "tests/unit/test_registry.py::test_an_empty_file_does_not_speak_for_what_the_region_had_before_an_authority_lost_its_history",
    ),
    ("registry.py", "not reports.has_heard(role) or not said", "role not in said or not said", COPY),
    (
        "continuity.py",
        "        except NotReady:\n            self._say(NOT_FOUNDED, of_itself=False)\n",
        "        except NotReady:\n",
        NOT_YET,
    ),
    ("local/region.py", "[] if whole or begins else", "[] if whole else", TOLD_NOTHING),
    (
        "replication.py",
        "copies if theirs.state.epoch != UNFOUNDED.epoch else",
        "copies if True else",
        "tests/unit/test_replication.py::test_two_regions_that_have_been_told_nothing_yet_copy_nothing",
    ),
    # the start of a leader
    ("continuity.py", "        self._records.hold(", "        str(", WAITS),
    ("continuity.py", "        if await records.admitted() == state:", "        if True:", OUTDATED),
    # who leads when an authority has been put back
    (
        "embedded/records.py",
        "            self._hearsay = state if state.leader is self._role else None",
        "            self._hearsay = None",
        HEARSAY,
    ),
    (
        "embedded/records.py",
        "        return self._proved and self._hearsay is None",
        "        return self._proved",
        f"{LOGGED}::test_nobody_leads_by_hearsay",
    ),
    ("embedded/records.py", " and self._hearsay in (None, state)", "", f"{LOGGED}::test_what_follows_on_hearsay_is_proved_anew"),
    (
        "embedded/records.py",
        'newest.history in ("", state.history)',
        "True",
        f"{LOGGED}::test_a_new_history_is_led_by_nobody_who_has_not_compared",
    ),
    (
        "continuity.py",
        "        await self._write_off(lacking, leadership)  # while it still shows why they are missing\n                await records.make_whole(await records.head())\n",
        "        await records.make_whole(await records.head())\n                await self._write_off(lacking, leadership)\n",
        "tests/unit/test_debts.py::test_a_lost_disk_is_still_one_after_a_restart",
    ),
    # what is counted as lost
    (
        "embedded/ledger.py",
        "own=step.own and step.change.position.sequence > theirs",
        "own=step.own",
        f"{LEDGER}::test_what_the_other_region_wrote_upon_was_replicated_whoever_wrote_it",
    ),
    (
        "continuity.py",
        "            await self._hear_ledger()\n            await self._write_off([owed]",
        "            await self._write_off([owed]",
        ONCE,
    ),
    (
        "embedded/ledger.py",
        "    settle_debt(session, leadership)  # a debt",
        "    session.owed = BEGINNING  # a debt",
        f"{LEDGER}::test_a_debt_of_an_earlier_leadership_outlives_that_a_later_ones_is_written_off",
    ),
    (
        "replication.py",
        "state.leader is not self._region.role and not self._following",
        "False",
        "tests/unit/test_replication.py::test_what_a_region_heard_as_the_leader_says_nothing_of_how_it_follows",
    ),
    ("embedded/ledger.py", "    reached = held.sequence\n", "    reached = 0\n", f"{LEDGER}::test_what_is_missing_up_to_a_mark_is_counted"),
    ("embedded/ledger.py", "        if above > reached:", "        if False:", f"{LEDGER}::test_what_is_missing_up_to_a_mark_is_counted"),
    ("embedded/ledger.py", "if writes else 0, min(sequence, shared.sequence)))", "if writes else 0, sequence))", OTHER_HISTORY),
    (
        "embedded/ledger.py",
        "    if listed is None:\n        return None\n",
        "    listed = listed or ()\n",
        f"{LEDGER}::test_across_epochs_that_the_authority_has_forgotten_nobody_can_count",
    ),
    ("embedded/ledger.py", "    for epoch, sequence, writes in db.execute(", "    for epoch, sequence, writes in () and db.execute(", ONCE),
    (
        "embedded/ledger.py",
        "if follows(chain, here[0])}",
        "}",
        f"{LEDGER}::test_what_another_history_had_at_the_same_places_closes_no_entry",
    ),
    (
        "embedded/session.py",
        "        return self.owed_cause if unsettled and self.owed_cause else found",
        "        return found",
        FIRST_CAUSE,
    ),
    (
        "embedded/session.py",
        "        return self.owed_cause if unsettled and self.owed_cause else found",
        "        return self.owed_cause or found",
        FIRST_CAUSE,
    ),
    # what a takeover loses
    ("reports.py", "            if since <= earlier.position.epoch:", "            if True:", SHARED),
    ("reports.py", "            if base is None:", "            if False:", SHARED),
    ("reports.py", "            if earlier == BEGINNING:", "            if False:", SHARED),
    (
        "reports.py",
        "            one, other = base, earlier\n        return min(one.position, other.position)",
        "            one, other = base, earlier\n        return max(one.position, other.position)",
        SHARED,
    ),
    ("embedded/authority.py", "        if before is not None and before + 1 < epoch:", "        if False:", FORGOTTEN),
    (
        "predictions.py",
        "        if told is None or report is None or silence is None:",
        "        if report is None or silence is None:",
        FORGOTTEN,
    ),
]
