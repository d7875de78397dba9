"""Guards of the AWS deployment, each with what its absence looks like and the test that must then fail."""

FINALIZER = "tests/infra/test_lambdas_finalizer.py"
PUBLISHER = "tests/infra/test_lambdas_site_publisher.py"
TEMPLATE = "tests/infra/test_template.py"
USERS = "tests/infra/test_lambdas_users.py"
SHARED = "tests/infra/test_lambdas_application.py"
AGAIN = f"{TEMPLATE}::test_the_finalizer_works_again_when_a_layer_the_web_application_or_the_headers_change"

MUTANTS: list[tuple[str, str, str, str]] = [
    # room
    ("infra/limits.py", "    if size > most:", "    if False:", f"{TEMPLATE}::test_a_text_that_leaves_too_little_room_is_refused"),
    ("infra/limits.py", "len(text.encode())", "len(text)", f"{TEMPLATE}::test_a_text_that_leaves_too_little_room_is_refused"),
    (
        "infra/synthesis.py",
        'roomy(f"the layer {name}", body, BODY_BYTES_MAX)',
        "body",
        f"{TEMPLATE}::test_a_layer_that_is_too_large_is_not_synthesised",
    ),
    # the web application in the template
    ("infra/finishing.py", "[*bodies.values(), bundle, config]", "[*bodies.values(), bundle]", AGAIN),
    ("infra/finishing.py", "[*bodies.values(), bundle, config]", "[*bodies.values(), config]", AGAIN),
    ("infra/web_bundle.py", "is_fresh():", "is_fresh() and False:", f"{PUBLISHER}::test_a_bundle_of_other_sources_is_refused"),
    (
        "infra/web_bundle.py",
        "return before if before and unpacked(before) == files else packed(files)",
        "return packed(files)",
        f"{PUBLISHER}::test_a_text_that_holds_the_same_files_is_kept_however_it_was_packed",
    ),
    (
        "infra/web_bundle.py",
        "in sorted(files.items())",
        "in files.items()",
        f"{PUBLISHER}::test_the_same_files_make_the_same_text_whenever_and_in_whatever_order_they_were_written",
    ),
    (
        "infra/lambdas/site_publisher.py",
        '.replace("$", ".")\n',
        "\n",
        f"{PUBLISHER}::test_nothing_in_the_text_looks_like_a_place_to_fill_in_or_ends_a_string",
    ),
    (
        "infra/lambdas/site_publisher.py",
        'if name.startswith("assets/") else ASK_AGAIN',
        "",
        f"{PUBLISHER}::test_the_web_application_is_in_both_buckets_with_types_cache_headers_and_configuration",
    ),
    (
        "infra/lambdas/site_publisher.py",
        "sorted(files, key=lambda each: each == PAGE)",
        "files",
        f"{PUBLISHER}::test_the_page_is_written_last",
    ),
    (
        "infra/lambdas/site_publisher.py",
        " or PAGE not in [each.filename for each in entries]",
        "",
        f"{PUBLISHER}::test_what_is_no_bundle_is_refused_before_anything_is_written",
    ),
    (
        "infra/lambdas/site_publisher.py",
        "sum(each.file_size for each in entries)",
        "0",
        f"{PUBLISHER}::test_what_is_no_bundle_is_refused_before_anything_is_written",
    ),
    (
        "infra/lambdas/finalizer.py",
        '            "dashboardUrl": self.given["DashboardUrl"],\n',
        "",
        f"{FINALIZER}::test_the_page_is_told_where_both_regions_are",
    ),
    # users
    (
        "infra/lambdas/user_importer.py",
        '        if self.present(where, user["attributes"]) == UNFINISHED:',
        '        if self.present(where, user["attributes"]) == "":',
        f"{USERS}::test_an_imported_user_is_sent_nothing_and_has_a_password_that_can_be_forgotten",
    ),
    (
        "infra/lambdas/user_importer.py",
        'if user["digest"] != "deleted" or user["username"] in here',
        "if True",
        f"{USERS}::test_a_user_that_was_deleted_before_it_was_imported_is_none",
    ),
    (
        "infra/lambdas/user_importer.py",
        "(here.get(name), refused.get(name))]",
        "(here.get(name),)]",
        f"{USERS}::test_a_user_that_the_pool_refuses_is_noted_and_tried_again_when_the_profile_changes",
    ),
    (
        "infra/lambdas/user_importer.py",
        'not user["username"].startswith(NOTE) and',
        "",
        f"{USERS}::test_a_stream_does_not_repeat_what_the_pool_refuses",
    ),
    (
        "infra/lambdas/user_importer.py",
        'error.response["Error"]["Code"] not in HOPELESS',
        "True",
        f"{USERS}::test_a_stream_does_not_repeat_what_the_pool_refuses",
    ),
    (
        "infra/lambdas/user_exporter.py",
        ' if not item["username"].startswith(NOTE)}',
        "}",
        f"{USERS}::test_a_user_that_the_pool_refuses_is_noted_and_tried_again_when_the_profile_changes",
    ),
    (
        "infra/lambdas/user_importer.py",
        'if user["enabled"] and not can_reset(user)',
        "if False",
        f"{USERS}::test_users_who_cannot_reset_a_password_are_named",
    ),
    ("infra/lambdas/users.py", "return name.lower()", "return name", f"{USERS}::test_upper_and_lower_case_are_one_user"),
    (
        "infra/lambdas/finalizer.py",
        'auth["passwords"] = "own"',
        "pass",
        f"{FINALIZER}::test_the_page_is_told_whose_passwords_a_region_has",
    ),
    # one source
    (
        "infra/inline.py",
        "    if ast.literal_eval(made.value) != value:",
        "    if False:",
        f"{FINALIZER}::test_only_plain_values_are_shared",
    ),
    ("infra/lambdas/shared.py", "SETTINGS.upload_bytes_max,", "1,", f"{SHARED}::test_limits_are_those_of_the_package"),
    (
        "infra/lambdas/shared.py",
        "drained=proven)",
        "drained=True)",
        "tests/infra/test_lambdas_state_updater.py::test_moves_are_those_of_the_package",
    ),
    (
        "infra/lambdas/photos.py",
        'Problem(403, "forbidden",',
        'Problem(400, "forbidden",',
        f"{SHARED}::test_every_problem_has_the_status_and_a_code_of_the_package",
    ),
    (
        "infra/lambdas/user_importer.py",
        'record["dynamodb"]["SequenceNumber"], record',
        'record["eventID"], record',
        f"{USERS}::test_a_batch_of_the_stream_says_which_records_failed",
    ),
    # the rule for passwords
    (
        "api/edge.py",
        '"passwordCharactersMin": PASSWORD_CHARACTERS_MIN',
        '"passwordCharactersMin": 8',
        "tests/unit/test_edge.py::test_the_configuration_has_the_rule_that_a_new_password_is_held_to",
    ),
]
