"""What stays after `aws destroy`, and how it is removed by hand."""

import pytest

from multiregion.cloud.removal import Kept


@pytest.mark.parametrize(
    ("kept", "command"),
    [
        (
            Kept("bucket", "photos", "us-east-1", None),
            """python3 -c 'import boto3; b = boto3.resource("s3", "us-east-1").Bucket("photos"); b.object_versions.delete(); b.delete()'""",
        ),
        (
            Kept("table", "Users", "us-east-1", None),
            "aws dynamodb delete-table --table-name Users --region us-east-1"
            " && aws dynamodb wait table-not-exists --table-name Users --region us-east-1",
        ),
        (Kept("log group", "x/v1", "us-east-1", None), "aws logs delete-log-group --log-group-name x/v1 --region us-east-1"),
        (Kept("user pool", "p_1", "us-east-1", None), "aws cognito-idp delete-user-pool --user-pool-id p_1 --region us-east-1"),
        (Kept("key", "mrk-1", "us-east-1", None), "aws kms schedule-key-deletion --key-id mrk-1 --region us-east-1"),
        (
            Kept("setting", "API Gateway's log role", "us-east-1", None),
            "aws apigateway update-account --region us-east-1 --patch-operations op=replace,path=/cloudwatchRoleArn,value=",
        ),
        (
            Kept("role", "logs", "us-east-1", None, ("one", "two")),
            "aws iam delete-role-policy --role-name logs --policy-name one && aws iam delete-role-policy --role-name logs --policy-name two"
            " && aws iam delete-role --role-name logs",
        ),
        (Kept("AWS::SNS::Topic", "t", "us-east-1", None), "in the console: AWS::SNS::Topic t in us-east-1"),
    ],
    ids=lambda each: each.kind if isinstance(each, Kept) else "",
)
def test_each_kind_is_removed_by_its_own_command(kept: Kept, command: str) -> None:
    assert kept.removal() == command


def test_what_the_account_shares_is_told_apart() -> None:
    shared = [kind for kind in ("bucket", "table", "user pool", "key", "setting", "role") if Kept(kind, "x", "y", None).is_shared]
    assert shared == ["setting", "role"]
