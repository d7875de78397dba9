"""Deployments for acceptance tests, one that is shared by tests that leave it as it was and a fresh one for the others; and a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.acceptance.browsing import OpenPage, chromium, pages
from tests.acceptance.deployment import Deployment, deployed


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One deployment for a module's tests; each leaves it active and whole."""
    with deployed(tmp_path_factory.mktemp("shared")) as deployment:
        yield deployment


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Deployment]:
    with deployed(tmp_path) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    with pages(browser) as open_one:
        yield open_one


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page()
