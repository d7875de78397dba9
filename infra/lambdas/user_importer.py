"""In the secondary: imports the users of the table into this region's pool, from the table's stream and, as a sweep, every five
minutes. Passwords are not carried, and nobody is sent anything: a user gets a password that nobody knows, and has "forgotten" it when
the day comes to sign in here. Every step can be repeated."""

import json
import os
import secrets
import time
from contextlib import suppress
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.lambdas.items import plain, typed
from infra.lambdas.users import NOTE, folded

PATIENCE = Config(connect_timeout=2, read_timeout=5, retries={"mode": "adaptive", "max_attempts": 5})
MARK = "custom:imported"
"""The attribute of a user here that holds the digest of the profile as it was imported. Its name is none of Cognito's own: an attribute
of a standard name is the standard one, and not `custom:`."""
UNFINISHED = "FORCE_CHANGE_PASSWORD"
"""The status of a user whose password runs out, and cannot be forgotten."""
HOPELESS = ("InvalidParameterException", "InvalidPasswordException", "UnsupportedUserStateException")
"""What Cognito answers to a profile that it will not take the next time either."""
METRICS, REFUSED = "multiregion", "UsersNotImported"


class Importer:
    def __init__(self, environment: Any) -> None:
        region = environment["AWS_REGION"]
        self.users, self.pool, self.prefix = environment["USERS_TABLE"], environment["USER_POOL_ID"], environment["PREFIX"]
        self.dynamodb = boto3.client("dynamodb", region_name=region, config=PATIENCE)
        self.cognito = boto3.client("cognito-idp", region_name=region, config=PATIENCE)

    def sweep(self) -> Any:
        """Every user of the table that is not here as it should be. One that fails does not keep the others waiting; one that was refused
        waits until the profile is another. How many those are, and how many cannot reset a password, is measured."""
        here = self.marks()
        users, refused = self.stored()
        due = [user for name, user in users.items() if user["digest"] not in (here.get(name), refused.get(name))]
        due = [user for user in due if user["digest"] != "deleted" or user["username"] in here]
        failed = [user["name"] for user in due if not self.tried(user, refused)]
        left_out = sorted(name for name, user in users.items() if refused.get(name) == user["digest"] != here.get(name))
        unreachable = sorted(name for name, user in users.items() if user["enabled"] and not can_reset(user))
        print(f"not taken by the pool: {', '.join(left_out[:10])}; without a verified e-mail address: {', '.join(unreachable[:10])}")
        self.measure(len(left_out))
        if failed:
            raise RuntimeError(f"{len(failed)} users could not be imported; the next sweep tries again: {', '.join(failed[:10])}")
        return {"users": len(users), "refused": len(left_out), "unreachable": len(unreachable)}

    def measure(self, refused: int) -> None:
        """CloudWatch makes a metric of a line of the log in this format."""
        told = {"Namespace": METRICS, "Dimensions": [["Deployment"]], "Metrics": [{"Name": REFUSED, "Unit": "Count"}]}
        line = {"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [told]}, "Deployment": self.prefix, REFUSED: refused}
        print(json.dumps(line))

    def stored(self) -> Any:
        """The users of the table, and the digest of each that was refused, by their keys."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.users, ConsistentRead=True)
        items = {item["username"]: item for page in pages for item in map(plain, page["Items"])}
        notes = {key.removeprefix(NOTE): item["digest"] for key, item in items.items() if key.startswith(NOTE)}
        return {key: item for key, item in items.items() if not key.startswith(NOTE)}, notes

    def marks(self) -> Any:
        """The digest of each user as it was imported. None for one that is not finished."""
        pages = self.cognito.get_paginator("list_users").paginate(UserPoolId=self.pool)
        users = {folded(user["Username"]): user for page in pages for user in page["Users"]}
        return {name: None if user["UserStatus"] == UNFINISHED else mark_of(user) for name, user in users.items()}

    def records(self, records: Any) -> Any:
        """Answers which records of a batch are to be tried again."""
        images = [(record["dynamodb"]["SequenceNumber"], record["dynamodb"].get("NewImage")) for record in records]
        users = [(id, plain(image)) for id, image in images if image]
        failed = [id for id, user in users if not user["username"].startswith(NOTE) and not self.tried(user, {})]
        return {"batchItemFailures": [{"itemIdentifier": id} for id in failed]}

    def tried(self, user: Any, refused: Any) -> bool:
        """Whether there is nothing more to be tried: imported, or refused for good, which is noted here and in the table."""
        try:
            self.take(user)
        except (ClientError, BotoCoreError) as error:
            print(f"{user['name']} was not imported: {error}")
            if not isinstance(error, ClientError) or error.response["Error"]["Code"] not in HOPELESS:
                return False
            refused[user["username"]] = user["digest"]
            return self.noted(user, str(error))
        return True

    def noted(self, user: Any, reason: str) -> bool:
        note = {"username": f"{NOTE}{user['username']}", "digest": user["digest"], "reason": reason}
        try:
            self.dynamodb.put_item(TableName=self.users, Item=typed({**note, "epoch": user["epoch"], "region": user["region"]}))
        except (ClientError, BotoCoreError) as error:
            print(f"that {user['name']} was refused could not be noted: {error}")
            return False
        return True

    def take(self, user: Any) -> None:
        where = {"UserPoolId": self.pool, "Username": user["name"]}
        if user["digest"] == "deleted":
            self.disable(where)
            return
        if self.present(where, user["attributes"]) == UNFINISHED:
            self.cognito.admin_set_user_password(**where, Password=f"{secrets.token_urlsafe(48)}aA1-", Permanent=True)
        self.regroup(where, set(user["groups"]))
        (self.cognito.admin_enable_user if user["enabled"] else self.cognito.admin_disable_user)(**where)
        mark = [{"Name": MARK, "Value": user["digest"]}]  # last, so that whatever was cut off is done again
        self.cognito.admin_update_user_attributes(**where, UserAttributes=mark)

    def present(self, where: Any, carried: Any) -> Any:
        """The status of the user, who is made if missing, and has these attributes afterwards."""
        attributes = [{"Name": name, "Value": value} for name, value in sorted(carried.items())]
        try:
            made = self.cognito.admin_create_user(**where, UserAttributes=attributes, MessageAction="SUPPRESS")
        except self.cognito.exceptions.UsernameExistsException:
            self.cognito.admin_update_user_attributes(**where, UserAttributes=attributes)
            return self.cognito.admin_get_user(**where)["UserStatus"]
        return made["User"]["UserStatus"]

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


def mark_of(user: Any) -> Any:
    return {each["Name"]: each["Value"] for each in user["Attributes"]}.get(MARK)


def can_reset(user: Any) -> bool:
    """Cognito sends the code to a verified address only."""
    return bool(user["attributes"].get("email")) and user["attributes"].get("email_verified") == "true"


def handler(event: Any, context: Any) -> Any:
    importer = Importer(os.environ)
    return importer.records(event["Records"]) if "Records" in event else importer.sweep()
