"""Guards of what people change about themselves, and the test that must fail without each: (file, old, new, test)."""

PROFILE = "tests/contract/test_identity.py::TestUsers::test_a_profile_is_changed_by_its_owner"

MUTANTS: list[tuple[str, str, str, str]] = [
    ("accounts/accounts.py", 'changes["email"] = checked_email(email)', 'changes["email"] = email', PROFILE),
    ("accounts/accounts.py", 'changes["phone"] = checked_phone(phone or None)', 'changes["phone"] = phone or None', PROFILE),
    ("accounts/accounts.py", 'changes["phone"] = checked_phone(phone or None)', 'changes["phone"] = checked_phone(phone)', PROFILE),
    ("accounts/accounts.py", "        if email is not None:\n", "        if True:\n", PROFILE),
    ("api/identity_operations.py", "attributes.keys() - OWN_ATTRIBUTES", "set[str]()", PROFILE),
]
