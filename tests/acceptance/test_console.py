"""The operations console in a browser, on a deployment that is switched, broken and mended from it alone."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.browsing import OpenPage, as_admin, examine, furnish, open_console, says, section, see_console, seen, tab_to
from tests.acceptance.deployment import PASSWORD, Deployment, deployed
from tests.acceptance.operators import Operator

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Each test leaves it active, whole and level."""
    with deployed(tmp_path_factory.mktemp("console")) as made:
        furnish(made, ["Harbour"])
        made.invite("vera")
        yield made


@pytest.fixture(autouse=True)
def whole(deployment: Deployment) -> Iterator[None]:
    """Whatever a test leaves undone is done for the next one."""
    yield
    deployment.mend()
    operator = Operator(deployment)
    if operator.state()["state"] != "active":
        operator.change("failback")
    operator.until_level()


@pytest.fixture
def console(deployment: Deployment, open_page: OpenPage) -> Page:
    page = open_page()
    open_console(page, deployment)
    see_console(page)
    return page


def attention(page: Page) -> Locator:
    return section(page, "What needs attention")


def choose(page: Page, title: str) -> Locator:
    """Open a move's confirmation."""
    section(page, "State").get_by_role("button", name=title, exact=True).click()
    return page.get_by_role("dialog", name=title)


def order(page: Page, title: str, word: str, verb: str, reason: str = "") -> None:
    dialog = choose(page, title)
    dialog.get_by_label("Reason").fill(reason)
    button = dialog.get_by_role("button", name=verb, exact=True)
    dialog.get_by_label(f"Type {word} to confirm").fill(word[:-1])
    expect(button).to_be_disabled()
    dialog.get_by_label(f"Type {word} to confirm").fill(word)
    button.click()
    expect(dialog.get_by_text("Done.")).to_be_visible()
    page.keyboard.press("Escape")


def comments(deployment: Deployment, role: str) -> list[str]:
    with deployment.region(role) as http:
        photo = http.get("/photos").json()["photos"][0]["photoId"]
        return [comment["message"] for comment in http.get(f"/comments/{photo}").json()["comments"]]


def say(deployment: Deployment, message: str, role: str = "primary") -> None:
    with deployment.region(role, as_admin(deployment)) as http:
        photo = http.get("/photos").json()["photos"][0]["photoId"]
        assert http.post(f"/comments/{photo}", json={"message": message}).status_code == 201


def test_a_planned_failover_and_the_return_lose_nothing(deployment: Deployment, console: Page) -> None:
    say(deployment, "before")
    order(console, "Fail over to Tokyo", "failover", "Fail over", reason="maintenance")
    says(console, "writing goes to Tokyo")
    expect(section(console, "Last order")).to_contain_text("by admin")
    say(deployment, "during", "secondary")
    order(console, "Return to N. Virginia", "active", "Return")
    says(console, "writing goes to N. Virginia")
    expect(section(console, "History")).to_contain_text("maintenance")
    assert {"before", "during"} <= set(comments(deployment, "primary"))
    operator = Operator(deployment)
    assert [line["actor"] for line in operator.history()[:4]] == ["admin"] * 4
    operator.until_level()


def test_a_lost_primary_is_taken_over_from_and_what_was_lost_is_decided(deployment: Deployment, console: Page) -> None:
    faults = section(console, "Faults")
    faults.get_by_role("button", name="Cut both ways").click()
    expect(attention(console)).to_contain_text("The link between the regions is cut")
    for number in range(3):
        say(deployment, f"lost {number}")
    faults.get_by_role("button", name="Kill N. Virginia region").click()
    expect(attention(console)).to_contain_text("N. Virginia does not answer")
    expect(section(console, "N. Virginia, primary")).to_contain_text("Down")

    dialog = choose(console, "Take over in Tokyo")
    expect(dialog).to_contain_text("What may be lost")
    expect(dialog).to_contain_text("whatever was written in the last")
    console.keyboard.press("Escape")
    order(console, "Take over in Tokyo", "us-east-1", "Take over", reason="storm")
    says(console, "writing goes to Tokyo")
    expect(section(console, "Lost writes")).to_contain_text("N. Virginia does not answer. What it has lost is known when it is back.")

    faults.get_by_role("button", name="Heal").click()
    faults.get_by_role("button", name="Start N. Virginia region").click()
    expect(attention(console)).to_contain_text("3 lost writes wait for a decision")
    losses = console.get_by_role("list", name="Lost writes").get_by_role("listitem")
    losses.filter(has_text="lost 0").get_by_role("button", name="Apply").click()
    expect(losses.filter(has_text="lost 0")).to_contain_text("applied by admin")
    section(console, "Lost writes").get_by_role("button", name="Discard all…").click()
    console.get_by_role("dialog").get_by_role("button", name="Discard all").click()
    expect(losses.filter(has_text="discarded by admin")).to_have_count(2)

    order(console, "Return to N. Virginia", "active", "Return")
    expect(attention(console)).to_have_text("")
    found = comments(deployment, "primary")
    assert "lost 0" in found and "lost 1" not in found
    operator = Operator(deployment)
    operator.until_level()
    assert operator.is_equal()


