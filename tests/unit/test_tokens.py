"""ID and access tokens: what counts, and every forgery that must not."""

import base64
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import RSAKey

from multiregion.accounts.accounts import SignedIn
from multiregion.accounts.seals import Seal
from multiregion.accounts.tokens import VERIFIED_MAX
from multiregion.errors import Unauthorized
from tests.identity_world import CLIENT, DEPLOYMENT, START, World, world


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    header, payload, signature = token.split(".")
    return loads(header), loads(payload), signature


def loads(text: str) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return decoded


def dumps(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


async def test_the_claims_are_cognitos(pools: World) -> None:
    session = await pools.a.sign_in("root")
    header, id_claims, _ = parts(session.tokens.id)
    assert header["alg"] == "RS256"
    assert header["kid"] == (await pools.a.accounts.keys.newest())[0]
    shared = {
        "iss": "http://localhost:8081/us-east-1_Example",
        "auth_time": int(START),
        "iat": int(START),
        "exp": int(START) + 3600,
        "cognito:groups": ["operators"],
    }
    expected = {"aud": CLIENT, "token_use": "id", "cognito:username": "root", "email": "root@example.com", "email_verified": True}
    assert all(id_claims[name] == value for name, value in (shared | expected).items())
    _, access_claims, _ = parts(session.tokens.access)
    expected = {"client_id": CLIENT, "token_use": "access", "username": "root", "scope": "aws.cognito.signin.user.admin"}
    assert all(access_claims[name] == value for name, value in (shared | expected).items())
    assert "aud" not in access_claims
    assert id_claims["sub"] == access_claims["sub"]
    assert id_claims["origin_jti"] == access_claims["origin_jti"]
    assert id_claims["jti"] != access_claims["jti"]


async def test_a_refresh_keeps_the_session_and_its_age(pools: World) -> None:
    session = await pools.a.sign_in()
    pools.wind(100)
    refreshed = await pools.b.accounts.refresh(session.refresh_token)
    _, before, _ = parts(session.tokens.id)
    _, after, _ = parts(refreshed.id)
    assert after["iss"] == "http://localhost:8082/ap-northeast-1_Example"
    assert (after["origin_jti"], after["auth_time"]) == (before["origin_jti"], before["auth_time"])
    assert after["iat"] == before["iat"] + 100


async def signing(pools: World) -> Callable[..., str]:
    """Signs claims with the deployment's own key: what only a stolen key, or a mistake of ours, could make."""
    kid, key = await pools.a.accounts.keys.newest()

    def sign(token: str, **changes: Any) -> str:
        claims = {name: value for name, value in (parts(token)[1] | changes).items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": kid}, claims, key, algorithms=["RS256"])

    return sign


async def refused(pools: World, token: str, match: str = "Invalid ID Token") -> None:
    for pool in (pools.a, pools.b):
        for _ in range(2):  # the second time it might come from what is remembered
            with pytest.raises(Unauthorized, match=match):
                await pool.accounts.identify(token)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "http://localhost:8081/us-east-1_Other"},
        {"iss": "http://localhost:8083/us-east-1_Example"},
        {"iss": "http://localhost:8081/ap-northeast-1_Example"},
        {"iss": None},
        {"aud": "anotherclient"},
        {"aud": None},
        {"aud": None, "client_id": CLIENT},
        {"aud": [CLIENT]},
        {"token_use": "access"},
        {"token_use": "access", "client_id": CLIENT, "username": "ada"},
        {"token_use": "refresh"},
        {"token_use": None},
        {"exp": None},
        {"exp": "never"},
        {"exp": 1e400},
        {"sub": None},
        {"origin_jti": None},
        {"origin_jti": 7},
        {"stamp": None},
    ],
    ids=str,
)
async def test_claims_that_do_not_count(pools: World, changes: dict[str, Any]) -> None:
    session = await pools.a.sign_in()
    await refused(pools, (await signing(pools))(session.tokens.id, **changes))


@pytest.mark.parametrize(
    "changes", [{"sub": "another"}, {"stamp": "another"}, {"cognito:username": "root"}, {"cognito:username": "nobody"}]
)
async def test_claims_of_another_user_or_time(pools: World, changes: dict[str, Any]) -> None:
    session = await pools.a.sign_in()
    await refused(pools, (await signing(pools))(session.tokens.id, **changes), match="revoked")


async def test_what_the_signing_helper_makes_counts(pools: World) -> None:
    session = await pools.a.sign_in()
    token = (await signing(pools))(session.tokens.id, email="other@example.com")
    assert (await pools.b.accounts.identify(token)).user == "ada"


async def test_each_kind_of_token_is_good_for_one_thing(pools: World) -> None:
    session = await pools.a.sign_in()
    for _ in range(2):
        await refused(pools, session.tokens.access)
        await pools.a.accounts.by_access_token(session.tokens.access)
        await pools.a.accounts.identify(session.tokens.id)
        with pytest.raises(Unauthorized, match="Invalid Access Token"):
            await pools.a.accounts.by_access_token(session.tokens.id)
    await refused(pools, session.refresh_token)


