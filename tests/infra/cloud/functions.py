"""Lambda: a function's own code, run here with its role's credentials, for those whom its policy lets invoke it."""

import io
import json
import os
import sys
import threading
import traceback
import types
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.loaders
import botocore.session
from moto.awslambda.models import LambdaFunction, lambda_backends

from tests.infra.cloud.policies import Request, decide
from tests.infra.cloud.principals import ACCOUNT, Denied, Principals
from tests.infra.cloud.registry import Made, Place, Properties, ResourceType

SERVICE = "lambda.amazonaws.com"
Key = tuple[str, str, str]
LOADER = botocore.loaders.create_loader()  # the descriptions of services, read once for all sessions


class FunctionFailed(Exception):
    """The handler raised; `answer` is what Lambda answers then."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__(f"{answer['errorType']}: {answer['errorMessage']}")
        self.answer = answer


@dataclass(frozen=True)
class Context:
    """The second argument of a handler."""

    function_name: str
    invoked_function_arn: str
    aws_request_id: str = "00000000-0000-4000-8000-000000000001"
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "128"
    log_stream_name: str = "simulation"
    timeout_seconds: int = 15

    def get_remaining_time_in_millis(self) -> int:
        return self.timeout_seconds * 1000


def found_function(arn_or_name: str, region: str = "") -> LambdaFunction:
    place = arn_or_name.split(":")[3] if arn_or_name.startswith("arn:") else region
    return lambda_backends[ACCOUNT][place].get_function(arn_or_name)


def new_session() -> boto3.Session:
    inner = botocore.session.get_session()
    inner.register_component("data_loader", LOADER)
    return boto3.Session(botocore_session=inner)


class Functions:
    """Runs functions one at a time. A module is loaded once and stays, as in a warm environment."""

    def __init__(self, principals: Principals) -> None:
        self._principals = principals
        self._warm: dict[Key, types.ModuleType] = {}
        self._sessions: dict[Key, boto3.Session] = {}
        self._lock = threading.RLock()
        self.invoked: list[str] = []
        self.failures: list[str] = []

    def run(self, function: LambdaFunction, event: Any) -> Any:
        """Raises FunctionFailed when the handler raises, Denied when Lambda may not assume the role."""
        holder = self._principals.assume(function.role, SERVICE)
        variables = {name: str(value) for name, value in (function.environment_vars or {}).items()}
        place = {"AWS_REGION": function.region, "AWS_DEFAULT_REGION": function.region, "AWS_LAMBDA_FUNCTION_NAME": function.function_name}
        key = (function.function_arn, str(function.code_sha_256), json.dumps(variables, sort_keys=True))
        with self._lock, environment({**variables, **place, **holder.environment()}), self._own_session(key):
            self.invoked.append(function.function_name)
            try:
                handler = getattr(self._module(function, key), str(function.handler).rpartition(".")[2])
                context = Context(function.function_name, function.function_arn, timeout_seconds=int(function.timeout))
                return json.loads(json.dumps(handler(json.loads(json.dumps(event)), context)))
            except Exception as error:
                self.failures.append("".join(traceback.format_exception(error)))
                raise FunctionFailed({"errorMessage": str(error), "errorType": type(error).__name__}) from error

    @contextmanager
    def _own_session(self, key: Key) -> Iterator[None]:
        """boto3's default session belongs to the function while it runs: its clients sign with its role."""
        operators = boto3.DEFAULT_SESSION
        if key not in self._sessions:
            self._sessions[key] = new_session()
        boto3.DEFAULT_SESSION = self._sessions[key]
        try:
            yield
        finally:
            boto3.DEFAULT_SESSION = operators

    def _module(self, function: LambdaFunction, key: Key) -> types.ModuleType:
        if key not in self._warm:
            self._warm[key] = load(function)
        return self._warm[key]

    def invoke(self, arn: str, event: Any, service: str, source_arn: str) -> Any:
        """By another service, which the function's resource policy must allow."""
        function = found_function(arn)
        facts = {"aws:SourceArn": source_arn, "aws:SourceAccount": ACCOUNT}
        statements = [statement(each, function.function_arn) for each in function.policy.statements]
        if decide(statements, Request("lambda:InvokeFunction", function.function_arn, facts), service) != "allow":
            raise Denied(f"{service} may not invoke {function.function_name} for {source_arn}")
        return self.run(function, event)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """`invoke` of the API runs the code, too."""

        def invoke(function: LambdaFunction, event: Any = None) -> tuple[str, bool, str]:
            try:
                return json.dumps(self.run(function, json.loads(event) if isinstance(event, str) else event or {})), False, ""
            except FunctionFailed as error:
                return json.dumps(error.answer), True, ""

        original = LambdaFunction._invoke_lambda
        LambdaFunction._invoke_lambda = invoke  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            LambdaFunction._invoke_lambda = original  # type: ignore[method-assign]


def statement(permission: Mapping[str, Any], arn: str) -> dict[str, Any]:
    """A statement of a resource policy, from what `AWS::Lambda::Permission` says (moto keeps it as it was written)."""
    conditions = dict(permission.get("Condition", {}))
    if "SourceArn" in permission:
        conditions["ArnLike"] = {"aws:SourceArn": permission["SourceArn"]}
    if "SourceAccount" in permission:
        conditions["StringEquals"] = {"aws:SourceAccount": permission["SourceAccount"]}
    principal = permission["Principal"]
    named = principal if isinstance(principal, dict) else {"Service": principal}
    return {"Effect": "Allow", "Principal": named, "Action": permission["Action"], "Resource": arn, "Condition": conditions}


def load(function: LambdaFunction) -> types.ModuleType:
    name = str(function.handler).rpartition(".")[0]
    source = zipfile.ZipFile(io.BytesIO(function.code_bytes)).read(f"{name}.py")
    module = types.ModuleType(f"{name}_{function.function_name}")
    sys.modules[module.__name__] = module  # dataclasses look their module up
    exec(compile(source, f"{function.function_name}/{name}.py", "exec"), module.__dict__)  # noqa: S102
    return module


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    for name in [each for each in before if each.startswith("AWS_ENDPOINT_URL")]:
        del os.environ[name]  # of the operator who started this
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Permissions(ResourceType):
    type = "AWS::Lambda::Permission"

    def make(self, properties: Properties, place: Place) -> Made:
        function = found_function(properties["FunctionName"], place.region)
        function.policy.statements.append(dict(properties))
        return Made(place.name, {}, (function, properties))

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        self.remove(made, properties, place.region)
        return self.make(properties, place)

    def remove(self, made: Made, properties: Properties, region: str) -> None:
        if made.thing:
            function, granted = made.thing
            function.policy.statements[:] = [each for each in function.policy.statements if each != dict(granted)]
