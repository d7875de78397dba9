"""What whoever deploys has to be allowed: the calls that CloudFormation makes as them, each on what it is about.

The execution role of the StackSets makes the rest, and is not looked at here.
"""

from collections.abc import Iterator, Mapping

from multiregion.cloud.account import Account, AwsFailure, Identity, is_missing

Needed = Mapping[str, tuple[str, ...]]
PREFIX = "multiregion-00000000"
"""What names begin with; the digits are those of the stack's id, which does not exist yet."""
TO_MAKE: Needed = {
    "arn:{partition}:cloudformation:{region}:{account}:stack/{name}/*": ("cloudformation:CreateStack",),
    "*": (
        "cloudformation:CreateStackSet",
        "cloudfront:CreateDistribution",
        "cloudfront:CreateOriginAccessControl",
        "cloudfront:CreateResponseHeadersPolicy",
    ),
    "arn:{partition}:cloudformation:{region}:{account}:stackset/{prefix}-stores:*": ("cloudformation:CreateStackInstances",),
    "arn:{partition}:cloudwatch::{account}:dashboard/{prefix}": ("cloudwatch:PutDashboard",),
    "arn:{partition}:dynamodb:{region}:{account}:table/{prefix}-CommentsTable": (
        "dynamodb:CreateTable",
        "dynamodb:CreateTableReplica",
        "dynamodb:TagResource",
        "dynamodb:UpdateContinuousBackups",
    ),
    "arn:{partition}:events:{region}:{account}:rule/{prefix}-AfterUpdates": ("events:PutRule", "events:PutTargets", "events:TagResource"),
    "arn:{partition}:iam::{account}:role/{prefix}-Finalizer-{region}": (
        "iam:CreateRole",
        "iam:PassRole",
        "iam:PutRolePolicy",
        "iam:TagRole",
    ),
    "arn:{partition}:lambda:{region}:{account}:function:{prefix}-Finalizer": (
        "lambda:AddPermission",
        "lambda:CreateFunction",
        "lambda:TagResource",
    ),
    "arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/{prefix}-Finalizer": (
        "logs:CreateLogGroup",
        "logs:PutRetentionPolicy",
        "logs:TagResource",
    ),
    "arn:{partition}:s3:::{prefix}-cdn-logs": (
        "s3:CreateBucket",
        "s3:PutBucketOwnershipControls",
        "s3:PutBucketPolicy",
        "s3:PutBucketPublicAccessBlock",
        "s3:PutBucketTagging",
        "s3:PutEncryptionConfiguration",
        "s3:PutLifecycleConfiguration",
    ),
}
TO_TAKE_BACK: Needed = {
    "*": ("cloudfront:DeleteDistribution",),
    "arn:{partition}:dynamodb:{region}:{account}:table/{prefix}-CommentsTable": ("dynamodb:DeleteTable",),
    "arn:{partition}:iam::{account}:role/{prefix}-Finalizer-{region}": ("iam:DeleteRole", "iam:DeleteRolePolicy"),
    "arn:{partition}:lambda:{region}:{account}:function:{prefix}-Finalizer": ("lambda:DeleteFunction",),
    "arn:{partition}:s3:::{prefix}-cdn-logs": ("s3:DeleteBucket",),
}
"""Without these a deployment that fails stays half made."""
FOR_NATIVE_USERS: Needed = {
    "*": ("cognito-idp:CreateUserPool", "cognito-idp:CreateUserPoolReplica", "kms:CreateKey"),
    "arn:{partition}:cognito-idp:{region}:{account}:userpool/*": (
        "cognito-idp:AdminAddUserToGroup",
        "cognito-idp:AdminCreateUser",
        "cognito-idp:CreateGroup",
        "cognito-idp:CreateUserPoolClient",
    ),
}
REPLICATION_ROLE = "AWSServiceRoleForDynamoDBReplication"
FOR_THE_FIRST_GLOBAL_TABLE: Needed = {
    f"arn:{{partition}}:iam::{{account}}:role/aws-service-role/replication.dynamodb.amazonaws.com/{REPLICATION_ROLE}": (
        "iam:CreateServiceLinkedRole",
    )
}
"""DynamoDB makes a role of its own in an account that has had no global table yet."""


def needed(account: Account, *, native: bool) -> list[Needed]:
    """What it takes to make the stack, in this account as it is."""
    groups = [TO_MAKE, *([FOR_NATIVE_USERS] if native else [])]
    try:
        account.call("iam", "get_role", RoleName=REPLICATION_ROLE)
    except AwsFailure as error:
        if not is_missing(error):
            raise
        groups.append(FOR_THE_FIRST_GLOBAL_TABLE)
    return groups


def denied(account: Account, identity: Identity, name: str, groups: list[Needed]) -> Iterator[str]:
    """The actions that IAM's simulation does not allow."""
    known = {"partition": identity.partition, "account": identity.account, "region": account.region, "name": name, "prefix": PREFIX}
    source = role_arn(identity.arn)
    for group in groups:
        for resource, actions in group.items():
            arns = [resource.format(**known)]
            for each in account.pages(
                "iam",
                "simulate_principal_policy",
                "EvaluationResults",
                PolicySourceArn=source,
                ActionNames=list(actions),
                ResourceArns=arns,
            ):
                if each["EvalDecision"] != "allowed":
                    yield each["EvalActionName"]


def role_arn(arn: str) -> str:
    """The role behind a session: IAM simulates roles and users only."""
    parts = arn.split(":")
    if not parts[5].startswith("assumed-role/"):
        return arn
    return ":".join([parts[0], parts[1], "iam", "", parts[4], f"role/{parts[5].split('/')[1]}"])
