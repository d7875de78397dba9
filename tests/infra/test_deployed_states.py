"""The deployed template in all three states, seen over HTTP in both regions: who may write, what is refused, what travels."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.gallery_world import announcement, picture
from tests.infra.cloud.cloud import FunctionError
from tests.infra.deployed import PRIMARY, SECONDARY, DeployedGallery, Deployment, deployed, gallery_of

REGIONS = (PRIMARY, SECONDARY)


@pytest.fixture(scope="module")
def made() -> Iterator[Deployment]:
    with deployed() as deployment:
        yield deployment


@pytest.fixture
def here(made: Deployment) -> Deployment:
    made.clear()
    return made


def code(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


async def comment(gallery: DeployedGallery, message: str = "hello", photo: str = "mine", **more: Any) -> Any:
    return await gallery.call("POST", f"/comments/{photo}", json={"message": message}, **more)


async def messages(gallery: DeployedGallery, photo: str = "mine") -> list[str]:
    answer = await gallery.call("GET", f"/comments/{photo}")
    assert answer.status_code == 200, answer.text
    return [each["message"] for each in answer.json()["comments"]]


async def photos(gallery: DeployedGallery) -> list[str]:
    return [each["photoId"] for each in (await gallery.call("GET", "/photos")).json()["photos"]]


async def state_in(gallery: DeployedGallery) -> dict[str, Any]:
    answer = await gallery.call("GET", f"/state/{gallery.deployment.outputs['SampleApplicationAppId']}", user=None)
    assert answer.headers["cache-control"] == "no-store"
    return dict(answer.json())


@pytest.mark.parametrize(("state", "writer"), [("active", PRIMARY), ("fenced", None), ("failover", None)])
async def test_only_the_writer_writes_and_both_regions_are_read(here: Deployment, state: str, writer: str | None) -> None:
    primary, secondary = (gallery_of(here, region) for region in REGIONS)
    await primary.add(photoId="mine")
    here.set_state(state)
    for gallery in (primary, secondary):
        shown = await state_in(gallery)
        assert (shown["state"], shown["writer"], shown["epoch"]) == (state, writer, here.epoch)
        assert shown["regions"] == {"primary": PRIMARY, "secondary": SECONDARY}
        before = await gallery.head()
        upload = await gallery.call("POST", "/photos", json=announcement(picture(colour=(1, 2, 3))))
        answers = [upload, await comment(gallery)]
        if gallery.region == writer:
            assert [answer.status_code for answer in answers] == [201, 201]
        else:
            answers.append(await gallery.call("DELETE", "/photos/mine"))
            assert [code(answer) for answer in answers] == [(409, "fenced")] * 3
            assert answers[0].json()["state"] == shown
            assert await gallery.head() == before
        assert await photos(gallery) == ["mine"]
        await messages(gallery)


async def test_a_writable_failover_moves_the_writer(here: Deployment) -> None:
    primary, secondary = (gallery_of(here, region) for region in REGIONS)
    await primary.add(photoId="mine")
    here.set_state("fenced")
    here.set_state("failover", Writable=True)
    assert (await state_in(secondary))["writer"] == SECONDARY
    assert (await comment(secondary, "from the secondary")).status_code == 201
    assert code(await comment(primary)) == (409, "fenced")
    assert await messages(primary) == ["from the secondary"]
    added = await secondary.add(picture(colour=(9, 9, 9)), photoId="theirs")
    assert sorted(await photos(primary)) == ["mine", "theirs"]
    assert (await primary.http.get(next(iter(added["url"].split("?"))))).status_code == 403
    here.set_state("fenced")
    here.set_state("active")
    assert (await comment(primary, "home again")).status_code == 201


async def test_a_write_decided_under_another_epoch_is_refused(here: Deployment) -> None:
    primary = gallery_of(here)
    await primary.add(photoId="mine")
    here.set_state("fenced")
    here.set_state("active")
    before = await primary.head()
    old = {"Multiregion-Epoch": str(here.epoch - 1)}
    assert code(await comment(primary, headers=old)) == (409, "stale_epoch")
    assert code(await primary.call("DELETE", "/photos/mine", headers=old)) == (409, "stale_epoch")
    assert await primary.head() == before
    assert (await comment(primary, headers={"Multiregion-Epoch": str(here.epoch)})).status_code == 201


async def test_the_fence_is_in_the_commit_not_before_it(here: Deployment) -> None:
    """The state changes between the function's look at it and its transaction."""
    primary = gallery_of(here)
    await primary.add(photoId="mine")
    before = await primary.head()
    here.just_before("TransactWriteItems", lambda: here.set_state("fenced"))
    assert code(await comment(primary)) == (409, "fenced")
    assert await primary.head() == before


