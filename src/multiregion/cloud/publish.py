"""Puts what a deployment needs into a bucket of the account: the template and the web application, each under its own digest.

The bucket is private, encrypted and made on the first use. What is there already is not sent again.
"""

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from multiregion.cloud.account import Account, AwsFailure, Identity, is_missing
from multiregion.cloud.template import FILE_NAME, Template
from multiregion.errors import BadDeployment, Forbidden

COMPRESSED_TWINS = (".br", ".gz")
BUNDLE_BYTES_MAX = 50 * 1024 * 1024
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""The same files make the same archive."""
INDEX = "index.html"


@dataclass(frozen=True, slots=True)
class Published:
    bucket: str
    template_url: str
    bundle_key: str | None
    """None if the web application has not been built here."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """The built web application as one archive."""

    body: bytes
    count: int

    @property
    def key(self) -> str:
        return f"web/{digest(self.body)}.zip"


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:32]


def packaged_bundle(folder: Path | None = None) -> Bundle | None:
    """The web application that the package brings, or None in a checkout where it has not been built."""
    folder = folder or Path(str(files("multiregion").joinpath("web")))
    if not (folder / INDEX).is_file():
        return None
    found = site_files(folder)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in found.items():
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, data)
    body = buffer.getvalue()
    if len(body) > BUNDLE_BYTES_MAX:
        raise BadDeployment(f"the web application is {len(body):,} bytes; at most {BUNDLE_BYTES_MAX:,} can be published")
    return Bundle(body, len(found))


def site_files(folder: Path) -> dict[str, bytes]:
    """What is published of a built web application, by its path: neither compressed twins nor what begins with a dot."""
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    shown = (name for name in sorted(paths) if not name.endswith(COMPRESSED_TWINS) and not name.startswith(".") and "/." not in name)
    return {name: paths[name].read_bytes() for name in shown}


def bucket_name(identity: Identity, region: str) -> str:
    return f"multiregion-{identity.account}-{region}"


class Publication:
    """The account's bucket for templates and web applications in one region."""

    def __init__(self, account: Account, identity: Identity) -> None:
        self._account = account
        self._identity = identity
        self.bucket = bucket_name(identity, account.region)

    def publish(self, template: Template, bundle: Bundle | None) -> Published:
        self._ensure_bucket()
        key = f"templates/{digest(template.text.encode())}/{FILE_NAME}"
        self._put(key, template.text.encode(), "application/json")
        if bundle is not None:
            self._put(bundle.key, bundle.body, "application/zip")
        suffix = "amazonaws.com.cn" if self._identity.partition == "aws-cn" else "amazonaws.com"
        url = f"https://{self.bucket}.s3.{self._account.region}.{suffix}/{key}"
        return Published(self.bucket, url, bundle.key if bundle else None)

    def remove(self) -> int:
        """Delete the bucket with everything in it. Returns how many objects there were."""
        if not self._exists():
            return 0
        removed = 0
        for each in self._account.pages("s3", "list_objects_v2", "Contents", Bucket=self.bucket):
            self._account.call("s3", "delete_object", Bucket=self.bucket, Key=each["Key"])
            removed += 1
        self._account.call("s3", "delete_bucket", Bucket=self.bucket)
        return removed

    def _ensure_bucket(self) -> None:
        """Settings are made each time, so that a bucket whose making was interrupted is private, too."""
        if not self._exists():
            place = {"CreateBucketConfiguration": {"LocationConstraint": self._account.region}}
            where: dict[str, Any] = {} if self._account.region == "us-east-1" else place
            self._account.call("s3", "create_bucket", Bucket=self.bucket, **where)
        blocked = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
        self._account.call("s3", "put_public_access_block", Bucket=self.bucket, PublicAccessBlockConfiguration=blocked)
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        self._account.call("s3", "put_bucket_encryption", Bucket=self.bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
        self._account.call("s3", "put_bucket_policy", Bucket=self.bucket, Policy=self._policy())

    def _policy(self) -> str:
        bucket = f"arn:{self._identity.partition}:s3:::{self.bucket}"
        statement = {
            "Sid": "OnlyEncryptedConnections",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket, f"{bucket}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    def _exists(self) -> bool:
        """Raises Forbidden if it is another account's: then somebody else would decide what is deployed."""
        try:
            self._account.call("s3", "head_bucket", Bucket=self.bucket, ExpectedBucketOwner=self._identity.account)
        except AwsFailure as error:
            if is_missing(error):
                return False
            raise
        except Forbidden as error:
            raise Forbidden(f"the bucket {self.bucket} is another account's, or your credentials may not use it") from error
        return True

    def _put(self, key: str, body: bytes, kind: str) -> None:
        owner = self._identity.account
        try:
            found = self._account.call("s3", "head_object", Bucket=self.bucket, Key=key, ExpectedBucketOwner=owner)
            if found["ContentLength"] == len(body):
                return
        except AwsFailure as error:
            if not is_missing(error):
                raise
        self._account.call("s3", "put_object", Bucket=self.bucket, Key=key, Body=body, ContentType=kind, ExpectedBucketOwner=owner)
