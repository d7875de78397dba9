"""The gallery through everything that can happen to the regions, in browsers that are never reloaded and lose nothing that was typed."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance import browsing
from tests.acceptance.browsing import OpenPage, enter, open_photograph, says, see_comment, see_the_picture, seen, tiles
from tests.acceptance.deployment import Deployment, deployed, until
from tests.acceptance.operators import Operator
from tests.acceptance.pictures import picture

pytestmark = pytest.mark.browser
CAPTIONS = ["Harbour", "Glacier", "Market"]


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Each test leaves it active and whole."""
    with deployed(tmp_path_factory.mktemp("states")) as deployment:
        browsing.furnish(deployment, CAPTIONS)
        yield deployment


@pytest.fixture
def operator(gallery: Deployment) -> Iterator[Operator]:
    """At the authority; whatever a test leaves undone is done for the next one."""
    someone = Operator(gallery)
    yield someone
    gallery.mend()
    if someone.state()["state"] != "active":
        someone.change("failback")
    someone.until_level()


def comments(deployment: Deployment, caption: str, role: str = "primary") -> list[str]:
    with deployment.region(role) as http:
        photo = next(each["photoId"] for each in http.get("/photos").json()["photos"] if each["caption"] == caption)
        return [each["message"] for each in http.get(f"/comments/{photo}").json()["comments"]]


def draft(page: Page) -> Any:
    return page.get_by_label("Your comment")


def post(page: Page) -> Any:
    return page.get_by_role("button", name="Post")


def move(page: Page, label: str) -> None:
    """By the button, if the page has not gone by itself, as it does when nothing is being written."""
    button = page.get_by_role("button", name=label).first
    button.click()
    expect(button).to_have_count(0)


# In the page itself: answered from here, it would wait while this test waits for something else, and take that for a region that is away.
CUT_OFF = """
old => {
  const ask = window.fetch
  window.isCutOff = true
  window.fetch = (address, ...how) => {
    const path = new URL(address instanceof Request ? address.url : address, location.href).pathname
    if (!window.isCutOff || !path.startsWith('/state/')) return ask(address, ...how)
    if (path.endsWith('/events')) return Promise.reject(new TypeError('cut off'))
    return Promise.resolve(new Response(JSON.stringify(old), { headers: { 'Content-Type': 'application/json' } }))
  }
}
"""


def cut_off(page: Page, deployment: Deployment) -> None:
    """Before it is opened: something between this page and the regions goes on telling it the state of this moment."""
    page.add_init_script(f"({CUT_OFF})({json.dumps(deployment.state('primary'))})")


def connect(page: Page) -> None:
    """And the browser says so, which spares the test the wait for the next look."""
    page.evaluate("window.isCutOff = false; dispatchEvent(new Event('online'))")


def test_two_pages_one_of_them_stale_go_through_everything(gallery: Deployment, operator: Operator, open_page: OpenPage) -> None:
    here, stale = open_page(), open_page()
    cut_off(stale, gallery)
    for page, words in ((here, "half a thought"), (stale, "sent too late")):
        open_photograph(enter(page, gallery), "Harbour")
        draft(page).fill(words)

    operator.change("state", state="fenced")
    says(here, "Read-only for now")
    expect(post(here)).to_be_disabled()
    browsing.examine(here, "fenced, in the primary")
    post(stale).click()
    says(stale, "Writing was paused just now, so this was not posted. It is kept here")
    assert comments(gallery, "Harbour") == []

    operator.change("failover")
    says(here, "The service has moved to Tokyo")
    browsing.examine(here, "failover, in the primary")
    move(here, "Move to Tokyo")
    says(here, "N. Virginia is out of service. New photographs and comments are paused")
    see_the_picture(here, gallery.url("secondary"))
    browsing.examine(here, "failover, in the secondary")

    gallery.kill("primary")
    operator.takes_over()
    says(here, "New photographs and comments are taken here meanwhile")
    post(here).click()
    see_comment(here, "half a thought")
    connect(stale)
    says(stale, "Served from Tokyo")
    assert draft(stale).input_value() == "sent too late"
    post(stale).click()
    see_comment(stale, "sent too late")
    see_comment(here, "sent too late")

    gallery.restart("primary")
    until(gallery.level, "the primary has followed")
    draft(here).fill("the way home")
    operator.change("failback")
    says(here, "N. Virginia is back")
    browsing.examine(here, "active, in the secondary")
    move(here, "Return to N. Virginia")
    post(here).click()
    see_comment(here, "the way home")
    assert comments(gallery, "Harbour") == ["half a thought", "sent too late", "the way home"]
    for page in (here, stale):
        assert page.evaluate("performance.getEntriesByType('navigation').length") == 1


