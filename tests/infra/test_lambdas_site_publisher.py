"""The function that carries the web application: what reaches the buckets, what a bundle has to be, and that the same files make the same
text."""

import io
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra import web_bundle
from infra.lambdas import site_publisher
from infra.lambdas.site_publisher import unpacked
from infra.web_bundle import packed
from multiregion.cloud.publish import packaged_bundle, site_files
from tests.infra.region import PREFIX, PRIMARY, SECONDARY, client, two_regions

BUNDLES = f"{PREFIX}-bundles"
BUCKETS = {region: f"{PREFIX}-site-{region}" for region in (PRIMARY, SECONDARY)}
FILES = {
    "assets/a-1.js": b"1",
    "assets/a-1.css": b"p{}",
    "assets/f-1.woff2": b"wOF2",
    "index.html": b"<p>",
    "licences/fonts.txt": b"\xc3\xa9",
    "mark.svg": b"<svg>",
}


@pytest.fixture(scope="module", autouse=True)
def account() -> Iterator[None]:
    with two_regions():
        client("s3").create_bucket(Bucket=BUNDLES)
        for region, bucket in BUCKETS.items():
            where: Any = {} if region == PRIMARY else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            client("s3", region).create_bucket(Bucket=bucket, **where)
        yield


@pytest.fixture(autouse=True)
def carried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_publisher, "BUNDLE", packed(FILES))
    for region, bucket in BUCKETS.items():
        for key in stored(region):
            client("s3", region).delete_object(Bucket=bucket, Key=key)


def stored(region: str) -> dict[str, Any]:
    s3 = client("s3", region)
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKETS[region]).get("Contents", [])]
    return {key: s3.get_object(Bucket=BUCKETS[region], Key=key) for key in keys}


def publish(**more: str) -> Any:
    return site_publisher.handler({"buckets": BUCKETS, "configuration": {"appId": "app"}, **more}, None)


def zipped(files: dict[str, bytes]) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    client("s3").put_object(Bucket=BUNDLES, Key="web.zip", Body=file.getvalue())


def test_the_web_application_is_in_both_buckets_with_types_cache_headers_and_configuration() -> None:
    assert publish(bucket="", key="") == {"files": 7}
    for region in BUCKETS:
        found = stored(region)
        assert {name: each["ContentType"] for name, each in found.items()} == {
            "assets/a-1.css": "text/css; charset=utf-8",
            "assets/a-1.js": "text/javascript; charset=utf-8",
            "assets/f-1.woff2": "font/woff2",
            "index.html": "text/html; charset=utf-8",
            "licences/fonts.txt": "text/plain; charset=utf-8",
            "mark.svg": "image/svg+xml",
            "uiConfig.json": "application/json",
        }
        lasting = {name for name, each in found.items() if each["CacheControl"] == "public, max-age=31536000, immutable"}
        assert lasting == {"assets/a-1.css", "assets/a-1.js", "assets/f-1.woff2"}
        assert {each["CacheControl"] for name, each in found.items() if name not in lasting} == {"no-cache"}
        assert {name: each["Body"].read() for name, each in found.items()} == {**FILES, "uiConfig.json": b'{\n "appId": "app"\n}'}


def test_every_file_of_the_web_application_has_a_type_of_its_own() -> None:
    kinds = {name.rpartition(".")[2] for name in site_files(web_bundle.FOLDER)}
    assert kinds and kinds <= set(site_publisher.TYPES)


