"""Signed addresses of objects, as S3's presigned GET. An address stays the same for minutes, so that browsers can keep pictures."""

import hmac
import math
import re
from urllib.parse import urlencode

from multiregion.clock import Clock
from multiregion.errors import Expired, Forbidden
from multiregion.stores import Digest

ROUNDED_SECONDS = 300
EXPIRES = re.compile(r"[0-9]{1,12}", re.ASCII)


class SignedLinks:
    """`Links` to `GET /objects/{digest}` of the region at `url`."""

    def __init__(self, url: str, key: bytes, clock: Clock, seconds: int) -> None:
        self._url = url
        self._key = key
        self._clock = clock
        self._seconds = seconds

    def address(self, digest: Digest, content_type: str) -> str:
        expires = str(math.ceil((self._clock.now() + self._seconds) / ROUNDED_SECONDS) * ROUNDED_SECONDS)
        signature = self._signature(digest, content_type, expires)
        return f"{self._url}/objects/{digest}?" + urlencode({"type": content_type, "expires": expires, "signature": signature})

    def check(self, digest: str, content_type: str, expires: str, signature: str) -> Digest:
        """Raises Forbidden for an address that was not signed here, Expired for one that is too old."""
        if not hmac.compare_digest(self._signature(digest, content_type, expires).encode(), signature.encode()):
            raise Forbidden("this is not an address that this region has signed", field="signature")
        if not EXPIRES.fullmatch(expires) or int(expires) < self._clock.now():
            raise Expired("this address has expired: list the records again for a new one", field="expires")
        return Digest(digest)

    def _signature(self, digest: str, content_type: str, expires: str) -> str:
        return hmac.digest(self._key, f"{digest}\n{content_type}\n{expires}".encode(), "sha256").hex()
