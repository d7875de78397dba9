"""What stands behind an API: DynamoDB called with the integration's role, functions invoked as their policies allow, tokens checked."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError
from joserfc import jwt
from joserfc.errors import JoseError

from tests.infra.cloud.functions import FunctionFailed, Functions
from tests.infra.cloud.gateway import Stopped
from tests.infra.cloud.openapi import Document
from tests.infra.cloud.policies import NotModelled
from tests.infra.cloud.pools import pool_with
from tests.infra.cloud.principals import Credentials, Denied, Principals
from tests.infra.cloud.replication import ModelledTime

SERVICE = "apigateway.amazonaws.com"
ACTION = re.compile(r"arn:aws:apigateway:([\w-]+):dynamodb:action/(\w+)")
FUNCTION = re.compile(r"arn:aws:apigateway:([\w-]+):lambda:path/2015-03-31/functions/(.+)/invocations")
MODELS = "com.amazonaws.dynamodb.v20120810#"


class Integrations:
    def __init__(self, region: str, principals: Principals, functions: Functions) -> None:
        self._region, self._principals, self._functions = region, principals, functions

    def action(self, integration: Document, text: str, headers: Mapping[str, str]) -> tuple[int, str]:
        found = ACTION.fullmatch(integration["uri"]) or _unmodelled(integration["uri"])
        if found[1] != self._region:
            raise Stopped("API_CONFIGURATION_ERROR", f"an integration with {found[1]} in {self._region}")
        try:
            holder = self._principals.assume(integration["credentials"], SERVICE)
        except Denied as error:
            raise Stopped("API_CONFIGURATION_ERROR", str(error)) from error
        try:
            request = json.loads(text, strict=True)
        except ValueError as error:
            return 400, json.dumps({"__type": "com.amazon.coral.service#SerializationException", "Message": str(error)})
        return self._call(holder, found[2], request)

    def _call(self, holder: Credentials, action: str, request: Any) -> tuple[int, str]:
        method = re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower()
        try:
            answer = getattr(client(self._region, holder), method)(**request)
        except ClientError as error:
            return 400, json.dumps(failure(error))
        except (ParamValidationError, TypeError) as error:
            return 400, json.dumps({"__type": "com.amazon.coral.validate#ValidationException", "message": str(error)[:300]})
        answer.pop("ResponseMetadata", None)
        return 200, json.dumps(answer)

    def proxy(self, integration: Document, event: Document, source_arn: str) -> Any:
        found = FUNCTION.fullmatch(integration["uri"]) or _unmodelled(integration["uri"])
        try:
            return self._functions.invoke(found[2], event, SERVICE, source_arn)
        except Denied as error:
            raise Stopped("API_CONFIGURATION_ERROR", "Internal server error") from error
        except FunctionFailed:
            return None


@lru_cache(maxsize=32)
def client(region: str, holder: Credentials) -> Any:
    config = Config(retries={"max_attempts": 1, "mode": "standard"}, parameter_validation=True)
    return boto3.client("dynamodb", region_name=region, config=config, **holder.arguments())


def failure(error: ClientError) -> dict[str, Any]:
    described = error.response["Error"]
    answer: dict[str, Any] = {"__type": MODELS + described["Code"], "message": described["Message"]}
    if "CancellationReasons" in error.response:
        answer["CancellationReasons"] = [
            {"Code": reason.get("Code", "None"), **{name: value for name, value in reason.items() if name != "Code"}}
            for reason in error.response["CancellationReasons"]
        ]
    return answer


def _unmodelled(uri: str) -> Any:
    raise NotModelled(f"the integration {uri}")


class PoolAuthorizer:
    """Cognito's: the ID token of a user of one of the named pools, signed by it and not expired."""

    def __init__(self, clock: ModelledTime) -> None:
        self._clock = clock

    def claims(self, token: str | None, pools: list[str]) -> dict[str, str] | None:
        bare = (token or "").removeprefix("Bearer ").strip()
        for arn in pools:
            region, pool_id = arn.split(":")[3], arn.rpartition("/")[2]
            found = self._valid(bare, region, pool_id)
            if found is not None:
                return {name: value if isinstance(value, str) else claim_text(value) for name, value in found.items()}
        return None

    def _valid(self, token: str, region: str, pool_id: str) -> dict[str, Any] | None:
        try:
            pool = pool_with(pool_id, region)
            claims: dict[str, Any] = jwt.decode(token, pool.json_web_key, algorithms=["RS256"]).claims
        except (JoseError, ValueError, KeyError):
            return None
        issuer = f"https://cognito-idp.{pool.region}.amazonaws.com/{pool.id}"
        good = claims.get("iss") == issuer and claims.get("token_use") == "id" and claims.get("aud") in pool.clients
        return claims if good and claims["exp"] > self._clock.now() else None


def claim_text(value: Any) -> str:
    """API Gateway hands claims on as strings; a list becomes its items with commas."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
