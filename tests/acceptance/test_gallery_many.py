"""Ten thousand photographs: the page scrolls through all of them with no more in it than the screen can show, and says how fast."""

import statistics
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance import browsing
from tests.acceptance.browsing import enter, tiles
from tests.acceptance.deployment import Deployment, deployed, until
from tests.acceptance.many import multiply

pytestmark = pytest.mark.browser
COUNT = 10_000
SHARED = ["Harbour", "Glacier", "Market", "Lighthouse", "Orchard", "Bridge"]
TILES_MAX = 120
"""Three screens of the smallest pictures; ten thousand would be eighty times as many."""
HEAP_BYTES_MAX = 48_000_000
FRAMES = 60

SCROLL = """
async ([steps, pixels]) => {
  const frames = []
  let most = 0
  let last = performance.now()
  for (let i = 0; i < steps; i++) {
    scrollBy(0, pixels)
    await new Promise(requestAnimationFrame)
    const now = performance.now()
    frames.push(now - last)
    last = now
    most = Math.max(most, document.querySelectorAll('.rows li').length)
  }
  return { frames, most }
}
"""


# The page goes on gliding after the wheel has been turned, and rows come and go meanwhile.
RESTS = """
() => new Promise(settled => {
  const before = scrollY
  setTimeout(() => settled(scrollY === before), 300)
})
"""
TOP = "element => element.getBoundingClientRect().top"


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(tmp_path_factory.mktemp("many")) as deployment:
        browsing.furnish(deployment, SHARED)
        multiply(deployment, COUNT - len(SHARED))
        yield deployment


def scroll(page: Page) -> dict[str, Any]:
    """Half a screen a frame, for sixty frames."""
    measured: dict[str, Any] = page.evaluate(SCROLL, [FRAMES, 400])
    assert measured["most"] <= TILES_MAX
    return measured


def heap_bytes(page: Page) -> int:
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    return int(session.send("Runtime.getHeapUsage")["usedSize"])


def load_all(page: Page) -> None:
    """As a reader who drags the scroll bar to its end, again and again."""

    def done() -> Any:
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        return page.get_by_text(f"{COUNT:,} photographs").count()

    until(done, "all are listed")


def test_ten_thousand_are_scrolled_through(gallery: Deployment, page: Page, record_property: Callable[[str, object], None]) -> None:
    enter(page, gallery)
    few, few_bytes = scroll(page), heap_bytes(page)
    load_all(page)
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    expect(tiles(page).last).to_contain_text(f"Number {COUNT - len(SHARED)}")
    assert page.locator(".rows li").last.get_attribute("aria-setsize") == str(COUNT)
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight / 2)")
    expect(tiles(page).first).to_be_visible()
    many, many_bytes = scroll(page), heap_bytes(page)
    assert many_bytes < HEAP_BYTES_MAX
    for name, measured, size in (("fifty", few, few_bytes), ("ten thousand", many, many_bytes)):
        frames = sorted(measured["frames"])
        middle, slowest = statistics.median(frames), frames[int(len(frames) * 0.95)]
        report = f"{middle:.1f} ms a frame (95 %: {slowest:.1f} ms), {measured['most']} tiles, {size / 1e6:.1f} MB"
        print(f"{name} photographs: {report}")
        record_property(name, report)


def test_the_place_is_kept_while_others_are_opened_and_the_region_changes(gallery: Deployment, page: Page) -> None:
    """Deep in the list: the viewer comes back to the photograph that was seen last, and a move to the other region loses nothing."""
    enter(page, gallery)
    for _ in range(8):
        page.mouse.wheel(0, 4_000)
        page.wait_for_function("document.querySelectorAll('.rows li').length > 0")
    until(lambda: page.evaluate("scrollY") > 8_000, "deep in the list")
    page.wait_for_function(RESTS)
    caption = str(tiles(page).nth(tiles(page).count() // 2).locator("b").text_content())
    page.get_by_role("link", name=f"{caption} by admin", exact=True).click()
    expect(page.get_by_role("dialog").get_by_role("heading")).to_have_text(caption)
    number, last = int(caption.split()[1]), caption
    for step in range(1, 31):
        page.keyboard.press("ArrowRight")
        last = f"Number {number + step}"
        expect(page.get_by_role("dialog").get_by_role("heading")).to_have_text(last)
    page.keyboard.press("Escape")
    seen_last = page.get_by_role("link", name=f"{last} by admin", exact=True)
    expect(seen_last).to_be_focused()
    expect(seen_last).to_be_in_viewport()
    before = seen_last.evaluate(TOP)
    gallery.run("failover")
    browsing.says(page, "Served from Tokyo")
    secondary = gallery.url("secondary")
    until(lambda: secondary in str(seen_last.locator("img").get_attribute("src")), "pictures come from there")
    assert abs(seen_last.evaluate(TOP) - before) < 2  # the browser makes up for the words above, in whole pixels
