"""The gallery's own settings, and what of them its pages are told."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from multiregion import Settings, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class GallerySettings(Settings):
    photo_pixels_max: int = setting(50_000_000, "pixels", "the largest picture that is decoded, width times height")
    comment_characters_max: int = setting(2_000, "characters", "the longest comment")
    caption_characters_max: int = setting(500, "characters", "the longest caption")


def gallery_settings(found: Settings) -> GallerySettings:
    """Where only the product's settings are known, the gallery's own have their defaults."""
    if isinstance(found, GallerySettings):
        return found
    return GallerySettings(**{each.name: getattr(found, each.name) for each in fields(Settings)})


def limits(found: Settings) -> Mapping[str, int]:
    settings = gallery_settings(found)
    return {
        "photoBytes": settings.upload_bytes_max,
        "commentCharacters": settings.comment_characters_max,
        "captionCharacters": settings.caption_characters_max,
    }
