"""Roles and their temporary credentials. Every boto3 call made with a role's credentials is held against the role's policies first."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from botocore import handlers
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, EndpointConnectionError
from moto.iam.models import Role, iam_backends
from moto.s3.models import s3_backends

from tests.infra.cloud.actions import requests
from tests.infra.cloud.policies import Request, Statement, decide, documents

ACCOUNT = "123456789012"


class Denied(Exception):
    """A role may not do something. Says what, as AWS does."""


@dataclass(frozen=True)
class Credentials:
    """What a role's holder signs with; derived from the role, so that the same role always has the same."""

    role_arn: str

    @property
    def access_key(self) -> str:
        return "ASIA" + hashlib.sha256(self.role_arn.encode()).hexdigest()[:16].upper()

    @property
    def secret(self) -> str:
        return hashlib.sha256(b"secret:" + self.role_arn.encode()).hexdigest()[:40]

    @property
    def token(self) -> str:
        return hashlib.sha256(b"token:" + self.role_arn.encode()).hexdigest()

    def environment(self) -> dict[str, str]:
        return {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret, "AWS_SESSION_TOKEN": self.token}

    def arguments(self) -> dict[str, str]:
        return {"aws_access_key_id": self.access_key, "aws_secret_access_key": self.secret, "aws_session_token": self.token}


class Principals:
    """The roles that have been assumed so far, by access key."""

    def __init__(self) -> None:
        self._assumed: dict[str, Credentials] = {}
        self._acting = threading.local()

    @property
    def acting(self) -> Credentials | None:
        """Whose rights CloudFormation works with just now; None is the operator, who may do everything."""
        found: Credentials | None = getattr(self._acting, "credentials", None)
        return found

    @contextmanager
    def acting_as(self, credentials: Credentials) -> Iterator[None]:
        before, self._acting.credentials = self.acting, credentials
        try:
            yield
        finally:
            self._acting.credentials = before

    def assume_from(self, holder: Credentials, role_name: str) -> Credentials:
        """One role by another. Raises Denied unless the one may, and the other trusts it."""
        role_arn = f"arn:aws:iam::{ACCOUNT}:role/{role_name}"
        self.check(holder, Request("sts:AssumeRole", role_arn))
        return self.assume(role_arn, holder.role_arn)

    def assume(self, role_arn: str, service: str, facts: Mapping[str, str] | None = None) -> Credentials:
        """Raises Denied unless the role's trust policy names the service, or the role that wants it."""
        trust = as_document(found_role(role_arn).assume_role_policy_document)
        who = {"aws:PrincipalArn": service} if service.startswith("arn:") else {"aws:SourceAccount": ACCOUNT}
        request = Request("sts:AssumeRole", role_arn, {**who, **(facts or {})})
        without_resource = [{**statement, "Resource": "*"} for statement in documents([trust])]
        if decide(without_resource, request, service) != "allow":
            raise Denied(f"{service} is not trusted to assume {role_arn}")
        credentials = Credentials(role_arn)
        return self._assumed.setdefault(credentials.access_key, credentials)

    def holder(self, access_key: str) -> Credentials | None:
        """None is the account's own operator, who may do everything."""
        return self._assumed.get(access_key)

    def check(self, credentials: Credentials, request: Request) -> None:
        """Raises Denied unless the role's policies allow it and no bucket policy forbids it."""
        request = replace(request, facts={"aws:PrincipalArn": credentials.role_arn, **request.facts})
        verdicts = {decide(role_statements(credentials.role_arn), request)}
        if request.resource.startswith("arn:aws:s3:::"):
            verdicts.add(decide(bucket_statements(request.resource), request, credentials.role_arn))
        if "deny" in verdicts or "allow" not in verdicts:
            name = credentials.role_arn.rpartition("/")[2]
            explicit = " with an explicit deny" if "deny" in verdicts else " because no policy allows it"
            raise Denied(f"User: {name} is not authorized to perform: {request.action} on resource: {request.resource}{explicit}")


def as_document(kept: Any) -> Any:
    """moto keeps what a template says as it was written, and what its API is told as text."""
    return json.loads(kept) if isinstance(kept, str | bytes) else kept


def found_role(arn: str) -> Role:
    for role in iam_backends[ACCOUNT]["aws"].roles.values():
        if role.arn == arn:
            return role
    raise Denied(f"there is no role {arn}")


def role_statements(arn: str) -> Iterator[Statement]:
    role = found_role(arn)
    for text in role.policies.values():
        yield from documents([as_document(text)])
    for policy in role.managed_policies.values():
        default = next(version for version in policy.versions if version.version_id == policy.default_version_id)
        yield from documents([as_document(default.document)])


def bucket_statements(resource: str) -> Iterator[Statement]:
    name = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
    bucket = s3_backends[ACCOUNT]["aws"].buckets.get(name)
    if bucket is not None and bucket.policy:
        yield from documents([as_document(bucket.policy)])


class Gate:
    """Hangs into botocore: looks at each call before it is sent."""

    def __init__(self, principals: Principals, before: Callable[[], object]) -> None:
        self._principals, self._before = principals, before
        self.lost: set[str] = set()
        self.interruptions: dict[tuple[str, str], Callable[[], object]] = {}
        self.own_calls: dict[tuple[str, str], Callable[[Any], Mapping[str, Any]]] = {}

    def install(self) -> None:
        handlers.BUILTIN_HANDLERS += [("before-parameter-build", self.remember), ("before-call", self.check)]

    def remove(self) -> None:
        for handler in (("before-parameter-build", self.remember), ("before-call", self.check)):
            handlers.BUILTIN_HANDLERS.remove(handler)

    def remember(self, params: Any, context: dict[str, Any], **_: Any) -> None:
        context["simulation.parameters"] = params

    def check(self, model: Any, context: dict[str, Any], request_signer: Any, **_: Any) -> Any:
        self._before()
        if request_signer._region_name in self.lost:
            raise EndpointConnectionError(endpoint_url=f"https://{model.service_model.endpoint_prefix}.{request_signer._region_name}")
        service, region = model.service_model.service_name, request_signer._region_name
        parameters = context["simulation.parameters"]
        keys = request_signer._credentials
        if credentials := keys and self._principals.holder(keys.access_key):
            self._authorize(credentials, service, model.name, parameters, region)
            if interruption := self.interruptions.pop((service, model.name), None):
                interruption()
        own = self.own_calls.get((service, model.name))
        return own and (AWSResponse("", 200, {}, None), {**own(parameters), "ResponseMetadata": {"HTTPStatusCode": 200}})

    def _authorize(self, credentials: Credentials, service: str, operation: str, parameters: Any, region: str) -> None:
        for request in requests(service, operation, parameters, region, ACCOUNT):
            try:
                self._principals.check(credentials, request)
            except Denied as error:
                code = "AccessDenied" if service == "s3" else "AccessDeniedException"
                status = {"HTTPStatusCode": 403 if service == "s3" else 400, "RetryAttempts": 0}
                raise ClientError({"Error": {"Code": code, "Message": str(error)}, "ResponseMetadata": status}, operation) from error
