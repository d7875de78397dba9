"""What invokes functions without a caller: streams of tables, schedules, and what becomes of stacks."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from moto.awslambda.models import EventSourceMapping, LambdaBackend, LambdaFunction, lambda_backends
from moto.cloudformation.models import Stack, cloudformation_backends
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.events.models import events_backends
from moto.sqs.models import sqs_backends

from tests.infra.cloud.functions import SERVICE, FunctionFailed, Functions, found_function
from tests.infra.cloud.policies import NotModelled, Request
from tests.infra.cloud.principals import ACCOUNT, Principals
from tests.infra.cloud.registry import Made, Place, Properties, ResourceType
from tests.infra.cloud.tables import GlobalTables

ATTEMPTS_MAX = 3
# What a mapping may say without changing what is delivered here.
WITHOUT_EFFECT = frozenset(
    {
        "BatchSize",
        "BisectBatchOnFunctionError",
        "DestinationConfig",
        "Enabled",
        "EventSourceArn",
        "FunctionName",
        "FunctionResponseTypes",
        "MaximumBatchingWindowInSeconds",
        "MaximumRecordAgeInSeconds",
        "MaximumRetryAttempts",
        "StartingPosition",
        "Tags",
    }
)


class Streams:
    """Delivers what is new in each table's stream to the functions that are mapped to it, and what they fail at to the mapping's queue."""

    def __init__(self, tables: GlobalTables, functions: Functions, principals: Principals) -> None:
        self._tables, self._functions, self._principals = tables, functions, principals
        self._read: dict[str, int] = {}
        self._on_failure: dict[str, str] = {}
        self.failures: list[str] = []

    def pump(self) -> int:
        return sum(self._deliver_new(table, mapping) for table, mapping in self._mapped())

    def _mapped(self) -> list[tuple[Table, EventSourceMapping]]:
        replicas = [replica for group in self._tables.groups.values() for replica in group.replicas.values()]
        return [(replica.table, mapping) for replica in replicas for mapping in replica.table.lambda_event_source_mappings.values()]

    def _deliver_new(self, table: Table, mapping: EventSourceMapping) -> int:
        assert table.stream_shard is not None
        records = table.stream_shard.items
        start = self._read.get(mapping.uuid, 0)
        self._read[mapping.uuid] = len(records)
        if len(records) > start and mapping.enabled:
            self._deliver(mapping, [as_event(each.to_json(), mapping.event_source_arn) for each in records[start:]])
        return len(records) - start

    def _deliver(self, mapping: EventSourceMapping, records: list[Any]) -> None:
        why = ""
        for _ in range(ATTEMPTS_MAX):
            try:
                answer = self._functions.run(found_function(mapping.function_arn), {"Records": records})
            except FunctionFailed as error:
                why = str(error)
            else:
                records = left_over(records, answer)
                why = "records were reported as failed"
            if not records:
                return
        self.failures.append(f"{mapping.function_arn}: {why}")
        if mapping.uuid in self._on_failure:
            send(
                self._on_failure[mapping.uuid],
                found_function(mapping.function_arn),
                {"why": why, "records": len(records)},
                self._principals,
            )

    def check(self, function: str, source: str, region: str) -> None:
        """Raises Denied unless the function's role may read the stream; ValueError for the stream of another region."""
        if source.split(":")[3] != region:
            raise ValueError(f"a stream of {source.split(':')[3]} cannot be mapped in {region}")
        holder = self._principals.assume(found_function(function, region).role, SERVICE)
        for action in ("DescribeStream", "GetRecords", "GetShardIterator"):
            self._principals.check(holder, Request(f"dynamodb:{action}", source))

    @contextmanager
    def installed(self) -> Iterator[None]:
        original = LambdaBackend.create_event_source_mapping

        def create(backend: LambdaBackend, spec: dict[str, Any]) -> EventSourceMapping:
            if unknown := {name for name in spec if spec[name]} - WITHOUT_EFFECT:
                raise NotModelled(f"{sorted(unknown)} of an event source mapping")
            self.check(spec["FunctionName"], spec["EventSourceArn"], backend.region_name)
            mapping = original(backend, spec)
            if queue := (spec.get("DestinationConfig") or {}).get("OnFailure", {}).get("Destination"):
                self._on_failure[mapping.uuid] = queue
            if spec.get("StartingPosition") == "LATEST":
                table = dynamodb_backends[ACCOUNT][backend.region_name].tables[table_name(spec["EventSourceArn"])]
                self._read[mapping.uuid] = len(table.stream_shard.items) if table.stream_shard else 0
            return mapping

        LambdaBackend.create_event_source_mapping = create  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            LambdaBackend.create_event_source_mapping = original  # type: ignore[method-assign]


def send(queue_arn: str, function: LambdaFunction, told: Any, principals: Principals) -> None:
    """By Lambda, with the function's role. Raises Denied if that may not, KeyError if there is no such queue."""
    principals.check(principals.assume(function.role, SERVICE), Request("sqs:SendMessage", queue_arn))
    _, _, _, region, _, name = queue_arn.split(":")
    sqs_backends[ACCOUNT][region].send_message(sqs_backends[ACCOUNT][region].queues[name].name, json.dumps(told))


