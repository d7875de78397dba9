"""Guards of histories that succeed each other, each with what its absence looks like and the test that must then fail."""

AWAY = "tests/contract/test_successions.py::test_every_decision_of_a_history_names_those_before_it"
RESTARTED = "tests/contract/test_successions.py::test_a_region_tells_what_its_history_succeeds_after_a_restart_too"

TWICE = "tests/unit/test_takeover.py::test_whoever_stored_no_history_but_the_first_obeys_the_third"

MUTANTS: list[tuple[str, str, str, str]] = [
    ("controller.py", "for history in (each.history, *each.succeeds)}", "for history in (each.history,)}", TWICE),
    (
        "embedded/authority.py",
        '{**decision.facts, "succeeds": state.succeeds} if state.succeeds else dict(decision.facts)',
        "dict(decision.facts)",
        AWAY,
    ),
    ("embedded/schema.py", "bool(writable), history, tuple(json.loads(succeeds)))", "bool(writable), history)", RESTARTED),
    ("embedded/session.py", "routing.history, json.dumps(routing.succeeds))", 'routing.history, "[]")', RESTARTED),
]
