"""AppStateUpdaterLambda: changes the state of the application, or says why not.

Decides by compare-and-set in the authority's table, one item an epoch, which is the history, too; then tells both regions' copies,
which refuse a lower epoch, and waits until both show it. Keeps nothing in memory: run again, it goes on from what it reads. With
`TellAgain` nothing is changed: both regions are told what is decided, their buckets' policies included.
"""

import json
import os
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.lambdas.items import plain, typed
from infra.lambdas.shared import FIRST, MOVES, STATES, WRITERS

TEXTS = ("AppId", "TableName", "NewState", "Actor", "Reason")
FLAGS = ("Writable", "RegionLost", "AcceptLoss", "TellAgain")
TEXT_MAX, CONFIRM_SECONDS, DRAIN_SECONDS, PAUSE_SECONDS = 500, 20.0, 120.0, 1.0
PATIENCE = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "max_attempts": 3})
CARRIED = "taken over from the regions"
COPY_CONDITION = "attribute_not_exists(epoch) OR epoch < :epoch OR (epoch = :epoch AND decided = :decided)"


class InvalidInput(Exception):
    """A field of the event is wrong."""


class StaleEpoch(Exception):
    """Somebody else changed the state first."""


class IllegalMove(Exception):
    """The change would name a new writer without proof that nothing is lost."""


class NotDrained(Exception):
    """The other region has not caught up; the application stays as it is."""


class Unavailable(Exception):
    """The authority did not answer; nothing was changed, or it is not known whether it was."""


class Ahead(Exception):
    """A region's copy is of a later decision than the one that it was told."""

    def __init__(self, copy: Any) -> None:
        self.copy = copy


@cache
def client(service: str, region: str) -> Any:
    return boto3.client(service, region_name=region, config=PATIENCE)


def checked(event: Any, environment: Any) -> Any:
    """The event with every field. Raises InvalidInput, naming the field."""
    unknown = sorted(set(event) - {*TEXTS, *FLAGS, "ExpectedEpoch"})
    if unknown:
        raise InvalidInput(f"unknown field {unknown[0]}; known are {', '.join((*TEXTS, *FLAGS, 'ExpectedEpoch'))}")
    for name in TEXTS:
        value = event.get(name, "")
        if not isinstance(value, str) or len(value) > TEXT_MAX:
            raise InvalidInput(f"{name} must be a string of at most {TEXT_MAX} characters")
    for name in FLAGS:
        if not isinstance(event.get(name, False), bool):
            raise InvalidInput(f"{name} must be true or false")
    epoch = event.get("ExpectedEpoch")
    if epoch is not None and (type(epoch) is not int or epoch < 1):
        raise InvalidInput("ExpectedEpoch must be a whole number of at least 1")
    if event.get("TellAgain"):
        if "NewState" in event:
            raise InvalidInput("NewState and TellAgain exclude each other: either a state is changed, or the one that is decided is told")
    elif event.get("NewState") not in STATES:
        raise InvalidInput(f"NewState must be one of {', '.join(STATES)} (case-sensitive), not {event.get('NewState')!r}")
    for name, variable in (("AppId", "APP_ID"), ("TableName", "STATE_TABLE")):
        if event.get(name) != environment[variable]:
            raise InvalidInput(f"{name} must be {environment[variable]}, as in the stack's outputs, not {event.get(name)!r}")
    return {"Actor": "", "Reason": "", "ExpectedEpoch": None, **dict.fromkeys(FLAGS[1:], False), **event}


def writer_of(state: str, writable: bool) -> str | None:
    return WRITERS[state, writable]


def move(current: Any, to: str, *, writable: bool, drained: bool = False, lost: bool = False) -> Any:
    """The state after `to`, one epoch later. Raises IllegalMove if it would name a writer other than the region that wrote last
    without that region's log being drained, or the operator's word that it is lost."""
    after = MOVES.get((current["leader"], to, writable, drained or lost))
    if after is None:
        raise IllegalMove(
            f"{to} would make the {writer_of(to, writable)} region the writer, but the {current['leader']} region wrote last and is not"
            " fenced: set the state fenced first, then this one; or, if that region is lost, give RegionLost and AcceptLoss"
        )
    return {"state": to, "epoch": current["epoch"] + 1, "leader": after[0], "writable": after[1]}


