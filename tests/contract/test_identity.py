"""Sign-in as unmodified boto3 sees it, over real sockets: every operation, and every refusal by Cognito's name."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError
from joserfc import jwt
from joserfc.jwk import KeySet

from multiregion.states import Role, State
from tests.identity_server import Servers, serving
from tests.identity_world import CLIENT, PASSWORD

NEW = "a new password"
POOL = "us-east-1_Example"


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    with serving_ada(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """For requests that change nothing."""
    with serving_ada(tmp_path_factory.mktemp("shared")) as made:
        yield made


@contextmanager
def serving_ada(folder: Path) -> Iterator[Servers]:
    with serving(folder) as made:
        made.run(made.world.a.accounts.prepare())
        client = made.client()
        create(client, "ada")
        client.admin_set_user_password(UserPoolId=POOL, Username="ada", Password=PASSWORD, Permanent=True)
        made.run(made.world.replicate())
        yield made


def create(client: Any, name: str, **more: Any) -> dict[str, Any]:
    attributes = [{"Name": "email", "Value": f"{name}@example.com"}, {"Name": "email_verified", "Value": "true"}]
    answer = client.admin_create_user(
        UserPoolId=POOL, Username=name, TemporaryPassword=PASSWORD, UserAttributes=attributes, MessageAction="SUPPRESS", **more
    )
    user: dict[str, Any] = answer["User"]
    return user


def sign_in(client: Any, name: str = "ada", password: str = PASSWORD) -> dict[str, Any]:
    answer: dict[str, Any] = client.initiate_auth(
        ClientId=CLIENT, AuthFlow="USER_PASSWORD_AUTH", AuthParameters={"USERNAME": name, "PASSWORD": password}
    )
    return answer


def tokens(client: Any, name: str = "ada", password: str = PASSWORD) -> dict[str, str]:
    found: dict[str, str] = sign_in(client, name, password)["AuthenticationResult"]
    return found


def who(servers: Servers, role: Role, authorization: str) -> httpx.Response:
    return httpx.get(f"{servers.url(role)}/who", headers={"Authorization": authorization})


class Refused:
    """The error's name, and its HTTP status."""

    def __init__(self, name: str, status: int = 400, match: str = ".") -> None:
        self._expected = name, status
        self._raised = pytest.raises(ClientError, match=match)

    def __enter__(self) -> None:
        self._caught = self._raised.__enter__()

    def __exit__(self, *failure: Any) -> bool:
        swallowed = bool(self._raised.__exit__(*failure))
        answer = self._caught.value.response
        assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == self._expected
        assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"] == self._expected[0]
        return swallowed


