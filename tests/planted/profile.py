"""Guards of what people change about themselves and of invitations, and the test that must fail without each: (file, old, new, test)."""

PROFILE = "tests/contract/test_identity.py::TestUsers::test_a_profile_is_changed_by_its_owner"
INVITATIONS = "tests/contract/test_identity_invitations.py"
OTHERS = f"{INVITATIONS}::test_nobody_else_is_invited_again"
AGAIN = f"{INVITATIONS}::test_the_new_password_counts_and_the_old_one_no_more"

MUTANTS: list[tuple[str, str, str, str]] = [
    ("accounts/accounts.py", 'changes["email"] = checked_email(email)', 'changes["email"] = email', PROFILE),
    ("accounts/accounts.py", 'changes["phone"] = checked_phone(phone or None)', 'changes["phone"] = phone or None', PROFILE),
    ("accounts/accounts.py", 'changes["phone"] = checked_phone(phone or None)', 'changes["phone"] = checked_phone(phone)', PROFILE),
    ("accounts/accounts.py", "        if email is not None:\n", "        if True:\n", PROFILE),
    ("api/identity_operations.py", "attributes.keys() - OWN_ATTRIBUTES", "set[str]()", PROFILE),
    (
        "accounts/administration.py",
        "if user.status is not Status.FORCE_CHANGE_PASSWORD or not user.enabled:",
        "if not user.enabled:",
        OTHERS,
    ),
    (
        "accounts/administration.py",
        "if user.status is not Status.FORCE_CHANGE_PASSWORD or not user.enabled:",
        "if user.status is not Status.FORCE_CHANGE_PASSWORD:",
        OTHERS,
    ),
    (
        "accounts/administration.py",
        "return replace(self._without_sessions(user), password=hash, password_set_at=self._clock.now())",
        "return replace(user, password=hash, password_set_at=self._clock.now())",
        AGAIN,
    ),
    (
        "accounts/administration.py",
        "return replace(self._without_sessions(user), password=hash, password_set_at=self._clock.now())",
        "return replace(self._without_sessions(user), password=hash)",
        f"{INVITATIONS}::test_an_invitation_that_has_run_out_is_good_again",
    ),
    (
        "accounts/administration.py",
        """        user = await self._users.change(name, change, actor=actor)
        if password is None:
            await self._deliver""",
        """        user = await self._users.change(name, change, actor=actor)
        if True:
            await self._deliver""",
        f"{INVITATIONS}::test_without_a_password_a_fresh_one_goes_to_the_outbox",
    ),
    ("api/identity_operations.py", 'if request.message_action == "RESEND":', "if False:", AGAIN),
    (
        "api/identity_operations.py",
        '"AdminCreateUser": (shapes.AdminCreateUser, self.create)',
        '"AdminSetUpUser": (shapes.AdminCreateUser, self.create)',
        f"{INVITATIONS}::test_operators_alone_may",
    ),
]
