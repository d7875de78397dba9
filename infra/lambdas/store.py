"""The records of a region, and the fence: every write is one transaction that begins with a check of the state, namely that this
region is the writer, at this epoch.

A photo and its comments are one partition: the photo has the id `#` and comes first. `#photos` lists the photos by time, `#pending`
holds announced uploads, `#deletions` what is still to be removed.
"""

import time
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.lambdas.fence import fence
from infra.lambdas.items import plain, typed
from infra.lambdas.problems import Problem

ATTEMPTS, BATCH = 4, 90
HEAD, PHOTOS, PENDING, DELETIONS = "#", "#photos", "#pending", "#deletions"
ABSENT = "attribute_not_exists(photoId)"


class Taken(Exception):
    """A condition on a record failed: its number among the writes, and what is stored there."""

    def __init__(self, number: int, stored: Any) -> None:
        self.number, self.stored = number, stored


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Store:
    """The records of this region, and the fence around them."""

    def __init__(self, environment: Any) -> None:
        self.region, self.role = environment["AWS_REGION"], environment["ROLE"]
        self.regions = {"primary": environment["PRIMARY"], "secondary": environment["SECONDARY"]}
        self.app_id, self.states, self.table = environment["APP_ID"], environment["STATE_TABLE"], environment["COMMENTS_TABLE"]
        patience = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "max_attempts": ATTEMPTS})
        self.dynamodb = boto3.client("dynamodb", region_name=self.region, config=patience)

    def state(self) -> Any:
        found = self.dynamodb.get_item(TableName=self.states, Key=typed({"appId": self.app_id}), ConsistentRead=True)
        state = plain(found.get("Item", {}))
        if not state:
            raise Problem(503, "unavailable", "the state of the application has not been set yet")
        return state

    def document(self, state: Any) -> Any:
        """The state as `GET /state` shows it: a writer only if state and role agree, as the fence demands."""
        serving = self.regions["secondary" if state["state"] == "failover" else "primary"]
        writer = serving if state["state"] != "fenced" and state.get("writer") == serving else None
        shown = {"appId": self.app_id, "state": state["state"], "epoch": state["epoch"], "writer": writer}
        return {**shown, "regions": self.regions}

    def admit(self, epoch: int | None) -> Any:
        """The state, if this region may write in it. Raises stale_epoch, fenced."""
        state = self.state()
        document = self.document(state)
        if epoch not in (None, state["epoch"]):
            detail = f"decided at epoch {epoch}, but the epoch is {state['epoch']} by now"
            raise Problem(409, "stale_epoch", detail, state=document)
        if document["writer"] != self.region:
            detail = f"the {self.role} region does not accept writes: the application is {state['state']}"
            raise Problem(409, "fenced", detail, state=document)
        return state

    def commit(self, writes: Any, epoch: int | None) -> None:
        """All or nothing, and only if this region is the writer. Raises Taken if a record is not as a write demands."""
        for attempt in range(ATTEMPTS):
            state = self.admit(epoch)
            stamped = [self.stamped(write, state["epoch"]) for write in writes]
            try:
                self.dynamodb.transact_write_items(TransactItems=[fence(self.states, self.app_id, self.region, state), *stamped])
                return
            except ClientError as error:
                reasons = error.response.get("CancellationReasons")
                if not reasons:
                    raise
                self.judge(reasons)
            time.sleep(0.05 * 2**attempt)
        raise Problem(503, "unavailable", "other writes were in the way; try again")

    def judge(self, reasons: Any) -> None:
        """Returns if the transaction may be tried again: the state changed under it, or others were in the way."""
        codes = [reason.get("Code", "None") for reason in reasons]
        if codes[0] != "ConditionalCheckFailed" and "ConditionalCheckFailed" in codes:
            number = codes.index("ConditionalCheckFailed")
            raise Taken(number - 1, plain(reasons[number].get("Item", {})))

    def stamped(self, write: Any, epoch: int) -> Any:
        ((kind, fields),) = write.items()
        fields = {"TableName": self.table, **fields}
        if kind == "Put":
            fields["Item"] = typed({**fields["Item"], "epoch": epoch, "region": self.region})
        if "ConditionExpression" in fields:
            fields["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return {kind: fields}

    def get(self, partition: str, id: str) -> Any:
        key = typed({"photoId": partition, "commentId": id})
        return plain(self.dynamodb.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item", {}))

    def query(self, partition: str, **options: Any) -> Any:
        """At most `Limit` records of a partition, in order of their ids."""
        wanted = {"KeyConditionExpression": "photoId = :p", "ExpressionAttributeValues": typed({":p": partition})}
        found = self.dynamodb.query(TableName=self.table, ConsistentRead=True, **wanted, **options)
        return [plain(item) for item in found["Items"]]


def put(item: Any, condition: str = "") -> Any:
    return {"Put": {"Item": item, **({"ConditionExpression": condition} if condition else {})}}


def delete(partition: str, id: str) -> Any:
    return {"Delete": {"Key": typed({"photoId": partition, "commentId": id})}}
