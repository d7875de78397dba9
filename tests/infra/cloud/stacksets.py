"""StackSets whose instances are stacks that are really made, region after region, and custom resources that really answer."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.exceptions import ClientError
from moto.cloudformation.models import Stack, cloudformation_backends
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult

from tests.infra.cloud.functions import FunctionFailed, Functions, found_function
from tests.infra.cloud.principals import ACCOUNT, Credentials, Principals
from tests.infra.cloud.registry import Made, Place, Properties, ResourceType
from tests.infra.cloud.timeline import too_early

BODY_BYTES_MAX = 51_200
SERVICE = "cloudformation.amazonaws.com"
ENABLED_BY_DEFAULT = frozenset(
    {
        *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
        *("ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3"),
        *("sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2"),
    }
)
"""All other regions have to be enabled first, and CloudFormation acts there as a principal of the region's own."""


class Instance:
    """A stack of a set, as `list_stack_instances` shows it."""

    def __init__(self, set_id: str, region: str, stack: Stack) -> None:
        self.account_id, self.region_name, self.stack, self.set_id = ACCOUNT, region, stack, set_id
        self.parameters: list[Any] = []

    def to_dict(self) -> dict[str, Any]:
        return {
            "StackId": self.stack.stack_id,
            "StackSetId": self.set_id,
            "Region": self.region_name,
            "Account": self.account_id,
            "Status": "CURRENT",
            "ParameterOverrides": [],
            "StackInstanceStatus": {"DetailedStatus": "SUCCEEDED"},
        }


@contextmanager
def instances_by_region() -> Iterator[None]:
    """`list_stack_instances` with StackInstanceRegion, which moto leaves out."""
    original = CloudFormationResponse.list_stack_instances

    def of_region(self: CloudFormationResponse) -> ActionResult:
        found = self.cloudformation_backend.list_stack_instances(self._get_param("StackSetName"))
        region = self._get_param("StackInstanceRegion")
        return ActionResult({"Summaries": [each for each in found if region in (None, each["Region"])]})

    CloudFormationResponse.list_stack_instances = of_region  # type: ignore[method-assign]
    try:
        yield
    finally:
        CloudFormationResponse.list_stack_instances = original  # type: ignore[method-assign]


@contextmanager
def templates_read_as_json() -> Iterator[None]:
    """moto reads every template as YAML, of which JSON is a part, and takes half a second for ours."""
    original = Stack._parse_template

    def parse(stack: Stack) -> None:
        try:
            stack.template_dict = json.loads(str(stack.template))
        except ValueError:
            original(stack)

    Stack._parse_template = parse  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        Stack._parse_template = original  # type: ignore[method-assign]


