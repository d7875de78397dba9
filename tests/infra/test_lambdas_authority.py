"""An authority that knows less than the regions: a new table, one that was restored, and changes that overtake each other."""

from collections.abc import Iterator
from typing import Any

import pytest

from infra.lambdas import state_updater as updater
from infra.lambdas.items import typed
from infra.lambdas.state_updater import Copy, InvalidInput, StaleEpoch, Unavailable
from tests.infra.changes import change, copies, lose
from tests.infra.region import APP, ENVIRONMENT, PRIMARY, SECONDARY, admit, clear, client, items, set_policy, two_regions


@pytest.fixture(scope="module", autouse=True)
def account() -> Iterator[None]:
    with two_regions():
        yield


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    clear()
    for name in ("CONFIRM_SECONDS", "PAUSE_SECONDS"):
        monkeypatch.setattr(updater, name, 0.01)


def test_an_authority_that_is_behind_is_brought_above_the_regions_and_the_change_is_not_told_as_done() -> None:
    """As when the authority's table was restored from a backup."""
    change("active")
    for region in (PRIMARY, SECONDARY):
        admit("fenced", 9, None, region)
    with pytest.raises(StaleEpoch, match=r"were at epoch 9.*state fenced .epoch 10. instead of this change"):
        change("failover")
    answer = change("failover")
    assert (answer["epoch"], answer["confirmed"]) == (11, {PRIMARY: True, SECONDARY: True})
    assert [(copy["state"], copy["epoch"]) for copy in copies()] == [("failover", 11)] * 2


def test_the_first_decision_of_an_empty_table_is_above_all_that_the_regions_know() -> None:
    """As when the authority's table is in another region than before."""
    change("fenced")
    change("failover", Writable=True)
    forget_decisions()
    answer = change("failover", Writable=True)
    assert (answer["epoch"], answer["writer"], answer["confirmed"]) == (4, SECONDARY, {PRIMARY: True, SECONDARY: True})
    (decision,) = items("AuthorityTable", SECONDARY)
    assert (decision["state"], decision["leader"], decision["reason"]) == ("failover", "secondary", "taken over from the regions")


def test_an_empty_table_and_a_silent_region_decide_nothing_unless_it_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    change("fenced")
    forget_decisions()
    lose(monkeypatch, "primary")
    with pytest.raises(Unavailable, match=f"table is empty, and {PRIMARY} does not answer"):
        change("failover")
    assert items("AuthorityTable", SECONDARY) == []
    assert change("failover", RegionLost=True)["epoch"] == 4


def test_who_is_overtaken_by_another_change_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    change("active")
    tell, others = updater.tell, [lambda: change("failover", Actor="ada")]

    def later(*arguments: Any, **named: Any) -> Any:
        if others:
            others.pop()()
        return tell(*arguments, **named)

    monkeypatch.setattr(updater, "tell", later)
    with pytest.raises(StaleEpoch, match=r"ada changed the state to failover \(epoch 3\) first"):
        change("fenced")
    assert [(copy["state"], copy["epoch"]) for copy in copies()] == [("failover", 3)] * 2


def forget_decisions() -> None:
    for each in items("AuthorityTable", SECONDARY):
        key = typed({"appId": each["appId"], "epoch": int(each["epoch"])})
        client("dynamodb", SECONDARY).delete_item(TableName=ENVIRONMENT["AUTHORITY_TABLE"], Key=key)


def test_a_region_that_shows_another_decision_has_not_confirmed_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when another change arrives between the write and the look at it."""
    change("active")
    monkeypatch.setattr(Copy, "admit", lambda *_: None)
    monkeypatch.setattr(Copy, "put", lambda self, item: admit("failover", 9, None, self.region))
    assert change("fenced")["confirmed"] == {PRIMARY: False, SECONDARY: False}


def tell_again(**more: Any) -> Any:
    return updater.update({"AppId": APP, "TableName": ENVIRONMENT["STATE_TABLE"], "TellAgain": True, **more}, ENVIRONMENT, "finalizer")


def test_what_is_decided_is_told_again_and_nothing_is_changed() -> None:
    """As after an update of the stack, which has overwritten a region's copy and its bucket's policy."""
    assert (tell_again()["state"], tell_again()["epoch"]) == ("active", 1), "in a new deployment the first state"
    change("fenced")
    change("failover", Writable=True)
    admit("fenced", 2, None, SECONDARY)
    set_policy(PRIMARY)
    answer = tell_again()
    assert (answer["state"], answer["epoch"], answer["changed"], answer["writer"]) == ("failover", 3, False, SECONDARY)
    assert [(copy["state"], copy["epoch"]) for copy in copies()] == [("failover", 3)] * 2
    policy = client("s3", PRIMARY).get_bucket_policy(Bucket=ENVIRONMENT["BUCKET"])["Policy"]
    assert '"Sid": "Fence"' in policy and len(items("AuthorityTable", SECONDARY)) == 3


def test_a_change_cannot_be_told_again_in_one_go() -> None:
    with pytest.raises(InvalidInput, match="NewState and TellAgain exclude each other"):
        tell_again(NewState="fenced")
