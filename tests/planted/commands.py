"""Guards of the commands for AWS, each with what its absence looks like and the test that must then fail: (file, old, new, test)."""

DEPLOY = "tests/infra/test_command_deploy.py"
UPDATE = "tests/infra/test_command_update.py"
REFUSALS = "tests/infra/test_command_refusals.py"
DESTROY = "tests/infra/test_command_destroy.py"
OPERATIONS = "tests/infra/test_command_operations.py"
REPAIR = "tests/infra/test_command_repair.py"
STAYS = "tests/infra/test_kept.py"
PRICES = "tests/unit/test_prices.py"

FAILED = f"{DEPLOY}::test_a_failed_deployment_tells_the_first_cause_rolls_back_and_can_be_retried"
MADE = f"{UPDATE}::test_a_deployment_is_made_in_both_regions_and_made_again_changes_nothing"
PUBLISHED = f"{UPDATE}::test_what_is_published_is_private_encrypted_and_named_by_its_digest"
CHECKS = f"{REFUSALS}::test_bad_checks_are_all_told_and_nothing_is_changed"
DIFFERS = f"{OPERATIONS}::test_what_differs_is_named_with_its_epoch_and_region"
STATE = f"{OPERATIONS}::test_the_state_is_set_through_the_updater_and_both_regions_tell_it"
ASKS = f"{DESTROY}::test_it_says_what_stays_before_it_asks_and_no_means_no"
WHOLE_FILE = f"{PRICES}::test_a_price_file_that_is_not_whole_is_refused_by_name"

KEPT = f"{UPDATE}::test_what_is_not_named_keeps_its_value_and_what_is_named_arrives_in_both_regions"
SITE_ONLY = f"{UPDATE}::test_another_web_application_is_brought_to_both_regions_and_nothing_else_is_changed"
SURVIVOR = f"{OPERATIONS}::test_with_the_primary_lost_the_state_is_changed_from_the_secondary"
UNDONE = f"{UPDATE}::test_an_update_that_fails_says_why_is_undone_and_succeeds_with_other_values"
STATED = "tests/unit/test_aws_failure.py::test_a_stack_that_failed_without_a_resource_says_its_own_reason"

