"""The function that writes, over one module's account, empty and active at epoch 3 before each test."""

from collections.abc import Iterator

import pytest

from infra.lambdas import application as module
from infra.lambdas.application import Application
from tests.infra.region import ENVIRONMENT, PRIMARY, admit, clear, client, two_regions


@pytest.fixture(scope="module")
def function() -> Iterator[Application]:
    with two_regions():
        yield Application(ENVIRONMENT)


@pytest.fixture
def application(function: Application, monkeypatch: pytest.MonkeyPatch) -> Application:
    """Empty, and active at epoch 3. A test may put something else in the place of its clients."""
    clear()
    admit("active", 3, PRIMARY)
    monkeypatch.setattr(module, "APPLICATION", [function])
    monkeypatch.setattr(function.store, "dynamodb", client("dynamodb"))
    function.photos.here.clear()
    return function
