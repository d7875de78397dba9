"""Stacks that take time, as CloudFormation's do: calls return at once, resources follow one by one, each with its events.

moto makes a stack within the call and tells of the stack alone. Here the work goes on in a thread, which a test can hold after some
resources; a resource that fails makes the stack roll back to its end, with the events that AWS writes.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.cloudformation import models, parsing
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.responses import CloudFormationResponse

from tests.infra.cloud.updates import UpdateFailed, undo

HELD_SECONDS_MAX = 300
CANCELLED = "Resource creation cancelled"
WHOLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})


class SlowStacks:
    """Install it over whatever else teaches moto, last: `with slow.installed(): …`."""

    def __init__(self) -> None:
        self._inside = threading.local()
        self._steps: threading.Semaphore | None = None
        self._threads: list[threading.Thread] = []
        self._failed: set[str] = set()
        self.undeletable: dict[str, str] = {}
        """Logical ids of resources that cannot be deleted, with the reason."""

    def hold(self, after: int) -> None:
        """Let that many resources be worked on, and no more until `go`."""
        self._steps = threading.Semaphore(after)

    def go(self) -> None:
        steps, self._steps = self._steps, None
        if steps is not None:
            steps.release(10_000)

    def joined(self) -> None:
        self.go()
        for thread in self._threads:
            thread.join(HELD_SECONDS_MAX)
            assert not thread.is_alive(), "a stack is still being worked on"

    @contextmanager
    def installed(self) -> Iterator[None]:
        backend, stack, resources = models.CloudFormationBackend, models.Stack, parsing.ResourceMap
        patches = [
            (backend, "create_stack", self._create_stack(backend.create_stack)),
            (backend, "update_stack", self._update_stack(backend.update_stack)),
            (backend, "delete_stack", self._delete_stack(backend.delete_stack)),
            (backend, "list_stack_resources", listed(backend.list_stack_resources)),
            (backend, "_resolve_update_parameters", resolved),
            (CloudFormationResponse, "_validate_different_update", self._different(CloudFormationResponse._validate_different_update)),
            (stack, "create_resources", self._create_resources(stack.create_resources)),
            (stack, "update", self._update(stack.update)),
            (stack, "outputs", property(outputs(stack.outputs.fget))),  # type: ignore[attr-defined]
            (resources, "_delete_resource", self._delete_resource(resources._delete_resource)),
            (parsing, "parse_and_create_resource", self._worked(parsing.parse_and_create_resource, "CREATE")),
            (parsing, "parse_and_update_resource", self._worked(parsing.parse_and_update_resource, "UPDATE")),
        ]
        originals = [(owner, name, vars(owner)[name]) for owner, name, _ in patches]
        for owner, name, new in patches:
            setattr(owner, name, new)
        try:
            yield
        finally:
            self.joined()
            for owner, name, old in originals:
                setattr(owner, name, old)

    # Calls: the stack at once, the work in a thread. What a thread calls itself, for a StackSet, is done within it.

    def _create_stack(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def create_stack(backend: Any, *args: Any, **named: Any) -> Any:
            if self._is_inside():
                return original(backend, *args, **named)
            before = set(backend.stacks)
            self._start(lambda: original(backend, *args, **named))
            (new,) = set(backend.stacks) - before
            return backend.stacks[new]

        return create_stack

    def _update_stack(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def update_stack(backend: Any, *args: Any, **named: Any) -> Any:
            if self._is_inside():
                return original(backend, *args, **named)
            self._start(lambda: original(backend, *args, **named))
            return backend.get_stack(named.get("name") or args[0])

        return update_stack

    def _delete_stack(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def delete_stack(backend: Any, name_or_stack_id: str) -> None:
            stack = next((each for each in backend.stacks.values() if name_or_stack_id in (each.stack_id, each.name)), None)
            if stack is None:
                return
            stack.status = "DELETE_IN_PROGRESS"
            stack._add_stack_event("DELETE_IN_PROGRESS", "User Initiated")

            def work() -> None:
                self._inside.answer.set()
                if self._delete(stack):
                    backend.deleted_stacks[stack.stack_id] = backend.stacks.pop(stack.stack_id)

            work() if self._is_inside() else self._start(work)

        return delete_stack

    def _different(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """To a StackSet it is no error that an instance has nothing to change."""
        return lambda *args, **named: None if self._is_inside() else original(*args, **named)

    def _is_inside(self) -> bool:
        return getattr(self._inside, "answer", None) is not None

    def _start(self, work: Callable[[], object]) -> None:
        """Returns when the stack is there and its work has begun. Raises what kept it from beginning."""
        begun, errors = threading.Event(), []

        def run() -> None:
            self._inside.answer = begun
            try:
                work()
            except Refused:
                pass
            except Exception as error:
                errors.append(error)
                raise
            finally:
                begun.set()

        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()
        assert begun.wait(HELD_SECONDS_MAX)
        if errors:
            raise errors[0]

    # The work: what moto does, with events before and after each resource, and the roll-back it does not do.

    def _create_resources(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def create_resources(stack: Any) -> None:
            stack.status = "CREATE_IN_PROGRESS"
            self._inside.answer.set()
            try:
                original(stack)
            except Exception as error:  # whatever a resource's creation raises makes the stack roll back
                self._roll_back(stack, "ROLLBACK")
                raise Refused(str(error)) from error

        return create_resources

    def _update(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def update(stack: Any, template: str, *args: Any, **named: Any) -> None:
            before = stack.template, dict(stack.resource_map.input_parameters)
            stack.status = "UPDATE_IN_PROGRESS"
            self._failed.discard(stack.stack_id)
            self._inside.answer.set()
            try:
                original(stack, template, *args, **named)
            except UpdateFailed as error:
                self._undo(stack, error, *before)
                raise Refused(str(error)) from error

        return update

    def _undo(self, stack: Any, error: UpdateFailed, template: str, parameters: dict[str, Any]) -> None:
        stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        stack._add_stack_event(stack.status, f"The following resource(s) failed to update: [{error.touched[-1]}]. ")
        stack.template = template
        stack._parse_template()
        undo(stack.resource_map, error.touched, stack.template_dict, parameters)
        stack._add_stack_event("UPDATE_ROLLBACK_COMPLETE")
        stack.status = "UPDATE_ROLLBACK_COMPLETE"

    def _roll_back(self, stack: Any, kind: str) -> None:
        stack.status = f"{kind}_IN_PROGRESS"
        stack._add_stack_event(f"{kind}_IN_PROGRESS", "The following resource(s) failed to create. Rollback requested by user.")
        remove_all(stack.resource_map, created=False)
        stack._add_stack_event(f"{kind}_COMPLETE")
        stack.status = f"{kind}_COMPLETE"

    def _delete(self, stack: Any) -> bool:
        try:
            remove_all(stack.resource_map, created=True)
        except Undeletable as error:
            stack._add_stack_event("DELETE_FAILED", f"The following resource(s) failed to delete: {error}")
            stack.status = "DELETE_FAILED"
            return False
        stack._add_stack_event("DELETE_COMPLETE")
        stack.status = "DELETE_COMPLETE"
        return True

    def _delete_resource(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def delete_resource(resources: Any, resource: Any, resource_json: Any) -> None:
            name, kind = resource.logical_resource_id, resource_json["Type"]
            self._step()
            tell(resources, name, kind, "DELETE_IN_PROGRESS", resource)
            if name in self.undeletable:
                tell(resources, name, kind, "DELETE_FAILED", resource, self.undeletable[name])
                raise Undeletable(name)
            original(resources, resource, resource_json)
            tell(resources, name, kind, "DELETE_COMPLETE", resource)

        return delete_resource

    def _worked(self, original: Callable[..., Any], verb: str) -> Callable[..., Any]:
        def worked(logical_id: str, resource_json: Any, resources_map: Any, account_id: str, region_name: str) -> Any:
            if not wanted(resource_json, resources_map):
                return original(logical_id, resource_json, resources_map, account_id, region_name)
            kind = resource_json["Type"]
            self._step()
            tell(resources_map, logical_id, kind, f"{verb}_IN_PROGRESS")
            try:
                made = original(logical_id, resource_json, resources_map, account_id, region_name)
            except Exception as error:
                again = resources_map.stack_id in self._failed
                self._failed.add(resources_map.stack_id)
                tell(resources_map, logical_id, kind, f"{verb}_FAILED", None, CANCELLED if again else getattr(error, "reason", str(error)))
                raise
            tell(resources_map, logical_id, kind, f"{verb}_COMPLETE", made)
            return made

        return worked

    def _step(self) -> None:
        steps = self._steps
        if steps is not None and self._is_inside():
            assert steps.acquire(timeout=HELD_SECONDS_MAX), "a test held a stack for too long"


class Refused(Exception):
    """The stack has rolled back; the call that began it succeeded long ago."""


class Undeletable(Exception):
    """A resource that a test keeps from being deleted."""


def remove_all(resources: Any, *, created: bool) -> None:
    """What a template does not keep, in the opposite order of its making. `created`: the stack was whole once."""
    kept = {"Retain", "RetainExceptOnCreate"} if created else {"Retain"}
    for name, resource in reversed(list(resources._parsed_resources.items())):
        described = resources._resource_json_map.get(name)
        if not described or resource is None:
            continue
        if described.get("DeletionPolicy") in kept:
            tell(resources, name, described["Type"], "DELETE_SKIPPED", resource)
            continue
        resources._delete_resource(resource, described)
        del resources._parsed_resources[name]


def wanted(resource_json: Any, resources_map: Any) -> bool:
    condition = resource_json.get("Condition")
    return not condition or bool(resources_map.lazy_condition_map[condition])


def tell(resources: Any, name: str, kind: str, status: str, resource: Any = None, reason: str | None = None) -> None:
    """Write an event into the stack that the resources belong to."""
    backend = models.cloudformation_backends[resources._account_id][resources._region_name]
    stack = backend.get_stack(resources.stack_id)
    physical = getattr(resource, "physical_resource_id", None) or ""
    stack.events.append(models.Event(stack.stack_id, stack.name, name, physical, kind, status, reason, None))


def outputs(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """moto makes resources when somebody asks for outputs; CloudFormation has none until the stack is whole."""
    return lambda stack: original(stack) if stack.status in WHOLE else None


def resolved(backend: Any, instance: Any, incoming_params: Any) -> dict[str, Any]:
    """moto forgets that a parameter with a default has a previous value."""
    named = [each["ParameterKey"] for each in incoming_params]
    if len(named) != len(set(named)):
        raise ValidationError(message="Duplicate parameter keys are not allowed")
    known = instance.stack_parameters
    return {each["ParameterKey"]: each.get("ParameterValue", known.get(each["ParameterKey"])) for each in incoming_params}


def listed(original: Callable[..., Any]) -> Callable[..., Any]:
    """The same of resources: those that are there."""

    def list_stack_resources(backend: Any, stack_name_or_id: str) -> Any:
        stack = backend.get_stack(stack_name_or_id)
        if stack.status in WHOLE:
            return original(backend, stack_name_or_id)
        made = stack.resource_map._parsed_resources
        return stack, [each for name, each in list(made.items()) if "::" not in name and hasattr(each, "logical_resource_id")]

    return list_stack_resources
