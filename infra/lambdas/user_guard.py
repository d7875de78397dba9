"""In the secondary: keeps users out that were not created in the primary. Whoever is not in the users table is neither created here,
by whatever console, nor signed in."""

import os
from typing import Any

import boto3
from botocore.config import Config

from infra.lambdas.users import folded

PATIENCE = Config(connect_timeout=1, read_timeout=1, retries={"mode": "standard", "max_attempts": 2})
"""Cognito waits five seconds for a trigger."""


def handler(event: Any, context: Any) -> Any:
    dynamodb = boto3.client("dynamodb", region_name=os.environ["AWS_REGION"], config=PATIENCE)
    key = {"username": {"S": folded(event["userName"])}}
    if "Item" not in dynamodb.get_item(TableName=os.environ["USERS_TABLE"], Key=key, ConsistentRead=True):
        raise ValueError("Users are created in the primary region only; this one will be here soon after signing in there")
    return event
