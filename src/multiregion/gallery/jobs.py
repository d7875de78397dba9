"""What the region and the processes that decode pictures say to each other. A region need not load a decoder to say it."""

from typing import Any

import msgspec

THUMBNAIL_TYPE = "image/jpeg"
TYPES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
HEIC = "HEIC cannot be decoded here; export the photograph as JPEG"
HEIC_TYPES = ("image/heic", "image/heif", "image/heic-sequence", "image/heif-sequence")


class Job(msgspec.Struct, frozen=True):
    """Where the upload is, what it was announced as, and where the two pictures go."""

    source: str
    content_type: str
    photo: str
    thumbnail: str
    pixels_max: int


class Picture(msgspec.Struct, frozen=True):
    width: int
    height: int
    colour: str


class Answer(msgspec.Struct, frozen=True):
    """A picture, or the code, words and facts of an error."""

    picture: Picture | None = None
    code: str = ""
    detail: str = ""
    facts: dict[str, Any] = {}
