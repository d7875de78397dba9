"""Guards of photos and comments, each with what its absence looks like and the test that must then fail: (file, old, new, test)."""

APPLICATION = "tests/contract/test_application.py"
COMMENTS = "tests/contract/test_application_comments.py"
UPLOADS = "tests/contract/test_application_uploads.py"
OBJECTS = "tests/contract/test_application_objects.py"
IMPORT = "tests/contract/test_application_import.py"
PICTURES = "tests/unit/test_pictures.py"
WORKERS = "tests/unit/test_photos_workers.py"
TICKETS = "tests/unit/test_tickets.py"

FENCED = f"{APPLICATION}::test_writes_are_refused_with_the_state_and_write_nothing"
STALE = f"{APPLICATION}::test_a_write_decided_under_another_epoch_is_refused"
ANNOUNCEMENT = f"{APPLICATION}::test_a_wrong_announcement_is_named"
BAD_MESSAGE = f"{COMMENTS}::test_a_bad_message_is_named"
BROKEN_FORM = f"{UPLOADS}::test_a_broken_form_is_named"
TAMPERED = f"{UPLOADS}::test_a_tampered_ticket"
FORGED = f"{OBJECTS}::test_a_forged_address"
UPRIGHT = f"{PICTURES}::test_every_orientation_is_upright_afterwards"
SWEPT = f"{OBJECTS}::test_objects_are_swept_when_nothing_needs_them_and_not_before"
NO_SAMPLES = f"{IMPORT}::test_samples_are_not_put_in_where_they_cannot_be"
BAD_FILES = f"{IMPORT}::test_bad_files_are_listed_and_the_rest_goes_in"
DELETED = f"{APPLICATION}::test_only_the_owner_and_operators_delete"

