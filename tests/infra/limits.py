"""What an account may do and how much of it: calls that `aws deploy` makes beforehand and moto does not answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult
from moto.iam.responses import IamResponse
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
