"""The functions that carry users across, as code: who is carried, what changes later, failures in between, and whom the guard keeps out."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from infra.lambdas import user_exporter, user_guard, user_importer
from infra.lambdas.items import typed
from infra.lambdas.user_exporter import Exporter
from infra.lambdas.user_importer import MARK, Importer
from tests.infra.region import ENVIRONMENT, PRIMARY, SECONDARY, Failing, admit, clear, client, items, refusal, two_regions

PASSWORD = "Long-enough-Passw0rd!"


@pytest.fixture(scope="module", autouse=True)
def account() -> Iterator[None]:
    with two_regions():
        yield


@pytest.fixture
def pools() -> Iterator[dict[str, str]]:
    """A user pool in each region, empty."""
    clear()
    admit("active", 3, PRIMARY)
    mark = {"Name": MARK.removeprefix("custom:"), "AttributeDataType": "String", "Mutable": True}
    made = {
        region: client("cognito-idp", region).create_user_pool(PoolName="users", Schema=[mark])["UserPool"]["Id"]
        for region in (PRIMARY, SECONDARY)
    }
    yield made
    for region, pool in made.items():
        client("cognito-idp", region).delete_user_pool(UserPoolId=pool)


@pytest.fixture
def exporter(pools: dict[str, str]) -> Exporter:
    return Exporter(ENVIRONMENT)


@pytest.fixture
def importer(pools: dict[str, str]) -> Importer:
    return Importer({**ENVIRONMENT, "AWS_REGION": SECONDARY, "USER_POOL_ID": pools[SECONDARY]})


def create(pool: str, name: str, *, confirmed: bool = True, groups: tuple[str, ...] = (), **attributes: str) -> None:
    cognito = client("cognito-idp", PRIMARY)
    address = {"email": f"{name}@example.com", "email_verified": "true"}
    given = [{"Name": key, "Value": value} for key, value in {**address, **attributes}.items() if value]
    cognito.admin_create_user(UserPoolId=pool, Username=name, UserAttributes=given)
    if confirmed:
        cognito.admin_set_user_password(UserPoolId=pool, Username=name, Password=PASSWORD, Permanent=True)
    for group in groups:
        known = [each["GroupName"] for each in cognito.list_groups(UserPoolId=pool)["Groups"]]
        if group not in known:
            cognito.create_group(UserPoolId=pool, GroupName=group)
        cognito.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName=group)


def replicate() -> None:
    """What the global table does."""
    for item in items("UsersTable", PRIMARY):
        client("dynamodb", SECONDARY).put_item(TableName=ENVIRONMENT["USERS_TABLE"], Item=typed(item))


def imported(pools: dict[str, str], name: str) -> dict[str, Any]:
    cognito = client("cognito-idp", SECONDARY)
    user = cognito.admin_get_user(UserPoolId=pools[SECONDARY], Username=name)
    groups = cognito.admin_list_groups_for_user(UserPoolId=pools[SECONDARY], Username=name)["Groups"]
    attributes = {each["Name"]: each["Value"] for each in user["UserAttributes"]}
    return {"attributes": attributes, "enabled": user["Enabled"], "groups": sorted(group["GroupName"] for group in groups)}


# out of the primary


def sign_in(pool: str, name: str, **attributes: str) -> Any:
    """The event of Cognito's trigger."""
    told = {"sub": "1", "cognito:user_status": "CONFIRMED", "email": f"{name}@example.com", "email_verified": "true", **attributes}
    return {"triggerSource": "PostAuthentication_Authentication", "userPoolId": pool, "userName": name, "request": {"userAttributes": told}}


def test_a_sign_in_writes_the_profile_fenced_and_stamped(pools: dict[str, str], exporter: Exporter) -> None:
    create(pools[PRIMARY], "ada", groups=("operators",))
    exporter.signed_in(sign_in(pools[PRIMARY], "ada", phone_number="+12345678999"))
    (stored,) = items("UsersTable")
    assert stored["attributes"] == {"email": "ada@example.com", "email_verified": "true", "phone_number": "+12345678999"}
    assert (stored["groups"], stored["enabled"], stored["epoch"], stored["region"]) == (["operators"], True, 3, PRIMARY)


@pytest.mark.parametrize("state", [("fenced", 4, None), ("failover", 4, SECONDARY)])
def test_nothing_is_written_where_the_primary_is_not_the_writer(pools: dict[str, str], exporter: Exporter, state: Any) -> None:
    create(pools[PRIMARY], "ada")
    admit(*state)
    exporter.signed_in(sign_in(pools[PRIMARY], "ada"))
    assert items("UsersTable") == []
    admit("active", 5, PRIMARY)
    assert exporter.export(pools[PRIMARY]) == 1 and [each["username"] for each in items("UsersTable")] == ["ada"]


