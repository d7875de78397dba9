"""Regions on existing engines: real processes over a DynamoDB and an S3 that other programs serve."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.acceptance.browsing import OpenPage, open_console, section
from tests.acceptance.deployment import answers, free_base, until, upload
from tests.acceptance.engines import EngineDeployment, on_engines
from tests.acceptance.pictures import picture
from tests.engines import CREDENTIALS, EngineProcess, fresh_name

PAGE = Path(__file__).resolve().parents[2] / "docs" / "engines.md"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, engines: EngineProcess) -> Iterator[EngineDeployment]:
    with on_engines(tmp_path_factory.mktemp("engines"), engines, drain_seconds="6", engine_heartbeat_seconds="0.2") as deployment:
        yield deployment


@pytest.fixture
def fresh(tmp_path: Path, engines: EngineProcess) -> Iterator[EngineDeployment]:
    with on_engines(tmp_path, engines, drain_seconds="6", engine_heartbeat_seconds="0.2") as deployment:
        yield deployment


def from_the_page(engines: EngineProcess, folder: Path, port: int) -> Path:
    """The page's configuration of a region, with the test's engines and a port that is free."""
    part = json.loads(re.findall(r"^```json\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)[1])
    where = {"dynamodbEndpoint": engines.url, "s3Endpoint": engines.url, "table": fresh_name(), "create": True}
    part |= {"host": "127.0.0.1", "port": port, "data": str(folder / "data"), "engines": {**part["engines"], **where}}
    part["deployment"]["authority"] = "http://127.0.0.1:9"
    file = folder / "primary.json"
    file.write_text(json.dumps(part))
    return file


def test_the_configuration_of_the_documentation_starts_a_region(tmp_path: Path, engines: EngineProcess) -> None:
    port = free_base()
    command = [sys.executable, "-m", "multiregion", "serve", "region", "--config", str(from_the_page(engines, tmp_path, port))]
    process = subprocess.Popen(command, env={**os.environ, **CREDENTIALS})
    try:
        until(lambda: process.poll() is not None or answers(f"http://127.0.0.1:{port}/healthz"), "it answers")
        ready = httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False)
        assert ready.status_code == 503 and "waits for the authority" in ready.json()["reasons"][0]
        assert httpx.get(f"http://127.0.0.1:{port}/state/example", trust_env=False).json()["state"] == "fenced"
    finally:
        process.terminate()
        process.wait(60)


def test_engines_that_are_not_there_stop_a_region_with_a_plain_sentence(tmp_path: Path, engines: EngineProcess) -> None:
    file = from_the_page(engines, tmp_path, free_base())
    file.write_text(file.read_text().replace('"create": true', '"create": false'))
    command = [sys.executable, "-m", "multiregion", "serve", "region", "--config", str(file)]
    done = subprocess.run(command, env={**os.environ, **CREDENTIALS}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert re.search(r"the table multiregion-\S+ in us-east-1\s+cannot be used", done.stderr)


def photo_ids(http: httpx.Client) -> list[str]:
    return [photo["photoId"] for photo in http.get("/photos").raise_for_status().json()["photos"]]


def comments(http: httpx.Client, photo_id: str) -> list[str]:
    return [comment["commentId"] for comment in http.get(f"/comments/{photo_id}").raise_for_status().json()["comments"]]


def say(http: httpx.Client, photo_id: str, id: str) -> httpx.Response:
    return http.post(f"/comments/{photo_id}", json={"message": f"said {id}", "commentId": id})


def test_a_photo_goes_in_by_ticket_and_is_seen_in_the_other_region_with_the_same_session(shared: EngineDeployment) -> None:
    ada = shared.invite("ada")
    with shared.region("primary", ada) as here, shared.region("secondary", ada) as there:
        made = upload(here, picture(1), caption="On the engines")
        assert made.status_code == 201, made.text
        photo = made.json()
        assert say(here, photo["photoId"], "c1").status_code == 201
        until(lambda: there.get("/photos").status_code == 200 and photo["photoId"] in photo_ids(there), "the photo is in the secondary")
        until(lambda: comments(there, photo["photoId"]) == ["c1"], "the comment is in the secondary")
        (seen,) = [each for each in there.get("/photos").json()["photos"] if each["photoId"] == photo["photoId"]]
    shown = httpx.get(seen["url"], trust_env=False)
    assert shown.headers["content-type"] == "image/jpeg" and sha256(shown.content).hexdigest() == photo["sha256"]
    assert seen["caption"] == "On the engines" and seen["user"] == "ada" and "ap-northeast-1" in seen["url"]


def test_a_write_in_the_wrong_region_and_at_a_stale_epoch_is_refused_and_leaves_nothing(shared: EngineDeployment) -> None:
    with shared.region("primary") as here, shared.region("secondary") as there:
        photo_id = upload(here, picture(2)).json()["photoId"]
        until(lambda: photo_id in photo_ids(there), "the photo is in the secondary")
        wrong = say(there, photo_id, "wrong")
        assert (wrong.status_code, wrong.json()["code"], wrong.json()["state"]["writer"]) == (409, "fenced", "us-east-1")
        stale = here.post(f"/comments/{photo_id}", json={"message": "late"}, headers={"Multiregion-Epoch": "99"})
        assert (stale.status_code, stale.json()["code"]) == (409, "stale_epoch")
        assert say(httpx.Client(base_url=here.base_url, trust_env=False), photo_id, "nobody").status_code == 401
    assert [shared.items(role, f"comments/{photo_id}") for role in ("primary", "secondary")] == [[], []]


def test_while_fenced_nothing_is_written_anywhere_and_everything_is_read(shared: EngineDeployment) -> None:
    with shared.region("primary") as here, shared.region("secondary") as there:
        photo_id = upload(here, picture(3)).json()["photoId"]
        until(lambda: photo_id in photo_ids(there), "the photo is in the secondary")
        shared.finish("state", "set", "fenced", "--reason", "maintenance")
        try:
            refused = [say(http, photo_id, "late") for http in (here, there)] + [
                here.delete(f"/photos/{photo_id}"),
                upload(here, picture(4)),
            ]
            assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(409, "fenced")] * 4
            assert photo_id in photo_ids(here) and photo_id in photo_ids(there)
        finally:
            shared.finish("state", "set", "active")
        assert say(here, photo_id, "again").status_code == 201
    assert [item["id"]["S"] for item in shared.items("primary", f"comments/{photo_id}")] == ["again"]


def test_the_console_shows_regions_whose_engines_count_no_changes(shared: EngineDeployment, open_page: OpenPage) -> None:
    shared.serve("edge")
    invited = shared.ask("user", "add", "olga", "--email", "olga@example.com", "--operator")
    shared.sign_in("primary", "olga", invited["temporaryPassword"])
    page = open_page()
    open_console(page, shared, "olga")
    for region in ("N. Virginia, primary", "Tokyo, secondary"):
        card = section(page, region)
        expect(card.get_by_text("Users")).to_be_visible()
        expect(card.get_by_text("Last change")).to_have_count(0)
    expect(section(page, "History")).to_be_visible()


def lags(deployment: EngineDeployment) -> list[float | None]:
    """None where it is not known, or the region did not answer in time."""
    status = deployment.ask("status", code=None)["status"]
    return [status[role].get("lag", {}).get("seconds") for role in ("primary", "secondary")]


def test_the_lag_is_known_in_seconds_and_grows_while_nothing_is_replicated(shared: EngineDeployment) -> None:
    until(lambda: None not in lags(shared), "both know their lag")
    assert shared.replicator is not None
    shared.replicator.cut_off()
    try:
        until(lambda: all(lag is not None and lag > 5 for lag in lags(shared)), "the lag has grown")
    finally:
        shared.replicator.cut.clear()
    until(lambda: all(lag is not None and lag < 5 for lag in lags(shared)), "the lag is short again")
    status = shared.run("status").stdout
    assert "changes unknown" in status and "N. Virginia" in status


def test_a_planned_switch_waits_until_the_other_region_has_everything(fresh: EngineDeployment) -> None:
    assert fresh.replicator is not None
    with fresh.region("primary") as here, fresh.region("secondary") as there:
        photo_id = upload(here, picture(5)).json()["photoId"]
        until(lambda: there.get("/photos").status_code == 200 and photo_id in photo_ids(there), "the photo is in the secondary")
        fresh.replicator.cut_off()
        assert say(here, photo_id, "last").status_code == 201
        until(lambda: "has not caught up" in fresh.run("failover", "--writable", code=1).stderr, "the switch waits in vain")
        assert fresh.ask("state", "get")["state"] == "fenced"
        fresh.replicator.cut.clear()
        fresh.finish("failover", "--writable")
        assert comments(there, photo_id) == ["last"]
        assert say(there, photo_id, "there").status_code == 201 and say(here, photo_id, "here").json()["code"] == "fenced"
        assert there.delete(f"/photos/{photo_id}").status_code == 204
        fresh.finish("failback")
        assert photo_ids(here) == [] and upload(here, picture(6)).status_code == 201
    fresh.finish("verify")


def test_what_a_lost_region_had_not_replicated_arrives_when_it_is_back(fresh: EngineDeployment) -> None:
    assert fresh.replicator is not None
    with fresh.region("primary") as here, fresh.region("secondary") as there:
        photo_id = upload(here, picture(7)).json()["photoId"]
        until(lambda: there.get("/photos").status_code == 200 and photo_id in photo_ids(there), "the photo is in the secondary")
        until(lambda: None not in lags(fresh), "the secondary has heard from the primary")
        fresh.replicator.cut_off()
        assert say(here, photo_id, "unreplicated").status_code == 201
        fresh.kill("primary")
        taken = fresh.run("failover", "--writable", "--region-lost", "--accept-loss", code=None)
        assert "whatever was written in the last" in taken.stdout + taken.stderr
        assert say(there, photo_id, "after").status_code == 201 and comments(there, photo_id) == ["after"]
        fresh.serve("primary")
        assert say(here, photo_id, "stale").json()["code"] == "fenced"
        fresh.replicator.cut.clear()
        for http in (here, there):
            until(lambda http=http: comments(http, photo_id) == ["unreplicated", "after"], "both regions have both")  # type: ignore[misc]
        late = [item for item in fresh.items("secondary", f"comments/{photo_id}") if item["epoch"]["N"] == "1"]
        assert [(item["id"]["S"], item["region"]["S"]) for item in late] == [("unreplicated", "us-east-1")]
        fresh.finish("failback")
    fresh.finish("verify")


def test_an_application_of_ones_own_runs_on_engines(tmp_path: Path, engines: EngineProcess) -> None:
    with (
        on_engines(tmp_path, engines, "todo:app", drain_seconds="6", engine_heartbeat_seconds="0.2") as deployment,
        deployment.region("primary", {}) as here,
        deployment.region("secondary", {}) as there,
    ):

        def listed(http: httpx.Client) -> list[str]:
            return [each["what"] for each in http.get("/todos").raise_for_status().json()]

        def add(http: httpx.Client, what: str) -> httpx.Response:
            return http.post("/todos", json={"id": what, "what": what})

        assert add(here, "bread").status_code == 201
        until(lambda: listed(there) == ["bread"], "what was written is in the other region")
        assert add(there, "nowhere").json()["code"] == "fenced"
        deployment.finish("failover", "--writable")
        assert add(there, "milk").status_code == 201 and add(here, "nowhere").json()["code"] == "fenced"
        deployment.finish("failback")
        until(lambda: listed(here) == listed(there) == ["bread", "milk"], "both regions have both")
        assert deployment.ask("status", code=None)["status"]["primary"]["counts"]["todos"] == 2
