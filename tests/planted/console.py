"""Guards of the operators' API and the console, each with what its absence looks like and the test that must then fail."""

CONSOLE = "tests/contract/test_console.py"
MOVES = "tests/contract/test_console_moves.py"
VIEWER = f"{CONSOLE}::test_no_viewer"
NOBODY = f"{CONSOLE}::test_nobody_without_a_token"
ACTOR = f"{CONSOLE}::test_the_history_names_the_user_whatever_the_body_says"
IMPOSTOR = f"{CONSOLE}::test_nobody_passes_for_the_automatic_mode"
KEYS = "tests/unit/test_keyring.py"
DOWN = f"{MOVES}::test_an_operator_is_known_while_both_regions_are_down"
TOLD = f"{MOVES}::test_what_each_move_would_come_to_is_told_and_nothing_is_changed"
FIELDS = f"{MOVES}::test_a_fault_that_is_none_names_the_field"

MUTANTS: list[tuple[str, str, str, str]] = [
    # who may
    ("api/guards.py", "if not caller.is_operator:", "if False:", VIEWER),
    ("api/guards.py", "if compare_digest(token.encode(), self._operator_token):", "if True:", NOBODY),
    ("api/console.py", "operators(self.moves)", "self.moves", NOBODY),
    ("api/console.py", "operators(self.progress)", "self.progress", NOBODY),
    ("api/faults.py", "operators(self.act)", "self.act", NOBODY),
    ("api/observation.py", "await self._authenticate.operator(request)", "await self._authenticate.caller(request)", VIEWER),
    ("local/operators.py", "if revoked:", "if False:", f"{MOVES}::test_a_disabled_operator_is_out_while_a_region_answers"),
    (
        "local/operators.py",
        "Caller(said.user, said.groups) if said is not None and said.user is not None else by_itself",
        "by_itself",
        f"{MOVES}::test_whoever_left_the_group_is_no_operator_any_more",
    ),
    (
        "local/operators.py",
        'verified = await self._check.verify(id_token, "id")',
        'verified = await self._check.verify(id_token, "access")',
        f"{CONSOLE}::test_every_operator",
    ),
    ("accounts/tokens.py", "claims.token_use, claims.exp, claims.groups)", "claims.token_use, claims.exp)", DOWN),
    ("accounts/keyring.py", "await asyncio.to_thread(self._keep, body)", "pass", DOWN),
    (
        "accounts/keyring.py",
        "if self._asked == asked:",
        "if True:",
        f"{KEYS}::test_those_who_come_while_a_key_is_asked_for_wait_for_that_answer",
    ),
    (
        "accounts/keyring.py",
        "and not self._was_just_answered():",
        ":",
        f"{KEYS}::test_a_key_that_nobody_has_is_asked_for_every_few_seconds_at_most",
    ),
    (
        "accounts/keyring.py",
        "        self._answered_at = self._clock.monotonic()",
        "        pass",
        f"{KEYS}::test_a_key_that_nobody_has_is_asked_for_every_few_seconds_at_most",
    ),
    (
        "accounts/keyring.py",
        "    if not keys:\n        raise Unreachable",
        "    if False:\n        raise Unreachable",
        f"{KEYS}::test_a_region_that_had_no_answer_is_asked_again_at_once",
    ),
    # who it was
    ("api/guards.py", "name = said if own is None else own", "name = said", ACTOR),
    ("api/guards.py", "if len(name) > ACTOR_CHARACTERS_MAX:", "if False:", IMPOSTOR),
    ("api/guards.py", "if name == AUTOMATIC:", "if False:", IMPOSTOR),
    ("api/authority.py", "who = actor(request, order.actor)", "who = order.actor", ACTOR),
    # what is told before and during a change
    (
        "rehearsal.py",
        "raise Foreseen(new, facts or {})",
        "return await self._authority.replace(old, new, actor=actor, reason=reason, facts=facts)  # type: ignore[attr-defined]",
        TOLD,
    ),
    (
        "rehearsal.py",
        "return replace(rehearsal or Rehearsal(wish, state), needs_word=why)",
        "return rehearsal or Rehearsal(wish, state)",
        TOLD,
    ),
    ("rehearsal.py", 'if step.name == "predict":', "if False:", f"{MOVES}::test_a_takeover_is_predicted_while_the_primary_is_lost"),
    (
        "rehearsal.py",
        "return Rehearsal(wish, target(wish, state), refused=error.detail)\n        return await",
        "return Rehearsal(wish, target(wish, state))\n        return await",
        f"{MOVES}::test_a_move_that_would_be_refused_says_why_in_the_words_of_the_refusal",
    ),
    (
        "rehearsal.py",
        "becomes = target(wish, state) if wish.kind is PLANNED else foreseen.state",
        "becomes = foreseen.state",
        f"{MOVES}::test_each_move_that_is_offered_can_be_made_as_it_is_told",
    ),
    (
        "progress.py",
        "run.outcome, run.detail = FAILED, error.detail",
        "run.outcome = DONE",
        f"{MOVES}::test_what_is_under_way_is_told_whoever_ordered_it",
    ),
    # faults
    (
        "local/edge.py",
        "Faults(DataFolder(config.folder.parent), clock) if supervised else None",
        "Faults(DataFolder(config.folder.parent), clock)",
        f"{MOVES}::test_faults_are_refused_where_the_parts_are_not_all_here",
    ),
    ("api/faults.py", "if self.what not in WIRED and self.part not in PARTS:", "if False:", FIELDS),
    # what a browser may
    ("api/edge.py", '"faults": faults,', '"faults": True,', f"{MOVES}::test_faults_are_refused_where_the_parts_are_not_all_here"),
]