def test_the_fence_is_in_the_transaction(pools: dict[str, str], exporter: Exporter) -> None:
    create(pools[PRIMARY], "ada")
    exporter.dynamodb = Failing(exporter.dynamodb, transact_write_items=[lambda: admit("fenced", 4, None)])
    exporter.signed_in(sign_in(pools[PRIMARY], "ada"))
    assert items("UsersTable") == []


@pytest.mark.parametrize("failure", [refusal("ProvisionedThroughputExceededException"), ConnectTimeoutError(endpoint_url="x")])
def test_a_sign_in_counts_though_the_profile_cannot_be_written(pools: dict[str, str], exporter: Exporter, failure: Exception) -> None:
    create(pools[PRIMARY], "ada")
    exporter.dynamodb = Failing(exporter.dynamodb, get_item=[failure])
    exporter.signed_in(sign_in(pools[PRIMARY], "ada"))
    assert items("UsersTable") == []


def test_a_sign_in_does_not_wait_longer_than_cognito_does() -> None:
    """Three calls: for the groups, the state, and the write."""
    haste = user_exporter.HASTE
    assert 3 * (haste.connect_timeout + haste.read_timeout) < 5 and haste.retries == {"total_max_attempts": 1}


def test_the_trigger_gives_back_its_event(pools: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    create(pools[PRIMARY], "ada")
    event = sign_in(pools[PRIMARY], "ada")
    assert user_exporter.handler(event, None) is event and len(items("UsersTable")) == 1
    assert user_exporter.handler({"userPoolId": pools[PRIMARY]}, None) == {"changed": 0}


def test_later_changes_are_carried_and_nothing_is_written_twice(pools: dict[str, str], exporter: Exporter) -> None:
    create(pools[PRIMARY], "ada", groups=("friends",))
    create(pools[PRIMARY], "invited", confirmed=False)
    assert (exporter.export(pools[PRIMARY]), exporter.export(pools[PRIMARY])) == (1, 0)
    where = {"UserPoolId": pools[PRIMARY], "Username": "ada"}
    cognito = client("cognito-idp", PRIMARY)
    cognito.admin_update_user_attributes(**where, UserAttributes=[{"Name": "email", "Value": "new@example.com"}])
    cognito.admin_remove_user_from_group(**where, GroupName="friends")
    cognito.admin_disable_user(**where)
    assert exporter.export(pools[PRIMARY]) == 1
    (stored,) = items("UsersTable")
    assert (stored["attributes"]["email"], stored["groups"], stored["enabled"]) == ("new@example.com", [], False)
    cognito.admin_delete_user(**where)
    assert (exporter.export(pools[PRIMARY]), exporter.export(pools[PRIMARY])) == (1, 0)
    assert items("UsersTable")[0]["digest"] == "deleted"


# into the secondary


def test_users_are_imported_changed_and_disabled(pools: dict[str, str], exporter: Exporter, importer: Importer) -> None:
    create(pools[PRIMARY], "ada", groups=("operators", "friends"))
    exporter.export(pools[PRIMARY])
    replicate()
    assert importer.sweep() == {"users": 1, "refused": 0, "unreachable": 0}
    found = imported(pools, "ada")
    assert (found["attributes"]["email"], found["groups"], found["enabled"]) == ("ada@example.com", ["friends", "operators"], True)
    where = {"UserPoolId": pools[PRIMARY], "Username": "ada"}
    client("cognito-idp", PRIMARY).admin_remove_user_from_group(**where, GroupName="friends")
    client("cognito-idp", PRIMARY).admin_disable_user(**where)
    exporter.export(pools[PRIMARY])
    replicate()
    importer.sweep()
    assert (imported(pools, "ada")["groups"], imported(pools, "ada")["enabled"]) == (["operators"], False)
    client("cognito-idp", PRIMARY).admin_delete_user(**where)
    exporter.export(pools[PRIMARY])
    replicate()
    importer.sweep()
    assert imported(pools, "ada")["attributes"][MARK] == "deleted" and not imported(pools, "ada")["enabled"]


def image(name: str) -> Any:
    (item,) = [each for each in items("UsersTable") if each["username"] == name]
    return {"eventID": f"event of {name}", "dynamodb": {"SequenceNumber": name, "NewImage": typed(item)}}


def test_a_batch_of_the_stream_says_which_records_failed(pools: dict[str, str], exporter: Exporter, importer: Importer) -> None:
    for name in ("ada", "bob"):
        create(pools[PRIMARY], name)
    exporter.export(pools[PRIMARY])
    importer.cognito = Failing(importer.cognito, admin_create_user=[refusal("TooManyRequestsException"), None])
    answer = importer.records([image("ada"), image("bob"), {"eventID": "gone", "dynamodb": {"SequenceNumber": "gone"}}])
    assert answer == {"batchItemFailures": [{"itemIdentifier": "ada"}]}
    assert imported(pools, "bob")["enabled"]
    assert importer.records([image("ada"), image("bob")]) == {"batchItemFailures": []}


def test_a_user_that_was_half_imported_is_imported_again(pools: dict[str, str], exporter: Exporter, importer: Importer) -> None:
    create(pools[PRIMARY], "ada", groups=("operators",))
    create(pools[PRIMARY], "bob")
    exporter.export(pools[PRIMARY])
    replicate()
    importer.cognito = Failing(importer.cognito, admin_add_user_to_group=[refusal("InternalErrorException")])
    with pytest.raises(RuntimeError, match="1 users could not be imported"):
        importer.sweep()
    assert imported(pools, "bob")["attributes"][MARK]
    assert MARK not in imported(pools, "ada")["attributes"]
    importer.sweep()
    assert imported(pools, "ada")["groups"] == ["operators"]
    calls = Failing(importer.cognito, admin_create_user=[], admin_update_user_attributes=[])
    importer.cognito = calls
    importer.sweep()
    assert calls.calls == []


def status(pools: dict[str, str], name: str) -> str:
    found: str = client("cognito-idp", SECONDARY).admin_get_user(UserPoolId=pools[SECONDARY], Username=name)["UserStatus"]
    return found


def test_an_imported_user_is_sent_nothing_and_has_a_password_that_can_be_forgotten(
    pools: dict[str, str], exporter: Exporter, importer: Importer
) -> None:
    create(pools[PRIMARY], "ada")
    exporter.export(pools[PRIMARY])
    replicate()
    calls = importer.cognito = Failing(importer.cognito, admin_create_user=[None], admin_set_user_password=[None])
    importer.sweep()
    made, chosen = calls.given
    assert made["MessageAction"] == "SUPPRESS" and "DesiredDeliveryMediums" not in made
    assert chosen["Permanent"] is True and len(chosen["Password"]) > 64
    assert status(pools, "ada") == "CONFIRMED"


def test_a_user_without_a_password_of_the_import_gets_one_and_nobody_elses_is_changed(
    pools: dict[str, str], exporter: Exporter, importer: Importer
) -> None:
    create(pools[PRIMARY], "ada")
    exporter.export(pools[PRIMARY])
    replicate()
    importer.cognito = Failing(importer.cognito, admin_set_user_password=[refusal("TooManyRequestsException")])
    with pytest.raises(RuntimeError):
        importer.sweep()
    assert status(pools, "ada") == "FORCE_CHANGE_PASSWORD"
    importer.sweep()
    assert status(pools, "ada") == "CONFIRMED"
    where = {"UserPoolId": pools[PRIMARY], "Username": "ada"}
    client("cognito-idp", PRIMARY).admin_update_user_attributes(**where, UserAttributes=[{"Name": "email", "Value": "new@example.com"}])
    exporter.export(pools[PRIMARY])
    replicate()
    calls = importer.cognito = Failing(importer.cognito, admin_set_user_password=[])
    importer.sweep()
    assert (calls.calls, imported(pools, "ada")["attributes"]["email"]) == ([], "new@example.com")


def test_a_user_that_the_pool_refuses_is_noted_and_tried_again_when_the_profile_changes(
    pools: dict[str, str], exporter: Exporter, importer: Importer, capsys: pytest.CaptureFixture[str]
) -> None:
    create(pools[PRIMARY], "ada")
    create(pools[PRIMARY], "bob")
    exporter.export(pools[PRIMARY])
    replicate()
    calls = importer.cognito = Failing(importer.cognito, admin_create_user=[refusal("InvalidParameterException"), None])
    assert importer.sweep() == {"users": 2, "refused": 1, "unreachable": 0}
    assert importer.sweep() == {"users": 2, "refused": 1, "unreachable": 0}
    assert [given["Username"] for given in calls.given] == ["ada", "bob"]
    (note,) = [each for each in items("UsersTable", SECONDARY) if each["username"] == "refused ada"]
    assert (note["epoch"], note["region"]) == (3, PRIMARY) and "InvalidParameterException" in note["reason"]
    measured = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert [each["UsersNotImported"] for each in measured] == [1, 1]
    (told,) = measured[0]["_aws"]["CloudWatchMetrics"]
    assert (told["Namespace"], told["Dimensions"], measured[0]["Deployment"]) == ("multiregion", [["Deployment"]], ENVIRONMENT["PREFIX"])
    client("dynamodb", PRIMARY).put_item(TableName=ENVIRONMENT["USERS_TABLE"], Item=typed(note))  # the global table brings it back
    where = {"UserPoolId": pools[PRIMARY], "Username": "ada"}
    client("cognito-idp", PRIMARY).admin_update_user_attributes(**where, UserAttributes=[{"Name": "email", "Value": "new@example.com"}])
    assert exporter.export(pools[PRIMARY]) == 1
    replicate()
    assert importer.sweep()["refused"] == 0 and imported(pools, "ada")["enabled"]


def test_a_stream_does_not_repeat_what_the_pool_refuses(pools: dict[str, str], exporter: Exporter, importer: Importer) -> None:
    create(pools[PRIMARY], "ada")
    exporter.export(pools[PRIMARY])
    importer.cognito = Failing(importer.cognito, admin_create_user=[refusal("InvalidParameterException")])
    assert importer.records([image("ada")]) == {"batchItemFailures": []}
    (note,) = [each for each in items("UsersTable", SECONDARY) if each["username"] == "refused ada"]
    assert importer.records([{"eventID": "note", "dynamodb": {"SequenceNumber": "note", "NewImage": typed(note)}}]) == {
        "batchItemFailures": []
    }


def test_users_who_cannot_reset_a_password_are_named(
    pools: dict[str, str], exporter: Exporter, importer: Importer, capsys: pytest.CaptureFixture[str]
) -> None:
    create(pools[PRIMARY], "ada", email="", email_verified="")
    create(pools[PRIMARY], "bob", email_verified="false")
    create(pools[PRIMARY], "cy")
    exporter.export(pools[PRIMARY])
    replicate()
    assert importer.sweep() == {"users": 3, "refused": 0, "unreachable": 2}
    assert "without a verified e-mail address: ada, bob\n" in capsys.readouterr().out


def test_upper_and_lower_case_are_one_user(
    pools: dict[str, str], exporter: Exporter, importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**ENVIRONMENT, "AWS_REGION": SECONDARY}.items():
        monkeypatch.setenv(name, value)
    create(pools[PRIMARY], "Ada")
    exporter.signed_in(sign_in(pools[PRIMARY], "Ada"))
    assert exporter.export(pools[PRIMARY]) == 0
    replicate()
    importer.sweep()
    assert [each["username"] for each in items("UsersTable")] == ["ada"] and imported(pools, "Ada")["enabled"]
    event = {"triggerSource": "PreAuthentication_Authentication", "userName": "ADA"}
    assert user_guard.handler(event, None) is event


def test_a_user_that_was_deleted_before_it_was_imported_is_none(pools: dict[str, str], exporter: Exporter, importer: Importer) -> None:
    create(pools[PRIMARY], "ada")
    exporter.export(pools[PRIMARY])
    client("cognito-idp", PRIMARY).admin_delete_user(UserPoolId=pools[PRIMARY], Username="ada")
    exporter.export(pools[PRIMARY])
    replicate()
    calls = importer.cognito = Failing(importer.cognito, admin_disable_user=[])
    assert importer.sweep()["users"] == 1 and calls.calls == []
    assert client("cognito-idp", SECONDARY).list_users(UserPoolId=pools[SECONDARY])["Users"] == []


def test_the_handler_tells_a_stream_from_the_schedule(pools: dict[str, str], exporter: Exporter, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**ENVIRONMENT, "AWS_REGION": SECONDARY, "USER_POOL_ID": pools[SECONDARY]}.items():
        monkeypatch.setenv(name, value)
    create(pools[PRIMARY], "ada")
    exporter.export(pools[PRIMARY])
    assert user_importer.handler({"Records": [image("ada")]}, None) == {"batchItemFailures": []}
    assert user_importer.handler({"source": "aws.events"}, None) == {"users": 0, "refused": 0, "unreachable": 0}


# the guard


def test_the_guard_lets_in_whom_the_table_knows(pools: dict[str, str], exporter: Exporter, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**ENVIRONMENT, "AWS_REGION": SECONDARY}.items():
        monkeypatch.setenv(name, value)
    create(pools[PRIMARY], "ada")
    exporter.export(pools[PRIMARY])
    replicate()
    for trigger in ("PreSignUp_AdminCreateUser", "PreAuthentication_Authentication"):
        event = {"triggerSource": trigger, "userName": "ada"}
        assert user_guard.handler(event, None) is event
        with pytest.raises(ValueError, match="created in the primary region only"):
            user_guard.handler({**event, "userName": "mallory"}, None)
