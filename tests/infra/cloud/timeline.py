"""When CloudFormation begins with each resource of a stack: everything at once that need not wait for something else."""

from collections.abc import Mapping
from typing import Any

from tests.infra.cloud.order import in_order, named_in

SECONDS_AT_MOST = {"AWS::IAM::Role": 30.0}
SECONDS_AT_LEAST = {"AWS::DynamoDB::GlobalTable": 30.0}
"""The worst case for whoever relies on a role: it is made slowly, and what is waited for meanwhile is made fast."""
ROLE_SECONDS = 30.0
"""A role cannot be assumed everywhere at once when it has been made."""


def beginnings(described: Mapping[str, Any]) -> dict[str, float]:
    """Seconds after the stack's own beginning, by logical id."""
    begins: dict[str, float] = {}
    for name in in_order(described):
        waits_for = named_in(described[name]) & set(described)
        begins[name] = max((ended(described, begins, each) for each in waits_for), default=0.0)
    return begins


def ended(described: Mapping[str, Any], begins: Mapping[str, float], name: str) -> float:
    kind = described[name]["Type"]
    return begins[name] + SECONDS_AT_MOST.get(kind, SECONDS_AT_LEAST.get(kind, 0.0))


def too_early(described: Mapping[str, Any], name: str) -> str | None:
    """The role that a resource uses before it works, if there is one."""
    begins = beginnings(described)
    roles = [each for each in named_in(described[name]["Properties"]) if described.get(each, {}).get("Type") == "AWS::IAM::Role"]
    late = [each for each in roles if begins[name] < ended(described, begins, each) + ROLE_SECONDS]
    return max(late, key=lambda each: begins[each], default=None)


def unknown_principal(described: Mapping[str, Any], name: str) -> str | None:
    """The role that a role trusts before IAM knows it everywhere, if there is one."""
    trust = described[name]["Properties"]["AssumeRolePolicyDocument"]
    begins = beginnings(described)
    named = set().union(*(named_in(each.get("Principal")) for each in trust["Statement"])) & set(described)
    return next((each for each in sorted(named) if begins[name] < ended(described, begins, each) + ROLE_SECONDS), None)
