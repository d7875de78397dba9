"""The custom resource that finishes a deployment, once both regions are there: the first state, the configuration of the web application,
which another function publishes, the addresses in the content security policy, replication back, the importer's stream.

Everything is done anew at each update, and can be repeated. On deletion it empties the buckets of the web application.
"""

import json
import os
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

PATIENCE = Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard", "max_attempts": 5})
FUNCTION_PATIENCE = Config(connect_timeout=5, read_timeout=310, retries={"max_attempts": 0})
TELL_ATTEMPTS = 3
LAYERS = ("stores", "routing", "application")
OUTPUTS = ("ApiUrl", "RoutingUrl", "UserPoolId", "UserPoolClientId")


class Finalizer:
    def __init__(self, properties: Any, stack_id: str) -> None:
        self.given = properties
        self.regions = [properties["Primary"], properties["Secondary"]]
        self.prefix, self.app_id = properties["Prefix"], properties["AppId"]
        self.region = stack_id.split(":")[3]

    def client(self, service: str, region: str = "") -> Any:
        return boto3.client(service, region_name=region or self.region, config=PATIENCE)

    def bucket(self, purpose: str, region: str) -> str:
        return f"{self.prefix}-{purpose}-{region}"

    def finish(self) -> Any:
        """What the stack shows as its outputs."""
        found = {region: self.outputs(region) for region in self.regions}
        self.replicate_back()
        self.tell_state()
        if self.given["UserReplication"] == "profile":
            self.follow_users(found[self.regions[1]]["UserImporterFailures"])
        self.publish(found)
        self.allow(found)
        named = zip(("Primary", "Secondary"), self.regions, strict=True)
        return {f"{role}{name}": found[region][name] for role, region in named for name in OUTPUTS}

    def outputs(self, region: str) -> Any:
        """The outputs of this deployment's stacks in a region."""
        hub, cloudformation = self.client("cloudformation"), self.client("cloudformation", region)
        found: dict[str, str] = {}
        for layer in LAYERS:
            stack_set = f"{self.prefix}-{layer}"
            instances = hub.list_stack_instances(StackSetName=stack_set, StackInstanceRegion=region)["Summaries"]
            stack = cloudformation.describe_stacks(StackName=instances[0]["StackId"])["Stacks"][0]
            found |= {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        return found

    def replicate_back(self) -> None:
        """Buckets can name only buckets that exist, so the first one replicates by template, and the second one from here."""
        here, there = self.bucket("photos", self.regions[1]), self.bucket("photos", self.regions[0])
        first = self.client("s3", self.regions[0]).get_bucket_replication(Bucket=there)["ReplicationConfiguration"]
        rules = json.loads(json.dumps(first["Rules"]).replace(here, there))
        role = first["Role"].replace(f"-{self.regions[0]}", f"-{self.regions[1]}")
        self.client("s3", self.regions[1]).put_bucket_replication(Bucket=here, ReplicationConfiguration={"Role": role, "Rules": rules})

    def tell_state(self) -> None:
        """The updater tells both regions what is decided, their buckets' policies included; in a new deployment that is the first state.
        What somebody changes meanwhile stays."""
        told = self.told(TELL_ATTEMPTS)
        if not all(told["confirmed"].values()):
            raise RuntimeError(f"the state was not taken: {json.dumps(told)[:500]}")

    def told(self, attempts: int) -> Any:
        """Once more if the updater finds the authority's table behind the regions, which it then mends."""
        event = {"AppId": self.app_id, "TableName": self.given["StateTable"], "TellAgain": True}
        try:
            return self.invoked("AppStateUpdaterLambda", event)
        except RuntimeError as error:
            if attempts == 1 or "StaleEpoch" not in str(error):
                raise
        return self.told(attempts - 1)

    def restore(self) -> None:
        """What CloudFormation has written as its template has it, although others have changed it since: the page's policy, replication
        back, the denial of uploads where a region does not write."""
        self.allow({region: self.outputs(region) for region in self.regions})
        self.replicate_back()
        self.tell_state()

    def invoked(self, name: str, event: Any) -> Any:
        """What a function of this deployment answers. Raises RuntimeError if it fails."""
        functions = boto3.client("lambda", region_name=self.region, config=FUNCTION_PATIENCE)
        answer = functions.invoke(FunctionName=f"{self.prefix}-{name}", Payload=json.dumps(event))
        told = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise RuntimeError(f"{name}: {json.dumps(told)[:500]}")
        return told

    def follow_users(self, failures: str) -> None:
        """A template does not know the stream of a table's replica, so the importer is tied to it here. What it cannot do goes to the
        queue `failures`."""
        region, name = self.regions[1], f"{self.prefix}-UserImporter"
        table = self.client("dynamodb", region).describe_table(TableName=self.given["UsersTable"])["Table"]
        functions = self.client("lambda", region)
        present = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        if table["LatestStreamArn"] not in [each["EventSourceArn"] for each in present]:
            functions.create_event_source_mapping(
                FunctionName=name,
                EventSourceArn=table["LatestStreamArn"],
                StartingPosition="TRIM_HORIZON",
                BatchSize=10,
                MaximumRetryAttempts=10,
                DestinationConfig={"OnFailure": {"Destination": failures}},
                BisectBatchOnFunctionError=True,
                FunctionResponseTypes=["ReportBatchItemFailures"],
            )

    def publish(self, found: Any) -> None:
        """The web application with its configuration, in both regions."""
        buckets = {region: self.bucket("site", region) for region in self.regions}
        other = {"bucket": self.given["WebBundleBucket"], "key": self.given["WebBundleKey"]}
        self.invoked("SitePublisher", {"buckets": buckets, "configuration": self.ui_config(found), **other})

    def ui_config(self, found: Any) -> Any:
        """What the web application reads at load, as every edge serves it."""
        return {
            "appId": self.app_id,
            "name": "Lightbox",
            "primary": self.regions[0],
            "secondary": self.regions[1],
            "regions": {region: self.region_config(region, found[region]) for region in self.regions},
            "limits": {name: int(value) for name, value in self.given["Limits"].items()},
            "dashboardUrl": self.given["DashboardUrl"],
        }

    def region_config(self, region: str, outputs: Any) -> Any:
        auth = {
            "userPoolId": outputs["UserPoolId"],
            "userPoolClientId": outputs["UserPoolClientId"],
            "userPoolEndpoint": f"https://cognito-idp.{region}.amazonaws.com/",
            "flow": "USER_SRP_AUTH",
        }
        if self.given["UserReplication"] == "profile":
            auth["passwords"] = "own"
        elif region == self.regions[1]:
            auth["passwords"] = "replica"
        urls = {"apiUrl": outputs["ApiUrl"], "stateUrl": f"{outputs['RoutingUrl']}/state/{self.app_id}"}
        return {"label": self.given["Labels"].get(region, region), **urls, "auth": auth}

    def allow(self, found: Any) -> None:
        """The page may talk to exactly the addresses of its configuration."""
        cloudfront, id = self.client("cloudfront"), self.given["HeadersPolicyId"]
        now = cloudfront.get_response_headers_policy(Id=id)
        config = now["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]
        policy = config["SecurityHeadersConfig"]["ContentSecurityPolicy"]
        wanted = self.given["ContentSecurityPolicy"].replace("{regions}", " ".join(self.addresses(found)))
        wanted = wanted.replace("{pictures}", " ".join(self.buckets()))
        if policy["ContentSecurityPolicy"] != wanted:
            policy["ContentSecurityPolicy"] = wanted
            cloudfront.update_response_headers_policy(Id=id, IfMatch=now["ETag"], ResponseHeadersPolicyConfig=config)

    def buckets(self) -> list[str]:
        return [f"https://{self.bucket('photos', region)}.s3.{region}.amazonaws.com" for region in self.regions]

    def addresses(self, found: Any) -> list[str]:
        apis = ["/".join(found[region][name].split("/")[:3]) for region in self.regions for name in ("RoutingUrl", "ApiUrl")]
        return [*apis, *(f"https://cognito-idp.{region}.amazonaws.com" for region in self.regions), *self.buckets()]

    def clear(self) -> None:
        """What CloudFormation cannot delete by itself: files of the web application, and the importer's tie to the stream."""
        name = f"{self.prefix}-UserImporter"
        functions = self.client("lambda", self.regions[1])
        for each in functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]:
            functions.delete_event_source_mapping(UUID=each["UUID"])
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(self.empty, self.regions))

    def empty(self, region: str) -> None:
        s3, bucket = self.client("s3", region), self.bucket("site", region)
        try:
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                if keys := [{"Key": each["Key"]} for each in page.get("Contents", [])]:
                    s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
        except s3.exceptions.NoSuchBucket:
            print(f"{bucket} is gone already")


