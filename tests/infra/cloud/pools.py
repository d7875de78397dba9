"""Cognito user pools: sign-up that is closed, triggers that are really invoked, and passwords that are really checked."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from moto.cognitoidp.exceptions import NotAuthorizedError
from moto.cognitoidp.models import (
    CognitoIdpBackend,
    CognitoIdpUser,
    CognitoIdpUserPool,
    CognitoIdpUserPoolClient,
    UserStatus,
    cognitoidp_backends,
)
from moto.core.exceptions import JsonRESTError

from tests.infra.cloud.functions import FunctionFailed, Functions
from tests.infra.cloud.policies import NotModelled
from tests.infra.cloud.principals import ACCOUNT, Denied
from tests.infra.cloud.registry import Made, Place, Properties, ResourceType

SERVICE = "cognito-idp.amazonaws.com"
SIGN_UP_CLOSED = "SignUp is not permitted for this user pool"


def pool_with(pool_id: str, region: str | None = None) -> CognitoIdpUserPool:
    return cognitoidp_backends[ACCOUNT][region or pool_id.partition("_")[0]].user_pools[pool_id]


class FoldedUsers(OrderedDict[str, CognitoIdpUser]):
    """The users of a pool that does not tell upper case from lower case; each keeps the name it was made with."""

    def __getitem__(self, name: str) -> CognitoIdpUser:
        return super().__getitem__(name.lower())

    def __setitem__(self, name: str, user: CognitoIdpUser) -> None:
        super().__setitem__(name.lower(), user)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


class UserPools(ResourceType):
    type = "AWS::Cognito::UserPool"

    def make(self, properties: Properties, place: Place) -> Made:
        named = {name: value for name, value in properties.items() if name != "UserPoolName"}
        pool = cognitoidp_backends[place.account][place.region].create_user_pool(properties.get("UserPoolName", place.name), named)
        if not properties.get("UsernameConfiguration", {}).get("CaseSensitive", True):
            pool.users = FoldedUsers()
        provider = f"cognito-idp.{place.region}.amazonaws.com/{pool.id}"
        attributes = {"Arn": pool.arn, "UserPoolId": pool.id, "ProviderName": provider, "ProviderURL": f"https://{provider}"}
        return Made(pool.id, attributes, pool)

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        made.thing.update_extended_config({name: value for name, value in properties.items() if name not in ("UserPoolName", "Schema")})
        return made

    def remove(self, made: Made, properties: Properties, region: str) -> None:
        cognitoidp_backends[ACCOUNT][region].user_pools.pop(made.id, None)


class UserPoolClients(ResourceType):
    type = "AWS::Cognito::UserPoolClient"

    def make(self, properties: Properties, place: Place) -> Made:
        more = {name: value for name, value in properties.items() if name not in ("UserPoolId", "GenerateSecret")}
        backend = cognitoidp_backends[place.account][place.region]
        secret = bool(properties.get("GenerateSecret"))
        client = backend.create_user_pool_client(properties["UserPoolId"], secret, {"ClientName": place.name, **more})
        return Made(client.id, {"ClientId": client.id}, client)

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        made.thing.extended_config.update(properties)
        return made


class UserPoolUsers(ResourceType):
    type = "AWS::Cognito::UserPoolUser"

    def make(self, properties: Properties, place: Place) -> Made:
        backend = cognitoidp_backends[place.account][place.region]
        attributes = [dict(each) for each in properties.get("UserAttributes", [])]
        backend.admin_create_user(
            properties["UserPoolId"], properties["Username"], properties.get("MessageAction", ""), "Invited-1", attributes
        )
        return Made(properties["Username"], {})

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        return made


class UserPoolGroups(ResourceType):
    type = "AWS::Cognito::UserPoolGroup"

    def make(self, properties: Properties, place: Place) -> Made:
        backend = cognitoidp_backends[place.account][place.region]
        name = properties.get("GroupName", place.name)
        backend.create_group(
            properties["UserPoolId"],
            name,
            properties.get("Description", ""),
            properties.get("RoleArn", ""),
            properties.get("Precedence", 0),
        )
        return Made(name, {})

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        return made


class GroupMembers(ResourceType):
    type = "AWS::Cognito::UserPoolUserToGroupAttachment"

    def make(self, properties: Properties, place: Place) -> Made:
        backend = cognitoidp_backends[place.account][place.region]
        backend.admin_add_user_to_group(properties["UserPoolId"], properties["GroupName"], properties["Username"])
        return Made(place.name, {})

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        return made


class UserPoolReplicas(ResourceType):
    """`native` replication of users. What it really does is not known without an account; only its conditions are kept here."""

    type = "AWS::Cognito::UserPoolReplica"

    def make(self, properties: Properties, place: Place) -> Made:
        pool = pool_with(properties["UserPoolId"])
        key = pool.extended_config.get("KeyConfiguration") or {}
        if key.get("KeyType") != "CUSTOMER_MANAGED_KEY" or "/mrk-" not in str(key.get("KmsKeyArn")):
            raise ValueError("a replica needs a pool with a customer managed multi-Region key")
        if pool.extended_config.get("UserPoolTier") not in ("ESSENTIALS", "PLUS"):
            raise ValueError("a replica needs the Essentials plan or more")
        target = properties["RegionName"]
        from moto.kms.models import kms_backends

        if key["KmsKeyArn"].rpartition("/")[2] not in kms_backends[place.account][target].keys:
            raise ValueError(f"the key has no replica in {target} yet")
        cognitoidp_backends[place.account][target].user_pools[pool.id] = pool
        return Made(f"{pool.id}|{target}", {}, pool)

    def remove(self, made: Made, properties: Properties, region: str) -> None:
        pool_id, _, target = made.id.partition("|")
        cognitoidp_backends[ACCOUNT][target].user_pools.pop(pool_id, None)


class RegionalConfigurations(ResourceType):
    type = "AWS::Cognito::UserPoolRegionalConfigurationAttachment"

    def make(self, properties: Properties, place: Place) -> Made:
        if properties["UserPoolId"] not in cognitoidp_backends[place.account][place.region].user_pools:
            raise ValueError(f"{properties['UserPoolId']} has no replica in {place.region}")
        return Made(properties["UserPoolId"], {}, properties)

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        return Made(made.id, {}, properties)


class Triggers:
    """Invokes a pool's functions where Cognito does: before a user is made, before and after a sign-in."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self.invitations: list[tuple[str, str]] = []
        self.codes: list[tuple[str, str]] = []

    def run(self, pool: CognitoIdpUserPool, name: str, source: str, username: str, request: Mapping[str, Any], client_id: str = "") -> None:
        arn = (pool.extended_config.get("LambdaConfig") or {}).get(name)
        if not arn:
            return
        event = {
            "version": "1",
            "region": pool.region,
            "userPoolId": pool.id,
            "userName": username,
            "callerContext": {"awsSdkVersion": "simulation", "clientId": client_id or "CLIENT_ID_NOT_APPLICABLE"},
            "triggerSource": f"{name}_{source}",
            "request": dict(request),
            "response": {},
        }
        try:
            answer = self._functions.invoke(arn, event, SERVICE, pool.arn)
        except FunctionFailed as error:
            raise JsonRESTError("UserLambdaValidationException", f"{name} failed with error {error.answer['errorMessage']}.") from error
        except Denied as error:
            raise JsonRESTError("UnexpectedLambdaException", f"{name} failed with error {error}") from error
        if not isinstance(answer, dict) or answer.get("userName") != username:
            raise JsonRESTError("InvalidLambdaResponseException", f"{name} must answer with the event")

    @contextmanager
    def installed(self) -> Iterator[None]:
        originals = CognitoIdpBackend.admin_create_user, CognitoIdpBackend._log_user_in, CognitoIdpBackend.sign_up
        create, log_in, sign_up = originals
        forgot = CognitoIdpBackend.forgot_password

        def create_with_trigger(
            backend: CognitoIdpBackend, pool_id: str, username: str, action: str, password: str, attributes: list[dict[str, str]]
        ) -> CognitoIdpUser:
            pool = backend.describe_user_pool(pool_id)
            said = {each["Name"]: each["Value"] for each in attributes or []}
            if action != "RESEND":
                self.run(pool, "PreSignUp", "AdminCreateUser", username, {"userAttributes": said, "validationData": None})
            user = create(backend, pool_id, username, action, password, attributes or [])
            if action != "SUPPRESS":
                self.invitations.append((pool_id, username))
            return user

        def log_in_with_triggers(
            backend: CognitoIdpBackend, pool: CognitoIdpUserPool, client: CognitoIdpUserPoolClient, username: str
        ) -> dict[str, dict[str, Any]]:
            user = backend.admin_get_user(pool.id, username)
            request = {"userAttributes": {**user.attribute_lookup, "cognito:user_status": user.status}}
            self.run(pool, "PreAuthentication", "Authentication", username, request, client.id)
            answer = log_in(backend, pool, client, username)
            self.run(pool, "PostAuthentication", "Authentication", username, {**request, "newDeviceUsed": False}, client.id)
            return answer

        def sign_up_if_open(backend: CognitoIdpBackend, client_id: str, *arguments: Any) -> Any:
            pool = next(each for each in backend.user_pools.values() if client_id in each.clients)
            if (pool.extended_config.get("AdminCreateUserConfig") or {}).get("AllowAdminCreateUserOnly"):
                raise NotAuthorizedError(SIGN_UP_CLOSED)
            return sign_up(backend, client_id, *arguments)

        def forgot_if_it_can_be(backend: CognitoIdpBackend, client_id: str, username: str) -> Any:
            pool = next(each for each in backend.user_pools.values() if client_id in each.clients)
            user = pool._get_user(username)
            if user is not None:
                must_be_resettable(user)
                self.codes.append((pool.id, user.username))
            return forgot(backend, client_id, username)

        CognitoIdpBackend.forgot_password = forgot_if_it_can_be  # type: ignore[method-assign, assignment]
        CognitoIdpBackend.admin_create_user = create_with_trigger  # type: ignore[method-assign, assignment]
        CognitoIdpBackend._log_user_in = log_in_with_triggers  # type: ignore[method-assign, assignment]
        CognitoIdpBackend.sign_up = sign_up_if_open  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            CognitoIdpBackend.admin_create_user, CognitoIdpBackend._log_user_in, CognitoIdpBackend.sign_up = originals  # type: ignore[method-assign]
            CognitoIdpBackend.forgot_password = forgot  # type: ignore[method-assign]


