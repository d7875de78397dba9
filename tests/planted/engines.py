"""Guards of the backend on engines, each with what its absence looks like and the test that must then fail: (file, old, new, test)."""

RECORDS = "tests/contract/test_records.py"
FENCE = "tests/contract/test_fence.py"
OBJECTS = "tests/contract/test_objects.py"
AUTHORITY = "tests/contract/test_state_store.py"
ENGINES = "tests/contract/test_engines.py"
UPLOADS = "tests/contract/test_engine_uploads.py"
INVENTORY = "tests/contract/test_engine_inventory.py"
PAGE = "tests/unit/test_engines_page.py"

LIMITS = f"{ENGINES}::test_what_is_over_a_limit_is_refused_with_the_field_and_the_limit"
LEVEL = f"{INVENTORY}::test_two_regions_are_level_once_every_record_tombstone_and_object_is_there"
BOUND = f"{UPLOADS}::test_a_ticket_is_bound_to_name_size_type_and_digest"
ANNOUNCED = f"{UPLOADS}::test_bytes_that_are_not_what_was_announced_are_refused"

MUTANTS: list[tuple[str, str, str, str]] = [
    (
        "dynamodb/tables.py",
        "isinstance(error, EngineRefused) and error.engine_code in MADE_ALREADY",
        "any(code in error.detail for code in MADE_ALREADY)",
        "tests/unit/test_engine_tables.py::test_any_other_refusal_is_told",
    ),
    # the fence, and what else a commit hangs on
    (
        "dynamodb/transactions.py",
        'FENCE_HOLDS = "#epoch = :epoch AND #writer = :writer"',
        'FENCE_HOLDS = "NOT (#epoch = :epoch AND #writer <> :writer AND #epoch <> :epoch)"',
        f"{ENGINES}::test_a_fence_that_another_process_has_heard_holds_for_all",
    ),
    (
        "dynamodb/transactions.py",
        'FENCE_HOLDS = "#epoch = :epoch AND #writer = :writer"',
        'FENCE_HOLDS = "#epoch >= :epoch AND #writer = :writer"',
        f"{ENGINES}::test_what_another_process_has_heard_is_written_under",
    ),
    ("dynamodb/transactions.py", 'ABSENT = "', 'ABSENT = "attribute_exists(#partition) OR ', f"{RECORDS}::test_a_deleted_record_stays_deleted[aws]"),
    ("dynamodb/transactions.py", " AND #sequence = ", " OR #sequence = ", f"{RECORDS}::test_a_version_guards_against_lost_updates[aws]"),
    ("dynamodb/transactions.py", 'EXISTS = "', 'EXISTS = "attribute_not_exists(#value) OR ', f"{RECORDS}::test_a_required_record_must_exist[aws]"),
    (
        "dynamodb/transactions.py",
        "absent=write.absent or earlier.absent",
        "absent=write.absent",
        f"{RECORDS}::test_of_two_writes_to_a_record_in_one_commit_the_last_counts_under_both_conditions[aws]",
    ),
    (
        "dynamodb/records.py",
        "        state = self._check_fence(self._heard, epoch)\n        self._check_lease()\n",
        "        state = self._check_fence(self._heard, epoch)\n",
        f"{RECORDS}::test_without_a_lease_nothing_is_written[aws]",
    ),
    (
        "dynamodb/records.py",
        "            if not self._may_write():\n                raise Unreachable",
        "            if False:\n                raise Unreachable",
        f"{RECORDS}::test_a_lease_that_runs_out_during_the_commit_leaves_the_outcome_open[aws]",
    ),
    ("dynamodb/records.py", "if state.writer is not self._role:", "if False:", f"{RECORDS}::test_only_the_writer_accepts[aws]"),
    # an answer that is lost
    (
        "dynamodb/records.py",
        "if may_be_there and await self._is_there(commit):",
        "if False:",
        f"{ENGINES}::test_an_engine_that_forgets_tokens_makes_a_commit_once_too",
    ),
    (
        "dynamodb/records.py",
        "if may_be_there and not await self._is_there(commit):",
        "if may_be_there:",
        f"{ENGINES}::test_a_commit_whose_every_answer_was_lost_is_read_back",
    ),
    (
        "dynamodb/records.py",
        "item is not None and position_of(item) == commit.position",
        "item is not None",
        f"{ENGINES}::test_a_lost_answer_of_somebody_elses_conflict_is_still_a_conflict",
    ),
    (
        "dynamodb/errors.py",
        "    if status >= 500 or not status:",
        "    if False:",
        f"{ENGINES}::test_if_nobody_can_tell_the_outcome_is_said_to_be_unknown",
    ),
    (
        "dynamodb/records.py",
        "if not isinstance(cause, Overloaded):",
        "if True:",
        f"{ENGINES}::test_a_busy_engine_is_asked_again[contest]",
    ),
    # the admitted state
    ("dynamodb/records.py", "for number in range(1, FENCES)", "for number in range(2, FENCES)", f"{ENGINES}::test_every_copy_of_the_fence_says_the_same_once_a_state_is_admitted"),
    ("dynamodb/records.py", " OR #epoch < :epoch", " OR #epoch <> :epoch", f"{ENGINES}::test_a_process_that_is_late_does_not_set_the_fence_back"),
    (
        "dynamodb/records.py",
        "if self._heard is not None and state.epoch > self._heard.epoch:",
        "if False:",
        f"{ENGINES}::test_a_fence_that_could_not_be_set_is_not_confirmed_and_holds_in_this_process[GetItem]",
    ),
    (
        "dynamodb/records.py",
        "if state.epoch >= max(stored.epoch, self._heard.epoch if self._heard else 0):",
        "if True:",
        f"{FENCE}::test_an_authority_that_knows_less_confirms_nothing[aws]",
    ),
    (
        "dynamodb/records.py",
        "        await self._store(tried)\n",
        "",
        f"{ENGINES}::test_a_state_that_was_heard_and_not_stored_is_stored_before_the_first_write_under_it",
    ),
    # what is needed
    (
        "dynamodb/records.py",
        "if item is not None and digest in needs_of(item):",
        "if item is not None:",
        f"{RECORDS}::test_an_object_is_needed_while_a_visible_record_names_it[aws]",
    ),
    (
        "dynamodb/records.py",
        'ConditionExpression="#sequence = :sequence"',
        'ConditionExpression="#sequence = :sequence OR #sequence <> :sequence"',
        f"{ENGINES}::test_a_note_that_is_written_again_meanwhile_is_not_removed",
    ),
    # limits
    ("dynamodb/items.py", "if items > TRANSACTION_ITEMS_MAX:", "if False:", f"{LIMITS}[writes]"),
    ("dynamodb/items.py", "if size > limit:", "if False:", f"{LIMITS}[id]"),
    ("dynamodb/items.py", "> TRANSACTION_BYTES_MAX:", "> 2 * TRANSACTION_BYTES_MAX:", f"{LIMITS}[bytes]"),
    ("dynamodb/items.py", " or key.partition.startswith(OWN):", ":", f"{LIMITS}[own]"),
    ("dynamodb/items.py", 'if "\\0" in write.order:', "if False:", f"{LIMITS}[character]"),
    ("dynamodb/session.py", "if self._waiting >= WAITING_MAX:", "if False:", f"{ENGINES}::test_no_more_calls_wait_than_are_taken"),
    # the authority
    ("dynamodb/state.py", "if state_of(stored) != old:", "if False:", f"{AUTHORITY}::test_the_second_of_two_is_told_who_was_first[aws]"),
    (
        "dynamodb/state.py",
        '"ConditionExpression": "#number = :number"',
        '"ConditionExpression": "#number = :number OR attribute_exists(#number)"',
        f"{AUTHORITY}::test_of_many_at_once_exactly_one_wins[aws]",
    ),
    ("dynamodb/state.py", "elif await self._is_there(token):", "elif False:", f"{ENGINES}::test_a_decision_whose_answer_was_lost_is_made_once"),
    ("dynamodb/state.py", '#authority/{app_id}"', '#authority"', f"{ENGINES}::test_two_applications_in_one_table_do_not_meet"),
    # objects
    ("dynamodb/objects.py", "if digest not in (None, found):", "if False:", f"{OBJECTS}::test_bytes_that_are_not_the_object_are_not_kept[aws]"),
    ("dynamodb/objects.py", '{"IfNoneMatch": "*"}', "{}", f"{UPLOADS}::test_what_is_there_is_not_sent_again_unless_it_has_been_there_for_long"),
    (
        "dynamodb/objects.py",
        "if found is None or self._age_seconds(found) > FRESH_SECONDS:",
        "if found is None:",
        f"{UPLOADS}::test_what_is_there_is_not_sent_again_unless_it_has_been_there_for_long",
    ),
    (
        "dynamodb/objects.py",
        "self._age_seconds(found) < older_than_seconds",
        "False",
        f"{OBJECTS}::test_only_what_has_been_there_for_a_while_is_discarded[aws]",
    ),
    (
        "dynamodb/objects.py",
        'if found.get("VersionId") else {}',
        "if False else {}",
        f"{UPLOADS}::test_in_a_bucket_with_versions_only_what_was_looked_at_is_removed",
    ),
    (
        "dynamodb/objects.py",
        'await asyncio.shield(self._call("abort_multipart_upload", Key=name_of(digest), UploadId=upload))',
        "pass",
        f"{UPLOADS}::test_a_large_object_that_breaks_off_leaves_no_parts_behind",
    ),
    ("dynamodb/objects.py", "if given is not None and last is not None and last >=", "if last is not None and last < 0 and last >=", f"{OBJECTS}::test_a_range_that_is_not_in_the_object_is_refused[aws-0-5]"),
    # tickets
    ("dynamodb/tickets.py", ' + [["content-length-range", a.size, a.size]]', "", BOUND),
    ("dynamodb/tickets.py", "Conditions=conditions,", "Conditions=conditions[:1] + conditions[2:],", BOUND),
    ("dynamodb/tickets.py", "ExpiresIn=self._ticket_seconds,", "ExpiresIn=600,", f"{UPLOADS}::test_a_ticket_lives_as_long_as_it_is_set_to"),
    ("dynamodb/tickets.py", 'if answer["ContentLength"] != announced.size:', "if False:", f"{ANNOUNCED}[a picture!-size]"),
    ("dynamodb/tickets.py", "if (digest := await asyncio.to_thread(digest_of, file)) != announced.sha256:", "if False:", f"{ANNOUNCED}[b picture-sha256]"),
    (
        "dynamodb/tickets.py",
        "if note.sha256 == announced.sha256:",
        "if True:",
        f"{UPLOADS}::test_a_newer_announcement_takes_the_place_of_an_older_one_and_outlives_its_end",
    ),
    ("dynamodb/tickets.py", 'if found["LastModified"].timestamp() < oldest:', "if True:", f"{UPLOADS}::test_uploads_that_nobody_commits_are_swept"),
    (
        "dynamodb/tickets.py",
        "while len(self._addresses) > ADDRESSES_MAX:",
        "while False:",
        f"{UPLOADS}::test_an_address_shows_the_picture_as_its_type_and_stays_the_same_for_minutes",
    ),
    # what a region holds, and how far it is behind
    ("dynamodb/inventory.py", " + self.missing)", ")", LEVEL),
    ("dynamodb/inventory.py", "if state.writer is not None:", "if False:", f"{INVENTORY}::test_while_somebody_writes_nothing_is_read_and_no_content_is_told"),
    (
        "dynamodb/inventory.py",
        "if len(entries) > self._segment_max:",
        "if False:",
        f"{INVENTORY}::test_a_table_that_is_too_large_to_be_compared_is_said_to_be",
    ),
    ("dynamodb/inventory.py", "not deep or await self._is_intact(digest)", "True", f"{INVENTORY}::test_an_object_is_examined_by_presence_and_on_demand_by_its_bytes"),
    (
        "dynamodb/heartbeats.py",
        'if item["region"]["S"] == self._region:',
        'if item["id"]["S"] == self._id:',
        f"{ENGINES}::test_a_heartbeat_of_another_process_of_the_region_is_no_answer",
    ),
    (
        "dynamodb/heartbeats.py",
        "seconds=self._clock.monotonic() - self._level_at",
        "seconds=0.0",
        f"{ENGINES}::test_the_lag_is_the_time_since_the_last_heartbeat_that_was_answered",
    ),
    # what is set up otherwise than it has to be
    ("dynamodb/tables.py", 'if found["KeySchema"] != key_schema(KEYS) or ', "if False and ", f"{ENGINES}::test_a_table_that_is_not_there_or_laid_out_otherwise_is_named"),
    ("dynamodb/tables.py", "    if not bucket:\n", "    if False:\n", f"{ENGINES}::test_a_bucket_that_is_not_there_is_named"),
    ("config.py", 'if (self.engines is None) is (self.store == "aws"):', "if False:", f"{PAGE}::test_a_configuration_that_cannot_be_used_names_the_field"),
    (
        "api/edge.py",
        ", *deployment.picture_origins]",
        "]",
        "tests/unit/test_edge.py::test_pictures_may_come_from_and_go_to_where_the_deployment_keeps_them_and_nothing_else_may",
    ),
    ("local/engines.py", "if getattr(settings, name) != kept:", "if False:", f"{PAGE}::test_settings_that_promise_more_than_engines_keep_are_refused"),
]  # fmt: skip
