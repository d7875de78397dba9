"""Takes a deployment down, and says beforehand what of it stays: what its templates keep when the stack goes."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from multiregion.cloud.account import Account, AwsFailure, Identity, is_missing
from multiregion.cloud.progress import Snapshot
from multiregion.cloud.publish import Publication
from multiregion.cloud.stack import Place, Stack, deployments, instances, set_name
from multiregion.cloud.template import STACK_SET
from multiregion.errors import MultiregionError

RETAINING = frozenset({"Retain", "RetainExceptOnCreate"})
COUNTED_MAX = 1_000
BUCKET, TABLE, GLOBAL_TABLE, POOL = "AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable", "AWS::Cognito::UserPool"
ROLE, API_ACCOUNT, KEY = "AWS::IAM::Role", "AWS::ApiGateway::Account", "AWS::KMS::Key"
API = "AWS::ApiGateway::RestApi"
SKIPPED = "DELETE_SKIPPED"
KINDS = {
    BUCKET: "bucket",
    TABLE: "table",
    GLOBAL_TABLE: "table",
    POOL: "user pool",
    KEY: "key",
    API_ACCOUNT: "setting",
    ROLE: "role",
}
SHARED = ("setting", "role")
"""Of the account and not of the deployment: other APIs may use it, and it costs nothing."""
LOG_ROLE = "API Gateway's log role"
LOG_GROUP = "log group"
EXECUTION_LOGS = "API-Gateway-Execution-Logs_{api}/"
"""API Gateway makes these groups by itself, and no template removes them."""
EMPTIED = """python3 -c 'import boto3; b = boto3.resource("s3", "{region}").Bucket("{name}"); b.object_versions.delete(); b.delete()'"""
"""`aws s3 rb --force` leaves the old versions of what is in a bucket, and then cannot delete it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that outlives the stack. `amount` is None if it could not be seen; `parts` have to be removed before it."""

    kind: str
    name: str
    region: str
    amount: str | None
    parts: tuple[str, ...] = ()

    @property
    def is_shared(self) -> bool:
        return self.kind in SHARED

    def described(self) -> dict[str, str | None]:
        return {"kind": self.kind, "name": self.name, "region": self.region, "amount": self.amount, "remove": self.removal()}

    def removal(self) -> str:
        """How to remove it by hand, once nobody needs it."""
        if self.kind == "key":
            return f"aws kms schedule-key-deletion --key-id {self.name} --region {self.region}"
        if self.kind == "setting":
            return f"aws apigateway update-account --region {self.region} --patch-operations op=replace,path=/cloudwatchRoleArn,value="
        if self.kind == "role":
            before = [f"aws iam delete-role-policy --role-name {self.name} --policy-name {part}" for part in self.parts]
            return " && ".join([*before, f"aws iam delete-role --role-name {self.name}"])
        if self.kind == "bucket":
            return EMPTIED.format(name=self.name, region=self.region)
        if self.kind == "table":
            which = f"--table-name {self.name} --region {self.region}"
            return f"aws dynamodb delete-table {which} && aws dynamodb wait table-not-exists {which}"
        if self.kind == LOG_GROUP:
            return f"aws logs delete-log-group --log-group-name {self.name} --region {self.region}"
        if self.kind == "user pool":
            return f"aws cognito-idp delete-user-pool --user-pool-id {self.name} --region {self.region}"
        return f"in the console: {self.kind} {self.name} in {self.region}"


def kept(account: Account, stack: Stack) -> list[Kept]:
    """What stays when the stack is deleted, in both regions: first what holds data, then what all APIs of the account share."""
    return in_order(found_kept(account, stack))


def in_order(found: Iterable[Kept]) -> list[Kept]:
    return sorted(found, key=lambda each: SHARED.index(each.kind) + 1 if each.is_shared else 0)


def found_kept(account: Account, stack: Stack) -> Iterator[Kept]:
    for place in [Place(stack.region, stack.id), *inner_places(account, stack)]:
        policies = retaining(account, place)
        found = account.pages("cloudformation", "list_stack_resources", "StackResourceSummaries", place.region, StackName=place.name)
        for each in found:
            if each["LogicalResourceId"] in policies and each.get("PhysicalResourceId"):
                for region in regions_of(each["ResourceType"], place.region, stack):
                    yield weighed(account, each["ResourceType"], each["PhysicalResourceId"], region)
            if each["ResourceType"] == API and each.get("PhysicalResourceId"):
                yield from execution_logs(account, each["PhysicalResourceId"], place.region)


def execution_logs(account: Account, api: str, region: str) -> Iterator[Kept]:
    prefix = EXECUTION_LOGS.format(api=api)
    try:
        for each in account.pages("logs", "describe_log_groups", "logGroups", region, logGroupNamePrefix=prefix):
            yield Kept(LOG_GROUP, each["logGroupName"], region, f"{each.get('storedBytes', 0) / 1_000_000:,.1f} MB of failed requests")
    except MultiregionError:
        yield Kept(LOG_GROUP, f"{prefix}v1", region, None)


def left(account: Account, snapshot: Snapshot) -> list[Kept]:
    """What stays of a deployment that failed. Stacks of StackSets were whole when they were deleted, so they keep what holds data."""
    stays = dict.fromkeys((event.type, event.physical_id, event.region) for event in snapshot.events if event.status == SKIPPED)
    return in_order(weighed(account, *each) for each in stays)


def inner_places(account: Account, stack: Stack) -> Iterator[Place]:
    for each in account.pages("cloudformation", "list_stack_resources", "StackResourceSummaries", stack.region, StackName=stack.id):
        if each["ResourceType"] == STACK_SET and each.get("PhysicalResourceId"):
            try:
                yield from instances(account, set_name(each["PhysicalResourceId"]), stack.region)
            except AwsFailure as error:
                if not is_missing(error):
                    raise


def retaining(account: Account, place: Place) -> set[str]:
    """The logical ids of what a stack's template keeps."""
    body: Any = account.call("cloudformation", "get_template", place.region, StackName=place.name)["TemplateBody"]
    template = json.loads(body) if isinstance(body, str) else body
    return {name for name, each in template["Resources"].items() if each.get("DeletionPolicy") in RETAINING}


