"""What a view has to be for everybody: at any width and with any spacing of its text, by keyboard, for fingers, without motion."""

import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.acceptance.browsing import PHONE, WIDE

SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8").partition(";")[2].strip()
NARROW: Any = {"width": 320, "height": 640}
"""1280 pixels at 400 %."""
ZOOMED: Any = {"width": 640, "height": 400}
"""1280 pixels at 200 %."""
SETTLE_SECONDS = 5.0
SMALLEST_TARGET, FINGER = 24, 44


def asked(page: Page, what: str, argument: Any = None) -> Any:
    return page.evaluate(f"argument => {SCRIPT}.{what}(argument)", argument)


def none(page: Page, what: str, argument: Any = None) -> list[str]:
    """What is found once the page has had the time to follow its window."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while (found := asked(page, what, argument)) and time.monotonic() < deadline:
        page.evaluate("new Promise(requestAnimationFrame)")
    remaining: list[str] = found
    return remaining


def fits(page: Page, view: str) -> None:
    """WCAG 1.4.4, 1.4.10 and 1.4.12: at 200 % and 400 %, and with its text set wide, nothing is out of reach or cut off."""
    found = []
    for spaced in (False, True):
        asked(page, "space", spaced)
        for window in (NARROW, ZOOMED, WIDE):
            page.set_viewport_size(window)
            found += [f"{window['width']}, {spaced=}, over the edge: {each}" for each in none(page, "overTheEdge")]
            found += [f"{window['width']}, {spaced=}, cut off: {each}" for each in none(page, "cutOff")]
    asked(page, "space", False)
    assert not found, "\n".join([view, *found])


def can_be_hit(page: Page, view: str) -> None:
    """WCAG 2.5.8 everywhere; on a phone a finger's breadth."""
    found = [f"under {SMALLEST_TARGET}: {each}" for each in none(page, "smallerThan", SMALLEST_TARGET)]
    page.set_viewport_size(PHONE)
    found += [f"under {FINGER}, on a phone: {each}" for each in none(page, "smallerThan", FINGER)]
    assert not found, "\n".join([view, *found])


def shows_its_focus(page: Page, view: str, least: int) -> None:
    page.keyboard.press("Shift")
    count, found = asked(page, "focusUnseen")
    assert count >= least, f"{view}: only {count} controls"
    assert not found, "\n".join([view, *found])


def reads_in_order(page: Page, view: str) -> None:
    page.set_viewport_size(PHONE)
    found = none(page, "outOfOrder")
    assert not found, "\n".join([view, *found])


def stands_still(page: Page, view: str) -> None:
    """For whoever wants no motion; others get some, or this would look at nothing."""
    page.emulate_media(reduced_motion="no-preference")
    moving = asked(page, "moving")
    page.emulate_media(reduced_motion="reduce")
    assert moving, f"{view}: nothing ever moves here"
    assert none(page, "moving") == [], view


def one_row_header(page: Page, view: str) -> None:
    """With the state in it, however small the phone."""
    for width in (320, 360, 390):
        page.set_viewport_size({"width": width, "height": 640})
        middles = asked(page, "headerMiddles")
        assert len(middles) >= 3 and max(middles) - min(middles) < 3, f"{view}, {width}: {middles}"
        assert page.locator(".top .pill").is_visible(), f"{view}, {width}: the state is not said"
    page.set_viewport_size(WIDE)


def is_for_everybody(page: Page, view: str, controls: int) -> None:
    """`controls`: at least so many that can have the focus."""
    fits(page, view)
    can_be_hit(page, view)
    reads_in_order(page, view)
    page.set_viewport_size(WIDE)
    shows_its_focus(page, view, controls)
    stands_still(page, view)
