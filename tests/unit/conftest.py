"""Fixtures for identity: two regions' user pools with users in them, made once and copied for each test."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.identity_world import World, copy_template, make_template, world


@pytest.fixture(scope="session")
def user_pools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("user-pools")
    asyncio.run(make_template(folder))
    return folder


@pytest.fixture
async def pools(user_pools: Path, tmp_path: Path) -> AsyncIterator[World]:
    async with world(copy_template(user_pools, tmp_path)) as made:
        yield made
