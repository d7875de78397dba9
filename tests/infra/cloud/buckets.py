"""S3 buckets and their replication: each rule carries puts and delete markers to its destination, as its role may, after a lag."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket, FakeKey, S3Backend, s3_backends

from tests.infra.cloud.policies import NotModelled, Request, decide
from tests.infra.cloud.principals import ACCOUNT, Denied, Principals, bucket_statements
from tests.infra.cloud.registry import Made, Place, Properties, ResourceType
from tests.infra.cloud.replication import Replication

# Settings of a bucket that the simulation keeps nothing of: they do not change what a request is answered.
WITHOUT_EFFECT = frozenset(
    {"BucketEncryption", "LifecycleConfiguration", "LoggingConfiguration", "OwnershipControls", "Tags", "BucketName"}
)
SERVICE = "s3.amazonaws.com"


def bucket_named(name: str) -> FakeBucket:
    return s3_backends[ACCOUNT]["aws"].buckets[name]


def name_in(arn: str) -> str:
    return arn.removeprefix("arn:aws:s3:::").partition("/")[0]


class Buckets(ResourceType):
    type, name_property = "AWS::S3::Bucket", "BucketName"

    def make(self, properties: Properties, place: Place) -> Made:
        location = {} if place.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": place.region}}
        boto3.client("s3", place.region).create_bucket(Bucket=place.name, **location)
        configure(place.name, properties, place.region)
        domain = f"{place.name}.s3.{place.region}.amazonaws.com"
        attributes = {"Arn": f"arn:aws:s3:::{place.name}", "RegionalDomainName": domain, "DomainName": f"{place.name}.s3.amazonaws.com"}
        return Made(place.name, attributes)

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        configure(made.id, properties, place.region)
        return made

    def remove(self, made: Made, properties: Properties, region: str) -> None:
        boto3.client("s3", region).delete_bucket(Bucket=made.id)


def configure(name: str, properties: Properties, region: str) -> None:
    """Raises NotModelled for a setting that would be lost here."""
    if unknown := properties.keys() - WITHOUT_EFFECT - SETTINGS.keys():
        raise NotModelled(f"{sorted(unknown)} of the bucket {name}")
    client = boto3.client("s3", region)
    for setting in sorted(SETTINGS.keys() & properties.keys(), reverse=True):  # versioning before replication
        SETTINGS[setting](client, name, properties[setting])


def set_versioning(client: Any, name: str, value: Mapping[str, Any]) -> None:
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": value["Status"]})


def set_access_block(client: Any, name: str, value: Mapping[str, Any]) -> None:
    client.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=dict(value))


def set_cors(client: Any, name: str, value: Mapping[str, Any]) -> None:
    names = {"Id": "ID", "MaxAge": "MaxAgeSeconds", "ExposedHeaders": "ExposeHeaders"}
    rules = [{names.get(key, key): each for key, each in rule.items()} for rule in value["CorsRules"]]
    client.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": rules})


def set_replication(client: Any, name: str, value: Mapping[str, Any]) -> None:
    rules = [{"ID" if key == "Id" else key: each for key, each in rule.items()} for rule in value["Rules"]]
    client.put_bucket_replication(Bucket=name, ReplicationConfiguration={"Role": value["Role"], "Rules": rules})


SETTINGS: dict[str, Callable[[Any, str, Mapping[str, Any]], None]] = {
    "CorsConfiguration": set_cors,
    "PublicAccessBlockConfiguration": set_access_block,
    "ReplicationConfiguration": set_replication,
    "VersioningConfiguration": set_versioning,
}


class BucketPolicies(ResourceType):
    type = "AWS::S3::BucketPolicy"

    def make(self, properties: Properties, place: Place) -> Made:
        boto3.client("s3", place.region).put_bucket_policy(Bucket=properties["Bucket"], Policy=json.dumps(properties["PolicyDocument"]))
        return Made(place.name, {}, properties["Bucket"])

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        return self.make(properties, place)

    def remove(self, made: Made, properties: Properties, region: str) -> None:
        if made.thing:
            boto3.client("s3", region).delete_bucket_policy(Bucket=made.thing)


class ObjectReplication:
    """Follows what is written to buckets, and carries it. `failures` are what a role was not allowed to carry."""

    def __init__(self, replication: Replication, principals: Principals) -> None:
        self._replication, self._principals = replication, principals
        self.failures: list[str] = []

    def carry(self, bucket: FakeBucket, key: str, version: str | None) -> None:
        """A version was written; without one, it was a delete marker."""
        for rule in rules_for(bucket, key, marker=version is None):
            target = bucket_named(name_in(rule["Destination"]["Bucket"]))
            deliver = self._delivery(bucket, target, key, version, replication_of(bucket)["Role"])
            self._replication.send("objects", bucket.region_name, target.region_name, deliver)

    def _delivery(self, source: FakeBucket, target: FakeBucket, key: str, version: str | None, role: str) -> Callable[[], None]:
        def deliver() -> None:
            try:
                self._may_carry(source, target, key, role, deleting=version is None)
            except Denied as error:
                self.failures.append(str(error))
                return
            backend = s3_backends[ACCOUNT]["aws"]
            if version is None:
                DELETE(backend, target.name, key)
            else:
                copy_version(backend, source, target, key, version)

        return deliver

    def _may_carry(self, source: FakeBucket, target: FakeBucket, key: str, role: str, *, deleting: bool) -> None:
        holder = self._principals.assume(role, SERVICE, {"aws:SourceArn": f"arn:aws:s3:::{source.name}"})
        facts = {"aws:SecureTransport": "true"}
        if not deleting:
            reading = Request("s3:GetObjectVersionForReplication", f"arn:aws:s3:::{source.name}/{key}", facts)
            self._principals.check(holder, reading)
        action = "s3:ReplicateDelete" if deleting else "s3:ReplicateObject"
        self._principals.check(holder, Request(action, f"arn:aws:s3:::{target.name}/{key}", facts))
        put = Request("s3:PutObject", f"arn:aws:s3:::{target.name}/{key}", {"aws:PrincipalArn": role, **facts})
        if decide(bucket_statements(put.resource), put, role) == "deny":
            raise Denied(
                f"{role} is not authorized to perform: {put.action} on resource: {put.resource}, which S3 may ask of replicas, too"
            )

    @contextmanager
    def installed(self) -> Iterator[None]:
        def put(backend: S3Backend, bucket_name: str, key_name: str, *arguments: Any, **more: Any) -> FakeKey:
            key = PUT(backend, bucket_name, key_name, *arguments, **more)
            self.carry(backend.get_bucket(bucket_name), key_name, key.version_id)
            return key

        def delete(backend: S3Backend, bucket_name: str, key_name: str, version_id: str | None = None, bypass: bool = False) -> Any:
            answer = DELETE(backend, bucket_name, key_name, version_id, bypass)
            if version_id is None:  # S3 does not replicate the deletion of a version
                self.carry(backend.get_bucket(bucket_name), key_name, None)
            return answer

        S3Backend.put_object, S3Backend.delete_object = put, delete  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            S3Backend.put_object, S3Backend.delete_object = PUT, DELETE  # type: ignore[method-assign]


PUT, DELETE = S3Backend.put_object, S3Backend.delete_object


def replication_of(bucket: FakeBucket) -> Mapping[str, Any]:
    return getattr(bucket, "replication", None) or {}


@contextmanager
def policies_left_to_the_gate() -> Iterator[None]:
    """moto would refuse by statements whose conditions it does not read."""
    original = FakeBucket.get_permission
    FakeBucket.get_permission = lambda *_: PermissionResult.NEUTRAL  # type: ignore[method-assign]
    try:
        yield
    finally:
        FakeBucket.get_permission = original  # type: ignore[method-assign]


def rules_for(bucket: FakeBucket, key: str, *, marker: bool) -> Iterator[Mapping[str, Any]]:
    if not bucket.is_versioned:
        return
    for rule in replication_of(bucket).get("Rule", []):
        prefix = (rule.get("Filter") or {}).get("Prefix") or rule.get("Prefix") or ""
        target = bucket_named(name_in(rule["Destination"]["Bucket"]))
        if not target.is_versioned:
            raise ValueError(f"{bucket.name} replicates to {target.name}, which keeps no versions")
        wanted = not marker or rule.get("DeleteMarkerReplication", {}).get("Status") == "Enabled"
        if rule["Status"] == "Enabled" and key.startswith(prefix) and wanted:
            yield rule


def copy_version(backend: S3Backend, source: FakeBucket, target: FakeBucket, key: str, version: str) -> None:
    """The bytes and the metadata. A replica is not replicated on."""
    original = backend.get_object(source.name, key, version_id=version)
    if original is None:
        return  # the version was removed for good before it was carried
    copy = PUT(backend, target.name, key, original.value, etag=original.etag.strip('"'), encryption=original.encryption)
    copy.set_metadata(original.metadata)
