"""Who may administer: the operator token, a right AWS signature, or an operator's ID token; and nothing that looks alike."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from multiregion.api import sigv4
from multiregion.errors import Unauthorized
from multiregion.states import Role
from tests.identity_server import Servers, serving
from tests.identity_world import PASSWORD, WoundClock

POOL = "us-east-1_Example"
TARGET = "AWSCognitoIdentityProviderService.ListUsers"
BODY = b'{"UserPoolId": "us-east-1_Example"}'


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with serving(tmp_path_factory.mktemp("operators")) as made:
        made.run(made.world.a.accounts.prepare())
        for name, groups in (("ada", ()), ("root", ("operators",))):
            administration = made.world.a.accounts.administration
            made.run(administration.invite(name, f"{name}@example.com", password=PASSWORD, groups=groups, actor="admin"))
            made.run(administration.set_password(name, PASSWORD, permanent=True, actor="admin"))
        yield made


def signed(
    servers: Servers, *, key_id: str = "operator", service: str = "cognito-idp", body: bytes = BODY, path: str = "/"
) -> dict[str, str]:
    """Headers as botocore makes them."""
    headers = {"X-Amz-Target": TARGET, "Content-Type": "application/x-amz-json-1.1"}
    request = AWSRequest("POST", servers.url(Role.PRIMARY) + path, data=body, headers=headers)
    SigV4Auth(Credentials(key_id, servers.deployment.operator_token), service, "us-east-1").add_auth(request)
    return dict(request.headers.items())


def send(servers: Servers, headers: dict[str, str], body: bytes = BODY, path: str = "/") -> httpx.Response:
    return httpx.post(servers.url(Role.PRIMARY) + path, headers=headers, content=body)


def refused(answer: httpx.Response, match: str = "") -> None:
    assert (answer.status_code, answer.json()["__type"]) == (400, "NotAuthorizedException"), answer.text
    assert match in answer.json()["message"]


def test_a_right_signature_counts(servers: Servers) -> None:
    answer = send(servers, signed(servers))
    assert [user["Username"] for user in answer.json()["Users"]] == ["ada", "root"]
    assert send(servers, signed(servers, path="/?b=2&a=1%20x&a="), path="/?b=2&a=1%20x&a=").status_code == 200


def test_the_operator_token_counts_bare_and_as_bearer(servers: Servers) -> None:
    for authorization in ("an-operator-token", "Bearer an-operator-token", "bearer  an-operator-token"):
        assert send(servers, {"X-Amz-Target": TARGET, "Authorization": authorization}).status_code == 200
    who = httpx.get(f"{servers.url(Role.PRIMARY)}/who", headers={"Authorization": "Bearer an-operator-token"})
    assert who.json() == {"user": "admin", "operator": True}


def test_another_body_than_the_signed_one(servers: Servers) -> None:
    refused(send(servers, signed(servers), body=BODY + b" "), "signature does not match")


def test_another_operation_than_the_signed_one(servers: Servers) -> None:
    refused(send(servers, signed(servers) | {"X-Amz-Target": "AWSCognitoIdentityProviderService.AdminGetUser"}), "does not match")


def test_another_query_than_the_signed_one(servers: Servers) -> None:
    refused(send(servers, signed(servers), path="/?x=1"), "does not match")


def test_another_host_than_the_signed_one(servers: Servers) -> None:
    refused(send(servers, signed(servers) | {"Host": "example.com"}), "does not match")


def test_another_key_or_service(servers: Servers) -> None:
    refused(send(servers, signed(servers, key_id="admin")), "does not match")
    refused(send(servers, signed(servers, service="s3")), "for the service s3")
    for secret in ("wrong", " "):
        with pytest.raises(ClientError, match="NotAuthorizedException"):
            servers.client(secret=secret).list_users(UserPoolId=POOL)
    with pytest.raises(ClientError, match="NotAuthorizedException"):
        servers.client(signed=False).list_users(UserPoolId=POOL)


@pytest.mark.parametrize("header", sorted(sigv4.SIGNED_ALWAYS))
def test_what_a_request_means_must_be_signed(servers: Servers, header: str) -> None:
    headers = signed(servers)
    whole = sigv4.read_signature(headers["Authorization"])
    refused(send(servers, resigned(servers, headers, names=tuple(name for name in whole.headers if name != header))), "must cover")


def test_an_unknown_key_has_no_empty_secret(servers: Servers) -> None:
    headers = signed(servers)
    assert send(servers, resigned(servers, headers)).status_code == 200
    refused(send(servers, resigned(servers, headers, key_id="nobody", secret="")), "does not match")


def resigned(
    servers: Servers, headers: dict[str, str], *, names: tuple[str, ...] = (), key_id: str = "operator", secret: str | None = None
) -> dict[str, str]:
    """The same request, signed by hand: with other headers covered, or with another key."""
    whole = sigv4.read_signature(headers["Authorization"])
    signature = replace(whole, headers=names or whole.headers)
    host = servers.url(Role.PRIMARY).removeprefix("http://")
    request = sigv4.SignedRequest("POST", "/", "", httpx.Headers(headers | {"Host": host}).get_list, BODY)
    signed_by_hand = sigv4.sign(request, signature, headers["X-Amz-Date"], servers.deployment.operator_token if secret is None else secret)
    scope = f"{sigv4.ALGORITHM} Credential={key_id}/{signature.scope}"
    return headers | {"Authorization": f"{scope}, SignedHeaders={';'.join(signature.headers)}, Signature={signed_by_hand}"}


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_signature_is_good_for_fifteen_minutes(servers: Servers, minutes: int) -> None:
    headers = signed(servers)
    servers.world.wind(minutes * 60)
    try:
        refused(send(servers, headers), "signature expired")
        servers.world.wind(-minutes * 60 + minutes // 16 * 14 * 60)
        assert send(servers, headers).status_code == 200
    finally:
        servers.world.clock.elapsed = 0.0


def test_a_user_is_no_operator(servers: Servers) -> None:
    for name, status in (("ada", 400), ("root", 200)):
        session = servers.run(servers.world.a.sign_in(name))
        answer = send(servers, {"X-Amz-Target": TARGET, "Authorization": f"Bearer {session.tokens.id}"})
        assert answer.status_code == status
        assert status == 200 or answer.json()["__type"] == "AccessDeniedException"
        refused(send(servers, {"X-Amz-Target": TARGET, "Authorization": f"Bearer {session.tokens.access}"}), "Invalid ID Token")


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Basic b3BlcmF0b3I6eA==", "Bearer an-operator-toke", "Bearer é", "AWS4-HMAC-SHA256"]
)
def test_other_words_in_the_header(servers: Servers, authorization: str) -> None:
    if authorization.isascii():
        refused(send(servers, {"X-Amz-Target": TARGET, "Authorization": authorization}))
    answer = httpx.get(f"{servers.url(Role.PRIMARY)}/who", headers=[(b"authorization", authorization.encode())])
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


@given(st.text(max_size=200) | st.from_regex(sigv4.AUTHORIZATION, fullmatch=True))
def test_no_header_breaks_the_parser(text: str) -> None:
    now = WoundClock()
    at = datetime.fromtimestamp(now.now(), UTC)
    for moment in (at, at + timedelta(days=1)):
        values = {"x-amz-date": f"{moment:%Y%m%dT%H%M%SZ}", "host": "localhost", "x-amz-target": TARGET}
        request = sigv4.SignedRequest("POST", "/", "", httpx.Headers(values).get_list, b"")
        with pytest.raises(Unauthorized):
            sigv4.verify(request, text, {"operator": "secret"}, now)


@pytest.mark.parametrize("date", ["", "20270115", "20270115T080000", "20271315T080000Z", "20270115T250000Z", "2027０115T080000Z"])
def test_dates_that_are_none(date: str) -> None:
    with pytest.raises(Unauthorized, match="X-Amz-Date"):
        sigv4.check_time(date, date[:8], WoundClock().now())


def test_the_day_that_is_signed_is_the_day_of_the_request() -> None:
    with pytest.raises(Unauthorized, match="X-Amz-Date"):
        sigv4.check_time("20270115T080000Z", "20270114", WoundClock().now())
