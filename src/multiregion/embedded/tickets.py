"""Upload tickets: a signed policy that a client sends back with its bytes, as S3's presigned POST. Nothing is stored."""

import base64
import hmac
from collections.abc import Mapping

import msgspec
from msgspec.structs import asdict

from multiregion.errors import Expired, Forbidden
from multiregion.stores import Announced


class Policy(Announced, frozen=True):
    """What the holder of a ticket may upload, and until when (seconds since 1970)."""

    expires: float

    def announced(self) -> Announced:
        return Announced(*(getattr(self, name) for name in Announced.__struct_fields__))


def policy_of(announced: Announced, expires: float) -> Policy:
    return Policy(**asdict(announced), expires=expires)


def sign(policy: Policy, key: bytes) -> dict[str, str]:
    """The form's fields, in order."""
    text = base64.b64encode(msgspec.json.encode(policy)).decode()
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return {"key": f"pending/{policy.id}", "Content-Type": policy.content_type, "policy": text, "signature": signature}


def verify(fields: Mapping[str, str], key: bytes, now: float) -> Announced:
    """What was announced. Raises Forbidden for fields that were not signed here, Expired for a ticket that is too old."""
    text = fields.get("policy", "").encode()
    signature = hmac.digest(key, text, "sha256").hex()
    if not hmac.compare_digest(signature.encode(), fields.get("signature", "").encode()):
        raise Forbidden("the upload ticket is not one of this region's: ask for a new one", field="signature")
    policy = msgspec.json.decode(base64.b64decode(text), type=Policy)
    if dict(fields) != sign(policy, key):
        raise Forbidden("the form's fields are not those of its upload ticket: send them as they were given", field="policy")
    if policy.expires < now:
        raise Expired("the upload ticket has expired: ask for a new one", field="policy")
    return policy.announced()
