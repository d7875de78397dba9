"""Guards against storage that is lost or damaged, each with what its absence looks like and the test that must then fail:
(file, old, new, test)."""

LOCAL = "tests/contract/test_local_objects.py"
LOGGED = "tests/contract/test_logged_records.py"
DAMAGE = "tests/contract/test_damage.py"
SERVED = "tests/contract/test_application_objects.py"
REPAIR = "tests/unit/test_repair.py"
REBUILD = "tests/unit/test_rebuild.py"
REPLICATION = "tests/unit/test_replication.py"
BYTES = "tests/unit/test_replicated_objects.py"
CONTROLLER = "tests/unit/test_controller.py"
VERIFICATION = "tests/unit/test_verification.py"

NOT_SERVED = f"{LOCAL}::test_damaged_bytes_are_never_given_out_whole_or_in_part"
TOLD_AS_IT_IS = f"{REPAIR}::test_what_no_region_can_give_is_told_as_it_is"
BOTH_SWEPT = f"{SERVED}::test_objects_go_from_a_region_that_follows_too_once_it_has_its_records"
GIVEN_UP = f"{REBUILD}::test_writes_that_only_this_region_has_are_given_up_only_on_the_operators_word"
NO_SOURCE = f"{REBUILD}::test_what_is_not_whole_itself_is_no_source"
UNREADABLE_END = f"{REBUILD}::test_what_a_leader_has_whose_log_cannot_be_read_is_unknown"
KILLED = f"{DAMAGE}::test_whoever_is_killed_in_the_middle_finishes_it_at_the_next_start"
LEDGER = "tests/contract/test_ledger.py"
FOUND_AGAIN = "test_what_was_written_off_and_is_in_the_log_again_is_not_lost"
AUDIT = "tests/unit/test_audit.py"
AUDITED = f"{AUDIT}::test_what_has_changed_is_put_back[id]"
UNSAVED = f"{AUDIT}::test_one_that_no_region_has_whole_is_told_and_nothing_wrong_is_copied"
AS_SENT = "test_one_that_nobody_has_copied_yet_is_put_back_from_its_record_as_it_is_sent"
MOVED = "tests/contract/test_writing.py::test_a_file_that_is_moved_under_the_process_takes_no_writes_until_it_is_back"
LITTER = f"{LOCAL}::test_whatever_stands_in_an_objects_place_is_found_and_gives_way"
COUNTLESS = f"{REBUILD}::test_what_nobody_can_count_is_in_the_ledger_before_the_file_is_set_aside"
BEYOND_IT = "test_what_came_after_the_newest_that_is_here_is_listed_and_counts_for_nothing_else"
SILENCE = "tests/contract/test_silence.py"
LOSSES = "tests/unit/test_losses.py"
STARTS = f"{DAMAGE}::test_a_region_with_a_damaged_database_starts_says_so_and_begins_again_without_it"
BY_THE_OTHER = f"{AUDIT}::test_one_that_the_other_region_alone_has_whole_is_put_back_with_its_record_as_soon_as_that_region_answers"
DIFFER = f"{LOSSES}::test_where_the_ledgers_differ_the_contents_that_the_chain_names_are_applied"
MEANWHILE = f"{LOSSES}::test_what_was_applied_meanwhile_is_not_told_to_be_discarded"
TOLD_BOTH = f"{LOSSES}::test_two_operators_are_both_told_what_counts_in_the_end"
UNPROVED = f"{LOSSES}::test_contents_of_which_none_is_proved_are_kept_back_until_the_operator_chooses"
FORGOTTEN = "tests/unit/test_predictions.py::test_a_survivor_that_lacks_what_it_had_takes_over_only_by_an_operators_word"
LEADS = "tests/unit/test_takeover.py::test_whoever_wrote_last_loses_nothing_by_coming_back"
WAITS = "tests/unit/test_automatic.py::test_a_secondary_that_lacks_what_it_had_waits_for_the_primary_or_an_operator"

