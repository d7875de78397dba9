"""Stacks brought up to date as CloudFormation does it, and back again if that fails.

moto changes what names a parameter that differs, tries five times, and leaves what it did. Here a resource is changed if its
properties differ once they are resolved, after those that it names; a failure ends the update; what was changed is changed back.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from moto.awslambda.models import LambdaFunction
from moto.cloudformation import parsing
from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.parsing import ResourceMap
from moto.iam.models import Role

from multiregion.cloud.fixed import STATEFUL
from tests.infra.cloud.order import in_order
from tests.infra.cloud.policies import NotModelled, as_list
from tests.infra.cloud.schemas import create_only, paths
from tests.infra.cloud.timeline import unknown_principal

KEPT = frozenset({"Retain", "RetainExceptOnCreate"})
RESOURCE = re.compile(r"arn:[a-z-]+:(apigateway:[a-z0-9*-]*::/.+|[a-z0-9-]+:[a-z0-9*-]*:[0-9]*:[^/:].*)")
"""What a policy may name: an ARN with a name behind its account; API Gateway's have a path there."""
Template = Mapping[str, Any]


class Function(LambdaFunction):
    """moto takes new code as a zip only; a template has it as text."""

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: LambdaFunction, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> LambdaFunction:
        properties = cloudformation_json["Properties"]
        original_resource.update_configuration(properties)
        zipped = cls._create_zipfile_from_plaintext_code(properties["Code"]["ZipFile"])
        original_resource.update_function_code({"ZipFile": b64encode(zipped)})
        return original_resource


class InlineRole(Role):
    """IAM looks at what a role's documents name, and moto does not; moto leaves the policies of a role as they were."""

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **more: Any
    ) -> Role:
        stack = cloudformation_backends[account_id][region_name].get_stack(more["StackId"])
        if principal := unknown_principal(stack.template_dict["Resources"], more["LogicalId"]):
            raise RuntimeError(f"Invalid principal in policy: {principal} is not known yet")
        for policy in cloudformation_json["Properties"].get("Policies", ()):
            for statement in as_list(policy["PolicyDocument"]["Statement"]):
                refuse_wrong_resources(as_list(statement["Resource"]))
        made: Role = super().create_from_cloudformation_json(resource_name, cloudformation_json, account_id, region_name, **more)
        return made

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: Role, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> Role:
        properties = cloudformation_json["Properties"]
        original_resource.assume_role_policy_document = properties["AssumeRolePolicyDocument"]
        for name in list(original_resource.policies):
            original_resource.delete_policy(name)
        for policy in properties.get("Policies", ()):
            original_resource.put_policy(policy["PolicyName"], policy["PolicyDocument"])
        return original_resource


def refuse_wrong_resources(named: list[str]) -> None:
    for each in named:
        if each != "*" and not RESOURCE.fullmatch(each):
            raise RuntimeError(f"MalformedPolicyDocument: the resource {each} is none")


CHANGED: dict[str, Any] = {"AWS::Lambda::Function": Function, "AWS::IAM::Role": InlineRole}
"""Types of moto's whose updates are ours."""


@contextmanager
def changed_as_resolved() -> Iterator[None]:
    originals = ResourceMap.update, ResourceMap.delete
    ResourceMap.update = bring_up_to_date  # type: ignore[method-assign, assignment]
    ResourceMap.delete = remove_all  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        ResourceMap.update, ResourceMap.delete = originals  # type: ignore[method-assign]


class UpdateFailed(Exception):
    """The update ended at a resource. `touched`: what has been changed or made until then, that one included."""

    def __init__(self, touched: list[str], cause: Exception) -> None:
        super().__init__(str(cause))
        self.touched = touched


def bring_up_to_date(resources: ResourceMap, template: Template, parameters: dict[str, Any] | None = None) -> None:
    """Makes, changes and removes what differs. Raises UpdateFailed at the first resource that fails."""
    before = {name: resolved(resources, name) for name in there(resources)}
    old, touched = resources._resource_json_map, list[str]()
    read(resources, template, parameters)
    for name in in_order(template["Resources"]):
        if wanted(resources, name) and (name not in before or resolved(resources, name) != before[name]):
            touched.append(name)
            try:
                if name in before:
                    refuse_replacement(resources, name, before[name])
                    change(resources, name)
                else:
                    resources[name]
            except Exception as error:
                raise UpdateFailed(touched, error) from error
    for name in reversed(before):
        if not wanted(resources, name):
            remove(resources, name, old[name])


def undo(resources: ResourceMap, touched: list[str], template: Template, parameters: dict[str, Any]) -> None:
    """After an update that failed: what it has made goes, and what it has changed is as the former template has it."""
    new = resources._resource_json_map
    read(resources, template, parameters)
    for name in touched:
        if wanted(resources, name):
            change(resources, name)
    for name in reversed(touched):
        if not wanted(resources, name) and name in resources._parsed_resources:
            remove(resources, name, new[name])


def read(resources: ResourceMap, template: Template, parameters: dict[str, Any] | None) -> None:
    resources._template = dict(template)
    resources._resource_json_map = template["Resources"]
    if parameters:
        resources.input_parameters = parameters
    resources.load_mapping()
    resources.load_parameters()
    resources.load_conditions()


def there(resources: ResourceMap) -> list[str]:
    """The logical ids of what the stack has made, in the order of its making."""
    return [name for name, made in resources._parsed_resources.items() if name in resources._resource_json_map and made is not None]


def wanted(resources: ResourceMap, name: str) -> bool:
    described = resources._resource_json_map.get(name)
    if described is None:
        return False
    condition = described.get("Condition")
    return condition is None or bool(resources.lazy_condition_map[condition])


def resolved(resources: ResourceMap, name: str) -> Any:
    return parsing.clean_json(resources._resource_json_map[name].get("Properties", {}), resources)


def refuse_replacement(resources: ResourceMap, name: str, before: Mapping[str, Any]) -> None:
    """A change of what is only given at creation makes a second resource, which cannot have the first one's name. Raises RuntimeError
    if it would; NotModelled if what holds data would be left behind for an empty one."""
    kind, now = resources._resource_json_map[name]["Type"], resolved(resources, name)
    if kind.startswith("Custom::") or all(before.get(each) == now.get(each) for each in create_only(kind)):
        return
    named = [path[0] for path in paths(kind, "primaryIdentifier")]
    if all(each in now and before.get(each) == now[each] for each in named):
        raise RuntimeError(f"CloudFormation cannot replace {name}: the new {kind} would have the name of the old one")
    if kind in STATEFUL:
        raise NotModelled(f"the replacement of {kind} {name}, which holds data")


def change(resources: ResourceMap, name: str) -> None:
    described = resources._resource_json_map[name]
    account, region = resources._account_id, resources._region_name
    changed: Any = parsing.parse_and_update_resource(name, described, resources, account_id=account, region_name=region)
    if changed is None:
        raise NotModelled(f"an update of {described['Type']} {name}")
    resources._parsed_resources[name] = changed


def remove(resources: ResourceMap, name: str, described: Mapping[str, Any]) -> None:
    made = resources._parsed_resources.pop(name)
    if described.get("DeletionPolicy") not in KEPT:
        resources._delete_resource(made, dict(described))


def remove_all(resources: ResourceMap) -> None:
    """Each resource before those that it names; moto has an order of its own, and tries again what fails."""
    for name in reversed(there(resources)):
        remove(resources, name, resources._resource_json_map[name])
