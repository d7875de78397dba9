"""Guards in the functions that the template deploys, each with what its absence looks like and the test that must then fail."""

APPLICATION = "tests/infra/test_lambdas_application.py"
PHOTOS = "tests/infra/test_lambdas_photos.py"
UPDATER = "tests/infra/test_lambdas_state_updater.py"
USERS = "tests/infra/test_lambdas_users.py"
FINALIZER = "tests/infra/test_lambdas_finalizer.py"
FIRST = "tests/infra/test_first_deployment.py"
AUTHORITY = "tests/infra/test_lambdas_authority.py"
GUARD = "tests/infra/test_lambdas_guard.py"
MADE = f"{FIRST}::test_the_execution_role_may_make_change_and_delete_whatever_stack_sets_make"
EARLY = f"{FIRST}::test_no_stack_set_begins_before_its_roles_are_known_everywhere"
ENABLED = f"{FIRST}::test_a_region_that_has_to_be_enabled_first_is_refused_with_the_reason"
IN_TIME = f"{APPLICATION}::test_the_fence_is_in_the_transaction_not_before_it"

MUTANTS: list[tuple[str, str, str, str]] = [
    # the fence
    ("infra/lambdas/store.py", "[fence(self.states, self.app_id, self.region, state), *stamped]", "stamped", IN_TIME),
    (
        "infra/lambdas/fence.py",
        "#writer = :writer AND #state = :state AND #epoch = :epoch",
        "#state = :state OR #writer = :writer OR #epoch = :epoch OR attribute_exists(appId)",
        IN_TIME,
    ),
    (
        "infra/lambdas/fence.py",
        "#state = :state AND #epoch = :epoch",
        "#state = :state AND (#epoch = :epoch OR attribute_exists(#epoch))",
        f"{APPLICATION}::test_the_epoch_is_in_the_transaction_not_before_it",
    ),
    (
        "infra/lambdas/store.py",
        'if epoch not in (None, state["epoch"]):',
        "if False:",
        f"{APPLICATION}::test_a_write_decided_under_another_epoch_is_refused",
    ),
    (
        "infra/lambdas/store.py",
        'state["state"] != "fenced" and state.get("writer") == serving',
        'state.get("writer") == serving',
        f"{APPLICATION}::test_a_fenced_write_is_refused_with_the_state_and_writes_nothing",
    ),
    (
        "infra/lambdas/store.py",
        "for attempt in range(ATTEMPTS):",
        "for attempt in range(99):",
        f"{APPLICATION}::test_others_in_the_way_are_waited_for_but_not_for_ever",
    ),
    # comments and photos
    (
        "infra/lambdas/comments.py",
        '"user": call.user',
        '"user": call.body.get("user", call.user)',
        f"{APPLICATION}::test_a_forged_author_is_not_taken",
    ),
    (
        "infra/lambdas/comments.py",
        '(stored["user"], stored["message"]) != (repeated["user"], repeated["message"])',
        "False",
        f"{APPLICATION}::test_a_repeated_comment_answers_the_original_in_every_state",
    ),
    ("infra/lambdas/comments.py", " AND attribute_not_exists(deleted)", "", f"{APPLICATION}::test_a_comment_needs_its_photo"),
    (
        "infra/lambdas/photos.py",
        '["content-length-range", size, size]',
        '["content-length-range", 0, size]',
        f"{PHOTOS}::test_a_ticket_is_bound_to_key_size_type_and_digest_and_lives_a_minute",
    ),
    (
        "infra/lambdas/photos.py",
        'if found is None or (found["ContentLength"], found.get("ChecksumSHA256")) != (promised["size"], digest):',
        "if found is None:",
        f"{PHOTOS}::test_nothing_is_committed_before_its_bytes_are_there_and_match",
    ),
    (
        "infra/lambdas/photos.py",
        'if photo["region"] != self.store.region and key not in self.here:',
        "if False:",
        f"{PHOTOS}::test_a_photo_of_the_other_region_is_shown_once_its_bytes_are_here",
    ),
    (
        "infra/lambdas/photos.py",
        'if photo["user"] != call.user and "operators" not in call.groups:',
        "if False:",
        f"{PHOTOS}::test_only_the_owner_and_operators_delete",
    ),
    (
        "infra/lambdas/photos.py",
        "!= self.store.region:\n            return 0",
        '== "nowhere":\n            return 0',
        f"{PHOTOS}::test_a_deletion_that_was_cut_off_is_finished_by_the_sweep_of_the_writer",
    ),
    # the state
    (
        "infra/lambdas/state_updater.py",
        'OR epoch < :epoch OR (epoch = :epoch AND decided = :decided)"',
        'OR epoch < :epoch OR (epoch = :epoch AND decided = :decided) OR attribute_exists(epoch)"',
        f"{UPDATER}::test_a_copy_refuses_a_lower_epoch",
    ),
    (
        "infra/lambdas/state_updater.py",
        "(epoch = :epoch AND decided = :decided)",
        "(epoch = :epoch AND (decided = :decided OR epoch = :epoch))",
        f"{UPDATER}::test_a_copy_refuses_another_decision_of_the_same_epoch",
    ),
    (
        "infra/lambdas/state_updater.py",
        ', ConditionExpression="attribute_not_exists(epoch)")',
        ")",
        f"{UPDATER}::test_of_two_who_decide_at_once_one_has_decided",
    ),
    ("infra/lambdas/state_updater.py", "drained or lost))", "True))", f"{UPDATER}::test_moves_are_those_of_the_package"),
    (
        "infra/lambdas/state_updater.py",
        'if lost and not wish["AcceptLoss"]:',
        "if False:",
        f"{UPDATER}::test_a_lost_region_is_taken_over_from_on_the_operators_word",
    ),
    (
        "infra/lambdas/state_updater.py",
        "        drain(copies, time.monotonic() + DRAIN_SECONDS)\n",
        "",
        f"{UPDATER}::test_a_new_writer_needs_both_regions_equal",
    ),
    (
        "infra/lambdas/state_updater.py",
        'if event.get("NewState") not in STATES:',
        'if str(event.get("NewState")).lower() not in STATES:',
        f"{UPDATER}::test_a_wrong_field_is_named_and_nothing_is_changed",
    ),
    (
        "infra/lambdas/state_updater.py",
        'if environment["SEND_METRICS"] != "Yes" or not',
        "if not",
        f"{UPDATER}::test_metrics_are_off_by_default_and_never_in_the_way",
    ),
    (
        "infra/lambdas/state_updater.py",
        "            if not writes:\n                self.fence_uploads(True)\n",
        "",
        f"{UPDATER}::test_uploads_are_denied_wherever_the_region_is_not_the_writer",
    ),
    # users
    (
        "infra/lambdas/user_exporter.py",
        "TransactItems=[check, ",
        "TransactItems=[",
        f"{USERS}::test_the_fence_is_in_the_transaction",
    ),
    (
        "infra/lambdas/user_exporter.py",
        ' if user["UserStatus"] == "CONFIRMED"',
        "",
        f"{USERS}::test_later_changes_are_carried_and_nothing_is_written_twice",
    ),
    (
        "infra/lambdas/user_importer.py",
        'self.regroup(where, set(user["groups"]))',
        "None",
        f"{USERS}::test_users_are_imported_changed_and_disabled",
    ),
    ("infra/lambdas/user_guard.py", 'if "Item" not in', 'if "Nothing" in', f"{USERS}::test_the_guard_lets_in_whom_the_table_knows"),
    # the end of a deployment
    (
        "infra/lambdas/finalizer.py",
        "except (ClientError, BotoCoreError) as error:",
        "except ZeroDivisionError as error:",
        f"{FINALIZER}::test_deleting_goes_on_though_something_cannot_be_cleared",
    ),
    # the first deployment: rights, tags, order, regions
    ("infra/stack_sets.py", '("TagResource", "UntagResource", "ListTagsForResource")', '("UntagResource", "ListTagsForResource")', MADE),
    ("infra/stack_sets.py", '"TagRole", "UntagRole", "ListRoleTags"', '"UntagRole", "ListRoleTags"', MADE),
    ("infra/stack_sets.py", '"UntagResource", "ListResourceTags")', '"UntagResource")', MADE),
    ("infra/stack_sets.py", '"ReplicateKey", "DescribeKey"', '"DescribeKey"', MADE),
    ("infra/stack_sets.py", '"cloudwatch:DescribeAlarms", "sns:Unsubscribe"', '"cloudwatch:DescribeAlarms"', MADE),
    ("infra/stack_sets.py", '"UpdateRoleDescription", "UpdateAssumeRolePolicy", "PassRole"', '"UpdateAssumeRolePolicy"', MADE),
    (
        "infra/stack_sets.py",
        '["cloudformation:*", "s3:*"]',
        '["cloudformation:*"]',
        f"{FIRST}::test_the_execution_role_has_what_stack_sets_need_at_least",
    ),
    (
        "infra/stack_sets.py",
        ', "Action": "sts:AssumeRole", "Condition": only_it}',
        ', "Action": "sts:AssumeRole"}',
        f"{FIRST}::test_nobody_but_the_administration_role_may_take_the_execution_role",
    ),
    (
        "infra/stack_sets.py",
        '"Principal": account, "Action"',
        '"Principal": {"AWS": administration.attr_arn}, "Action"',
        f"{FIRST}::test_no_role_trusts_another_before_that_one_is_known_everywhere",
    ),
    (
        "infra/lambdas/finalizer.py",
        'attempts == 1 or "StaleEpoch"',
        '"StaleEpoch"',
        f"{FINALIZER}::test_the_state_is_told_again_once_an_authority_that_was_behind_is_mended_and_not_for_ever",
    ),
    (
        "infra/lambdas/finalizer.py",
        '"TellAgain": True}',
        '"NewState": "active"}',
        f"{FINALIZER}::test_no_state_is_asked_for_so_that_none_is_taken_back_that_somebody_sets_meanwhile",
    ),
    (
        "infra/lambdas/finalizer.py",
        "        self.replicate_back()\n        self.tell_state()\n\n",
        "\n",
        f"{FINALIZER}::test_after_an_update_all_is_restored_that_it_may_have_overwritten",
    ),
    (
        "infra/lambdas/state_updater.py",
        'wish |= {"NewState": current["state"], "Writable": current["writable"]}',
        'wish |= {"NewState": current["state"]}',
        f"{AUTHORITY}::test_what_is_decided_is_told_again_and_nothing_is_changed",
    ),
    (
        "infra/lambdas/user_exporter.py",
        "Config(connect_timeout=0.5, read_timeout=1,",
        "Config(connect_timeout=2, read_timeout=5,",
        f"{USERS}::test_a_sign_in_does_not_wait_longer_than_cognito_does",
    ),
    ("infra/hub.py", "            table.add_resource_dependency(resource)\n", "            continue\n", EARLY),
    ("infra/hub.py", "[chosen.authority_region], values, using, *tables", "[chosen.authority_region], values, using", EARLY),
    ("infra/native.py", "        key.add_resource_dependency(resource)\n", "        continue\n", EARLY),
    ("infra/parameters.py", '    supported(stack, "PrimaryIsSupported", here, "The region that the stack is in")\n', "", ENABLED),
    ("infra/parameters.py", '    supported(stack, "SecondaryIsSupported", secondary, "SecondaryRegion")\n', "", ENABLED),
    ("infra/parameters.py", '    supported(stack, "WitnessIsSupported", witness, "WitnessRegion", "")\n', "", ENABLED),
    # a role has to work when it is named
    (
        "infra/gateway.py",
        '    account = apigateway.CfnAccount(stack, "ApiAccount", cloud_watch_role_arn=arn)\n',
        '    made = role(stack, "Early", trusted("apigateway.amazonaws.com"), [])\n'
        '    account = apigateway.CfnAccount(stack, "ApiAccount", cloud_watch_role_arn=made.attr_arn)\n',
        MADE,
    ),
    # an authority that knows less than the regions
    (
        "infra/lambdas/state_updater.py",
        "or begin(authority, copies, wish",
        'or authority.decide(FIRST, "multiregion", "deployed") or (authority, copies, wish',
        f"{AUTHORITY}::test_the_first_decision_of_an_empty_table_is_above_all_that_the_regions_know",
    ),
    (
        "infra/lambdas/state_updater.py",
        "if silent and not (lost and newest):",
        "if False:",
        f"{AUTHORITY}::test_an_empty_table_and_a_silent_region_decide_nothing_unless_it_is_lost",
    ),
    (
        "infra/lambdas/state_updater.py",
        "version(self.read()) == version(item)",
        'self.read()["epoch"] >= item["epoch"]',
        f"{AUTHORITY}::test_a_region_that_shows_another_decision_has_not_confirmed_this_one",
    ),
    (
        "infra/lambdas/state_updater.py",
        "            self.admit(item)\n",
        "",
        f"{AUTHORITY}::test_an_authority_that_is_behind_is_brought_above_the_regions_and_the_change_is_not_told_as_done",
    ),
    (
        "infra/lambdas/state_updater.py",
        'if newest["epoch"] > current["epoch"]:',
        "if False:",
        f"{AUTHORITY}::test_who_is_overtaken_by_another_change_is_told_so",
    ),
    # what cannot change
    (
        "infra/lambdas/parameter_guard.py",
        'refusal(kept, event["ResourceProperties"]) if',
        '"" if',
        f"{GUARD}::test_a_parameter_that_cannot_change_is_named_with_what_to_do_instead",
    ),
    (
        "infra/lambdas/parameter_guard.py",
        "before.get(name, digest(values[name]))",
        "before.get(name)",
        f"{GUARD}::test_a_parameter_of_a_newer_template_is_no_change",
    ),
]
