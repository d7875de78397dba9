"""A real browser for acceptance tests: pages that report what the browser complains of, and what people do in the web application."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.acceptance.deployment import PASSWORD, Deployment, until, upload
from tests.acceptance.pictures import picture

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
MILLISECONDS = 60_000
WIDE: Any = {"width": 1280, "height": 800}
PHONE: Any = {"width": 390, "height": 780}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OpenPage = Callable[..., Page]


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """Debian's, or whichever CHROMIUM names. Skips the test if there is none, unless the run is meant to have one."""
    program = os.environ.get("CHROMIUM") or ""
    if not program:
        if os.environ.get("MULTIREGION_REQUIRE_BROWSER"):
            pytest.fail("CHROMIUM names no browser, and MULTIREGION_REQUIRE_BROWSER is set")
        pytest.skip("no browser: scripts/ensure_chromium.sh says how to get one")
    with sync_playwright() as playwright:
        expect.set_options(timeout=MILLISECONDS)  # a busy machine is slow, not wrong
        launched = playwright.chromium.launch(executable_path=program, args=[*FLAGS, *flags])
        yield launched
        launched.close()


@contextmanager
def pages(browser: Browser) -> Iterator[OpenPage]:
    """Opens pages, each in a profile of its own; fails if any of them threw, or was kept from something by its own policy."""
    errors: list[str] = []
    opened = []

    def open_page(**options: Any) -> Page:
        context = browser.new_context(**{"viewport": WIDE, "reduced_motion": "reduce", **options})
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(MILLISECONDS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if "Content Security Policy" in message.text else None)
        return page

    yield open_page
    for context in opened:
        context.close()
    assert errors == []


# What people do


def sign_in(page: Page, deployment: Deployment, name: str = "admin", password: str = PASSWORD) -> None:
    page.goto(deployment.url("edge"))
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def see_gallery(page: Page) -> None:
    expect(page.get_by_role("heading", name="Photographs")).to_be_visible()


def enter(page: Page, deployment: Deployment, name: str = "admin") -> Page:
    """Signed in, with photographs on the screen."""
    sign_in(page, deployment, name)
    see_gallery(page)
    expect(tiles(page).first).to_be_visible()
    return page


def tiles(page: Page) -> Any:
    return page.get_by_role("list", name="Gallery").get_by_role("link")


def open_photograph(page: Page, caption: str) -> None:
    page.get_by_role("list", name="Gallery").get_by_role("link", name=f"{caption} by admin", exact=True).click()
    expect(page.get_by_label("Your comment")).to_be_visible()


def comment(page: Page, words: str) -> None:
    page.get_by_label("Your comment").fill(words)
    page.get_by_role("button", name="Post").click()


def see_comment(page: Page, words: str) -> None:
    expect(page.get_by_role("listitem").filter(has_text=words)).to_be_visible()


def says(page: Page, words: str) -> None:
    expect(page.locator("body")).to_contain_text(words)


UNDO_MILLISECONDS = 10_000
"""How long a deletion can be taken back."""


def let_it_go(page: Page) -> None:
    """Wind the page's clock on over the time for taking back; it has to be one that can be wound (`page.clock.install()`)."""
    page.clock.fast_forward(UNDO_MILLISECONDS)


def see_the_picture(page: Page, url: str) -> None:
    """The opened photograph comes from the region at `url`, and the browser has decoded it."""
    image = page.locator("dialog img").last

    def decoded() -> Any:
        return url in str(image.get_attribute("src")) and image.evaluate("image => image.complete && image.naturalWidth > 0")

    until(decoded, f"a photograph from {url}")


def seen(page: Page, true: Callable[[], Any], what: str) -> None:
    """Wait for something that the page's events have to tell: they arrive only while the page is asked for something."""
    until(lambda: page.evaluate("true") and true(), what)


# By keyboard


def tab_to(page: Page, wanted: Any, backwards: bool = False) -> None:
    """By Tab alone, round by the browser's own controls if need be; what has the focus is on the screen, and nothing is over it."""
    for _ in range(40):
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
        if page.evaluate("document.activeElement === document.body"):
            continue
        assert page.evaluate(SEEN), page.evaluate("document.activeElement.outerHTML")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"40 steps, and no focus on {wanted}")


SEEN = """
() => {
  const box = document.activeElement.getBoundingClientRect()
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
  const top = document.elementFromPoint(x, y)
  return top !== null && (document.activeElement.contains(top) || top.contains(document.activeElement))
}
"""


# The console


def open_console(page: Page, deployment: Deployment, name: str = "admin") -> None:
    page.goto(deployment.url("edge") + "/#/ops")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def section(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def see_console(page: Page) -> None:
    """All that a later outage could take away has been heard once."""
    expect(page.get_by_text("Live")).to_be_visible()
    expect(section(page, "State").get_by_role("button").first).to_be_visible()
    expect(section(page, "Users").get_by_role("listitem").first).to_be_visible()


# What the tests start from


def has_photos(deployment: Deployment, count: int) -> bool:
    """Whether the secondary has that many."""
    return bool(deployment.ask("status")["status"]["secondary"]["counts"]["photos"] == count)


def furnish(deployment: Deployment, captions: list[str]) -> None:
    """An administrator with a password of her own, and a photograph for each caption, in both regions."""
    deployment.sign_in("primary", "admin", deployment.described()["admin"]["temporaryPassword"])
    for number, caption in enumerate(captions):
        share(deployment, number, caption)
    until(partial(has_photos, deployment, len(captions)), "the photographs are in both regions")


def share(deployment: Deployment, number: int, caption: str) -> str:
    """One photograph, by the administrator. Returns its id."""
    with deployment.region("primary", as_admin(deployment)) as http:
        answer = upload(http, picture(number, 480 + number * 57 % 300, 400), caption=caption)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["photoId"])


def as_admin(deployment: Deployment) -> dict[str, str]:
    return {"Authorization": deployment.sign_in("primary", "admin", PASSWORD)["IdToken"]}


# What everybody must be able to use


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong with what is on the screen."""
    page.evaluate((ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("rules => axe.run(document, { runOnly: rules })", RULES)
    assert found["passes"], "axe has looked at nothing"
    return [f"{each['id']}: {each['help']}: {[node['html'][:200] for node in each['nodes']]}" for each in found["violations"]]


LOOKS: dict[str, tuple[Any, Any]] = {"light": (WIDE, "light"), "dark": (WIDE, "dark"), "phone": (PHONE, "light")}
NARROWEST: Any = {"width": 320, "height": 640}


def examine(page: Page, view: str) -> None:
    """What is on the screen, in light, in dark and on a phone: nothing that axe minds, and nothing to scroll sideways for."""
    found = []
    for look, (window, colours) in LOOKS.items():
        page.emulate_media(color_scheme=colours, reduced_motion="reduce")
        page.set_viewport_size(window)
        found += [f"{view}, {look}: {each}" for each in violations(page)]
    page.set_viewport_size(NARROWEST)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append(f"{view}: wider than 320 pixels")
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.set_viewport_size(WIDE)
    assert not found, "\n".join(found)
