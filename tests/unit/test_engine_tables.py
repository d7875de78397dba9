"""Tables and buckets are made once; what an engine says of those that are there is told by its code, not by its words."""

from typing import Any, cast

import pytest

from multiregion.dynamodb.errors import EngineRefused
from multiregion.dynamodb.session import Engines
from multiregion.dynamodb.tables import made
from multiregion.errors import BadDeployment, MultiregionError, Unavailable


class Refusing:
    def __init__(self, error: MultiregionError) -> None:
        self._error = error

    async def call(self, function: Any, **arguments: Any) -> Any:
        raise self._error


async def making(error: MultiregionError) -> None:
    await made(cast(Engines, Refusing(error)), print, Bucket="pictures")


@pytest.mark.parametrize("code", ["BucketAlreadyOwnedByYou", "ResourceInUseException"])
async def test_what_is_there_already_is_left_as_it_is(code: str) -> None:
    await making(EngineRefused(code))


@pytest.mark.parametrize("error", [EngineRefused("BucketAlreadyExists"), Unavailable("no answer to ResourceInUseException")])
async def test_any_other_refusal_is_told(error: MultiregionError) -> None:
    with pytest.raises(BadDeployment, match="pictures cannot be made"):
        await making(error)