MUTANTS: list[tuple[str, str, str, str]] = [
    # what is given out
    ("embedded/objects.py", 'sound = file_digest(file, "sha256").hexdigest() == digest', "sound = True", NOT_SERVED),
    (
        "api/objects.py",
        "found = await self._objects.file(digest)",
        "found = await self._objects.look(digest, deep=False)",
        f"{SERVED}::test_damaged_bytes_are_not_served",
    ),
    (
        "embedded/objects.py",
        "if error.errno not in UNREADABLE:",
        "if True:",
        f"{LOCAL}::test_what_cannot_be_read_is_damaged_and_what_is_not_there_is_missing",
    ),
    (
        "embedded/objects.py",
        "            await self._mend(digest, found.condition)\n",
        "",
        f"{LOCAL}::test_a_reader_gets_what_could_be_put_right",
    ),
    (
        "embedded/objects.py",
        " and self._clock.monotonic() < until",
        "",
        f"{LOCAL}::test_a_large_object_is_read_again_after_a_while",
    ),
    (
        "embedded/objects.py",
        "return identity == identity_of(stat) and",
        "return identity is not None and",
        f"{LOCAL}::test_a_large_object_is_read_again_when_its_file_was_touched",
    ),
    ("embedded/objects.py", "stat.st_size > ALWAYS_READ_BYTES_MAX", "True", f"{LOCAL}::test_a_smaller_one_is_read_each_time"),
    # repairs
    (
        "repair.py",
        "        task = self._under_way.get(digest)\n",
        "        task = None\n",
        f"{REPAIR}::test_many_readers_of_one_object_fetch_it_once",
    ),
    (
        "repair.py",
        "if len(self._under_way) >= UNDER_WAY_MAX:",
        "if False:",
        f"{REPAIR}::test_a_few_are_fetched_at_once_and_of_too_many_readers_the_last_are_told",
    ),
    (
        "repair.py",
        "asyncio.Semaphore(FETCHES_MAX)",
        "asyncio.Semaphore(1_000)",
        f"{REPAIR}::test_a_few_are_fetched_at_once_and_of_too_many_readers_the_last_are_told",
    ),
    (
        "repair.py",
        "        if not await self._records.is_needed(digest):\n            self.known.pop(digest, None)\n            return\n",
        "",
        f"{REPAIR}::test_what_nothing_needs_any_more_is_not_brought_back",
    ),
    (
        "repair.py",
        "if failure is not None and self._clock.monotonic() - failure.at < RETRY_SECONDS:",
        "if False:",
        f"{REPAIR}::test_the_other_region_is_not_asked_by_every_reader_while_it_does_not_have_it",
    ),
    ("repair.py", "kind = NotFound if condition is Condition.MISSING else Damaged", "kind = NotFound", TOLD_AS_IT_IS),
    (
        "repair.py",
        "            except (NotFound, Damaged) as error:\n                result.lost",
        "            except NotReady as error:\n                result.lost",
        f"{REPAIR}::test_everything_that_is_missing_or_known_to_be_damaged_is_repaired",
    ),
    (
        "scrub.py",
        "max(OBJECT_SECONDS_MIN, size / self._pace.bytes_per_second)",
        "OBJECT_SECONDS_MIN",
        f"{REPAIR}::test_the_scrub_reads_no_faster_than_it_may_and_begins_again_when_it_is_time",
    ),
    (
        "scrub.py",
        "self.progress = read(note)",
        "self.progress = Progress()",
        f"{REPAIR}::test_a_restart_goes_on_where_the_scrub_was",
    ),
    (
        "scrub.py",
        "await self._repairs.run([digest], deep=True)",
        "await self._repairs.run([digest])",
        f"{REPAIR}::test_a_round_of_the_scrub_finds_and_repairs_what_nobody_has_asked_for",
    ),
    (
        "verification.py",
        "                verdict.note_repaired(each)",
        "                verdict.add(each)",
        f"{VERIFICATION}::test_what_could_be_repaired_is_equal_and_what_could_not_is_told_with_the_reason",
    ),
    (
        "embedded/schema.py",
        "WHERE outcome = 'pending' AND each.value > ?1",
        "WHERE each.value > ?1",
        f"{LOGGED}::test_the_objects_that_something_needs_are_paged_through_in_order_each_once",
    ),
    # before a switch
    (
        "preparation.py",
        "    if of_target.failed:",
        "    if False:",
        f"{CONTROLLER}::test_a_switch_is_refused_before_it_fences_if_the_target_would_lack_an_object",
    ),
    (
        "preparation.py",
        "    if not isinstance(of_target, Repaired):\n        raise",
        '    if not isinstance(of_target, Repaired):\n        return ""\n        raise',
        f"{CONTROLLER}::test_a_target_that_does_not_say_what_it_has_is_not_switched_to",
    ),
    # a delete deletes, and nothing else does
    ("sweep.py", "if is_writer or await follows_log(stores):", "if is_writer:", BOTH_SWEPT),
    ("sweep.py", "isinstance(stores, LoggedRegion) and await", "await", BOTH_SWEPT),
    ("sweep.py", " and await stores.records.is_whole()", "", BOTH_SWEPT),
    (
        "embedded/objects.py",
        "            os.utime(place, (now, now))",
        "            place.stat()",
        f"{LOCAL}::test_what_is_claimed_is_not_discarded",
    ),
    (
        "replication.py",
        "    while missing := [digest for",
        "    if missing := [digest for",
        f"{BYTES}::test_an_object_that_is_here_is_not_swept_before_the_record_that_needs_it_has_come",
    ),
    (
        "replication.py",
        "        raise Unneeded(",
        "        raise NotFound(",
        f"{BYTES}::test_bytes_of_what_was_deleted_meanwhile_are_not_waited_for",
    ),
    (
        "replication.py",
        "        if await region.records.is_needed(digest):\n            raise\n",
        "",
        f"{BYTES}::test_bytes_that_are_needed_and_damaged_are_waited_for_and_told",
    ),
    (
        "replication.py",
        "            if there != changes[-1].mark:",
        "            if False:",
        f"{BYTES}::test_bytes_that_a_region_with_another_file_does_not_need_are_waited_for",
    ),
    (
        "replication.py",
        "                if not skip_unneeded:\n                    raise\n",
        "",
        f"{BYTES}::test_a_lost_write_is_not_made_again_without_its_bytes",
    ),
    (
        "reapply.py",
        "        await region.objects.file(digest)  # sound, or fetched again",
        "        pass",
        "tests/unit/test_losses.py::test_a_photo_whose_picture_is_damaged_does_not_come_back_with_it",
    ),
    # a damaged database
    (
        "embedded/guarded.py",
        "            return super().execute(sql, parameters)\n        except sqlite3.Error as error:",
        "            return super().execute(sql, parameters)\n        except sqlite3.Warning as error:",
        f"{DAMAGE}::test_a_read_of_a_damaged_page_is_told_and_the_others_go_on",
    ),
    (
        "embedded/guarded.py",
        "            return super().__next__()\n        except sqlite3.Error as error:",
        "            return super().__next__()\n        except sqlite3.Warning as error:",
        f"{DAMAGE}::test_a_log_that_is_damaged_is_told_to_who_follows_it",
    ),
    (
        "embedded/database.py",
        "damage = self._db.damage_of(error)",
        "damage = None",
        f"{DAMAGE}::test_a_write_that_comes_upon_a_damaged_page_is_told_and_writes_nothing",
    ),
    ("embedded/aside.py", "    folder.mkdir(exist_ok=True)\n", "    folder.mkdir()\n", KILLED),
    (
        "embedded/aside.py",
        "    if not note.exists():\n        stamp",
        "    if True:\n        stamp",
        f"{DAMAGE}::test_a_database_is_set_aside_with_its_journal_and_once_for_each_order",
    ),
    ("rebuild.py", "if damage.problem is not None or not outlook.ready:", "if not outlook.ready:", NO_SOURCE),
    ("rebuild.py", "if damage.problem is not None or not outlook.ready:", "if damage.problem is not None:", NO_SOURCE),
    ("rebuild.py", "{NO_SOURCE}. {why}.{helps}", "{NO_SOURCE}. {why}.", NO_SOURCE),
    ("rebuild.py", "({error.detail}), {NO_SOURCE}. {NEITHER}", "({error.detail}), {NO_SOURCE}", NO_SOURCE),
    ("rebuild.py", "        if not accept_loss:\n", "        if False:\n", GIVEN_UP),
    (
        "rebuild.py",
        "return own.position.sequence - there.sequence if is_ahead else None",
        "return own.position.sequence - there.sequence if is_ahead else 0",
        GIVEN_UP,
    ),
    ("rebuild.py", "return None if await self._may_have_own(role) else 0", "return 0", UNREADABLE_END),
    ("rebuild.py", "if state.leader is role or report is None", "if report is None", UNREADABLE_END),
    (
        "rebuild.py",
        "await self._regions[role].outlook() if newest == kept else None",
        "await self._regions[role].outlook()",
        f"{REBUILD}::test_it_is_done_when_the_region_has_begun_again_and_is_whole",
    ),
    (
        "rebuild.py",
        "            if self._clock.monotonic() - moved_at > STALL_SECONDS:",
        "            if self._clock.monotonic() - moved_at > 1_000 * STALL_SECONDS:",
        f"{REBUILD}::test_copying_that_stands_still_is_told",
    ),
    ("rebuild.py", "if epoch not in (None, state.epoch):", "if False:", f"{REBUILD}::test_an_order_of_another_epoch_changes_nothing"),
    (
        "local/serve.py",
        "            except DatabaseDamaged as damage:\n                return",
        "            except BadDeployment as damage:\n                return",
        STARTS,
    ),
    ("cli/users.py", 'or answer.get("detail") ', "", f"{SILENCE}::test_a_command_that_meets_a_damaged_region_says_so_and_what_to_run"),
    ("api/damaged.py", '        if TARGET in request.headers.get("x-amz-target", ""):\n', "        if False:\n", STARTS),
    ("rebuild.py", "            await self._enter_loss(role, damage.end)\n", "            pass\n", COUNTLESS),
    (
        "rebuild.py",
        "        if only_here != 0:\n",
        "        if True:\n",
        f"{REBUILD}::test_where_nothing_is_missing_nothing_is_in_the_ledger",
    ),
    ("rebuild.py", "{BEYOND}{report.store if report else known.chain}", "{GAP}{known.chain}", COUNTLESS),
    ("rebuild.py", "if shared == there.position else 0", "if False else 0", f"{REBUILD}::test_what_was_told_of_is_counted_in_the_entry"),
    ("embedded/ledger.py", " AND chain NOT LIKE '{BEYOND}%'", "", f"{LEDGER}::{BEYOND_IT}"),
    (
        "rebuild.py",
        "            await self._reports.report(role, msgspec.structs.replace(report, end=end))",
        "            pass",
        f"{REBUILD}::test_what_is_given_up_is_known_to_the_authority_before_the_region_begins_again",
    ),
    (
        "rebuild.py",
        "        if (await self._authority.read()).leader is role:\n",
        "        if False:\n",
        f"{REBUILD}::test_what_is_given_up_is_known_to_the_authority_before_the_region_begins_again",
    ),
    (
        "verification.py",
        "while not self._repair and any(",
        "while False and any(",
        f"{VERIFICATION}::test_an_object_that_is_on_its_way_is_looked_for_again_and_one_that_does_not_come_is_missing",
    ),
    (
        "embedded/database.py",
        "        if (damage := self._db.about.damage) is not None:\n            raise damage\n",
        "",
        f"{DAMAGE}::test_what_was_found_to_be_damaged_is_written_to_no_more",
    ),
    (
        "embedded/database.py",
        "        if self._db.about.damage is not None and self._meter is not None:",
        "        if False:",
        f"{DAMAGE}::test_what_was_found_to_be_damaged_is_written_to_no_more",
    ),
    (
        "controller.py",
        "or not await self._is_ready(leader):",
        "or False:",
        f"{CONTROLLER}::test_a_leader_that_may_lack_something_hands_over_only_when_it_is_ready",
    ),
    # files that are moved, and what stands in their place
    ("embedded/database.py", "        check_in_place(self._files)\n", "", MOVED),
    ("embedded/database.py", "same = file.stat().st_ino == inode", "same = file.exists()", MOVED),
    ("embedded/objects.py", "if not S_ISREG(stat.st_mode):", "if False:", LITTER),
    ("embedded/objects.py", "        if is_folder(place):\n", "        if False:\n", LITTER),
    ("embedded/objects.py", "if os.path.lexists(folder) and not folder.is_dir():", "if False:", LITTER),
    ("embedded/objects.py", "            if not place.is_file():\n                return False\n", "", LITTER),
    # what is told beside a damaged region
    (
        "losses.py",
        "            except Unavailable:",
        "            except Unreachable:",
        f"{LOSSES}::test_an_id_that_is_in_no_ledger_is_refused_and_one_that_may_be_in_a_silent_region_is_not_denied",
    ),
    (
        "replication.py",
        "None if wants_changes or await",
        "None if await",
        f"{REPLICATION}::test_that_the_other_log_went_another_way_is_told_while_this_region_leads_and_no_longer",
    ),
    # a byte that has changed inside a log
    ("embedded/entries.py", "if linked(before, change) != change.chain:", "if False:", AUDITED),
    (
        "embedded/entries.py",
        "    if leads_on(db, position.sequence, link):\n",
        "    if False:\n",
        f"{AUDIT}::test_what_has_changed_is_put_back[chain]",
    ),
    ("embedded/entries.py", "if linked(before, each) == here.chain:", "if True:", UNSAVED),
    ("audit.py", "is_whole = not await records.put_back(change.position) and is_whole", "pass", f"{AUDIT}::{AS_SENT}"),
    ("audit.py", " or await self._records.put_back(position, await self._fetched(position))", "", AUDITED),
    ("chains.py", "        if end.chain != change.chain:\n", "        if False:\n", UNSAVED),
    (
        "rebuild.py",
        "        if places := await self._regions[role].audit():\n",
        "        if False:\n",
        f"{REBUILD}::test_a_source_whose_log_is_damaged_is_found_before_anything_is_set_aside",
    ),
    (
        "verification.py",
        "await side.audit() if self._deep else ()",
        "()",
        f"{VERIFICATION}::test_a_log_is_read_through_with_the_bytes_and_not_otherwise[True]",
    ),
    (
        "embedded/entries.py",
        "    if link == here.chain:\n        db.execute(MEND_RECORD, (position.sequence,))\n",
        "    if link == here.chain:\n",
        f"{AUDIT}::test_a_record_is_put_back_from_the_entry_that_wrote_it",
    ),
    ("embedded/ledger.py", "IN (change.chain, '{GAP}' || change.chain)", "IN (change.chain)", f"{LEDGER}::{FOUND_AGAIN}"),
    # two decisions under one number
    (
        "embedded/records.py",
        "        if self._disputed == newest:\n",
        "        if False:\n",
        f"{LOGGED}::test_two_states_under_one_number_stop_writing_until_something_else_is_decided",
    ),
    ("audit.py", " and not await self._put_back(position, again=True)", "", BY_THE_OTHER),
    (
        "embedded/entries.py",
        "            db.execute(MEND_RECORD, (position.sequence,))\n            return True\n    return",
        "            return True\n    return",
        BY_THE_OTHER,
    ),
    # a ledger whose bytes have changed
    ("losses.py", '        if len({linked("", change) for change in changes}) == 1:', "        if True:", DIFFER),
    ("losses.py", "        chains |= {mark.chain for answer", "        _ = {mark.chain for answer", DIFFER),
    ("losses.py", "            if entry.disputed:", "            if False:", UNPROVED),
    ("losses.py", "        if counts != outcome:", "        if False:", MEANWHILE),
    ("reapply.py", "    if await records.outcome(Mark(lost.position, lost.chain)) == DISCARDED:", "    if False:", TOLD_BOTH),
    # a survivor that lacks what it had
    ("predictions.py", "and told.end.position > head.position", "and False", FORGOTTEN),
    ("predictions.py", "told is not None and is_of_this_history(told, state) and", "told is not None and", FORGOTTEN),
    ("predictions.py", "    if survivor.forgotten:", "    if False:", FORGOTTEN),
    (
        "controller.py",
        "                if loses:\n                    refuse_losing",
        "                if True:\n                    refuse_losing",
        LEADS,
    ),
    ("automatic.py", "    if situation.survivor.forgotten:", "    if False:", WAITS),
]
