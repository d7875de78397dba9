"""The finalizer and how functions are put inline: CloudFormation is answered whatever happens, and bundles are what they should be."""

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from infra import inline as inlining
from infra.inline import inline, ordered
from infra.lambdas import finalizer
from infra.lambdas.finalizer import Finalizer
from tests.infra.region import PREFIX, PRIMARY, SECONDARY, client, refusal, two_regions

STACK = f"arn:aws:cloudformation:{PRIMARY}:123456789012:stack/gallery/27e4f910-0666-47af-863f-267187809e9b"
PROPERTIES = {
    "Primary": PRIMARY,
    "Secondary": SECONDARY,
    "Prefix": PREFIX,
    "AppId": "app",
    "UserReplication": "profile",
    "WebBundleBucket": f"{PREFIX}-bundles",
    "WebBundleKey": "web.zip",
    "Labels": {PRIMARY: "N. Virginia"},
    "Limits": {"photoBytes": "26214400", "commentCharacters": "2000", "captionCharacters": "500"},
}
FOUND = {
    region: {
        "ApiUrl": f"https://api.{region}/v1",
        "RoutingUrl": f"https://state.{region}/v1",
        "UserPoolId": f"{region}_pool",
        "UserPoolClientId": "client",
    }
    for region in (PRIMARY, SECONDARY)
}


@pytest.fixture(scope="module", autouse=True)
def account() -> Iterator[None]:
    with two_regions():
        client("s3").create_bucket(Bucket=PROPERTIES["WebBundleBucket"])
        for region in (PRIMARY, SECONDARY):
            where = {} if region == PRIMARY else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            client("s3", region).create_bucket(Bucket=f"{PREFIX}-site-{region}", **where)
        yield


@pytest.fixture
def cloudformation() -> Iterator[tuple[str, list[Any]]]:
    """Where a custom resource's answer goes."""
    received: list[Any] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", received
    server.shutdown()
    server.server_close()
    thread.join()


def event(kind: str, url: str) -> dict[str, Any]:
    told = {"StackId": STACK, "RequestId": "r", "LogicalResourceId": "Finalize", "ResponseURL": url, "RequestType": kind}
    return {**told, "ResourceProperties": PROPERTIES}


def test_a_failure_is_told_with_its_reason(cloudformation: tuple[str, list[Any]]) -> None:
    finalizer.handler(event("Create", cloudformation[0]), None)
    (answer,) = cloudformation[1]
    assert (answer["Status"], answer["PhysicalResourceId"], answer["RequestId"]) == ("FAILED", "finalizer", "r")
    assert "StackSet" in answer["Reason"] and len(answer["Reason"]) < 1024


def test_deleting_goes_on_whatever_is_there_already(cloudformation: tuple[str, list[Any]]) -> None:
    finalizer.handler({**event("Delete", cloudformation[0]), "PhysicalResourceId": "mine"}, None)
    (answer,) = cloudformation[1]
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", "mine")


def test_deleting_goes_on_though_something_cannot_be_cleared(
    cloudformation: tuple[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Finalizer, region: str) -> None:
        raise refusal("AccessDenied")

    monkeypatch.setattr(Finalizer, "empty", refused)
    finalizer.handler(event("Delete", cloudformation[0]), None)
    assert cloudformation[1][0]["Status"] == "SUCCESS"


def bundle(**files: str) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_", "/", 1).replace("_", "."), text)
    client("s3").put_object(Bucket=PROPERTIES["WebBundleBucket"], Key="web.zip", Body=file.getvalue())


def site(region: str) -> dict[str, Any]:
    s3, bucket = client("s3", region), f"{PREFIX}-site-{region}"
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {key: s3.get_object(Bucket=bucket, Key=key) for key in keys}


def publish(**changes: Any) -> dict[str, dict[str, Any]]:
    made = Finalizer(PROPERTIES | changes, STACK)
    for region in (PRIMARY, SECONDARY):
        made.empty(region)
    made.publish(FOUND)
    return {region: site(region) for region in (PRIMARY, SECONDARY)}


def test_the_web_application_is_in_both_buckets_with_its_configuration() -> None:
    bundle(**{"index.html": "<p>", "assets_app.js": "1", "assets_app.js.br": "1", "mark.svg": "<svg>"})
    for files in publish().values():
        assert set(files) == {"index.html", "assets/app.js", "mark.svg", "uiConfig.json"}
        assert files["assets/app.js"]["CacheControl"] == "public, max-age=31536000, immutable"
        assert files["index.html"]["CacheControl"] == files["uiConfig.json"]["CacheControl"] == "no-cache"
        assert (files["index.html"]["ContentType"], files["mark.svg"]["ContentType"]) == ("text/html", "image/svg+xml")
        config = json.loads(files["uiConfig.json"]["Body"].read())
        assert (config["appId"], config["primary"], config["secondary"]) == ("app", PRIMARY, SECONDARY)
        assert config["limits"] == {"photoBytes": 26_214_400, "commentCharacters": 2_000, "captionCharacters": 500}
        second = config["regions"][SECONDARY]
        assert (second["apiUrl"], second["stateUrl"]) == (f"https://api.{SECONDARY}/v1", f"https://state.{SECONDARY}/v1/state/app")
        assert second["auth"]["userPoolEndpoint"] == f"https://cognito-idp.{SECONDARY}.amazonaws.com/"
        assert "eventsUrl" not in second


def test_without_a_bundle_the_page_says_how_to_upload_it() -> None:
    for files in publish(WebBundleKey="").values():
        page = files["index.html"]["Body"].read().decode()
        assert f"multiregion aws deploy --site-only --name gallery --region {PRIMARY}" in page


def test_a_zip_without_the_page_is_refused_before_anything_is_written() -> None:
    bundle(**{"readme.txt": "x"})
    with pytest.raises(ValueError, match=r"web\.zip is not a bundle"):
        publish()
    assert site(PRIMARY) == {}


def test_the_page_may_talk_to_exactly_both_regions() -> None:
    addresses = Finalizer(PROPERTIES, STACK).addresses(FOUND)
    apis = [f"https://{kind}.{region}" for region in (PRIMARY, SECONDARY) for kind in ("state", "api")]
    cognito = [f"https://cognito-idp.{region}.amazonaws.com" for region in (PRIMARY, SECONDARY)]
    assert addresses == [
        *apis,
        *cognito,
        *(f"https://{PREFIX}-photos-{region}.s3.{region}.amazonaws.com" for region in (PRIMARY, SECONDARY)),
    ]


# inline


@pytest.mark.parametrize("module", ["application", "state_updater", "user_exporter", "user_importer", "user_guard", "finalizer"])
def test_a_function_is_one_text_that_needs_nothing_of_ours(module: str) -> None:
    text = inline(module)
    scope: dict[str, Any] = {"__name__": "index"}
    exec(compile(text, "index.py", "exec"), scope)  # noqa: S102 - as the service does
    assert callable(scope["handler"])
    assert "infra" not in text and '"""' not in text
    assert inline(module) == text


def test_neighbours_come_first_and_once() -> None:
    names = ordered("application")
    assert len(names) == len(set(names)) and names[-1] == "application"
    assert names.index("items") < names.index("store") < names.index("comments") < names.index("photos")


def test_two_things_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.py").write_text("LIMIT = 1\n")
    (tmp_path / "two.py").write_text("from infra.lambdas.one import x\nLIMIT = 2\n")
    monkeypatch.setattr(inlining, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match="LIMIT is defined in one and in two"):
        inline("two")
