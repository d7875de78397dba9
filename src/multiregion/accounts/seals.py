"""Text that only this deployment can make and read: JWE, `dir` with A256GCM, one key for each purpose."""

from typing import TypeVar

import msgspec
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from multiregion.errors import Unauthorized

T = TypeVar("T")
HEADER = {"alg": "dir", "enc": "A256GCM"}
ALGORITHMS = list(HEADER.values())
SEALED_CHARACTERS_MAX = 4096


class Seal:
    """Seals and opens values with one 32-byte key; what another key sealed does not open."""

    def __init__(self, key: bytes, *, called: str) -> None:
        self._key = OctKey.import_key(key)
        self._called = called

    def seal(self, value: object) -> str:
        return jwe.encrypt_compact(HEADER, msgspec.json.encode(value), self._key, algorithms=ALGORITHMS)

    def open(self, text: str, type: type[T]) -> T:
        """Raises Unauthorized for anything that `seal` did not make."""
        if len(text) > SEALED_CHARACTERS_MAX:
            raise Unauthorized(f"Invalid {self._called}: more than {SEALED_CHARACTERS_MAX} characters")
        try:
            return msgspec.json.decode(jwe.decrypt_compact(text, self._key, algorithms=ALGORITHMS).plaintext or b"", type=type)
        except (JoseError, ValueError, msgspec.DecodeError) as error:
            raise Unauthorized(f"Invalid {self._called}") from error
