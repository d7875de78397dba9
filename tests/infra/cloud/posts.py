"""Presigned POST forms, verified as S3 does: the policy's signature and expiry, and a condition for every field."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.infra.cloud.principals import Credentials, Principals
from tests.infra.cloud.signatures import ALGORITHM, Rejected, Scope, check_token

# Fields that need no condition.
FREE = frozenset({"x-amz-signature", "policy", "file"})
CHECKSUMS = {"x-amz-checksum-sha256": "sha256", "x-amz-checksum-sha1": "sha1"}


@dataclass(frozen=True)
class Form:
    """The fields before the file, names in lower case, and the file's bytes."""

    fields: Mapping[str, str]
    file: bytes


def check_form(form: Form, bucket: str, bucket_region: str, principals: Principals, now: float) -> Credentials:
    """Who signed it. Raises Rejected with S3's own code for whatever is wrong."""
    fields = form.fields
    for name in ("key", "policy", "x-amz-signature", "x-amz-credential", "x-amz-algorithm", "x-amz-date"):
        if not fields.get(name):
            raise Rejected(
                403 if name != "key" else 400, "AccessDenied" if name != "key" else "InvalidArgument", f"the field {name} is missing"
            )
    if fields["x-amz-algorithm"] != ALGORITHM:
        raise Rejected(400, "InvalidArgument", "the algorithm is not supported")
    scope = Scope.parse(fields["x-amz-credential"])
    holder = scope.holder(principals, bucket_region)
    expected = scope.sign(holder.secret, fields["policy"])
    if not hmac.compare_digest(expected.encode(), fields["x-amz-signature"].encode()):
        raise Rejected(403, "SignatureDoesNotMatch", "the request signature does not match")
    check_token(holder, fields.get("x-amz-security-token"))
    check_policy(parsed(fields["policy"]), form, bucket, now)
    check_digest(form)
    return holder


def parsed(policy: str) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(base64.b64decode(policy, validate=True))
    except (ValueError, binascii.Error) as error:
        raise Rejected(400, "InvalidPolicyDocument", "the policy is not JSON in base64") from error
    return document


def check_policy(policy: Mapping[str, Any], form: Form, bucket: str, now: float) -> None:
    if datetime.fromisoformat(policy["expiration"].replace("Z", "+00:00")).timestamp() < now:
        raise Rejected(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
    values = {**form.fields, "bucket": bucket}
    covered = {name for condition in policy["conditions"] if (name := check_condition(condition, values, len(form.file)))}
    for name in form.fields:
        if name not in covered | FREE and not name.startswith("x-ignore-"):
            raise Rejected(403, "AccessDenied", f"Invalid according to Policy: Extra input fields: {name}")


def check_condition(condition: Any, values: Mapping[str, str], size: int) -> str | None:
    """The field that it covers, if it is about one."""
    if isinstance(condition, dict):
        ((name, wanted),) = condition.items()
        return check_equal(name.lower(), wanted, values)
    kind, first, second = condition
    if kind == "content-length-range":
        if size < int(first):
            raise Rejected(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
        if size > int(second):
            raise Rejected(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
        return None
    name = first.removeprefix("$").lower()
    if kind == "eq":
        return check_equal(name, second, values)
    if kind != "starts-with" or not values.get(name, "").startswith(second):
        raise Rejected(403, "AccessDenied", f"Invalid according to Policy: Policy Condition failed: {condition}")
    return str(name)


def check_equal(name: str, wanted: str, values: Mapping[str, str]) -> str:
    if values.get(name) != str(wanted):
        raise Rejected(403, "AccessDenied", f'Invalid according to Policy: Policy Condition failed: ["eq", "${name}", "{wanted}"]')
    return name


def check_digest(form: Form) -> None:
    for name, algorithm in CHECKSUMS.items():
        if name in form.fields:
            digest = base64.b64encode(hashlib.new(algorithm, form.file).digest()).decode()
            if digest != form.fields[name]:
                raise Rejected(400, "BadDigest", "The checksum you specified did not match the calculated checksum.")
