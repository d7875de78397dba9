"""The gallery's API as its commands call it: photos, in whichever region the state names."""

from collections.abc import AsyncIterator
from typing import Any

from multiregion.commands.client import Answer, Client
from multiregion.errors import Unreachable


async def photos(client: Client) -> AsyncIterator[dict[str, Any]]:
    """Every photo, newest first, from the first region that can serve them. Raises Unreachable or Answer."""
    regions = await client.serving()
    for last, region in enumerate(regions, 1):
        try:
            first = await page(client, region, "")
        except (Unreachable, Answer) as error:
            if last == len(regions) or (isinstance(error, Answer) and error.http_status < 500):
                raise
            continue
        async for photo in following(client, region, first):
            yield photo
        return


async def following(client: Client, region: str, shown: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    while True:
        for photo in shown["photos"]:
            yield photo
        if shown["next"] is None:
            return
        shown = await page(client, region, shown["next"])


async def page(client: Client, region: str, after: str) -> dict[str, Any]:
    return await client.call(region, "GET", "/photos", params={"limit": 100, **({"after": after} if after else {})})


async def announce(client: Client, region: str, said: dict[str, Any]) -> dict[str, Any]:
    """A ticket, or the photo if it is there."""
    return await client.call(region, "POST", "/photos", json=said)


async def commit(client: Client, region: str, photo_id: str) -> dict[str, Any]:
    return await client.call(region, "POST", f"/photos/{photo_id}/commit")
