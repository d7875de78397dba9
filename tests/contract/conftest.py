"""Fixtures of the contract suites: user pools with users in them, and a region's application API on a socket, local or deployed."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.contract.worlds import DEPLOYED, worlds_for
from tests.gallery_world import Gallery, gallery_in
from tests.identity_world import copy_template, world
from tests.infra.deployed import DeployedGallery, Deployment, deployed, gallery_of
from tests.unit.conftest import pools, user_pools

__all__ = ["pools", "user_pools"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*abilities): runs only in worlds that have these abilities (tests/contract/worlds.py)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test of the HTTP contract runs in every world that has what it needs."""
    if "gallery" in metafunc.fixturenames:
        needed = frozenset(ability for mark in metafunc.definition.iter_markers("needs") for ability in mark.args)
        metafunc.parametrize("gallery", worlds_for(needed), indirect=True)


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    with deployed() as made:
        yield made


@pytest.fixture
async def gallery(request: pytest.FixtureRequest, user_pools: Path, tmp_path: Path) -> AsyncIterator[Gallery | DeployedGallery]:
    if request.param == DEPLOYED:
        made = request.getfixturevalue("deployment")
        made.clear()
        there = gallery_of(made)
        async with there.http:
            yield there
    else:
        async with world(copy_template(user_pools, tmp_path)) as pools, gallery_in(pools, tmp_path / "primary") as here:
            yield here