class Authority:
    """The table that decides. One item an epoch; the newest is the state."""

    def __init__(self, environment: Any) -> None:
        self.app_id, self.table = environment["APP_ID"], environment["AUTHORITY_TABLE"]
        self.dynamodb = client("dynamodb", environment["AUTHORITY_REGION"])

    def newest(self) -> Any:
        try:
            found = self.dynamodb.query(
                TableName=self.table,
                KeyConditionExpression="appId = :a",
                ExpressionAttributeValues=typed({":a": self.app_id}),
                ConsistentRead=True,
                ScanIndexForward=False,
                Limit=1,
            )["Items"]
        except (ClientError, BotoCoreError) as error:
            raise Unavailable(f"the authority does not answer, so nothing was changed: {error}") from error
        return plain(found[0]) if found else None

    def decide(self, state: Any, actor: str, reason: str) -> Any:
        """Compare-and-set: there is one item an epoch, and the first to put it has decided."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        decision = {**state, "appId": self.app_id, "actor": actor, "reason": reason, "at": at}
        try:
            self.dynamodb.put_item(TableName=self.table, Item=typed(decision), ConditionExpression="attribute_not_exists(epoch)")
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            newest = self.newest()
            if {**newest, "at": at} == decision:  # an answer was lost, and the request repeated
                return newest
            raise stale(newest) from None
        except (ClientError, BotoCoreError) as error:
            raise Unavailable(f"whether the authority took the decision is not known; run it again: {error}") from error
        return decision


def begin(authority: Any, copies: Any, lost: bool) -> Any:
    """The first decision of a table that has none: in a new deployment the first state, else one above all that the regions know."""
    known, silent = [], []
    for copy in copies:
        try:
            known.append(copy.read())
        except (ClientError, BotoCoreError):
            silent.append(copy.region)
    newest = latest(known)
    if silent and not (lost and newest):
        raise Unavailable(
            f"the authority's table is empty, and {' and '.join(silent)} does not answer, so what was decided last is not known;"
            " nothing was changed"
        )
    return authority.decide(carried(newest), "multiregion", CARRIED) if newest else authority.decide(FIRST, "multiregion", "deployed")


def latest(known: Any) -> Any:
    return max(filter(None, known), key=lambda item: item["epoch"], default=None)


def carried(item: Any) -> Any:
    return {**{name: item[name] for name in ("state", "leader", "writable")}, "epoch": item["epoch"] + 1}


def overtaken(authority: Any, current: Any, copy: Any) -> StaleEpoch:
    """Somebody decided later; or the authority's table is older than the regions, and is brought above them."""
    newest = authority.newest()
    if newest["epoch"] > current["epoch"]:
        return stale(newest)
    newest = authority.decide(carried(copy), "multiregion", CARRIED)
    return StaleEpoch(
        f"the authority's table was behind the regions, which were at epoch {copy['epoch']}. It has taken over their state"
        f" {newest['state']} (epoch {newest['epoch']}) instead of this change: run it again"
    )


def stale(newest: Any) -> StaleEpoch:
    return StaleEpoch(f"{newest['actor'] or 'somebody'} changed the state to {newest['state']} (epoch {newest['epoch']}) first")


