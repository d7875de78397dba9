"""The deployment as its second region knows it: CloudFormation in the first is lost with that region, just when it is needed."""

from collections.abc import Iterator
from dataclasses import replace

from multiregion.cloud.account import GLANCE, Account
from multiregion.cloud.stack import Stack, deployed, described
from multiregion.errors import NotFound, Unreachable

LAYER = "routing"
NAME, PRIMARY = "DeploymentName", "PrimaryRegion"


def known(account: Account, name: str) -> Stack:
    """The deployment of that name, if the account's region is its primary or its secondary.

    Raises NotFound, BadDeployment as `deployed` does, and Unreachable with what to do if the region is lost.
    """
    try:
        return deployed(account, name, patience=GLANCE)
    except Unreachable as error:
        raise Unreachable(
            f"CloudFormation in {account.region} does not answer, which is where the stack {name} is looked for."
            f" If that region is lost, name the deployment's other one with --region ({error.detail})"
        ) from error
    except NotFound:
        found = next((stack for stack in seen_from(account) if stack.name == name), None)
        if found is None:
            raise
        return found


def seen_from(account: Account) -> Iterator[Stack]:
    """All deployments whose secondary is the account's region, from what was put there: as their own stacks would tell, but for less."""
    for each in account.pages("cloudformation", "describe_stacks", "Stacks"):
        stack = described(each)
        if stack.name.startswith("StackSet-") and f"-{LAYER}-" in stack.name and NAME in stack.outputs:
            primary, address = stack.parameters[PRIMARY], stack.outputs["RoutingUrl"]
            if primary != account.region:
                outputs = {**stack.outputs, "SecondaryRoutingUrl": address}
                yield replace(stack, name=stack.outputs[NAME], region=primary, status=f"seen from {account.region} alone", outputs=outputs)
