"""An invitation that is sent again, as Cognito does with `MessageAction=RESEND`: for whom it can be, what it changes, and who may."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from multiregion.config import Settings
from multiregion.states import Role, State
from tests.identity_server import Servers, serving
from tests.identity_world import CLIENT, PASSWORD

POOL = "us-east-1_Example"
FIRST, SECOND = "first-temporary", "second-temporary"
DAYS = Settings().temporary_password_days


@pytest.fixture
def servers(tmp_path: Any) -> Iterator[Servers]:
    """With `ada`, who is invited, `vera`, who is somebody, and the operator `olga`."""
    with serving(tmp_path) as made:
        administration = made.world.a.accounts.administration
        made.run(made.world.a.accounts.prepare())
        made.run(administration.invite("ada", "ada@example.com", password=FIRST, actor="admin"))
        for name, groups in (("vera", ()), ("olga", ("operators",))):
            made.run(administration.invite(name, f"{name}@example.com", password=PASSWORD, groups=groups, actor="admin"))
            made.run(administration.set_password(name, PASSWORD, permanent=True, actor="admin"))
        yield made


def again(servers: Servers, name: str = "ada", **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = servers.client().admin_create_user(UserPoolId=POOL, Username=name, MessageAction="RESEND", **more)
    return answer


def sign_in(servers: Servers, name: str, password: str) -> dict[str, Any]:
    answer: dict[str, Any] = servers.client(signed=False).initiate_auth(
        ClientId=CLIENT, AuthFlow="USER_PASSWORD_AUTH", AuthParameters={"USERNAME": name, "PASSWORD": password}
    )
    return answer


def is_refused(servers: Servers, name: str, password: str) -> bool:
    with pytest.raises(ClientError, match="NotAuthorizedException"):
        sign_in(servers, name, password)
    return True


def refusal(servers: Servers, name: str, **more: Any) -> str:
    with pytest.raises(ClientError) as caught:
        again(servers, name, **more)
    return str(caught.value.response["Error"]["Code"])


def test_the_new_password_counts_and_the_old_one_no_more(servers: Servers) -> None:
    before = sign_in(servers, "ada", FIRST)
    user = again(servers, TemporaryPassword=SECOND)["User"]
    assert (user["Username"], user["UserStatus"], user["Enabled"]) == ("ada", "FORCE_CHANGE_PASSWORD", True)
    assert is_refused(servers, "ada", FIRST)
    assert sign_in(servers, "ada", SECOND)["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    with pytest.raises(ClientError, match="Invalid session"):
        servers.client(signed=False).respond_to_auth_challenge(
            ClientId=CLIENT,
            ChallengeName="NEW_PASSWORD_REQUIRED",
            Session=before["Session"],
            ChallengeResponses={"USERNAME": "ada", "NEW_PASSWORD": PASSWORD},
        )


def test_an_invitation_that_has_run_out_is_good_again(servers: Servers) -> None:
    servers.world.clock.elapsed += DAYS * 86_400 + 60
    with pytest.raises(ClientError, match="has expired"):
        sign_in(servers, "ada", FIRST)
    servers.run(servers.world.a.accounts.administration.invite_again("ada", password=FIRST, actor="admin"))
    assert sign_in(servers, "ada", FIRST)["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


def test_without_a_password_a_fresh_one_goes_to_the_outbox(servers: Servers) -> None:
    again(servers, TemporaryPassword=SECOND)
    assert servers.world.a.messages == []  # whoever gives one passes it on
    again(servers)
    (message,) = servers.world.a.messages
    assert (message.kind, message.user, message.email) == ("invitation", "ada", "ada@example.com")
    assert sign_in(servers, "ada", message.secret)["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


def test_nobody_else_is_invited_again(servers: Servers) -> None:
    administration = servers.world.a.accounts.administration
    assert refusal(servers, "nobody") == "UserNotFoundException"
    assert refusal(servers, "vera", TemporaryPassword=SECOND) == "UnsupportedUserStateException"
    assert sign_in(servers, "vera", PASSWORD)["AuthenticationResult"]
    servers.run(administration.reset_password("vera", actor="admin"))
    assert refusal(servers, "vera") == "UnsupportedUserStateException"
    servers.run(administration.disable("ada", actor="admin"))
    assert refusal(servers, "ada", TemporaryPassword=SECOND) == "UnsupportedUserStateException"
    servers.run(administration.enable("ada", actor="admin"))
    assert sign_in(servers, "ada", FIRST)["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


def test_a_password_that_is_not_good_enough(servers: Servers) -> None:
    assert refusal(servers, "ada", TemporaryPassword="short") == "InvalidPasswordException"
    assert sign_in(servers, "ada", FIRST)["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


def test_not_while_nobody_may_write(servers: Servers) -> None:
    servers.run(servers.world.admit(State.FENCED))
    assert refusal(servers, "ada", TemporaryPassword=SECOND) == "FencedException"


def test_operators_alone_may(servers: Servers) -> None:
    def ask(authorization: str | None) -> httpx.Response:
        headers = {"X-Amz-Target": "AWSCognitoIdentityProviderService.AdminCreateUser"}
        body = {"UserPoolId": POOL, "Username": "ada", "TemporaryPassword": SECOND, "MessageAction": "RESEND"}
        return httpx.post(
            servers.url(Role.PRIMARY), headers=headers | ({"Authorization": authorization} if authorization else {}), json=body
        )

    tokens = {name: sign_in(servers, name, PASSWORD)["AuthenticationResult"]["IdToken"] for name in ("vera", "olga")}
    for authorization in (None, "Bearer nonsense", tokens["vera"]):
        answer = ask(authorization)
        assert (answer.status_code, answer.json()["__type"]) == (
            400,
            "NotAuthorizedException" if authorization != tokens["vera"] else "AccessDeniedException",
        )
        assert sign_in(servers, "ada", FIRST)["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    assert ask(tokens["olga"]).status_code == 200
    assert sign_in(servers, "ada", SECOND)["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    assert is_refused(servers, "ada", FIRST)
