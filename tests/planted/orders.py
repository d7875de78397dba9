"""Guards of orders that cross, of what operators are told to do, of exit codes, and of a start without its authority, each with what
its absence looks like and the test that must then fail: (file, old, new, test)."""

ORDERS = "tests/unit/test_orders.py"
REHEARSAL = "tests/unit/test_rehearsal.py"
AUTOMATIC = "tests/unit/test_automatic.py"
EXITS = "tests/unit/test_exit_codes.py"
SUPERVISOR = "tests/unit/test_supervisor.py"
HEARD = "tests/unit/test_heard_authority.py"
LISTS = "tests/unit/test_cli_layout.py"
MOVES = "tests/contract/test_console_moves.py"
SEEDS = "tests/simulation/test_simulation.py::test_every_promise_holds"

CLAIMED = f"{ORDERS}::test_a_fence_that_finds_a_switch_on_its_way_through_stops_it"
LATER_HOLDS = f"{ORDERS}::test_who_is_told_that_it_is_so_already_is_not_undone_by_who_began_before"
HALF_DONE = f"{ORDERS}::test_what_an_interrupted_order_left_on_its_way_is_not_what_somebody_wanted"
FENCE_WINS = f"{ORDERS}::test_a_fence_wins_against_a_hand_over_that_comes_between"
LATER_FENCE = f"{ORDERS}::test_a_fence_does_not_undo_an_order_that_began_after_it"
SAME_WISH = f"{ORDERS}::test_two_who_want_the_same_are_not_in_each_others_way"
ONLY_TELLS = f"{ORDERS}::test_an_order_that_only_tells_the_regions_is_in_nobodys_way"
ENDS_TRUE = f"{ORDERS}::test_an_order_that_is_overtaken_while_it_tells_the_regions_does_not_end_well"
STOPS_TRUE = f"{ORDERS}::test_what_stops_an_order_is_not_told_of_a_state_that_another_has_changed"
ILLEGAL_TRUE = f"{ORDERS}::test_an_illegal_move_is_not_told_of_a_state_that_another_has_changed"
DRAINS = f"{ORDERS}::test_whoever_drains_hears_at_once_that_another_has_changed_the_state"
GOES_ON = f"{ORDERS}::test_a_switchover_that_was_interrupted_goes_on_to_where_it_was_going"
FROM_LEADER = f"{ORDERS}::test_a_switchover_of_a_fenced_application_moves_the_writing_from_whoever_wrote_last"
READ_ONLY = f"{ORDERS}::test_to_set_failover_stops_writing_there_as_well"
TAKEOVER = f"{ORDERS}::test_a_takeover_that_waits_for_a_lease_is_stopped_by_a_fence"
TWICE = f"{ORDERS}::test_a_region_that_answers_when_it_is_asked_again_is_not_called_lost"
USELESS = f"{ORDERS}::test_nobody_is_sent_to_give_up_a_region_where_that_would_not_help"
PRIMARY_LOST = f"{ORDERS}::test_the_region_that_is_lost_is_given_up_as_the_message_says"
SECONDARY_LOST = f"{ORDERS}::test_the_secondary_that_is_lost_is_given_up_as_the_message_says"
WAY_BACK = f"{ORDERS}::test_a_switch_that_does_not_drain_can_be_left_the_way_it_says"
SILENCE = "tests/contract/test_silence.py"
NO_AUTHORITY = f"{SILENCE}::test_status_shows_the_regions_and_first_that_the_authority_does_not_answer"
GOES_ON_SAID = f"{SILENCE}::test_what_goes_on_is_what_the_regions_say"
ADVICE = "tests/unit/test_advice.py"
NAMED = f"{ADVICE}::test_every_refusal_names_what_goes_on_without_the_region_that_is_dead"
DIES_LATER = f"{ADVICE}::test_a_region_that_dies_after_the_fence_is_told_from_a_slow_line"
NOBODY = f"{ADVICE}::test_where_both_are_dead_nobody_is_sent_to_give_one_up"
WHOLE_MOVE = f"{ADVICE}::test_an_order_that_cannot_be_obeyed_at_once_names_whole_commands"
WHOLE_STUCK = f"{ADVICE}::test_a_region_whose_disk_does_not_answer_is_given_up_by_a_whole_command"
OBJECTS_DEAD = f"{ADVICE}::test_objects_that_only_a_dead_region_has_keep_nobody_from_going_on"
ON_ITS_WAY = f"{HEARD}::test_what_was_on_its_way_since_before_the_decision_alarms_nobody"
MANY_ON_THEIR_WAY = f"{HEARD}::test_any_number_of_words_may_be_on_their_way"
SAID_AGAIN = f"{HEARD}::test_an_authority_that_says_it_again_knows_less_until_it_is_recovered"
NEEDS_A_WORD = f"{SUPERVISOR}::test_a_region_that_needs_a_word_is_up_at_once_and_ready_later"
TOLD_WHY = f"{SUPERVISOR}::test_whoever_wants_a_part_that_ends_at_its_start_is_told_why"
STILL_THERE = f"{SUPERVISOR}::test_a_part_that_ended_long_ago_is_not_taken_for_the_one_that_is_started"
NAMED_FIRST = f"{SUPERVISOR}::test_a_wish_is_there_until_the_new_process_is_named"
WAITED_FOR = f"{SUPERVISOR}::test_a_region_that_serves_reads_is_up_when_it_has_been_waited_for"
MAY_BE_UNTOLD = f"{EXITS}::test_a_region_that_does_not_serve_may_be_untold"

