"""The built web application as one text that fits into the source of a function: tar, xz, base85. The same files make the same text."""

import io
import json
import lzma
import runpy
import tarfile
from collections.abc import Mapping
from pathlib import Path

import multiregion
from infra.lambdas.site_publisher import encoded, unpacked
from multiregion.cloud.publish import site_files

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(multiregion.__file__).parent / "web"
PUBLISHER = "SitePublisher"
PRESET = 9 | lzma.PRESET_EXTREME


class StaleWebApplication(Exception):
    """The bundle is missing, or its sources have changed since."""


def bundle(template: Path) -> str:
    """Of the bundle as `make web` has left it. The text in `template` is kept if it holds the same files: another version of liblzma
    packs the same bytes differently. Raises StaleWebApplication."""
    if not runpy.run_path(str(ROOT / "scripts" / "build_web.py"))["WebApp"](ROOT).is_fresh():
        raise StaleWebApplication("the web application is not built, or not from the sources as they are (make web)")
    files = site_files(FOLDER)
    before = carried(template.read_text()) if template.is_file() else ""
    return before if before and unpacked(before) == files else packed(files)


def packed(files: Mapping[str, bytes]) -> str:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(name)  # of nobody, from 1970
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return encoded(lzma.compress(buffer.getvalue(), preset=PRESET))


def carried(template: str) -> str:
    """The text in a template; empty if there is none."""
    publisher = json.loads(template)["Resources"].get(PUBLISHER)
    lines = publisher["Properties"]["Code"]["ZipFile"].splitlines() if publisher else []
    return next((line.partition("'")[2].rstrip("'") for line in lines if line.startswith("BUNDLE = ")), "")
