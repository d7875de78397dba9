"""Guards of what drives a drill: the plan, the load, the faults, the course and the numbers of its runs."""

PLAN = "tests/unit/test_drill_plan.py::test_a_wrong_field_is_named_with_its_limit"
FAULTS = "tests/unit/test_drill_faults.py"
WORKLOAD = "tests/unit/test_drill_workload.py"
COURSE = "tests/unit/test_drill_course.py"
TAKEN = f"{WORKLOAD}::test_an_answer_is_taken_for_what_it_says"
EACH_REASON = f"{COURSE}::test_each_reason_not_to_start_is_said"
WHICH_VERSION = f"{COURSE}::test_the_positions_say_which_version_was_lost"

MUTANTS: list[tuple[str, str, str, str]] = [
    ("drills/plan.py", "    if not least <= value <= most:", "    if value > most:", PLAN),
    ("drills/plan.py", "    if value not in words:", "    if False:", PLAN),
    ("drills/plan.py", "if workload.mix and not any(workload.mix.values()):", "if False:", PLAN),
    (
        "drills/faults.py",
        "    file.register(deed.undo())\n    await injector.do(deed)",
        "    await injector.do(deed)\n    file.register(deed.undo())",
        f"{FAULTS}::test_the_undo_is_on_disk_when_the_fault_acts",
    ),
    (
        "drills/faults.py",
        "in reversed(undo.deeds if undo else [])",
        "in (undo.deeds if undo else [])",
        f"{FAULTS}::test_the_newest_fault_is_undone_first_and_all_are_forgotten",
    ),
    (
        "drills/faults.py",
        "            continue\n        file.forget(deed)",
        "        file.forget(deed)",
        f"{FAULTS}::test_what_cannot_be_undone_stays_registered_and_the_rest_is_undone",
    ),
    (
        "drills/faults.py",
        "if (undo := self.read()) is None:",
        'if (undo := self.read() or Undo(0, "", "")) is None:',
        f"{FAULTS}::test_without_a_file_nothing_is_injected",
    ),
    (
        "drills/workload.py",
        "            number += 1",
        "            await self.drain()\n            number += 1",
        f"{WORKLOAD}::test_operations_go_out_on_time_though_none_is_answered",
    ),
    ("drills/workload.py", "    if not code or code in UNKNOWN_CODES:", "    if not code:", TAKEN),
    ("drills/workload.py", "    if not code or code in UNKNOWN_CODES:", "    if code in UNKNOWN_CODES:", TAKEN),
    (
        "drills/workload.py",
        'return ("refused" if silent.definite else "unknown"), silent.code',
        'return "unknown", silent.code',
        f"{WORKLOAD}::test_no_connection_is_a_refusal_and_a_reset_is_not",
    ),
    (
        "drills/workload.py",
        "if answer and answer.good and attempt.again is None else None",
        "if answer and answer.good else None",
        f"{WORKLOAD}::test_only_what_is_unknown_is_repeated_with_the_same_id_and_no_epoch_is_claimed_for_it",
    ),
    (
        "drills/workload.py",
        'if attempt.kind in FROM_EITHER and client.conduct == "follows":',
        "if False:",
        f"{WORKLOAD}::test_a_read_that_gets_no_answer_asks_the_other_region_and_a_write_does_not",
    ),
    (
        "drills/workload.py",
        'if client.conduct == "follows" and out != "ok":',
        "if False:",
        f"{WORKLOAD}::test_who_follows_goes_where_a_refusal_says_and_a_stale_tab_does_not",
    ),
    (
        "drills/workload.py",
        "position_in(answer) or await",
        "position_in(answer) if answer else await",
        f"{WORKLOAD}::test_an_answer_that_does_not_say_its_position_is_followed_by_asking_for_it",
    ),
    (
        "drills/workload.py",
        "while unknown and number - unknown[0].number > REPEATED_SECONDS * self._rate:",
        "while False:",
        f"{WORKLOAD}::test_what_got_no_answer_is_repeated_within_seconds_or_not_at_all",
    ),
    (
        "drills/workload.py",
        'REPEATABLE = ("add", "photo", "delete")',
        'REPEATABLE = ("add", "photo", "delete", "replace")',
        f"{WORKLOAD}::test_what_has_versions_is_not_repeated",
    ),
    (
        "drills/target.py",
        "httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout",
        "httpx.TransportError",
        f"{WORKLOAD}::test_only_a_connection_that_was_never_made_surely_carried_nothing",
    ),
    (
        "drills/compass.py",
        'str(self.began_at_epoch if client.conduct == "stale" else self.epoch)',
        "str(self.epoch)",
        f"{WORKLOAD}::test_a_write_says_under_which_epoch_it_was_decided_and_a_script_does_not",
    ),
    (
        "drills/compass.py",
        'self.seen[told_by]["epoch"] < state["epoch"]',
        "True",
        f"{WORKLOAD}::test_each_new_state_is_recorded_once_for_each_region",
    ),
    (
        "drills/course.py",
        "        if failed / made > most:",
        "        if False:",
        f"{COURSE}::test_nothing_is_injected_while_operations_fail",
    ),
    ("drills/course.py", "> LATENESS_MICROSECONDS_MAX:", "> 1_000_000:", f"{COURSE}::test_nothing_is_injected_by_a_driver_that_is_late"),
    (
        "drills/course.py",
        "        if not self._scenario.takes_over:\n            return",
        "        if False:\n            return",
        f"{COURSE}::test_without_a_takeover_nothing_is_ordered",
    ),
    ("drills/preflight.py", 'if plan.stop.lag_unknown and region["lag"]["seconds"] is None:', "if False:", EACH_REASON),
    ("drills/preflight.py", 'if region.get("degradedSince"):', "if False:", EACH_REASON),
    ("drills/preflight.py", 'if automatic["unacknowledged"]:', "if False:", EACH_REASON),
    (
        "drills/preflight.py",
        'if pending := sum(each["outcome"] == "pending"',
        'if pending := 0 * sum(each["outcome"] == "pending"',
        f"{COURSE}::test_every_reason_is_listed_at_once",
    ),
    (
        "drills/runs.py",
        "    if run := under_way(lines):\n        raise",
        "    if (run := under_way(lines)) and False:\n        raise",
        f"{COURSE}::test_a_second_drill_does_not_begin",
    ),
    ("drills/runs.py", "    if run is None or run.number != number:", "    if False:", f"{COURSE}::test_a_run_ends_once"),
    (
        "embedded/authority.py",
        "WHERE what = 'drill'\").fetchone()[0] != after:",
        "WHERE what = 'drill'\").fetchone()[0] < after:",
        f"{COURSE}::test_of_two_that_begin_at_once_one_does",
    ),
    (
        "drills/collect.py",
        '        if loss["id"] in known:\n            continue',
        "",
        f"{COURSE}::test_what_was_lost_before_and_what_nobody_asked_for_is_not_this_runs",
    ),
    ("drills/collect.py", "before < at and (position is None or at <= position)", "before < at", WHICH_VERSION),
    (
        "drills/collect.py",
        "found[within[-1] if position is not None else within[0]] = version",
        "found[within[0]] = version",
        WHICH_VERSION,
    ),
    (
        "drills/collect.py",
        'if name in loss["record"] or not is_one(loss["id"])]',
        "]",
        f"{COURSE}::test_what_others_have_lost_is_theirs_to_decide_about",
    ),
    (
        "gallery/drill.py",
        "                visitor.generation += 1  # another",
        "                pass  # another",
        "tests/unit/test_drill_gallery.py::test_after_a_takeover_a_client_starts_over",
    ),
    (
        "drills/junit.py",
        'if derived["verdict"] == INCONCLUSIVE:',
        "if False:",
        f"{COURSE}::test_junit_shows_what_is_broken_missed_skipped_and_in_doubt",
    ),
]
