"""The deployment's stack and the ones its StackSets made in each region, as CloudFormation describes them now."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from multiregion.cloud.account import USUAL, Account, AwsFailure, Patience, is_missing
from multiregion.cloud.template import CALLER_MUST_GIVE, Template
from multiregion.errors import BadDeployment, NotFound

GOOD = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
UPDATABLE = GOOD | {"UPDATE_ROLLBACK_COMPLETE"}
NEVER_WHOLE = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})
"""Left by a creation that failed, or a deletion: such a stack can only be deleted."""


class NotWhole(BadDeployment):
    """The stack is there, and what is asked of it is not."""

    code, title = "not_whole", "Not deployed as a whole"


@dataclass(frozen=True, slots=True)
class Stack:
    id: str
    name: str
    region: str
    status: str
    reason: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]

    @property
    def runs(self) -> bool:
        """Whether an operation is going on."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @property
    def is_ours(self) -> bool:
        """Whether it was made from the guide's template: its parameters are like no other's."""
        return set(CALLER_MUST_GIVE) <= set(self.parameters)

    @property
    def token(self) -> str:
        """What the names of everything that belongs to it contain: the beginning of the stack's own unique id."""
        return self.id.rpartition("/")[2].partition("-")[0]

    @property
    def regions(self) -> tuple[str, ...]:
        """The primary's, the secondary's, and the witness's if there is one."""
        named = (self.region, self.parameters.get("SecondaryRegion", ""), self.parameters.get("WitnessRegion", ""))
        return tuple(dict.fromkeys(filter(None, named)))

    def output(self, name: str) -> str:
        """Raises BadDeployment if the stack does not say it."""
        if name not in self.outputs:
            raise NotWhole(f"the stack {self.name} ({self.status}) has no output {name}: multiregion aws deploy brings it up to date")
        return self.outputs[name]


def find_stack(account: Account, name: str, region: str | None = None, *, patience: Patience = USUAL) -> Stack | None:
    """The stack of that name or id, or None. One that was deleted is found by its id only."""
    try:
        (found,) = account.call("cloudformation", "describe_stacks", region, patience=patience, StackName=name)["Stacks"]
    except AwsFailure as error:
        if is_missing(error):
            return None
        raise
    return described(found)


def deployed(account: Account, name: str, *, patience: Patience = USUAL) -> Stack:
    """The deployment of that name. Raises NotFound, saying where it was looked for, or BadDeployment if it is another thing."""
    stack = find_stack(account, name, patience=patience)
    if stack is None:
        raise NotFound(
            f"there is no stack {name} in {account.region}; another name is given with --name, another region with --region,"
            " and a new deployment is made with: multiregion aws deploy"
        )
    return ours(account, stack)


def ours(account: Account, stack: Stack) -> Stack:
    """The same stack. Raises BadDeployment if it is another thing."""
    if not stack.is_ours:
        raise BadDeployment(f"the stack {stack.name} in {account.region} is not a deployment of this application")
    return stack


def deployed_template(account: Account, stack: Stack) -> Template:
    """The stack's template as it was given to CloudFormation."""
    body = account.call("cloudformation", "get_template", StackName=stack.id, TemplateStage="Original")["TemplateBody"]
    return Template(body if isinstance(body, str) else msgspec.json.encode(body).decode())


def deployments(account: Account) -> Iterator[Stack]:
    """All deployments of this application in the account's region."""
    for found in account.pages("cloudformation", "describe_stacks", "Stacks"):
        stack = described(found)
        if stack.is_ours:
            yield stack


def described(found: Mapping[str, Any]) -> Stack:
    return Stack(
        id=found["StackId"],
        name=found["StackName"],
        region=found["StackId"].split(":")[3],
        status=found["StackStatus"],
        reason=found.get("StackStatusReason", ""),
        parameters={each["ParameterKey"]: each.get("ParameterValue", "") for each in found.get("Parameters", ())},
        outputs={each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", ())},
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stack is: `name` is its id, which is good after it was deleted, too."""

    region: str
    name: str


def regional_stacks(account: Account, stack: Stack, regions: tuple[str, ...], since: datetime) -> Iterator[Place]:
    """The stacks that its StackSets made in these regions, those included that a roll-back has deleted since."""
    for region in regions:
        for found in account.pages("cloudformation", "list_stacks", "StackSummaries", region):
            changed = found.get("DeletionTime") or found.get("LastUpdatedTime") or found["CreationTime"]
            is_inner = found["StackName"].startswith("StackSet-") and stack.token in found["StackName"]
            if is_inner and not (found["StackStatus"] == "DELETE_COMPLETE" and changed < since):
                yield Place(region, found["StackId"])


def instances(account: Account, stack_set: str, region: str) -> Iterator[Place]:
    for found in account.pages("cloudformation", "list_stack_instances", "Summaries", region, StackSetName=stack_set):
        if found.get("StackId"):
            yield Place(found["Region"], found["StackId"])


def set_name(physical_id: str) -> str:
    """A StackSet's name: its physical id is `name:uuid`."""
    return physical_id.partition(":")[0]
