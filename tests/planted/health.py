"""Guards of health by real writes, of the reserve, and of automatic mode's moves away from a primary that cannot write: (file, old, new, test)."""

HEALTH = "tests/unit/test_health.py"
WRITING = "tests/contract/test_writing.py"
LOGGED = "tests/contract/test_logged_records.py"
AUTOMATIC = "tests/unit/test_automatic.py"
TAKEOVER = "tests/unit/test_takeover.py"
CONTROLLER = "tests/unit/test_controller.py"
LEASES = "tests/unit/test_leases.py"
SUPERVISOR = "tests/unit/test_supervisor.py"

SLOW = f"{HEALTH}::test_a_write_that_takes_too_long_counts_though_it_succeeds"
STUCK = f"{HEALTH}::test_a_write_that_does_not_end_is_seen_while_it_lasts"
GOES_ON = f"{HEALTH}::test_a_write_that_does_not_end_goes_on_with_the_trouble_before_it"
FAILS = f"{HEALTH}::test_writes_that_fail_count_from_the_first_of_them_until_one_succeeds"
NOT_NAMED = f"{HEALTH}::test_a_region_that_cannot_write_is_not_made_the_writer"
NO_TRACE = f"{WRITING}::test_the_disk_is_tried_without_a_trace"
AMONG_REFUSALS = f"{WRITING}::test_it_is_tried_among_writes_that_are_refused"
ONLY_IF_QUIET = f"{WRITING}::test_it_is_tried_only_when_nothing_else_was_written"
REFUSING = f"{WRITING}::test_a_disk_that_refuses_is_found_out_though_nobody_writes"
NO_ROOM = f"{WRITING}::test_no_room_beside_the_reserve_counts_as_full"
ESSENTIAL = f"{WRITING}::test_what_moves_writing_away_is_written_on_a_full_disk_and_nothing_else_is"
IN_ONE_GROUP = f"{WRITING}::test_in_one_group_only_what_is_essential_is_written_on_a_full_disk"
BLOCKS = f"{WRITING}::test_a_reserve_has_real_blocks_and_is_made_again"
NOTHING_LEFT = f"{WRITING}::test_a_reserve_that_cannot_be_made_leaves_nothing_behind"
UNKNOWN = f"{WRITING}::test_a_commit_that_the_disk_fails_in_has_an_unknown_outcome_and_is_not_tried_again"
BEHIND = f"{WRITING}::test_behind_a_write_that_does_not_end_others_are_refused_at_once"
ENFORCED = f"{WRITING}::test_why_a_commit_would_be_refused_is_what_it_is_refused_with"
HEARD = f"{WRITING}::test_what_was_heard_is_told_though_it_is_not_stored"
IN_FORCE = f"{LOGGED}::test_a_fence_that_was_heard_is_in_force_and_told_though_it_cannot_be_stored"
STAY = f"{AUTOMATIC}::test_each_reason_alone_is_enough_to_stay"
WAIT = f"{AUTOMATIC}::test_each_reason_alone_is_enough_to_wait"
LONG_ENOUGH = f"{AUTOMATIC}::test_writing_is_moved_once_the_primary_has_not_been_able_to_write_for_so_long"
FINISHED = f"{AUTOMATIC}::test_what_was_begun_is_finished_whoever_can_write_by_now"
BEGINNING = f"{AUTOMATIC}::test_only_a_fence_of_its_own_is_a_beginning"
NO_LEASE = f"{AUTOMATIC}::test_a_primary_that_cannot_be_switched_away_from_gets_no_lease_and_is_taken_over_from"
KEEPS_LEASE = f"{AUTOMATIC}::test_it_keeps_its_lease_while_nobody_would_write_in_its_place"
WITHHELD = f"{LEASES}::test_a_lease_that_is_withheld_is_granted_again_to_a_writer_that_can_write"
TOLD = f"{LEASES}::test_what_a_writer_said_of_its_disk_counts_at_its_epoch_only"
STILL_THERE = f"{TAKEOVER}::test_unless_nothing_is_lost_by_it_a_writer_that_answers_is_not_taken_over_from"
GIVEN_UP = f"{TAKEOVER}::test_a_writer_that_answers_but_cannot_write_is_taken_over_from_once_its_lease_is_over"
AUTHORITY = "tests/contract/test_authority_disk.py"
DECIDES_IN_RESERVE = f"{AUTHORITY}::test_a_full_disk_is_found_out_and_the_reserve_has_room_for_decisions"
SAYS_WHY = f"{AUTHORITY}::test_without_any_room_nothing_is_decided_and_it_is_said_why"
LEFT_OPEN = f"{AUTHORITY}::test_a_disk_that_fails_in_the_decision_leaves_the_outcome_open"
NOT_BEHIND = f"{AUTHORITY}::test_behind_a_write_that_does_not_end_a_decision_is_refused_at_once"
KNOWN = f"{AUTHORITY}::test_what_a_region_said_is_known_though_it_could_not_be_stored"
TOLD_OF_AUTHORITY = "tests/unit/test_cli_layout.py::test_an_authority_that_cannot_write_is_told"

