"""CloudFront: an origin group that fails over, headers of a policy, and origins that are read with origin access control."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from moto.s3.models import s3_backends

from tests.infra.cloud.gateway import Request as HttpRequest
from tests.infra.cloud.gateway import Response
from tests.infra.cloud.policies import NotModelled, Request, decide
from tests.infra.cloud.principals import ACCOUNT, bucket_statements
from tests.infra.cloud.registry import Made, Place, Properties, ResourceType
from tests.infra.cloud.stacksets import ENABLED_BY_DEFAULT

SERVICE = "cloudfront.amazonaws.com"
Lost = frozenset[str]
Call = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass
class Distribution:
    id: str
    config: Mapping[str, Any]

    @property
    def domain(self) -> str:
        return f"{self.id.lower()}.cloudfront.net"

    @property
    def arn(self) -> str:
        return f"arn:aws:cloudfront::{ACCOUNT}:distribution/{self.id}"


class HeadersPolicies(ResourceType):
    type = "AWS::CloudFront::ResponseHeadersPolicy"

    def __init__(self) -> None:
        self.policies: dict[str, Mapping[str, Any]] = {}

    def make(self, properties: Properties, place: Place) -> Made:
        name = uuid4().hex
        self.policies[name] = properties["ResponseHeadersPolicyConfig"]
        return Made(name, {"Id": name})

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        self.policies[made.id] = properties["ResponseHeadersPolicyConfig"]
        return made

    def calls(self) -> dict[tuple[str, str], Call]:
        """The API's own way to them, which moto does not know."""
        return {("cloudfront", "GetResponseHeadersPolicy"): self._get, ("cloudfront", "UpdateResponseHeadersPolicy"): self._update}

    def _get(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        config = counted(self.policies[parameters["Id"]])
        return {"ResponseHeadersPolicy": {"Id": parameters["Id"], "ResponseHeadersPolicyConfig": config}, "ETag": etag(config)}

    def _update(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        now = self._get(parameters)
        if parameters.get("IfMatch") != now["ETag"]:
            raise ValueError("PreconditionFailed: the ETag is not that of the policy")
        self.policies[parameters["Id"]] = parameters["ResponseHeadersPolicyConfig"]
        return self._get(parameters)


class Distributions(ResourceType):
    type = "AWS::CloudFront::Distribution"

    def __init__(self, policies: HeadersPolicies) -> None:
        self._policies = policies
        self.distributions: dict[str, Distribution] = {}

    def make(self, properties: Properties, place: Place) -> Made:
        if place.region not in ENABLED_BY_DEFAULT and "Logging" in properties["DistributionConfig"]:
            raise RuntimeError(f"CloudFront writes no access logs to a bucket in {place.region}")
        made = Distribution("E" + uuid4().hex[:12].upper(), properties["DistributionConfig"])
        self.distributions[made.domain] = made
        return Made(made.id, {"DomainName": made.domain, "Id": made.id}, made)

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        made.thing.config = properties["DistributionConfig"]
        return made

    def remove(self, made: Made, properties: Properties, region: str) -> None:
        self.distributions.pop(f"{made.id.lower()}.cloudfront.net", None)

    def answer(self, host: str, request: HttpRequest, lost: Lost) -> Response:
        """The first origin of the group that does not fail with one of its status codes. `lost` are regions that do not answer."""
        distribution = self.distributions[host]
        behaviour = distribution.config["DefaultCacheBehavior"]
        if request.method not in behaviour.get("AllowedMethods", ["GET", "HEAD"]):
            return Response(403, {"Content-Type": "text/html"}, b"This distribution is not configured to allow the HTTP request method")
        key = unquote(request.path.lstrip("/")) or distribution.config.get("DefaultRootObject", "")
        answer = self._from_origins(distribution, behaviour["TargetOriginId"], key, lost)
        answer = self._error_page(distribution, behaviour["TargetOriginId"], answer, lost)
        headers = {**answer.headers, **policy_headers(self._policies.policies.get(behaviour.get("ResponseHeadersPolicyId", ""), {}))}
        return Response(answer.status, headers, answer.body)

    def _from_origins(self, distribution: Distribution, target: str, key: str, lost: Lost) -> Response:
        groups = {group["Id"]: group for group in distribution.config.get("OriginGroups", {}).get("Items", [])}
        if target not in groups:
            return origin_answer(distribution, target, key, lost)
        members = [member["OriginId"] for member in groups[target]["Members"]["Items"]]
        failing = groups[target]["FailoverCriteria"]["StatusCodes"]["Items"]
        first = origin_answer(distribution, members[0], key, lost)
        return origin_answer(distribution, members[1], key, lost) if first.status in failing else first

    def _error_page(self, distribution: Distribution, target: str, answer: Response, lost: Lost) -> Response:
        for page in distribution.config.get("CustomErrorResponses", []):
            if page["ErrorCode"] == answer.status and "ResponsePagePath" in page:
                shown = self._from_origins(distribution, target, page["ResponsePagePath"].lstrip("/"), lost)
                return Response(page.get("ResponseCode", answer.status), shown.headers, shown.body)
        return answer


def origin_answer(distribution: Distribution, origin_id: str, key: str, lost: Lost) -> Response:
    origin = next(each for each in distribution.config["Origins"] if each["Id"] == origin_id)
    bucket, _, rest = origin["DomainName"].partition(".s3.")
    region = rest.removesuffix(".amazonaws.com")
    if not origin.get("OriginAccessControlId") or not rest:
        raise NotModelled(f"an origin without origin access control: {origin}")
    if region in lost:
        return Response(503, {"Content-Type": "text/html"}, b"the origin does not answer")
    return read_with_access_control(distribution, bucket, key)


def read_with_access_control(distribution: Distribution, bucket: str, key: str) -> Response:
    """What S3 answers CloudFront: only what the bucket's policy lets this distribution read."""
    backend = s3_backends[ACCOUNT]["aws"]
    facts = {"aws:SourceArn": distribution.arn, "aws:SourceAccount": ACCOUNT, "aws:SecureTransport": "true"}
    reading = Request("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}", facts)
    found = backend.get_object(bucket, key) if bucket in backend.buckets else None
    if decide(bucket_statements(reading.resource), reading, SERVICE) != "allow" or found is None:
        return Response(403, {"Content-Type": "application/xml"}, b"<Error><Code>AccessDenied</Code></Error>")
    stored = {name.title(): value for name, value in found.metadata.items() if not name.lower().startswith("x-amz-")}
    return Response(200, {"Content-Type": "binary/octet-stream", **stored, "ETag": found.etag}, found.value)


def counted(config: Any) -> Any:
    """As the API shows it: each list of items beside its length."""
    if not isinstance(config, Mapping):
        return config
    shown = {name: counted(value) for name, value in config.items()}
    return {**shown, "Quantity": len(shown["Items"])} if "Items" in shown else shown


def etag(config: Any) -> str:
    return "E" + hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:13].upper()


def policy_headers(policy: Mapping[str, Any]) -> dict[str, str]:
    """The headers that a response headers policy adds."""
    security = policy.get("SecurityHeadersConfig", {})
    headers = {each["Header"]: each["Value"] for each in policy.get("CustomHeadersConfig", {}).get("Items", [])}
    if "ContentSecurityPolicy" in security:
        headers["Content-Security-Policy"] = security["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    if "ContentTypeOptions" in security:
        headers["X-Content-Type-Options"] = "nosniff"
    if "FrameOptions" in security:
        headers["X-Frame-Options"] = security["FrameOptions"]["FrameOption"]
    if "ReferrerPolicy" in security:
        headers["Referrer-Policy"] = security["ReferrerPolicy"]["ReferrerPolicy"]
    if "StrictTransportSecurity" in security:
        transport = security["StrictTransportSecurity"]
        subdomains = "; includeSubDomains" if transport.get("IncludeSubdomains") else ""
        headers["Strict-Transport-Security"] = f"max-age={transport['AccessControlMaxAgeSec']}{subdomains}"
    return headers
