"""A whole simulated account: two regions or more, one loopback server, the template deployed through CloudFormation."""

import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import boto3
import httpx
from moto import mock_aws

from tests.infra.cloud.alarms import Alarms
from tests.infra.cloud.attributes import attributes_as_the_client_may, attributes_of_the_pool, keys_read_once
from tests.infra.cloud.buckets import BucketPolicies, Buckets, ObjectReplication, policies_left_to_the_gate
from tests.infra.cloud.distribution import Distributions, HeadersPolicies
from tests.infra.cloud.events import EventSourceMappings, InvokeConfigs, StackEvents, Streams, run_schedules
from tests.infra.cloud.front import Front, Wire
from tests.infra.cloud.functions import Functions, Permissions, new_session
from tests.infra.cloud.gateways import Accounts, Apis, Deployments, RestApis, Stages
from tests.infra.cloud.jobs import BatchJobs
from tests.infra.cloud.keys import Keys, ReplicaKeys
from tests.infra.cloud.pools import (
    GroupMembers,
    RegionalConfigurations,
    Triggers,
    UserPoolClients,
    UserPoolGroups,
    UserPoolReplicas,
    UserPools,
    UserPoolUsers,
)
from tests.infra.cloud.principals import ACCOUNT, Gate, Principals
from tests.infra.cloud.registry import Recorded, Registry
from tests.infra.cloud.replication import ModelledTime, Replication
from tests.infra.cloud.roles import RolePolicies
from tests.infra.cloud.rules import rules_checked
from tests.infra.cloud.stacksets import Answers, CustomResources, StackSets, instances_by_region, templates_read_as_json
from tests.infra.cloud.storefront import Storefront
from tests.infra.cloud.tables import GlobalTables, transactions_forget_what_they_undo
from tests.infra.cloud.updates import changed_as_resolved

PUMPS_MAX = 100