def test_from_the_secondary_a_fence_reads_as_one(gallery: Deployment, operator: Operator, page: Page) -> None:
    enter(page, gallery)
    operator.change("failover")
    says(page, "Served from Tokyo")
    open_photograph(page, "Glacier")
    draft(page).fill("kept")
    operator.change("state", state="fenced")
    says(page, "N. Virginia is back, read-only for now")
    browsing.examine(page, "fenced, in the secondary")
    operator.change("failback")
    move(page, "Return to N. Virginia")
    assert draft(page).input_value() == "kept"
    expect(post(page)).to_be_enabled()


def test_writes_that_the_fence_refuses_are_kept_and_offered_again(
    gallery: Deployment, operator: Operator, page: Page, tmp_path: Path
) -> None:
    """A photograph on its way, a deletion and a profile, all from a page that does not know yet."""
    cut_off(page, gallery)
    page.clock.install()
    enter(page, gallery)
    browsing.share(gallery, 40, "On its way out")
    held: list[Any] = []
    page.route("**/uploads**", lambda route: held.append(route))
    (tmp_path / "late.jpg").write_bytes(picture(41))
    page.get_by_role("button", name="Add photographs").click()
    page.get_by_label("Photographs", exact=True).set_input_files(tmp_path / "late.jpg")
    page.get_by_label("Caption for late.jpg").fill("On its way in")
    page.get_by_role("button", name="Share 1 photograph").click()
    seen(page, lambda: held, "it is on its way")
    operator.change("state", state="fenced")
    held[0].continue_()
    says(page, "Writing was paused before this one was through")
    assert page.get_by_label("Caption for late.jpg").input_value() == "On its way in"
    expect(page.get_by_role("button", name="Share 1 photograph")).to_be_disabled()
    page.unroute_all()
    connect(page)
    operator.change("state", state="active")
    page.get_by_role("button", name="Share 1 photograph").click()
    page.get_by_role("button", name="Done").click()
    expect(tiles(page).filter(has_text="On its way in")).to_be_visible()

    open_photograph(page, "On its way out")
    page.get_by_role("button", name="Delete").click()
    page.keyboard.press("Escape")
    operator.change("state", state="fenced")
    browsing.let_it_go(page)
    says(page, "Writing is paused, so it was not deleted.")
    expect(tiles(page).filter(has_text="On its way out")).to_be_visible()
    browsing.examine(page, "a deletion that was held")
    page.get_by_role("link", name="Your account").click()
    page.get_by_label("E-mail").fill("admin@example.org")
    expect(page.get_by_role("button", name="Save profile")).to_be_disabled()
    operator.change("state", state="active")
    page.get_by_role("button", name="Save profile").click()
    says(page, "Saved in both regions.")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Delete On its way out now").click()
    expect(tiles(page).filter(has_text="On its way out")).to_have_count(0)


def test_a_primary_that_hangs_stops_nobody_for_long(gallery: Deployment, operator: Operator, open_page: OpenPage) -> None:
    """Frozen, so that it takes connections and never answers: for a page that is open, and for one that is opened then."""
    page = enter(open_page(), gallery)
    open_photograph(page, "Market")
    draft(page).fill("kept through the frost")
    os.kill(gallery.pid("primary"), signal.SIGSTOP)
    try:
        late = enter(open_page(), gallery)
        says(late, "N. Virginia can’t be reached")
        post(page).click()
        says(page, "There was no answer. Your text is kept")
        says(page, "N. Virginia can’t be reached")
        see_the_picture(page, gallery.url("secondary"))
        browsing.examine(page, "the primary away")
    finally:
        os.kill(gallery.pid("primary"), signal.SIGCONT)
    move(page, "Return to N. Virginia")
    assert draft(page).input_value() in ("kept through the frost", "")
    if draft(page).input_value():
        post(page).click()
    see_comment(page, "kept through the frost")
    until(lambda: comments(gallery, "Market") == ["kept through the frost"], "it is there once")


def test_both_regions_away_and_back(gallery: Deployment, operator: Operator, open_page: OpenPage) -> None:
    page, new = enter(open_page(), gallery), open_page()
    open_photograph(page, "Glacier")
    draft(page).fill("typed in the dark")
    for role in ("primary", "secondary"):
        gallery.kill(role)
    new.goto(gallery.url("edge"))
    says(new, "Neither region answers")
    browsing.examine(new, "starting without a region")
    says(page, "Neither region can be reached")
    browsing.examine(page, "both regions away")
    for role in ("primary", "secondary"):
        gallery.restart(role)
    expect(new.get_by_label("User name")).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("Neither region can be reached")
    back = page.get_by_role("button", name="Return to N. Virginia").first  # unless it was the primary that answered first
    until(lambda: back.is_visible() or post(page).is_enabled(), "writing goes on, or can")
    if back.is_visible():
        move(page, "Return to N. Virginia")
    assert draft(page).input_value() == "typed in the dark"
    expect(post(page)).to_be_enabled()
    post(page).click()
    see_comment(page, "typed in the dark")
    see_the_picture(page, gallery.url("primary"))
