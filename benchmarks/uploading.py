"""A photograph of 8 MB into a region beside `dd` with fsync onto the same disk, and the memory that a far larger object takes."""

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

import httpx

from benchmarks.figures import MEBIBYTE, Beside, Row, Target, at_most, percentile
from benchmarks.load import HOST, answer_in
from benchmarks.photographs import photograph_of
from benchmarks.processes import forget_peak, peak_bytes, resident_bytes
from benchmarks.stage import Stage
from tests.acceptance.deployment import Deployment, deployed

PHOTO_BYTES = 8_000_000
DD_SHARE = 0.6
MEMORY_GROWTH_MAX = 16.0
PIECE_BYTES = 256 * 1024
BOUNDARY = "benchmark"
DD_SECONDS = re.compile(r"copied, ([0-9.e-]+) s")


def dd_seconds(source: Path, target: Path) -> float:
    """What `dd` itself says it took, sync included."""
    command = ["dd", f"if={source}", f"of={target}", "bs=1M", "conv=fsync"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}).stderr
    target.unlink()
    found = DD_SECONDS.search(said)
    if found is None:
        raise RuntimeError(f"dd said something else: {said}")
    return float(found[1])


def announced(http: httpx.Client, photo_id: str, size: int, digest: str) -> dict[str, Any]:
    said = {"contentType": "image/jpeg", "size": size, "sha256": digest, "photoId": photo_id}
    form: dict[str, Any] = http.post("/photos", json=said).raise_for_status().json()["upload"]
    return form


def form_of(fields: dict[str, str]) -> tuple[bytes, bytes]:
    """A multipart form as it stands before and behind its file."""
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    file = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="p"\r\nContent-Type: image/jpeg\r\n\r\n'
    return ("".join(parts) + file).encode(), f"\r\n--{BOUNDARY}--\r\n".encode()


def post_seconds(form: dict[str, Any], file: Path) -> float:
    """From the connection to the answer that says the bytes are durable."""
    url = httpx.URL(form["url"])
    before, behind = form_of(form["fields"])
    length = len(before) + file.stat().st_size + len(behind)
    head = f"POST {url.raw_path.decode()} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {length}\r\n"
    head += f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nConnection: close\r\n\r\n"
    began = time.monotonic()
    with socket.create_connection((HOST, url.port or 80), 60) as connection, file.open("rb") as source:
        connection.sendall(head.encode() + before)
        connection.sendfile(source)
        connection.sendall(behind)
        status = read_status(connection)
    if status != 204:
        raise RuntimeError(f"the upload was answered with {status}")
    return time.monotonic() - began


def read_status(connection: socket.socket) -> int:
    data = b""
    while (answer := answer_in(data)) is None or len(data) < answer[0]:
        if not (piece := connection.recv(65536)):
            break
        data += piece
    return int(data[9:12])


def upload(stage: Stage) -> Iterator[Row]:
    file = stage.scratch / "photograph.jpg"
    file.write_bytes(data := photograph_of(PHOTO_BYTES))
    times, digest = stage.times(20, 3), sha256(data).hexdigest()
    sent, copied, commits = [], [], []
    with stage.deployment.region("primary", stage.user) as http:
        for number in range(times):
            photo_id = f"upload-{number}"
            copied.append(dd_seconds(file, stage.scratch / "dd"))
            sent.append(post_seconds(announced(http, photo_id, len(data), digest), file))
            began = time.monotonic()
            http.post(f"/photos/{photo_id}/commit").raise_for_status()
            commits.append(time.monotonic() - began)
    speed, dd = (len(data) / 1_000_000 / percentile(each, 50) for each in (sent, copied))
    size = f"{len(data) / 1_000_000:.1f} MB"
    yield Row(f"photo upload, {size}", speed, "MB/s", Target(DD_SHARE * dd), Beside("dd with fsync", dd), f"median of {times}")
    note = "decoded, made anew, both pictures synced"
    yield Row(f"photo commit, {size}", percentile(commits, 50), "s", None, None, note)
    yield from memory(stage)


def memory(stage: Stage) -> Iterator[Row]:
    size = stage.times(1024, 64) * MEBIBYTE
    file = stage.scratch / "object"
    with file.open("wb") as made:
        made.truncate(size)
    with deployed(stage.scratch / "large", MULTIREGION_PHOTO_BYTES_MAX=str(2 * size)) as deployment:
        grown, seconds = growth_bytes(deployment, file, size)
    file.unlink()
    what = f"memory while {size // MEBIBYTE:,} MB arrive, growth"
    speed = f"{size / 1_000_000 / seconds:,.0f} MB/s"
    yield Row(what, grown / MEBIBYTE, "MB", at_most(MEMORY_GROWTH_MAX), None, speed)


def growth_bytes(deployment: Deployment, file: Path, size: int) -> tuple[int, float]:
    with file.open("rb") as source:
        digest = file_digest(source, "sha256").hexdigest()
    pid = deployment.pid("primary")
    with deployment.region("primary") as http:
        form = announced(http, "large", size, digest)
    forget_peak(pid)
    before = resident_bytes(pid)
    seconds = post_seconds(form, file)
    return peak_bytes(pid) - before, seconds