class Cloud:
    """Everything of one test. A context manager; nothing of it outlives the block."""

    def __init__(self) -> None:
        self.clock = ModelledTime()
        self.replication = Replication(self.clock)
        self.principals = Principals()
        self.gate = Gate(self.principals, self.replication.pump)
        self.registry = Registry(self.principals)
        self.functions = Functions(self.principals)
        self.tables = GlobalTables(self.replication)
        self.streams = Streams(self.tables, self.functions, self.principals)
        self.invoke_configs = InvokeConfigs(self.principals)
        self.stack_events = StackEvents(self.functions)
        self.objects = ObjectReplication(self.replication, self.principals)
        self.jobs = BatchJobs(self.principals, self.objects)
        self.triggers = Triggers(self.functions)
        self.answers = Answers()
        self.apis = Apis(self.principals, self.functions, self.clock)
        self.headers_policies = HeadersPolicies()
        self.distributions = Distributions(self.headers_policies)
        self.storefront = Storefront(self.principals, self.clock)
        self.broken: list[Exception] = []
        self._clients: dict[tuple[str, str], Any] = {}
        self._open = ExitStack()
        self._register()
        self.gate.own_calls |= self.headers_policies.calls()

    def _register(self) -> None:
        self.registry.add(
            self.tables, Buckets(), BucketPolicies(), Permissions(), EventSourceMappings(), Keys(), ReplicaKeys(), RolePolicies()
        )
        self.registry.add(UserPools(), UserPoolClients(), UserPoolUsers(), UserPoolGroups(), GroupMembers())
        self.registry.add(UserPoolReplicas(), RegionalConfigurations())
        self.registry.add(StackSets(self.principals), CustomResources(self.functions, self.answers))
        self.registry.add(RestApis(self.apis), Deployments(), Stages(self.apis), self.headers_policies, self.distributions)
        self.registry.add(
            Alarms(self.client),
            Accounts(self.principals),
            Recorded("AWS::CloudFront::OriginAccessControl", attributes=lambda name, place: {"Id": name}),
            Recorded("AWS::SNS::TopicPolicy"),
            Recorded("AWS::SQS::QueuePolicy"),
            self.invoke_configs,
        )

    def __enter__(self) -> "Cloud":
        enter = self._open.enter_context
        environment = dict(os.environ)
        self._open.callback(os.environ.update, environment)
        self._open.callback(os.environ.clear)
        os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
        self.gate.install()
        self._open.callback(self.gate.remove)
        enter(mock_aws())
        boto3.DEFAULT_SESSION = new_session()
        for part in (self.registry, self.functions, self.streams, self.stack_events, self.objects, self.triggers):
            enter(part.installed())
        enter(instances_by_region())
        enter(templates_read_as_json())
        enter(changed_as_resolved())
        enter(rules_checked())
        enter(attributes_as_the_client_may())
        enter(attributes_of_the_pool())
        enter(keys_read_once())
        enter(policies_left_to_the_gate())
        enter(transactions_forget_what_they_undo(self.replication, self.tables))
        self.front = Front(self)
        self.answers.server = self.front.url
        self.front.start()
        self._open.callback(self.front.stop)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        boto3.DEFAULT_SESSION = None

    # --- what an operator does

    def client(self, service: str, region: str) -> Any:
        if (service, region) not in self._clients:
            self._clients[service, region] = boto3.client(service, region_name=region)
        return self._clients[service, region]

    def deploy(
        self, template: Mapping[str, Any] | str, parameters: Mapping[str, str], name: str = "gallery", region: str = "us-east-1"
    ) -> dict[str, str]:
        """Creates the stack as CloudFormation's API does. Returns its outputs; raises what the first failing resource raised."""
        body = template if isinstance(template, str) else json.dumps(template, separators=(",", ":"))
        cloudformation = self.client("cloudformation", region)
        url = self.published(body, region)
        listed = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        cloudformation.create_stack(
            StackName=name, TemplateURL=url, Parameters=listed, Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
        )
        self.settle()
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        if stack["StackStatus"] != "CREATE_COMPLETE":
            raise AssertionError(f"{name} is {stack['StackStatus']}")
        return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}

    def published(self, body: str, region: str) -> str:
        """A template of this size goes through a bucket."""
        bucket = f"templates-{ACCOUNT}-{region}"
        s3 = self.client("s3", region)
        location = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        if bucket not in {each["Name"] for each in s3.list_buckets()["Buckets"]}:
            s3.create_bucket(Bucket=bucket, **location)
        s3.put_object(Bucket=bucket, Key="hub.template", Body=body.encode())
        return f"https://{bucket}.s3.{region}.amazonaws.com/hub.template"

    def invoke(self, region: str, function: str, payload: Mapping[str, Any]) -> Any:
        """The answer of a function. Raises RuntimeError with what it raised."""
        answer = self.client("lambda", region).invoke(FunctionName=function, Payload=json.dumps(dict(payload)))
        found = json.loads(answer["Payload"].read())
        self.settle()
        if "FunctionError" in answer:
            raise FunctionError(found.get("errorType", ""), found.get("errorMessage", ""))
        return found

    # --- what happens to regions

    def pump(self) -> None:
        """Delivers what is due between regions and to streams, and what follows from that."""
        for _ in range(PUMPS_MAX):
            if not self.replication.pump() + self.streams.pump():
                return
        raise AssertionError("replication does not come to rest")

    def settle(self) -> None:
        self.pump()

    def wind(self, seconds: float) -> None:
        self.clock.wind(seconds)
        self.pump()

    def lose(self, region: str) -> None:
        """Nothing in it answers, and nothing travels to it or from it."""
        self.gate.lost.add(region)
        self.replication.isolate(region)

    def restore(self, region: str) -> None:
        self.gate.lost.discard(region)
        self.replication.heal()

    def run_schedules(self, region: str) -> int:
        count = run_schedules(region, self.functions, self.invoke_configs, self.principals)
        self.settle()
        return count

    def http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=Wire(self), timeout=30)

    def endpoint(self) -> str:
        """One address for every service, as in AWS_ENDPOINT_URL."""
        return self.front.url

    def fail(self, logical_id: str, reason: str | None, given: str = "") -> None:
        self.registry.fail(logical_id, reason, given)


class FunctionError(Exception):
    """A function that was invoked has raised."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind, self.message = kind, message