def handle(event: Any) -> Any:
    finalizer = Finalizer(event["ResourceProperties"], event["StackId"])
    if event["RequestType"] != "Delete":
        return finalizer.finish()
    try:
        finalizer.clear()
    except (ClientError, BotoCoreError) as error:
        print(f"not everything could be cleared; deleting the stack goes on: {error}")
    return {}


def handler(event: Any, context: Any) -> None:
    """Answers CloudFormation in every case: one that hears nothing waits until its time is up. After an update, by whatever end, what it
    may have overwritten is restored."""
    if "RequestType" not in event:
        Finalizer(event["ResourceProperties"], event["StackId"]).restore()
        return
    names = ("StackId", "RequestId", "LogicalResourceId")
    answer = {"PhysicalResourceId": event.get("PhysicalResourceId", "finalizer"), **{name: event[name] for name in names}}
    try:
        answer |= {"Status": "SUCCESS", "Data": handle(event)}
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the reason that CloudFormation shows
        print(f"{type(error).__name__}: {error}")
        reason = f"{type(error).__name__}: {error}"[:900]
        answer |= {"Status": "FAILED", "Reason": f"{reason} (see the log group of {os.environ['AWS_LAMBDA_FUNCTION_NAME']})"}
    request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), {"Content-Type": ""}, method="PUT")
    with urllib.request.urlopen(request, timeout=30):
        pass
