"""What the suites share: the engines in a process of its own, and the backends that one contract is held against."""

import functools
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.engines import CREDENTIALS, EngineProcess, engine_process

if TYPE_CHECKING:
    from tests.contract.backends import Backend

# What was started in the background of a shell ignores Ctrl-C, and so would everything that the tests start and then interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Hundreds of processes are started here; without cached bytecode each would compile the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Thousands of clients are made here; each would read every authority of the world.
httpx._transports.default.create_ssl_context = functools.cache(httpx.create_ssl_context)  # type: ignore[attr-defined]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: what takes longest here waits for processes and pages."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session")
def engines() -> Iterator[EngineProcess]:
    with engine_process() as process, pytest.MonkeyPatch.context() as environment:
        for name, value in CREDENTIALS.items():
            environment.setenv(name, value)
        yield process


@pytest.fixture(params=["embedded", "aws"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator["Backend"]:
    from tests.contract.backends import AwsBackend, EmbeddedBackend  # other suites need not load the engines' clients

    made: Backend = EmbeddedBackend(tmp_path) if request.param == "embedded" else AwsBackend(request.getfixturevalue("engines"), tmp_path)
    try:
        yield made
    finally:
        made.close()
