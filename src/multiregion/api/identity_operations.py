"""The Cognito user-pool operations: each takes its request apart, asks `Accounts`, and shows what came of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from multiregion.accounts import Accounts
from multiregion.api import identity_shapes as shapes
from multiregion.api.identity_shapes import needed, shown_attributes, shown_sign_in, shown_tokens, shown_user, shown_users
from multiregion.callers import Caller
from multiregion.config import Deployment
from multiregion.errors import InvalidInput, NotFound, Unauthorized

REFRESH_FLOWS = ("REFRESH_TOKEN_AUTH", "REFRESH_TOKEN")
NEW_PASSWORD = "NEW_PASSWORD_REQUIRED"  # noqa: S105
KNOWN_ATTRIBUTES = frozenset({"email", "email_verified", "phone_number", "phone_number_verified"})
OWN_ATTRIBUTES = frozenset({"email", "phone_number"})
# There is no mail here: the code goes to the file that only the operator can read.
CODE_DELIVERY = {"AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": "the operator's outbox"}
Answer = dict[str, Any]
NOTHING: Answer = {}


@dataclass(frozen=True, slots=True)
class Operation:
    """`work` gets the request as `shape`, and the client's address or, for operators' operations, the caller."""

    shape: type[shapes.Shape]
    work: Callable[[Any, Any], Awaitable[Answer]]
    operators_only: bool = False


class UserOperations:
    """What anybody may ask for who has the password, a token or a code. `address` is the client's."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def table(self) -> dict[str, Operation]:
        return {
            "InitiateAuth": Operation(shapes.InitiateAuth, self.initiate_auth),
            "RespondToAuthChallenge": Operation(shapes.RespondToAuthChallenge, self.respond_to_auth_challenge),
            "GetTokensFromRefreshToken": Operation(shapes.GetTokensFromRefreshToken, self.get_tokens_from_refresh_token),
            "RevokeToken": Operation(shapes.RevokeToken, self.revoke_token),
            "GlobalSignOut": Operation(shapes.WithAccessToken, self.global_sign_out),
            "GetUser": Operation(shapes.WithAccessToken, self.get_user),
            "UpdateUserAttributes": Operation(shapes.UpdateUserAttributes, self.update_user_attributes),
            "ChangePassword": Operation(shapes.ChangePassword, self.change_password),
            "ForgotPassword": Operation(shapes.ForgotPassword, self.forgot_password),
            "ConfirmForgotPassword": Operation(shapes.ConfirmForgotPassword, self.confirm_forgot_password),
            "SignUp": Operation(shapes.ForClient, self.sign_up),
        }

    async def initiate_auth(self, request: shapes.InitiateAuth, address: str) -> Answer:
        parameters = request.auth_parameters
        if request.auth_flow in REFRESH_FLOWS:
            return shown_tokens(await self._accounts.refresh(needed(parameters, "REFRESH_TOKEN")))
        if request.auth_flow != "USER_PASSWORD_AUTH":
            raise InvalidInput(
                f"Auth flow {request.auth_flow} is not enabled for this client; use USER_PASSWORD_AUTH or REFRESH_TOKEN_AUTH",
                field="AuthFlow",
            )
        name, password = needed(parameters, "USERNAME"), needed(parameters, "PASSWORD")
        return shown_sign_in(await self._accounts.sign_in(name, password, address=address))

    async def respond_to_auth_challenge(self, request: shapes.RespondToAuthChallenge, address: str) -> Answer:
        if request.challenge_name != NEW_PASSWORD:
            raise InvalidInput(f"ChallengeName must be {NEW_PASSWORD}", field="ChallengeName")
        name, password = needed(request.challenge_responses, "USERNAME"), needed(request.challenge_responses, "NEW_PASSWORD")
        return shown_sign_in(await self._accounts.set_first_password(name, password, request.session))

    async def get_tokens_from_refresh_token(self, request: shapes.GetTokensFromRefreshToken, address: str) -> Answer:
        return {"AuthenticationResult": shown_tokens(await self._accounts.refresh(request.refresh_token))["AuthenticationResult"]}

    async def revoke_token(self, request: shapes.RevokeToken, address: str) -> Answer:
        await self._accounts.revoke(request.token)
        return NOTHING

    async def global_sign_out(self, request: shapes.WithAccessToken, address: str) -> Answer:
        await self._accounts.sign_out_everywhere(request.access_token)
        return NOTHING

    async def get_user(self, request: shapes.WithAccessToken, address: str) -> Answer:
        user = await self._accounts.by_access_token(request.access_token)
        return {"Username": user.name, "UserAttributes": shown_attributes(user)}

    async def update_user_attributes(self, request: shapes.UpdateUserAttributes, address: str) -> Answer:
        attributes = request.attributes()
        if other := sorted(attributes.keys() - OWN_ATTRIBUTES):
            raise InvalidInput(f"Users cannot change {', '.join(other)} here", field="UserAttributes")
        await self._accounts.change_profile(request.access_token, attributes.get("email"), attributes.get("phone_number"))
        return {"CodeDeliveryDetailsList": []}

    async def change_password(self, request: shapes.ChangePassword, address: str) -> Answer:
        await self._accounts.change_password(request.access_token, request.previous_password, request.proposed_password, address=address)
        return NOTHING

    async def forgot_password(self, request: shapes.ForgotPassword, address: str) -> Answer:
        await self._accounts.forgot_password(request.username, address=address)
        return {"CodeDeliveryDetails": CODE_DELIVERY}

    async def confirm_forgot_password(self, request: shapes.ConfirmForgotPassword, address: str) -> Answer:
        await self._accounts.confirm_forgotten(request.username, request.confirmation_code, request.password, address=address)
        return NOTHING

    async def sign_up(self, request: shapes.ForClient, address: str) -> NoReturn:
        raise Unauthorized("SignUp is not permitted for this user pool")


