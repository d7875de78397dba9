"""Bugs of the template for the checks that only look at it: (where, what is there, what it becomes, the check that must then fail).

`where` is a path into the hub, or into a layer's body. The text is JSON.
"""

TEMPLATE = "tests.infra.test_template"
RUNNING = "tests.infra.test_template_running"
KEPT = "tests.infra.test_kept"

RULES = f"{TEMPLATE}:test_parameters_are_checked_and_say_how_they_should_be"
WAITS = f"{TEMPLATE}:test_stores_wait_for_tables_and_the_finalizer_for_every_layer_that_it_reads"
IN_TURN = f"{TEMPLATE}:test_stack_sets_go_one_region_after_the_other_and_may_not_fail"
BUCKETS = f"{TEMPLATE}:test_buckets_are_private_encrypted_owned_and_speak_tls"
PHOTOS = f"{TEMPLATE}:test_photos_are_replicated_with_deletions_and_measured"
TABLES = f"{TEMPLATE}:test_tables_are_global_encrypted_restorable_and_kept"
SITE = f"{TEMPLATE}:test_cloudfront_fails_over_to_the_second_region_and_alone_may_read_the_site"
INVITED = f"{TEMPLATE}:test_nobody_signs_up_and_the_administrator_is_invited_by_mail"
NATIVE = f"{TEMPLATE}:test_users_are_replicated_natively_only_if_asked_for"
IMPORTED = f"{TEMPLATE}:test_users_are_imported_every_five_minutes_in_the_secondary_alone"
LAG = f"{RUNNING}:test_there_is_an_alarm_for_the_lag_of_every_table_and_of_photos"
MAILED = f"{RUNNING}:test_every_alarm_reaches_the_administrator_by_mail_and_so_does_its_end"
ERRORS = f"{RUNNING}:test_one_failure_of_a_function_is_an_alarm_and_so_is_a_user_that_is_not_imported"
FUNCTIONS = f"{RUNNING}:test_functions_are_current_logged_and_run_as_nobody_else"
STAGES = f"{RUNNING}:test_stages_are_throttled_and_logged"
API_LOGS = f"{RUNNING}:test_api_gateway_may_write_logs_before_any_stage_wants_to"

