"""In the secondary: imports the users of the table into this region's pool, from the table's stream and, as a sweep, every five
minutes. Passwords are not carried: Cognito mails a temporary one, and the first sign-in here asks for a new one. Every step can be
repeated."""

import os
from contextlib import suppress
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.lambdas.items import plain

PATIENCE = Config(connect_timeout=2, read_timeout=5, retries={"mode": "adaptive", "max_attempts": 5})
MARK = "custom:profile"
"""The attribute of a user here that holds the digest of the profile as it was imported."""


class Importer:
    def __init__(self, environment: Any) -> None:
        region = environment["AWS_REGION"]
        self.users, self.pool = environment["USERS_TABLE"], environment["USER_POOL_ID"]
        self.dynamodb = boto3.client("dynamodb", region_name=region, config=PATIENCE)
        self.cognito = boto3.client("cognito-idp", region_name=region, config=PATIENCE)

    def sweep(self) -> Any:
        """Every user of the table that is not here as it should be. One that fails does not keep the others waiting."""
        here = self.marks()
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.users, ConsistentRead=True)
        users = [item for page in pages for item in map(plain, page["Items"])]
        due = [user for user in users if here.get(user["username"]) != user["digest"]]
        failed = [user["username"] for user in due if not self.tried(user)]
        if failed:
            raise RuntimeError(f"{len(failed)} users could not be imported; the next sweep tries again: {', '.join(failed[:10])}")
        return {"users": len(users)}

    def marks(self) -> Any:
        pages = self.cognito.get_paginator("list_users").paginate(UserPoolId=self.pool)
        users = [user for page in pages for user in page["Users"]]
        return {user["Username"]: {each["Name"]: each["Value"] for each in user["Attributes"]}.get(MARK) for user in users}

    def records(self, records: Any) -> Any:
        """Answers which records of a batch are to be tried again."""
        images = [(record["eventID"], record["dynamodb"].get("NewImage")) for record in records]
        failed = [{"itemIdentifier": id} for id, image in images if image and not self.tried(plain(image))]
        return {"batchItemFailures": failed}

    def tried(self, user: Any) -> bool:
        try:
            self.take(user)
        except (ClientError, BotoCoreError) as error:
            print(f"{user['username']} was not imported: {error}")
            return False
        return True

    def take(self, user: Any) -> None:
        where = {"UserPoolId": self.pool, "Username": user["username"]}
        if user["digest"] == "deleted":
            self.disable(where)
            return
        attributes = [{"Name": name, "Value": value} for name, value in sorted(user["attributes"].items())]
        try:
            self.cognito.admin_create_user(**where, UserAttributes=attributes, DesiredDeliveryMediums=["EMAIL"])
        except self.cognito.exceptions.UsernameExistsException:
            self.cognito.admin_update_user_attributes(**where, UserAttributes=attributes)
        self.regroup(where, set(user["groups"]))
        (self.cognito.admin_enable_user if user["enabled"] else self.cognito.admin_disable_user)(**where)
        mark = [{"Name": MARK, "Value": user["digest"]}]  # last, so that whatever was cut off is done again
        self.cognito.admin_update_user_attributes(**where, UserAttributes=mark)

    def regroup(self, where: Any, wanted: set[str]) -> None:
        pages = self.cognito.get_paginator("admin_list_groups_for_user").paginate(**where)
        present = {group["GroupName"] for page in pages for group in page["Groups"]}
        for name in sorted(wanted - present):
            self.join(where, name)
        for name in sorted(present - wanted):
            self.cognito.admin_remove_user_from_group(**where, GroupName=name)

    def join(self, where: Any, name: str) -> None:
        with suppress(self.cognito.exceptions.GroupExistsException):
            self.cognito.create_group(UserPoolId=self.pool, GroupName=name)
        self.cognito.admin_add_user_to_group(**where, GroupName=name)

    def disable(self, where: Any) -> None:
        """A user that the primary no longer has. The account stays, so that a mistake can be undone."""
        try:
            self.cognito.admin_disable_user(**where)
            mark = [{"Name": MARK, "Value": "deleted"}]
            self.cognito.admin_update_user_attributes(**where, UserAttributes=mark)
        except self.cognito.exceptions.UserNotFoundException:
            print(f"{where['Username']} was never imported, and is gone")


def handler(event: Any, context: Any) -> Any:
    importer = Importer(os.environ)
    return importer.records(event["Records"]) if "Records" in event else importer.sweep()
