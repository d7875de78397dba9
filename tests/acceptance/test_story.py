"""The whole story in a real browser: sign in, put a photograph in, comment, and go on through fence, failover and failback."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.browsing import see_the_picture, sign_in
from tests.acceptance.deployment import PASSWORD, Deployment, until
from tests.acceptance.pictures import picture

pytestmark = pytest.mark.browser


def first_sign_in(page: Page, deployment: Deployment) -> None:
    sign_in(page, deployment, password=deployment.described()["admin"]["temporaryPassword"])
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Save and continue").click()
    expect(page.get_by_role("heading", name="Photographs")).to_be_visible()


def upload(page: Page, file: Path) -> None:
    page.get_by_role("button", name="Add photographs").click()
    page.get_by_label("Photographs", exact=True).set_input_files(file)
    page.get_by_role("button", name="Share 1 photograph").click()


def open_first(page: Page) -> None:
    page.get_by_role("list", name="Gallery").get_by_role("link").first.click()
    expect(page.get_by_label("Your comment")).to_be_visible()


def test_the_whole_story(fresh: Deployment, page: Page, tmp_path: Path) -> None:
    file = tmp_path / "harbour-at-dawn.jpg"
    file.write_bytes(picture(7, 1600, 1200))
    first_sign_in(page, fresh)
    expect(page.locator("body")).to_contain_text("N. Virginia")

    upload(page, file)
    until(lambda: fresh.ask("status")["status"]["secondary"]["counts"]["photos"] == 1, "the photo is in both regions")
    page.get_by_role("button", name="Done").click()
    open_first(page)
    see_the_picture(page, fresh.url("primary"))
    page.get_by_label("Your comment").fill("The first ferry")
    page.get_by_role("button", name="Post").click()
    expect(page.get_by_text("The first ferry")).to_be_visible()

    page.get_by_label("Your comment").fill("half a thought")
    fresh.run("state", "set", "fenced")
    expect(page.get_by_role("dialog")).to_contain_text("paused")
    expect(page.get_by_role("button", name="Post")).to_be_disabled()
    assert page.get_by_label("Your comment").input_value() == "half a thought"

    fresh.run("failover")
    page.get_by_role("button", name="Move to Tokyo").first.click()  # it does not move by itself while something is being written
    expect(page.locator("body")).to_contain_text("Served from Tokyo")
    expect(page.get_by_text("The first ferry")).to_be_visible()
    see_the_picture(page, fresh.url("secondary"))
    assert page.get_by_label("Your comment").input_value() == "half a thought"
    expect(page.get_by_role("button", name="Post")).to_be_disabled()

    fresh.run("failback")
    page.get_by_role("button", name="Return to N. Virginia").first.click()
    expect(page.get_by_role("button", name="Post")).to_be_enabled()
    assert page.get_by_label("Your comment").input_value() == "half a thought"
    page.get_by_role("button", name="Post").click()
    expect(page.get_by_role("listitem").filter(has_text="half a thought")).to_be_visible()

    page.keyboard.press("Escape")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("User name")).to_be_visible()
    until(fresh.level, "both regions are level")
    assert fresh.ask("verify")["equal"]


def test_the_gallery_goes_on_after_the_primary_is_lost(fresh: Deployment, page: Page, tmp_path: Path) -> None:
    """In `active`, with nobody having decided anything yet: what the secondary has, and that writing waits."""
    file = tmp_path / "harbour.jpg"
    file.write_bytes(picture(8, 800, 600))
    first_sign_in(page, fresh)
    upload(page, file)
    until(lambda: fresh.ask("status")["status"]["secondary"]["counts"]["photos"] == 1, "the photo is in both regions")
    fresh.kill("primary")
    page.reload()
    expect(page.get_by_role("heading", name="Photographs")).to_be_visible()
    expect(page.locator("body")).to_contain_text("N. Virginia can’t be reached")
    open_first(page)
    see_the_picture(page, fresh.url("secondary"))
    fresh.run("state", "set", "failover")
    expect(page.locator("body")).to_contain_text("Served from Tokyo")
    fresh.restart("primary")
    fresh.run("failback")
    page.get_by_role("button", name="Return to N. Virginia").first.click()
    expect(page.locator(".top .pill")).to_contain_text("Active, served from N. Virginia")