class InvokeConfigs(ResourceType):
    """What becomes of an asynchronous call that a function has failed at."""

    type = "AWS::Lambda::EventInvokeConfig"

    def __init__(self, principals: Principals) -> None:
        self._principals = principals
        self.on_failure: dict[str, str] = {}

    def make(self, properties: Properties, place: Place) -> Made:
        function = found_function(properties["FunctionName"], place.region)
        queue = properties["DestinationConfig"]["OnFailure"]["Destination"]
        self._refuse_new_roles(function, place)
        self._principals.check(self._principals.assume(function.role, SERVICE), Request("sqs:SendMessage", queue))
        self.on_failure[function.function_arn] = queue
        return Made(place.name, {})

    def _refuse_new_roles(self, function: LambdaFunction, place: Place) -> None:
        """Lambda asks IAM what the function's role may do, which does not know a role at once that the same stack makes."""
        stack = cloudformation_backends[place.account][place.region].stacks.get(place.stack_id)
        described = stack.template_dict["Resources"].values() if stack else ()
        if stack and stack.status == "CREATE_IN_PROGRESS" and any(each["Type"] == "AWS::IAM::Role" for each in described):
            raise RuntimeError(f"The function's execution role {function.role} does not have permissions to call SendMessage on SQS")

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        return self.make(properties, place)


def table_name(stream_arn: str) -> str:
    return stream_arn.split(":table/")[1].partition("/")[0]


def left_over(records: list[Any], answer: Any) -> list[Any]:
    """From the first record that the function reports as failed; of a stream all that follow are delivered again. All of them if it names
    one that was not delivered."""
    failed = {each["itemIdentifier"] for each in (answer or {}).get("batchItemFailures", [])}
    if not failed <= {each["dynamodb"]["SequenceNumber"] for each in records}:
        return records
    first = next((place for place, each in enumerate(records) if each["dynamodb"]["SequenceNumber"] in failed), len(records))
    return records[first:]


def as_event(record: Mapping[str, Any], source: str) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(record, default=lambda value: value.timestamp()))
    return {**plain, "awsRegion": source.split(":")[3], "eventSourceARN": source}


class EventSourceMappings(ResourceType):
    type = "AWS::Lambda::EventSourceMapping"

    def make(self, properties: Properties, place: Place) -> Made:
        mapping = lambda_backends[place.account][place.region].create_event_source_mapping(dict(properties))
        return Made(mapping.uuid, {"Id": mapping.uuid})

    def remove(self, made: Made, properties: Properties, region: str) -> None:
        lambda_backends[ACCOUNT][region].delete_event_source_mapping(made.id)


def run_schedules(region: str, functions: Functions, configs: InvokeConfigs, principals: Principals) -> int:
    """Every enabled rule with a schedule, once. Returns how many functions were invoked. What one fails at goes to its queue; raises
    FunctionFailed if it has none."""
    invoked = 0
    for rule in list(events_backends[ACCOUNT][region].event_buses["default"].rules.values()):
        if rule.scheduled_expression and rule.state == "ENABLED":
            for target in rule.targets:
                event = scheduled_event(rule.arn, region, target)
                try:
                    functions.invoke(target["Arn"], event, "events.amazonaws.com", rule.arn)
                except FunctionFailed as error:
                    if target["Arn"] not in configs.on_failure:
                        raise
                    send(configs.on_failure[target["Arn"]], found_function(target["Arn"]), {"why": str(error)}, principals)
                invoked += 1
    return invoked


def scheduled_event(rule_arn: str, region: str, target: Mapping[str, Any]) -> Any:
    if "Input" in target:
        return json.loads(target["Input"])
    return {
        "version": "0",
        "id": "00000000-0000-4000-8000-000000000002",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "region": region,
        "resources": [rule_arn],
        "detail": {},
    }


class StackEvents:
    """Tells the rules of a region what becomes of its stacks. As with every asynchronous call, nobody waits for the function's answer."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self.failures: list[str] = []

    @contextmanager
    def installed(self) -> Iterator[None]:
        original = Stack._add_stack_event

        def add(stack: Stack, status: str, *args: Any, **named: Any) -> None:
            original(stack, status, *args, **named)
            self._tell(stack, status)

        Stack._add_stack_event = add  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            Stack._add_stack_event = original  # type: ignore[method-assign]

    def _tell(self, stack: Stack, status: str) -> None:
        for rule in list(events_backends[ACCOUNT][stack.region_name].event_buses["default"].rules.values()):
            told = stack_event(stack, status)
            if rule.scheduled_expression or rule.state != "ENABLED" or not rule.event_pattern.matches_event(told):
                continue
            for target in rule.targets:
                event = json.loads(target["Input"]) if "Input" in target else told
                try:
                    self._functions.invoke(target["Arn"], event, "events.amazonaws.com", rule.arn)
                except FunctionFailed as error:
                    self.failures.append(str(error))


def stack_event(stack: Stack, status: str) -> Any:
    return {
        "version": "0",
        "id": "00000000-0000-4000-8000-000000000003",
        "detail-type": "CloudFormation Stack Status Change",
        "source": "aws.cloudformation",
        "account": ACCOUNT,
        "region": stack.region_name,
        "time": "2026-01-01T00:00:00Z",
        "resources": [stack.stack_id],
        "detail": {"stack-id": stack.stack_id, "status-details": {"status": status, "status-reason": ""}},
    }
