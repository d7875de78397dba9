"""Puts the web application and its configuration into the site buckets of both regions: the bundle that this function carries, or another
one from a bucket."""

import base64
import io
import json
import lzma
import tarfile
import zipfile
from typing import Any

import boto3
from botocore.config import Config

PATIENCE = Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard", "max_attempts": 5})
BUNDLE = ""
"""Base85 of a tar.xz, put in when the template is made."""
BUNDLE_BYTES_MAX, FILES_MAX = 50_000_000, 1_000
PAGE, CONFIGURATION = "index.html", "uiConfig.json"
FOREVER, ASK_AGAIN = "public, max-age=31536000, immutable", "no-cache"
PRECOMPRESSED = (".br", ".gz")
TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "ico": "image/x-icon",
    "jpg": "image/jpeg",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "map": "application/json",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "wasm": "application/wasm",
    "webmanifest": "application/manifest+json",
    "webp": "image/webp",
    "woff2": "font/woff2",
}


def encoded(data: bytes) -> str:
    """Base85 without `$`, which followed by `{` would look like a place for CloudFormation to fill in."""
    return base64.b85encode(data).decode().replace("$", ".")


def unpacked(text: str) -> dict[str, bytes]:
    """The files of the bundle by their path."""
    data = lzma.decompress(base64.b85decode(text.replace(".", "$")))
    files = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for entry in archive:
            content = archive.extractfile(entry)
            assert content is not None, f"{entry.name} is no file"
            files[entry.name] = content.read()
    return files


def fetched(bucket: str, key: str) -> dict[str, bytes]:
    """The files of a zip in a bucket. CloudFront compresses by itself. Raises ValueError for another archive, or one too large."""
    body = boto3.client("s3", config=PATIENCE).get_object(Bucket=bucket, Key=key)["Body"].read(BUNDLE_BYTES_MAX + 1)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        entries = [each for each in archive.infolist() if not each.is_dir() and not each.filename.endswith(PRECOMPRESSED)]
        if len(entries) > FILES_MAX or PAGE not in [each.filename for each in entries]:
            raise ValueError(f"{key} is not a bundle of the web application")
        if max(len(body), sum(each.file_size for each in entries)) > BUNDLE_BYTES_MAX:
            raise ValueError(f"{key} has more than {BUNDLE_BYTES_MAX} bytes")
        return {each.filename: archive.read(each) for each in entries}


def publish(files: dict[str, bytes], buckets: dict[str, str]) -> None:
    """The page last, so that it never names a file that is not there yet."""
    for region, bucket in buckets.items():
        s3 = boto3.client("s3", region_name=region, config=PATIENCE)
        for name in sorted(files, key=lambda each: each == PAGE):
            kind = TYPES.get(name.rpartition(".")[2], "application/octet-stream")
            lasting = FOREVER if name.startswith("assets/") else ASK_AGAIN
            s3.put_object(Bucket=bucket, Key=name, Body=files[name], ContentType=kind, CacheControl=lasting)


def handler(event: Any, context: Any) -> Any:
    """`buckets` by region, `configuration` for the page; for another bundle than this function's own also `bucket` and `key` of its zip."""
    files = fetched(event["bucket"], event["key"]) if event.get("key") else unpacked(BUNDLE)
    files[CONFIGURATION] = json.dumps(event["configuration"], indent=1).encode()
    publish(files, event["buckets"])
    return {"files": len(files)}