async def test_the_epoch_is_in_the_commit_not_before_it(here: Deployment) -> None:
    """The application is fenced and active again in between: it is another epoch."""
    primary = gallery_of(here)
    await primary.add(photoId="mine")
    before, decided = await primary.head(), {"Multiregion-Epoch": str(here.epoch)}

    def changed_twice() -> None:
        here.set_state("fenced")
        here.set_state("active")

    here.just_before("TransactWriteItems", changed_twice)
    assert code(await comment(primary, headers=decided)) == (409, "stale_epoch")
    assert await primary.head() == before


async def test_the_author_is_the_tokens_and_a_token_must_be_of_this_regions_pool(here: Deployment) -> None:
    primary, secondary = (gallery_of(here, region) for region in REGIONS)
    await primary.add(photoId="mine")
    forged = await primary.call("POST", "/comments/mine", "root", json={"message": "x", "user": "ada", "author": "ada"})
    assert forged.json()["user"] == "root"
    before = await primary.head()
    token = primary.tokens["ada"]
    head, body, signature = token.split(".")
    for wrong in ("", secondary.tokens["ada"], f"{head}.{body}.{signature[::-1]}", f"{head}.{body}.", "Bearer"):
        answer = await primary.call("POST", "/comments/mine", None, json={"message": "x"}, headers={"Authorization": wrong})
        assert code(answer) == (401, "unauthorized"), wrong
    assert await primary.head() == before
    assert (await comment(primary, headers={"Authorization": f"Bearer {token}"})).status_code == 201


async def test_a_token_expires(here: Deployment) -> None:
    primary = gallery_of(here)
    here.cloud.wind(3601)
    assert code(await primary.call("GET", "/photos")) == (401, "unauthorized")


async def test_what_is_written_arrives_after_the_lag(here: Deployment) -> None:
    primary, secondary = (gallery_of(here, region) for region in REGIONS)
    await primary.add(photoId="mine")
    here.cloud.replication.lag(60)
    await comment(primary, "late")
    assert await messages(primary) == ["late"] and await messages(secondary) == []
    here.cloud.wind(61)
    secondary = gallery_of(here, SECONDARY)
    assert await messages(secondary) == ["late"]


async def test_a_photo_is_shown_where_its_bytes_are(here: Deployment) -> None:
    primary, secondary = (gallery_of(here, region) for region in REGIONS)
    here.cloud.replication.cut(PRIMARY, SECONDARY, ("objects",))
    data = picture(colour=(7, 77, 177))  # functions remember what they have seen
    await primary.add(data, photoId="mine")
    assert await photos(primary) == ["mine"] and await photos(secondary) == []
    here.cloud.replication.heal()
    assert await photos(secondary) == ["mine"]
    shown = (await secondary.call("GET", "/photos")).json()["photos"][0]
    assert SECONDARY in shown["url"]
    assert (await secondary.http.get(shown["url"])).content == data


async def test_a_photo_is_deleted_in_both_regions_with_its_comments_and_bytes(here: Deployment) -> None:
    primary, secondary = (gallery_of(here, region) for region in REGIONS)
    await primary.add(photoId="mine")
    await comment(primary)
    assert (await primary.call("DELETE", "/photos/mine")).status_code == 204
    for gallery in (primary, secondary):
        assert await photos(gallery) == []
        assert code(await gallery.call("GET", "/comments/mine")) == (404, "unknown_photo")
        assert await gallery.kept() == []


async def test_nothing_was_refused_to_replication_or_to_a_stream(here: Deployment) -> None:
    await gallery_of(here).add(photoId="mine")
    assert here.cloud.objects.failures == [] and here.cloud.streams.failures == []