def test_the_page_is_written_last(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    class Recording:
        def put_object(self, **given: Any) -> None:
            written.append(given["Key"])

    monkeypatch.setattr("infra.lambdas.site_publisher.boto3.client", lambda *_, **__: Recording())
    publish()
    assert [each for each in written if each == "index.html"] == [written[6], written[13]]


def test_another_bundle_comes_from_a_bucket_without_its_compressed_twins() -> None:
    zipped({"index.html": b"<b>", "assets/app.js": b"2", "assets/app.js.br": b"2"})
    publish(bucket=BUNDLES, key="web.zip")
    assert set(stored(SECONDARY)) == {"index.html", "assets/app.js", "uiConfig.json"}
    assert stored(PRIMARY)["index.html"]["Body"].read() == b"<b>"


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"readme.txt": b"x"}, r"web\.zip is not a bundle of the web application"),
        ({"index.html": b"", **{f"{number}.js": b"" for number in range(1_000)}}, "is not a bundle"),
        ({"index.html": b"", "zeros.js": bytes(50_000_001)}, r"web\.zip has more than 50000000 bytes"),
    ],
)
def test_what_is_no_bundle_is_refused_before_anything_is_written(files: dict[str, bytes], reason: str) -> None:
    zipped(files)
    with pytest.raises(ValueError, match=reason):
        publish(bucket=BUNDLES, key="web.zip")
    assert stored(PRIMARY) == stored(SECONDARY) == {}


# the text


def folder_of(files: dict[str, bytes], folder: Path, seconds: int) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        os.utime(folder / name, (seconds, seconds))
    return folder


def test_the_same_files_make_the_same_text_whenever_and_in_whatever_order_they_were_written(tmp_path: Path) -> None:
    one = folder_of(FILES, tmp_path / "one", 1)
    other = folder_of(dict(reversed(FILES.items())), tmp_path / "other", 1_000_000_000)
    assert packed(site_files(one)) == packed(dict(reversed(site_files(other).items())))
    assert unpacked(packed(FILES)) == FILES


def test_nothing_in_the_text_looks_like_a_place_to_fill_in_or_ends_a_string() -> None:
    text = packed({"index.html": os.urandom(100_000)})
    assert not set("$'\"\\\n") & set(text)


def test_twins_and_what_begins_with_a_dot_are_not_published(tmp_path: Path) -> None:
    hidden = {".inputs.sha256": b"x", ".vite/manifest.json": b"{}", "assets/.keep": b"", "assets/a-1.js.br": b"x", "assets/a-1.js.gz": b"x"}
    folder = folder_of({**FILES, **hidden}, tmp_path, 1)
    assert site_files(folder) == FILES
    zip = packaged_bundle(folder)
    assert zip is not None and sorted(zipfile.ZipFile(io.BytesIO(zip.body)).namelist()) == sorted(FILES)


def template_with(text: str, file: Path) -> Path:
    publisher = {"Properties": {"Code": {"ZipFile": f"import lzma\nBUNDLE = {text!r}\nFILES_MAX = 1\n"}}}
    file.write_text(json.dumps({"Resources": {"SitePublisher": publisher}}))
    return file


def checkout(folder: Path, *, fresh: bool) -> Path:
    """With a script that says whether the web application is built from the sources as they are."""
    (folder / "scripts").mkdir()
    script = f"class WebApp:\n    def __init__(self, root): pass\n    def is_fresh(self): return {fresh}\n"
    (folder / "scripts" / "build_web.py").write_text(script)
    return folder


def test_a_text_that_holds_the_same_files_is_kept_however_it_was_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of liblzma packs the same bytes differently."""
    monkeypatch.setattr(web_bundle, "ROOT", checkout(tmp_path, fresh=True))
    files = site_files(web_bundle.FOLDER)
    monkeypatch.setattr(web_bundle, "PRESET", 1)
    before = packed(files)
    monkeypatch.setattr(web_bundle, "PRESET", 6)
    assert web_bundle.bundle(template_with(before, tmp_path / "same")) == before != packed(files)
    changed = packed({**files, "index.html": b"changed"})
    assert web_bundle.bundle(template_with(changed, tmp_path / "changed")) == packed(files)
    assert web_bundle.bundle(tmp_path / "missing") == packed(files)


def test_a_bundle_of_other_sources_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_bundle, "ROOT", checkout(tmp_path, fresh=False))
    with pytest.raises(web_bundle.StaleWebApplication, match="make web"):
        web_bundle.bundle(tmp_path / "template")
