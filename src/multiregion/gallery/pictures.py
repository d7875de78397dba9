"""Pictures made anew from what was uploaded: decoded for real, upright, in sRGB, without metadata, and with a thumbnail.

Nothing here is safe against a hostile file by itself, so it runs in a process of its own (`worker.py`).
"""

import io
from pathlib import Path

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from multiregion.errors import TooLarge, UnsupportedMedia
from multiregion.gallery.jobs import HEIC, TYPES, Job, Picture

THUMBNAIL_EDGE = 760
PAPER = (255, 255, 255)
# Measured on 24 megapixels: a progressive JPEG is 8 % smaller and takes eight times as long.
SAVING = {"JPEG": {"quality": 90}, "PNG": {"compress_level": 3}, "WEBP": {"quality": 90, "method": 2}}
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def render(job: Job) -> Picture:
    """Write the photo and its thumbnail. Raises UnsupportedMedia and TooLarge; any other error means a broken picture."""
    with opened(Path(job.source), job.pixels_max) as image:
        if TYPES[job.content_type] != real_format(image):
            raise UnsupportedMedia(f"announced as {job.content_type}, but it is {real_format(image)}", field="contentType")
        upright = plain(image)
    save(upright, job.photo, TYPES[job.content_type])
    small = thumbnail(upright)
    save(small, job.thumbnail, "JPEG")
    return Picture(*upright.size, mean_colour(small))


def opened(source: Path, pixels_max: int) -> Image.Image:
    """The picture, of which only the header has been read. Raises TooLarge before anything is decoded."""
    Image.MAX_IMAGE_PIXELS = None  # the limit is the next lines', for every format alike
    try:
        image = Image.open(source, formats=tuple(TYPES.values()))
    except UnidentifiedImageError as error:
        raise UnsupportedMedia(what_it_is(source), field="file") from error
    if image.width * image.height > pixels_max:
        image.close()
        raise TooLarge(
            f"the picture has {image.width} x {image.height} pixels; at most {pixels_max} are decoded", field="file", limit=pixels_max
        )
    return image


def what_it_is(source: Path) -> str:
    with source.open("rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS:
        return HEIC
    return "the file is not a picture in JPEG, PNG or WebP"


def real_format(image: Image.Image) -> str:
    """MPO is what phones write: a JPEG with further pictures behind it, of which the first counts."""
    return "JPEG" if image.format == "MPO" else str(image.format)


def plain(image: Image.Image) -> Image.Image:
    """The first frame, decoded, upright, in sRGB, as bare pixels: EXIF with its place, XMP, ICC and comments stay behind."""
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    pixels = in_srgb(image)
    pixels.info = {}
    return pixels


def in_srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    image = simple_mode(image)
    if profile and (converted := by_profile(image, profile)):
        return converted
    return image.convert("RGB") if image.mode == "CMYK" else image


def simple_mode(image: Image.Image) -> Image.Image:
    """One of L, RGB, RGBA and CMYK with the same look."""
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode in ("L", "RGB", "CMYK"):
        return image
    if image.mode.startswith("I"):  # 16 bits of grey, which convert() would cut off at 255
        return image.point(lambda value: value / 256).convert("L")
    return image.convert("L" if image.mode == "1" else "RGB")


def by_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    """The picture in sRGB, or None if its profile is no use."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if ImageCms.getProfileDescription(source).startswith("sRGB"):
            return None
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError):
        return None


def thumbnail(image: Image.Image) -> Image.Image:
    small = image.copy() if max(image.size) <= THUMBNAIL_EDGE else reduced(image)
    if small.mode != "RGBA":
        return small.convert("RGB")
    paper = Image.new("RGB", small.size, PAPER)
    paper.paste(small, mask=small.getchannel("A"))
    return paper


def reduced(image: Image.Image) -> Image.Image:
    scale = THUMBNAIL_EDGE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def mean_colour(image: Image.Image) -> str:
    red, green, blue = image.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))  # type: ignore[misc]
    return f"#{red:02x}{green:02x}{blue:02x}"


def save(image: Image.Image, target: str, format: str) -> None:
    image.save(target, format, **SAVING[format])
