"""Verifies AWS Signature Version 4, so that unmodified AWS clients can administer users with the operator token as their key."""

import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import parse_qsl, quote

from multiregion.clock import Clock
from multiregion.errors import Unauthorized

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "cognito-idp"
SKEW_SECONDS_MAX = 15 * 60
# What a request means must be signed: where it goes, when, and which operation it is.
SIGNED_ALWAYS = frozenset({"host", "x-amz-date", "x-amz-target"})
AUTHORIZATION = re.compile(
    ALGORITHM
    + r" +Credential=(?P<key_id>[^/,\s]{1,128})/(?P<date>[0-9]{8})/(?P<region>[a-z0-9-]{1,64})/(?P<service>[a-z0-9-]{1,64})/aws4_request"
    r", *SignedHeaders=(?P<headers>[a-z0-9-]+(?:;[a-z0-9-]+){0,63}), *Signature=(?P<signature>[0-9a-f]{64})"
)
AMZ_DATE = re.compile(r"[0-9]{8}T[0-9]{6}Z")
Headers = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What is signed of a request. `path` and `query` as they came over the wire; `headers` gives all values of a name."""

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Signature:
    key_id: str
    date: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def read_signature(authorization: str) -> Signature:
    """Raises Unauthorized if it is not a complete AWS4-HMAC-SHA256 header."""
    match = AUTHORIZATION.fullmatch(authorization)
    if match is None:
        raise Unauthorized("the Authorization header is not a complete AWS4-HMAC-SHA256 signature")
    parts: Mapping[str, str] = match.groupdict()
    headers = tuple(parts["headers"].split(";"))
    return Signature(parts["key_id"], parts["date"], parts["region"], parts["service"], headers, parts["signature"])


def verify(request: SignedRequest, authorization: str, secrets: Mapping[str, str], clock: Clock) -> str:
    """The access key id that signed the request. Raises Unauthorized, saying what is wrong with the signature."""
    given = read_signature(authorization)
    at = "".join(request.headers("x-amz-date"))
    if given.service != SERVICE:
        raise Unauthorized(f"the signature is for the service {given.service}, not {SERVICE}")
    if not SIGNED_ALWAYS.issubset(given.headers):
        raise Unauthorized(f"the signature must cover {', '.join(sorted(SIGNED_ALWAYS))}")
    check_time(at, given.date, clock.now())
    # An unknown key id is compared like a known one.
    expected = sign(request, given, at, secrets.get(given.key_id, ""))
    if not hmac.compare_digest(expected, given.signature) or given.key_id not in secrets:
        raise Unauthorized("the signature does not match: check the access key (operator) and the secret key (the operator token)")
    return given.key_id


def check_time(at: str, date: str, now: float) -> None:
    if not AMZ_DATE.fullmatch(at) or not at.startswith(date):
        raise Unauthorized("X-Amz-Date must look like 20260131T120000Z and be of the day that the signature names")
    try:
        signed_at = datetime.strptime(at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise Unauthorized(f"X-Amz-Date {at} is no time") from error
    if abs(now - signed_at) > SKEW_SECONDS_MAX:
        raise Unauthorized(f"signature expired: {at} is more than {SKEW_SECONDS_MAX // 60} minutes away from this region's clock")


def sign(request: SignedRequest, given: Signature, at: str, secret: str) -> str:
    digest = sha256(canonical(request, given.headers).encode()).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in (given.date, given.region, given.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, f"{ALGORITHM}\n{at}\n{given.scope}\n{digest}".encode(), "sha256").hex()


def canonical(request: SignedRequest, signed: Sequence[str]) -> str:
    headers = "".join(f"{name}:{','.join(collapsed(value) for value in request.headers(name))}\n" for name in signed)
    path = quote(request.path or "/", safe="/-_.~")
    body = sha256(request.body).hexdigest()
    return "\n".join((request.method, path, canonical_query(request.query), headers, ";".join(signed), body))


def canonical_query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    return "&".join(sorted(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs))


def collapsed(value: str) -> str:
    return " ".join(value.split())
