"""One part as a process of its own: `python -m multiregion.local.serve --config FILE`, without loading the command line."""

import argparse
import gc
import logging
import os
import sys
import threading
from pathlib import Path
from signal import SIGTERM
from typing import Any

import uvicorn

from multiregion.config import PartConfig, Settings, read_part, read_settings
from multiregion.errors import BadDeployment, MultiregionError

PARTS = ("region", "authority", "edge", "wire")
CONNECTIONS_MAX = 4_096
KEEP_ALIVE_SECONDS = 30
STOP_SECONDS = 2


def application_of(config: PartConfig, settings: Settings, *, supervised: bool = False) -> Any:
    """The part's ASGI application. Only what this part needs is imported, so that it starts quickly."""
    match config.part:
        case "region" if config.store == "aws":
            from multiregion.local.engines import EngineRegion

            return EngineRegion(config, settings).application()
        case "region":
            from multiregion.local.region import RegionProcess

            return RegionProcess(config, settings).application()
        case "authority":
            from multiregion.local.authority import authority_application

            return authority_application(config, settings)
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
    application = application_of(config, read_settings(overrides=config.settings), supervised=supervised)
    gc.freeze()  # what is loaded by now stays: looking through it for garbage again and again held every request up for 25 ms
    uvicorn.run(
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
    except MultiregionError as error:
        sys.exit(f"{error.title}: {error.detail}")


if __name__ == "__main__":
    main()
