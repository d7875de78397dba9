"""Guards of what a write requires, each with what its absence looks like and the test that must then fail: (file, old, new, test)."""

RECORDS = "tests/contract/test_records.py"
LEDGER = "tests/contract/test_ledger.py"
LOSSES = "tests/unit/test_losses.py"
FRAMES = "tests/unit/test_frames.py"
CHAINS = "tests/unit/test_chains.py"
AUDIT = "tests/unit/test_audit.py"
MIGRATION = "tests/unit/test_migration.py"

ORPHAN = f"{LOSSES}::test_a_comment_is_not_made_again_without_its_photo"
ANY = f"{RECORDS}::test_what_any_write_of_a_commit_requires_is_required_of_the_commit"
FEW = f"{RECORDS}::test_a_write_requires_a_few_records_at_most"

MUTANTS: list[tuple[str, str, str, str]] = [
    ("stores.py", "> REQUIRES_MAX:", "> REQUIRES_MAX + 1:", FEW),
    ("stores.py", "        required |= dict.fromkeys(write.requires)\n", "        required = dict.fromkeys(write.requires)\n", ANY),
    ("embedded/records.py", "for key in required_by(writes):", "for key in required_by(writes[:1]):", ANY),
    (
        "embedded/records.py",
        "if found is None or found.value is None:",
        "if found is None:",
        f"{RECORDS}::test_a_required_record_must_exist",
    ),
    ("dynamodb/transactions.py", "required_by(self.writes)", "required_by(self.writes[:1])", f"{ANY}[aws]"),
    ("reapply.py", "requires=tuple(key for key in write.requires if key != write.key)", "requires=()", ORPHAN),
    (
        "reapply.py",
        "requires=tuple(key for key in write.requires if key != write.key)",
        "requires=write.requires",
        f"{LOSSES}::test_a_deletion_that_required_its_record_is_made_again_of_what_never_was",
    ),
    ("embedded/schema.py", "value, sort, needed, required)", "value, sort, needed)", ORPHAN),
    ("embedded/ledger.py", "change.digest, requires_column(write)),", 'change.digest, "[]"),', ORPHAN),
    ("api/frames.py", "self.order, needs, requires)", "self.order, needs)", f"{FRAMES}::test_a_change_arrives_in_a_frame_as_it_was_logged"),
    (
        "chains.py",
        "    if write.requires:\n",
        "    if False:\n",
        f"{CHAINS}::test_it_covers_each_record_that_is_required_and_their_order",
    ),
    (
        "chains.py",
        "    if write.requires:\n",
        "    if True:\n",
        f"{MIGRATION}::test_the_log_of_format_2_is_what_it_was_and_goes_on",
    ),
    (
        "embedded/migration.py",
        "    db.execute(COMMENTS_REQUIRE_THEIR_PHOTO)\n",
        "",
        f"{MIGRATION}::test_a_lost_comment_of_format_2_is_not_made_again_without_its_photo",
    ),
    (
        "embedded/ledger.py",
        "    return change.chain in (linked(chain, change), linked(chain, without))",
        "    return change.chain == linked(chain, change)",
        f"{LEDGER}::test_an_entry_whose_chain_does_not_cover_what_it_requires_turns_up_too",
    ),
    (
        "embedded/entries.py",
        "*(json.dumps(write.needs), each.digest, requires_column(write), position.sequence),",
        "*(json.dumps(write.needs), each.digest, requires_column(here.write), position.sequence),",
        f"{AUDIT}::test_what_has_changed_is_put_back[requires]",
    ),
]