class OperatorOperations:
    """What operators may do to users."""

    def __init__(self, accounts: Accounts) -> None:
        self._users = accounts.users
        self._administration = accounts.administration

    def table(self) -> dict[str, Operation]:
        operations: dict[str, tuple[type[shapes.Shape], Callable[[Any, Caller], Awaitable[Answer]]]] = {
            "AdminCreateUser": (shapes.AdminCreateUser, self.create),
            "AdminGetUser": (shapes.ForUser, self.get),
            "ListUsers": (shapes.ListUsers, self.list),
            "AdminDisableUser": (shapes.ForUser, self.disable),
            "AdminEnableUser": (shapes.ForUser, self.enable),
            "AdminDeleteUser": (shapes.ForUser, self.delete),
            "AdminSetUserPassword": (shapes.AdminSetUserPassword, self.set_password),
            "AdminResetUserPassword": (shapes.ForUser, self.reset_password),
            "AdminUserGlobalSignOut": (shapes.ForUser, self.sign_out),
            "AdminAddUserToGroup": (shapes.WithGroup, self.join),
            "AdminRemoveUserFromGroup": (shapes.WithGroup, self.leave),
            "AdminListGroupsForUser": (shapes.ForUser, self.groups),
        }
        return {name: Operation(shape, work, operators_only=True) for name, (shape, work) in operations.items()}

    async def create(self, request: shapes.AdminCreateUser, caller: Caller) -> Answer:
        if request.message_action == "RESEND":  # looks at nothing else of the request, as Cognito
            again = await self._administration.invite_again(request.username, password=request.temporary_password, actor=caller.user)
            return {"User": shown_user(again)}
        attributes = request.attributes()
        if unknown := sorted(attributes.keys() - KNOWN_ATTRIBUTES):
            raise InvalidInput(f"Attributes did not conform to the schema: there is no {', '.join(unknown)} here", field="UserAttributes")
        user = await self._administration.invite(
            request.username,
            needed(attributes, "email"),
            phone=attributes.get("phone_number") or None,
            password=request.temporary_password,
            groups=request.groups(),
            actor=caller.user,
        )
        return {"User": shown_user(user)}

    async def get(self, request: shapes.ForUser, caller: Caller) -> Answer:
        return shown_user(await self._users.find(request.username), attributes="UserAttributes")

    async def list(self, request: shapes.ListUsers, caller: Caller) -> Answer:
        if request.filter:
            raise InvalidInput("Filter is not available", field="Filter")
        users, following = await self._users.page(after=request.pagination_token, limit=request.limit or shapes.PAGE_MAX)
        return shown_users(users, following)

    async def disable(self, request: shapes.ForUser, caller: Caller) -> Answer:
        await self._administration.disable(request.username, actor=caller.user)
        return NOTHING

    async def enable(self, request: shapes.ForUser, caller: Caller) -> Answer:
        await self._administration.enable(request.username, actor=caller.user)
        return NOTHING

    async def delete(self, request: shapes.ForUser, caller: Caller) -> Answer:
        await self._administration.delete(request.username, actor=caller.user)
        return NOTHING

    async def set_password(self, request: shapes.AdminSetUserPassword, caller: Caller) -> Answer:
        await self._administration.set_password(request.username, request.password, permanent=request.permanent, actor=caller.user)
        return NOTHING

    async def reset_password(self, request: shapes.ForUser, caller: Caller) -> Answer:
        await self._administration.reset_password(request.username, actor=caller.user)
        return NOTHING

    async def sign_out(self, request: shapes.ForUser, caller: Caller) -> Answer:
        await self._administration.sign_out(request.username, actor=caller.user)
        return NOTHING

    async def join(self, request: shapes.WithGroup, caller: Caller) -> Answer:
        await self._administration.join(request.username, request.group_name, actor=caller.user)
        return NOTHING

    async def leave(self, request: shapes.WithGroup, caller: Caller) -> Answer:
        await self._administration.leave(request.username, request.group_name, actor=caller.user)
        return NOTHING

    async def groups(self, request: shapes.ForUser, caller: Caller) -> Answer:
        user = await self._users.find(request.username)
        return {"Groups": [{"GroupName": group} for group in user.groups]}


def check_place(request: shapes.Shape, deployment: Deployment) -> None:
    """Either region's pool and client will do: they hold the same users. Raises NotFound for others."""
    places = (deployment.primary, deployment.secondary)
    if isinstance(request, shapes.ForPool) and request.user_pool_id not in {place.user_pool_id for place in places}:
        raise NotFound(f"User pool {request.user_pool_id} does not exist.")
    if isinstance(request, shapes.ForClient) and request.client_id not in {place.client_id for place in places}:
        raise NotFound(f"User pool client {request.client_id} does not exist.")
