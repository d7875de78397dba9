"""Guards that keep a repair from taking what is still needed: (file, old, new, test)."""

REBUILD = "tests/unit/test_rebuild.py"
CLAIMS = "tests/unit/test_rebuild_claims.py"
DAMAGE = "tests/contract/test_damage.py"
ACCEPTING = "tests/unit/test_accepting.py"
REGISTRY = "tests/unit/test_registry.py"

UNDER_WAY = f"{CLAIMS}::test_while_a_region_is_repaired_neither_can_be"
RESTARTED = f"{CLAIMS}::test_a_repair_is_known_after_a_restart_of_the_authority_until_its_region_is_whole"
LEFT_BEHIND = f"{CLAIMS}::test_a_command_that_ended_with_its_authority_does_not_keep_the_next_from_beginning"
DONE = f"{REBUILD}::test_it_is_done_when_the_region_has_begun_again_and_is_whole"
REFUSED = f"{CLAIMS}::test_what_was_refused_is_claimed_and_held_no_more"
UNCONFIRMED = f"{CLAIMS}::test_an_order_that_was_not_confirmed_may_have_arrived_so_the_source_stays_held"
REACHES = f"{CLAIMS}::test_a_region_that_does_not_reach_its_source_itself_keeps_its_database[True]"
NO_SOURCE = f"{CLAIMS}::test_a_source_that_keeps_its_database_for_another_repair_is_none"
HELD = f"{DAMAGE}::test_a_database_that_the_other_region_is_copied_from_stays"
ONCE = f"{DAMAGE}::test_a_database_is_set_aside_with_its_journal_and_once_for_each_order"
STARTS = f"{DAMAGE}::test_a_region_with_a_damaged_database_starts_says_so_and_begins_again_without_it"
UNFIT = f"{DAMAGE}::test_what_is_not_sound_or_does_not_continue_is_not_put_back"
MEANWHILE = f"{DAMAGE}::test_what_was_written_meanwhile_is_not_replaced"
CUT = f"{ACCEPTING}::test_what_the_other_region_has_is_not_given_up_while_only_the_line_is_cut"
FORKED = f"{ACCEPTING}::test_what_the_other_region_has_counts_though_its_log_does_not_continue_this_one"
UNHEARD = f"{ACCEPTING}::test_what_the_other_region_has_that_the_authority_has_not_heard_of_is_not_given_up_either"
MANY = f"{ACCEPTING}::test_without_the_other_region_few_writes_are_given_up_on_the_word_alone_and_many_with_accept_loss"
NEITHER = f"{ACCEPTING}::test_what_the_other_region_does_not_have_either_can_be_given_up"
KEPT = f"{ACCEPTING}::test_what_lies_in_a_folder_is_not_written_off_without_a_word[secondary]"
SILENT = f"{ACCEPTING}::test_nothing_is_written_off_before_the_other_region_has_said_what_it_keeps"
BESIDE = f"{ACCEPTING}::test_what_a_repair_gives_up_is_not_the_word_to_go_on_without_the_other_region"

MUTANTS: list[tuple[str, str, str, str]] = [
    # one repair at a time
    ("rebuild.py", "if found is not None and (found.id in self._own or not", "if found is not None and (not", UNDER_WAY),
    ("rebuild.py", "(found.role is role or await self._is_whole(found.role))", "True", RESTARTED),
    ("rebuild.py", "(found.role is role or await self._is_whole(found.role))", "found.role is role", LEFT_BEHIND),
    (
        "embedded/authority.py",
        "if claim_in(session.db) != old:",
        "if False:",
        f"{CLAIMS}::test_one_that_read_the_claims_before_another_began_is_refused",
    ),
    ("rebuild.py", "            if not may_lack:\n", "            if False:\n", REFUSED),
    ("rebuild.py", "            if not may_lack:\n", "            if True:\n", UNCONFIRMED),
    ("rebuild.py", "                await self._regions[role].release(held_for)", "                pass", LEFT_BEHIND),
    (
        "rebuild.py",
        "            except RepairFailed:\n                may_lack = False\n",
        "            except RepairFailed:\n",
        f"{CLAIMS}::test_what_a_region_itself_refuses_is_claimed_no_more",
    ),
    # the source keeps its database
    ("rebuild.py", "            await self._regions[source].hold(claim.id)", "            pass", DONE),
    ("rebuild.py", "found.problem is not None or found.held_for != claim", "found.problem is not None", NO_SOURCE),
    ("rebuild.py", "found.problem is not None or found.held_for != claim", "found.held_for != claim", NO_SOURCE),
    ("embedded/aside.py", "    if held_for(database) is not None:\n        raise", "    if False:\n        raise", HELD),
    ("embedded/aside.py", "    if held_for(database) is not None:\n        log", "    if False:\n        log", HELD),
    ("embedded/aside.py", "    if held_for(database) == claim:\n", "    if True:\n", HELD),
    ("embedded/aside.py", "    if database.with_name(ORDER).exists():\n        raise", "    if False:\n        raise", ONCE),
    ("local/region.py", "        if not (await self.outlook()).ready:\n", "        if False:\n", STARTS),
    # and is reached
    ("rebuild.py", "        await self._asked(role, self._regions[role].check_source(claim.id))", "        pass", REACHES),
    ("local/damaged.py", "        await self.check_source(claim)\n", "", STARTS),
    # what an operator's word gives up
    ("accepting.py", "        if has:\n", "        if has and not accept_loss:\n", CUT),
    ("accepting.py", "            if len(await self._not_in(other, lacking)) < len(lacking):\n                return True\n", "", FORKED),
    ("accepting.py", "return continues and bool(await self._not_in(other.other, [standing.end]))", "return False", UNHEARD),
    ("accepting.py", "(writes is None or writes > self._loss_changes_max)", "(writes is None)", MANY),
    ("registry.py", "silent_seconds is not None and silent_seconds <= HEARD_SECONDS", "False", CUT),
    ("registry.py", "other is not None and other.whole", "True", NEITHER),
    ("continuity.py", "known.accepted or (known.given_up and other is not None)", "known.accepted or known.given_up", BESIDE),
    (
        "rebuild.py",
        '"role": role, "beside": True}',
        '"role": role}',
        f"{REBUILD}::test_what_is_given_up_is_known_to_the_authority_before_the_region_begins_again",
    ),
    # what was set aside
    ("continuity.py", "return chosen if self._put_back is None else Course.WAIT", "return chosen", KEPT),
    ("continuity.py", "return Course.ASK if chosen is Course.WRITE_OFF else chosen", "return chosen", SILENT),
    ("accepting.py", "        if lacking and (kept := await self._kept(lacking)) is not None:\n", "        if False:\n", KEPT),
    ("local/damaged.py", "if fits(file) and await self._is_sound(file):", "if fits(file):", UNFIT),
    ("local/damaged.py", "aside.has(file, end) and aside.end_in(file) != end", "aside.end_in(file) != end", UNFIT),
    ("local/damaged.py", "aside.has(file, end) and aside.end_in(file) != end", "aside.has(file, end)", UNFIT),
    ("embedded/aside.py", " and not continues(database, back.read_text()):", " and False:", MEANWHILE),
    (
        "embedded/aside.py",
        "        database.with_name(PUT_BACK).unlink()\n        raise",
        "        raise",
        f"{DAMAGE}::test_a_database_that_is_held_is_replaced_by_none",
    ),
]