def test_without_the_authority_the_rest_is_shown_and_it_can_be_started(deployment: Deployment, console: Page) -> None:
    section(console, "Faults").get_by_role("button", name="Kill Authority").click()
    expect(attention(console)).to_contain_text("The authority does not answer. Reading, writing and replication go on")
    says(console, "Authority silent, last heard")
    expect(section(console, "Tokyo, secondary")).to_contain_text("Reads")
    expect(section(console, "State")).to_contain_text("the state cannot be changed now")
    expect(section(console, "State").get_by_role("button", name="Fail over to Tokyo", exact=True)).to_be_disabled()
    examine(console, "without the authority")
    section(console, "Faults").get_by_role("button", name="Start Authority").click()
    expect(attention(console)).to_have_text("")
    expect(section(console, "State").get_by_role("button", name="Fail over to Tokyo", exact=True)).to_be_enabled()


def test_with_both_regions_down_the_operator_token_opens_it(deployment: Deployment, open_page: OpenPage) -> None:
    page = open_page()
    for role in ("primary", "secondary"):
        deployment.kill(role)
    page.goto(deployment.url("edge") + "/")
    page.get_by_role("link", name="Operations").click()
    page.get_by_role("button", name="No region answers? Use the operator token").click()
    page.get_by_label("Operator token").fill("something else")
    page.get_by_role("button", name="Use it").click()
    says(page, "This is not the operator token")
    page.get_by_label("Operator token").fill(deployment.described()["authority"]["operatorToken"])
    page.get_by_role("button", name="Use it").click()
    expect(attention(page)).to_contain_text("N. Virginia does not answer")
    expect(attention(page)).to_contain_text("Tokyo does not answer")
    expect(section(page, "Replication lag").get_by_text("unknown").first).to_be_visible()
    for name in ("N. Virginia", "Tokyo"):
        section(page, "Faults").get_by_role("button", name=f"Start {name} region").click()
        expect(attention(page)).not_to_contain_text(f"{name} does not answer")
    expect(attention(page)).to_have_text("")
    Operator(deployment).until_level()


def test_a_switch_that_somebody_else_ordered_is_followed(deployment: Deployment, console: Page) -> None:
    Operator(deployment, "the night shift").change("state", state="fenced", reason="by hand")
    expect(section(console, "Last order")).to_contain_text("by the night shift")
    says(console, "nobody can write")
    section(console, "Last order").get_by_text("3 steps").click()
    expect(section(console, "Last order").get_by_role("listitem").first).to_contain_text("active → fenced")
    dialog = choose(console, "Return to N. Virginia")
    Operator(deployment).change("state", state="active")
    expect(dialog.get_by_role("alert")).to_contain_text("The state has changed since")
    expect(dialog.get_by_role("button", name="Return", exact=True)).to_be_disabled()


def test_users_are_invited_reset_and_disabled(deployment: Deployment, console: Page) -> None:
    users = section(console, "Users")
    invite(console, "nora")
    given = temporary_password(console)
    assert deployment.sign_in("primary", "nora", given)["IdToken"]
    expect(users.get_by_role("listitem").filter(has_text="nora")).to_contain_text("Invited")  # as it was before she signed in
    users.get_by_role("button", name="Invite again nora").click()
    expect(users.get_by_role("alert")).to_contain_text("a password has been chosen. Reset the password instead")
    users.get_by_role("button", name="Disable nora").click()
    expect(users.get_by_role("listitem").filter(has_text="nora")).to_contain_text("Disabled")
    users.get_by_role("button", name="Enable nora").click()
    users.get_by_role("button", name="Reset password of nora").click()
    expect(users.get_by_role("listitem").filter(has_text="admin")).to_contain_text("(you)")
    expect(users.get_by_role("button", name="Disable admin")).to_have_count(0)
    again = temporary_password(console)
    assert again != given and deployment.sign_in("primary", "nora", again)["IdToken"]


