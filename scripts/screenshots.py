"""Takes the pictures of the web application that the documentation shows: from a deployment of its own, with the sample photographs."""

import io
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
SAMPLES = ROOT / "src" / "multiregion" / "gallery" / "samples"
WIDE: Any = {"width": 1280, "height": 800}
WIDER: Any = {"width": 1720, "height": 1040}
PHONE: Any = {"width": 390, "height": 780}
ANY_TEXT = re.compile(".+")
CHART_MILLISECONDS = 8_000
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
OPERATOR = "admin"
"""Who gave the orders, in the history of the pictures."""
PORTS = 7
STOP_SECONDS = 20
FADE_MILLISECONDS = 700
SHOWN = """
[...document.images].filter(image => image.getBoundingClientRect().top < innerHeight).every(image => image.complete && image.naturalWidth)
"""
BYTES_MAX = 390_000
COLOURS = (256, 192, 128, 96, 64)


def main() -> int:
    with (
        tempfile.TemporaryDirectory() as folder,
        deployment(Path(folder)) as described,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=FLAGS)
        Photographer(browser, described, Path(folder)).take_all()
        browser.close()
    return 0


@contextmanager
def deployment(folder: Path) -> Iterator[dict[str, Any]]:
    """Both regions with the sample photographs, until the block ends."""
    command = [sys.executable, "-m", "multiregion", "up", "--json", "--sample-photos", "--data", str(folder), "--port", str(free_base())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as up:
        assert up.stdout is not None and up.stderr is not None
        try:
            line = up.stdout.readline()
            if not line:
                sys.exit(up.stderr.read())
            yield json.loads(line)
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(STOP_SECONDS)


def free_base() -> int:
    for base in range(25_000, 60_000, PORTS):
        probes = [socket.socket() for _ in range(PORTS)]
        try:
            for offset, probe in enumerate(probes):
                probe.bind(("127.0.0.1", base + offset))
            return base
        except OSError:
            continue
        finally:
            for probe in probes:
                probe.close()
    raise RuntimeError("no seven ports in a row are free")


class Photographer:
    """Goes through the web application once for each picture."""

    def __init__(self, browser: Browser, described: dict[str, Any], data: Path) -> None:
        self._browser = browser
        self._edge = described["edge"]
        self._given = described["admin"]["temporaryPassword"]
        self._password = secrets.token_urlsafe(12)
        self._data = data

    def take_all(self) -> None:
        page = self._open("light")
        shoot(page, "sign-in")
        self._sign_in(page, self._given)
        page.get_by_label("New password").fill(self._password)
        page.get_by_role("button", name="Save and continue").click()
        see_gallery(page)
        shoot(page, "gallery")
        self._views(page)
        self._cases(page)
        self._console(page)
        self._again("gallery-dark", "dark", WIDE)
        self._again("gallery-phone", "light", PHONE)
        self._again("viewer-phone", "dark", PHONE)
        self._without_a_region(page)

    def _views(self, page: Page) -> None:
        open_photograph(page)
        shoot(page, "viewer")
        page.get_by_role("button", name="Delete").click()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Undo").focus()  # which stops the time
        shoot(page, "undo")
        page.get_by_role("button", name="Undo").click()
        page.get_by_role("link", name="Your account").click()
        expect(page.get_by_label("E-mail")).to_have_value(ANY_TEXT)
        shoot(page, "account")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Add photographs").click()
        page.get_by_label("Photographs", exact=True).set_input_files(
            [SAMPLES / "Earthrise-by-NASA.jpg", SAMPLES / "Citrus-fruits-by-the-US-Department-of-Agriculture.jpg"]
        )
        expect(page.get_by_role("button", name="Share 2 photographs")).to_be_enabled()
        shoot(page, "upload")
        for _ in range(2):
            page.get_by_role("button", name="Remove").first.click()
        page.keyboard.press("Escape")

    def _cases(self, page: Page) -> None:
        """What the page says of the state, with something half-written, so that it does not move by itself."""
        open_photograph(page)
        page.get_by_label("Your comment").fill("And then")
        page.keyboard.press("Escape")
        self._command("state", "set", "fenced", "--reason", "maintenance")
        expect(page.locator("body")).to_contain_text("paused")
        shoot(page, "fenced")
        self._command("failover", "--reason", "rehearsal")
        expect(page.locator("body")).to_contain_text("has moved to Tokyo")
        shoot(page, "moved")
        self._command("failback")
        expect(page.get_by_role("button", name="Add photographs")).to_be_enabled()

    def _console(self, page: Page) -> None:
        page.goto(f"{self._edge}/#/ops")
        expect(page.get_by_role("heading", name="Operations").first).to_be_visible()
        page.set_viewport_size(WIDER)
        page.wait_for_timeout(CHART_MILLISECONDS)
        shoot(page, "console")
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        shoot(page, "console-dark")
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.set_viewport_size(WIDE)
        page.get_by_role("button", name="Fail over to Tokyo", exact=True).click()
        page.get_by_role("dialog").get_by_label("Reason").fill("Maintenance in N. Virginia")
        shoot(page, "console-switch")
        page.keyboard.press("Escape")

    def _without_a_region(self, page: Page) -> None:
        page.set_viewport_size(WIDER)
        self._command("chaos", "kill", "us-east-1")
        expect(page.locator("body")).to_contain_text("nobody can write until N. Virginia is back")
        expect(page.get_by_role("button", name="Take over in Tokyo", exact=True)).to_be_visible()
        shoot(page, "console-lost")

    def _again(self, name: str, colours: Literal["light", "dark"], window: Any) -> None:
        page = self._open(colours, window)
        self._sign_in(page, self._password)
        see_gallery(page)
        if name.startswith("viewer"):
            open_photograph(page)
        shoot(page, name)

    def _open(self, colours: Literal["light", "dark"], window: Any = WIDE) -> Page:
        page = self._browser.new_page(viewport=window, color_scheme=colours, reduced_motion="reduce", bypass_csp=True)  # to wait for SHOWN
        page.goto(self._edge)
        expect(page.get_by_label("User name")).to_be_visible()
        return page

    def _sign_in(self, page: Page, password: str) -> None:
        page.get_by_label("User name").fill("admin")
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()

    def _command(self, *words: str) -> None:
        command = [sys.executable, "-m", "multiregion", *words, "--data", str(self._data)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "LOGNAME": OPERATOR})


