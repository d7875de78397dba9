"""The three states over real processes: who hears of them, and that nothing is written where nothing may be."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from multiregion.config import Settings
from tests.acceptance.deployment import PASSWORD, Deployment, until, upload
from tests.acceptance.pictures import picture


@pytest.fixture(autouse=True)
def active_again(shared: Deployment) -> Iterator[None]:
    yield
    shared.run("failback")


@pytest.fixture(scope="module")
def ada(shared: Deployment) -> dict[str, str]:
    return shared.invite("ada")


@pytest.fixture(scope="module")
def photo(shared: Deployment, ada: dict[str, str]) -> str:
    with shared.region("primary", ada) as http:
        answer = upload(http, picture(1), caption="before")
    assert answer.status_code == 201, answer.text
    until(shared.level, "the photo is in both regions")
    return str(answer.json()["photoId"])


def contents(deployment: Deployment) -> tuple[Any, ...]:
    """What both regions hold, by their own summary of every record."""
    status = deployment.ask("status")["status"]
    return tuple((status[role]["sequence"], status[role]["content"]) for role in ("primary", "secondary"))


def test_a_change_of_state_reaches_both_regions_and_its_history_says_who_and_why(shared: Deployment) -> None:
    shared.run("state", "set", "fenced", "--reason", "maintenance tonight")
    for role in ("primary", "secondary"):
        document = shared.state(role)
        assert (document["state"], document["writer"]) == ("fenced", None)
        assert document["regions"] == {"primary": "us-east-1", "secondary": "ap-northeast-1"}
    newest = shared.ask("state", "history")["history"][0]
    assert (newest["state"], newest["reason"]) == ("fenced", "maintenance tonight") and newest["actor"]
    assert shared.ask("state", "get")["epoch"] == shared.state("secondary")["epoch"]


def test_epochs_only_grow_and_setting_what_is_changes_nothing(shared: Deployment) -> None:
    epochs = []
    for state in ("fenced", "fenced", "failover", "active", "active"):
        shared.run("state", "set", state)
        epochs.append(shared.ask("state", "get")["epoch"])
    first = epochs[0]
    assert epochs == [first, first, first + 1, first + 2, first + 2]


@pytest.mark.parametrize("state", ["Active", "FENCED", "off", "", "fail over"])
def test_a_state_that_is_not_one_of_the_three_is_refused(shared: Deployment, state: str) -> None:
    before = shared.ask("state", "get")
    done = shared.run("state", "set", state, code=2)
    assert "active, fenced, failover" in done.stderr
    answer = httpx.post(f"{shared.url('authority')}/operator/state", json={"state": state}, headers=shared.operator, trust_env=False)
    assert answer.status_code == 400 and answer.json()["field"] == "state"
    assert shared.ask("state", "get") == before


def test_only_operators_change_the_state(shared: Deployment, ada: dict[str, str]) -> None:
    for headers, status in (({}, 401), (ada, 403), ({"Authorization": "Bearer wrong"}, 401)):
        answer = httpx.post(f"{shared.url('authority')}/operator/state", json={"state": "fenced"}, headers=headers, trust_env=False)
        assert answer.status_code == status
    assert shared.ask("state", "get")["state"] == "active"


@pytest.mark.parametrize("role", ["primary", "secondary"])
def test_the_event_stream_tells_the_state_at_once_and_each_change(shared: Deployment, role: str) -> None:
    heard: list[dict[str, Any]] = []
    url = f"{shared.url(role)}/state/{shared.described()['appId']}/events"

    def listen() -> None:
        with httpx.stream("GET", url, timeout=30, trust_env=False) as response:
            for line in response.iter_lines():
                if line.startswith("data: "):
                    heard.append(json.loads(line.removeprefix("data: ")))
                if len(heard) == 3:
                    return

    listener = threading.Thread(target=listen)
    listener.start()
    until(lambda: heard, "the state at once")
    shared.run("state", "set", "fenced")
    until(lambda: len(heard) == 2, "the first change")
    shared.run("state", "set", "failover")
    listener.join(30)
    assert [document["state"] for document in heard] == ["active", "fenced", "failover"]


def test_an_unknown_application_is_told_apart(shared: Deployment) -> None:
    answer = httpx.get(f"{shared.url('primary')}/state/somebody-else", trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_application")


def switch(deployment: Deployment, state: str) -> None:
    deployment.run("failover" if state == "failover" else "state", *(() if state == "failover" else ("set", state)))


@pytest.mark.parametrize("state", ["fenced", "failover"])
@pytest.mark.parametrize("role", ["primary", "secondary"])
def test_nothing_is_written_by_a_stale_tab(shared: Deployment, ada: dict[str, str], photo: str, state: str, role: str) -> None:
    """A tab that still believes in the old epoch, and one that sends none: every write is refused, with the state to follow."""
    epoch = str(shared.state("primary")["epoch"])
    with shared.region("primary", ada) as http:
        ticket = http.post("/photos", json={"contentType": "image/jpeg", "size": len(picture(2)), "sha256": digest(picture(2))}).json()
        form = ticket["upload"]
        httpx.post(form["url"], data=form["fields"], files={"file": ("p", picture(2), "image/jpeg")}, trust_env=False).raise_for_status()
    switch(shared, state)
    before = contents(shared)
    for stale in ({}, {"Multiregion-Epoch": epoch}):
        with shared.region(role, {**ada, **stale}) as http:
            attempts = [
                http.post(f"/comments/{photo}", json={"message": "late"}),
                http.post("/photos", json={"contentType": "image/jpeg", "size": 10, "sha256": "0" * 64}),
                http.delete(f"/photos/{photo}"),
            ]
            if role == "primary":
                attempts.append(http.post(f"/photos/{ticket['photoId']}/commit"))
            assert [answer.status_code for answer in attempts] == [409] * len(attempts)
            for answer in attempts:
                assert answer.json()["code"] in ("fenced", "stale_epoch")
                assert answer.json()["state"]["state"] == state
            assert [c["message"] for c in http.get(f"/comments/{photo}").json()["comments"]] == []
            assert http.get("/photos").json()["photos"][-1]["photoId"] == photo
    assert contents(shared) == before


def digest(data: bytes) -> str:
    from hashlib import sha256

    return sha256(data).hexdigest()


@pytest.mark.parametrize("state", ["fenced", "failover"])
def test_nothing_is_written_by_curl(shared: Deployment, ada: dict[str, str], photo: str, state: str) -> None:
    switch(shared, state)
    before = contents(shared)
    for role in ("primary", "secondary"):
        command = ["curl", "-sS", "-w", "\n%{http_code}", "-X", "POST", f"{shared.url(role)}/comments/{photo}"]
        command += ["-H", f"Authorization: {ada['Authorization']}", "-H", "Content-Type: application/json", "-d", '{"message": "by hand"}']
        body, code = subprocess.run(command, capture_output=True, text=True, check=True).stdout.rsplit("\n", 1)
        assert (code, json.loads(body)["code"]) == ("409", "fenced")
    assert contents(shared) == before


@pytest.mark.parametrize("state", ["fenced", "failover"])
def test_nothing_is_written_by_boto3_but_signing_in_goes_on(shared: Deployment, ada: dict[str, str], state: str) -> None:
    switch(shared, state)
    before = contents(shared)
    described = shared.described()
    for role in ("primary", "secondary"):
        pool = boto3.client(
            "cognito-idp", endpoint_url=described[role]["url"], region_name=described[role]["region"],
            aws_access_key_id="operator", aws_secret_access_key=described["authority"]["operatorToken"],
        )  # fmt: skip
        with pytest.raises(ClientError) as refused:
            email = [{"Name": "email", "Value": "late@example.com"}]
            pool.admin_create_user(UserPoolId=described[role]["userPoolId"], Username=f"late-{role}", UserAttributes=email)
        assert refused.value.response["Error"]["Code"] == "FencedException"
        signed_in = pool.initiate_auth(
            ClientId=described[role]["clientId"], AuthFlow="USER_PASSWORD_AUTH", AuthParameters={"USERNAME": "ada", "PASSWORD": PASSWORD}
        )["AuthenticationResult"]
        with pytest.raises(ClientError) as refused:
            pool.change_password(AccessToken=signed_in["AccessToken"], PreviousPassword=PASSWORD, ProposedPassword="another-one-9")
        assert refused.value.response["Error"]["Code"] == "FencedException"
        again = pool.initiate_auth(
            ClientId=described[role]["clientId"], AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters={"REFRESH_TOKEN": signed_in["RefreshToken"]}
        )
        assert again["AuthenticationResult"]["IdToken"]
    assert contents(shared) == before


def test_the_same_session_is_good_in_the_other_region(shared: Deployment, ada: dict[str, str], photo: str) -> None:
    shared.run("failover")
    with shared.region("secondary", ada) as http:
        assert http.get("/photos").json()["photos"][-1]["photoId"] == photo
        picture_here = httpx.get(http.get("/photos").json()["photos"][-1]["url"], trust_env=False)
        assert picture_here.status_code == 200 and picture_here.headers["content-type"] == "image/jpeg"


def test_a_planned_failover_reports_each_step_and_ends_equal(shared: Deployment, photo: str) -> None:
    answer = shared.ask("failover", "--reason", "drill")
    names = [step["name"] for step in answer["steps"] if not step["name"].startswith("admit")]
    assert names == ["check", "repair", "fence", "drain", "verify", "hand over"]
    assert (answer["state"], answer["writer"]) == ("failover", None)
    assert shared.ask("verify")["equal"]


def test_a_planned_failover_to_a_lost_region_changes_nothing(shared: Deployment) -> None:
    before = shared.ask("state", "get")
    shared.kill("secondary")
    done = shared.run("failover", code=1)
    assert "does not answer" in done.stderr and "nothing was changed" in done.stderr
    assert shared.ask("state", "get") == before
    shared.restart("secondary")


def test_without_the_authority_reading_and_writing_go_on(shared: Deployment, ada: dict[str, str], photo: str) -> None:
    shared.kill("authority")
    done = shared.run("state", "set", "fenced", code=1)
    assert "authority" in done.stderr and "does not answer" in done.stderr
    with shared.region("primary", ada) as http:
        assert http.post(f"/comments/{photo}", json={"message": "still here"}).status_code == 201
    shared.restart("authority")
    shared.run("state", "set", "fenced")
    until(lambda: shared.state("secondary")["state"] == "fenced", "the state is heard again")


def test_whoever_is_locked_out_in_one_region_is_locked_out_in_the_other(shared: Deployment) -> None:
    client = shared.described()["primary"]["clientId"]
    guess = {"USERNAME": "mallory", "PASSWORD": "guessing-again-1"}

    def error(role: str) -> str:
        answer = shared.cognito(role, "InitiateAuth", ClientId=client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=guess)
        return str(answer.json()["__type"])

    until(lambda: error("primary") == "TooManyRequestsException", "the name is locked out in the primary")
    time.sleep(1)  # for the news to travel
    admitted = next(n for n in range(100) if error("secondary") == "TooManyRequestsException")
    assert admitted < Settings().attempts_per_user / 2, "guesses are counted in both regions"


def test_losing_the_primary_leaves_everything_readable_in_the_secondary(shared: Deployment, ada: dict[str, str], photo: str) -> None:
    shared.kill("primary")
    done = shared.run("state", "set", "failover")
    assert "will learn the state when it is back" in done.stdout
    assert done.stderr == "Warning. us-east-1 could not be told; it learns the state when it is back.\n"
    document = shared.state("secondary")
    assert (document["state"], document["writer"]) == ("failover", None)
    with shared.region("secondary", ada) as http:
        assert http.get("/photos").json()["photos"][-1]["photoId"] == photo
        assert http.post(f"/comments/{photo}", json={"message": "no"}).json()["code"] == "fenced"
    done = shared.run("state", "set", "fenced", code=1)
    assert "us-east-1 has not confirmed the fenced state, which is decided" in done.stderr
    shared.run("state", "set", "failover")
    shared.restart("primary")
    assert shared.state("primary")["state"] == "failover"
