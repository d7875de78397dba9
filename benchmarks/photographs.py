"""Large photographs for measuring: variations of real ones, or of a scene drawn here. Nothing is ever taken into the repository."""

import io
import random
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
PIXELS_MIN = 1_500_000
GRAIN = 14.0
GRAIN_SHARE = 0.12
QUALITY = 97


def photographs_in(folder: Path) -> list[Path]:
    """The pictures under `folder` that are large enough to be photographs."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file() and not path.is_symlink())
    return [path for path in found if pixels_of(path) >= PIXELS_MIN]


def pixels_of(path: Path) -> int:
    try:
        with Image.open(path) as image:
            return image.width * image.height
    except OSError:
        return 0


def enlarged(image: Image.Image, megapixels: float) -> Image.Image:
    scale = (megapixels * 1_000_000 / (image.width * image.height)) ** 0.5
    return image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)


def grained(image: Image.Image) -> Image.Image:
    """With the noise of a sensor, without which an enlarged picture compresses to almost nothing."""
    noise = Image.effect_noise(image.size, GRAIN).convert("RGB")
    return Image.blend(image, noise, GRAIN_SHARE)


def variation(image: Image.Image, seed: int) -> Image.Image:
    """Cropped, perhaps mirrored, and exposed otherwise, all by `seed`; of 10 to 16 megapixels."""
    chance = random.Random(seed)
    width, height = image.size
    left, top = chance.uniform(0, 0.15) * width, chance.uniform(0, 0.15) * height
    right, bottom = width - chance.uniform(0, 0.15) * width, height - chance.uniform(0, 0.15) * height
    image = image.convert("RGB").crop((int(left), int(top), int(right), int(bottom)))
    if chance.random() < 0.5:
        image = ImageOps.mirror(image)
    image = ImageEnhance.Brightness(image).enhance(chance.uniform(0.8, 1.2))
    return grained(enlarged(image, chance.uniform(10, 16)))


def jpeg(image: Image.Image, quality: int = 95) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def vary(source: Path, target: Path, seed: int) -> int:
    """Write one variation, and answer its size in bytes."""
    with Image.open(source) as image:
        return target.write_bytes(jpeg(variation(image, seed), QUALITY))


def make_variations(sources: Sequence[Path], target: Path, count: int, processes: int) -> int:
    """`count` photographs in `target`, each another one; those that are there already stay. Answers their size in bytes."""
    target.mkdir(parents=True, exist_ok=True)
    files = [target / f"photo-{number:04}.jpg" for number in range(count)]
    with ProcessPoolExecutor(processes) as pool:
        made = [pool.submit(vary, sources[n % len(sources)], file, n) for n, file in enumerate(files) if not file.exists()]
        for each in made:
            each.result()
    return sum(file.stat().st_size for file in files)


def scene(megapixels: float, seed: int = 1) -> Image.Image:
    """A drawn scene of soft light with grain: decodes and compresses much as a photograph does, where no real one is at hand."""
    chance = random.Random(seed)
    light = Image.linear_gradient("L").resize((1200, 800))
    channels = [light.rotate(chance.uniform(0, 360)) for _ in range(3)]
    return grained(enlarged(Image.merge("RGB", channels), megapixels))


def photograph_of(size_bytes: int) -> bytes:
    """A JPEG of exactly that many bytes: as good as fits, and filled up behind its end, where no decoder looks."""
    image = scene(24 * size_bytes / 8_000_000)
    data = next(data for quality in range(98, 0, -2) if len(data := jpeg(image, quality)) <= size_bytes)
    return data + bytes(size_bytes - len(data))