MUTANTS: list[tuple[str, str, str, str]] = [
    # before anything is changed
    ("cli/aws.py", "    if any(check.outcome == preflight.BAD for check in found):", "    if False:", CHECKS),
    ("cloud/preflight.py", "    if used + needed > limit:", "    if used > limit + 10_000:", CHECKS),
    ("cloud/preflight.py", "        if len(set(used)) < max(2, len(used)):", "        if False:", CHECKS),
    (
        "cloud/preflight.py",
        "        if not stack.is_ours:",
        "        if False:",
        f"{DEPLOY}::test_another_stack_of_that_name_is_left_alone",
    ),
    (
        "cloud/preflight.py",
        "        if template.size > TEMPLATE_BYTES_MAX or inner > INLINE_BYTES_MAX:",
        "        if template.size > TEMPLATE_BYTES_MAX:",
        f"{REFUSALS}::test_a_template_that_is_too_large_is_refused_before_it_is_sent",
    ),
    (
        "cloud/preflight.py",
        "if strange := [region for region in used if region not in SUPPORTED]:",
        "if strange := []:",
        f"{REFUSALS}::test_a_region_that_not_every_account_has_is_refused_with_the_reason_and_those_that_may_be_chosen",
    ),
    (
        "cloud/preflight.py",
        "        if names:\n",
        "        if False:\n",
        f"{STAYS}::test_the_command_refuses_beforehand_what_cannot_change_with_the_way_that_works",
    ),
    (
        "cloud/preflight.py",
        "        if lost:\n",
        "        if False:\n",
        f"{STAYS}::test_the_command_refuses_a_template_that_would_replace_data",
    ),
    (
        "cloud/fixed.py",
        "            yield from replaced(before.inner[name]",
        "            yield from () and replaced(before.inner[name]",
        f"{STAYS}::test_what_a_template_would_replace_is_found_in_every_layer",
    ),
    (
        "cloud/fixed.py",
        "PLACE if any(",
        "None if any(",
        f"{STAYS}::test_what_a_template_would_replace_is_found_in_every_layer",
    ),
    (
        "cloud/fixed.py",
        'frozenset({"BucketName", "BucketNamePrefix", "BucketNamespace"})',
        'frozenset({"BucketNamePrefix", "BucketNamespace"})',
        f"{STAYS}::test_it_is_known_what_holds_data_and_what_of_it_is_only_given_at_creation",
    ),
    ("cloud/template.py", "        if absent:", "        if False:", f"{REFUSALS}::test_a_new_deployment_needs_its_administrator"),
    ("cloud/template.py", "    if not fits:", "    if False:", f"{REFUSALS}::test_what_is_called_wrongly_is_named"),
    # publishing
    ("cloud/publish.py", "not name.endswith(COMPRESSED_TWINS) and", "", PUBLISHED),
    ("cloud/publish.py", '"aws:SecureTransport": "false"', '"aws:Nothing": "false"', PUBLISHED),
    # watching
    ("cloud/launch.py", "        if NO_CHANGES in error.detail:", "        if False:", MADE),
    ("cloud/progress.py", "and not CANCELLED.search(self.reason)", "and CANCELLED.search(self.reason)", FAILED),
    ("cloud/progress.py", "[*hub, *regional]", "[*hub]", FAILED),
    ("cloud/launch.py", " and key not in chosen]", "]", KEPT),
    (
        "cloud/launch.py",
        "[*kept, *(given(key, value) for key, value in chosen.items())]",
        "[*(given(key, value) for key, value in chosen.items())]",
        KEPT,
    ),
    ("cloud/launch.py", ' if template else {"UsePreviousTemplate": True}', "", SITE_ONLY),
    ("cloud/failure.py", "    event = snapshot.first_failure()", "    event = None", UNDONE),
    ("cloud/progress.py", '        return self.stack.reason or next(iter(said), "")', "        return self.stack.reason", STATED),
    (
        "cli/aws_progress.py",
        '        errors.print("[yellow]![/] What has begun goes on in AWS. Run the same command again to watch it.")\n',
        "",
        f"{DEPLOY}::test_an_interrupted_deployment_goes_on_and_is_watched_again",
    ),
    # the state
    ("cloud/application.py", "            ScanIndexForward=False,", "            ScanIndexForward=True,", STATE),
    (
        "cloud/application.py",
        'if found.get("FunctionError") or',
        "if",
        f"{OPERATIONS}::test_a_writer_that_is_not_safe_is_refused_in_plain_words_and_nothing_changes",
    ),
    # comparing
    ("cloud/comparison.py", "            if mine is None or mine.digest != copy_of(item).digest:", "            if mine is None:", DIFFERS),
    ("cloud/comparison.py", "[*unmet, *suspects]", "suspects", DIFFERS),
    ("cloud/repair.py", "        if self._was_deleted(each):", "        if False:", f"{REPAIR}::test_what_was_deleted_does_not_come_back"),
    (
        "cloud/repair.py",
        "ClientRequestToken=token,",
        "ClientRequestToken=f\"{token[:32]}{put['ResponseMetadata']['RequestId']}\",",
        f"{REPAIR}::test_the_job_is_told_with_the_command_that_watches_it_and_asked_for_twice_is_one",
    ),
    (
        "cloud/repair.py",
        "{quote(each.name)}",
        "{each.name}",
        f"{REPAIR}::test_what_one_region_lacks_is_replicated_by_a_job_of_the_other",
    ),
    (
        "cloud/comparison.py",
        "        if pair.replicated and len(self.missing)",
        "        if not pair.replicated and len(self.missing)",
        f"{REPAIR}::test_what_one_region_lacks_is_replicated_by_a_job_of_the_other",
    ),
    ("cloud/comparison.py", "        for name in unmet:", "        for name in ():", DIFFERS),
    ("cloud/comparison.py", "Bucket=bucket, Prefix=prefix)", "Bucket=bucket)", DIFFERS),
    (
        "cloud/comparison.py",
        "                if not self._is_replicated(bucket, region):",
        "                if False:",
        f"{OPERATIONS}::test_a_bucket_that_nothing_leaves_is_named",
    ),
    # the lag
    (
        "cloud/health.py",
        "if found else (None, None)))",
        "if found else (0.0, None)))",
        f"{OPERATIONS}::test_the_status_says_what_does_not_answer_and_what_was_not_measured",
    ),
    (
        "cli/aws_operations.py",
        "or any(alarm.state",
        "or all(alarm.state",
        f"{OPERATIONS}::test_a_region_that_does_not_answer_and_an_alarm_are_told_each_and_fail_the_command",
    ),
    ("cli/aws_operations.py", "if not agree or", "if agree or", f"{OPERATIONS}::test_a_deployment_that_is_well_is_told_to_be"),
    # a lost region
    ("cloud/survivor.py", " if stack.name == name)", ")", SURVIVOR),
    ("cloud/survivor.py", "            if primary != account.region:", "            if primary == account.region:", SURVIVOR),
    (
        "cli/aws_operations.py",
        "    account = Account(profile, region)\n    application = Application(account, known(account, name))",
        "    account = Account(profile, region)\n    application = Application(account, deployed(account, name))",
        SURVIVOR,
    ),
    # taking down
    ("cli/aws.py", "    if not yes and not typer.confirm(", "    if yes and not typer.confirm(", ASKS),
    ("cloud/removal.py", "SHARED.index(each.kind) + 1 if each.is_shared else 0", "-SHARED.index(each.kind) if each.is_shared else 0", ASKS),
    ("cloud/removal.py", "    return stack.regions[1::-1] if kind == GLOBAL_TABLE else (region,)", "    return (region,)", ASKS),
    (
        "cloud/removal.py",
        "    if any(True for _ in deployments(account)):",
        "    if False:",
        f"{DESTROY}::test_nothing_to_take_down_is_said_and_no_failure",
    ),
    # prices
    ("cloud/prices.py", "for price in sorted(wanted - set(table))", "for price in ()", WHOLE_FILE),
    ("cloud/prices.py", "not 0 <= value < 1_000_000", "False", WHOLE_FILE),
    (
        "cloud/estimate.py",
        "            self._allowed[price] -= free",
        "            pass",
        f"{PRICES}::test_a_free_allowance_is_taken_off_once_for_both_regions",
    ),
    (
        "cloud/template.py",
        'if "Condition" not in each or conditions.holds(each["Condition"])',
        "if True",
        f"{PRICES}::test_alarms_and_dashboards_are_counted_in_the_template_with_its_conditions",
    ),
]
