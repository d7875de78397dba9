"""Real JPEGs for tests, no two alike."""

import io

from PIL import Image


def picture(seed: int, width: int = 320, height: int = 240) -> bytes:
    """A small photograph-like JPEG that depends on `seed` alone."""
    gradient = Image.linear_gradient("L").resize((width, height)).rotate(seed * 37 % 360)
    channels = [gradient.point(lambda v, c=c: (v * (c + 2) + seed * 17) % 256) for c in range(3)]
    file = io.BytesIO()
    Image.merge("RGB", channels).save(file, "JPEG", quality=80, comment=str(seed).encode())
    return file.getvalue()