PLANTS: list[tuple[str, str, str, str]] = [
    # what CloudFormation takes
    ("operations/Resources/Alarms", '"Type"', f'"Metadata": "{"x" * 46_000}", "Type"', f"{TEMPLATE}:test_sizes_are_within_the_limits"),
    (
        "hub/Resources/Finalizer",
        '"ZipFile": "',
        f'"ZipFile": "{"#" * 4_200_000}',
        f"{TEMPLATE}:test_functions_are_within_the_limit",
    ),
    ("stores/Resources/UserGuard", '"UserGuardRole"', '"GuardRole"', f"{TEMPLATE}:test_nothing_dangles"),
    ("stores/Conditions", '"OwnPool": ', '"Unused": {}, "OwnPool": ', f"{TEMPLATE}:test_every_parameter_and_condition_is_used"),
    ("writer/Parameters", "{", '{"Other": {"Type": "String"}, ', f"{TEMPLATE}:test_every_parameter_of_a_layer_is_given_and_no_other"),
    ("hub/Resources/StoresStackSet", '"FailureToleranceCount": 0', '"FailureToleranceCount": 1', IN_TURN),
    ("hub/Resources/StoresStackSet", '"SEQUENTIAL"', '"PARALLEL"', IN_TURN),
    ("hub/Resources/StoresStackSet", ', "UsersTable"', "", WAITS),
    ("hub/Resources/ApplicationStackSet", '"RoutingStackSet", ', "", WAITS),
    ("hub/Resources/Finalize", '"StoresStackSet"', '"SitePublisher"', WAITS),
    ("stores/Description", '"', '"\\u00e9', f"{TEMPLATE}:test_the_text_is_ascii"),
    (
        "hub/Resources/Finalize",
        '"ServiceTimeout": 1320',
        '"ServiceTimeout": 900',
        f"{TEMPLATE}:test_nobody_waits_an_hour_for_a_function_that_does_not_answer",
    ),
    (
        "hub/Resources/Distribution",
        '"DependsOn": ["CdnLogsBucketPolicy"]',
        '"DependsOn": []',
        f"{TEMPLATE}:test_whoever_uses_a_bucket_waits_for_its_policy",
    ),
    (
        "stores/Resources/PhotosBucket",
        '"LogsBucketPolicy"',
        '"ReplicationRole"',
        f"{TEMPLATE}:test_whoever_uses_a_bucket_waits_for_its_policy",
    ),
    (
        "routing/Parameters/MetricsEndpoint",
        '"Default": ""',
        '"Default": "x"',
        f"{TEMPLATE}:test_a_layer_may_be_told_nothing_where_the_hub_may_be",
    ),
    # the guide
    ("hub/Parameters/AdminPhone", "{6,14}", "{0,14}", RULES),
    ("hub/Parameters/AdminEmail", '"ConstraintDescription"', '"Nothing"', RULES),
    (
        "hub/Parameters/WitnessRegion",
        '"Default": "", ',
        "",
        f"{TEMPLATE}:test_the_guides_four_parameters_must_be_given_and_the_others_need_not",
    ),
    (
        "hub/Metadata",
        '"FailoverWritable", ',
        "",
        f"{TEMPLATE}:test_the_form_of_the_console_has_every_parameter_once_in_a_group",
    ),
    ("hub/Rules/RegionsDiffer", '"AWS::Region"', '"WitnessRegion"', f"{TEMPLATE}:test_regions_must_differ"),
    ("hub/Mappings", '"No"', '"Yes"', f"{TEMPLATE}:test_metrics_are_off_and_reach_the_updater_only_through_the_mapping"),
    ("hub/Outputs", '"ConsoleUrl"', '"Address"', f"{TEMPLATE}:test_outputs_are_the_guides_and_an_operators"),
    ("hub/Resources/CommentsTable", '"PointInTimeRecoveryEnabled": true', '"PointInTimeRecoveryEnabled": false', TABLES),
    ("hub/Resources/UsersTable", '"DeletionPolicy": "RetainExceptOnCreate"', '"DeletionPolicy": "Delete"', TABLES),
    ("authority/Resources/AuthorityTable", '"SSEEnabled": true', '"SSEEnabled": false', TABLES),
    (
        "hub/Resources/AuthorityStackSet",
        '"Regions": [{"Fn::If": ["HasWitness", {"Ref": "WitnessRegion"}, {"Ref": "SecondaryRegion"}]}',
        '"Regions": [{"Fn::If": ["HasWitness", {"Ref": "WitnessRegion"}, {"Ref": "AWS::Region"}]}',
        f"{TEMPLATE}:test_the_authority_is_in_the_witness_region_if_there_is_one_else_in_the_secondary",
    ),
    # stores and front end
    ("stores/Resources/PhotosBucket", '"BlockPublicPolicy": true', '"BlockPublicPolicy": false', BUCKETS),
    ("stores/Resources/SiteBucketPolicy", '"aws:SecureTransport": "false"', '"aws:SecureTransport": "true"', BUCKETS),
    ("hub/Resources/CdnLogsBucket", '"RetainExceptOnCreate"', '"Delete"', BUCKETS),
    ("stores/Resources/PhotosBucket", '"DeleteMarkerReplication": {"Status": "Enabled"}', '"DeleteMarkerReplication": {}', PHOTOS),
    ("stores/Resources/PhotosBucket", '"VersioningConfiguration": {"Status": "Enabled"}', '"VersioningConfiguration": {}', PHOTOS),
    (
        "hub/Resources/StoresStackSet",
        '"Regions": [{"Ref": "SecondaryRegion"}, {"Ref": "AWS::Region"}]',
        '"Regions": [{"Ref": "SecondaryRegion"}]',
        f"{TEMPLATE}:test_the_web_application_and_identity_are_in_both_regions",
    ),
    ("hub/Resources/Distribution", '"TargetOriginId": "site"', '"TargetOriginId": "primary"', SITE),
    ("hub/Resources/Distribution", '"redirect-to-https"', '"allow-all"', SITE),
    ("stores/Resources/SiteBucketPolicy", '"AWS:SourceArn": {"Ref": "DistributionArn"}', '"AWS:SourceArn": "*"', SITE),
    (
        "hub/Resources/SecurityHeaders",
        "connect-src 'self'",
        "connect-src *",
        f"{TEMPLATE}:test_the_page_is_held_to_the_same_policy_as_at_every_edge",
    ),
    # identity
    ("stores/Resources/UserPool", '"AllowAdminCreateUserOnly": true', '"AllowAdminCreateUserOnly": false', INVITED),
    ("hub/Resources/Administrator", '["EMAIL"]', '["SMS"]', INVITED),
    (
        "hub/Resources/UserPool",
        '"TemporaryPasswordValidityDays": 7',
        '"TemporaryPasswordValidityDays": 1',
        f"{TEMPLATE}:test_pools_keep_the_rules_of_the_package_and_invite_to_the_application",
    ),
    (
        "hub/Resources/UserPoolClient",
        '"WriteAttributes": ["email"',
        '"WriteAttributes": ["custom:imported", "email"',
        f"{TEMPLATE}:test_users_may_change_their_address_and_number_from_the_page_and_nothing_else",
    ),
    (
        "stores/Resources/PoolInvokesGuard",
        '"cognito-idp.amazonaws.com"',
        '"events.amazonaws.com"',
        f"{TEMPLATE}:test_triggers_are_there_by_region_and_cognito_may_invoke_them",
    ),
    ("stores/Resources/UserImport", '"OwnPoolInSecondary"', '"OwnPoolInPrimary"', IMPORTED),
    ("stores/Resources/UserImport", "rate(5 minutes)", "rate(50 minutes)", IMPORTED),
    ("hub/Resources/UserPoolReplica", '["KeyStackSet"]', "[]", NATIVE),
    ("hub/Resources/UserPoolKey", '"MultiRegion": true', '"MultiRegion": false', NATIVE),
    # functions, stages, alarms
    ("stores/Resources/UserGuard", '"python3.14"', '"python3.9"', FUNCTIONS),
    ("stores/Resources/UserGuardLogs", '"RetentionInDays"', '"Nothing"', FUNCTIONS),
    ("stores/Resources/UserExporter", '["UserExporterRole", "Arn"]', '["UserGuardRole", "Arn"]', FUNCTIONS),
    ("routing/Resources/RoutingStage", '"DataTraceEnabled": false', '"DataTraceEnabled": true', STAGES),
    ("application/Resources/ApplicationStage", '"ThrottlingRateLimit": 500', '"ThrottlingRateLimit": 0', STAGES),
    ("hub/Resources/RoutingStackSet", ', "WriterStackSet"', "", API_LOGS),
    ("routing/Resources/RoutingStage", '"ApiAccount", ', "", API_LOGS),
    (
        "writer/Resources/Writer",
        '"Timeout"',
        '"ReservedConcurrentExecutions": 5, "Timeout"',
        f"{RUNNING}:test_no_function_reserves_what_a_new_account_does_not_have",
    ),
    ("operations/Resources/UsersTableLag", '"ReplicationLatency"', '"SuccessfulRequestLatency"', LAG),
    ("operations/Resources/CommentsTableLag", '"AlarmActions": [{"Ref": "Alarms"}]', '"AlarmActions": []', MAILED),
    ("operations/Resources/PhotosLag", '"${Prefix}-photos-${Peer}"', '"${Prefix}-photos-${AWS::Region}"', LAG),
    ("operations/Resources/AppStateUpdaterLambdaErrors", '${Prefix}-AppStateUpdaterLambda"}}]', '${Prefix}-Updater"}}]', ERRORS),
    ("operations/Resources/WriterErrors", '"Threshold": 0', '"Threshold": 5', ERRORS),
    ("operations/Resources/UserExporterErrors", '"DatapointsToAlarm": 1', '"DatapointsToAlarm": 3', ERRORS),
    ("operations/Resources/UserExporterErrors", '"InPrimary"', '"InSecondary"', ERRORS),
    ("operations/Resources/UserImporterErrors", '"GreaterThanThreshold"', '"LessThanThreshold"', ERRORS),
    ("operations/Resources/UserImporterErrors", '"AWS/Lambda"', '"AWS/SQS"', ERRORS),
    ("operations/Resources/UserImporterErrors", '"notBreaching"', '"breaching"', ERRORS),
    ("operations/Resources/UsersNotImported", '"Value": {"Ref": "Prefix"}', '"Value": {"Ref": "SecondaryRegion"}', ERRORS),
    ("operations/Resources/Alarms", '"email"', '"sms"', MAILED),
    ("operations/Resources/AlarmsPolicy", '"cloudwatch.amazonaws.com"', '"events.amazonaws.com"', MAILED),
    # rights
    (
        "writer/Resources/WriterRole",
        '"Action": "s3:ListBucket"',
        '"Action": "*"',
        f"{RUNNING}:test_no_right_is_for_everything_everywhere",
    ),
    (
        "hub/Resources/StackSetExecutionRole",
        ":role/${Prefix}-*",
        ":role/*",
        f"{RUNNING}:test_the_execution_role_makes_roles_of_this_deployment_alone",
    ),
    # what holds data
    (
        "authority/Resources/AuthorityTable",
        '"UpdateReplacePolicy": "Retain"',
        '"Metadata": {}',
        f"{KEPT}:test_it_is_known_what_holds_data_and_what_of_it_is_only_given_at_creation",
    ),
    (
        "hub/Resources/CommentsTable",
        "${Prefix}-CommentsTable",
        "${Prefix}-${MetricsEndpoint}",
        f"{KEPT}:test_no_parameter_that_may_change_replaces_what_holds_data",
    ),
    (
        "hub/Resources/StoresStackSet",
        '"Regions": [{"Ref": "SecondaryRegion"}',
        '"Regions": [{"Ref": "MetricsEndpoint"}',
        f"{KEPT}:test_no_parameter_that_may_change_moves_a_stack_set",
    ),
]
