"""Options that commands share, and the deployment that they name."""

from pathlib import Path
from typing import Annotated

import typer

from multiregion.config import data_of, default_data
from multiregion.local.deployment import DataFolder, LocalDeployment

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data", help="The deployment's folder.", metavar="DIR", envvar="MULTIREGION_DATA", show_default=".multiregion", parser=data_of
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer with JSON, for scripts.")]


def open_deployment(data: Path | None) -> LocalDeployment:
    """Raises BadDeployment, saying what to do, if there is none."""
    return DataFolder(data or default_data()).read()
