"""S3 Batch Replication: a job that carries the objects of a list once more, as the role that it was given may."""

import csv
import io
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

from moto.s3.models import s3_backends

from tests.infra.cloud.buckets import ObjectReplication, bucket_named, name_in, rules_for
from tests.infra.cloud.policies import NotModelled, Request
from tests.infra.cloud.principals import ACCOUNT, Principals

SERVICE = "batchoperations.s3.amazonaws.com"
SPACE = "{http://awss3control.amazonaws.com/doc/2018-08-20/}"


class BatchJobs:
    """Jobs by their request's token, under which a second request is the same job."""

    PATH = "/v20180820/jobs"

    def __init__(self, principals: Principals, objects: ObjectReplication) -> None:
        self._principals, self._objects = principals, objects
        self.replicated: dict[str, list[str]] = {}

    def create(self, body: bytes) -> bytes:
        """Runs the job at once. Raises Denied for what its role may not do, ValueError for a list that S3 would refuse."""
        asked = ElementTree.fromstring(body)  # noqa: S314 - the test's own command has written it
        if asked.find(f"{SPACE}Operation/{SPACE}S3ReplicateObject") is None or text(asked, "ConfirmationRequired") != "false":
            raise NotModelled(f"the job {body.decode()}")
        token = text(asked, "ClientRequestToken")
        if token not in self.replicated:
            self.replicated[token] = self._run(asked)
        number = list(self.replicated).index(token) + 1
        return f'<CreateJobResult xmlns="{SPACE[1:-1]}"><JobId>job-{number}</JobId></CreateJobResult>'.encode()

    def _run(self, asked: ElementTree.Element) -> list[str]:
        role, location = text(asked, "RoleArn"), text(asked, "Manifest", "Location", "ObjectArn")
        holder = self._principals.assume(role, SERVICE)
        facts = {"aws:SecureTransport": "true"}

        def check(action: str, resource: str) -> None:
            self._principals.check(holder, Request(action, resource, facts))

        check("s3:GetObject", location)
        check("s3:PutObject", f"{text(asked, 'Report', 'Bucket')}/{text(asked, 'Report', 'Prefix')}/job-1/results.csv")
        bucket, _, key = location.removeprefix("arn:aws:s3:::").partition("/")
        manifest = s3_backends[ACCOUNT]["aws"].get_object(bucket, key)
        if manifest is None or manifest.etag.strip('"') != text(asked, "Manifest", "Location", "ETag"):
            raise ValueError("the manifest is not the one that was named")
        carried = []
        for source, name, version in csv.reader(io.StringIO(manifest.value.decode())):
            check("s3:InitiateReplication", f"arn:aws:s3:::{source}/{unquote(name)}")
            check("s3:GetReplicationConfiguration", f"arn:aws:s3:::{source}")
            carried.append(self._carry(source, unquote(name), version))
        return carried

    def _carry(self, source: str, name: str, version: str) -> str:
        found = bucket_named(name_in(f"arn:aws:s3:::{source}"))
        if not list(rules_for(found, name, marker=False)):
            raise ValueError(f"no rule of {source} is for {name}")
        self._objects.carry(found, name, version)
        return name


def text(asked: Any, *path: str) -> str:
    return str(asked.findtext("/".join(f"{SPACE}{name}" for name in path)))