class Copy:
    """One region's copy of the state, and its bucket's policy."""

    def __init__(self, role: str, environment: Any) -> None:
        self.role, self.region = role, environment[role.upper()]
        self.environment = environment
        self.bucket = f"{environment['PREFIX']}-photos-{self.region}"
        self.dynamodb, self.s3 = client("dynamodb", self.region), client("s3", self.region)

    def tell(self, decision: Any, item: Any) -> bool:
        """Whether this region shows this decision now. Never writes a lower epoch over a higher one: raises Ahead."""
        writes = writer_of(decision["state"], decision["writable"]) == self.role
        try:
            self.admit(item)
            if writes:
                self.fence_uploads(False)
            self.put(item)
            if not writes:
                self.fence_uploads(True)
            return bool(version(self.read()) == version(item))
        except (ClientError, BotoCoreError) as error:
            print(f"{self.region} has not confirmed epoch {item['epoch']}: {error}")
            return False

    def put(self, item: Any) -> None:
        values = typed({":epoch": item["epoch"], ":decided": item["decided"]})
        try:
            self.dynamodb.put_item(
                TableName=self.environment["STATE_TABLE"],
                Item=typed(item),
                ConditionExpression=COPY_CONDITION,
                ExpressionAttributeValues=values,
            )
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            print(f"{self.region} knows a later epoch than {item['epoch']}")

    def admit(self, item: Any) -> None:
        found = self.read()
        if found and found["epoch"] >= item["epoch"] and version(found) != version(item):
            raise Ahead(found)

    def read(self) -> Any:
        key = typed({"appId": self.environment["APP_ID"]})
        found = self.dynamodb.get_item(TableName=self.environment["STATE_TABLE"], Key=key, ConsistentRead=True).get("Item")
        return plain(found) if found else None

    def fence_uploads(self, fenced: bool) -> None:
        """S3 takes no part in transactions, so its policy keeps uploads out of a region that does not write; replication goes on.
        A ticket that was given before is good for a minute, but nothing becomes visible without a fenced commit."""
        policy = json.loads(self.s3.get_bucket_policy(Bucket=self.bucket)["Policy"])
        others = [each for each in policy["Statement"] if each.get("Sid") != "Fence"]
        wanted = others + ([self.fence()] if fenced else [])
        if wanted != policy["Statement"]:
            self.s3.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps({**policy, "Statement": wanted}))

    def fence(self) -> Any:
        return {
            "Sid": "Fence",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObject",
            "Resource": f"arn:{self.environment['PARTITION']}:s3:::{self.bucket}/*",
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": self.environment["REPLICATION_ROLES"]}},
        }

    def records(self) -> Any:
        """Every comment and photo by its key, with what tells one version from another."""
        names = {"#r": "region"}
        options: Any = {"ProjectionExpression": "photoId, commentId, epoch, #r, createdAt, deleted", "ExpressionAttributeNames": names}
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.environment["COMMENTS_TABLE"], ConsistentRead=True, **options)
        return {json.dumps(plain(item), sort_keys=True) for page in pages for item in page["Items"]}

    def objects(self) -> Any:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix="photos/")
        return {(each["Key"], each["Size"]) for page in pages for each in page.get("Contents", [])}


def version(item: Any) -> Any:
    return item and (item["epoch"], item["decided"])


def drain(copies: Any, deadline: float) -> None:
    """Until both regions hold the same records and objects. Replication keeps no order, so contents are compared, not positions."""
    while True:
        try:
            with ThreadPoolExecutor(4) as threads:
                records = list(threads.map(Copy.records, copies))
                objects = list(threads.map(Copy.objects, copies))
        except (ClientError, BotoCoreError) as error:
            raise NotDrained(f"a region cannot be read, so whether both are equal is not known; nothing was changed: {error}") from error
        apart = len(records[0] ^ records[1]), len(objects[0] ^ objects[1])
        if apart == (0, 0):
            return
        if time.monotonic() > deadline:
            raise NotDrained(
                f"the regions still differ in {apart[0]} records and {apart[1]} objects; the application stays fenced. Run the same again"
                " to go on waiting; `multiregion aws verify` names the differences"
            )
        time.sleep(PAUSE_SECONDS)


def next_state(current: Any, wish: Any, copies: Any) -> Any:
    to, writable = wish["NewState"], wish["NewState"] == "failover" and wish["Writable"]
    writer, lost = writer_of(to, writable), wish["RegionLost"]
    if writer in (None, current["leader"]):
        return move(current, to, writable=writable)
    if lost and not wish["AcceptLoss"]:
        raise IllegalMove("what the lost region had not replicated is not known, so AcceptLoss must be given with RegionLost")
    if not lost and current["state"] == "fenced":
        tell(current, copies, time.monotonic() + CONFIRM_SECONDS, needed=True)
        drain(copies, time.monotonic() + DRAIN_SECONDS)
        return move(current, to, writable=writable, drained=True)
    return move(current, to, writable=writable, lost=lost)


