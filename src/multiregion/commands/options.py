"""Options that commands share, and the deployment that they name."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from multiregion.clock import SystemClock
from multiregion.config import data_of, default_data
from multiregion.local.deployment import DataFolder, LocalDeployment
from multiregion.local.driven import left_behind

warnings = Console(stderr=True, highlight=False)

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data", help="The deployment's folder.", metavar="DIR", envvar="MULTIREGION_DATA", show_default=".multiregion", parser=data_of
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer with JSON, for scripts.")]


def open_deployment(data: Path | None) -> LocalDeployment:
    """What a drill has left undone, whose driver is gone, is undone first. Raises BadDeployment, saying what to do, if there is none."""
    folder = DataFolder(data or default_data())
    found = folder.read()
    if left_behind(folder):
        from multiregion.local.drilling import heal_left_behind

        warnings.print(
            "[yellow]Warning.[/] A drill was broken off; what it did is undone. Then run: multiregion drill abort", soft_wrap=True
        )
        for failure in asyncio.run(heal_left_behind(folder, SystemClock())):
            warnings.print(f"[yellow]Warning.[/] Not undone: {escape(failure)}", soft_wrap=True)
    return found
