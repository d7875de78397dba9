"""Checks Ed25519 signatures after RFC 8032, section 5.1, in plain Python: for bundles, which must need nothing but Python to be checked.

Nothing here is secret, so nothing needs constant time. Signing is in `evidence.py`, by `cryptography`.
"""

import hashlib
from functools import lru_cache

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)

Point = tuple[int, int, int, int]
"""Extended coordinates X, Y, Z, T with x = X/Z, y = Y/Z, x * y = T/Z."""


def add_points(one: Point, other: Point) -> Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(number: int, point: Point) -> Point:
    product = (0, 1, 1, 0)
    while number > 0:
        if number & 1:
            product = add_points(product, point)
        point = add_points(point, point)
        number >>= 1
    return product


def are_equal(one: Point, other: Point) -> bool:
    return (one[0] * other[2] - other[0] * one[2]) % P == 0 and (one[1] * other[2] - other[1] * one[2]) % P == 0


def recover_x(y: int, sign: int) -> int | None:
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if not square:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P:
        return None
    return P - x if x & 1 != sign else x


def decompress(encoded: bytes) -> Point | None:
    if len(encoded) != 32:
        return None
    number = int.from_bytes(encoded, "little")
    y = number & (1 << 255) - 1
    x = recover_x(y, number >> 255)
    return None if x is None else (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = recover_x(BASE_Y, 0) or 0
BASE: Point = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


@lru_cache(maxsize=64)
def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether this is the signature of these bytes by this key (32 bytes)."""
    key = decompress(public)
    if key is None or len(signature) != 64:
        return False
    point = decompress(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if point is None or scalar >= ORDER:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    return are_equal(multiply(scalar, BASE), add_points(point, multiply(challenge, key)))
