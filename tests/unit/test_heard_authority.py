"""A region calls its authority outdated when it has said so twice, and no longer when it has caught up."""

from collections.abc import AsyncIterator

from multiregion.local.served import HeardAuthority
from multiregion.states import FIRST, RoutingState, State, move

ADMITTED = move(move(FIRST, State.FENCED), State.ACTIVE)


def test_what_was_on_its_way_since_before_the_decision_alarms_nobody() -> None:
    heard = HeardAuthority()
    assert heard.objection(ADMITTED) is None
    heard.says(FIRST, ADMITTED)
    assert heard.objection(ADMITTED) is None
    heard.says(ADMITTED, ADMITTED)
    heard.says(FIRST, ADMITTED)
    assert heard.objection(ADMITTED) is None


async def test_any_number_of_words_may_be_on_their_way() -> None:
    """As when a region that founds the deployment has no time to read them."""

    async def words(*told: RoutingState) -> AsyncIterator[RoutingState]:
        for each in told:
            yield each

    async def admit(told: RoutingState) -> RoutingState:
        return ADMITTED

    heard = HeardAuthority()
    assert [state async for state in heard.follow(words(ADMITTED, FIRST, FIRST, FIRST), admit)] == [ADMITTED, ADMITTED]
    assert heard.objection(ADMITTED) is None
    assert [state async for state in heard.follow(words(FIRST, FIRST), admit)] == [ADMITTED, ADMITTED]
    assert heard.objection(ADMITTED)


def test_an_authority_that_says_it_again_knows_less_until_it_is_recovered() -> None:
    heard = HeardAuthority()
    for _ in range(2):
        heard.says(FIRST, ADMITTED)
    said = heard.objection(ADMITTED)
    assert said and "knows only epoch 1, and this region obeys epoch 3" in said and "`multiregion authority recover`" in said
    heard.says(ADMITTED, ADMITTED)
    assert heard.objection(ADMITTED) is None
