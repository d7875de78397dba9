"""Guards against what an account may refuse, or what stays in it, each with what its absence looks like and the test that must then fail."""

DEPLOY = "tests/infra/test_command_deploy.py"
REFUSALS = "tests/infra/test_command_refusals.py"
DESTROY = "tests/infra/test_command_destroy.py"
PREFLIGHT = "tests/unit/test_aws_preflight.py"

CHECKS = f"{REFUSALS}::test_bad_checks_are_all_told_and_nothing_is_changed"
ALLOWED = f"{REFUSALS}::test_permissions_are_asked_for_on_what_they_are_needed_for"
ONLY_THEN = f"{REFUSALS}::test_what_only_the_first_global_table_and_native_users_need_is_asked_for_only_then"
LISTED = f"{REFUSALS}::test_every_type_that_the_operator_makes_is_in_the_list_of_permissions_and_nothing_that_is_not_called"
VERIFIED = f"{DEPLOY}::test_an_account_that_aws_has_not_verified_is_warned_and_sent_to_aws_support"
LEFT = f"{DEPLOY}::test_what_a_late_failure_leaves_is_named_with_its_removal_and_is_not_in_the_way_of_a_retry"
REASONS = "tests/unit/test_aws_failure.py::test_what_to_do_follows_from_the_reason"
STATUSES = f"{PREFLIGHT}::test_what_can_be_done_follows_from_the_stacks_status"
UNSEEN = f"{PREFLIGHT}::test_what_the_credentials_may_not_look_at_is_unknown_and_stops_nothing"
NOTHING = 'r"no such words"'

MUTANTS: list[tuple[str, str, str, str]] = [
    # what AWS says, and what to do then
    ("cloud/failure.py", 'r"account must be verified before you can add new CloudFront"', NOTHING, VERIFIED),
    ("cloud/failure.py", 'r"needs a subscription for the service|not signed up|', 'r"', REASONS),
    ("cloud/failure.py", 'r"(service|resource) control policy|permissions boundary"', NOTHING, REASONS),
    ("cloud/failure.py", 'r"token.*(has )?expired|ExpiredToken"', NOTHING, REASONS),
    ("cloud/failure.py", "|should have|trust)", "|should have)", REASONS),
    ("cloud/failure.py", "|AssumeRole|execution role", "", REASONS),
    ("cloud/failure.py", 'r"UnreservedConcurrentExecution|ConcurrentInvocationLimit"', NOTHING, REASONS),
    ("cloud/failure.py", 'r"conflicting (conditional )?operation|OperationAborted"', NOTHING, REASONS),
    ("cloud/failure.py", 'r"Replica cannot be deleted because"', NOTHING, REASONS),
    ("cloud/failure.py", 'r"not empty|BucketNotEmpty"', NOTHING, REASONS),
    # what is seen beforehand
    ("cloud/preflight.py", '        if found["Quantity"]:', "        if True:", VERIFIED),
    ("cloud/preflight.py", 'counts["RolesQuota"]', "10_000", CHECKS),
    ("cloud/permissions.py", "arns = [resource.format(**known)]", 'arns = ["*"]', ALLOWED),
    ("cloud/permissions.py", '        "cloudfront:CreateOriginAccessControl",\n', "", LISTED),
    ("cloud/permissions.py", '        "s3:PutBucketTagging",\n', '        "s3:PutBucketTag",\n', LISTED),
    ("cloud/permissions.py", "        groups.append(FOR_THE_FIRST_GLOBAL_TABLE)\n", "        pass\n", ONLY_THEN),
    ("cloud/permissions.py", "        if not is_missing(error):", "        if True:", ONLY_THEN),
    ("cloud/preflight.py", 'native=self._parameters.get("UserReplication") == "native"', "native=False", ONLY_THEN),
    ("cloud/preflight.py", "[permissions.TO_TAKE_BACK]", "[]", f"{REFUSALS}::test_who_could_not_take_a_failure_back_is_warned"),
    (
        "cloud/preflight.py",
        "        if limit is None:",
        "        if False:",
        f"{PREFLIGHT}::test_a_limit_that_aws_does_not_tell_is_unknown",
    ),
    (
        "cloud/preflight.py",
        "        if limit < CONCURRENCY_WANTED:",
        "        if False:",
        f"{PREFLIGHT}::test_a_new_account_may_run_few_functions_at_a_time_which_is_enough_for_a_try",
    ),
    (
        "cloud/preflight.py",
        'if self._identity.arn.endswith(":root"):',
        "if False:",
        f"{PREFLIGHT}::test_the_root_user_needs_nothing_granted",
    ),
    (
        "cloud/permissions.py",
        'if not parts[5].startswith("assumed-role/"):',
        "if True:",
        f"{PREFLIGHT}::test_a_session_is_looked_at_as_the_role_behind_it",
    ),
    ("cloud/preflight.py", "        except MultiregionError as error:", "        except ZeroDivisionError as error:", UNSEEN),
    # what is said of a stack that is there
    ("cloud/preflight.py", "        if stack.runs:", "        if False:", STATUSES),
    ("cloud/preflight.py", "        if self._wish.retry:", "        if False:", STATUSES),
    ("cloud/preflight.py", "        if stack.status in NEVER_WHOLE:", "        if False:", STATUSES),
    ("cloud/preflight.py", 'if stack.status == "REVIEW_IN_PROGRESS":', "if False:", STATUSES),
    ("cloud/preflight.py", "        if stack.status in UPDATABLE:", "        if True:", STATUSES),
    # what stays
    (
        "cloud/removal.py",
        "stack.regions[1::-1] if",
        "stack.regions[:2] if",
        f"{DESTROY}::test_of_a_table_the_copy_is_named_before_the_one_that_it_was_made_from",
    ),
    (
        "cloud/removal.py",
        "b.object_versions.delete()",
        "b.objects.delete()",
        f"{DESTROY}::test_the_command_for_a_bucket_removes_it_with_all_versions",
    ),
    (
        "cloud/removal.py",
        'if each["ResourceType"] == API and',
        "if False and",
        f"{DESTROY}::test_logs_that_api_gateway_makes_by_itself_are_among_what_stays",
    ),
    ("cloud/removal.py", "if event.status == SKIPPED)", "if False)", LEFT),
    ("cli/aws_progress.py", 'if status == "ROLLBACK_COMPLETE" else []', 'if status == "ROLLBACK_FAILED" else []', LEFT),
]