def must_be_resettable(user: CognitoIdpUser) -> None:
    """A temporary password cannot be forgotten, and a code goes to a verified address only."""
    if user.status == UserStatus.FORCE_CHANGE_PASSWORD:
        raise NotAuthorizedError("User password cannot be reset in the current state.")
    if user.attribute_lookup.get("email_verified") != "true":
        why = "Cannot reset password for the user as there is no registered/verified email or phone_number"
        raise JsonRESTError("InvalidParameterException", why)


def sign_in(region: str, pool_id: str, client_id: str, username: str, password: str) -> dict[str, str]:
    """A sign-in as by SRP, of which moto would accept any password: here it must be the right one. Returns the three tokens."""
    backend = cognitoidp_backends[ACCOUNT][region]
    pool = backend.describe_user_pool(pool_id)
    client = pool.clients[client_id]
    if "ALLOW_USER_SRP_AUTH" not in client.extended_config.get("ExplicitAuthFlows", []):
        raise NotModelled(f"a client without SRP: {client.extended_config}")
    user: CognitoIdpUser | None = pool.users.get(username)
    if user is None or not user.enabled or user.password != password:
        raise NotAuthorizedError("Incorrect username or password.")
    if user.status != UserStatus.CONFIRMED:
        raise NotAuthorizedError(f"{username} must set a new password first")
    return dict(backend._log_user_in(pool, client, username)["AuthenticationResult"])