class StackSets(ResourceType):
    type = "AWS::CloudFormation::StackSet"

    def __init__(self, principals: Principals) -> None:
        self._principals = principals

    def make(self, properties: Properties, place: Place) -> Made:
        body = template_body(properties)
        self._refuse_unknown_roles(place)
        parameters = {each["ParameterKey"]: each["ParameterValue"] for each in properties.get("Parameters", [])}
        backend = cloudformation_backends[place.account][place.region]
        made = backend.create_stack_set(
            properties["StackSetName"],
            body,
            parameters,
            {},
            properties.get("PermissionModel", "SELF_MANAGED"),
            properties["AdministrationRoleARN"],
            properties["ExecutionRoleName"],
            None,
        )
        for region in regions_of(properties):
            stack = self._instance(place, properties, region, body, parameters)
            made.instances.stack_instances.append(Instance(made.id, region, stack))  # type: ignore[arg-type]
        return Made(made.id, {"StackSetId": made.id}, (dict(properties), made))

    def _refuse_unknown_roles(self, place: Place) -> None:
        """As if everything else of the hub were made as fast as it can be, and roles as slowly."""
        hub = cloudformation_backends[place.account][place.region].get_stack(place.stack_id)
        if hub.status == "CREATE_IN_PROGRESS" and (role := too_early(hub.template_dict["Resources"], place.logical_id)):
            raise RuntimeError(f"Account {place.account} should have '{role}' role with trust relationship to CloudFormation service.")

    def _holder(self, properties: Properties, region: str) -> Credentials:
        """Who works in a region: the execution role, assumed by the administration role, which the service there has assumed."""
        administration = self._principals.assume(properties["AdministrationRoleARN"], SERVICE)
        if region not in ENABLED_BY_DEFAULT:
            self._principals.assume(properties["AdministrationRoleARN"], f"cloudformation.{region}.amazonaws.com")
        return self._principals.assume_from(administration, properties["ExecutionRoleName"])

    def _instance(self, place: Place, properties: Properties, region: str, body: str, parameters: Mapping[str, str]) -> Stack:
        with self._principals.acting_as(self._holder(properties, region)):
            stack = cloudformation_backends[place.account][region].create_stack(
                name=f"StackSet-{properties['StackSetName']}-{region}", template=body, parameters=dict(parameters)
            )
        if stack.status != "CREATE_COMPLETE":
            raise RuntimeError(f"the stack in {region} is {stack.status}")
        return stack

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        """Instances follow what is said now: those of a region that is not named any more are deleted, the others brought up to date."""
        body = template_body(properties)
        parameters = {each["ParameterKey"]: each["ParameterValue"] for each in properties.get("Parameters", [])}
        _, found = made.thing
        instances = found.instances.stack_instances
        regions = regions_of(properties)
        for instance in [each for each in instances if each.region_name not in regions]:
            self._delete(instance, properties)
            instances.remove(instance)
        for instance in instances:
            self._update(instance, properties, body, parameters)
        present = {each.region_name for each in instances}
        for region in [each for each in regions if each not in present]:
            stack = self._instance(place, properties, region, body, parameters)
            instances.append(Instance(found.id, region, stack))
        found.template, found.parameters = body, parameters
        return Made(made.id, made.attributes, (dict(properties), found))

    def _update(self, instance: Any, properties: Properties, body: str, parameters: Mapping[str, str]) -> None:
        client = boto3.client("cloudformation", instance.region_name)
        listed = [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
        with self._principals.acting_as(self._holder(properties, instance.region_name)):
            try:
                client.update_stack(StackName=instance.stack.stack_id, TemplateBody=body, Parameters=listed)
            except ClientError as error:
                if "No updates are to be performed" not in str(error):
                    raise

    def _delete(self, instance: Any, properties: Properties) -> None:
        with self._principals.acting_as(self._holder(properties, instance.region_name)):
            cloudformation_backends[ACCOUNT][instance.region_name].delete_stack(instance.stack.stack_id)

    def remove(self, made: Made, properties: Properties, region: str) -> None:
        before, found = made.thing
        for instance in reversed(found.instances.stack_instances):
            self._delete(instance, before)
        found.instances.stack_instances.clear()
        cloudformation_backends[ACCOUNT][region].delete_stack_set(made.id)


def template_body(properties: Properties) -> str:
    body = properties.get("TemplateBody")
    if body is None:
        raise ValueError("a StackSet without TemplateBody needs its template published elsewhere")
    if len(body.encode()) > BODY_BYTES_MAX:
        raise ValueError(f"TemplateBody has {len(body.encode())} bytes, and at most {BODY_BYTES_MAX} are accepted")
    return str(body)


def regions_of(properties: Properties) -> list[str]:
    named = [region for group in properties["StackInstancesGroup"] for region in group["Regions"]]
    order = (properties.get("OperationPreferences") or {}).get("RegionOrder") or named
    return [region for region in order if region in named]


class Data(dict[str, Any]):
    """What a function has answered, for `Fn::GetAtt`."""

    def __missing__(self, name: str) -> Any:
        raise RuntimeError(f"CustomResource attribute error: Vendor response doesn't contain {name} key in object")

    def __contains__(self, name: object) -> bool:
        return True


class CustomResources(ResourceType):
    """`Custom::…`: the function is invoked, and answers by HTTP as it would CloudFormation."""

    type = "Custom::*"

    def __init__(self, functions: Functions, answers: "Answers") -> None:
        self._functions, self._answers = functions, answers

    def make(self, properties: Properties, place: Place) -> Made:
        answer = self._ask("Create", properties, place)
        return Made(answer["PhysicalResourceId"], Data(answer.get("Data", {})), (properties, place))

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        before, original = made.thing  # an update's own place has no stack id
        answer = self._ask("Update", properties, original, PhysicalResourceId=made.id, OldResourceProperties=before)
        return Made(answer["PhysicalResourceId"], Data(answer.get("Data", {})), (properties, original))

    def remove(self, made: Made, properties: Properties, region: str) -> None:
        before, place = made.thing
        self._ask("Delete", before, place, PhysicalResourceId=made.id)

    def _ask(self, kind: str, properties: Properties, place: Place, **more: Any) -> dict[str, Any]:
        address = self._answers.address()
        event = {
            "RequestType": kind,
            "ResponseURL": address,
            "StackId": place.stack_id,
            "RequestId": address.rpartition("/")[2],
            "LogicalResourceId": place.logical_id,
            "ResourceType": "Custom::Resource",
            "ResourceProperties": as_text(properties),
            **{name: as_text(value) for name, value in more.items()},
        }
        try:
            self._functions.run(found_function(properties["ServiceToken"]), event)
        except FunctionFailed as error:
            raise RuntimeError(f"the function failed without an answer: {error}") from error
        answer = self._answers.taken(address)
        if answer.get("Status") != "SUCCESS":
            raise RuntimeError(f"Received response status [FAILED] from custom resource. Message returned: {answer.get('Reason')}")
        return answer


def as_text(value: Any) -> Any:
    """CloudFormation hands numbers and booleans to a custom resource as strings."""
    if isinstance(value, Mapping):
        return {name: as_text(each) for name, each in value.items()}
    if isinstance(value, list):
        return [as_text(each) for each in value]
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


class Answers:
    """Where custom resources put their answers: paths of this simulation's own server."""

    PATH = "/custom-resource-answers/"

    def __init__(self) -> None:
        self.server = ""
        self._answers: dict[str, dict[str, Any]] = {}
        self._count = 0

    def address(self) -> str:
        self._count += 1
        return f"{self.server}{self.PATH}{self._count}"

    def put(self, path: str, body: bytes) -> None:
        if len(body) > 4096:
            raise ValueError("the answer of a custom resource has more than 4,096 bytes")
        self._answers[path] = json.loads(body)

    def taken(self, address: str) -> dict[str, Any]:
        return self._answers.pop(address.removeprefix(self.server), {"Reason": "no answer came"})


def outputs(stack: str, region: str) -> dict[str, str]:
    found = boto3.client("cloudformation", region).describe_stacks(StackName=stack)["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
