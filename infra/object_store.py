"""The object store: a bucket of photos in each region that replicates to the other, deletions included, and the buckets beside it."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

from infra.stack import Stack, Statement, allow, keep, policy, role, trusted
from multiregion.cloud.repair import FOLDER

LOG_DAYS, OLD_VERSION_DAYS, PENDING_DAYS, REPLICATION_MINUTES = 90, 30, 1, 15
RULE = "to-the-other-region"
PRIVATE = {"blockPublicAcls": True, "blockPublicPolicy": True, "ignorePublicAcls": True, "restrictPublicBuckets": True}
ENCRYPTED = {"serverSideEncryptionConfiguration": [{"serverSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]}
OWNED = {"rules": [{"objectOwnership": "BucketOwnerEnforced"}]}


def object_store(stack: Stack, in_primary: cdk.CfnCondition, peer: str) -> None:
    """One region's part. `peer` is the name of the other region."""
    logs, logs_policy = log_bucket(stack)
    photos = photo_bucket(stack, in_primary, peer)
    site = site_bucket(stack)
    batch_role(stack)
    for bucket, prefix in ((photos, "photos/"), (site, "site/")):
        bucket.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(destination_bucket_name=logs.ref, log_file_prefix=prefix)
        bucket.add_resource_dependency(logs_policy)
    stack.output("PhotosBucket", photos.ref)
    stack.output("SiteBucket", site.ref)


def arn(stack: Stack, purpose: str, more: str = "", region: str = "${AWS::Region}") -> str:
    return stack.sub(f"arn:${{AWS::Partition}}:s3:::${{Prefix}}-{purpose}-{region}{more}")


def only_encrypted_connections(bucket: s3.CfnBucket) -> Statement:
    return {
        "Sid": "OnlyTLS",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket.attr_arn, f"{bucket.attr_arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def bucket_policy(stack: Stack, bucket: s3.CfnBucket, id: str, *statements: Statement) -> s3.CfnBucketPolicy:
    """The policy of a bucket that speaks TLS only."""
    document = policy(only_encrypted_connections(bucket), *statements)
    return s3.CfnBucketPolicy(stack, id, bucket=bucket.ref, policy_document=document)


def log_bucket(stack: Stack) -> tuple[s3.CfnBucket, s3.CfnBucketPolicy]:
    expiry = {"id": "old", "status": "Enabled", "expirationInDays": LOG_DAYS}
    bucket = s3.CfnBucket(
        stack,
        "LogsBucket",
        bucket_name=stack.sub("${Prefix}-logs-${AWS::Region}"),
        bucket_encryption=ENCRYPTED,
        public_access_block_configuration=PRIVATE,
        ownership_controls=OWNED,
        lifecycle_configuration={"rules": [expiry]},
    )
    keep(bucket)
    from_buckets = {"ArnLike": {"aws:SourceArn": stack.sub("arn:${AWS::Partition}:s3:::${Prefix}-*")}}
    from_account = {"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}}
    writing = {"Sid": "AccessLogs", **allow("s3:PutObject", arn(stack, "logs", "/*")), "Condition": from_buckets | from_account}
    service = {"Principal": {"Service": "logging.s3.amazonaws.com"}}
    return bucket, bucket_policy(stack, bucket, "LogsBucketPolicy", writing | service)


def photo_bucket(stack: Stack, in_primary: cdk.CfnCondition, peer: str) -> s3.CfnBucket:
    """`pending/` takes uploads for a day at most; `photos/` is replicated, and keeps what was deleted for a month. The updater of the
    state adds a denial of uploads to the policy where this region is not the writer."""
    replicating = replication_role(stack, peer)
    rules = [
        {"id": "pending", "status": "Enabled", "prefix": "pending/", "expirationInDays": PENDING_DAYS},
        {
            "id": "versions",
            "status": "Enabled",
            "noncurrentVersionExpiration": {"noncurrentDays": OLD_VERSION_DAYS},
            "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1},
        },
    ]
    uploads = {
        "allowedOrigins": [stack.sub("${AllowedOrigin}")],
        "allowedMethods": ["GET", "HEAD", "POST"],
        "allowedHeaders": ["*"],
        "maxAge": 600,
    }
    bucket = s3.CfnBucket(
        stack,
        "PhotosBucket",
        bucket_name=stack.sub("${Prefix}-photos-${AWS::Region}"),
        bucket_encryption=ENCRYPTED,
        public_access_block_configuration=PRIVATE,
        ownership_controls=OWNED,
        versioning_configuration={"status": "Enabled"},
        lifecycle_configuration={"rules": rules},
        cors_configuration={"corsRules": [uploads]},
    )
    forward = {"Role": replicating.attr_arn, "Rules": [rule(stack)]}
    bucket.add_property_override(
        "ReplicationConfiguration", {"Fn::If": [in_primary.logical_id, stack.resolve(forward), {"Ref": "AWS::NoValue"}]}
    )
    keep(bucket)
    bucket_policy(stack, bucket, "PhotosBucketPolicy")
    return bucket


def rule(stack: Stack) -> dict[str, Any]:
    """From the primary to the secondary; the finalizer adds the way back. Replication time control measures how far behind the other
    region is, and alarms can watch it."""
    minutes = {"Minutes": REPLICATION_MINUTES}
    return {
        "Id": RULE,
        "Priority": 1,
        "Status": "Enabled",
        "Filter": {"Prefix": "photos/"},
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "SourceSelectionCriteria": {"ReplicaModifications": {"Status": "Enabled"}},
        "Destination": {
            "Bucket": arn(stack, "photos", region="${SecondaryRegion}"),
            "ReplicationTime": {"Status": "Enabled", "Time": minutes},
            "Metrics": {"Status": "Enabled", "EventThreshold": minutes},
        },
    }


def replication_role(stack: Stack, peer: str) -> Any:
    there = cdk.Fn.sub("arn:${AWS::Partition}:s3:::${Prefix}-photos-${Peer}/*", {"Peer": peer})
    version = ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"]
    statements = [
        allow(["s3:GetReplicationConfiguration", "s3:ListBucket"], arn(stack, "photos")),
        allow(version, arn(stack, "photos", "/*")),
        allow(["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"], there),
    ]
    return role(stack, "Replication", trusted("s3.amazonaws.com"), statements)


def batch_role(stack: Stack) -> Any:
    """What S3 Batch Replication works as, for `multiregion aws verify --repair`. Its lists and reports lie beside the logs."""
    papers = arn(stack, "logs", f"/{FOLDER}/*")
    statements = [
        allow(["s3:InitiateReplication", "s3:GetObjectVersion"], arn(stack, "photos", "/*")),
        allow("s3:GetReplicationConfiguration", arn(stack, "photos")),
        allow(["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], papers),
    ]
    return role(stack, "BatchReplication", trusted("batchoperations.s3.amazonaws.com"), statements)


def site_bucket(stack: Stack) -> s3.CfnBucket:
    """The web application; CloudFront alone may read it. The finalizer fills it, and empties it before it is deleted."""
    bucket = s3.CfnBucket(
        stack,
        "SiteBucket",
        bucket_name=stack.sub("${Prefix}-site-${AWS::Region}"),
        bucket_encryption=ENCRYPTED,
        public_access_block_configuration=PRIVATE,
        ownership_controls=OWNED,
    )
    reading = {
        "Sid": "CloudFront",
        **allow("s3:GetObject", arn(stack, "site", "/*")),
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Condition": {"StringEquals": {"AWS:SourceArn": stack.sub("${DistributionArn}")}},
    }
    bucket_policy(stack, bucket, "SiteBucketPolicy", reading)
    return bucket
