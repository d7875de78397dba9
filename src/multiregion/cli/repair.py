"""`repair`: copy a region anew from the other one."""

from typing import Annotated

import typer

from multiregion.cli.deployment import Authority
from multiregion.cli.state import finish
from multiregion.commands.options import DataOption, JsonOption
from multiregion.errors import InvalidInput


def repair(
    region: Annotated[str, typer.Argument(help="The region to copy anew: its name, primary or secondary.", metavar="REGION")],
    accept_loss: Annotated[bool, typer.Option("--accept-loss", help="Give up writes that only this region has.")] = False,
    put_back: Annotated[bool, typer.Option("--put-back", help="Put back what was set aside, if it goes on from what is there.")] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Set a region's damaged database aside and copy everything anew from the other region.

    The old database is kept beside the new one, until somebody removes it. Refused, with nothing changed, while the other region does not
    answer or is not whole itself, if the damaged one may have writes that the other does not have, and while the other one is repaired.
    Interrupted, run it again.

    With [bold]--put-back[/] the newest database that was set aside takes its place again, if it is sound and has all that the present one
    has. The region then starts as with any other: it leads, follows, or copies what it lacks.

    Examples: [bold]multiregion repair ap-northeast-1[/] · [bold]multiregion repair primary --accept-loss[/]
    """
    if put_back and accept_loss:
        raise InvalidInput("--put-back gives nothing up, so it does not go with --accept-loss", field="put-back")
    order = {"region": region, "putBack": True} if put_back else {"region": region, "acceptLoss": accept_loss}
    finish(Authority.of(data).order("/operator/repair", **order), json)
