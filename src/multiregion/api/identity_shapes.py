"""The requests of the Cognito user-pool operations that are spoken here, and how users and tokens are written in answers."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from multiregion.accounts.accounts import NewPasswordNeeded, SignedIn
from multiregion.accounts.tokens import TokenPair
from multiregion.accounts.users import User
from multiregion.errors import InvalidInput

TEXT_CHARACTERS_MAX = 2048
TOKEN_CHARACTERS_MAX = 8192
PAGE_MAX = 60
Text = Annotated[str, msgspec.Meta(max_length=TEXT_CHARACTERS_MAX)]
Token = Annotated[str, msgspec.Meta(max_length=TOKEN_CHARACTERS_MAX)]
Parameters = dict[str, Annotated[str, msgspec.Meta(max_length=TOKEN_CHARACTERS_MAX)]]


class Shape(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A request. What else clients send along (devices, metadata) is not looked at."""


class ForClient(Shape, frozen=True, kw_only=True):
    client_id: Text


class ForPool(Shape, frozen=True, kw_only=True):
    user_pool_id: Text


class ForUser(ForPool, frozen=True, kw_only=True):
    username: Text


class WithAccessToken(Shape, frozen=True, kw_only=True):
    access_token: Token


class InitiateAuth(ForClient, frozen=True, kw_only=True):
    auth_flow: Text
    auth_parameters: Parameters = {}


class RespondToAuthChallenge(ForClient, frozen=True, kw_only=True):
    challenge_name: Text
    session: Token = ""
    challenge_responses: Parameters = {}


class GetTokensFromRefreshToken(ForClient, frozen=True, kw_only=True):
    refresh_token: Token


class RevokeToken(ForClient, frozen=True, kw_only=True):
    token: Token


class ChangePassword(WithAccessToken, frozen=True, kw_only=True):
    previous_password: Text
    proposed_password: Text


class ForgotPassword(ForClient, frozen=True, kw_only=True):
    username: Text


class ConfirmForgotPassword(ForClient, frozen=True, kw_only=True):
    username: Text
    confirmation_code: Text
    password: Text


class Attribute(Shape, frozen=True, kw_only=True):
    name: Text
    value: Text = ""


class UpdateUserAttributes(WithAccessToken, frozen=True, kw_only=True):
    user_attributes: Annotated[list[Attribute], msgspec.Meta(min_length=1, max_length=50)]

    def attributes(self) -> dict[str, str]:
        return {attribute.name: attribute.value for attribute in self.user_attributes}


class AdminCreateUser(ForUser, frozen=True, kw_only=True):
    user_attributes: Annotated[list[Attribute], msgspec.Meta(max_length=50)] = []
    temporary_password: Text | None = None
    message_action: Literal["SUPPRESS", "RESEND"] | None = None
    client_metadata: Parameters = {}

    def attributes(self) -> dict[str, str]:
        return {attribute.name: attribute.value for attribute in self.user_attributes}

    def groups(self) -> tuple[str, ...]:
        """`ClientMetadata={"groups": "operators"}` puts the new user into groups with the same write; Cognito itself needs two."""
        return tuple(group for group in self.client_metadata.get("groups", "").split(",") if group)


class AdminSetUserPassword(ForUser, frozen=True, kw_only=True):
    password: Text
    permanent: bool = False


class WithGroup(ForUser, frozen=True, kw_only=True):
    group_name: Text


class ListUsers(ForPool, frozen=True, kw_only=True):
    limit: Annotated[int, msgspec.Meta(ge=0, le=PAGE_MAX)] = PAGE_MAX
    pagination_token: Text = ""
    filter: Text = ""


def needed(parameters: dict[str, str], name: str) -> str:
    """Raises InvalidInput, naming the parameter, if it is missing."""
    if not parameters.get(name):
        raise InvalidInput(f"Missing required parameter {name}", field=name)
    return parameters[name]


def shown_attributes(user: User) -> list[dict[str, str]]:
    attributes = {"sub": user.sub, "email": user.email, "email_verified": "true"}
    if user.phone:
        attributes |= {"phone_number": user.phone, "phone_number_verified": "true"}
    return [{"Name": name, "Value": value} for name, value in attributes.items()]


def shown_user(user: User, attributes: str = "Attributes") -> dict[str, Any]:
    """Times are seconds since 1970, as in all AWS JSON."""
    return {
        "Username": user.name,
        attributes: shown_attributes(user),
        "UserCreateDate": round(user.created_at, 3),
        "UserLastModifiedDate": round(user.changed_at, 3),
        "Enabled": user.enabled,
        "UserStatus": user.status.value,
    }


def shown_users(users: Sequence[User], following: str | None) -> dict[str, Any]:
    return {"Users": [shown_user(user) for user in users], **({"PaginationToken": following} if following else {})}


def shown_tokens(tokens: TokenPair, refresh_token: str | None = None) -> dict[str, Any]:
    result = {"AccessToken": tokens.access, "IdToken": tokens.id, "ExpiresIn": tokens.expires_in, "TokenType": "Bearer"}
    return {"AuthenticationResult": result | ({"RefreshToken": refresh_token} if refresh_token else {}), "ChallengeParameters": {}}


def shown_sign_in(outcome: SignedIn | NewPasswordNeeded) -> dict[str, Any]:
    if isinstance(outcome, SignedIn):
        return shown_tokens(outcome.tokens, outcome.refresh_token)
    attributes = {each["Name"]: each["Value"] for each in shown_attributes(outcome.user) if each["Name"] != "sub"}
    parameters = {
        "USER_ID_FOR_SRP": outcome.user.name,
        "requiredAttributes": "[]",
        "userAttributes": msgspec.json.encode(attributes).decode(),
    }
    return {"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": outcome.session, "ChallengeParameters": parameters}
