"""What an account may do and how much of it: calls that `aws deploy` makes beforehand and moto does not answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from moto.cloudformation.responses import CloudFormationResponse
from moto.cloudfront.responses import CloudFrontResponse
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
    allowed_on: dict[str, str] = field(default_factory=dict)
    """By the beginning of an action: what its resource has to look like, in policies that name resources."""
    roles: int = 1_000
    distributions: Callable[[], int] = lambda: 0

    @contextmanager
    def installed(self) -> Iterator[None]:
        patches = [
            (CloudFormationResponse, "describe_account_limits", lambda _: self._account_limits()),
            (IamResponse, "simulate_principal_policy", lambda response: self._simulated(response)),
            (IamResponse, "get_account_summary", lambda response: self._summary(len(response.backend.roles))),
            (CloudFrontResponse, "list_distributions", lambda _: self._distributions()),
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

    def _simulated(self, response: Any) -> ActionResult:
        (resource,) = response._get_param("ResourceArns", ["*"])
        decided = [
            {"EvalActionName": name, "EvalDecision": "allowed" if self._is_allowed(name, resource) else "implicitDeny"}
            for name in response._get_param("ActionNames", [])
        ]
        return ActionResult({"EvaluationResults": decided})

    def _is_allowed(self, action: str, resource: str) -> bool:
        named = [pattern for start, pattern in self.allowed_on.items() if action.startswith(start)]
        return action not in self.denied and all(fnmatchcase(resource, pattern) for pattern in named)

    def _summary(self, roles: int) -> ActionResult:
        return ActionResult({"SummaryMap": {"Roles": roles, "RolesQuota": self.roles}})

    def _distributions(self) -> ActionResult:
        count = self.distributions()
        return ActionResult({"DistributionList": {"Marker": "", "MaxItems": 100, "IsTruncated": False, "Quantity": count}})

    def _quota(self, code: str) -> dict[str, Any]:
        return {"QuotaCode": code, "Value": self.quotas[code]}
