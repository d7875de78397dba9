"""What an acknowledgement is worth in each mode of durability, over real processes and a real wire."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.acceptance.clients import more_writes, writing
from tests.acceptance.deployment import Deployment, deployed, until, upload
from tests.acceptance.operators import Operator
from tests.acceptance.pictures import picture
from tests.acceptance.verdict import judge

REMOTE_SECONDS = 2.0
KILLS = 4


def remote(folder: Any, *options: str) -> Any:
    return deployed(folder, *options, MULTIREGION_REMOTE_SECONDS=str(REMOTE_SECONDS), MULTIREGION_LEASE_SECONDS="1")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with remote(tmp_path_factory.mktemp("remote"), "--durability", "remote") as deployment:
        prepare(deployment)
        yield deployment


def prepare(deployment: Deployment) -> None:
    with deployment.region("primary") as http:
        assert upload(http, picture(0), photoId="subject").status_code == 201


def say(deployment: Deployment, id: str, seconds: float = 30) -> httpx.Response:
    with deployment.region("primary") as http:
        return http.post("/comments/subject", json={"message": f"I am {id}", "commentId": id}, timeout=seconds)


def test_a_takeover_loses_nothing_that_was_acknowledged(running: Deployment) -> None:
    operator = Operator(running)
    for round in range(KILLS):
        with writing(running, "subject", 4, follow=True, name=f"r{round}") as heard:
            more_writes(heard, 40, "primary")
            assert operator.report("primary")["degradedSince"] is None
            running.change_wire(cut=True)
            time.sleep(REMOTE_SECONDS / 20)  # whoever is answered now, without the other region, is answered too soon
            running.kill("primary")
            operator.takes_over()
            running.change_wire(cut=False)
            more_writes(heard, 5, "secondary")
        running.restart("primary")
        there = judge(running, operator, "subject", heard)
        # A deletion that was not acknowledged may be lost, of a photograph that was.
        made = there.lost_writes("comments/") | there.lost_writes("photos/")
        assert made & heard.acknowledged == set() and there.lost_deletes() & heard.deleted == set()
        operator.settle_all()
        operator.change("failback")
        operator.until_level()


def test_without_the_other_region_it_degrades_visibly_and_recovers_while_writing_goes_on(running: Deployment) -> None:
    """With 30 ms each way the other region is never quite level with a writer that does not pause."""
    operator = Operator(running)
    running.change_wire(delay_milliseconds=30)
    with writing(running, "subject", 6, name="degrading") as heard:
        more_writes(heard, 20)
        assert operator.report("primary")["degradedSince"] is None
        running.change_wire(cut=True)
        cut_at = time.time()
        since = until(lambda: operator.report("primary")["degradedSince"], "it degrades")
        assert iso(cut_at) < since <= iso(time.time())
        shown = running.ask("status")["status"]["primary"]
        assert (shown["durability"], shown["degradedSince"]) == ("remote", since)
        more_writes(heard, 20)
        running.change_wire(cut=False)
        until(lambda: operator.report("primary")["degradedSince"] is None, "it recovers under load")
    running.change_wire(delay_milliseconds=0)
    assert heard.unknown == set() and heard.refused == []
    judge(running, operator, "subject", heard)


def test_a_write_asked_for_again_is_not_acknowledged_sooner_than_it_is_copied(running: Deployment) -> None:
    """The client gave up on the first answer. The second must not be an acknowledgement of what only the primary has."""
    operator = Operator(running)
    operator.until_level()
    running.change_wire(cut=True)
    with pytest.raises(httpx.TimeoutException):
        say(running, "again", seconds=REMOTE_SECONDS / 5)
    assert say(running, "again").status_code == 201
    assert operator.report("primary")["degradedSince"] is not None
    running.change_wire(cut=False)
    operator.until_level()


def iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds * 1000) % 1000:03}Z"


def test_remote_strict_refuses_instead_and_says_so_definitely(tmp_path: Any) -> None:
    with remote(tmp_path, "--durability", "remote-strict") as strict:
        prepare(strict)
        operator = Operator(strict)
        operator.until_level()
        strict.change_wire(cut=True)
        answers: list[tuple[str, httpx.Response]] = []
        first = [threading.Thread(target=lambda id=f"first-{n}": answers.append((id, say(strict, id)))) for n in range(8)]
        for thread in first:
            thread.start()
        for thread in first:
            thread.join(60)
        unknown = {id for id, answer in answers if answer.json()["code"] == "unreachable"}
        late = {answer.json()["code"] for id, answer in answers if id not in unknown}
        assert unknown and late <= {"not_ready"}, "on a slow machine the last of them come after the first has waited in vain"
        refused = say(strict, "refused")
        assert (refused.status_code, refused.json()["code"]) == (503, "not_ready") and "remote-strict" in refused.text
        with strict.region("primary") as http:
            assert http.get("/photos").status_code == 200
        strict.change_wire(cut=False)
        until(lambda: say(strict, "afterwards").status_code == 201, "writing goes on by itself")
        operator.until_level()
        with strict.region("secondary") as http:
            held = {comment["commentId"] for comment in http.get("/comments/subject").json()["comments"]}
        assert held == {"afterwards", *unknown}


def test_an_automatic_takeover_never_follows_degraded_writes_even_if_the_authority_has_forgotten(tmp_path: Any) -> None:
    with remote(tmp_path, "--durability", "remote", "--automatic") as deployment:
        prepare(deployment)
        operator = Operator(deployment)
        operator.until_level()
        deployment.change_wire(cut=True)
        assert say(deployment, "only-here").status_code == 201
        deployment.kill("primary")
        until(lambda: "acknowledged" in (operator.automatic()["waitsBecause"] or ""), "the takeover waits")
        deployment.kill("authority")
        deployment.restart("authority")
        until(lambda: "may have, acknowledged" in (operator.automatic()["waitsBecause"] or ""), "a restart makes no difference")
        time.sleep(2)
        assert operator.state()["state"] == "active"
        deployment.change_wire(cut=False)
        deployment.restart("primary")
        operator.until_level()
        assert say(deployment, "in-both").status_code == 201
        until(lambda: operator.report("primary")["degradedSince"] is None, "both regions have what is written")
        time.sleep(1)  # the authority is told so when the lease is renewed
        deployment.kill("primary")
        until(lambda: operator.state()["state"] == "failover", "copied again, it is taken over from")
        deployment.restart("primary")
        operator.until_level()
        assert operator.losses() == []
