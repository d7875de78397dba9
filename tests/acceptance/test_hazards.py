"""The hazards of two-region systems that no other module shows, each over real processes, signals and the real wire."""

import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from typing import Any

import httpx
import pytest

from tests.acceptance.clients import ROLES, more_writes, writing
from tests.acceptance.deployment import PASSWORD, Deployment, deployed, upload
from tests.acceptance.operators import Operator, Refused
from tests.acceptance.pictures import picture
from tests.acceptance.verdict import judge

DRAIN_SECONDS = 2.0
ROUNDS = 10
FAR_MILLISECONDS = 9_000
NAMES = count()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(tmp_path_factory.mktemp("hazards"), MULTIREGION_DRAIN_SECONDS=str(DRAIN_SECONDS)) as deployment:
        with deployment.region("primary") as http:
            assert upload(http, picture(0), photoId="subject").status_code == 201
        yield deployment


@pytest.fixture
def operator(running: Deployment) -> Iterator[Operator]:
    """Someone at the authority of a deployment that is active and level; and that is so again afterwards."""
    someone = Operator(running)
    someone.until_level()
    yield someone
    make_whole(running, someone)


def make_whole(running: Deployment, operator: Operator) -> None:
    running.change_wire(cut=False, delay_milliseconds=0)
    for part in ("authority", *ROLES):
        running.bring_back(part)
    operator.until_level()
    operator.settle_all()
    operator.change("failback")
    operator.until_level()


def fresh_name(prefix: str) -> str:
    return f"{prefix}{next(NAMES)}"


def say(deployment: Deployment, role: str, id: str) -> int:
    with deployment.region(role) as http:
        return http.post("/comments/subject", json={"message": f"I am {id}", "commentId": id}).status_code


# The line


@pytest.mark.parametrize("to", ROLES)
def test_a_line_that_is_cut_one_way_stops_a_switch_and_loses_nothing(running: Deployment, operator: Operator, to: str) -> None:
    """Nothing reaches the secondary: the drain gives up, says how to go on and back, and both work."""
    with writing(running, "subject", 3, readers=1, follow=True, name=fresh_name("oneway")) as heard:
        running.change_wire(cut=True, to=to)
        more_writes(heard, 20)
        with pytest.raises(Refused, match=r"stays fenced\. Run the same command again .* or `multiregion state set active` to go back"):
            operator.change("failover", writable=True)
        assert operator.state()["state"] == "fenced"
        operator.change("state", state="active")
        more_writes(heard, 5)
        running.change_wire(cut=False)
        assert operator.change("failover", writable=True)["writer"] == "ap-northeast-1"
        more_writes(heard, 5, "secondary")
    assert heard.unserved == [] and heard.unknown == set()
    assert judge(running, operator, "subject", heard).lost == []


def test_with_150_milliseconds_each_way_a_switch_there_and_back_loses_nothing(running: Deployment, operator: Operator) -> None:
    running.change_wire(delay_milliseconds=150)
    with writing(running, "subject", 3, readers=1, follow=True, name=fresh_name("slow")) as heard:
        for writer, role in (("ap-northeast-1", "secondary"), ("us-east-1", "primary")):
            assert operator.change("switchover")["writer"] == writer
            more_writes(heard, 10, role)
    assert heard.unserved == [] and heard.unknown == set()
    assert judge(running, operator, "subject", heard).lost == []


def test_with_150_milliseconds_each_way_a_takeover_is_answered_for(running: Deployment, operator: Operator) -> None:
    running.change_wire(delay_milliseconds=150)
    with writing(running, "subject", 3, readers=1, follow=True, name=fresh_name("far")) as heard:
        more_writes(heard, 30)
        running.change_wire(delay_milliseconds=FAR_MILLISECONDS)  # what is written from here on is lost, however slow this machine is
        more_writes(heard, 3, "primary")
        running.kill("primary")
        operator.takes_over()
        running.change_wire(delay_milliseconds=150)
        more_writes(heard, 5, "secondary")
        running.restart("primary")
    assert heard.unserved == []
    assert judge(running, operator, "subject", heard).lost


# A second failure, in every state

