"""`repair`: copy a region anew from the other one."""

from typing import Annotated

import typer

from multiregion.cli.deployment import Authority, DataOption, JsonOption
from multiregion.cli.state import finish


def repair(
    region: Annotated[str, typer.Argument(help="The region to copy anew: its name, primary or secondary.", metavar="REGION")],
    accept_loss: Annotated[bool, typer.Option("--accept-loss", help="Give up writes that only this region has.")] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Set a region's damaged database aside and copy everything anew from the other region.

    The old database is kept beside the new one, until somebody removes it. Refused, with nothing changed, while the other region does not
    answer or is not whole itself, and if the damaged one may have writes that the other does not have. Interrupted, run it again.

    Examples: [bold]multiregion repair ap-northeast-1[/] · [bold]multiregion repair primary --accept-loss[/]
    """
    order = {"region": region, "acceptLoss": accept_loss}
    finish(Authority.of(data).order("/operator/repair", **order), json)