MUTANTS: list[tuple[str, str, str, str]] = [
    # the authority's own disk
    ("embedded/authority.py", "self._writer.run(work, essential=True)", "self._writer.run(work)", DECIDES_IN_RESERVE),
    ("embedded/authority.py", " and health.problem != FULL.words else None", " else None", DECIDES_IN_RESERVE),
    ("embedded/authority.py", "raise type(error)(undecided(self._problem())) from error", "raise", SAYS_WHY),
    ("embedded/authority.py", "        except CommitUnknown as error:", "        except NotImplementedError as error:", LEFT_OPEN),
    ("embedded/authority.py", 'if self._meter.now().condition == "stuck":', "if False:", NOT_BEHIND),
    ("embedded/authority.py", ", **self._heard}", "}", KNOWN),
    ("automatic.py", "    if situation.obstacle is not None:", "    if False:", STAY),
    ("cli/status.py", 'if writing and writing["problem"] else None', "if writing is None else None", TOLD_OF_AUTHORITY),
    # what the meter finds
    ("health.py", "        if seconds > self._slow_seconds:", "        if False:", SLOW),
    ("health.py", "        if began is not None and now - began[0] > self._slow_seconds:", "        if False:", STUCK),
    (
        "health.py",
        "            first, since = (trouble.from_monotonic, trouble.since) if trouble else began",
        "            first, since = began",
        GOES_ON,
    ),
    (
        "health.py",
        "(self._trouble.from_monotonic, self._trouble.since) if self._trouble else self._beginning()",
        "self._beginning()",
        FAILS,
    ),
    ("health.py", "        else:\n            self._trouble = None\n", "", FAILS),
    ("health.py", 'return self.condition in ("failing", "stuck")', 'return self.condition == "failing"', NOT_NAMED),
    ("health.py", 'return self.condition in ("failing", "stuck")', "return self.problem is not None", NOT_NAMED),
    (
        "health.py",
        'if fenced is not None and (stuck := health.get(fenced, WELL)).condition == "stuck":',
        'if False and (stuck := WELL).condition == "stuck":',
        f"{CONTROLLER}::test_a_writer_whose_disk_does_not_answer_is_not_fenced_in_vain",
    ),
    # the writer and its canary
    ("embedded/database.py", "        if canaries and self._is_quiet():", "        if canaries:", ONLY_IF_QUIET),
    ("embedded/database.py", "        if canaries and self._is_quiet():", "        if canaries and not jobs:", AMONG_REFUSALS),
    (
        "embedded/database.py",
        "            self._db.execute(BEAT)\n            self._end()",
        "            self._db.execute(BEAT)\n            self._commit()",
        NO_TRACE,
    ),
    ("embedded/database.py", "beat = 1 - beat", "beat = beat", f"{WRITING}::test_it_is_really_written_to"),
    (
        "embedded/database.py",
        "            self._meter.failed(problem.words) if problem else self._meter.wrote_nothing()",
        "            self._meter.wrote_nothing()",
        REFUSING,
    ),
    (
        "embedded/database.py",
        "self._db.total_changes != self._changes_before else",
        "True else",
        f"{WRITING}::test_what_writes_nothing_is_no_sign_of_health",
    ),
    ("embedded/database.py", "        if len(group) > 1 and not may_be_stored:", "        if len(group) > 1:", UNKNOWN),
    ("embedded/disk.py", "        if committing:", "        if False:", UNKNOWN),
    (
        "embedded/database.py",
        '.condition == "stuck":\n            raise DiskProblem',
        '.condition == "never":\n            raise DiskProblem',
        BEHIND,
    ),
    (
        "embedded/guarded.py",
        "return self.connection.damage_of(error) or unreadable(error) or error",
        "return error",
        f"{WRITING}::test_a_file_that_cannot_be_read_is_told_as_such",
    ),
    # the reserve
    (
        "embedded/database.py",
        "                self._reserve.renew()\n            self._db",
        "                pass\n            self._db",
        NO_ROOM,
    ),
    (
        "embedded/database.py",
        "        if self._reserve is not None and not self._reserve.kept:\n            raise",
        "        if False:\n            raise",
        ESSENTIAL,
    ),
    ("embedded/database.py", "for outcome in self._admit_and_attempt([job])", "for outcome in self._attempt([job])", IN_ONE_GROUP),
    ("embedded/database.py", "all(job.essential for job in group) and self._reserve.give_up()", "self._reserve.give_up()", IN_ONE_GROUP),
    ("embedded/database.py", "            if problem == FULL and self._gives_up_reserve(group):", "            if False:", IN_ONE_GROUP),
    ("embedded/database.py", "        has_room = self._reserve is None or self._reserve.kept", "        has_room = True", ESSENTIAL),
    (
        "embedded/records.py",
        "            return await self._writer.run(work, essential=True)",
        "            return await self._writer.run(work)",
        ESSENTIAL,
    ),
    ("embedded/records.py", "undone = await self._writer.run(work, essential=True)", "undone = await self._writer.run(work)", ESSENTIAL),
    ("embedded/records.py", "actor=actor, applied=applied), essential=True", "actor=actor, applied=applied)", ESSENTIAL),
    ("embedded/reserve.py", " and found.st_blocks * BLOCK_BYTES >= self._size", "", BLOCKS),
    ("embedded/reserve.py", "                    os.ftruncate(file.fileno(), self._size)", "                    pass", BLOCKS),
    ("embedded/reserve.py", "                self.give_up()\n            raise", "                pass\n            raise", NOTHING_LEFT),
    # what is shown is what is enforced
    (
        "embedded/records.py",
        "        return self._heard if self._heard and self._heard.supersedes(stored) else stored",
        "        return stored",
        HEARD,
    ),
    ("embedded/records.py", "        except (DiskFull, DiskFailed) as error:\n", "        except ZeroDivisionError as error:\n", IN_FORCE),
    (
        "embedded/records.py",
        "                self._durability.check()\n            self._writer",
        "                pass\n            self._writer",
        ENFORCED,
    ),
    ("embedded/records.py", "        return DiskFailed(health.sentence()) if health.refuses else None", "        return None", REFUSING),
    (
        "local/supervisor.py",
        "self.needs is not None or (self.writing is not None and self.writing.problem is not None)",
        "self.needs is not None",
        f"{SUPERVISOR}::test_a_region_whose_disk_takes_no_writes_is_as_ready_as_it_gets",
    ),
    # switches and takeovers
    (
        "controller.py",
        "            refuse_unable(target.writer, state.leader if target.serving is not state.leader else None, outlooks, self._names)\n",
        "",
        f"{CONTROLLER}::test_writing_is_not_switched_to_a_region_that_cannot_write",
    ),
    (
        "controller.py",
        "            refuse_unable(target.writer, None, outlooks, self._names)\n",
        "",
        f"{TAKEOVER}::test_a_survivor_that_cannot_write_is_not_made_the_writer",
    ),
    ("controller.py", "        return level(writer.head, survivor.head)", "        return True", STILL_THERE),
    ("controller.py", "not request.unattended or writer.writing.seconds < ", "writer.writing.seconds < ", STILL_THERE),
    ("controller.py", "or writer.writing.seconds < self._settings.unhealthy_seconds", "", STILL_THERE),
    (
        "controller.py",
        "        return level(writer.head, survivor.head)",
        "        return False",
        GIVEN_UP,
    ),
    # automatic mode
    ("automatic.py", "self.told.seconds >= settings.unhealthy_seconds", "self.told.problem is not None", LONG_ENOUGH),
    ("automatic.py", "        writes = self.state.writer is Role.PRIMARY", "        writes = True", LONG_ENOUGH),
    ("automatic.py", "    if situation.unacknowledged and not situation.begun:", "    if situation.unacknowledged:", FINISHED),
    ("automatic.py", "    if survivor.writing.problem is not None:", "    if False:", WAIT),
    ("automatic.py", "    if situation.writer.writing.problem is None and not situation.begun:", "    if False:", STAY),
    ("automatic.py", '    if situation.writer.writing.condition == "stuck":', "    if False:", STAY),
    ("automatic.py", "    if situation.writer.head.position != situation.survivor.head.position:", "    if False:", STAY),
    ("automatic.py", "state.state is State.FENCED and state in own", "state.state is State.FENCED", BEGINNING),
    (
        "automatic.py",
        'history if decision.what == "state" and decision.actor == ACTOR)\n    return state',
        'history if decision.what == "state")\n    return state',
        BEGINNING,
    ),
    ("automatic.py", "if withheld and not nobody_else else None", "if False else None", NO_LEASE),
    ("automatic.py", "if withheld and not nobody_else else None", "if withheld else None", KEEPS_LEASE),
    ("leases.py", "        if epoch == self.withheld_epoch and writing.problem is not None:", "        if False:", WITHHELD),
    (
        "leases.py",
        "        if epoch == self.withheld_epoch and writing.problem is not None:",
        "        if epoch == self.withheld_epoch:",
        WITHHELD,
    ),
    (
        "leases.py",
        "        if epoch == self.withheld_epoch and writing.problem is not None:",
        "        if writing.problem is not None:",
        WITHHELD,
    ),
    ("leases.py", "        return writing if told_epoch == epoch else WELL", "        return writing", TOLD),
]