STATES: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "active": [],
    "fenced": [("state", {"state": "fenced"})],
    "failover": [("failover", {})],
    "failover-writable": [("failover", {"writable": True})],
}
FAILURES = {"primary": ["primary"], "secondary": ["secondary"], "authority": ["authority"], "both": ["primary", "secondary"]}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("state", STATES)
def test_every_failure_in_every_state_has_a_way_out(running: Deployment, operator: Operator, state: str, failure: str) -> None:
    """With one region left, it can be made to write; whoever comes back joins; and in the end it is as it was before."""
    for path, body in STATES[state]:
        operator.change(path, **body)
    for part in FAILURES[failure]:
        running.kill(part)
    if failure == "both":
        with pytest.raises(Refused, match=r"does not answer|has not confirmed"):
            operator.takes_over()
    elif failure == "authority":
        with pytest.raises(httpx.HTTPError):
            operator.change("failback")
        running.restart("authority")
    else:
        survivor = ROLES[1 - ROLES.index(failure)]
        rescue(operator, survivor)
        assert say(running, survivor, fresh_name("rescued-")) == 201
    make_whole(running, operator)
    assert say(running, "primary", fresh_name("whole-")) == 201
    operator.until_level()
    assert operator.is_equal()


def rescue(operator: Operator, survivor: str) -> None:
    """The operator's word that the other region is lost, whatever the state."""
    lost = {"regionLost": True, "acceptLoss": True}
    operator.change("failback", **lost) if survivor == "primary" else operator.change("failover", writable=True, **lost)


def test_after_going_to_and_fro_in_haste_nothing_is_missing(running: Deployment, operator: Operator) -> None:
    """Flapping: the line and the writer come and go, and operators with them."""
    with writing(running, "subject", 3, readers=1, follow=True, name=fresh_name("flap")) as heard:
        for _ in range(4):
            running.change_wire(cut=True)
            time.sleep(0.2)
            running.kill("primary")
            operator.takes_over()
            running.change_wire(cut=False)
            running.restart("primary")
            operator.change("failback")
            more_writes(heard, 3, "primary")
    assert heard.unserved == []
    judge(running, operator, "subject", heard)


# Interrupted operators

VERBS: list[tuple[str, dict[str, Any]]] = [
    ("state", {"state": "fenced"}),
    ("failover", {}),
    ("failover", {"writable": True}),
    ("failback", {}),
    ("switchover", {}),
    ("failover", {"writable": True, "regionLost": True, "acceptLoss": True}),
    ("recover", {}),
    ("losses/discard", {}),
]


def test_without_the_authority_every_verb_says_so_and_changes_nothing(running: Deployment, operator: Operator) -> None:
    states = [running.state(role) for role in ROLES]
    running.kill("authority")
    for path, body in VERBS:
        with pytest.raises(httpx.TransportError):
            operator.order(path, **body)
    done = running.run("failover", "--writable", code=1)
    assert "does not answer" in done.stderr and "us-east-1 goes on writing. Nothing was changed." in done.stderr
    assert "Start it: `multiregion chaos start authority`" in done.stderr
    shown = running.run("status", code=1).stdout
    assert shown.startswith("✗ The authority") and "● writes" in shown and "● reads" in shown
    assert say(running, "primary", fresh_name("alone-")) == 201
    assert [running.state(role) for role in ROLES] == states