class TestUsers:
    def test_invited_forced_to_a_new_password_and_signed_in_in_both_regions(self, servers: Servers) -> None:
        client = servers.client()
        user = create(client, "bob")
        assert (user["Username"], user["UserStatus"], user["Enabled"]) == ("bob", "FORCE_CHANGE_PASSWORD", True)
        challenge = sign_in(client, "bob")
        assert challenge["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
        assert challenge["ChallengeParameters"]["USER_ID_FOR_SRP"] == "bob"
        answer = client.respond_to_auth_challenge(
            ClientId=CLIENT,
            ChallengeName="NEW_PASSWORD_REQUIRED",
            Session=challenge["Session"],
            ChallengeResponses={"USERNAME": "bob", "NEW_PASSWORD": NEW},
        )
        servers.run(servers.world.replicate())
        secondary = servers.client(Role.SECONDARY, signed=False)
        found = secondary.get_user(AccessToken=answer["AuthenticationResult"]["AccessToken"])
        assert {each["Name"]: each["Value"] for each in found["UserAttributes"]}["email"] == "bob@example.com"
        assert tokens(secondary, "bob", NEW)["TokenType"] == "Bearer"

    def test_a_session_is_refreshed_and_revoked(self, servers: Servers) -> None:
        client, secondary = servers.client(signed=False), servers.client(Role.SECONDARY, signed=False)
        session = tokens(client)
        old = secondary.initiate_auth(
            ClientId=CLIENT, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters={"REFRESH_TOKEN": session["RefreshToken"]}
        )["AuthenticationResult"]
        new = secondary.get_tokens_from_refresh_token(ClientId=CLIENT, RefreshToken=session["RefreshToken"])["AuthenticationResult"]
        assert "RefreshToken" not in old | new
        for each in (session, old, new):
            for role in Role:
                assert who(servers, role, each["IdToken"]).json() == {"user": "ada", "operator": False}
        client.revoke_token(ClientId=CLIENT, Token=session["RefreshToken"])
        servers.run(servers.world.replicate())
        for each in (session, old, new):
            for role in Role:
                assert who(servers, role, f"Bearer {each['IdToken']}").status_code == 401
        with Refused("NotAuthorizedException", match="Refresh Token has been revoked"):
            secondary.get_tokens_from_refresh_token(ClientId=CLIENT, RefreshToken=session["RefreshToken"])
        with Refused("NotAuthorizedException", match="Access Token has been revoked"):
            secondary.get_user(AccessToken=new["AccessToken"])
        with Refused("UnsupportedTokenTypeException"):
            client.revoke_token(ClientId=CLIENT, Token=session["AccessToken"])

    def test_signed_out_everywhere(self, servers: Servers) -> None:
        client = servers.client()
        one, other = tokens(client), tokens(client)
        client.global_sign_out(AccessToken=one["AccessToken"])
        assert who(servers, Role.PRIMARY, other["IdToken"]).status_code == 401
        session = tokens(client)
        client.admin_user_global_sign_out(UserPoolId=POOL, Username="ada")
        assert who(servers, Role.PRIMARY, session["IdToken"]).status_code == 401

    def test_passwords_changed_forgotten_and_reset(self, servers: Servers) -> None:
        client = servers.client()
        session = tokens(client)
        client.change_password(AccessToken=session["AccessToken"], PreviousPassword=PASSWORD, ProposedPassword=NEW)
        assert client.forgot_password(ClientId=CLIENT, Username="ada")["CodeDeliveryDetails"]["DeliveryMedium"] == "EMAIL"
        code = servers.world.a.messages[-1].secret
        client.confirm_forgot_password(ClientId=CLIENT, Username="ada", ConfirmationCode=code, Password=PASSWORD)
        with Refused("NotAuthorizedException"):
            client.get_user(AccessToken=session["AccessToken"])
        client.admin_reset_user_password(UserPoolId=POOL, Username="ada")
        with Refused("PasswordResetRequiredException"):
            sign_in(client)
        with Refused("CodeMismatchException"):
            client.confirm_forgot_password(ClientId=CLIENT, Username="ada", ConfirmationCode="123456", Password=PASSWORD)
        with Refused("InvalidPasswordException", match="at least 12"):
            client.admin_set_user_password(UserPoolId=POOL, Username="ada", Password="short", Permanent=True)

    def test_a_profile_is_changed_by_its_owner(self, servers: Servers) -> None:
        client, secondary = servers.client(signed=False), servers.client(Role.SECONDARY, signed=False)
        token = tokens(client)["AccessToken"]

        def attributes(of: Any) -> dict[str, str]:
            return {each["Name"]: each["Value"] for each in of.get_user(AccessToken=token)["UserAttributes"]}

        def change(**values: str) -> dict[str, Any]:
            pairs = [{"Name": name, "Value": value} for name, value in values.items()]
            answer: dict[str, Any] = client.update_user_attributes(AccessToken=token, UserAttributes=pairs)
            return answer

        assert change(email="ada@example.org", phone_number="+12065550100")["CodeDeliveryDetailsList"] == []
        servers.run(servers.world.replicate())
        for side in (client, secondary):
            assert (attributes(side)["email"], attributes(side)["phone_number"]) == ("ada@example.org", "+12065550100")
        change(phone_number="")
        assert attributes(client)["email"] == "ada@example.org"
        assert "phone_number" not in attributes(client)
        for wrong in ({"email": "no address"}, {"email": ""}, {"phone_number": "12"}, {"sub": "another"}):
            with Refused("InvalidParameterException", match="email|phone_number|sub"):
                change(**wrong)
        assert attributes(client)["email"] == "ada@example.org"
        with Refused("NotAuthorizedException"):
            client.update_user_attributes(AccessToken="nonsense", UserAttributes=[{"Name": "email", "Value": "a@b"}])

    def test_operators_find_disable_enable_and_delete(self, servers: Servers) -> None:
        client = servers.client()
        for i in range(3):
            create(client, f"user{i}")
        page = client.list_users(UserPoolId=POOL, Limit=2)
        rest = client.list_users(UserPoolId=POOL, Limit=2, PaginationToken=page["PaginationToken"])
        assert [user["Username"] for user in page["Users"] + rest["Users"]] == ["ada", "user0", "user1", "user2"]
        assert "PaginationToken" not in rest
        assert [len(each["Users"]) for each in client.get_paginator("list_users").paginate(UserPoolId=POOL)] == [4]
        found = client.admin_get_user(UserPoolId=POOL, Username="ADA")
        assert (found["Username"], found["UserStatus"], found["UserCreateDate"].year >= 2024) == ("ada", "CONFIRMED", True)
        client.admin_disable_user(UserPoolId=POOL, Username="ada")
        assert client.admin_get_user(UserPoolId=POOL, Username="ada")["Enabled"] is False
        with Refused("NotAuthorizedException", match="User is disabled"):
            sign_in(client)
        client.admin_enable_user(UserPoolId=POOL, Username="ada")
        client.admin_delete_user(UserPoolId=POOL, Username="user0")
        with Refused("UserNotFoundException"):
            client.admin_get_user(UserPoolId=POOL, Username="user0")
        with Refused("UsernameExistsException"):
            create(client, "ada")

    def test_operators_make_operators(self, servers: Servers) -> None:
        client = servers.client()
        before = servers.run(servers.world.a.records.head())
        create(client, "root", ClientMetadata={"groups": "operators"})
        after = servers.run(servers.world.a.records.head())
        assert after.position.sequence == before.position.sequence + 1
        assert client.admin_list_groups_for_user(UserPoolId=POOL, Username="root")["Groups"] == [{"GroupName": "operators"}]
        group = {"UserPoolId": POOL, "Username": "ada", "GroupName": "operators"}
        client.admin_add_user_to_group(**group)
        session = tokens(client)
        assert who(servers, Role.PRIMARY, session["IdToken"]).json()["operator"] is True
        assert [each["GroupName"] for each in client.admin_list_groups_for_user(UserPoolId=POOL, Username="ada")["Groups"]] == ["operators"]
        listed = call(servers, "ListUsers", {"UserPoolId": POOL}, {"Authorization": f"Bearer {session['IdToken']}"})
        assert [user["Username"] for user in listed.json()["Users"]] == ["ada", "root"]
        client.admin_remove_user_from_group(**group)
        assert who(servers, Role.PRIMARY, session["IdToken"]).json()["operator"] is False
        with Refused("InvalidParameterException", match="operators"):
            client.admin_add_user_to_group(**group | {"GroupName": "owners"})

    def test_nobody_signs_up(self, servers: Servers) -> None:
        with Refused("NotAuthorizedException", match="SignUp is not permitted for this user pool"):
            servers.client().sign_up(ClientId=CLIENT, Username="eve", Password=PASSWORD)

    def test_the_keys_prove_the_tokens(self, servers: Servers) -> None:
        session = tokens(servers.client())
        for pool in (POOL, "ap-northeast-1_Example"):
            answers = [httpx.get(f"{servers.url(role)}/{pool}/.well-known/jwks.json") for role in Role]
            assert answers[0].json() == answers[1].json()
            claims = jwt.decode(session["IdToken"], KeySet.import_key_set(answers[0].json()), algorithms=["RS256"]).claims
            assert claims["iss"] == f"{servers.url(Role.PRIMARY)}/{POOL}"
        assert httpx.get(f"{servers.url(Role.PRIMARY)}/us-east-1_Other/.well-known/jwks.json").status_code == 404


class TestFence:
    @pytest.mark.parametrize("state", [State.FENCED, State.FAILOVER])
    def test_nothing_is_written_but_users_sign_in(self, servers: Servers, state: State) -> None:
        create(servers.client(), "bob")
        servers.run(servers.world.replicate())
        session = tokens(servers.client())
        servers.run(servers.world.admit(state))
        for role in Role:
            client = servers.client(role)
            with Refused("FencedException", 409, match=str(state)):
                create(client, "eve")
            with Refused("FencedException", 409):
                client.revoke_token(ClientId=CLIENT, Token=session["RefreshToken"])
            with Refused("FencedException", 409):
                client.forgot_password(ClientId=CLIENT, Username="ada")
            with Refused("FencedException", 409):
                email = {"Name": "email", "Value": "ada@example.org"}
                client.update_user_attributes(AccessToken=session["AccessToken"], UserAttributes=[email])
            with Refused("FencedException", 409):
                client.respond_to_auth_challenge(
                    ClientId=CLIENT,
                    ChallengeName="NEW_PASSWORD_REQUIRED",
                    Session=sign_in(client, "bob")["Session"],
                    ChallengeResponses={"USERNAME": "bob", "NEW_PASSWORD": NEW},
                )
            assert client.get_tokens_from_refresh_token(ClientId=CLIENT, RefreshToken=session["RefreshToken"])
            assert tokens(client)
            assert len(client.list_users(UserPoolId=POOL)["Users"]) == 2


def call(servers: Servers, operation: str, body: Any, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
    target = {"X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}", "Content-Type": "application/x-amz-json-1.1"}
    content = {"content": body} if isinstance(body, bytes) else {"json": body}
    return httpx.post(servers.url(Role.PRIMARY), headers=target | (headers or {}), **content, **more)


class TestBadInput:
    @pytest.mark.parametrize(
        ("operation", "body", "name", "status"),
        [
            ("InitiateAuth", b"", "SerializationException", 400),
            ("InitiateAuth", b"{", "SerializationException", 400),
            ("InitiateAuth", b'{"ClientId": "\xff"}', "SerializationException", 400),
            ("InitiateAuth", b"[" * 60_000, "InvalidParameterException", 400),
            ("InitiateAuth", b'{"Devices":' + b"[" * 60_000, "SerializationException", 400),
            ("InitiateAuth", b" " * 65_537, "RequestTooLargeException", 413),
            ("InitiateAuth", [], "InvalidParameterException", 400),
            ("InitiateAuth", {}, "InvalidParameterException", 400),
            ("InitiateAuth", {"ClientId": 7, "AuthFlow": "USER_PASSWORD_AUTH"}, "InvalidParameterException", 400),
            ("InitiateAuth", {"ClientId": CLIENT, "AuthFlow": "USER_SRP_AUTH"}, "InvalidParameterException", 400),
            ("InitiateAuth", {"ClientId": CLIENT, "AuthFlow": "USER_PASSWORD_AUTH"}, "InvalidParameterException", 400),
            ("InitiateAuth", {"ClientId": "other", "AuthFlow": "USER_PASSWORD_AUTH"}, "ResourceNotFoundException", 400),
            ("RespondToAuthChallenge", {"ClientId": CLIENT, "ChallengeName": "SMS_MFA"}, "InvalidParameterException", 400),
            ("RevokeToken", {"ClientId": CLIENT, "Token": "nonsense"}, "NotAuthorizedException", 400),
            ("GetUser", {"AccessToken": "nonsense"}, "NotAuthorizedException", 400),
            ("GetUser", {"AccessToken": "x" * 9000}, "InvalidParameterException", 400),
            ("DescribeUserPool", {}, "UnknownOperationException", 400),
            ("", {}, "UnknownOperationException", 400),
            ("ListUsers", {"UserPoolId": POOL}, "NotAuthorizedException", 400),
            ("AdminCreateUser", b"{", "NotAuthorizedException", 400),
        ],
    )
    def test_it_is_named(self, shared: Servers, operation: str, body: Any, name: str, status: int) -> None:
        answer = call(shared, operation, body)
        assert (answer.json()["__type"], answer.status_code) == (name, status)
        assert answer.headers["x-amzn-errortype"] == name
        assert answer.headers["content-type"] == "application/x-amz-json-1.1"
        assert answer.headers["x-amzn-requestid"]
        assert answer.json()["message"]

    @pytest.mark.parametrize(
        ("fields", "name"),
        [
            ({"Username": "with space"}, "InvalidParameterException"),
            ({"UserAttributes": []}, "InvalidParameterException"),
            ({"UserAttributes": [{"Name": "email", "Value": "no address"}]}, "InvalidParameterException"),
            ({"UserAttributes": [{"Name": "email", "Value": "a@b"}, {"Name": "phone_number", "Value": "1"}]}, "InvalidParameterException"),
            ({"UserAttributes": [{"Name": "email", "Value": "a@b"}, {"Name": "nickname", "Value": "x"}]}, "InvalidParameterException"),
            ({"TemporaryPassword": "short"}, "InvalidPasswordException"),
            ({"UserPoolId": "us-east-1_Other"}, "ResourceNotFoundException"),
            ({"ClientMetadata": {"groups": "owners"}}, "InvalidParameterException"),
        ],
        ids=str,
    )
    def test_a_user_that_cannot_be_made(self, shared: Servers, fields: dict[str, Any], name: str) -> None:
        request = {
            "UserPoolId": POOL,
            "Username": "eve",
            "TemporaryPassword": PASSWORD,
            "UserAttributes": [{"Name": "email", "Value": "eve@example.com"}],
        }
        with Refused(name):
            shared.client().admin_create_user(**request | fields)

    def test_a_list_that_cannot_be_shown(self, shared: Servers) -> None:
        client = shared.client()
        for wrong in ({"Limit": 61}, {"PaginationToken": "nonsense"}, {"Filter": 'email = "x"'}):
            with Refused("InvalidParameterException"):
                client.list_users(UserPoolId=POOL, **wrong)

    def test_guessing_is_slowed_down(self, servers: Servers) -> None:
        client = servers.client()
        for _ in range(10):
            with Refused("NotAuthorizedException", match="Incorrect username or password"):
                sign_in(client, password="wrong password")
        with Refused("TooManyRequestsException"):
            sign_in(client)
        answer = call(
            servers,
            "InitiateAuth",
            {"ClientId": CLIENT, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": {"USERNAME": "ada", "PASSWORD": PASSWORD}},
        )
        assert 1 <= int(answer.headers["retry-after"]) <= 7

    def test_a_region_that_has_not_got_the_key_says_so(self, servers: Servers, tmp_path: Path) -> None:
        folder = tmp_path / "new"
        folder.mkdir()
        with serving(folder) as fresh:
            create(fresh.client(), "ada")
            fresh.client().admin_set_user_password(UserPoolId=POOL, Username="ada", Password=PASSWORD, Permanent=True)
            with Refused("ServiceUnavailableException", 503, match="signing key"):
                sign_in(fresh.client())
        shutil.rmtree(folder)

    def test_browsers_are_let_in_from_the_edge_alone(self, shared: Servers) -> None:
        asked = {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,cache-control,x-amz-target,x-amz-user-agent,"
            "amz-sdk-invocation-id,amz-sdk-request,authorization",
        }
        allowed = httpx.options(shared.url(Role.PRIMARY), headers={"Origin": shared.deployment.edge, **asked})
        assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, shared.deployment.edge)
        refused = httpx.options(shared.url(Role.PRIMARY), headers={"Origin": "http://localhost:9", **asked})
        assert "access-control-allow-origin" not in refused.headers
