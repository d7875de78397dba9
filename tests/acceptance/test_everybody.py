"""Every view for everybody: small windows, large letters, wide spacing, keyboards, fingers, no motion."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.browsing import OpenPage, enter, furnish, open_console, open_photograph, section, see_comment, see_console, sign_in
from tests.acceptance.deployment import Deployment, deployed
from tests.acceptance.everybody import is_for_everybody, one_row_header
from tests.acceptance.operators import Operator
from tests.acceptance.pictures import picture

pytestmark = pytest.mark.browser
LONG = "Lighthouse-at-the-end-of-a-very-long-breakwater"


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Each test leaves it active."""
    with deployed(tmp_path_factory.mktemp("everybody")) as made:
        furnish(made, ["Harbour", "Glacier", LONG])
        made.invite("nora")
        yield made


def test_signing_in(deployment: Deployment, page: Page) -> None:
    page.goto(deployment.url("edge"))
    expect(page.get_by_label("User name")).to_be_visible()
    is_for_everybody(page, "sign-in", 4)
    sign_in(page, deployment, password="not this one")
    expect(page.get_by_role("alert")).to_contain_text("don’t match")
    page.get_by_role("button", name="Forgotten your password?").click()
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_label("Code")).to_be_visible()
    is_for_everybody(page, "code", 5)


def test_the_gallery(deployment: Deployment, page: Page, tmp_path: Path) -> None:
    enter(page, deployment)
    one_row_header(page, "gallery")
    is_for_everybody(page, "gallery", 8)
    open_photograph(page, LONG)
    page.get_by_label("Your comment").fill("w" * 90)
    page.get_by_role("button", name="Post").click()
    see_comment(page, "w" * 90)
    is_for_everybody(page, "viewer", 4)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Undo").focus()  # which holds the time
    is_for_everybody(page, "viewer, with a deletion", 4)
    page.get_by_role("button", name="Undo").click()
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Your account").click()
    expect(page.get_by_label("E-mail")).to_have_value("admin@example.com")
    is_for_everybody(page, "account", 7)
    page.keyboard.press("Escape")
    (tmp_path / f"{LONG}.jpg").write_bytes(picture(1))
    (tmp_path / "notes.txt").write_text("no picture")
    page.get_by_role("button", name="Add photographs").click()
    is_for_everybody(page, "upload, empty", 2)
    page.get_by_label("Photographs", exact=True).set_input_files([tmp_path / f"{LONG}.jpg", tmp_path / "notes.txt"])
    expect(page.get_by_role("button", name="Share 1 photograph")).to_be_enabled()
    expect(page.get_by_text("cannot be read as a photograph")).to_be_visible()
    is_for_everybody(page, "upload", 6)


def test_a_page_that_can_move(deployment: Deployment, page: Page) -> None:
    operator = Operator(deployment)
    enter(page, deployment)
    open_photograph(page, "Harbour")
    page.get_by_label("Your comment").fill("half a thought")  # so that it does not move by itself
    page.keyboard.press("Escape")
    operator.change("failover")
    expect(page.get_by_role("button", name="Move to Tokyo")).to_be_visible()
    one_row_header(page, "moved")
    is_for_everybody(page, "moved", 6)
    operator.change("failback")


def test_the_console(deployment: Deployment, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(deployment.url("edge") + "/#/ops")
    expect(page.get_by_label("User name")).to_be_visible()
    is_for_everybody(page, "sign-in to the console", 5)
    open_console(page, deployment)
    see_console(page)
    one_row_header(page, "console")
    section(page, "State").get_by_text("At once, or when a region is lost").click()
    is_for_everybody(page, "console", 20)
    section(page, "State").get_by_role("button", name="Fail over to Tokyo", exact=True).click()
    page.get_by_label("Type failover to confirm").fill("failover")
    is_for_everybody(page, "confirmation", 5)
    page.keyboard.press("Escape")
    section(page, "Users").get_by_role("button", name="Invite…").click()
    is_for_everybody(page, "invitation", 5)
    page.keyboard.press("Escape")
    deployment.kill("secondary")
    expect(section(page, "What needs attention")).to_contain_text("Tokyo does not answer")
    is_for_everybody(page, "console, a region down", 20)
    deployment.restart("secondary")
