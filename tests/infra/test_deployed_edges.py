"""Around the deployed API: who may call from a browser, the site and its failover, uploads that S3 checks, users that are carried."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.gallery_world import picture
from tests.infra.cloud.pools import sign_in
from tests.infra.deployed import PASSWORD, PRIMARY, SECONDARY, DeployedGallery, Deployment, deployed, gallery_of

REGIONS = (PRIMARY, SECONDARY)


@pytest.fixture(scope="module")
def made() -> Iterator[Deployment]:
    with deployed() as deployment:
        yield deployment


@pytest.fixture
def here(made: Deployment) -> Deployment:
    made.clear()
    return made


@pytest.mark.parametrize("region", REGIONS)
async def test_every_answer_names_the_sites_origin(here: Deployment, region: str) -> None:
    gallery = gallery_of(here, region)
    asked = {"Origin": gallery.origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    app = here.outputs["SampleApplicationAppId"]
    for method, path, user, headers in (
        ("GET", f"/state/{app}", None, {}),
        ("GET", "/state/unknown", None, {}),
        ("OPTIONS", f"/state/{app}", None, asked),
        ("GET", "/photos", "ada", {}),
        ("GET", "/photos", None, {}),
        ("GET", "/comments/unknown", "ada", {}),
        ("POST", "/comments/unknown", "ada", {}),
        ("OPTIONS", "/photos", None, asked),
        ("OPTIONS", "/photos/x", None, asked),
        ("OPTIONS", "/photos/x/commit", None, asked),
        ("OPTIONS", "/comments/x", None, asked),
        ("GET", "/no/such/path", None, {}),
    ):
        answer = await gallery.call(method, path, user, headers={"Origin": gallery.origin, **headers})
        assert answer.headers.get("access-control-allow-origin") == gallery.origin, (method, path)
        if method == "OPTIONS":
            assert answer.status_code in (200, 204)
            allowed = answer.headers["access-control-allow-headers"].lower()
            assert "authorization" in allowed and "multiregion-epoch" in allowed


@pytest.mark.parametrize("region", REGIONS)
async def test_only_the_site_may_upload_and_show_from_a_browser(here: Deployment, region: str) -> None:
    http, origin = here.cloud.http(), here.outputs["ConsoleUrl"]
    bucket = f"https://{here.outputs[f'{here.role(region)}PhotosBucket']}.s3.{region}.amazonaws.com/"
    for asking, allowed in ((origin, origin), ("https://elsewhere.example", None)):
        answer = await http.request("OPTIONS", bucket, headers={"Origin": asking, "Access-Control-Request-Method": "POST"})
        assert answer.headers.get("access-control-allow-origin") == allowed
        assert (answer.status_code == 200) == (allowed is not None)


async def test_the_site_is_there_and_may_call_only_its_own_addresses(here: Deployment) -> None:
    http, site = here.cloud.http(), here.outputs["ConsoleUrl"]
    page = await http.get(f"{site}/")
    assert page.status_code == 200 and page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "unsafe-inline" not in policy and "*" not in policy.replace("https://*.", "")
    config = (await http.get(f"{site}/uiConfig.json")).json()
    for region in REGIONS:
        given = config["regions"][region]
        assert given["apiUrl"] == here.outputs[f"{here.role(region)}ApiUrl"]
        for url in (given["apiUrl"], given["stateUrl"], given["auth"]["userPoolEndpoint"]):
            assert "/".join(url.split("/")[:3]) in policy
        assert (given["auth"]["userPoolId"], given["auth"]["userPoolClientId"]) == here.pool(region)
    assert page.headers["strict-transport-security"] and page.headers["x-content-type-options"] == "nosniff"


async def test_the_site_comes_from_the_other_region_when_the_first_does_not_answer(here: Deployment) -> None:
    http, site = here.cloud.http(), here.outputs["ConsoleUrl"]
    before = await http.get(f"{site}/uiConfig.json")
    here.cloud.lose(PRIMARY)
    after = await http.get(f"{site}/uiConfig.json")
    assert (after.status_code, after.content) == (200, before.content)
    here.cloud.lose(SECONDARY)
    assert (await http.get(f"{site}/uiConfig.json")).status_code == 503


@pytest.mark.parametrize("region", REGIONS)
async def test_buckets_are_not_public(here: Deployment, region: str) -> None:
    photo = await gallery_of(here).add()
    key = photo["url"].partition("?")[0].partition(".com/")[2]
    http, role = here.cloud.http(), here.role(region)
    for bucket, name in ((here.outputs[f"{role}SiteBucket"], "index.html"), (here.outputs[f"{role}PhotosBucket"], key)):
        assert (await http.get(f"https://{bucket}.s3.{region}.amazonaws.com/{name}")).status_code == 403


async def refused(gallery: DeployedGallery, data: bytes, ticket: Any, status: int, code: str, **changes: str) -> None:
    before = await gallery.pending_uploads()
    answer = await gallery.send(ticket, data, **changes)
    assert (answer.status_code, f"<Code>{code}</Code>" in answer.text) == (status, True), answer.text
    assert await gallery.pending_uploads() == before


async def test_s3_takes_exactly_what_was_announced(here: Deployment) -> None:
    gallery, data = gallery_of(here), picture()
    ticket = (await gallery.announce(data)).json()
    fields = ticket["upload"]["fields"]
    assert PRIMARY in ticket["upload"]["url"]
    await refused(gallery, data + b"x", ticket, 400, "EntityTooLarge")
    await refused(gallery, data[:-1], ticket, 400, "EntityTooSmall")
    await refused(gallery, bytes(len(data)), ticket, 400, "BadDigest")
    other = base64.b64encode(bytes(32)).decode()
    for changes in ({"key": "photos/mine/x"}, {"Content-Type": "text/html"}, {"x-amz-checksum-sha256": other}, {"acl": "public-read"}):
        await refused(gallery, data, ticket, 403, "AccessDenied", **changes)
    wider = json.loads(base64.b64decode(fields["policy"]))
    wider["conditions"] = [["starts-with", "$key", ""]]
    forged = base64.b64encode(json.dumps(wider).encode()).decode()
    await refused(gallery, data, ticket, 403, "SignatureDoesNotMatch", policy=forged)
    here.cloud.wind(61)
    await refused(gallery, data, ticket, 403, "AccessDenied")


async def test_a_ticket_of_before_the_fence_is_worth_nothing_after_it(here: Deployment) -> None:
    gallery, data = gallery_of(here), picture()
    ticket = (await gallery.announce(data)).json()
    here.set_state("fenced")
    await refused(gallery, data, ticket, 403, "AccessDenied")
    here.set_state("active")
    assert (await gallery.send(ticket, data)).status_code == 204


async def test_what_is_listed_is_shown_and_addresses_expire(here: Deployment) -> None:
    gallery, data = gallery_of(here), picture()
    photo = await gallery.add(data)
    shown = await gallery.http.get(photo["url"])
    assert (shown.status_code, shown.content, shown.headers["content-type"]) == (200, data, "image/jpeg")
    assert shown.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert (await gallery.http.get(photo["thumbnailUrl"])).status_code == 200
    assert (await gallery.http.get(photo["url"].replace("X-Amz-Expires=3600", "X-Amz-Expires=7200"))).status_code == 403
    here.cloud.wind(3601)
    assert (await gallery.http.get(photo["url"])).status_code == 403


def test_users_are_carried_with_their_attributes_and_groups(here: Deployment) -> None:
    primary, secondary = (here.cloud.client("cognito-idp", region) for region in REGIONS)
    (pool, client), (other, other_client) = here.pool(PRIMARY), here.pool(SECONDARY)
    primary.admin_create_user(UserPoolId=pool, Username="grace", UserAttributes=[{"Name": "email", "Value": "grace@example.com"}])
    here.set_password("grace", PRIMARY)
    assert "grace" not in users(secondary, other)
    sign_in(PRIMARY, pool, client, "grace", PASSWORD)
    here.cloud.settle()
    carried = users(secondary, other)["grace"]
    assert carried["email"] == "grace@example.com"
    with pytest.raises(Exception, match="Incorrect username or password"):
        sign_in(SECONDARY, other, other_client, "grace", PASSWORD)
    here.set_password("grace", SECONDARY)
    assert sign_in(SECONDARY, other, other_client, "grace", PASSWORD)["IdToken"]
    primary.admin_update_user_attributes(UserPoolId=pool, Username="grace", UserAttributes=[{"Name": "email", "Value": "g@example.com"}])
    primary.admin_add_user_to_group(UserPoolId=pool, Username="grace", GroupName="operators")
    for region in REGIONS:
        here.cloud.run_schedules(region)
    assert users(secondary, other)["grace"]["email"] == "g@example.com"
    groups = secondary.admin_list_groups_for_user(UserPoolId=other, Username="grace")["Groups"]
    assert [group["GroupName"] for group in groups] == ["operators"]
    primary.admin_remove_user_from_group(UserPoolId=pool, Username="grace", GroupName="operators")
    for region in REGIONS:
        here.cloud.run_schedules(region)
    assert secondary.admin_list_groups_for_user(UserPoolId=other, Username="grace")["Groups"] == []


def test_users_change_their_own_profile_and_it_is_carried_and_nothing_else(here: Deployment) -> None:
    primary, secondary = (here.cloud.client("cognito-idp", region) for region in REGIONS)
    token = sign_in(PRIMARY, *here.pool(PRIMARY), "ada", PASSWORD)["AccessToken"]
    mine = {"email": "ada@elsewhere.example", "phone_number": "+4930123456"}
    primary.update_user_attributes(AccessToken=token, UserAttributes=[{"Name": name, "Value": value} for name, value in mine.items()])
    for name in ("email_verified", "custom:profile"):
        with pytest.raises(ClientError, match="unauthorized attribute"):
            primary.update_user_attributes(AccessToken=token, UserAttributes=[{"Name": name, "Value": "true"}])
    for region in REGIONS:
        here.cloud.run_schedules(region)
    assert mine.items() <= users(secondary, here.pool(SECONDARY)[0])["ada"].items()


def users(client: Any, pool: str) -> dict[str, dict[str, str]]:
    found = client.list_users(UserPoolId=pool)["Users"]
    return {each["Username"]: {attribute["Name"]: attribute["Value"] for attribute in each["Attributes"]} for each in found}


def test_nobody_signs_up_and_nobody_is_created_in_the_secondary(here: Deployment) -> None:
    for region in REGIONS:
        pool, client_id = here.pool(region)
        client = here.cloud.client("cognito-idp", region)
        with pytest.raises(ClientError, match="not permitted"):
            client.sign_up(ClientId=client_id, Username="eve", Password=PASSWORD)
        if region == SECONDARY:
            with pytest.raises(ClientError, match="UserLambdaValidationException"):
                client.admin_create_user(UserPoolId=pool, Username="eve")
            assert "eve" not in users(client, pool)


def test_the_administrator_is_invited_and_an_operator(here: Deployment) -> None:
    pool, _ = here.pool(PRIMARY)
    assert (pool, "root") in here.cloud.triggers.invitations
    groups = here.cloud.client("cognito-idp", PRIMARY).admin_list_groups_for_user(UserPoolId=pool, Username="root")["Groups"]
    assert [group["GroupName"] for group in groups] == ["operators"]
