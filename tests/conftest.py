"""What the suites share: the engines in a process of its own, and the backends that one contract is held against."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.backends import AwsBackend, Backend, EmbeddedBackend
from tests.engines import CREDENTIALS, EngineProcess, engine_process


@pytest.fixture(scope="session")
def engines() -> Iterator[EngineProcess]:
    with engine_process() as process, pytest.MonkeyPatch.context() as environment:
        for name, value in CREDENTIALS.items():
            environment.setenv(name, value)
        yield process


@pytest.fixture(params=["embedded", "aws"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    made: Backend = EmbeddedBackend(tmp_path) if request.param == "embedded" else AwsBackend(request.getfixturevalue("engines"), tmp_path)
    try:
        yield made
    finally:
        made.close()