@pytest.mark.parametrize("planned", [True, False])
def test_a_controller_killed_at_any_moment_leaves_what_the_same_order_finishes(
    running: Deployment, operator: Operator, planned: bool
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    body = {"writable": True} if planned else {"writable": True, "regionLost": True, "acceptLoss": True}
    with writing(running, "subject", 2, readers=1, follow=True, name=fresh_name("halfway")) as heard:
        for _ in range(ROUNDS):
            if not planned:
                running.kill("primary")
            interrupted = threading.Thread(target=attempt, args=(operator, body))
            interrupted.start()
            time.sleep(chance.uniform(0, 0.03))
            running.kill("authority")
            interrupted.join()
            running.restart("authority")
            print(f"killed in state {operator.state()['state']}")
            state = operator.change("failover", **body)
            assert (state["state"], state["writer"]) == ("failover", "ap-northeast-1")
            more_writes(heard, 1, "secondary")
            running.bring_back("primary")
            operator.change("failback")
    assert heard.unserved == []
    lost = judge(running, operator, "subject", heard).lost
    assert not (planned and lost)


def attempt(operator: Operator, body: dict[str, Any]) -> None:
    """An order whose answer may break off anywhere."""
    with suppress(httpx.HTTPError, json.JSONDecodeError, KeyError, IndexError):
        operator.change("failover", **body)


def switch_or_be_refused(operator: Operator) -> None:
    with suppress(Refused):
        operator.change("failover", writable=True)


@pytest.mark.parametrize("victim", ROLES)
def test_a_region_killed_in_the_middle_of_a_switch_leaves_what_the_same_order_finishes(
    running: Deployment, operator: Operator, victim: str
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    with writing(running, "subject", 2, follow=True, name=fresh_name("dying")) as heard:
        for _ in range(4):
            interrupted = threading.Thread(target=switch_or_be_refused, args=(operator,))
            interrupted.start()
            time.sleep(chance.uniform(0, 0.03))
            running.kill(victim)
            running.restart(victim)
            interrupted.join()
            assert operator.change("failover", writable=True)["writer"] == "ap-northeast-1"
            operator.change("failback")
    assert judge(running, operator, "subject", heard).lost == []


# What is lost


def test_a_password_changed_just_before_the_loss_is_in_the_ledger_without_its_secret(running: Deployment, operator: Operator) -> None:
    running.invite("hopper")
    operator.until_level()
    running.change_wire(cut=True)
    token = running.sign_in("primary", "hopper", PASSWORD)["AccessToken"]
    changed = running.cognito(
        "primary", "ChangePassword", AccessToken=token, PreviousPassword=PASSWORD, ProposedPassword="an-entirely-new-1"
    )
    assert changed.status_code == 200
    running.kill("primary")
    operator.takes_over()
    assert running.sign_in("secondary", "hopper", PASSWORD)["IdToken"]
    running.change_wire(cut=False)
    running.restart("primary")
    operator.until_level()
    pending = [loss for loss in operator.losses() if loss["outcome"] == "pending"]
    assert any(loss["record"] == "users/hopper" for loss in pending)
    assert "argon2" not in json.dumps(operator.get("losses")) and "password" not in json.dumps(pending).lower()
    operator.settle_all("apply")
    operator.until_level()
    for role in ROLES:
        assert running.sign_in(role, "hopper", "an-entirely-new-1")["IdToken"]


def test_a_delete_made_elsewhere_is_not_undone_by_the_region_that_comes_back(running: Deployment, operator: Operator) -> None:
    """The lost region still has the photo, and comments on it that nobody else has seen."""
    with running.region("primary") as http:
        assert upload(http, picture(7), photoId="doomed").status_code == 201
    operator.until_level()
    running.change_wire(cut=True)
    with running.region("primary") as http:
        assert http.post("/comments/doomed", json={"message": "too late", "commentId": "late"}).status_code == 201
    running.kill("primary")
    operator.takes_over()
    with running.region("secondary") as http:
        assert http.delete("/photos/doomed").status_code == 204
    running.change_wire(cut=False)
    running.restart("primary")
    operator.until_level()
    for role in ROLES:
        with running.region(role) as http:
            assert "doomed" not in http.get("/photos").text and http.get("/comments/doomed").status_code == 404
    assert operator.is_equal()


def test_a_frozen_wire_and_a_frozen_authority_are_survived(running: Deployment, operator: Operator) -> None:
    """Processes that neither answer nor hang up: nothing waits for ever."""
    with writing(running, "subject", 2, readers=1, name=fresh_name("still")) as heard:
        for part in ("wire", "authority"):
            os.kill(running.pid(part), signal.SIGSTOP)
            more_writes(heard, 20)
            os.kill(running.pid(part), signal.SIGCONT)
    assert heard.unserved == [] and heard.unknown == set()
    assert judge(running, operator, "subject", heard).lost == []
