"""Deployments for acceptance tests: one that is shared by tests that leave it as it was, and a fresh one for the others."""

from collections.abc import Iterator
from pathlib import Path

import pytest

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
