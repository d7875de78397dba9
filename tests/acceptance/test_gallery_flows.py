"""What people do in the gallery, in a browser, while nothing is wrong: with two people, with files, and with the keyboard alone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance import browsing
from tests.acceptance.browsing import (
    PHONE,
    OpenPage,
    comment,
    enter,
    open_photograph,
    see_comment,
    see_gallery,
    seen,
    sign_in,
    tab_to,
    tiles,
)
from tests.acceptance.deployment import PASSWORD, Deployment, deployed, until
from tests.acceptance.pictures import picture

pytestmark = pytest.mark.browser
CAPTIONS = ["Harbour", "Glacier", "Market", "Lighthouse", "Orchard", "Bridge"]
TOKEN_SECONDS = "5"  # so short that every test renews some


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(tmp_path_factory.mktemp("gallery"), MULTIREGION_TOKEN_SECONDS=TOKEN_SECONDS) as deployment:
        browsing.furnish(deployment, CAPTIONS)
        deployment.invite("ada")
        yield deployment


def photos(deployment: Deployment, role: str = "primary") -> list[dict[str, Any]]:
    with deployment.region(role) as http:
        listed: list[dict[str, Any]] = http.get("/photos").json()["photos"]
    return listed


def captions(deployment: Deployment, role: str = "primary") -> list[str]:
    return [photo["caption"] for photo in photos(deployment, role)]


def test_a_comment_appears_in_a_second_browser_without_a_reload(gallery: Deployment, open_page: OpenPage) -> None:
    one, other = enter(open_page(), gallery), enter(open_page(), gallery, "ada")
    for page in (one, other):
        open_photograph(page, "Harbour")
    comment(one, "Who lives in the white house?")
    see_comment(other, "Who lives in the white house?")
    comment(other, "My aunt does.")
    see_comment(one, "My aunt does.")
    expect(one.get_by_role("list", name="Comments").get_by_role("listitem").filter(has_text="My aunt")).to_have_count(1)


def test_a_session_is_renewed_before_anybody_notices(gallery: Deployment, page: Page) -> None:
    renewals: list[str] = []
    page.on("request", lambda request: renewals.append(request.headers.get("x-amz-target", "")) if request.method == "POST" else None)
    enter(page, gallery)
    open_photograph(page, "Glacier")
    page.wait_for_event("request", lambda request: "GetTokensFromRefreshToken" in request.headers.get("x-amz-target", ""))
    comment(page, "After the first hour")
    see_comment(page, "After the first hour")
    assert sum("InitiateAuth" in each for each in renewals) == 1


# Files


def choose(page: Page, *files: Path) -> None:
    page.get_by_role("button", name="Add photographs").click()
    page.get_by_label("Photographs", exact=True).set_input_files(list(files))


def written(folder: Path, name: str, seed: int, width: int = 400, height: int = 300) -> Path:
    file = folder / name
    file.write_bytes(picture(seed, width, height))
    return file


def rows(page: Page) -> Any:
    return page.get_by_role("list", name="Chosen files").get_by_role("listitem")


def test_files_are_made_smaller_and_bare_before_they_leave(gallery: Deployment, page: Page, tmp_path: Path) -> None:
    """What this browser sends, not what the region makes of it."""
    sent: list[bytes] = []
    page.on("request", lambda request: sent.append(request.post_data_buffer or b"") if "/uploads" in request.url else None)
    enter(page, gallery)
    large = written(tmp_path, "IMG_0001.jpg", 50, 4000, 3000)
    assert b"\xff\xfe" in large.read_bytes()  # the comment that stands for all that files say about themselves
    choose(page, large)
    page.get_by_label("Caption for IMG_0001.jpg").fill("Large and bare")
    page.get_by_role("button", name="Share 1 photograph").click()
    page.get_by_role("button", name="Done").click()
    until(lambda: "Large and bare" in captions(gallery), "it is shared")
    shown = next(photo for photo in photos(gallery) if photo["caption"] == "Large and bare")
    assert (shown["width"], shown["height"]) == (2560, 1920)
    assert sent and all(b"\xff\xfe" not in body and b"IMG_0001" not in body for body in sent)
    expect(tiles(page).filter(has_text="Large and bare")).to_be_visible()


def test_each_file_is_followed_stopped_and_tried_again(gallery: Deployment, page: Page, tmp_path: Path) -> None:
    enter(page, gallery)
    held: list[Any] = []
    page.route("**/uploads**", lambda route: held.append(route))
    before = captions(gallery)
    choose(page, *(written(tmp_path, f"{name}.jpg", 60 + seed) for seed, name in enumerate(("one", "two", "three"))))
    for name in ("one", "two", "three"):
        page.get_by_label(f"Caption for {name}.jpg").fill(f"File {name}")
    page.get_by_role("button", name="Share 3 photographs").click()
    expect(page.get_by_role("progressbar")).to_have_count(2)
    seen(page, lambda: len(held) == 2, "two are on their way")
    page.get_by_role("button", name="Cancel one.jpg").click()
    expect(rows(page)).to_have_count(2)
    seen(page, lambda: len(held) == 3, "the third takes its place")
    for route in held:  # the two that are on their way, and the one that is no more
        route.abort()
    expect(page.get_by_text("The connection was lost.")).to_have_count(2)
    page.unroute_all()
    for name in ("two", "three"):
        page.get_by_role("button", name=f"Try {name}.jpg again").click()
    page.get_by_role("button", name="Done").click()
    until(lambda: len(photos(gallery)) == len(before) + 2, "both are shared")
    assert {each for each in captions(gallery) if each.startswith("File")} == {"File two", "File three"}


PUT = """
([name, how, numbers]) => {
  const carried = new DataTransfer()
  carried.items.add(new File([new Uint8Array(numbers)], name, { type: 'image/jpeg' }))
  const event = how === 'paste'
    ? new ClipboardEvent('paste', { clipboardData: carried, bubbles: true })
    : new DragEvent('drop', { dataTransfer: carried, bubbles: true, cancelable: true })
  document.body.dispatchEvent(event)
}
"""


def test_files_are_dropped_and_pasted_anywhere(gallery: Deployment, page: Page) -> None:
    enter(page, gallery)
    for number, how in enumerate(("drop", "paste")):
        page.evaluate(PUT, [f"{how}.jpg", how, list(picture(70 + number, 64, 48))])
        expect(rows(page).filter(has_text=f"{how}.jpg")).to_be_visible()
    page.get_by_role("button", name="Share 2 photographs").click()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


# Deleting


def test_a_deletion_can_be_taken_back_and_outlives_the_page(gallery: Deployment, page: Page) -> None:
    for number, caption in enumerate(("Taken back", "Left waiting")):
        browsing.share(gallery, 80 + number, caption)
    page.clock.install()
    enter(page, gallery)
    open_photograph(page, "Taken back")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog").get_by_role("heading", name="Taken back")).to_have_count(0)
    page.get_by_role("button", name="Undo Taken back").click()
    page.keyboard.press("Escape")
    expect(tiles(page).filter(has_text="Taken back")).to_be_visible()
    open_photograph(page, "Left waiting")
    page.get_by_role("button", name="Delete").click()
    page.reload()
    expect(page.get_by_role("button", name="Undo Left waiting")).to_be_visible()
    expect(tiles(page).filter(has_text="Left waiting")).to_have_count(0)
    assert "Left waiting" in captions(gallery)  # with the whole time before it
    browsing.let_it_go(page)
    until(lambda: all("Left waiting" not in captions(gallery, role) for role in ("primary", "secondary")), "it is gone in both regions")
    assert "Taken back" in captions(gallery)
    expect(page.get_by_role("button", name="Undo Left waiting")).to_have_count(0)


# Accounts


def test_a_profile_and_a_password_are_changed_and_a_forgotten_one_is_replaced(gallery: Deployment, page: Page) -> None:
    gallery.invite("bea")
    enter(page, gallery, "bea")
    page.get_by_role("link", name="Your account").click()
    expect(page.get_by_label("E-mail")).to_have_value("bea@example.com")
    page.get_by_label("E-mail").fill("bea@example.org")
    page.get_by_role("button", name="Save profile").click()
    expect(page.get_by_text("Saved in both regions.")).to_be_visible()
    page.get_by_label("Current password").fill("not this one")
    page.get_by_label("New password").fill("another-horse-battery")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("alert").filter(has_text="not your current password")).to_be_visible()
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Changed: it is the one to sign in with")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Sign out", exact=True).click()
    sign_in(page, gallery, "bea", PASSWORD)
    expect(page.get_by_role("alert")).to_contain_text("don’t match")
    replace_forgotten(page, gallery)
    page.get_by_role("link", name="Your account").click()
    expect(page.get_by_label("E-mail")).to_have_value("bea@example.org")


def replace_forgotten(page: Page, deployment: Deployment) -> None:
    """By the code that the operator finds in the outbox."""
    page.get_by_role("button", name="Forgotten your password?").click()
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_text("has gone to the operator's outbox")).to_be_visible()
    message = json.loads((deployment.data / "primary" / "outbox.jsonl").read_text().splitlines()[-1])
    assert (message["kind"], message["user"], message["email"]) == ("reset_code", "bea", "bea@example.org")
    page.get_by_label("Code").fill("000000")
    page.get_by_label("New password").fill("third-horse-battery")
    page.get_by_role("button", name="Save and sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("doesn’t fit")
    page.get_by_label("Code").fill(message["secret"])
    page.get_by_role("button", name="Save and sign in").click()
    see_gallery(page)


# By keyboard, by finger, by everybody


def test_signing_in_and_sharing_need_no_mouse(gallery: Deployment, page: Page, tmp_path: Path) -> None:
    choosers: list[Any] = []
    page.on("filechooser", lambda chooser: choosers.append(chooser))
    enter_by_keyboard(page, gallery)
    tab_to(page, page.get_by_role("button", name="Add photographs"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Choose files")).to_be_focused()
    page.keyboard.press("Enter")
    seen(page, lambda: choosers, "a file is asked for")
    choosers[0].set_files([written(tmp_path, "keys.jpg", 90), written(tmp_path, "not.jpg", 91)])
    tab_to(page, page.get_by_role("button", name="Remove not.jpg"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Remove keys.jpg")).to_be_focused()
    expect(page.get_by_role("button", name="Share 1 photograph")).to_be_enabled()  # when it has been made ready
    tab_to(page, page.get_by_label("Caption for keys.jpg"))
    page.keyboard.type("By keys alone")
    tab_to(page, page.get_by_role("button", name="Share 1 photograph"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Done")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Add photographs")).to_be_focused()
    expect(tiles(page).first).to_contain_text("By keys alone")


def enter_by_keyboard(page: Page, deployment: Deployment) -> None:
    page.goto(deployment.url("edge"))
    expect(page.get_by_label("User name")).to_be_focused()
    page.keyboard.type("admin")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    see_gallery(page)
    expect(tiles(page).first).to_be_visible()


def test_looking_commenting_deleting_and_taking_back_need_no_mouse(gallery: Deployment, page: Page) -> None:
    browsing.share(gallery, 92, "Seen by keys")
    enter_by_keyboard(page, gallery)
    tab_to(page, tiles(page).first)
    for key in ("ArrowRight", "ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight"):
        page.keyboard.press(key)
    expect(tiles(page).nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("dialog").get_by_role("heading")).to_have_text("Seen by keys")
    tab_to(page, page.get_by_label("Your comment"))
    page.keyboard.type("Written without a mouse")
    page.keyboard.press("Control+Enter")
    see_comment(page, "Written without a mouse")

    tab_to(page, page.get_by_role("button", name="Delete"), backwards=True)
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="Undo Seen by keys"))
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(tiles(page).first).to_contain_text("Seen by keys")
    assert "Seen by keys" in captions(gallery)


def test_a_finger_goes_from_one_photograph_to_the_next(gallery: Deployment, open_page: OpenPage) -> None:
    page = enter(open_page(viewport=PHONE, has_touch=True, is_mobile=True), gallery)
    for number in range(3):
        browsing.share(gallery, 100 + number, f"Step {number}")
    page.reload()
    expect(tiles(page).first).to_contain_text("Step 2")
    names = ["Step 2", "Step 1", "Step 0"]
    tiles(page).nth(1).click()
    heading = page.get_by_role("dialog").get_by_role("heading")
    expect(heading).to_have_text(names[1])
    for change, name in ((-140, names[2]), (140, names[1]), (140, names[0])):
        swipe(page, change)
        expect(heading).to_have_text(name)
    swipe(page, 30)
    expect(heading).to_have_text(names[0])
    expect(page.locator(".top .pill")).to_have_count(1)


def swipe(page: Page, change: int) -> None:
    session = page.context.new_cdp_session(page)
    for kind, x in (("touchStart", 195), ("touchMove", 195 + change // 2), ("touchMove", 195 + change)):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": 120}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_everybody_can_use_every_view(gallery: Deployment, page: Page, tmp_path: Path) -> None:
    page.goto(gallery.url("edge"))
    expect(page.get_by_label("User name")).to_be_visible()
    browsing.examine(page, "sign-in")
    page.get_by_role("button", name="Forgotten your password?").click()
    browsing.examine(page, "forgotten password")
    page.get_by_label("User name").fill("nobody")
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_label("Code")).to_be_visible()
    browsing.examine(page, "code")
    enter(page, gallery)
    browsing.examine(page, "gallery")
    assert page.locator(".top").evaluate("header => header.offsetHeight") < 80
    open_photograph(page, "Market")
    comment(page, "Every Saturday")
    see_comment(page, "Every Saturday")
    page.get_by_role("button", name="Delete").click()
    open_it = page.get_by_role("button", name="Undo Market")
    open_it.focus()  # which holds the time
    browsing.examine(page, "viewer, with a deletion")
    open_it.click()
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Your account").click()
    expect(page.get_by_label("E-mail")).to_have_value("admin@example.com")
    browsing.examine(page, "account")
    page.keyboard.press("Escape")
    (tmp_path / "notes.txt").write_text("no picture")
    choose(page, written(tmp_path, "good.jpg", 95), tmp_path / "notes.txt")
    expect(page.get_by_text("cannot be read as a photograph")).to_be_visible()
    browsing.examine(page, "upload")


# The same bundle elsewhere


def test_without_streams_and_with_another_flow_it_polls_and_proves_the_password(gallery: Deployment, page: Page) -> None:
    """All that tells a deployment on AWS from one here is in uiConfig.json."""
    with gallery.region("primary", {}) as http:
        config = http.get(f"{gallery.url('edge')}/uiConfig.json").json()
    for region in config["regions"].values():
        del region["eventsUrl"], region["auth"]["flow"]
    page.route("**/uiConfig.json", lambda route: route.fulfill(json=config))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_request(lambda request: request.headers.get("x-amz-target", "").endswith("InitiateAuth")) as began:
        sign_in(page, gallery)
    body = json.loads(began.value.post_data or "")
    assert (body["AuthFlow"], "PASSWORD" in body["AuthParameters"]) == ("USER_SRP_AUTH", False)
    assert len(body["AuthParameters"]["SRP_A"]) > 500
    seen(page, lambda: sum("/state/" in url for url in asked) > 3, "the state is polled")
    assert not any(url.endswith("/events") for url in asked)


def test_a_hidden_page_holds_no_stream(gallery: Deployment, page: Page) -> None:
    streams: list[str] = []
    page.on("request", lambda request: streams.append("open") if request.url.endswith("/events") else None)
    page.on("requestfailed", lambda request: streams.append("closed") if request.url.endswith("/events") else None)
    enter(page, gallery)
    seen(page, lambda: streams[-1:] == ["open"], "it follows the state")
    page.evaluate(HIDE, True)
    seen(page, lambda: streams[-1] == "closed", "the stream is closed")
    page.evaluate(HIDE, False)
    seen(page, lambda: streams[-1] == "open", "there is a new one")


HIDE = """
hidden => {
  Object.defineProperty(document, 'hidden', { value: hidden, configurable: true })
  document.dispatchEvent(new Event('visibilitychange'))
}
"""
