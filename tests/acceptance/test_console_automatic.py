"""The console on a deployment that takes over by itself and waits for both regions: what it says of either, and the operator's word."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.browsing import OpenPage, as_admin, furnish, open_console, says, section, see_console
from tests.acceptance.deployment import Deployment, deployed, until
from tests.acceptance.operators import Operator

pytestmark = pytest.mark.browser
LEASE_SECONDS = "1"
PATIENT_SECONDS = "600"
"""However long a slow machine takes to take over, it is not too far behind."""


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(
        tmp_path_factory.mktemp("automatic"),
        "--automatic",
        "--durability",
        "remote",
        MULTIREGION_LEASE_SECONDS=LEASE_SECONDS,
        MULTIREGION_LOSS_SECONDS_MAX=PATIENT_SECONDS,
    ) as made:
        furnish(made, ["Harbour"])
        yield made


@pytest.fixture
def console(deployment: Deployment, open_page: OpenPage) -> Page:
    page = open_page()
    open_console(page, deployment)
    see_console(page)
    return page


def automatic(page: Page) -> Locator:
    return section(page, "Automatic takeover")


def press(page: Page, name: str) -> None:
    automatic(page).get_by_role("button", name=name, exact=True).click()


def attention(page: Page) -> Locator:
    return section(page, "What needs attention")


def test_writes_that_are_in_one_region_only_are_told_of_and_nothing_is_taken_over_on_them(deployment: Deployment, console: Page) -> None:
    expect(automatic(console)).to_contain_text("No takeover now: the writer holds its lease")
    expect(section(console, "N. Virginia, primary")).to_contain_text("s left")
    deployment.kill("secondary")
    with deployment.region("primary", as_admin(deployment)) as http:
        photo = http.get("/photos").json()["photos"][0]["photoId"]
        assert http.post(f"/comments/{photo}", json={"message": "here alone"}).status_code == 201
    expect(section(console, "State").get_by_role("button", name="Set fenced: stop all writing")).to_be_visible()
    expect(attention(console)).to_contain_text("Durability is degraded since")
    expect(section(console, "N. Virginia, primary")).to_contain_text("remote, degraded")
    deployment.restart("secondary")
    Operator(deployment).until_level()
    expect(attention(console)).to_have_text("")
    expect(section(console, "N. Virginia, primary")).not_to_contain_text("degraded")


def test_it_is_paused_resumed_and_acknowledged(deployment: Deployment, console: Page) -> None:
    press(console, "Pause")
    expect(automatic(console).get_by_role("button", name="Resume")).to_be_focused()  # it could not be pressed for a moment
    expect(automatic(console)).to_contain_text("Paused")
    expect(automatic(console)).to_contain_text("No takeover now")
    deployment.kill("primary")
    expect(attention(console)).to_contain_text("N. Virginia does not answer")
    says(console, "nobody can write until N. Virginia is back")
    assert Operator(deployment).state()["state"] == "active"

    press(console, "Resume")
    says(console, "writing goes to Tokyo")
    expect(section(console, "History").get_by_role("listitem").first).to_contain_text("by automatic")
    expect(attention(console)).to_contain_text("There was an automatic takeover. There is no other until somebody acknowledges it.")
    attention(console).get_by_role("button", name="Acknowledge").click()
    expect(automatic(console)).to_be_focused()
    deployment.restart("primary")
    Operator(deployment).until_level()
    press(console, "Acknowledge the takeover")
    expect(automatic(console).get_by_role("button", name="Acknowledge the takeover")).to_have_count(0)
    expect(attention(console)).to_have_text("")
    until(lambda: not Operator(deployment).automatic()["unacknowledged"], "the authority has heard it")
    assert [line["actor"] for line in Operator(deployment).history()][:3] == ["admin", "automatic", "admin"]
