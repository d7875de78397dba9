"""`multiregion up` as a stranger meets it: starting, stopping, starting again, and every way it can be refused."""

import json
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import msgspec
import pytest

from tests.acceptance.deployment import PASSWORD, Deployment, free_base, runs, until, upload
from tests.acceptance.pictures import picture

PARTS = ("wire", "authority", "primary", "secondary", "edge")


def refused(data: Path, port: int, *options: str, code: int = 1) -> str:
    """What `up` says when it does not start."""
    deployment = Deployment(data, port)
    done = deployment.run("up", "--port", str(port), *options, code=code)
    return " ".join((done.stdout + done.stderr).split())


def test_it_prints_where_to_click_and_how_to_sign_in(shared: Deployment) -> None:
    described = shared.described()
    said = shared.said()
    assert described["edge"] in said
    assert described["admin"]["temporaryPassword"] in said
    assert httpx.get(f"{described['edge']}/uiConfig.json", trust_env=False).json()["appId"] == described["appId"]


def test_for_scripts_it_prints_one_line_when_it_is_ready(tmp_path: Path) -> None:
    data, errors = tmp_path / "data", tmp_path / "errors.log"
    command = [sys.executable, "-m", "multiregion", "up", "--json", "--data", str(data), "--port", str(free_base())]
    with errors.open("w") as heard, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=heard, text=True) as process:
        try:
            assert process.stdout is not None
            said = json.loads(process.stdout.readline())
            pids = said.pop("processes")
            assert pids == json.loads((data / "processes.json").read_text()) and pids.keys() == set(PARTS)
            assert said == json.loads((data / "deployment.json").read_text())
            assert httpx.get(said["secondary"]["url"] + "/readyz", trust_env=False).status_code == 200
        finally:
            process.send_signal(signal.SIGINT)
        assert process.stdout.read() == ""
    assert process.returncode == 0
    assert "Stopping" in errors.read_text() and said["admin"]["temporaryPassword"] not in errors.read_text()


def test_a_setting_of_the_application_that_is_no_number_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MULTIREGION_COMMENT_CHARACTERS_MAX", "many")
    said = refused(tmp_path / "data", free_base(), code=2)
    assert "MULTIREGION_COMMENT_CHARACTERS_MAX must be a whole number above 0" in said
    assert not (tmp_path / "data" / "processes.json").exists()


def test_every_part_is_a_process_of_its_own(shared: Deployment) -> None:
    pids = {shared.pid(part) for part in PARTS}
    assert len(pids) == len(PARTS) and all(runs(pid) for pid in pids)


def test_what_is_secret_is_readable_by_its_owner_only(shared: Deployment) -> None:
    files = [shared.data / "deployment.json", shared.data / "format.json", *(shared.data / "config").iterdir()]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600] * len(files)


def test_a_second_up_in_the_same_folder_is_refused(shared: Deployment) -> None:
    said = refused(shared.data, free_base())
    assert "in use by another `multiregion up`" in said and str(shared.process and shared.process.pid) in said and "--data" in said


def test_a_taken_port_is_named_with_the_option_that_changes_it(tmp_path: Path) -> None:
    base = free_base()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", base + 2))
        taken.listen()
        said = refused(tmp_path / "data", base)
    assert f"port {base + 2}" in said and "the secondary" in said and "--port" in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_and_the_next_up_finds_everything(fresh: Deployment, number: signal.Signals) -> None:
    with fresh.region("primary") as http:
        photo = upload(http, picture(1), caption="kept").json()
    pids = [fresh.pid(part) for part in PARTS]
    before = fresh.described()
    assert fresh.stop(number) == 0
    assert not any(runs(pid) for pid in pids)
    assert "Traceback" not in fresh.said()
    fresh.start()
    assert {name: fresh.described()[name] for name in ("appId", "primary", "secondary")} == {
        name: before[name] for name in ("appId", "primary", "secondary")
    }
    for role in ("primary", "secondary"):
        with fresh.region(role) as http:
            (found,) = http.get("/photos").json()["photos"]
            assert (found["photoId"], found["caption"]) == (photo["photoId"], "kept")


def test_the_authority_knows_what_was_written_until_an_orderly_stop(fresh: Deployment) -> None:
    with fresh.region("primary") as http:
        photo = upload(http, picture(1)).json()["photoId"]
        for number in range(20):
            assert http.post(f"/comments/{photo}", json={"message": f"{number}"}).status_code == 201
    assert fresh.stop() == 0
    with closing(sqlite3.connect(fresh.data / "primary" / "region.db")) as db:
        (sequence,) = db.execute("SELECT log_sequence FROM region").fetchone()
    with closing(sqlite3.connect(fresh.data / "authority" / "authority.db")) as db:
        (report,) = db.execute("SELECT body FROM report WHERE role = 'primary'").fetchone()
    assert str(sequence) in report.decode() and msgspec.json.decode(report)["end"]["position"]["sequence"] == sequence