@pytest.mark.parametrize("wrong", ["Active", "FENCED", "standby", "", " active"])
def test_a_state_is_case_sensitive_and_one_of_three(here: Deployment, wrong: str) -> None:
    before = here.epoch
    with pytest.raises(FunctionError, match=r"InvalidInput: .*active.*fenced.*failover"):
        here.set_state(wrong)
    assert here.epoch == before


def test_the_updater_tells_both_regions_and_keeps_the_history(here: Deployment) -> None:
    before = here.epoch
    told = here.set_state("fenced", Actor="ada", Reason="maintenance")
    assert (told["state"], told["epoch"], told["writer"]) == ("fenced", before + 1, None)
    assert told["confirmed"] == {PRIMARY: True, SECONDARY: True}
    assert here.state(PRIMARY)["epoch"] == here.state(SECONDARY)["epoch"] == {"N": str(before + 1)}
    client = here.cloud.client("dynamodb", here.outputs["AuthorityRegion"])
    newest = client.query(
        TableName=here.outputs["AuthorityTableName"],
        KeyConditionExpression="appId = :a",
        ExpressionAttributeValues={":a": {"S": here.outputs["SampleApplicationAppId"]}},
        ScanIndexForward=False,
    )["Items"][0]
    assert (newest["actor"]["S"], newest["reason"]["S"], newest["epoch"]["N"]) == ("ada", "maintenance", str(before + 1))


def test_a_new_writer_is_named_only_after_the_old_one_is_fenced_or_lost(here: Deployment) -> None:
    before = here.epoch
    with pytest.raises(FunctionError, match="IllegalMove"):
        here.set_state("failover", Writable=True)
    with pytest.raises(FunctionError, match="StaleEpoch"):
        here.set_state("fenced", ExpectedEpoch=before - 1)
    assert here.epoch == before


def test_a_lower_epoch_is_never_taken(here: Deployment) -> None:
    """Copies that get ahead just before they are told stay as they are, and whoever changed the state is told so."""
    table, clients = here.outputs["AppConfigGlobalTableName"], [here.cloud.client("dynamodb", region) for region in REGIONS]
    ahead = {**here.state(PRIMARY), "epoch": {"N": str(here.epoch + 1000)}, "decided": {"S": "another decision"}}

    def copies_get_ahead() -> None:
        for client in clients:
            client.put_item(TableName=table, Item=ahead)

    here.just_before("PutItem", lambda: here.just_before("PutItem", copies_get_ahead))  # the authority's write, then a copy's
    with pytest.raises(FunctionError, match="StaleEpoch: the authority's table was behind the regions"):
        here.set_state("fenced")
    assert [here.state(region) for region in REGIONS] == [ahead, ahead]
    assert here.set_state("active")["confirmed"] == dict.fromkeys(REGIONS, True)
    assert here.state(PRIMARY) == here.state(SECONDARY)


async def test_the_primary_is_lost_and_comes_back(here: Deployment) -> None:
    primary, secondary = (gallery_of(here, region) for region in REGIONS)
    await primary.add(photoId="mine")
    here.cloud.replication.cut(PRIMARY, SECONDARY)
    await comment(primary, "never arrived")
    here.cloud.lose(PRIMARY)
    here.set_state("failover", region=SECONDARY, RegionLost=True, AcceptLoss=True, Writable=True)
    assert (await state_in(secondary))["writer"] == SECONDARY
    assert await photos(secondary) == ["mine"] and await messages(secondary) == []
    assert (await comment(secondary, "meanwhile")).status_code == 201
    here.cloud.restore(PRIMARY)
    here.cloud.settle()
    assert (await state_in(primary))["writer"] == SECONDARY
    assert code(await comment(primary)) == (409, "fenced")
    found = [item for item in here.items("Comments", SECONDARY) if item.get("message")]
    assert sorted((item["message"]["S"], item["region"]["S"]) for item in found) == [("meanwhile", SECONDARY), ("never arrived", PRIMARY)]
    epochs = {item["message"]["S"]: int(item["epoch"]["N"]) for item in found}
    assert epochs["never arrived"] < epochs["meanwhile"], json.dumps(epochs)