def see_gallery(page: Page) -> None:
    expect(page.get_by_role("heading", name="Photographs")).to_be_visible()
    expect(page.get_by_role("list", name="Gallery").get_by_role("link").first).to_be_visible()


def open_photograph(page: Page) -> None:
    """With what was said about it; whoever comes first says it."""
    page.get_by_role("list", name="Gallery").get_by_role("link", name="Honey bee by John Severns").first.click()
    expect(page.get_by_role("list", name="Comments").get_by_text(re.compile("No comments|half a minute"))).to_be_visible()
    if page.get_by_text("No comments").is_visible():
        page.get_by_label("Your comment").fill("It stayed on this one flower for half a minute.")
        page.get_by_role("button", name="Post").click()
    expect(page.get_by_role("listitem").filter(has_text="half a minute")).to_be_visible()


def shoot(page: Page, name: str) -> None:
    """Save what is seen once every picture on the screen is there, in as many colours as the limit leaves room for."""
    page.mouse.move(640, 5)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_function(SHOWN)
    page.wait_for_timeout(FADE_MILLISECONDS)
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    file = io.BytesIO()
    for colours in COLOURS:
        file = io.BytesIO()
        reduced(image, colours).save(file, "PNG", optimize=True)
        if file.tell() <= BYTES_MAX:
            break
    (DOCS / f"{name}.png").write_bytes(file.getvalue())
    print(f"docs/{name}.png {file.tell() // 1000} kB, {colours} colours")


def reduced(image: Image.Image, colours: int) -> Image.Image:
    """In a few colours, those of the head with the application's state among them however little of the picture it is."""
    head = image.crop((image.width * 3 // 4, 0, image.width, 80)).resize((image.width, image.height // 3), Image.Resampling.NEAREST)
    weighed = Image.new("RGB", (image.width, image.height + head.height))
    weighed.paste(image, (0, 0))
    weighed.paste(head, (0, image.height))
    palette = weighed.quantize(colours, method=Image.Quantize.MEDIANCUT, kmeans=2)
    return image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)


if __name__ == "__main__":
    sys.exit(main())
