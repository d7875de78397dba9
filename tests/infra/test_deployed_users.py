"""Users on the day of a failover: who was imported a year ago signs in, by whatever case of the name, with the password that the rule
allows; what cannot be imported is seen."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.cognitoidp.models import cognitoidp_backends

from infra.lambdas.user_importer import MARK
from multiregion.config import PASSWORD_CHARACTERS_MIN
from tests.infra.cloud.pools import pool_with, sign_in
from tests.infra.cloud.principals import ACCOUNT
from tests.infra.deployed import PRIMARY, SECONDARY, Deployment, deployed

YEAR_SECONDS = 365 * 86_400
NEW = "a new password"


@pytest.fixture(scope="module")
def made() -> Iterator[Deployment]:
    with deployed() as deployment:
        yield deployment


@pytest.fixture
def here(made: Deployment) -> Deployment:
    made.clear()
    return made


def invited(here: Deployment, name: str) -> None:
    """A user of the primary who has signed in there once."""
    attributes = [{"Name": "email", "Value": f"{name}@example.com"}, {"Name": "email_verified", "Value": "true"}]
    here.cloud.client("cognito-idp", PRIMARY).admin_create_user(UserPoolId=here.pool(PRIMARY)[0], Username=name, UserAttributes=attributes)
    here.set_password(name, PRIMARY)
    here.token(name, PRIMARY)
    here.cloud.settle()


def reset(here: Deployment, name: str, region: str) -> Any:
    """What the page does for a forgotten password."""
    pool, client_id = here.pool(region)
    client = here.cloud.client("cognito-idp", region)
    try:
        client.forgot_password(ClientId=client_id, Username=name)
    except client.exceptions.NotAuthorizedException as error:
        pytest.fail(f"{name} cannot choose another password: {error}")
    code = pool_with(pool, region).users[name].confirmation_code
    client.confirm_forgot_password(ClientId=client_id, Username=name, ConfirmationCode=code, Password=NEW)
    return sign_in(region, pool, client_id, name, NEW)


def test_who_was_imported_a_year_ago_signs_in_when_the_primary_is_lost(here: Deployment) -> None:
    invited(here, "grace")
    here.cloud.wind(YEAR_SECONDS)
    here.cloud.lose(PRIMARY)
    here.set_state("failover", region=SECONDARY, RegionLost=True)
    assert reset(here, "grace", SECONDARY)["IdToken"]


def test_nobody_is_sent_anything_by_the_import(here: Deployment) -> None:
    secondary = here.pool(SECONDARY)[0]
    invited(here, "dorothy")
    for region in (PRIMARY, SECONDARY):
        here.cloud.run_schedules(region)
    assert "dorothy" in pool_with(secondary).users
    assert [name for pool, name in here.cloud.triggers.invitations if pool == secondary] == []


def test_an_import_is_finished_and_marked(here: Deployment) -> None:
    """Without the mark, which comes last, every sweep would begin it again, or have it refused for good."""
    invited(here, "radia")
    for region in (PRIMARY, SECONDARY):
        here.cloud.run_schedules(region)
    assert pool_with(here.pool(SECONDARY)[0]).users["radia"].attribute_lookup.get(MARK)


def test_upper_and_lower_case_are_one_user_in_both_regions(here: Deployment) -> None:
    invited(here, "Barbara")
    with pytest.raises(ClientError, match="UsernameExists"):
        here.cloud.client("cognito-idp", PRIMARY).admin_create_user(UserPoolId=here.pool(PRIMARY)[0], Username="BARBARA")
    here.set_password("Barbara", SECONDARY)
    for region in (PRIMARY, SECONDARY):
        assert here.token("barbara", region)


async def test_the_page_is_told_the_rule_that_the_pools_keep(here: Deployment) -> None:
    config = (await here.cloud.http().get(f"{here.outputs['ConsoleUrl']}/uiConfig.json")).json()
    least = config["limits"]["passwordCharactersMin"]
    assert least == PASSWORD_CHARACTERS_MIN
    for region in (PRIMARY, SECONDARY):
        assert config["regions"][region]["auth"]["passwords"] == "own"
        where = {"UserPoolId": here.pool(region)[0], "Username": "ada", "Permanent": True}
        client = here.cloud.client("cognito-idp", region)
        client.admin_set_user_password(**where, Password="x" * least)
        with pytest.raises(ClientError, match="InvalidPassword"):
            client.admin_set_user_password(**where, Password="x" * (least - 1))
        here.set_password("ada", region)


def test_what_the_importer_cannot_do_is_kept_for_the_operator(here: Deployment) -> None:
    """The pool is gone: every profile fails, by the stream and by the sweep."""
    queue = here.cloud.client("sqs", SECONDARY)
    url = queue.get_queue_url(QueueName=f"{here.outputs['StackSetPrefix']}-UserImporterFailures")["QueueUrl"]
    pools = cognitoidp_backends[ACCOUNT][SECONDARY].user_pools
    gone = pools.pop(here.pool(SECONDARY)[0])
    try:
        invited(here, "mary")
        here.cloud.run_schedules(SECONDARY)
    finally:
        pools[gone.id] = gone
        here.cloud.streams.failures.clear()
        here.cloud.functions.failures.clear()
    kept = queue.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert len(kept) == 2 and all(json.loads(each["Body"])["why"] for each in kept)


def test_the_invitation_names_the_application(here: Deployment) -> None:
    message = pool_with(here.pool(PRIMARY)[0]).extended_config["AdminCreateUserConfig"]["InviteMessageTemplate"]
    for text in (message["EmailMessage"], message["SMSMessage"]):
        assert here.outputs["ConsoleUrl"] in text and "{username}" in text and "{####}" in text
    assert len(message["SMSMessage"]) <= 140
