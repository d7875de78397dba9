"""Pictures made anew: upright, in sRGB, without metadata, whatever was uploaded."""

import io
import struct
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms, ImageDraw
from PIL.PngImagePlugin import PngInfo

from multiregion.errors import MultiregionError, TooLarge, UnsupportedMedia
from multiregion.gallery.jobs import TYPES, Job, Picture
from multiregion.gallery.pictures import THUMBNAIL_EDGE, render

PIXELS_MAX = 50_000_000
RED, GREEN, BLUE, WHITE = (250, 10, 10), (10, 250, 10), (10, 10, 250), (250, 250, 250)


def quarters(size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Red at the top left, green right of it, blue below, white across: every turn can be told from every other."""
    image = Image.new("RGB", size, RED)
    draw, (w, h) = ImageDraw.Draw(image), size
    draw.rectangle((w // 2, 0, w, h // 2), fill=GREEN)
    draw.rectangle((0, h // 2, w // 2, h), fill=BLUE)
    draw.rectangle((w // 2, h // 2, w, h), fill=WHITE)
    return image


def encoded(image: Image.Image, format: str = "JPEG", **saving: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **saving)
    return file.getvalue()


class Rendered:
    def __init__(self, folder: Path, data: bytes, content_type: str, pixels_max: int) -> None:
        (folder / "source").write_bytes(data)
        paths = [str(folder / name) for name in ("source", "photo", "thumbnail")]
        self.picture: Picture = render(Job(paths[0], content_type, paths[1], paths[2], pixels_max))
        self.data = (folder / "photo").read_bytes()
        self.photo = Image.open(io.BytesIO(self.data))
        self.thumbnail = Image.open(folder / "thumbnail")


def made(folder: Path, data: bytes, content_type: str = "image/jpeg", pixels_max: int = PIXELS_MAX) -> Rendered:
    return Rendered(folder, data, content_type, pixels_max)


def near(found: Any, expected: tuple[int, ...], within: int = 12) -> bool:
    return all(abs(a - b) <= within for a, b in zip(found, expected, strict=True))


TURNED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("content_type", TYPES)
def test_every_orientation_is_upright_afterwards(tmp_path: Path, orientation: int, content_type: str) -> None:
    turn = TURNED[orientation]
    stored = quarters() if turn is None else quarters().transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    result = made(tmp_path, encoded(stored, TYPES[content_type], exif=exif), content_type)
    assert (result.picture.width, result.picture.height) == result.photo.size == (64, 48)
    for image in (result.photo, result.thumbnail):
        corners = [image.convert("RGB").getpixel(at) for at in ((8, 8), (56, 8), (8, 40), (56, 40))]
        assert all(near(found, expected) for found, expected in zip(corners, (RED, GREEN, BLUE, WHITE), strict=True))


def with_metadata() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = "CameraMaker"
    exif.get_ifd(0x8825)[2] = (47.0, 30.0, 0.0)
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0a private note"
    return exif


@pytest.mark.parametrize("content_type", TYPES)
def test_the_place_and_all_other_metadata_are_gone(tmp_path: Path, content_type: str) -> None:
    saving: dict[str, Any] = {"exif": with_metadata(), "xmp": b"<x:xmpmeta>secret</x:xmpmeta>"}
    if content_type == "image/jpeg":
        saving["comment"] = b"a secret comment"
    if content_type == "image/png":
        saving["pnginfo"] = PngInfo()
        saving["pnginfo"].add_text("Author", "a secret author")
    data = encoded(quarters(), TYPES[content_type], **saving)
    assert b"CameraMaker" in data
    result = made(tmp_path, data, content_type)
    assert not result.photo.getexif() and not result.photo.info.keys() & {"exif", "xmp", "comment", "icc_profile", "Author"}
    for left in (b"CameraMaker", b"secret", b"private", b"Exif", b"xmp", b"eXIf", b"tEXt"):
        assert left not in result.data


def profile(name: str) -> bytes:
    """A profile that is not sRGB: sRGB's own with red and blue exchanged, so that its effect cannot be overlooked."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", data, 128)[0]
    for entry in range(132, 132 + 12 * count, 12):
        tag = bytes(data[entry : entry + 4])
        data[entry : entry + 4] = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}.get(tag, tag)
    return bytes(data).replace("sRGB".encode("utf-16-be"), name.encode("utf-16-be"))


@pytest.mark.parametrize("content_type", TYPES)
def test_an_icc_profile_is_applied_and_dropped(tmp_path: Path, content_type: str) -> None:
    data = encoded(Image.new("RGB", (64, 48), RED), TYPES[content_type], icc_profile=profile("swap"))
    result = made(tmp_path, data, content_type)
    red, _, blue = result.photo.convert("RGB").getpixel((32, 24))  # type: ignore[misc]
    assert blue > 200 > 60 > red
    assert "icc_profile" not in result.photo.info
    assert result.picture.colour[-2:] > "c8"


@pytest.mark.parametrize("broken", [b"", b"nonsense", bytes(200)])
def test_a_broken_profile_is_dropped(tmp_path: Path, broken: bytes) -> None:
    result = made(tmp_path, encoded(quarters(), "PNG", icc_profile=broken), "image/png")
    assert result.photo.getpixel((8, 8)) == RED


def test_grey_of_16_bits_keeps_its_shades(tmp_path: Path) -> None:
    image = Image.new("I;16", (4, 1))
    for x, value in enumerate((0, 16384, 32768, 65535)):
        image.putpixel((x, 0), value)
    result = made(tmp_path, encoded(image, "PNG"), "image/png")
    assert [result.photo.getpixel((x, 0)) for x in range(4)] == [0, 64, 128, 255]


