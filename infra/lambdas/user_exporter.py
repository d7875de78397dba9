"""In the primary: writes the profiles of confirmed users to the users table, from where they reach the secondary.

At each sign-in for the user who signs in, and every five minutes for whatever an administrator has changed meanwhile.
"""

import hashlib
import json
import os
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.lambdas.fence import fence
from infra.lambdas.items import plain, typed
from infra.lambdas.users import NOTE, folded

PATIENCE = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "max_attempts": 4})
HASTE = Config(connect_timeout=0.5, read_timeout=1, retries={"total_max_attempts": 1})
"""Cognito waits five seconds for a trigger, and refuses the sign-in then; a sign-in takes three calls."""
NOT_CARRIED = {"sub", "identities"}


class Exporter:
    def __init__(self, environment: Any, patience: Config = PATIENCE) -> None:
        region = environment["AWS_REGION"]
        self.environment, self.region = environment, region
        self.users, self.states = environment["USERS_TABLE"], environment["STATE_TABLE"]
        self.dynamodb = boto3.client("dynamodb", region_name=region, config=patience)
        self.cognito = boto3.client("cognito-idp", region_name=region, config=patience)

    def signed_in(self, event: Any) -> None:
        """One user has signed in, who is confirmed by that. The sign-in counts even if the profile cannot be written now: the next
        export makes up for it."""
        pool, name = event["userPoolId"], event["userName"]
        try:
            pages = self.cognito.get_paginator("admin_list_groups_for_user").paginate(UserPoolId=pool, Username=name)
            groups = [group["GroupName"] for page in pages for group in page["Groups"]]
            self.write(profile(name, event["request"]["userAttributes"], groups, enabled=True))
        except (ClientError, BotoCoreError) as error:
            print(f"the profile of {name} waits for the next export: {error}")

    def export(self, pool: str) -> int:
        """Every confirmed user whose profile is not in the table as it is; users that are gone are disabled there."""
        stored, found = self.stored(), self.pool(pool)
        for name in stored.keys() - found.keys():
            found[name] = {**stored[name], "enabled": False, "digest": "deleted"}
        changed = [each for name, each in found.items() if stored.get(name, {}).get("digest") != each["digest"]]
        for each in changed:
            self.write(each)
        return len(changed)

    def stored(self) -> Any:
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.users, ConsistentRead=True)
        items = [item for page in pages for item in map(plain, page["Items"])]
        return {item["username"]: item for item in items if not item["username"].startswith(NOTE)}

    def pool(self, pool: str) -> Any:
        groups: dict[str, list[str]] = {}
        for page in self.cognito.get_paginator("list_groups").paginate(UserPoolId=pool):
            for group in page["Groups"]:
                for name in self.members(pool, group["GroupName"]):
                    groups.setdefault(name, []).append(group["GroupName"])
        pages = self.cognito.get_paginator("list_users").paginate(UserPoolId=pool)
        users = [user for page in pages for user in page["Users"] if user["UserStatus"] == "CONFIRMED"]
        return {
            folded(user["Username"]): profile(
                user["Username"],
                {each["Name"]: each["Value"] for each in user["Attributes"]},
                groups.get(user["Username"], []),
                enabled=user["Enabled"],
            )
            for user in users
        }

    def members(self, pool: str, group: str) -> Any:
        pages = self.cognito.get_paginator("list_users_in_group").paginate(UserPoolId=pool, GroupName=group)
        return [user["Username"] for page in pages for user in page["Users"]]

    def write(self, user: Any) -> None:
        """Fenced like every write. Refused, it is written by the first export after the primary is the writer again."""
        key = typed({"appId": self.environment["APP_ID"]})
        state = plain(self.dynamodb.get_item(TableName=self.states, Key=key, ConsistentRead=True).get("Item", {}))
        if state.get("state") != "active" or state.get("writer") != self.region:
            print(f"fenced: the profile of {user['username']} is not written now")
            return
        check = fence(self.states, self.environment["APP_ID"], self.region, state)
        item = typed({**user, "epoch": state["epoch"], "region": self.region})
        self.dynamodb.transact_write_items(TransactItems=[check, {"Put": {"TableName": self.users, "Item": item}}])


def profile(name: str, attributes: Any, groups: Any, *, enabled: bool) -> Any:
    """What is carried of a user. The digest tells whether it has changed."""
    carried = {key: value for key, value in attributes.items() if key not in NOT_CARRIED and not key.startswith(("cognito:", "custom:"))}
    user = {"username": folded(name), "name": name, "attributes": carried, "groups": sorted(groups), "enabled": enabled}
    return {**user, "digest": hashlib.sha256(json.dumps(user, sort_keys=True).encode()).hexdigest()}


def handler(event: Any, context: Any) -> Any:
    if event.get("triggerSource", "").startswith("PostAuthentication"):
        Exporter(os.environ, HASTE).signed_in(event)
        return event
    return {"changed": Exporter(os.environ).export(event["userPoolId"])}
