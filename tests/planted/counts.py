"""Guards of what operators are told in numbers: uploads on their way in, decisions in a row, what is not repaired: (file, old, new, test)."""

EXPOSURE = "tests/unit/test_exposure.py"
REPAIR = "tests/unit/test_repair.py"
AUDIT = "tests/unit/test_audit.py"
LOGGED = "tests/contract/test_logged_records.py"
AUTOMATIC = "tests/unit/test_automatic.py"
STATE_STORE = "tests/contract/test_state_store.py"

IN_FLIGHT = f"{EXPOSURE}::test_photos_are_in_flight_from_the_ticket_to_the_commit"
IN_A_ROW = f"{STATE_STORE}::test_losses_decided_about_in_a_row_are_one_entry_with_their_true_number_and_hide_nothing"
NAMED = f"{AUTOMATIC}::test_an_acknowledgement_means_the_takeover_that_it_names"
TOLD_NO_LONGER = f"{REPAIR}::test_what_could_not_be_repaired_is_told_no_longer_than_it_is_so"
NEEDED_BY = "tests/unit/test_verification.py::test_what_needs_an_object_that_is_not_sound_is_told_where_it_is_known"

MUTANTS = [
    # uploads on their way in
    ("local/exposure.py", "{self._word: ", '{"uploads": ', f"{EXPOSURE}::test_uploads_are_called_what_the_application_calls_them"),
    ("predictions.py", ".items() if count)", ".items())", f"{EXPOSURE}::test_uploads_are_not_told_of_where_there_are_none"),
    (
        "embedded/pending.py",
        "            self._arrived.pop(note.name, None)\n            self._ticketed",
        "            self._ticketed",
        IN_FLIGHT,
    ),
    (
        "embedded/pending.py",
        "    while counted and counted[oldest := next(iter(counted))] < now:",
        "    while False:",
        f"{EXPOSURE}::test_what_was_announced_and_never_sent_counts_as_long_as_its_ticket",
    ),
    (
        "embedded/pending.py",
        "for counted in (self._ticketed, self._arrived):",
        "for counted in (self._ticketed,):",
        f"{EXPOSURE}::test_what_nobody_commits_counts_no_longer_than_a_ticket_lives_and_its_bytes_are_kept",
    ),
    (
        "embedded/pending.py",
        "elapsed + self._ticket_seconds - age",
        "elapsed + self._ticket_seconds",
        f"{EXPOSURE}::test_a_restart_does_not_count_longer",
    ),
    (
        "embedded/pending.py",
        "            self._ticketed.pop(name, None)\n\n",
        "            pass\n\n",
        f"{EXPOSURE}::test_what_is_refused_on_its_way_is_in_flight_no_more[other]",
    ),
    (
        "gallery/photos.py",
        "            if upload:\n                await self._uploads.forget(upload)\n            raise\n",
        "            raise\n",
        "tests/contract/test_application.py::test_an_upload_that_is_refused_at_its_commit_is_gone_at_once_and_no_photo_on_its_way",
    ),
    # what is not repaired
    ("repair.py", "            elif deep:\n                self.note_sound(digest)\n", "", TOLD_NO_LONGER),
    (
        "repair.py",
        "await self.examine(await self._still_needed(), deep=True)",
        "await self.examine(list(self.known), deep=True)",
        TOLD_NO_LONGER,
    ),
    (
        "repair.py",
        "            self.known.pop(digest, None)\n            return\n",
        "            return\n",
        f"{REPAIR}::test_a_reader_or_a_repair_that_finds_it_needed_no_more_forgets_it",
    ),
    (
        "audit.py",
        "return position in bad",
        "return True",
        f"{AUDIT}::test_an_entry_that_was_put_back_as_it_was_copied_or_undone_is_told_no_longer",
    ),
    # what needs it
    ("verification.py", "verdict.add(replace(each, needed_by=needed_by.get(Digest(each.name))))", "verdict.add(each)", NEEDED_BY),
    ("embedded/reads.py", "count - len(rows)", "count", f"{LOGGED}::test_what_needs_an_object_is_named_a_few_and_counted_records_first"),
    # which takeover is acknowledged
    ("automatic.py", "taken if taken.state.epoch > known_epoch else None", "None if known_epoch else taken", NAMED),
    (
        "automatic.py",
        "    if taken.state.epoch != epoch:",
        "    if False:",
        f"{AUTOMATIC}::test_another_takeover_than_the_last_one_cannot_be_acknowledged",
    ),
    (
        "api/authority.py",
        "(now.waits_because if anew else waits)",
        "waits",
        f"{AUTOMATIC}::test_that_an_acknowledgement_lets_writing_move_again_at_once_is_said_before_and_after_it",
    ),
    (
        "api/authority.py",
        "await self._automatic.prospect(acknowledged=True)",
        "await self._automatic.prospect()",
        f"{AUTOMATIC}::test_that_an_acknowledgement_lets_writing_move_again_at_once_is_said_before_and_after_it",
    ),
    # the first line of the status
    (
        "cli/headline.py",
        '    if not region["answers"]:',
        "    if False:",
        "tests/unit/test_cli_layout.py::test_the_first_line_of_the_status_is_what_is_true",
    ),
    # the history for people
    ("embedded/authority.py", " AND actor = ?3 AND reason = ?4)", " AND reason = ?4)", IN_A_ROW),
    ("embedded/authority.py", "(number, row[0] if row else 0)", "(number, row[0] if row else 1)", IN_A_ROW),
]