MODES = [("1", 1), ("L", 90), ("LA", (90, 128)), ("P", 3), ("RGB", RED), ("RGBA", (*RED, 128))]


@pytest.mark.parametrize(("mode", "colour"), MODES)
def test_every_mode_of_png(tmp_path: Path, mode: str, colour: Any) -> None:
    source = Image.new(mode, (900, 30), colour)
    result = made(tmp_path, encoded(source, "PNG"), "image/png")
    assert (result.photo.format, result.photo.size, result.thumbnail.size) == ("PNG", (900, 30), (THUMBNAIL_EDGE, 25))
    assert result.photo.convert("RGBA").getpixel((5, 5)) == source.convert("RGBA").getpixel((5, 5))
    assert result.thumbnail.mode == "RGB"


def test_a_transparent_palette_stays_transparent(tmp_path: Path) -> None:
    image = Image.new("P", (20, 20), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    result = made(tmp_path, encoded(image, "PNG", transparency=0), "image/png")
    assert result.photo.convert("RGBA").getpixel((3, 3))[3] == 0  # type: ignore[index]
    assert near(result.thumbnail.getpixel((3, 3)), (255, 255, 255))


def test_cmyk(tmp_path: Path) -> None:
    result = made(tmp_path, encoded(Image.new("CMYK", (64, 48), (0, 250, 250, 0))))
    assert result.photo.mode == "RGB" and near(result.photo.getpixel((9, 9)), (255, 5, 5), 20)


@pytest.mark.parametrize("content_type", ["image/png", "image/webp"])
def test_of_an_animation_the_first_frame(tmp_path: Path, content_type: str) -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in (RED, BLUE)]
    data = encoded(frames[0], TYPES[content_type], save_all=True, append_images=frames[1:])
    assert Image.open(io.BytesIO(data)).n_frames == 2  # type: ignore[attr-defined]
    result = made(tmp_path, data, content_type)
    assert getattr(result.photo, "n_frames", 1) == 1
    assert near(result.photo.convert("RGB").getpixel((9, 9)), RED)


def test_several_pictures_in_one_jpeg_as_phones_write_them(tmp_path: Path) -> None:
    data = encoded(quarters(), "MPO", save_all=True, append_images=[Image.new("RGB", (64, 48), BLUE)])
    result = made(tmp_path, data)
    assert (result.photo.format, near(result.photo.getpixel((8, 8)), RED)) == ("JPEG", True)


@pytest.mark.parametrize(
    ("size", "small"), [((3000, 2000), (760, 507)), ((10, 4000), (2, 760)), ((1, 9000), (1, 760)), ((300, 200), (300, 200))]
)
def test_the_thumbnails_size(tmp_path: Path, size: tuple[int, int], small: tuple[int, int]) -> None:
    result = made(tmp_path, encoded(Image.new("RGB", size, GREEN)))
    assert (result.photo.size, result.thumbnail.size, result.thumbnail.format) == (size, small, "JPEG")


def test_the_mean_colour(tmp_path: Path) -> None:
    halves = Image.new("RGB", (100, 100), (0, 0, 0))
    halves.paste((200, 100, 50), (0, 0, 100, 50))
    assert made(tmp_path, encoded(halves, "PNG"), "image/png").picture.colour == "#643219"


def test_the_limit_is_checked_before_decoding(tmp_path: Path) -> None:
    data = encoded(quarters(), "PNG")
    header_only = data[: data.index(b"IDAT") - 4] + data[data.index(b"IDAT") - 4 :][:12]
    with pytest.raises(TooLarge) as refusal:
        made(tmp_path, header_only, "image/png", pixels_max=64 * 48 - 1)
    assert refusal.value.facts["limit"] == 64 * 48 - 1
    assert made(tmp_path, data, "image/png", pixels_max=64 * 48).picture.width == 64


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize("left", [0.3, 0.6, 0.9])
def test_a_truncated_picture_makes_nothing(tmp_path: Path, content_type: str, left: float) -> None:
    data = encoded(Image.effect_noise((300, 200), 70).convert("RGB"), TYPES[content_type])
    with pytest.raises((OSError, SyntaxError, MultiregionError)):
        made(tmp_path, data[: int(len(data) * left)], content_type)
    assert not (tmp_path / "photo").exists()


NOT_TAKEN = [
    (b"", "not a picture"),
    (b"GIF89a" + bytes(100), "not a picture"),
    (b"<svg/>", "not a picture"),
    (b"\0\0\0\x20ftypheic" + bytes(100), "HEIC"),
    (b"\0\0\0\x20ftypmif1" + bytes(100), "HEIC"),
    (b"%PDF-1.7", "not a picture"),
    (b"\x89PNG\r\n\x1a\n", "not a picture"),
]


@pytest.mark.parametrize(("data", "words"), NOT_TAKEN)
def test_what_is_not_taken_is_named(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(UnsupportedMedia, match=words):
        made(tmp_path, data)


def test_other_formats_are_not_even_tried(tmp_path: Path) -> None:
    for format in ("GIF", "BMP", "TIFF", "ICO", "PPM"):
        with pytest.raises(UnsupportedMedia, match="not a picture in JPEG, PNG or WebP"):
            made(tmp_path, encoded(quarters(), format))


@pytest.mark.parametrize("announced", TYPES)
@pytest.mark.parametrize("real", TYPES)
def test_the_announced_type_must_be_the_real_one(tmp_path: Path, announced: str, real: str) -> None:
    data = encoded(quarters(), TYPES[real])
    if announced == real:
        assert made(tmp_path, data, announced).photo.format == TYPES[real]
        return
    with pytest.raises(UnsupportedMedia) as refusal:
        made(tmp_path, data, announced)
    assert refusal.value.facts["field"] == "contentType"
