"""Width and height of a picture from its first bytes, without decoding it."""

from typing import Any

from infra.lambdas.problems import Problem


def measure(content_type: str, data: bytes) -> tuple[int, int]:
    """Width and height of a picture, from its first bytes. Raises unsupported_media for another kind, or none."""
    try:
        found = {"image/png": png, "image/webp": webp, "image/jpeg": jpeg}[content_type](data)
    except IndexError:
        found = (0, 0)
    if min(found) < 1:
        raise Problem(415, "unsupported_media", f"the upload is not a picture of the type {content_type}", field="contentType")
    return found


def number(data: bytes, start: int, length: int, order: Any = "little") -> int:
    if start + length > len(data):
        raise IndexError(start)
    return int.from_bytes(data[start : start + length], order)


def png(data: bytes) -> tuple[int, int]:
    good = data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR"
    return (number(data, 16, 4, "big"), number(data, 20, 4, "big")) if good else (0, 0)


def webp(data: bytes) -> tuple[int, int]:
    kind = data[12:16] if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else b""
    if kind == b"VP8X":
        return number(data, 24, 3) + 1, number(data, 27, 3) + 1
    if kind == b"VP8L":
        bits = number(data, 21, 4)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return (number(data, 26, 2) & 0x3FFF, number(data, 28, 2) & 0x3FFF) if kind == b"VP8 " else (0, 0)


def jpeg(data: bytes) -> tuple[int, int]:
    """From the first frame header; the segments before it say how long they are."""
    at = 2 if data.startswith(b"\xff\xd8") else len(data)
    while data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return number(data, at + 7, 2, "big"), number(data, at + 5, 2, "big")
        at += 1 if marker == 0xFF else 2 + number(data, at + 2, 2, "big")
    return 0, 0
