"""Takes a deployment down, and says beforehand what of it stays: what its templates keep when the stack goes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from multiregion.aws.account import Account, AwsFailure, Identity, is_missing
from multiregion.aws.publish import Publication
from multiregion.aws.stack import Place, Stack, deployments, instances, set_name
from multiregion.aws.template import STACK_SET
from multiregion.errors import MultiregionError

RETAINING = frozenset({"Retain", "RetainExceptOnCreate"})
COUNTED_MAX = 1_000
BUCKET, TABLE, GLOBAL_TABLE, POOL = "AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable", "AWS::Cognito::UserPool"
ROLE, API_ACCOUNT, KEY = "AWS::IAM::Role", "AWS::ApiGateway::Account", "AWS::KMS::Key"
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
            return f"aws s3 rb --force s3://{self.name} --region {self.region}"
        if self.kind == "table":
            return f"aws dynamodb delete-table --table-name {self.name} --region {self.region}"
        if self.kind == "user pool":
            return f"aws cognito-idp delete-user-pool --user-pool-id {self.name} --region {self.region}"
        return f"in the console: {self.kind} {self.name} in {self.region}"


def kept(account: Account, stack: Stack) -> list[Kept]:
    """What stays when the stack is deleted, in both regions: first what holds data, then what all APIs of the account share."""
    return sorted(found_kept(account, stack), key=lambda each: SHARED.index(each.kind) + 1 if each.is_shared else 0)


def found_kept(account: Account, stack: Stack) -> Iterator[Kept]:
    for place in [Place(stack.region, stack.id), *inner_places(account, stack)]:
        policies = retaining(account, place)
        found = account.pages("cloudformation", "list_stack_resources", "StackResourceSummaries", place.region, StackName=place.name)
        for each in found:
            if each["LogicalResourceId"] in policies and each.get("PhysicalResourceId"):
                for region in regions_of(each["ResourceType"], place.region, stack):
                    yield weighed(account, each["ResourceType"], each["PhysicalResourceId"], region)


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
    return stack.regions[:2] if kind == GLOBAL_TABLE else (region,)


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