def test_a_folder_is_served_by_one_process_at_a_time(shared: Deployment, tmp_path: Path) -> None:
    for part in ("primary", "authority"):
        config = msgspec.json.decode((shared.data / "config" / f"{part}.json").read_bytes())
        elsewhere = tmp_path / f"{part}.json"
        elsewhere.write_bytes(msgspec.json.encode({**config, "port": free_base()}))
        command = [sys.executable, "-m", "multiregion", "serve", config["part"], "--config", str(elsewhere)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and f"is served by another process ({shared.pid(part)})" in " ".join(done.stderr.split())


def test_nothing_is_left_behind_when_up_itself_is_killed(fresh: Deployment) -> None:
    pids = [fresh.pid(part) for part in PARTS]
    assert fresh.process is not None
    fresh.process.kill()
    fresh.process.wait()
    until(lambda: not any(runs(pid) for pid in pids), "every part has ended")
    fresh.start()
    assert fresh.ask("status")["state"] == "active"


def test_the_temporary_password_is_forgotten_once_it_was_changed(fresh: Deployment) -> None:
    fresh.sign_in("primary", "admin", fresh.described()["admin"]["temporaryPassword"])
    until(lambda: "temporaryPassword" not in fresh.described()["admin"], "the password is no longer in deployment.json")
    fresh.stop()
    fresh.start()
    assert "the one you chose" in fresh.said()
    assert "IdToken" in fresh.sign_in("primary", "admin", PASSWORD)


def test_a_region_starts_and_waits_while_the_other_is_unreachable(fresh: Deployment) -> None:
    pids = {part: fresh.pid(part) for part in ("primary", "secondary")}
    fresh.kill("secondary")
    assert fresh.ask("chaos", "freeze", "us-east-1") == {"did": "freeze", "region": "us-east-1", "process": pids["primary"]}
    assert fresh.ask("chaos", "resume", "us-east-1") == {"did": "resume", "region": "us-east-1", "process": pids["primary"]}
    assert fresh.ask("chaos", "kill", "primary") == {"did": "kill", "region": "primary", "process": pids["primary"]}
    until(lambda: not runs(pids["primary"]), "the primary is gone")
    assert "has no process" in fresh.run("chaos", "kill", "primary", code=1).stderr
    assert fresh.ask("chaos", "start", "primary") == {"did": "start", "region": "primary"}
    with fresh.region("primary") as http:
        ready = http.get("/readyz")
        assert ready.status_code == 200 and "the other region does not answer" in ready.json()["reasons"][0]
        assert ready.json()["lag"] == {"seconds": None, "changes": None, "bytes": None}
        assert upload(http, picture(1)).status_code == 201
    fresh.restart("secondary")
    until(fresh.level, "the secondary has caught up")


def test_a_folder_of_a_newer_version_is_refused_and_left_as_it_is(fresh: Deployment) -> None:
    fresh.stop()
    file = fresh.data / "format.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 99}))
    before = {each: each.read_bytes() for each in fresh.data.rglob("*.json")}
    said = refused(fresh.data, fresh.port)
    assert "newer multiregion" in said and "Traceback" not in said
    assert {each: each.read_bytes() for each in fresh.data.rglob("*.json")} == before


@pytest.mark.parametrize("content", ["{", None], ids=["damaged", "missing"])
def test_what_a_deployment_is_is_found_again_in_its_configurations(fresh: Deployment, content: str | None) -> None:
    fresh.stop()
    file = fresh.data / "format.json"
    before = json.loads(file.read_text())
    file.unlink()
    if content is not None:
        file.write_text(content)
    fresh.start()
    assert json.loads(file.read_text()) == before


@pytest.mark.parametrize("role", ["primary", "secondary"])
def test_a_region_that_lost_its_file_copies_everything_from_the_other(fresh: Deployment, role: str) -> None:
    with fresh.region("primary") as http:
        upload(http, picture(1), caption="copied")
    until(fresh.level, "both regions are level")
    fresh.stop()
    for file in (fresh.data / role).rglob("*"):
        if file.is_file():
            file.unlink()
    fresh.start()
    until(fresh.level, "it has everything again")
    assert fresh.ask("verify")["equal"]
    with fresh.region("primary") as http:
        assert [photo["caption"] for photo in http.get("/photos").json()["photos"]] == ["copied"]
        assert upload(http, picture(2)).status_code == 201


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--primary", "eu-west-1", "--secondary", "eu-west-1"), "must be two regions"),
        (("--port", "80"), "not between 1024 and 65535"),
    ],
)
def test_options_that_cannot_be_meant(tmp_path: Path, options: tuple[str, ...], expected: str) -> None:
    assert expected in refused(tmp_path / "data", free_base(), *options)


def test_a_folder_of_other_regions_is_refused(fresh: Deployment) -> None:
    fresh.stop()
    said = refused(fresh.data, fresh.port, "--primary", "eu-west-1")
    assert "was made for us-east-1 and ap-northeast-1" in said


def test_a_command_without_a_deployment_says_what_to_do(tmp_path: Path) -> None:
    done = Deployment(tmp_path / "nowhere", 0).run("status", code=1)
    assert "multiregion up" in done.stderr and done.stdout == ""
