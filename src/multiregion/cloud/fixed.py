"""What a deployment keeps for as long as it lives: parameters that an update may not change, and resources that it may not replace."""

from collections.abc import Iterator, Mapping
from typing import Any

from multiregion.cloud.template import STACK_SET, Template

ANEW = (
    "Keep it, or make a second deployment under another name (multiregion aws deploy --name), which begins empty: nothing moves photographs"
    " and users from one to the other."
)
FIXED = {
    "AdminName": "Keep it, and add users: aws cognito-idp admin-create-user, then admin-add-user-to-group with the group operators.",
    "AdminEmail": "Keep it, and change the user's address in the page, or with aws cognito-idp admin-update-user-attributes; for alarms:"
    " aws sns subscribe.",
    "AdminPhone": "Keep it, and change the user's number in the page, or with aws cognito-idp admin-update-user-attributes.",
    "SecondaryRegion": ANEW,
    "WitnessRegion": "Keep it: a table in another region would have no history, and regions would ask the one before until they are up to"
    " date, so that two decide. " + ANEW,
    "UserReplication": "Keep it: with the other mode all users are in another pool. " + ANEW,
}
"""Parameters of the template, and what to do instead of changing them."""
STATEFUL: Mapping[str, frozenset[str]] = {
    "AWS::Cognito::UserPool": frozenset(),
    "AWS::Cognito::UserPoolUser": frozenset(
        {
            "ClientMetadata",
            "DesiredDeliveryMediums",
            "ForceAliasCreation",
            "MessageAction",
            "UserAttributes",
            "UserPoolId",
            "Username",
            "ValidationData",
        }
    ),
    "AWS::DynamoDB::GlobalTable": frozenset({"GlobalTableSourceArn", "KeySchema", "LocalSecondaryIndexes", "TableName"}),
    "AWS::DynamoDB::Table": frozenset({"ImportSourceSpecification", "KeySchema", "TableName"}),
    "AWS::KMS::Key": frozenset(),
    "AWS::KMS::ReplicaKey": frozenset({"PrimaryKeyArn"}),
    "AWS::S3::Bucket": frozenset({"BucketName", "BucketNamePrefix", "BucketNamespace"}),
}
"""Types of resources that hold somebody's data, with the properties of which a change makes a new one in their place."""
PLACE = frozenset({"StackSetName", "PermissionModel", "StackInstancesGroup"})
"""The same of a StackSet that has such resources in it: a change deletes its stacks."""


def changed(before: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """The parameters that may not change, and would."""
    return [name for name in FIXED if name in wanted and before.get(name, "") != wanted[name]]


def replaced(before: Template, after: Template, inside: str = "") -> Iterator[str]:
    """What holds data in one template, and would be removed or replaced by the other."""
    for name, old in before.resources.items():
        new = after.resources.get(name, {"Type": "nothing"})
        if name in before.inner:
            yield from replaced(before.inner[name], after.inner.get(name, EMPTY), f"{name}/")
        if (fixed := held(before, name)) is not None and (old["Type"] != new["Type"] or values(old, fixed) != values(new, fixed)):
            yield f"{inside}{name} ({old['Type']})"


EMPTY = Template('{"Resources": {}}')


def held(template: Template, name: str) -> frozenset[str] | None:
    """The properties that must stay as they are; None for a resource without data."""
    kind = template.resources[name]["Type"]
    if kind == STACK_SET:
        inner = template.inner.get(name, EMPTY)
        return PLACE if any(each["Type"] in STATEFUL for each in inner.resources.values()) else None
    return STATEFUL.get(kind)


def values(resource: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    properties = resource.get("Properties", {})
    return {name: properties[name] for name in names if name in properties}