MUTANTS: list[tuple[str, str, str, str]] = [
    # fence and idempotency
    (
        "application.py",
        "decided = self.asked_epoch() if epoch is None else epoch",
        "decided = None",
        f"{APPLICATION}::test_the_epoch_is_in_the_commit_not_before_it",
    ),
    ("gallery/photos.py", "if epoch is not None and epoch != state.epoch:", "if False:", STALE),
    ("gallery/photos.py", "if state.writer is not self._region.role:", "if False:", FENCED),
    (
        "gallery/photos.py",
        "needs=needs, absent=True)",
        "needs=needs)",
        f"{APPLICATION}::test_a_deleted_id_stays_deleted",
    ),
    ("gallery/photos.py", "needs=needs, absent=True)", "absent=True)", SWEPT),
    (
        "gallery/photos.py",
        "if (found.user, found.upload_sha256) != (user, announced.sha256):",
        "if False:",
        f"{APPLICATION}::test_an_id_that_is_taken_is_refused",
    ),
    ("gallery/photos.py", "    if photo.user != user:", "    if False:", f"{APPLICATION}::test_an_id_that_is_taken_is_refused"),
    ("gallery/photos.py", "if not operator and found.user != user:", "if False:", DELETED),
    ("gallery/photos.py", "if not operator and found.user != user:", "if found.user != user:", DELETED),
    (
        "gallery/photos.py",
        "if found is None:\n            raise Conflict(",
        "if False:\n            raise Conflict(",
        f"{APPLICATION}::test_a_deleted_id_stays_deleted",
    ),
    (
        "gallery/photos.py",
        "            remove(photo, thumbnail)",
        "            pass",
        f"{APPLICATION}::test_a_decoding_that_breaks_leaves_no_drafts",
    ),
    (
        "gallery/photos.py",
        "            await self._uploads.forget(upload)\n        return",
        "            pass\n        return",
        f"{APPLICATION}::test_a_photo_is_uploaded_committed_listed_and_shown",
    ),
    ("gallery/comments.py", "requires=(Key(PHOTOS, photo_id),), ", "", f"{COMMENTS}::test_an_unknown_photo"),
    (
        "gallery/comments.py",
        "(Key(PHOTOS, photo_id),), absent=True)",
        "(Key(PHOTOS, photo_id),))",
        f"{COMMENTS}::test_a_comment_can_be_repeated",
    ),
    (
        "gallery/comments.py",
        "if (original.user, original.message) != (repeated.user, repeated.message):",
        "if original.message != repeated.message:",
        f"{COMMENTS}::test_a_comment_can_be_repeated",
    ),
    (
        "gallery/comments.py",
        "except (Conflict, Refused) as refusal:",
        "except Conflict as refusal:",
        f"{APPLICATION}::test_what_was_committed_is_answered_in_every_state",
    ),
    (
        "gallery/comments.py",
        "if await self._region.get(PHOTOS, photo_id) is None:",
        "if False:",
        f"{COMMENTS}::test_comments_go_with_their_photo",
    ),
    (
        "gallery/deletion.py",
        "Write(note, photo_id.encode(), photo_id), ",
        "",
        f"{COMMENTS}::test_a_deletion_that_was_cut_off_is_finished_by_a_sweep",
    ),
    ("gallery/deletion.py", "while comments :=", "if comments :=", f"{COMMENTS}::test_more_comments_than_one_commit_takes"),
    (
        "sweep.py",
        "is_writer = (await stores.records.admitted()).writer is stores.role",
        "is_writer = True",
        f"{COMMENTS}::test_a_deletion_that_was_cut_off_is_finished_by_a_sweep",
    ),
    ("sweep.py", "if not await stores.records.is_needed(digest):", "if True:", SWEPT),
    (
        "embedded/objects.py",
        "if not place.is_file() or place.stat().st_mtime > self._clock.now() - older_than_seconds:",
        "if False:",
        SWEPT,
    ),
    # what may be said
    ("gallery/fields.py", "if len(text) > characters_max:", "if False:", BAD_MESSAGE),
    (
        "gallery/fields.py",
        "if len(text) > characters_max:",
        "if len(text.encode()) > characters_max:",
        f"{COMMENTS}::test_a_message_comes_back_as_it_was",
    ),
    ("gallery/fields.py", "if found := CONTROL.search(text):", "if found := None:", BAD_MESSAGE),
    ("gallery/fields.py", r"\x00-\x08\x0b", r"\x00-\x0b", f"{COMMENTS}::test_a_message_comes_back_as_it_was"),
    ("gallery/fields.py", r"\A{ID.pattern}\Z", "^{ID.pattern}$", ANNOUNCEMENT),
    ("gallery/comments.py", "if not new.message.strip():", "if not new.message:", BAD_MESSAGE),
    ("gallery/photos.py", "if new.size > settings.upload_bytes_max:", "if False:", ANNOUNCEMENT),
    ("gallery/photos.py", "if new.content_type not in TYPES:", "if new.content_type in HEIC_TYPES:", ANNOUNCEMENT),
    ("gallery/handlers.py", "1 <= int(text) <= LIMIT_MAX", "1 <= int(text)", f"{APPLICATION}::test_a_wrong_page_is_named"),
    (
        "gallery/handlers.py",
        're.compile(r"[0-9]{1,15}", re.ASCII)',
        're.compile(r"\\d{1,15}")',
        f"{APPLICATION}::test_a_wrong_page_is_named",
    ),
    # tickets and uploads
    (
        "embedded/tickets.py",
        "if not hmac.compare_digest(",
        "if False and not hmac.compare_digest(",
        TAMPERED,
    ),
    ("embedded/tickets.py", "if dict(fields) != sign(policy, key):", "if False:", TAMPERED),
    ("embedded/tickets.py", "if policy.expires < now:", "if False:", f"{UPLOADS}::test_a_ticket_expires"),
    ("embedded/pending.py", "if self._size > self.announced.size:", "if False:", f"{UPLOADS}::test_an_endless_upload_is_cut_off"),
    ("embedded/pending.py", "if self._size != self.announced.size:", "if False:", f"{UPLOADS}::test_fewer_bytes_than_announced"),
    (
        "embedded/pending.py",
        "if self._hash.hexdigest() != self.announced.sha256:",
        "if False:",
        f"{UPLOADS}::test_other_bytes_than_announced",
    ),
    ("embedded/pending.py", "f'{id}/{user}'", "f'{id}'", f"{APPLICATION}::test_nobody_touches_the_upload_of_another"),
    (
        "embedded/pending.py",
        "        if earlier:\n",
        "        if False:\n",
        f"{UPLOADS}::test_an_upload_needs_no_token_and_can_be_repeated",
    ),
    ("embedded/pending.py", "if file.stat().st_mtime < oldest:", "if True:", f"{UPLOADS}::test_uploads_that_nobody_commits_are_swept"),
    (
        "embedded/pending.py",
        '        remove(*folder.glob("*.part"))',
        "        pass",
        f"{UPLOADS}::test_what_a_crash_cut_off_is_gone_at_the_next_start",
    ),
    (
        "api/uploads.py",
        'if int(request.headers.get("content-length") or 0) > self._bytes_max:',
        "if False:",
        f"{UPLOADS}::test_a_gigabyte_is_refused_before_it_is_sent",
    ),
    ("api/uploads.py", "if self._under_way >= UPLOADS_MAX:", "if False:", f"{UPLOADS}::test_too_many_uploads_at_once"),
    ("api/uploads.py", "                form.receiving.abandon()", "                pass", f"{UPLOADS}::test_one_byte_too_many"),
    (
        "api/uploads.py",
        'if self.receiving:\n            raise InvalidInput("the file must',
        'if False:\n            raise InvalidInput("the file must',
        f"{UPLOADS}::test_a_part_behind_the_file_is_refused",
    ),
    ("api/uploads.py", "if len(self._fields) >= FIELDS_MAX:", "if False:", BROKEN_FORM),
    ("api/uploads.py", "elif len(self._value) + end - start > FIELD_BYTES_MAX:", "elif False:", BROKEN_FORM),
    (
        "api/uploads.py",
        "if not form.receiving or not form.ended:",
        "if not form.receiving:",
        f"{UPLOADS}::test_a_form_without_its_end_is_refused",
    ),
    ("api/uploads.py", "or self._name in self._fields", "", f"{UPLOADS}::test_a_name_that_comes_twice_is_refused"),
    (
        "api/uploads.py",
        "async with asyncio.timeout(IDLE_SECONDS_MAX):",
        "async with asyncio.timeout(None):",
        f"{UPLOADS}::test_a_silent_upload_is_given_up",
    ),
    (
        "api/uploads.py",
        "async with asyncio.timeout(UPLOAD_SECONDS_MAX):",
        "async with asyncio.timeout(None):",
        f"{UPLOADS}::test_an_upload_that_takes_too_long_is_given_up",
    ),
    # addresses of pictures
    ("embedded/links.py", "if not hmac.compare_digest(", "if False and not hmac.compare_digest(", FORGED),
    ("embedded/links.py", r'f"{digest}\n{content_type}\n{expires}"', r'f"{digest}\n{expires}"', FORGED),
    (
        "embedded/links.py",
        r'f"{digest}\n{content_type}\n{expires}"',
        r'f"{content_type}\n{expires}"',
        f"{OBJECTS}::test_another_pictures_signature",
    ),
    ("embedded/links.py", "or int(expires) < self._clock.now()", "", f"{OBJECTS}::test_an_address_stays_the_same_for_minutes_and_expires"),
    ("embedded/links.py", "if not EXPIRES.fullmatch(expires) or ", "if ", f"{TICKETS}::test_a_time_that_is_no_number_has_passed"),
    (
        "api/objects.py",
        '    "X-Content-Type-Options": "nosniff",\n',
        "",
        f"{OBJECTS}::test_a_browser_may_keep_a_picture_and_run_nothing_in_it",
    ),
    # pictures
    (
        "gallery/pictures.py",
        "if image.width * image.height > pixels_max:",
        "if False:",
        f"{PICTURES}::test_the_limit_is_checked_before_decoding",
    ),
    ("gallery/pictures.py", "    ImageOps.exif_transpose(image, in_place=True)\n", "", UPRIGHT),
    ("gallery/pictures.py", "    pixels.info = {}\n", "", f"{PICTURES}::test_the_place_and_all_other_metadata_are_gone"),
    (
        "gallery/pictures.py",
        "if profile and (converted := by_profile(image, profile)):",
        "if False and (converted := by_profile(image, profile)):",
        f"{PICTURES}::test_an_icc_profile_is_applied_and_dropped",
    ),
    (
        "gallery/pictures.py",
        "except (ImageCms.PyCMSError, OSError):",
        "except ZeroDivisionError:",
        f"{PICTURES}::test_a_broken_profile_is_dropped",
    ),
    (
        "gallery/pictures.py",
        "if TYPES[job.content_type] != real_format(image):",
        "if False:",
        f"{PICTURES}::test_the_announced_type_must_be_the_real_one",
    ),
    ("gallery/pictures.py", ", formats=tuple(TYPES.values())", "", f"{PICTURES}::test_other_formats_are_not_even_tried"),
    ("gallery/pictures.py", 'if image.mode.startswith("I"):', "if False:", f"{PICTURES}::test_grey_of_16_bits_keeps_its_shades"),
    ("gallery/pictures.py", 'if image.format == "MPO"', "if False", f"{PICTURES}::test_several_pictures_in_one_jpeg_as_phones_write_them"),
    # the processes that decode
    (
        "gallery/worker.py",
        "        resource.setrlimit(resource.RLIMIT_AS, (bytes_max, bytes_max))",
        "        pass",
        f"{WORKERS}::test_memory_is_limited",
    ),
    ("gallery/worker.py", "    os._exit(0)", "    pass", f"{WORKERS}::test_no_process_outlives_its_region"),
    ("gallery/workers.py", "if self._waiting >= WAITING_MAX:", "if False:", f"{WORKERS}::test_the_queue_is_bounded"),
    (
        "gallery/workers.py",
        "async with asyncio.timeout(JOB_SECONDS_MAX):",
        "async with asyncio.timeout(None):",
        f"{WORKERS}::test_a_process_that_hangs_is_killed",
    ),
    (
        "gallery/workers.py",
        "except BaseException:",
        "except ZeroDivisionError:",
        f"{WORKERS}::test_a_process_that_hangs_is_killed",
    ),
    (
        "gallery/workers.py",
        "if worker.jobs >= JOBS_PER_WORKER:",
        "if False:",
        f"{WORKERS}::test_a_process_does_a_bounded_number_of_pictures",
    ),
    ("gallery/workers.py", "call_later(IDLE_SECONDS", "call_later(9999", f"{WORKERS}::test_an_idle_process_ends"),
    # import
    ("gallery/importing.py", "        if not self.size:\n", "        if False:\n", BAD_FILES),
    ("gallery/importing.py", "        if not is_text(self.path.name):\n", "        if False:\n", BAD_FILES),
    ("gallery/importing.py", 'os.fsencode(self.path).decode(errors="replace")', "str(self.path)", BAD_FILES),
    ("gallery/importing.py", "if digest in self._there:", "if False:", f"{IMPORT}::test_the_same_picture_under_two_names_is_one_photo"),
    ("gallery/importing.py", "self._count(item, -item.sent_bytes)", "pass", f"{IMPORT}::test_breaks_are_ridden_out"),
    (
        "gallery/importing.py",
        "if item.waited_seconds + wait > WAIT_SECONDS_MAX:",
        "if item.waited_seconds > 99 * WAIT_SECONDS_MAX:",
        f"{IMPORT}::test_it_gives_up_after_a_while",
    ),
    ("cli/up.py", "    if application != GALLERY:\n        note", "    if False:\n        note", NO_SAMPLES),
    ("cli/up.py", "    elif not writable:\n", "    elif False:\n", NO_SAMPLES),
    ("gallery/importing.py", 'if state["writer"] is None:', "if False:", f"{IMPORT}::test_it_stops_in_a_state_that_lets_nobody_write"),
]