def test_an_invitation_is_sent_again(deployment: Deployment, console: Page) -> None:
    users = section(console, "Users")
    invite(console, "ines")
    first = temporary_password(console)
    users.get_by_role("button", name="Invite again ines").click()
    second = temporary_password(console)
    assert first != second
    client = deployment.described()["primary"]["clientId"]
    flow = {"USERNAME": "ines", "PASSWORD": first}
    refused = deployment.cognito("primary", "InitiateAuth", ClientId=client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=flow)
    assert refused.json()["__type"] == "NotAuthorizedException"
    assert deployment.sign_in("primary", "ines", second)["IdToken"]
    invite(console, "ines")
    expect(console.get_by_role("dialog").get_by_role("alert")).to_contain_text("is taken")


def invite(page: Page, name: str) -> None:
    section(page, "Users").get_by_role("button", name="Invite…").click()
    page.get_by_label("User name").fill(name)
    page.get_by_label("E-mail").fill(f"{name}@example.com")
    page.get_by_role("button", name="Invite", exact=True).click()


def temporary_password(page: Page) -> str:
    """What the dialog shows, once it is closed."""
    given: str = page.get_by_role("dialog", name="Temporary password").locator("code").inner_text()
    page.get_by_role("button", name="Done").click()
    return given


def test_nothing_is_asked_while_the_page_is_hidden(deployment: Deployment, open_page: OpenPage) -> None:
    page = open_page()
    page.add_init_script("Object.defineProperty(document, 'hidden', { get: () => window.away === true })")
    open_console(page, deployment)
    see_console(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    turn = "away => { window.away = away; document.dispatchEvent(new Event('visibilitychange')) }"
    page.evaluate(turn, True)
    asked.clear()
    deployment.kill("authority")
    deployment.restart("authority")
    page.evaluate("true")
    assert asked == []
    page.evaluate(turn, False)
    seen(page, lambda: any("/operator/status" in url for url in asked), "the page asks again")
    expect(attention(page)).to_have_text("")


def test_a_viewer_is_told_and_gets_nothing(deployment: Deployment, open_page: OpenPage) -> None:
    page = open_page()
    open_console(page, deployment, "vera")
    says(page, "vera is not in the group operators")
    expect(page.get_by_role("heading", name="State")).to_have_count(0)


def test_no_faults_are_offered_where_none_can_be_made(deployment: Deployment, open_page: OpenPage) -> None:
    page = open_page()
    config = httpx.get(deployment.url("edge") + "/uiConfig.json", trust_env=False).json()
    elsewhere: dict[str, Any] = {**config, "operations": {**config["operations"], "faults": False}}
    page.route("**/uiConfig.json", lambda route: route.fulfill(json=elsewhere))
    open_console(page, deployment)
    expect(section(page, "Users")).to_be_visible()
    expect(section(page, "Faults")).to_have_count(0)


def test_by_keyboard_alone(deployment: Deployment, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(deployment.url("edge") + "/#/ops")
    expect(page.get_by_label("User name")).to_be_visible()
    tab_to(page, page.get_by_label("User name"))
    page.keyboard.type("admin")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    see_console(page)
    tab_to(page, section(page, "State").get_by_role("button", name="Fail over to Tokyo, read-only", exact=True))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("by keyboard")
    page.keyboard.press("Tab")
    page.keyboard.type("failove")
    page.keyboard.press("Enter")  # which does nothing yet
    page.keyboard.type("r")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_text("Done.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    says(page, "nobody can write")
    expect(section(page, "History")).to_contain_text("by keyboard")
    expect(section(page, "State").get_by_role("button", name="Return to N. Virginia", exact=True)).to_be_visible()
    expect(section(page, "State")).to_be_focused()  # where the button stood that there is no more
    tab_to(page, section(page, "State").get_by_role("button", name="Return to N. Virginia", exact=True))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("active")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_text("Done.")).to_be_visible()


def test_for_axe(console: Page) -> None:
    examine(console, "console")
    choose(console, "Fail over to Tokyo")
    examine(console, "confirmation")
    console.keyboard.press("Escape")
    section(console, "Users").get_by_role("button", name="Invite…").click()
    examine(console, "invitation")