MUTANTS: list[tuple[str, str, str, str]] = [
    # orders that cross
    ("controller.py", "if other is None and not await self.orders.unfinished(state):", "if True:", CLAIMED),
    ("controller.py", "if other is None and not await self.orders.unfinished(state):", "if True:", SEEDS),
    ("controller.py", "if other is None and not await self.orders.unfinished(state):", "if other is None:", HALF_DONE),
    (
        "controller.py",
        "if other is None and not await self.orders.unfinished(state):",
        "if not await self.orders.unfinished(state):",
        LATER_HOLDS,
    ),
    (
        "controller.py",
        "            await self.orders.refuse_if_overtaken(request)\n            self.orders.ends",
        "            self.orders.ends",
        FENCE_WINS,
    ),
    ("controller.py", "            self.orders.ends_decided(request)\n", "", ONLY_TELLS),
    (
        "controller.py",
        "            await self.orders.refuse_if_overtaken(request)\n            raise SwitchFailed(advice.outdated",
        "            raise SwitchFailed(advice.outdated",
        FENCE_WINS,
    ),
    (
        "controller.py",
        "            if request.is_met_by(state):\n                return",
        "            if request.to is state.state:\n                return",
        READ_ONLY,
    ),
    (
        "controller.py",
        'name="fence", facts=request.towards())\n                yield step\n            async',
        'name="fence")\n                yield step\n            async',
        HALF_DONE,
    ),
    (
        "controller.py",
        'name="fence", facts=request.towards())\n                yield step\n                yield await',
        'name="fence")\n                yield step\n                yield await',
        TAKEOVER,
    ),
    ("controller.py", "if state.state is State.FENCED and (towards :=", "if False and (towards :=", GOES_ON),
    ("controller.py", "left = state.leader if state.state is State.FENCED else state.serving", "left = state.serving", FROM_LEADER),
    ("orders.py", " and order.wants != own.wants", "", SAME_WISH),
    ("orders.py", " and order.may_decide and", " and", ONLY_TELLS),
    (
        "orders.py",
        "        order.known, order.has_decided = state, True\n",
        "        order.has_decided = True\n",
        f"{ORDERS}::test_with_nothing_under_way_what_is_so_already_takes_no_epoch",
    ),
    ("orders.py", "            await self.orders.refuse_if_overtaken(begun)\n\n", "\n", ENDS_TRUE),
    (
        "orders.py",
        "                await self.orders.refuse_if_overtaken(begun)\n                raise",
        "                raise",
        STOPS_TRUE,
    ),
    ("orders.py", "except (SwitchFailed, IllegalMove):", "except IllegalMove:", STOPS_TRUE),
    ("orders.py", "except (SwitchFailed, IllegalMove):", "except SwitchFailed:", ILLEGAL_TRUE),
    ("orders.py", "return request.to is State.FENCED and", "return False and", FENCE_WINS),
    ("orders.py", " and self._decided_last < request.number", "", LATER_FENCE),
    (
        "automatic.py",
        "if reason is not None and (before is None or reason.code != before.code):",
        "if reason is not None and reason != before:",
        f"{AUTOMATIC}::test_a_reason_is_logged_once_though_its_figures_change",
    ),
    ("automatic.py", "        self._waits = None\n", "", f"{AUTOMATIC}::test_while_it_takes_over_it_says_so"),
    (
        "rehearsal.py",
        "        outlooks = await self._outlooks()\n        state = await self._authority.read()  #",
        "        state = await self._authority.read()\n        outlooks = await self._outlooks()  #",
        f"{REHEARSAL}::test_a_decision_while_the_regions_are_asked_is_no_old_backup",
    ),
    (
        "rehearsal.py",
        "(wish.request.is_met_by(state) and not passing)",
        "wish.request.is_met_by(state)",
        f"{REHEARSAL}::test_to_fence_is_offered_while_an_order_goes_through_the_fenced_state",
    ),
    (
        "api/operator.py",
        "            if meant:\n",
        "            if False:\n",
        f"{MOVES}::test_what_to_set_a_state_cannot_mean_is_refused_and_not_ignored",
    ),
    ("controller.py", "            await self.orders.refuse_if_overtaken(request)\n            heads =", "            heads =", DRAINS),
    # what operators are told to do
    ("controller.py", " and (silent := await self._silent()):", ":", TWICE),
    (
        "controller.py",
        "if target.serving is leader and not level(heads[leader], heads[other]):",
        "if target.serving is leader and None in heads.values():",
        WAY_BACK,
    ),
    ("advice.py", "return why if len(silent) > 1 or state.writer is dead.other else", "return", USELESS),
    ("advice.py", "return why if len(silent) > 1 or", "return why if", USELESS),
    ("advice.py", "' --region-lost' * (not has_led)", "''", NAMED),
    ("advice.py", '"state set active" if has_led and', '"state set active" if', NAMED),
    ("advice.py", "    if state.serving is survivor:\n", "    if False:\n", PRIMARY_LOST),
    ("advice.py", "State.FAILOVER if survivor is Role.SECONDARY else State.FENCED", "State.FAILOVER", SECONDARY_LOST),
    ("advice.py", '    if len(silent) > 1:\n        return f"{decided}', '    if False:\n        return f"{decided}', NOBODY),
    ("advice.py", '    if not silent:\n        return f"{why}. {planned}"\n', "", WHOLE_MOVE),
    ("advice.py", "    if not other_answers:\n", "    if True:\n", NAMED),
    ("advice.py", "    for role, error in silent.items():\n", "    for role, error in ():\n", DIES_LATER),
    (
        "advice.py",
        "`multiregion {order_for(wanted)}` does that first",
        "`multiregion {order_for(wanted.other)}` does that first",
        WHOLE_MOVE,
    ),
    ("health.py", "{order_for(fenced.other)} --region-lost", "{order_for(fenced)} --region-lost", WHOLE_STUCK),
    ("controller.py", "advice.not_drained(*told, await self._silent())", "advice.not_drained(*told, {})", DIES_LATER),
    ("preparation.py", '("" if isinstance(done[target.other], Repaired) else', '("" if True else', OBJECTS_DEAD),
    ("advice.py", '"state set active" if leader is Role.PRIMARY else "failover --writable"', '"state set active"', WAY_BACK),
    # while the authority is silent
    (
        "cli/deployment.py",
        "        except Silence as silent:\n            return",
        "        except TypeError as silent:\n            return",
        NO_AUTHORITY,
    ),
    ("cli/status.py", "Group(*without_authority(found), regions", "Group(regions", NO_AUTHORITY),
    (
        "cli/silence.py",
        '"answers": not said["damaged"]',
        '"answers": True',
        f"{SILENCE}::test_status_shows_what_cannot_be_asked_and_what_helps",
    ),
    ("cli/silence.py", 'and said["writes"] and said["leaseSeconds"] is not None:', "and False:", GOES_ON_SAID),
    ("cli/silence.py", "    if changes:\n", "    if True:\n", f"{SILENCE}::test_only_an_order_is_told_what_became_of_it"),
    ("cli/silence.py", "if authority == FROZEN else", "if False else", f"{SILENCE}::test_what_starts_it_is_named_by_how_its_processes_are"),
    # exit codes
    ("cli/state.py", "    if serving(end) in untold:", "    if untold:", MAY_BE_UNTOLD),
    ("cli/state.py", "    if serving(end) in untold:", "    if False:", f"{EXITS}::test_the_region_that_serves_must_have_confirmed"),
    ("cli/state.py", "        warnings.print(", "        console.print(", MAY_BE_UNTOLD),
    (
        "cli/state.py",
        "untold = [region for region, outcome in told_last.items() if outcome",
        'untold = [region for region in told_last if any(s["outcome"] != "done" for s in steps) or told_last[region]',
        f"{EXITS}::test_a_region_that_has_confirmed_in_the_end_is_told",
    ),
    ("cli/state.py", 'if lost and end["writer"]:', "if lost:", f"{EXITS}::test_a_loss_is_announced_only_where_the_writing_has_moved"),
    ("cli/__init__.py", "        if shown != argument:\n", "        if False:\n", f"{EXITS}::test_what_is_not_in_utf_8_is_a_wrong_call"),
    (
        "local/up.py",
        "    for role in Role:\n",
        "    for role in (Role.PRIMARY,):\n",
        f"{SUPERVISOR}::test_beside_a_damaged_region_the_other_one_knows_the_administrator",
    ),
    # a start on somebody's wish
    ("local/faults.py", "if not wish.exists() and self.condition(part) == ENDED:", "if False:", TOLD_WHY),
    ("local/faults.py", "if not wish.exists() and self.condition(part) == ENDED:", "if self.condition(part) == ENDED:", STILL_THERE),
    (
        "local/supervisor.py",
        "                if not await self._still_runs(part):\n",
        "                wish.unlink(missing_ok=True)\n                if not await self._still_runs(part):\n",
        NAMED_FIRST,
    ),
    # a start without its authority
    ("local/served.py", "TIMES_HEARD = 2", "TIMES_HEARD = 1", ON_ITS_WAY),
    ("local/served.py", "            if self._refused == 1:\n", "            if False:\n", MANY_ON_THEIR_WAY),
    ("local/served.py", "0 if told.is_taken_by(admitted) else self._refused + 1", "self._refused + 1", SAID_AGAIN),
    ("local/supervisor.py", "if part.is_final or (", "if part.ready or (", NEEDS_A_WORD),
    ("local/supervisor.py", "return [part for part in waiting if part.ready]", "return waiting", NEEDS_A_WORD),
    ("local/supervisor.py", "        if not part.answers:\n", "        if True:\n", WAITED_FOR),
    (
        "local/supervisor.py",
        "        if not part.answers:\n",
        "        if False:\n",
        f"{SUPERVISOR}::test_a_region_that_does_not_answer_is_not_up",
    ),
    ("local/supervisor.py", "                on_waiting(part)\n", "                pass\n", WAITED_FOR),
    (
        "cli/status.py",
        '"◌ reads only" if region.get("needs") else "◌ starting"',
        '"◌ starting"',
        f"{LISTS}::test_a_word_that_only_an_operator_can_say_is_said_once",
    ),
]
