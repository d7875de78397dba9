"""Signature version 4 of presigned requests, checked as S3 does: who signed, for which region, until when."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from tests.infra.cloud.gateway import Request
from tests.infra.cloud.principals import Credentials, Principals

ALGORITHM = "AWS4-HMAC-SHA256"
QUERY_SECONDS_MAX = 7 * 24 * 3600


class Rejected(Exception):
    """S3 refuses a request: the code and the status of its error document."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class Scope:
    """`KEY/20260131/eu-west-1/s3/aws4_request`."""

    access_key: str
    day: str
    region: str

    @classmethod
    def parse(cls, text: str) -> "Scope":
        parts = text.split("/")
        if len(parts) != 5 or parts[3:] != ["s3", "aws4_request"]:
            raise Rejected(400, "AuthorizationQueryParametersError", f"the credential {text} is malformed")
        return cls(parts[0], parts[1], parts[2])

    @property
    def text(self) -> str:
        return f"{self.day}/{self.region}/s3/aws4_request"

    def holder(self, principals: Principals, bucket_region: str) -> Credentials:
        if self.region != bucket_region:
            raise Rejected(400, "AuthorizationQueryParametersError", f"the region {self.region} is wrong; expecting {bucket_region}")
        found = principals.holder(self.access_key)
        if found is None:
            raise Rejected(403, "InvalidAccessKeyId", "the access key is not known here")
        return found

    def sign(self, secret: str, text: str) -> str:
        key = f"AWS4{secret}".encode()
        for part in (self.day, self.region, "s3", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def check_token(holder: Credentials, token: str | None) -> None:
    """Temporary credentials count only together with their session token."""
    if token != holder.token:
        raise Rejected(403, "InvalidToken", "the provided token is malformed or otherwise invalid")


def check_query(request: Request, bucket_region: str, principals: Principals, now: float) -> Credentials:
    """A presigned URL. Raises Rejected."""
    query = request.query
    if query.get("X-Amz-Algorithm") != ALGORITHM or "X-Amz-Signature" not in query:
        raise Rejected(403, "AccessDenied", "Access Denied")
    scope = Scope.parse(query["X-Amz-Credential"])
    holder = scope.holder(principals, bucket_region)
    check_token(holder, query.get("X-Amz-Security-Token"))
    if query.get("X-Amz-SignedHeaders") != "host":
        raise Rejected(403, "AccessDenied", "only the host is expected among the signed headers")
    signed = {name: value for name, value in query.items() if name != "X-Amz-Signature"}
    canonical_query = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in sorted(signed.items()))
    canonical = "\n".join([request.method, request.path, canonical_query, f"host:{request.header('host')}", "", "host", "UNSIGNED-PAYLOAD"])
    text = "\n".join([ALGORITHM, query["X-Amz-Date"], scope.text, hashlib.sha256(canonical.encode()).hexdigest()])
    if not hmac.compare_digest(scope.sign(holder.secret, text).encode(), query["X-Amz-Signature"].encode()):
        raise Rejected(403, "SignatureDoesNotMatch", "the request signature does not match")
    check_time(query["X-Amz-Date"], query.get("X-Amz-Expires", ""), now)
    return holder


def check_time(date: str, expires: str, now: float) -> None:
    if not expires.isdigit() or int(expires) > QUERY_SECONDS_MAX:
        raise Rejected(400, "AuthorizationQueryParametersError", "X-Amz-Expires must be a number of at most a week")
    begun = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if datetime.fromtimestamp(now, UTC) > begun + timedelta(seconds=int(expires)):
        raise Rejected(403, "AccessDenied", "Request has expired")
