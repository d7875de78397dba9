"""Photographs that are in one region only, replicated once more by S3 Batch Replication: what S3 gave up, and what is older than its rule.

A job copies what a list names, by the bucket's own rule. It goes on in AWS when it has been begun.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import quote

from multiregion.cloud.account import Account, AwsFailure, is_missing
from multiregion.cloud.comparison import Missing
from multiregion.cloud.stack import Stack

FOLDER = "batch-replication"
MANIFEST, REPORT = "S3BatchOperations_CSV_20180820", "Report_CSV_20180820"
PENDING = "PENDING"


@dataclass(frozen=True, slots=True)
class Job:
    """`id` is AWS's; None if nothing of `bucket` can be replicated. `left` says of each object that is not in the job why."""

    id: str | None
    region: str
    bucket: str
    objects: int
    left: tuple[str, ...]


class Repair:
    """Begins the jobs of one deployment. The same objects again, within days, are the same job."""

    def __init__(self, account: Account, stack: Stack) -> None:
        self._account = account
        self._identity = account.identity()
        self._prefix = stack.output("StackSetPrefix")

    def run(self, missing: Sequence[Missing]) -> Iterator[Job]:
        """One job for each bucket that has something which the other lacks."""
        for bucket, group in groupby(sorted(missing, key=lambda each: each.bucket), key=lambda each: each.bucket):
            objects = list(group)
            lines, left = [], []
            for each in objects:
                version, why = self._version(each)
                if version:
                    lines.append(f"{bucket},{quote(each.name)},{version}\n")
                else:
                    left.append(f"{each.name}: {why}")
            region = objects[0].region
            yield Job(self._begin(region, "".join(lines)) if lines else None, region, bucket, len(lines), tuple(left))

    def _version(self, each: Missing) -> tuple[str | None, str]:
        """The version to replicate, or why there is none. What was deleted in the other region does not come back from this one."""
        if self._was_deleted(each):
            return None, f"it was deleted in {each.other_region}"
        try:
            found = self._account.call("s3", "head_object", each.region, Bucket=each.bucket, Key=each.name)
        except AwsFailure as error:
            if is_missing(error):
                return None, "it was deleted meanwhile"
            raise
        if found.get("ReplicationStatus") == PENDING:
            return None, "S3 is still replicating it"
        return found["VersionId"], ""

    def _was_deleted(self, each: Missing) -> bool:
        versions = self._account.call(
            "s3", "list_object_versions", each.other_region, Bucket=each.other_bucket, Prefix=each.name, MaxKeys=1
        )
        return any(marker["Key"] == each.name and marker["IsLatest"] for marker in versions.get("DeleteMarkers", ()))

    def _begin(self, region: str, manifest: str) -> str:
        token = hashlib.sha256(manifest.encode()).hexdigest()
        logs, key = f"{self._prefix}-logs-{region}", f"{FOLDER}/{token}.csv"
        put = self._account.call("s3", "put_object", region, Bucket=logs, Key=key, Body=manifest.encode(), ContentType="text/csv")
        arn = f"arn:{self._identity.partition}"
        answer = self._account.call(
            "s3control",
            "create_job",
            region,
            AccountId=self._identity.account,
            ClientRequestToken=token,
            ConfirmationRequired=False,
            Description="multiregion aws verify --repair",
            Operation={"S3ReplicateObject": {}},
            Priority=10,
            RoleArn=f"{arn}:iam::{self._identity.account}:role/{self._prefix}-BatchReplication-{region}",
            Manifest={
                "Spec": {"Format": MANIFEST, "Fields": ["Bucket", "Key", "VersionId"]},
                "Location": {"ObjectArn": f"{arn}:s3:::{logs}/{key}", "ETag": put["ETag"].strip('"')},
            },
            Report={
                "Enabled": True,
                "Bucket": f"{arn}:s3:::{logs}",
                "Prefix": FOLDER,
                "Format": REPORT,
                "ReportScope": "FailedTasksOnly",
            },
        )
        return str(answer["JobId"])

    def watch(self, job: Job) -> str:
        """The command that shows how far a job is."""
        return f"aws s3control describe-job --account-id {self._identity.account} --job-id {job.id} --region {job.region}"
