"""Options that all commands of `aws` share, and the same options again in words, for commands that are recommended."""

import shlex
from typing import Annotated

import typer

NAME_DEFAULT = "multiregion"

NameOption = Annotated[str, typer.Option("--name", help="The deployment's name: that of its CloudFormation stack.")]
RegionOption = Annotated[str | None, typer.Option("--region", help="The primary region. Default: the profile's.", metavar="REGION")]
EitherRegionOption = Annotated[
    str | None, typer.Option("--region", help="The primary region, or the secondary when that is lost.", metavar="REGION")
]
ProfileOption = Annotated[str | None, typer.Option("--profile", help="The AWS profile whose credentials are used.", metavar="PROFILE")]


def chosen_again(name: str, region: str | None, profile: str | None) -> str:
    """What has to be said again after a recommended command, with a space before it; nothing if all is as by default."""
    wanted = {"--name": name if name != NAME_DEFAULT else None, "--region": region, "--profile": profile}
    return "".join(f" {option} {shlex.quote(value)}" for option, value in wanted.items() if value)
