"""Guards of what judges a drill and seals its evidence, each with what its absence looks like and the test that must then fail."""

ORACLE = "tests/unit/test_drill_oracle.py::test_a_broken_promise_is_noticed_by_its_rule"
ALLOWED = "tests/unit/test_drill_oracle_allowed.py::test_what_is_allowed_breaks_no_rule"
VERDICT = "tests/unit/test_drill_verdict.py"
STOPPED = f"{VERDICT}::test_of_a_run_that_was_stopped_that_alone_is_said_and_it_never_passes"
MEASURES = "tests/unit/test_drill_measures.py"
EVIDENCE = "tests/unit/test_drill_evidence.py"
FLIPPED = f"{EVIDENCE}::test_every_flipped_byte_of_every_file_is_noticed_and_named"
ENCODING = f"{EVIDENCE}::test_a_seal_and_a_manifest_have_one_encoding_only"
HISTORY = "tests/unit/test_drill_history.py::test_a_line_that_is_left_out_is_noticed"
REPORT = "tests/unit/test_drill_report.py"

MUTANTS: list[tuple[str, str, str, str]] = [
    # The rules
    ("drills/index.py", 'if "ok" in (fate, outcome):', 'if outcome == "ok":', ORACLE),
    ("drills/index.py", "self.fates[name] = fate if fate == outcome else", "self.fates[name] = fate if fate else", ALLOWED),
    ("drills/index.py", "if not regions or entry[\"region\"] in regions]", "if True]", ORACLE),
    ("drills/index.py", "return bool(asked - {entry[\"region\"], None})", "return False", ALLOWED),
    ("drills/index.py", "else first <= position and position[0] == first[0]", "else False", ALLOWED),
    ("drills/contents.py", "not index.everywhere(kind, key) and not index.entries(name) and", "not index.entries(name) and False and", ORACLE),
    ("drills/contents.py", "and not index.may_be_deleted(key):\n                yield Witness(f\"{kind} {key} was ack", "and True:\n                yield Witness(f\"{kind} {key} was ack", ALLOWED),
    ("drills/contents.py", 'if held < version and index.versions[kind, key].get(held) != "unknown":', "if held < version:", ALLOWED),
    ("drills/contents.py", "        if count > 1:", "        if count > 2:", ORACLE),
    ("drills/contents.py", 'if fate != "refused":\n            continue', 'if fate == "refused":\n            continue', ORACLE),
    ("drills/contents.py", "if written and item.get(\"sha256\") and item[\"sha256\"] not in written:", "if False:", ORACLE),
    ("drills/contents.py", 'if index.facts.header["scenario"] in LOSSLESS:', "if False:", ORACLE),
    ("drills/contents.py", 'fate != "ok" or index.is_lost(name):', 'fate != "ok":', ALLOWED),
    ("drills/contents.py", "        if first != second:", "        if False:", ORACLE),
    ("drills/contents.py", 'or item["bytes"] != item.get("sha256")', "", ORACLE),
    ("drills/contents.py", 'elif not entry.get("by") or not entry.get("at"):', "elif False:", ORACLE),
    ("drills/conduct.py", 'if before["region"] != each["region"]:', "if False:", ORACLE),
    ("drills/conduct.py", 'while by_told[heard]["told"] < each["sent"]:', 'while by_told[heard]["told"] < each["told"]:', ALLOWED),
    ("drills/conduct.py", 'and each["sent"] > new["told"]:', 'and each["told"] > new["told"]:', ALLOWED),
    ("drills/conduct.py", '(each["k"] == "read" and each.get("asked"))', '(each["k"] == "read")', ALLOWED),
    ("drills/conduct.py", 'if asked.issuperset(ROLES) and not any', "if not any", ALLOWED),
    ("drills/conduct.py", "len(item.get(\"accepts\") or ()) != 1:", "len(item.get(\"accepts\") or ()) > 1:", ORACLE),
    # The verdict
    ("drills/oracle.py", "    if p99 <= LATENESS_MICROSECONDS_MAX:", "    if True:", f"{VERDICT}::test_a_run_that_shows_nothing_says_why"),
    ("drills/oracle.py", 'return "" if bitten else', 'return "" if True else', f"{VERDICT}::test_a_run_that_shows_nothing_says_why"),
    ("drills/oracle.py", '    if stopped := facts.environment.get("stopped"):', "    if stopped := None:", STOPPED),
    ("drills/oracle.py", "    if any(True for _ in doubts):", "    if False:", f"{VERDICT}::test_a_run_that_shows_nothing_never_passes"),
    ("drills/verdict.py", "    if blind and not unsure:", "    if False:", f"{VERDICT}::test_a_checker_that_overlooks_a_defect_passes_nothing"),
    # The figures
    ("drills/measures.py", "if good[until] - good[number] >= STEADY_SHARE * (until - number):", "if True:", f"{MEASURES}::test_a_success_that_does_not_last_is_no_recovery"),
    ("drills/measures.py", "return Outage(begin, each[\"told\"])", "return Outage(begin, each[\"due\"])", f"{MEASURES}::test_rto_is_from_when_the_first_that_failed_was_due_to_when_the_first_steady_answer_was_heard"),
    ("drills/measures.py", "found = outage(service(facts, group), start, failback(facts))", "found = outage(service(facts, group), start)", f"{MEASURES}::test_the_pause_of_the_way_back_is_no_outage_of_the_fault"),
    ("drills/measures.py", "    elif writes < lost:", "    elif False:", f"{MEASURES}::test_what_was_predicted_is_held_against_what_was_lost"),
    ("drills/measures.py", "met = value is not None and value <= bound", "met = value is None or value <= bound", f"{MEASURES}::test_each_objective_has_its_figure_and_its_margin"),
    ("drills/measures.py", "and operation.get(\"status\") in GONE and", "and", f"{MEASURES}::test_that_something_is_lost_is_no_outage"),
    ("drills/measures.py", "and each.get(\"epoch\") == epoch)", ")", f"{MEASURES}::test_the_four_clocks"),
    ("drills/oracle.py", "    if rule in NEEDS_FINALS and not", "    if False and not", f"{VERDICT}::test_what_needs_final_reads_is_not_judged_without_them"),
    # The evidence
    ("drills/history.py", "if not found or rest != previous.hex().encode() + b'\"}':", "if not found:", HISTORY),
    ("drills/bundle.py", "    for name in manifest.keys() - files.keys():", "    for name in ():", f"{EVIDENCE}::test_a_missing_file_is_named"),
    ("drills/bundle.py", "if not isinstance(found, dict) or canonical(found) != content:", "if not isinstance(found, dict):", ENCODING),
    ("drills/bundle.py", "if found != kept or not is_signed(public, pae(payload), signed):", "if found != kept:", FLIPPED),
    ("drills/bundle.py", 'if facts.header["plan"] != digest(files[PLAN]):', "if False:", f"{EVIDENCE}::test_a_plan_sealed_after_the_run_began_is_another_plan"),
    ("drills/bundle.py", "    if predicate != result_of(derived, files, predicate):", "    if False:", f"{EVIDENCE}::test_a_seal_that_says_passed_of_a_run_that_did_not_is_noticed"),
    ("drills/ed25519.py", "if point is None or scalar >= ORDER:", "if point is None:", f"{EVIDENCE}::test_a_signature_has_one_form_only"),
    ("drills/evidence.py", "if path.stat().st_mode & 0o077:", "if False:", f"{EVIDENCE}::test_the_key_is_made_once_and_only_its_owner_may_read_it"),
    ("drills/markup.py", "<dd>{escape(value)}</dd>", "<dd>{value}</dd>", f"{REPORT}::test_what_clients_and_operators_wrote_stays_text"),
]  # fmt: skip
