"""Two operators who decide different things at the same moment, in both regions: one wins, the other is told who won."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from tests.acceptance.deployment import Deployment
from tests.acceptance.operators import Operator, Refused

ROUNDS = (150, pytest.param(1_000, marks=pytest.mark.long))
OTHERS = {"active": ("fenced", "failover"), "fenced": ("active", "failover"), "failover": ("fenced", "active")}


@dataclass
class Duel:
    """Two operators who have looked at the same state, and give their orders together."""

    sides: list[Operator]
    together: threading.Barrier = field(default_factory=lambda: threading.Barrier(2))

    def fight(self, orders: list[Callable[[Operator], dict[str, Any]]]) -> list[dict[str, Any]]:
        """What each is told: the new state, or the problem."""
        told: list[dict[str, Any]] = [{}, {}]

        def one(side: int) -> None:
            self.together.wait(30)
            try:
                told[side] = orders[side](self.sides[side])
            except Refused as refused:
                told[side] = refused.problem

        threads = [threading.Thread(target=one, args=(side,)) for side in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return told


def change(to: str, epoch: int, who: Operator) -> dict[str, Any]:
    return who.change("state", state=to, epoch=epoch)


@pytest.mark.parametrize("rounds", ROUNDS)
def test_of_two_changes_at_the_same_moment_one_wins_and_the_other_is_told_who_won(shared: Deployment, rounds: int) -> None:
    names = ("ada", "grace")
    duel = Duel([Operator(shared, name) for name in names])
    state = duel.sides[0].state()
    wins = dict.fromkeys(names, 0)
    for _ in range(rounds):
        wanted = OTHERS[state["state"]]
        told = duel.fight([partial(change, to, state["epoch"]) for to in wanted])
        (winner,) = (side for side in (0, 1) if "code" not in told[side])
        loser = 1 - winner
        wins[names[winner]] += 1
        assert (told[winner]["state"], told[winner]["epoch"]) == (wanted[winner], state["epoch"] + 1)
        assert told[loser]["code"] == "stale_epoch"
        assert told[loser]["detail"].startswith(f"{names[winner]} changed the state to {wanted[winner]}")
        assert told[loser]["state"]["epoch"] == state["epoch"] + 1
        state = told[winner]
    assert sum(wins.values()) == rounds
    history = [line for line in duel.sides[0].get("history", limit=1000)["history"] if line["what"] == "state"]
    epochs = [line["epoch"] for line in history]
    assert epochs == list(range(epochs[0], epochs[0] - len(epochs), -1))
    for role in ("primary", "secondary"):
        assert shared.state(role) == state
    duel.sides[0].change("state", state="active")


def test_a_switch_and_a_fence_at_the_same_moment_leave_one_state_and_one_story(shared: Deployment) -> None:
    """Without an epoch both may succeed one after the other; but never is a decision overwritten unseen."""
    duel = Duel([Operator(shared, "ada"), Operator(shared, "grace")])
    for _ in range(10):
        before = duel.sides[0].state()["epoch"]
        told = duel.fight([lambda who: who.change("switchover"), lambda who: who.change("state", state="fenced")])
        assert all(each.get("code") in (None, "stale_epoch") for each in told)
        after = duel.sides[0].state()
        lines = [line for line in duel.sides[0].history() if line["what"] == "state" and line["epoch"] > before]
        assert [line["epoch"] for line in lines] == list(range(after["epoch"], before, -1))
        duel.sides[0].change("failback")
        assert shared.state("primary") == shared.state("secondary") == duel.sides[0].state()
