"""CloudFormation resource types: moto's own where they do what the templates need, ours for the rest, an error for any other."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from moto.cloudformation import parsing
from moto.core.common_models import CloudFormationModel

from tests.infra.cloud.handlers import needed
from tests.infra.cloud.policies import NotModelled
from tests.infra.cloud.principals import ACCOUNT, Principals
from tests.infra.cloud.updates import CHANGED

Properties = Mapping[str, Any]

# Types of moto's that keep what our templates say about them, or of which nothing but their existence matters here.
TRUSTED = frozenset(
    {
        "AWS::CloudWatch::Dashboard",
        "AWS::DynamoDB::Table",
        "AWS::Events::Rule",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::Lambda::Function",
        "AWS::Logs::LogGroup",
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
    }
)


@dataclass(frozen=True)
class Place:
    """Where a resource is being made, and what it is called there."""

    account: str
    region: str
    name: str
    logical_id: str
    stack_id: str


@dataclass(frozen=True)
class Made:
    """A resource: its physical id, its attributes for `Fn::GetAtt`, and what it is in moto."""

    id: str
    attributes: Mapping[str, Any]
    thing: Any = None


class ResourceType:
    """Makes, changes and removes resources of one type. Subclasses say how."""

    type: str
    name_property = ""

    def make(self, properties: Properties, place: Place) -> Made:
        raise NotImplementedError

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        raise NotModelled(f"an update of {self.type} {place.logical_id}")

    def remove(self, made: Made, properties: Properties, region: str) -> None:
        """Nothing to do for most."""


class Recorded(ResourceType):
    """A type of which the simulation keeps the properties and does nothing."""

    def __init__(self, type: str, *, name_property: str = "", attributes: Callable[[str, Place], Mapping[str, Any]] | None = None) -> None:
        self.type, self.name_property = type, name_property
        self._attributes = attributes or (lambda name, place: {})

    def make(self, properties: Properties, place: Place) -> Made:
        return Made(place.name, self._attributes(place.name, place), properties)

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        return Made(made.id, made.attributes, properties)


class Adapted(CloudFormationModel):
    """A resource of ours in the shape that moto's CloudFormation wants. `kind` is given by the classes that `adapted` makes."""

    kind: ResourceType | None = None

    def __init__(self, made: Made) -> None:
        self.made = made

    @property
    def physical_resource_id(self) -> str:
        return self.made.id

    @classmethod
    def cloudformation_name_type(cls) -> str:
        return cls.kind.name_property if cls.kind else ""

    @classmethod
    def cloudformation_type(cls) -> str:
        return cls.kind.type if cls.kind else ""

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return True

    @classmethod
    def ours(cls) -> ResourceType:
        assert cls.kind is not None
        return cls.kind

    def is_created(self) -> bool:
        return True

    def get_cfn_attribute(self, attribute_name: str) -> Any:
        if attribute_name not in self.made.attributes:
            raise NotModelled(f"the attribute {attribute_name} of {self.ours().type}")
        return self.made.attributes[attribute_name]

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **more: Any
    ) -> "Adapted":
        place = Place(account_id, region_name, resource_name, more["LogicalId"], more["StackId"])
        return cls(cls.ours().make(cloudformation_json["Properties"], place))

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: Any, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> "Adapted":
        place = Place(account_id, region_name, new_resource_name, original_resource.logical_resource_id, "")
        return cls(cls.ours().change(original_resource.made, cloudformation_json["Properties"], place))

    @classmethod
    def delete_from_cloudformation_json(cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str) -> None:
        cls.ours().remove(Made(resource_name, {}), cloudformation_json.get("Properties", {}), region_name)

    def delete(self, account_id: str, region_name: str) -> None:
        self.ours().remove(self.made, {}, region_name)


def adapted(kind: ResourceType) -> type[Adapted]:
    return type(kind.type.replace("::", "_"), (Adapted,), {"kind": kind})


