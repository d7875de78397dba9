"""Fixtures of the contract suites: user pools with users in them, and a region's application API on a socket."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gallery_world import Gallery, gallery_in
from tests.identity_world import World
from tests.unit.conftest import pools, user_pools

__all__ = ["gallery", "pools", "user_pools"]


@pytest.fixture
async def gallery(pools: World, tmp_path: Path) -> AsyncIterator[Gallery]:
    async with gallery_in(pools, tmp_path / "primary") as made:
        yield made
