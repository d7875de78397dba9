"""Bugs of the template for the deployed suite to notice: (where, what is there, what it becomes, the check that must then fail).

`where` is a resource of the hub; of a StackSet the body is changed. The text is JSON, or a line of a function's code as it is deployed.
"""

STATES = "tests.infra.test_deployed_states"
EDGES = "tests.infra.test_deployed_edges"
SITE = "tests.infra.test_deployed_site"
USERS = "tests.infra.test_deployed_users"
DEPLOYMENT = "the first sign-in of the deployment's users"

PLANTS: list[tuple[str, str, str, str]] = [
    # permissions
    (
        "WriterStackSet",
        '"dynamodb:Query", "dynamodb:PutItem"',
        '"dynamodb:Query"',
        f"{STATES}:test_what_is_written_arrives_after_the_lag",
    ),
    (
        "WriterStackSet",
        '["dynamodb:GetItem", "dynamodb:ConditionCheckItem"]',
        '["dynamodb:GetItem"]',
        f"{STATES}:test_what_is_written_arrives_after_the_lag",
    ),
    (
        "StoresStackSet",
        '"s3:ReplicateObject", "s3:ReplicateDelete"',
        '"s3:ReplicateObject"',
        f"{STATES}:test_a_photo_is_deleted_in_both_regions_with_its_comments_and_bytes",
    ),
    (
        "StoresStackSet",
        '"Principal": "cognito-idp.amazonaws.com"',
        '"Principal": "cognito.amazonaws.com"',
        DEPLOYMENT,
    ),
    (
        "ApplicationStackSet",
        '"Principal": "apigateway.amazonaws.com", "SourceArn"',
        '"Principal": "api.amazonaws.com", "SourceArn"',
        f"{STATES}:test_nothing_was_refused_to_replication_or_to_a_stream",
    ),
    (
        "StoresStackSet",
        '"WriteAttributes": ["email", "phone_number"]',
        '"WriteAttributes": ["email", "email_verified", "phone_number"]',
        f"{EDGES}:test_users_change_their_own_profile_and_it_is_carried_and_nothing_else",
    ),
    # the fence
    (
        "WriterStackSet",
        "[fence(self.states, self.app_id, self.region, state), *stamped]",
        "stamped",
        f"{STATES}:test_the_fence_is_in_the_commit_not_before_it",
    ),
    ("WriterStackSet", " AND #epoch = :epoch", " OR #epoch = :epoch", f"{STATES}:test_the_epoch_is_in_the_commit_not_before_it"),
    ("RoutingStackSet", "epoch < :epoch OR", "epoch <> :epoch OR", f"{STATES}:test_a_lower_epoch_is_never_taken"),
    (
        "RoutingStackSet",
        "self.s3.put_bucket_policy(",
        "(lambda **_: None)(",
        f"{EDGES}:test_a_ticket_of_before_the_fence_is_worth_nothing_after_it",
    ),
    (
        "RoutingStackSet",
        "'Condition': {'ArnNotLike': {'aws:PrincipalArn': self.environment['REPLICATION_ROLES']}}",
        "",
        f"{STATES}:test_nothing_was_refused_to_replication_or_to_a_stream",
    ),
    # replication
    (
        "StoresStackSet",
        '"DeleteMarkerReplication": {"Status": "Enabled"}',
        '"DeleteMarkerReplication": {"Status": "Disabled"}',
        f"{STATES}:test_a_photo_is_deleted_in_both_regions_with_its_comments_and_bytes",
    ),
    (
        "StoresStackSet",
        '"Priority": 1, "Status": "Enabled"',
        '"Priority": 1, "Status": "Disabled"',
        f"{STATES}:test_a_photo_is_shown_where_its_bytes_are",
    ),
    # browsers and uploads
    (
        "RoutingStackSet",
        """"method.response.header.Access-Control-Allow-Origin": {"Fn::Sub": "'${AllowedOrigin}'"}""",
        """"method.response.header.Access-Control-Allow-Origin": "'*'\"""",
        f"{EDGES}:test_every_answer_names_the_sites_origin",
    ),
    (
        "ApplicationStackSet",
        """"gatewayresponse.header.Access-Control-Allow-Origin": {"Fn::Sub": "'${AllowedOrigin}'"}""",
        """"gatewayresponse.header.Vary": "'Origin'\"""",
        f"{EDGES}:test_every_answer_names_the_sites_origin",
    ),
    ("ApplicationStackSet", ",Multiregion-Epoch", "", f"{EDGES}:test_every_answer_names_the_sites_origin"),
    (
        "StoresStackSet",
        '"AllowedOrigins": [{"Ref": "AllowedOrigin"}]',
        '"AllowedOrigins": ["*"]',
        f"{EDGES}:test_only_the_site_may_upload_and_show_from_a_browser",
    ),
    (
        "WriterStackSet",
        "['content-length-range', size, size]",
        "['content-length-range', 0, 10 ** 9]",
        f"{EDGES}:test_s3_takes_exactly_what_was_announced",
    ),
    # the web application
    ("SitePublisher", "'js': 'text/javascript; charset=utf-8'", "'js': 'text/plain'", f"{SITE}:test_scripts_are_served_as_scripts"),
    (
        "SitePublisher",
        "for region, bucket in buckets.items():",
        "for region, bucket in list(buckets.items())[:1]:",
        f"{SITE}:test_both_regions_have_every_file",
    ),
    ("Finalizer", "'dashboardUrl': self.given['DashboardUrl']", "'dashboardUrl': ''", f"{SITE}:test_both_regions_have_every_file"),
    (
        "AfterUpdates",
        '"UPDATE_COMPLETE"',
        '"CREATE_COMPLETE"',
        f"{SITE}:test_an_update_that_rewrites_the_headers_leaves_the_page_its_addresses",
    ),
    (
        "Finalizer",
        "self.regions})\n  self.replicate_back()\n  self.tell_state()",
        "self.regions})",
        f"{SITE}:test_an_update_that_is_taken_back_leaves_uploads_denied_and_replication_on",
    ),
    # users
    (
        "StoresStackSet",
        '"Name": "imported"',
        '"Name": "profile"',
        f"{USERS}:test_an_import_is_finished_and_marked",
    ),
    (
        "StoresStackSet",
        '"CaseSensitive": false',
        '"CaseSensitive": true',
        f"{USERS}:test_upper_and_lower_case_are_one_user_in_both_regions",
    ),
    ("StoresStackSet", '"MinimumLength": 12', '"MinimumLength": 8', f"{USERS}:test_the_page_is_told_the_rule_that_the_pools_keep"),
    (
        "Finalizer",
        "auth['passwords'] = 'own'",
        "auth['passwords'] = 'replica'",
        f"{USERS}:test_the_page_is_told_the_rule_that_the_pools_keep",
    ),
    (
        "StoresStackSet",
        "MessageAction='SUPPRESS'",
        "DesiredDeliveryMediums=['EMAIL']",
        f"{USERS}:test_nobody_is_sent_anything_by_the_import",
    ),
    ("StoresStackSet", "Sign in at ${AllowedOrigin} once", "Sign in once", f"{USERS}:test_the_invitation_names_the_application"),
    (
        "StoresStackSet",
        "aA1-', Permanent=True",
        "aA1-', Permanent=False",
        f"{USERS}:test_who_was_imported_a_year_ago_signs_in_when_the_primary_is_lost",
    ),
    (
        "Finalizer",
        "DestinationConfig={'OnFailure': {'Destination': failures}}",
        "DestinationConfig={}",
        f"{USERS}:test_what_the_importer_cannot_do_is_kept_for_the_operator",
    ),
]