class Registry:
    """All types that a template may use, and failures that a test has ordered."""

    def __init__(self, principals: Principals) -> None:
        self._principals = principals
        self._models: dict[str, type[CloudFormationModel]] = {}
        self._failures: dict[str, tuple[str, str]] = {}
        self.created: list[tuple[str, str, str]] = []
        self.resolved: list[tuple[str, str, str, Any]] = []
        """The same with their properties, as a handler is given them."""

    def add(self, *kinds: ResourceType) -> None:
        for kind in kinds:
            self._models[kind.type] = adapted(kind)

    def fail(self, logical_id: str, reason: str | None, given: str = "") -> None:
        """Lets a resource fail from now on, if its properties contain what is `given`; None lets it succeed again."""
        if reason is None:
            self._failures.pop(logical_id, None)
        else:
            self._failures[logical_id] = reason, given

    def _refuse(self, logical_id: str, resource_json: Any, resources_map: Any) -> None:
        reason, given = self._failures.get(logical_id, ("", ""))
        if reason and given in json.dumps(parsing.clean_json(resource_json.get("Properties", {}), resources_map)):
            raise RuntimeError(reason)

    def _authorize(self, verb: str, resource_json: Any, resources_map: Any, region: str) -> None:
        """Raises Denied unless the role that a stack of a StackSet is made with may make, change or delete this, tags included. What is
        made must be changeable, too: nobody wants to find out at the first update."""
        holder, condition = self._principals.acting, resource_json.get("Condition")
        if holder is None or (condition and not resources_map.lazy_condition_map[condition]):
            return
        properties = parsing.clean_json(resource_json.get("Properties", {}), resources_map)
        for each in ("create", "update") if verb == "create" else (verb,):
            for request in needed(resource_json["Type"], each, properties, region, ACCOUNT):
                self._principals.check(holder, request)

    def resource_class(self, type: str) -> type[CloudFormationModel] | None:
        if type in self._models:
            return self._models[type]
        if type.startswith("Custom::"):
            return self._models["Custom::*"]
        if type in CHANGED:
            return CHANGED[type]  # type: ignore[no-any-return]
        if type in TRUSTED:
            return parsing.get_model_map()[type]
        raise NotModelled(f"the resource type {type}")

    def name_property(self, type: str) -> str | None:
        found = self.resource_class(type)
        return found.cloudformation_name_type() if found else None

    @contextmanager
    def installed(self) -> Iterator[None]:
        """moto asks this registry for classes, and every failure of a resource names it."""
        create = self._loudly(parsing.parse_and_create_resource, "create")

        def create_and_note(logical_id: str, resource_json: Any, resources_map: Any, account_id: str, region_name: str) -> Any:
            made = create(logical_id, resource_json, resources_map, account_id, region_name)
            if made is not None:
                self.created.append((region_name, resource_json["Type"], logical_id))
                properties = parsing.clean_json(resource_json.get("Properties", {}), resources_map)
                self.resolved.append((region_name, resource_json["Type"], logical_id, properties))
            return made

        patches: dict[str, Any] = {
            "resource_class_from_type": self.resource_class,
            "resource_name_property_from_type": self.name_property,
            "parse_and_create_resource": create_and_note,
            "parse_and_update_resource": self._loudly(parsing.parse_and_update_resource, "update"),
        }
        originals = {name: vars(parsing)[name] for name in patches}
        delete = parsing.ResourceMap._delete_resource

        def authorized(resources: Any, resource: Any, resource_json: Any) -> None:
            self._authorize("delete", resource_json, resources, resources._region_name)
            delete(resources, resource, resource_json)

        vars(parsing).update(patches)
        parsing.ResourceMap._delete_resource = authorized  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            vars(parsing).update(originals)
            parsing.ResourceMap._delete_resource = delete  # type: ignore[method-assign]

    def _loudly(self, original: Callable[..., Any], verb: str) -> Callable[..., Any]:
        def loudly(logical_id: str, resource_json: Any, resources_map: Any, account_id: str, region_name: str) -> Any:
            try:
                self._refuse(logical_id, resource_json, resources_map)
                self._authorize(verb, resource_json, resources_map, region_name)
                return original(logical_id, resource_json, resources_map, account_id, region_name)
            except NotModelled:
                raise
            except Exception as error:  # a lazy Mapping would take a KeyError for "no such resource"
                raise ResourceFailed(resource_json["Type"], logical_id, region_name, error) from error

        return loudly


class ResourceFailed(Exception):
    """A resource that could not be made, with the first cause."""

    logical_id: str
    reason: str

    def __init__(self, type: str, logical_id: str, region: str, cause: Exception) -> None:
        self.logical_id, self.reason, text = logical_id, f"{cause.__class__.__name__}: {cause}", ""
        if isinstance(cause, ResourceFailed):
            self.logical_id, self.reason, text = cause.logical_id, cause.reason, str(cause)
        super().__init__(text or f"{type} {logical_id} in {region}: {self.reason}")
