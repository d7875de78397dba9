"""Somebody who was invited, and comes late."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from multiregion.config import Settings
from tests.acceptance.browsing import see_gallery, sign_in
from tests.acceptance.deployment import PASSWORD, Deployment, deployed

pytestmark = pytest.mark.browser
TEMPORARY, AGAIN = "temporary-once", "temporary-twice"

LATER = f"import time\nnow = time.time\ntime.time = lambda: now() + {Settings().temporary_password_days + 1} * 86_400\n"
"""What every process begins with, so that it believes that more days have gone by than a temporary password is good for."""


def invite(deployment: Deployment, password: str, **more: str) -> None:
    pool = deployment.described()["primary"]["userPoolId"]
    attributes = [{"Name": "email", "Value": "eve@example.com"}]
    answer = deployment.cognito(
        "primary", "AdminCreateUser", deployment.operator, UserPoolId=pool, Username="eve",
        TemporaryPassword=password, UserAttributes=attributes, **more,
    )  # fmt: skip
    assert answer.status_code == 200, answer.text


def test_whose_temporary_password_has_run_out_is_told_so_and_comes_in_once_invited_again(tmp_path: Path, page: Page) -> None:
    with deployed(tmp_path) as deployment:
        invite(deployment, TEMPORARY)
        deployment.stop()
        (tmp_path / "sitecustomize.py").write_text(LATER)
        deployment.environment["PYTHONPATH"] = str(tmp_path)
        deployment.start()
        sign_in(page, deployment, "eve", "something-else")
        expect(page.get_by_text("don’t match")).to_be_visible()
        sign_in(page, deployment, "eve", TEMPORARY)
        expect(page.get_by_text("Your temporary password has run out. Please ask an administrator to invite you again.")).to_be_visible()
        deployment.stop()
        del deployment.environment["PYTHONPATH"]
        deployment.start()
        invite(deployment, AGAIN, MessageAction="RESEND")
        sign_in(page, deployment, "eve", AGAIN)
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_role("button", name="Save and continue").click()
        see_gallery(page)
