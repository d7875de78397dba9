"""What an account may do and how much of it: calls that `aws deploy` makes beforehand and moto does not answer.

Also what moto takes too literally: it applies a bucket's Deny for unencrypted connections without looking at the condition.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.responses import IamResponse
from moto.s3.models import FakeBucket
from moto.servicequotas.models import ServiceQuotasBackend


@dataclass
class Limits:
    """The answers, which a test may change while they are installed."""

    stacks: int = 2_000
    quotas: dict[str, float] = field(default_factory=lambda: {"L-B99A9384": 1_000.0, "L-DC2B2D3D": 10_000.0})
    denied: set[str] = field(default_factory=set)
    """Actions that the caller's policies do not allow."""

    @contextmanager
    def installed(self) -> Iterator[None]:
        patches = [
            (CloudFormationResponse, "describe_account_limits", lambda _: self._account_limits()),
            (IamResponse, "simulate_principal_policy", lambda response: self._decisions(response._get_param("ActionNames", []))),
            (FakeBucket, "get_permission", permission_over_tls),
            (ServiceQuotasBackend, "get_service_quota", lambda _, service_code, quota_code: self._quota(quota_code)),
        ]
        originals = [(owner, name, vars(owner).get(name)) for owner, name, _ in patches]
        for owner, name, new in patches:
            setattr(owner, name, new)
        try:
            yield
        finally:
            for owner, name, old in originals:
                setattr(owner, name, old) if old else delattr(owner, name)

    def _account_limits(self) -> ActionResult:
        return ActionResult({"AccountLimits": [{"Name": "StackLimit", "Value": self.stacks}]})

    def _decisions(self, actions: list[str]) -> ActionResult:
        decided = [{"EvalActionName": name, "EvalDecision": "implicitDeny" if name in self.denied else "allowed"} for name in actions]
        return ActionResult({"EvaluationResults": decided})

    def _quota(self, code: str) -> dict[str, Any]:
        return {"QuotaCode": code, "Value": self.quotas[code]}


def permission_over_tls(bucket: Any, action: str, resource: str) -> PermissionResult:
    """What a bucket's policy says to a call that came encrypted, as all that boto3 makes to AWS do."""
    policy = json.loads(bucket.policy) if bucket.policy else {"Statement": []}
    spoken = [each for each in policy["Statement"] if each.get("Condition") != {"Bool": {"aws:SecureTransport": "false"}}]
    if not spoken:
        return PermissionResult.NEUTRAL
    return IAMPolicy(json.dumps({**policy, "Statement": spoken})).is_action_permitted(action, resource)
