"""What is looked at before anything is changed: each check with what it found, and what to do if it is not good."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from multiregion.cloud import fixed, permissions
from multiregion.cloud.account import Account, Identity
from multiregion.cloud.failure import VERIFY_ACCOUNT
from multiregion.cloud.publish import Bundle
from multiregion.cloud.regions import SUPPORTED, WHY
from multiregion.cloud.stack import NEVER_WHOLE, UPDATABLE, Stack, deployed_template
from multiregion.cloud.template import INLINE_BYTES_MAX, TEMPLATE_BYTES_MAX, Template
from multiregion.errors import MultiregionError

GOOD, BAD, UNKNOWN = "good", "bad", "unknown"
LAMBDA_CONCURRENCY = ("lambda", "L-B99A9384")
S3_BUCKETS = ("s3", "L-DC2B2D3D")
CONCURRENCY_WANTED = 20


@dataclass(frozen=True, slots=True)
class Check:
    """`outcome` is good, bad (the deployment would fail) or unknown (the credentials may not look, or it may be too little)."""

    name: str
    outcome: str
    found: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to deploy."""

    name: str
    template: Template
    bundle: Bundle | None
    parameters: Mapping[str, str]
    retry: bool = False


class Preflight:
    """The checks, one after the other. A check that AWS does not let us make is unknown, and stops nothing."""

    def __init__(self, account: Account, identity: Identity, stack: Stack | None, wish: Wish) -> None:
        self._account = account
        self._identity = identity
        self._stack = stack
        self._wish = wish
        self._parameters = {**(stack.parameters if stack else {}), **wish.parameters}

    def run(self) -> Iterator[Check]:
        yield Check("credentials", GOOD, f"account {self._identity.account}, as {self._identity.arn}")
        yield self._regions()
        yield self._name()
        yield self._template()
        yield self._web_application()
        if self._stack and self._stack.is_ours and self._stack.status in UPDATABLE:
            yield self._fixed(self._stack)
            yield self._tried("data", partial(self._data, self._stack))
        if self._stack is None:
            yield self._tried("stacks", self._stack_quota)
            yield self._tried("buckets", self._bucket_quota)
            yield from (self._tried("functions", partial(self._concurrency, region)) for region in self._regions_used())
            yield self._tried("roles", self._role_quota)
            yield self._tried("cloudfront", self._cloudfront)
            yield self._tried("permissions", self._permissions)

    def _regions_used(self) -> list[str]:
        named = (self._account.region, self._parameters.get("SecondaryRegion", ""), self._parameters.get("WitnessRegion", ""))
        return [name for name in named if name]

    def _regions(self) -> Check:
        used = self._regions_used()
        words = " and ".join(used)
        if len(set(used)) < max(2, len(used)):
            return Check("regions", BAD, words, "The regions have to differ: choose another --region or --secondary-region.")
        if strange := [region for region in used if region not in SUPPORTED]:
            return Check("regions", BAD, f"{', '.join(strange)} cannot be used: {WHY}", f"Choose from {', '.join(SUPPORTED)}.")
        return Check("regions", GOOD, words)

    def _name(self) -> Check:
        stack, name = self._stack, self._wish.name
        if stack is None:
            return Check("name", GOOD, f"{name} is free in {self._account.region}")
        if stack.status == "REVIEW_IN_PROGRESS":  # it has no parameters, so nobody knows whose it is
            delete = f"aws cloudformation delete-stack --stack-name {name} --region {stack.region}"
            return Check(
                "name", BAD, f"{name} is a change set that was never carried out", f"Delete it, or choose another --name: {delete}"
            )
        if not stack.is_ours:
            return Check("name", BAD, f"{name} is another stack of this account", "Choose another name with --name.")
        if stack.runs:
            return Check("name", GOOD, f"{name} is ours, and an operation is going on ({stack.status})")
        if stack.status in NEVER_WHOLE:
            return self._failed_before(stack)
        if stack.status in UPDATABLE:
            return Check("name", GOOD, f"{name} is ours ({stack.status}) and will be updated")
        advice = f"Finish it first: aws cloudformation continue-update-rollback --stack-name {name} --region {stack.region}"
        return Check("name", BAD, f"{name} is ours, and cannot be changed now ({stack.status})", advice)

    def _failed_before(self, stack: Stack) -> Check:
        found = f"{stack.name} is left from a deployment that failed ({stack.status})"
        if self._wish.retry:
            return Check("name", GOOD, f"{found}; it is deleted first (--retry)")
        return Check("name", BAD, found, "CloudFormation cannot go on from there. Add --retry: it deletes that stack, and deploys anew.")

    def _template(self) -> Check:
        template = self._wish.template
        inner = max((each.size for each in template.inner.values()), default=0)
        found = f"{template.size:,} bytes; the largest of its {len(template.inner)} parts {inner:,} bytes"
        if template.size > TEMPLATE_BYTES_MAX or inner > INLINE_BYTES_MAX:
            return Check("template", BAD, found, f"At most {TEMPLATE_BYTES_MAX:,} and {INLINE_BYTES_MAX:,} bytes are allowed.")
        return Check("template", GOOD, found)

    def _fixed(self, stack: Stack) -> Check:
        """CloudFormation would find out in the middle, and go back."""
        names = fixed.changed(stack.parameters, self._wish.parameters)
        if names:
            advice = " ".join(fixed.FIXED[name] for name in names)
            return Check("settings", BAD, f"{', '.join(names)} cannot be changed in a deployment", advice)
        return Check("settings", GOOD, "none is changed that has to stay")

    def _data(self, stack: Stack) -> Check:
        lost = list(fixed.replaced(deployed_template(self._account, stack), self._wish.template))
        if lost:
            advice = "Deploy a template that keeps their names, or make a second deployment with --name."
            return Check("data", BAD, f"this template would replace {', '.join(lost)} by empty ones", advice)
        return Check("data", GOOD, "nothing that holds data is replaced")

    def _web_application(self) -> Check:
        bundle = self._wish.bundle
        if bundle is None:
            return Check("web application", GOOD, "the one that the template carries")
        return Check("web application", GOOD, f"{bundle.count} files, {len(bundle.body):,} bytes packed")

    def _tried(self, name: str, check: Callable[[], Check]) -> Check:
        try:
            return check()
        except MultiregionError as error:
            return Check(name, UNKNOWN, "not to be seen with these credentials", error.detail)

    def _stack_quota(self) -> Check:
        limits = self._account.call("cloudformation", "describe_account_limits").get("AccountLimits", ())
        limit = next((each["Value"] for each in limits if each["Name"] == "StackLimit"), None)
        if limit is None:
            return Check("stacks", UNKNOWN, "AWS does not say how many are allowed")
        used = sum(1 for _ in self._account.pages("cloudformation", "describe_stacks", "Stacks"))
        return enough("stacks", used, limit, len(self._wish.template.inner) + 1)

    def _bucket_quota(self) -> Check:
        limit = self._quota(*S3_BUCKETS, region="us-east-1")
        made = self._wish.template.everything(self._parameters, self._account.region)
        needed = sum(1 for _, kind in made if kind == "AWS::S3::Bucket")
        return enough("buckets", len(self._account.call("s3", "list_buckets").get("Buckets", ())), limit, needed)

    def _concurrency(self, region: str) -> Check:
        limit = self._quota(*LAMBDA_CONCURRENCY, region=region)
        if limit < CONCURRENCY_WANTED:
            advice = "It works for a try; for real load ask for more in the Service Quotas console (AWS Lambda, concurrent executions)."
            return Check("functions", UNKNOWN, f"{limit:g} at a time in {region}", advice)
        return Check("functions", GOOD, f"{limit:,.0f} at a time in {region}")

    def _quota(self, service: str, code: str, region: str) -> float:
        found = self._account.call("service-quotas", "get_service_quota", region, ServiceCode=service, QuotaCode=code)
        return float(found["Quota"]["Value"])

    def _cloudfront(self) -> Check:
        """AWS does not say beforehand whether it has verified an account."""
        found = self._account.call("cloudfront", "list_distributions", MaxItems="1")["DistributionList"]
        if found["Quantity"]:
            return Check("cloudfront", GOOD, "this account has a distribution already, so AWS has verified it")
        return Check("cloudfront", UNKNOWN, "this account has no distribution yet", f"If the first one is refused: {VERIFY_ACCOUNT}")

    def _role_quota(self) -> Check:
        counts = self._account.call("iam", "get_account_summary")["SummaryMap"]
        made = self._wish.template.everything(self._parameters, self._account.region)
        return enough("roles", counts["Roles"], counts["RolesQuota"], sum(1 for _, kind in made if kind == "AWS::IAM::Role"))

    def _permissions(self) -> Check:
        """What IAM says beforehand. Organisations' policies and boundaries are not all in it, so good is not certain."""
        if self._identity.arn.endswith(":root"):
            return Check("permissions", GOOD, "the root user may do everything")
        groups = permissions.needed(self._account, native=self._parameters.get("UserReplication") == "native")
        advice = "Get them granted, or use a profile that has them."
        if denied := list(permissions.denied(self._account, self._identity, self._wish.name, groups)):
            return Check("permissions", BAD, f"missing: {', '.join(denied)}", advice)
        if denied := list(permissions.denied(self._account, self._identity, self._wish.name, [permissions.TO_TAKE_BACK])):
            return Check("permissions", UNKNOWN, f"a failure could not be undone without {', '.join(denied)}", advice)
        count = sum(len(actions) for group in groups for actions in group.values())
        return Check("permissions", GOOD, f"the {count} most important ones are there")


def enough(name: str, used: int, limit: float, needed: int) -> Check:
    found = f"{used:,} of {limit:,.0f} used, {needed} needed"
    if used + needed > limit:
        return Check(name, BAD, found, "Ask for more in the Service Quotas console, or delete what is not needed.")
    return Check(name, GOOD, found)
