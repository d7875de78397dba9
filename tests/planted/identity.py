"""Guards of identity, each with what its absence looks like and the test that must then fail: (file, old, new, test)."""

SESSIONS = "tests/unit/test_accounts_sessions.py"
PASSWORDS = "tests/unit/test_accounts_passwords.py"
USERS = "tests/unit/test_accounts_users.py"
TOKENS = "tests/unit/test_tokens.py"
OPERATORS = "tests/contract/test_identity_operators.py"
BOTO3 = "tests/contract/test_identity.py"

ACCOUNTS = "accounts/accounts.py"
FORGERIES = f"{TOKENS}::test_claims_that_do_not_count"

MUTANTS: list[tuple[str, str, str, str]] = [
    # whose tokens count
    ("accounts/tokens.py", "if claims.iss not in self._clients or claims.audience", "if claims.audience", FORGERIES),
    ("accounts/tokens.py", " or claims.audience != self._clients[claims.iss]", "", FORGERIES),
    ("accounts/tokens.py", "return self.aud if self.is_id else self.client_id", "return self.aud or self.client_id", FORGERIES),
    ("accounts/tokens.py", "if verified.use != use:", "if False:", f"{TOKENS}::test_each_kind_of_token_is_good_for_one_thing"),
    (
        "accounts/tokens.py",
        "if verified.expires <= self._clock.now():",
        "if False:",
        f"{SESSIONS}::test_a_session_lives_as_long_as_the_settings_say",
    ),
    (
        "accounts/tokens.py",
        "jwt.decode(token, key, algorithms=[ALGORITHM])",
        'jwt.decode(token, key, algorithms=["RS256", "RS512", "PS256", "HS256", "none"])',
        f"{TOKENS}::test_signatures_that_do_not_count",
    ),
    (
        "accounts/tokens.py",
        "jwt.decode(token, key, algorithms=[ALGORITHM]).claims",
        "__import__('json').loads(jws.extract_compact(token.encode()).payload)",
        f"{TOKENS}::test_signatures_that_do_not_count",
    ),
    (
        "accounts/tokens.py",
        "while len(self._verified) > VERIFIED_MAX:",
        "while False:",
        f"{TOKENS}::test_verified_tokens_are_remembered_in_bounds",
    ),
    (
        "accounts/seals.py",
        "if len(text) > SEALED_CHARACTERS_MAX:",
        "if False:",
        f"{TOKENS}::test_a_seal_reads_no_endless_text",
    ),
    # whether a session goes on
    (ACCOUNTS, " or await self._is_revoked(grant)", "", f"{SESSIONS}::test_a_revoked_session_is_dead_in_both_regions_and_others_live"),
    (ACCOUNTS, " or not counts(user, grant)", "", f"{SESSIONS}::test_signing_out_everywhere_ends_all_sessions_but_not_the_next"),
    (ACCOUNTS, " or user.sub != grant.sub or not counts", " or not counts", f"{TOKENS}::test_claims_of_another_user_or_time"),
    (
        ACCOUNTS,
        "if not user.enabled:",
        "if False:",
        f"{SESSIONS}::test_a_disabled_user_is_out_in_both_regions_until_enabled_and_signed_in_again",
    ),
    (
        "accounts/administration.py",
        "replace(self._without_sessions(user), enabled=False)",
        "replace(user, enabled=False)",
        f"{SESSIONS}::test_a_disabled_user_is_out_in_both_regions_until_enabled_and_signed_in_again",
    ),
    (
        "accounts/administration.py",
        "replace(self._without_sessions(user), password=hash, password_set_at=self._clock.now(), status=status)",
        "replace(user, password=hash, password_set_at=self._clock.now(), status=status)",
        f"{PASSWORDS}::TestChange::test_a_password_set_by_an_operator_ends_all_sessions",
    ),
    (
        ACCOUNTS,
        "stamp=self._clock.new_id(), kept_session=None)",
        "kept_session=None)",
        f"{PASSWORDS}::TestFirstPassword::test_a_challenge_is_dead_once_it_was_answered",
    ),
    (ACCOUNTS, ", kept_session=grant.origin)", ")", f"{PASSWORDS}::TestChange::test_it_ends_every_session_but_the_one_it_is_done_in"),
    (
        ACCOUNTS,
        '        if self._sessions.expired(lease):\n            raise Unauthorized("Refresh',
        '        if False:\n            raise Unauthorized("Refresh',
        f"{SESSIONS}::test_a_session_lives_as_long_as_the_settings_say",
    ),
    (
        ACCOUNTS,
        "if record.order < iso(self._clock.now())",
        "if False",
        f"{SESSIONS}::test_revocations_that_nothing_needs_any_more_are_swept",
    ),
    (ACCOUNTS, 'if refresh_token.count(".") == 2:', "if False:", f"{SESSIONS}::test_only_a_refresh_token_can_be_revoked"),
    # challenges and codes
    (
        ACCOUNTS,
        "or user.stamp != grant.stamp:",
        "or False:",
        f"{PASSWORDS}::TestFirstPassword::test_a_challenge_is_dead_once_it_was_answered",
    ),
    (ACCOUNTS, "if folded(grant.name) != folded(name):", "if False:", f"{PASSWORDS}::TestFirstPassword::test_a_challenge_is_one_users"),
    (
        "accounts/sessions.py",
        "        if self.expired(lease):",
        "        if False:",
        f"{PASSWORDS}::TestFirstPassword::test_a_challenge_lives_three_minutes",
    ),
    (
        "accounts/sessions.py",
        'deployment.key("challenges")',
        'deployment.key("refresh-tokens")',
        f"{PASSWORDS}::TestFirstPassword::test_other_tokens_are_no_challenge",
    ),
    (ACCOUNTS, "        self._check_age(user)", "", f"{PASSWORDS}::TestFirstPassword::test_a_temporary_password_expires"),
    (
        "accounts/sessions.py",
        "{user.sub}\\0{user.stamp}\\0{window}",
        "{user.sub}\\0{window}",
        f"{PASSWORDS}::TestForgotten::test_a_code_sets_a_password_once_and_ends_all_sessions",
    ),
    (
        "accounts/sessions.py",
        "for age in (0, 1)",
        "for age in (0, 1, 2)",
        f"{PASSWORDS}::TestForgotten::test_a_code_is_good_for_half_an_hour_and_not_for_an_hour",
    ),
    (ACCOUNTS, "        await self._check_writable()\n", "", f"{SESSIONS}::test_what_must_be_remembered_is_refused_where_nobody_writes"),
    # guessing
    (
        "accounts/passwords.py",
        "hash or self._decoy, password)",
        "hash, password) if hash else False",
        f"{PASSWORDS}::TestGuessing::test_an_unknown_name_costs_a_hash_too",
    ),
    (
        "accounts/passwords.py",
        "            admit()\n",
        "",
        f"{PASSWORDS}::TestGuessing::test_many_attempts_at_once_do_not_outrun_the_limit",
    ),
    (
        "accounts/passwords.py",
        "if self._waiting >= WAITING_MAX:",
        "if False:",
        f"{PASSWORDS}::TestGuessing::test_the_queue_of_passwords_is_bounded",
    ),
    (
        "accounts/attempts.py",
        "        self._users.count(user)\n",
        "",
        f"{PASSWORDS}::TestGuessing::test_ten_failures_make_a_user_wait_and_a_right_password_too",
    ),
    (
        "accounts/attempts.py",
        "        self._addresses.count(address)\n",
        "",
        f"{PASSWORDS}::TestGuessing::test_an_address_that_failed_too_often_waits_whatever_name_it_tries",
    ),
    (
        "accounts/attempts.py",
        "while len(self._levels) > KEYS_MAX:",
        "while False:",
        f"{PASSWORDS}::TestGuessing::test_a_limit_remembers_a_bounded_number_of_keys",
    ),
    (
        ACCOUNTS,
        "        self._codes.count(folded(name), address)\n",
        "",
        f"{PASSWORDS}::TestForgotten::test_codes_cannot_be_asked_for_without_end",
    ),
    (
        ACCOUNTS,
        "        self._attempts.admit(folded(name), address)\n        password",
        "        password",
        f"{PASSWORDS}::TestForgotten::test_codes_cannot_be_guessed_without_end",
    ),
    # users as records
    ("accounts/users.py", "absent=True)", "absent=False)", f"{USERS}::TestUsers::test_a_deleted_name_stays_taken"),
    ("accounts/users.py", ", version=record.version)", ")", f"{USERS}::TestUsers::test_two_changes_at_once_are_both_kept"),
    (
        "accounts/users.py",
        'return unicodedata.normalize("NFKC", name).casefold()',
        "return name",
        f"{USERS}::TestUsers::test_names_are_one_users_whatever_the_case",
    ),
    (
        "accounts/keys.py",
        "absent=True)",
        "absent=False)",
        f"{SESSIONS}::test_there_is_one_signing_key_however_often_and_wherever_it_is_prepared",
    ),
    # operators
    ("api/identity.py", "if operation.operators_only else None", "if False else None", f"{OPERATORS}::test_a_user_is_no_operator"),
    ("api/authentication.py", "        if not caller.is_operator:", "        if False:", f"{OPERATORS}::test_a_user_is_no_operator"),
    (
        "api/sigv4.py",
        "sha256(request.body).hexdigest()",
        'sha256(b\'{"UserPoolId": "us-east-1_Example"}\').hexdigest()',
        f"{OPERATORS}::test_another_body_than_the_signed_one",
    ),
    ("api/sigv4.py", "canonical_query(request.query)", "''", f"{OPERATORS}::test_another_query_than_the_signed_one"),
    (
        "api/sigv4.py",
        "if not SIGNED_ALWAYS.issubset(given.headers):",
        "if False:",
        f"{OPERATORS}::test_what_a_request_means_must_be_signed",
    ),
    ("api/sigv4.py", "if given.service != SERVICE:", "if False:", f"{OPERATORS}::test_another_key_or_service"),
    (
        "api/sigv4.py",
        "if abs(now - signed_at) > SKEW_SECONDS_MAX:",
        "if False:",
        f"{OPERATORS}::test_a_signature_is_good_for_fifteen_minutes",
    ),
    ("api/sigv4.py", " or not at.startswith(date):", ":", f"{OPERATORS}::test_the_day_that_is_signed_is_the_day_of_the_request"),
    ("api/sigv4.py", " or given.key_id not in secrets:", ":", f"{OPERATORS}::test_an_unknown_key_has_no_empty_secret"),
    ("api/identity_operations.py", "request.user_pool_id not in", "None in", f"{BOTO3}::TestBadInput::test_a_user_that_cannot_be_made"),
    ("api/identity_operations.py", "request.client_id not in", "None in", f"{BOTO3}::TestBadInput::test_it_is_named"),
]