async def test_signatures_that_do_not_count(pools: World) -> None:
    session = await pools.a.sign_in()
    header, claims, signature = parts(session.tokens.id)
    kid, key = await pools.a.accounts.keys.newest()
    public = key.as_pem(private=False)
    encoded = dumps(claims)
    unsigned = f"{dumps({'alg': 'HS256', 'kid': kid})}.{encoded}"
    confused = [
        f"{unsigned}.{base64.urlsafe_b64encode(hmac.digest(secret, unsigned.encode(), 'sha256')).decode().rstrip('=')}"
        for secret in (public, public.strip(), json.dumps(key.as_dict(private=False)).encode(), b"")
    ]
    stranger = jwt.encode({"alg": "RS256", "kid": kid}, claims, RSAKey.generate_key(2048), algorithms=["RS256"])
    forgeries = [
        f"{dumps({'alg': 'none', 'kid': kid})}.{encoded}.",
        f"{dumps({'alg': 'None', 'kid': kid})}.{encoded}.{signature}",
        f"{dumps(header)}.{encoded}.",
        f"{dumps(header)}.{dumps(claims | {'cognito:username': 'root'})}.{signature}",
        f"{dumps({**header, 'kid': 'unknown'})}.{encoded}.{signature}",
        f"{dumps({**header, 'kid': 7})}.{encoded}.{signature}",
        f"{dumps({'alg': 'RS256'})}.{encoded}.{signature}",
        f"{dumps({**header, 'jwk': key.as_dict(private=False)})}.{encoded}.{signature}",
        f"{dumps({**header, 'crit': ['b64'], 'b64': False})}.{encoded}.{signature}",
        jwt.encode({"alg": "PS256", "kid": kid}, claims, key, algorithms=["PS256"]),
        jwt.encode({"alg": "RS512", "kid": kid}, claims, key, algorithms=["RS512"]),
        *confused,
        stranger,
    ]
    for forgery in forgeries:
        await refused(pools, forgery)


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "a" * 9000, "é.é.é", "\ud800", "e30.e30.e30", "....", "e30.W10.e30"])
async def test_what_is_no_token_at_all(pools: World, token: str) -> None:
    await refused(pools, token)


@pytest.mark.parametrize("at", [0, 20, 200, -300, -1])
async def test_a_changed_letter(pools: World, at: int) -> None:
    token = (await pools.a.sign_in()).tokens.id
    for letter in "AQgw":  # the last letter of a signature carries two spare bits, which are not part of it
        if token[at] != letter and at != -1:
            await refused(pools, token[:at] + letter + token[at:][1:])


async def test_another_deployments_tokens(tmp_path: Path, pools: World) -> None:
    other = msgspec.structs.replace(DEPLOYMENT, secret="another secret")
    folder = tmp_path / "other"
    folder.mkdir()
    async with world(folder, deployment=other) as theirs:
        await theirs.a.accounts.prepare()
        await theirs.a.accounts.administration.invite("ada", "ada@example.com", password="correct horse", actor="admin")
        await theirs.a.accounts.administration.set_password("ada", "correct horse", permanent=True, actor="admin")
        session: SignedIn = await theirs.a.sign_in()
        await refused(pools, session.tokens.id)
        with pytest.raises(Unauthorized, match="Invalid Refresh Token"):
            await pools.a.accounts.refresh(session.refresh_token)


async def test_verified_tokens_are_remembered_in_bounds(pools: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multiregion.accounts.tokens.VERIFIED_MAX", 2)
    assert VERIFIED_MAX >= 1000
    tokens = [(await pools.a.sign_in()).tokens.id for _ in range(3)]
    for token in tokens * 2:
        await pools.a.accounts.identify(token)
    assert len(pools.a.accounts._tokens._verified) == 2


SEAL = Seal(b"k" * 32, called="Refresh Token")


def test_a_seal_reads_no_endless_text() -> None:
    with pytest.raises(Unauthorized, match="more than 4096 characters"):
        SEAL.open("x" * 4097, dict[str, int])


@given(st.text() | st.lists(st.sampled_from(["", "e30", "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0", "AAAA"]), max_size=6).map(".".join))
def test_a_seal_opens_nothing_but_its_own(text: str) -> None:
    with pytest.raises(Unauthorized):
        SEAL.open(text, dict[str, int])


@given(st.dictionaries(st.text(max_size=5), st.integers(0, 9), max_size=3), st.integers(0, 200), st.integers(1, 63))
def test_a_seal_opens_its_own_and_no_changed_one(value: dict[str, int], at: int, by: int) -> None:
    sealed = SEAL.seal(value)
    assert SEAL.open(sealed, dict[str, int]) == value
    with pytest.raises(Unauthorized):
        Seal(b"l" * 32, called="Refresh Token").open(sealed, dict[str, int])
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    at %= len(sealed) - 1
    if sealed[at] != ".":
        changed = letters[(letters.index(sealed[at]) + by) % 64]
        kept_bits = sealed[at + 1] == "."  # the last letter of a part has spare bits
        if not kept_bits:
            with pytest.raises(Unauthorized):
                SEAL.open(sealed[:at] + changed + sealed[at + 1 :], dict[str, int])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(text=st.text(max_size=60) | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}", fullmatch=True))
async def test_no_text_is_a_token_by_chance(pools: World, text: str) -> None:
    with pytest.raises(Unauthorized):
        await pools.a.accounts.identify(text)