def regions_of(kind: str, region: str, stack: Stack) -> tuple[str, ...]:
    """Of a global table the copy first: until a day after it was made, the table that it was made from cannot be deleted before it."""
    return stack.regions[1::-1] if kind == GLOBAL_TABLE else (region,)


def weighed(account: Account, kind: str, name: str, region: str) -> Kept:
    try:
        amount = amount_in(account, kind, name, region)
        parts = tuple(account.pages("iam", "list_role_policies", "PolicyNames", RoleName=name)) if kind == ROLE else ()
    except MultiregionError:
        amount, parts = None, ()
    return Kept(KINDS.get(kind, kind), LOG_ROLE if kind == API_ACCOUNT else name, region, amount, parts)


def amount_in(account: Account, kind: str, name: str, region: str) -> str | None:
    if kind == BUCKET:
        found = account.call("s3", "list_objects_v2", region, Bucket=name, MaxKeys=COUNTED_MAX)
        more = " or more" if found.get("IsTruncated") else ""
        size = sum(each["Size"] for each in found.get("Contents", ()))
        return f"{counted(found.get('KeyCount', 0), 'object')}{more}, {size / 1_000_000:,.1f} MB{more}"
    if kind in (TABLE, GLOBAL_TABLE):
        table = account.call("dynamodb", "describe_table", region, TableName=name)["Table"]
        return f"about {counted(table.get('ItemCount', 0), 'item')}"
    if kind == POOL:
        pool = account.call("cognito-idp", "describe_user_pool", region, UserPoolId=name)["UserPool"]
        return f"about {counted(pool.get('EstimatedNumberOfUsers', 0), 'user')}"
    return MEANING.get(kind)


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


MEANING = {
    API_ACCOUNT: "names the role below, for all APIs of the account in this region",
    ROLE: "what all APIs of the account in this region write logs as",
    KEY: "without it nobody can be let in by the user pool",
}


def begin(account: Account, stack: Stack) -> None:
    """Start the deletion, unless it goes on already."""
    if stack.status != "DELETE_IN_PROGRESS":
        account.call("cloudformation", "delete_stack", StackName=stack.id)


def remove_publication(account: Account, identity: Identity) -> int | None:
    """Remove what `deploy` published, unless another deployment of the account may need it: then None."""
    if any(True for _ in deployments(account)):
        return None
    return Publication(account, identity).remove()