def copied(decision: Any, copies: Any) -> Any:
    """The item that both regions hold: the guide's `appId` and `state`, and what the fence asks for."""
    names = {copy.role: copy.region for copy in copies}
    writer = writer_of(decision["state"], decision["writable"])
    item = {name: decision[name] for name in ("appId", "state", "epoch", "leader", "writable", "actor", "reason", "at")}
    return {**item, **names, "decided": f"{decision['at']} {decision['state']}", **({"writer": names[writer]} if writer else {})}


def tell(decision: Any, copies: Any, deadline: float, *, needed: bool = False) -> Any:
    """Both regions at once, until both show it or time is up. The order does not matter: whoever names a new writer has fenced the
    old one before, or has the operator's word. A region that is lost learns the state by replication when it is back."""
    item = copied(decision, copies)
    while True:
        with ThreadPoolExecutor(2) as threads:
            answers = threads.map(lambda copy: copy.tell(decision, item), copies)
            confirmed = {copy.region: answer for copy, answer in zip(copies, answers, strict=True)}
        if all(confirmed.values()):
            return confirmed
        if time.monotonic() > deadline:
            break
        time.sleep(PAUSE_SECONDS)
    if needed:
        silent = " and ".join(region for region, yes in confirmed.items() if not yes)
        raise NotDrained(f"{silent} has not confirmed the {decision['state']} state; run the same again when it answers")
    return confirmed


def report(environment: Any, state: str) -> None:
    """The guide's metrics, to the operator's own endpoint if there is one. Never keeps a change of state from happening."""
    if environment["SEND_METRICS"] != "Yes" or not environment["METRICS_ENDPOINT"]:
        return
    data = {
        "Solution": environment["SOLUTION_ID"],
        "Version": environment["VERSION"],
        "TimeStamp": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
        "UUID": environment["DEPLOYMENT_UUID"],
        "Event": "STATE_UPDATED",
        "Value": state,
    }
    headers = {"Content-Type": "application/json"}
    try:
        request = urllib.request.Request(environment["METRICS_ENDPOINT"], json.dumps(data).encode(), headers)
        with urllib.request.urlopen(request, timeout=3):
            pass
    except (OSError, ValueError) as error:
        print(f"the metrics endpoint did not take the event: {error}")


def update(event: Any, environment: Any, caller: str) -> Any:
    default = environment["FAILOVER_WRITABLE"] == "yes"
    wish = {"Writable": default, **checked(event, environment)}
    authority, copies = Authority(environment), [Copy(role, environment) for role in ("primary", "secondary")]
    current = authority.newest() or begin(authority, copies, wish["RegionLost"])
    if wish["ExpectedEpoch"] not in (None, current["epoch"]):
        raise stale(current)
    if wish["TellAgain"]:
        wish |= {"NewState": current["state"], "Writable": current["writable"]}
    writable = wish["NewState"] == "failover" and wish["Writable"]
    changed = (current["state"], current["writable"]) != (wish["NewState"], writable)
    try:
        if changed:
            current = authority.decide(next_state(current, wish, copies), wish["Actor"] or caller, wish["Reason"])
        confirmed = tell(current, copies, time.monotonic() + (0 if wish["RegionLost"] else CONFIRM_SECONDS))
    except Ahead as ahead:
        raise overtaken(authority, current, ahead.copy) from None
    if changed:
        report(environment, current["state"])
    item = copied(current, copies)
    regions = {"primary": item["primary"], "secondary": item["secondary"]}
    shown = {"appId": item["appId"], "state": item["state"], "epoch": item["epoch"], "writer": item.get("writer"), "regions": regions}
    return {**shown, "leader": current["leader"], "confirmed": confirmed, "changed": changed}


def handler(event: Any, context: Any) -> Any:
    return update(event, os.environ, f"lambda {context.aws_request_id}")
