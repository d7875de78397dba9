"""The application's state on AWS: read from the authority's table, changed by the state updater, as in the guide's Appendix A."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from multiregion.cloud.account import GLANCE, ONCE, Account, AwsFailure, NotReached
from multiregion.cloud.stack import Stack
from multiregion.errors import (
    IllegalMove,
    InvalidInput,
    MultiregionError,
    NotFound,
    Refused,
    StaleEpoch,
    SwitchFailed,
    Unavailable,
    Unreachable,
)
from multiregion.states import Role, RoutingState, parse_state

HISTORY_MAX = 1_000
ENGINE_ATTRIBUTES = "aws:"
REFUSALS: Mapping[str, type[MultiregionError]] = {
    each.__name__: each for each in (IllegalMove, InvalidInput, Refused, StaleEpoch, SwitchFailed, Unavailable)
} | {"NotDrained": SwitchFailed}
"""What the state updater may say, by the name of its error."""
OPTIONS = {"RegionLost": "--region-lost", "AcceptLoss": "--accept-loss", "Writable": "--writable"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A change of state, and who wants it and why."""

    state: str
    actor: str
    reason: str = ""
    writable: bool = False
    region_lost: bool = False
    accept_loss: bool = False

    def payload(self, app_id: str, table: str) -> dict[str, Any]:
        """Appendix A's fields, always; of ours those that say something."""
        more = {
            "Actor": self.actor,
            "Reason": self.reason,
            "Writable": self.writable,
            "RegionLost": self.region_lost,
            "AcceptLoss": self.accept_loss,
        }
        return {"AppId": app_id, "TableName": table, "NewState": self.state, **{name: value for name, value in more.items() if value}}


class Application:
    """One deployed application, through its tables and functions."""

    def __init__(self, account: Account, stack: Stack) -> None:
        self._account = account
        self._stack = stack
        self.app_id = stack.output("SampleApplicationAppId")
        self.table = stack.output("AppConfigGlobalTableName")
        self.primary, self.secondary = stack.regions[:2]
        self.authority = stack.output("AuthorityRegion")

    def state(self) -> dict[str, Any]:
        """What the authority decided last, and what each region's own copy says; a copy that cannot be read is None.

        If the authority does not answer, the newest copy is what is known: `authorityAnswers` says which it is.
        """
        copies = {region: self._copy(region) for region in (self.primary, self.secondary)}
        try:
            decided = next(self._decisions(1), None)
        except Unavailable:
            decided = None
        answers = decided is not None
        newest = decided or max(filter(None, copies.values()), key=lambda copy: int(copy["epoch"]), default=None)
        if newest is None:
            raise NotFound(f"neither the authority in {self.authority} nor a region knows the application {self.app_id}")
        shown = {region: copy and {"state": copy["state"], "epoch": copy["epoch"]} for region, copy in copies.items()}
        return {**self._told(newest), "authority": self.authority, "authorityAnswers": answers, "copies": shown}

    def history(self, limit: int) -> list[dict[str, Any]]:
        """What was decided, newest first. Raises Unreachable if the authority does not answer."""
        return [self._told(each) for each in self._decisions(min(limit, HISTORY_MAX))]

    def _told(self, decision: Mapping[str, Any]) -> dict[str, Any]:
        names = {Role.PRIMARY.value: self.primary, Role.SECONDARY.value: self.secondary}
        state, leader = parse_state(decision["state"]), Role(decision["leader"])
        writer = RoutingState(state, decision["epoch"], leader, bool(decision["writable"])).writer
        told = {name: decision[name] for name in ("state", "epoch", "writable", "actor", "reason", "at") if name in decision}
        return {"appId": self.app_id, **told, "writer": names[writer] if writer else None, "regions": names}

    def _decisions(self, limit: int) -> Iterator[dict[str, Any]]:
        found = self._account.call(
            "dynamodb",
            "query",
            self.authority,
            patience=GLANCE,
            TableName=self._stack.output("AuthorityTableName"),
            KeyConditionExpression="appId = :app",
            ExpressionAttributeValues={":app": {"S": self.app_id}},
            ScanIndexForward=False,
            ConsistentRead=True,
            Limit=limit,
        )
        yield from map(plain, found["Items"])

    def change(self, wanted: Wanted) -> dict[str, Any]:
        """Ask the state updater, in the secondary first: it has to work when the primary is lost.

        Raises IllegalMove or Refused in the updater's words; Unreachable, if the outcome is unknown.
        """
        payload = wanted.payload(self.app_id, self.table)
        silent: MultiregionError | None = None
        name = self._stack.output("AppStateUpdaterLambdaName")
        for region in (self.secondary, self.primary):
            try:
                return self._invoke(region, name, payload)
            except NotReached as error:
                silent = error
            except Unreachable as error:
                raise Unreachable(f"{error.detail}; whether the state has changed is unknown: multiregion aws state get") from error
        assert silent is not None
        raise silent

    def _invoke(self, region: str, name: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        body = json.dumps(payload).encode()
        found = self._account.call("lambda", "invoke", region, patience=ONCE, FunctionName=name, Payload=body)
        answer = json.loads(found["Payload"].read() or b"null")
        if found.get("FunctionError") or not isinstance(answer, dict):
            raise said_no(answer, region)
        return answer

    def _copy(self, region: str) -> dict[str, Any] | None:
        """A region's own copy of the state."""
        key = {"appId": {"S": self.app_id}}
        try:
            found = self._account.call("dynamodb", "get_item", region, patience=GLANCE, TableName=self.table, Key=key, ConsistentRead=True)
        except Unavailable:
            return None
        item = plain(found.get("Item", {}))
        return item if "epoch" in item else None


def said_no(answer: Any, region: str) -> MultiregionError:
    """What a function that failed says, as an error of ours: a refusal, if it is one."""
    kind, message = "", "no reason given"
    if isinstance(answer, dict):
        kind, message = str(answer.get("errorType", "")), str(answer.get("errorMessage", message))
    if kind in REFUSALS:
        return REFUSALS[kind](in_options(message))
    return AwsFailure(f"the state updater in {region} failed: {message}", kind or "FunctionError")


def in_options(message: str) -> str:
    """The fields of an event as the options of the command that sent it."""
    for field, option in OPTIONS.items():
        message = re.sub(rf"\b{field}\b", option, message)
    return message


def plain(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A DynamoDB item as ordinary values."""
    return {name: plain_value(value) for name, value in item.items()}


def plain_value(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return int(content) if content.lstrip("-").isdigit() else float(content)
        case "M":
            return plain(content)
        case "L":
            return [plain_value(each) for each in content]
        case "NULL":
            return None
    return content
