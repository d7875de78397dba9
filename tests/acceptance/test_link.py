"""The link between the regions: broken, one way too, and slow; either end dying in the middle."""

import time

import pytest

from tests.acceptance.clients import everything, writing
from tests.acceptance.deployment import Deployment, until, upload
from tests.acceptance.pictures import picture


@pytest.fixture
def subject(fresh: Deployment) -> str:
    with fresh.region("primary") as http:
        return str(upload(http, picture(0), photoId="subject").json()["photoId"])


def lag(deployment: Deployment) -> dict[str, float | None]:
    found: dict[str, float | None] = deployment.ask("status", code=None)["status"]["secondary"]["lag"]
    return found


@pytest.mark.parametrize("to", [None, "secondary", "primary"])
def test_what_is_written_while_the_link_is_cut_arrives_when_it_is_mended(fresh: Deployment, subject: str, to: str | None) -> None:
    until(fresh.level, "level before")
    with writing(fresh, subject, 4) as heard:
        time.sleep(0.5)
        fresh.cut(True, to)
        until(lambda: (lag(fresh)["seconds"] or 0) > 2.0 and lag(fresh)["changes"] is None, "the lag is seen to be unknown and growing")
        written = len(heard.comments)
        until(lambda: len(heard.comments) > written + 20, "writing goes on while the link is cut")
        fresh.cut(False)
    assert heard.surprises == [] and heard.unknown == set()
    until(fresh.level, "level after")
    assert fresh.ask("verify")["equal"]
    with fresh.region("secondary") as http:
        assert {c["commentId"] for c in everything(http, f"/comments/{subject}", "comments")} == set(heard.comments)


def test_either_side_dies_in_the_middle_and_nothing_is_lost_or_doubled(fresh: Deployment, subject: str) -> None:
    with writing(fresh, subject, 8) as heard:
        for part in ("secondary", "wire", "secondary", "primary", "wire"):
            time.sleep(0.4)
            fresh.kill(part)
            fresh.restart(part)
    assert heard.surprises == []
    until(fresh.level, "level after", 60)
    assert fresh.ask("verify")["equal"]
    with fresh.region("secondary") as http:
        ids = [c["commentId"] for c in everything(http, f"/comments/{subject}", "comments")]
    assert len(ids) == len(set(ids)) and set(heard.comments) <= set(ids)


def test_a_slow_link_delays_and_keeps_order(fresh: Deployment, subject: str) -> None:
    fresh.delay(150)
    with writing(fresh, subject, 8) as heard:
        time.sleep(2)
    until(fresh.level, "level after")
    assert heard.comments and heard.surprises == []
    answer = fresh.ask("failover")
    assert answer["state"] == "failover" and fresh.ask("verify")["equal"]


def test_verify_lists_what_differs(fresh: Deployment, subject: str) -> None:
    until(fresh.level, "level before")
    victim = next(path for path in (fresh.data / "secondary" / "objects" / "kept").rglob("*") if path.is_file())
    content = victim.read_bytes()
    fresh.cut(True)  # nothing is repaired meanwhile
    victim.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    found = fresh.ask("verify", "--deep", code=1)
    assert [(d["kind"], d["name"], d["problem"]) for d in found["differences"]] == [("object", victim.name, "damaged in ap-northeast-1")]
    assert fresh.ask("verify")["equal"]
    victim.unlink()
    assert "missing in ap-northeast-1" in fresh.run("verify", code=1).stdout
    with fresh.region("primary") as http:
        http.post(f"/comments/{subject}", json={"message": "only here", "commentId": "alone"}).raise_for_status()
    problems = {d["name"]: d["problem"] for d in fresh.ask("verify", code=1)["differences"]}
    assert problems[f"comments/{subject}/alone"] == "missing in ap-northeast-1"
