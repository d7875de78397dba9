"""One part as a process of its own: `python -m multiregion.local.serve --config FILE`, without loading the command line."""

import argparse
import gc
import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from signal import SIGTERM
from typing import Any

import uvicorn

from multiregion.application import load
from multiregion.config import PartConfig, Settings, read_part, read_settings_of
from multiregion.errors import BadDeployment, DatabaseDamaged, DiskFailed, DiskFull, MultiregionError
from multiregion.local.locks import locked

PARTS = ("region", "authority", "edge", "wire")
CONNECTIONS_MAX = 4_096
KEEP_ALIVE_SECONDS = 30
STOP_SECONDS = 2
START_FAILED = 3
UNUSABLE = 4
"""The process ended because of what is, or is not, in its folder, or of its disk: others can do without it."""


def no_restart() -> None:
    raise BadDeployment("whoever serves this application cannot start it again; restart the process")


def application_of(
    config: PartConfig,
    settings: Settings,
    *,
    supervised: bool = False,
    restart: Callable[[], None] = no_restart,
    obstacle: OSError | None = None,
) -> Any:
    """The part's ASGI application. Only what this part needs is imported, so that it starts quickly. `restart` has it made anew;
    `obstacle` is why a region's folder cannot be used."""
    match config.part:
        case "region" if config.store == "aws":
            from multiregion.local.engines import EngineRegion

            return EngineRegion(config, settings).application()
        case "region":
            from multiregion.local.damaged import DamagedRegion, UnwritableRegion
            from multiregion.local.region import RegionProcess

            try:
                if obstacle is not None:
                    raise obstacle
                return RegionProcess(config, settings, restart).application()
            except DatabaseDamaged as damage:
                return DamagedRegion(config, damage, restart).application()
            except (DiskFailed, DiskFull, OSError) as error:
                return UnwritableRegion(config, error).application()
        case "authority":
            from multiregion.local.authority import authority_application

            try:
                return authority_application(config, settings)
            except OSError as error:
                raise no_folder(config, error) from error
        case "edge":
            from multiregion.local.edge import edge_process

            return edge_process(config, settings, supervised=supervised)
        case "wire":
            from multiregion.local.wire import wire_application

            return wire_application(config)
    raise BadDeployment(f"the configuration names the part {config.part!r}; it must be one of {', '.join(PARTS)}")


def serve(file: Path, part: str | None = None, *, supervised: bool = False) -> None:
    """Run the part until SIGINT or SIGTERM. Raises BadDeployment if it cannot start, or is not the `part` that was meant."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO, stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    config = read_part(file)
    if part not in (None, config.part):
        raise BadDeployment(f"{file} is the configuration of the part {config.part!r}, not {part!r}")
    settings = read_settings_of(load(config.application).settings, overrides=config.settings)
    alone = config.part in ("region", "authority") and config.store != "aws"
    with ExitStack() as held:
        obstacle = hold(config, held) if alone else None
        serve_on(config, settings, supervised=supervised, obstacle=obstacle)


def hold(config: PartConfig, held: ExitStack) -> OSError | None:
    """One process at a time uses a folder. A region whose folder cannot even be held starts, to say why, and opens nothing there."""
    try:
        held.enter_context(locked(config.folder, lambda owner: f"{config.folder} is served by another process ({owner})"))
    except OSError as error:
        if config.role is None:
            raise no_folder(config, error) from error
        return error
    return None


def no_folder(config: PartConfig, error: OSError) -> MultiregionError:
    from multiregion.local.damaged import unwritable

    return unwritable(config, config.role or config.part, error)


def serve_on(config: PartConfig, settings: Settings, *, supervised: bool, obstacle: OSError | None = None) -> None:
    server = RestartableServer()
    application = application_of(config, settings, supervised=supervised, restart=server.order_restart, obstacle=obstacle)
    gc.freeze()  # what is loaded by now stays: looking through it for garbage again and again held every request up for 25 ms
    while server.run(application, config):
        application = application_of(config, settings, supervised=supervised, restart=server.order_restart, obstacle=obstacle)


class RestartableServer:
    """Serves one application after the other at the same address, in the same process: whoever watches it sees no other."""

    def __init__(self) -> None:
        self._server: uvicorn.Server | None = None
        self._wanted = False

    def order_restart(self) -> None:
        """Let what is under way end, for STOP_SECONDS at most, then begin again."""
        assert self._server is not None
        self._wanted = self._server.should_exit = True

    def run(self, application: Any, config: PartConfig) -> bool:
        """Serve until SIGINT, SIGTERM or a restart is wanted, and say whether it is that."""
        self._wanted = False
        self._server = uvicorn.Server(
            uvicorn.Config(
                application,
                host=config.host,
                port=config.port,
                log_level="warning",
                access_log=False,
                server_header=False,
                limit_concurrency=CONNECTIONS_MAX,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=STOP_SECONDS,
                ws="none",
            )
        )
        with suppress(KeyboardInterrupt):
            self._server.run()
        if not self._server.started:
            sys.exit(START_FAILED)
        return self._wanted


def stop_with_parent() -> None:
    """End this process when its standard input closes: a supervisor that dies, even by SIGKILL, leaves nothing behind."""

    def wait() -> None:
        # Not sys.stdin: its lock, held by this thread, would end the interpreter's own shutdown in an abort.
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def main() -> None:
    parser = argparse.ArgumentParser(description="Run one part of a deployment.")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--with-parent", action="store_true", help="stop when standard input closes")
    arguments = parser.parse_args()
    if arguments.with_parent:
        stop_with_parent()
    try:
        serve(arguments.config, supervised=arguments.with_parent)
    except (DiskFailed, DiskFull) as error:
        sys.stderr.write(f"{error.title}: {error.detail}\n")
        sys.exit(UNUSABLE)
    except MultiregionError as error:
        sys.exit(f"{error.title}: {error.detail}")


if __name__ == "__main__":
    main()
