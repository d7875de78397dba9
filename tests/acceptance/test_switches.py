"""Many planned switches lose nothing; many unplanned takeovers lose exactly what the ledger says. All under load."""

import random
from functools import partial

import pytest

from tests.acceptance.clients import ROLES, Heard, more_writes, writing
from tests.acceptance.deployment import Deployment, until, upload
from tests.acceptance.operators import Operator
from tests.acceptance.pictures import picture
from tests.acceptance.verdict import ids_in, judge

# Every run makes a few; `make long` makes all.
SWITCHES = (10, pytest.param(50, marks=pytest.mark.long))
TAKEOVERS = (4, pytest.param(20, marks=pytest.mark.long))
WRITES_BETWEEN = 6

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def operator(fresh: Deployment) -> Operator:
    with fresh.region("primary") as http:
        upload(http, picture(0), photoId="subject")
    someone = Operator(fresh)
    someone.until_level()
    return someone


def follows(operator: Operator, role: str) -> bool:
    """Whether a region that came back has undone what it must, and keeps up with the writer."""
    report = operator.report(role)
    return bool(report["answers"] and report["ready"] and report["lag"]["changes"] is not None)


@pytest.mark.parametrize("switches", SWITCHES)
def test_planned_switches_in_a_row_lose_nothing(fresh: Deployment, operator: Operator, switches: int) -> None:
    with writing(fresh, "subject", 3, readers=1, follow=True) as heard:
        for n in range(switches):
            assert operator.change("switchover")["epoch"] == 3 + 2 * n
            more_writes(heard, WRITES_BETWEEN, ROLES[(n + 1) % 2])
    assert heard.unserved == [] and heard.reads > switches
    assert heard.unknown == set(), "nobody died, so nobody was left without an answer"
    assert judge(fresh, operator, "subject", heard).lost == []
    assert operator.losses() == []


@pytest.mark.parametrize("takeovers", TAKEOVERS)
def test_takeovers_lose_exactly_what_the_ledger_says(fresh: Deployment, operator: Operator, takeovers: int) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    with writing(fresh, "subject", 3, readers=1, follow=True) as heard:
        for n in range(takeovers):
            writer, heir = ROLES[n % 2], ROLES[(n + 1) % 2]
            more_writes(heard, WRITES_BETWEEN, writer)
            if n % 2 or chance.randrange(2):
                fresh.change_wire(cut=True)
                more_writes(heard, WRITES_BETWEEN, writer)
            fresh.kill(writer)
            fresh.change_wire(cut=False)
            if heir == "secondary":
                operator.takes_over()
            else:
                operator.change("failback", regionLost=True, acceptLoss=True)
            more_writes(heard, WRITES_BETWEEN, heir)
            fresh.restart(writer)
            until(partial(follows, operator, writer), f"the {writer} region is back")
    assert heard.unserved == []
    there = judge(fresh, operator, "subject", heard)
    assert there.lost
    assert {str(loss["reason"]) for loss in there.lost if "took over after change" not in loss["reason"]} == set()
    apply_everything(fresh, operator, heard)


def apply_everything(deployment: Deployment, operator: Operator, heard: Heard) -> None:
    """Made again, nothing that was acknowledged is missing any more, but for what its author has deleted."""
    settled = [line["settled"] for line in operator.order("losses/apply") if "settled" in line]
    assert settled
    kept = {each["id"] for each in settled if each["outcome"] == "kept"}
    missing = {loss["record"].rpartition("/")[2] for loss in operator.losses() if loss["id"] in kept}
    operator.until_level()
    assert operator.is_equal()
    comments, photos = ids_in(deployment, "primary", "subject", heard.name)
    assert heard.acknowledged - comments - photos - heard.perhaps_deleted <= missing
