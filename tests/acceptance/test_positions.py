"""Read your own writes, in either region and across a failover: a position that comes with a write and goes with a read."""

import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.acceptance.deployment import Deployment, deployed, until, upload
from tests.acceptance.operators import Operator
from tests.acceptance.pictures import picture

WAIT_SECONDS = 1.5
HEADER = "Multiregion-Position"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(tmp_path_factory.mktemp("positions"), MULTIREGION_POSITION_SECONDS=str(WAIT_SECONDS)) as deployment:
        with deployment.region("primary") as http:
            assert upload(http, picture(0), photoId="subject").status_code == 201
        yield deployment


@pytest.fixture
def operator(running: Deployment) -> Iterator[Operator]:
    someone = Operator(running)
    someone.until_level()
    yield someone
    running.change_wire(cut=False, delay_milliseconds=0)
    running.bring_back("primary")
    someone.until_level()
    someone.change("failback")
    someone.until_level()


def say(deployment: Deployment, role: str, id: str) -> str:
    """The position of a new comment."""
    with deployment.region(role) as http:
        answer = http.post("/comments/subject", json={"message": f"I am {id}", "commentId": id})
    assert answer.status_code == 201, answer.text
    return answer.headers[HEADER]


def read(deployment: Deployment, role: str, position: str) -> tuple[httpx.Response, set[str]]:
    with deployment.region(role) as http:
        answer = http.get("/comments/subject?limit=100", headers={HEADER: position})
    return answer, {comment["commentId"] for comment in answer.json().get("comments", [])}


def test_a_read_in_the_other_region_waits_for_what_its_client_has_written(running: Deployment, operator: Operator) -> None:
    running.change_wire(delay_milliseconds=150)
    for n in range(5):
        answer, there = read(running, "secondary", say(running, "primary", f"slow-{n}"))
        assert answer.status_code == 200 and f"slow-{n}" in there


def test_the_wait_is_bounded_and_a_read_without_a_position_does_not_wait(running: Deployment, operator: Operator) -> None:
    running.change_wire(cut=True)
    position = say(running, "primary", "cut-off")
    began = time.monotonic()
    answer, _ = read(running, "secondary", position)
    assert (answer.status_code, answer.json()["code"]) == (503, "behind") and answer.headers["Retry-After"]
    assert time.monotonic() - began >= WAIT_SECONDS
    with running.region("secondary") as http:
        assert "cut-off" not in http.get("/comments/subject").text
    mending = threading.Timer(0.3, running.change_wire, kwargs={"cut": False})
    mending.start()
    found = until(lambda: "cut-off" in read(running, "secondary", position)[1], "it has arrived")
    mending.join()
    assert found


def test_a_position_goes_with_its_client_through_a_planned_failover(running: Deployment, operator: Operator) -> None:
    position = say(running, "primary", "before")
    operator.change("failover", writable=True)
    answer, there = read(running, "secondary", position)
    assert answer.status_code == 200 and "before" in there
    later = say(running, "secondary", "after")
    assert int(later.partition(".")[0]) > int(position.partition(".")[0])
    answer, there = read(running, "primary", later)
    assert answer.status_code == 200 and {"before", "after"} <= there


@pytest.mark.parametrize("written_there", [False, True])
def test_a_position_that_was_lost_is_told_to_start_over_at_once(running: Deployment, operator: Operator, written_there: bool) -> None:
    """Also before the successor has written anything: what it has not got by then never comes."""
    running.change_wire(cut=True)
    position = [say(running, "primary", f"lost-{written_there}-{n}") for n in range(3)][-1]
    running.kill("primary")
    operator.takes_over()
    if written_there:
        for n in range(5):
            say(running, "secondary", f"heir-{n}")
    began = time.monotonic()
    answer, _ = read(running, "secondary", position)
    assert (answer.status_code, answer.json()["code"]) == (409, "unknown_position")
    assert time.monotonic() - began < WAIT_SECONDS


@pytest.mark.parametrize("position", ["999999.1", "999999.999999"])
def test_an_epoch_that_nobody_knows_is_told_to_start_over_at_once(running: Deployment, operator: Operator, position: str) -> None:
    for role in ("primary", "secondary"):
        began = time.monotonic()
        answer, _ = read(running, role, position)
        assert (answer.status_code, answer.json()["code"]) == (409, "unknown_position")
        assert time.monotonic() - began < WAIT_SECONDS


@pytest.mark.parametrize("position", ["1", "1.", ".1", "1.-1", "1.1.-", "x.y", "9" * 40 + ".1"])
def test_what_is_no_position_is_refused_by_name(running: Deployment, operator: Operator, position: str) -> None:
    answer, _ = read(running, "primary", position)
    assert (answer.status_code, answer.json()["field"]) == (400, HEADER)
