"""What browsers ask of S3: forms that upload, presigned addresses that show, and whether another site's page may."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import boto3
from botocore.exceptions import ClientError
from moto.s3.models import CorsRule, FakeBucket, s3_backends
from werkzeug.formparser import parse_form_data
from werkzeug.wrappers import Request as WsgiRequest

from tests.infra.cloud.buckets import bucket_named
from tests.infra.cloud.gateway import Request as HttpRequest
from tests.infra.cloud.gateway import Response
from tests.infra.cloud.policies import Request, matches
from tests.infra.cloud.posts import Form, check_form
from tests.infra.cloud.principals import ACCOUNT, Denied, Principals
from tests.infra.cloud.replication import ModelledTime
from tests.infra.cloud.signatures import Rejected, check_query

STORED_HEADERS = ("content-type", "cache-control", "content-disposition", "content-encoding", "expires")
SHOWN_HEADERS = frozenset({*STORED_HEADERS, "content-length", "content-range", "accept-ranges", "etag", "last-modified"})
# What a presigned address may say of the answer's headers.
OVERRIDES = {
    "response-cache-control": "ResponseCacheControl",
    "response-content-disposition": "ResponseContentDisposition",
    "response-content-type": "ResponseContentType",
}
CONDITIONS = {"range": "Range", "if-none-match": "IfNoneMatch", "if-match": "IfMatch"}


class Storefront:
    """Every bucket's own host."""

    def __init__(self, principals: Principals, clock: ModelledTime) -> None:
        self._principals, self._clock = principals, clock

    def answer(self, bucket_name: str, region: str, request: HttpRequest, environ: Mapping[str, Any]) -> Response:
        try:
            bucket = self._bucket(bucket_name, region)
            answer = self._answer(bucket, request, environ)
        except Rejected as error:
            answer = refusal(error)
        origin = request.header("origin")
        allowed = cors_headers(bucket_named(bucket_name), origin, request.method) if origin and bucket_name in buckets() else {}
        return Response(answer.status, {**answer.headers, **allowed}, answer.body)

    def _bucket(self, name: str, region: str) -> FakeBucket:
        if name not in buckets():
            raise Rejected(404, "NoSuchBucket", "The specified bucket does not exist")
        bucket = bucket_named(name)
        if bucket.region_name != region:
            raise Rejected(301, "PermanentRedirect", f"the bucket is in {bucket.region_name}")
        return bucket

    def _answer(self, bucket: FakeBucket, request: HttpRequest, environ: Mapping[str, Any]) -> Response:
        if request.method == "OPTIONS":
            return preflight(bucket, request)
        if request.method == "POST" and request.path == "/":
            return self._upload(bucket, read_form(environ))
        if request.method in ("GET", "HEAD"):
            return self._show(bucket, request)
        raise Rejected(403, "AccessDenied", "Access Denied")

    def _upload(self, bucket: FakeBucket, form: Form) -> Response:
        holder = check_form(form, bucket.name, bucket.region_name, self._principals, self._clock.now())
        key = form.fields["key"]
        try:
            self._principals.check(holder, Request("s3:PutObject", f"arn:aws:s3:::{bucket.name}/{key}", upload_facts(form)))
        except Denied as error:
            raise Rejected(403, "AccessDenied", str(error)) from error
        stored = s3_backends[ACCOUNT]["aws"].put_object(bucket.name, key, form.file, request_method="POST")
        stored.set_metadata({name: form.fields[name] for name in form.fields if name in STORED_HEADERS or name.startswith("x-amz-meta-")})
        for name, value in form.fields.items():
            if name.startswith("x-amz-checksum-"):
                stored.checksum_algorithm, stored.checksum_value = name.rpartition("-")[2].upper(), value
        status = form.fields.get("success_action_status", "204")
        return Response(int(status) if status in ("200", "201") else 204, {"ETag": stored.etag})

    def _show(self, bucket: FakeBucket, request: HttpRequest) -> Response:
        holder = check_query(request, bucket.region_name, self._principals, self._clock.now())
        key = unquote(request.path.removeprefix("/"))
        try:
            self._principals.check(holder, Request("s3:GetObject", f"arn:aws:s3:::{bucket.name}/{key}", {"aws:SecureTransport": "true"}))
        except Denied as error:
            raise Rejected(403, "AccessDenied", str(error)) from error
        return stored_object(bucket, key, request)


def stored_object(bucket: FakeBucket, key: str, request: HttpRequest) -> Response:
    wanted = {name: request.query[field] for field, name in OVERRIDES.items() if field in request.query}
    wanted |= {name: value for header, name in CONDITIONS.items() if (value := request.header(header)) is not None}
    client = boto3.client("s3", bucket.region_name)
    try:
        found = client.get_object(Bucket=bucket.name, Key=key, **wanted)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status == 304:
            return Response(304, {})
        raise Rejected(status, error.response["Error"]["Code"], error.response["Error"]["Message"]) from error
    answer = found["ResponseMetadata"]
    headers = {name.title(): value for name, value in answer["HTTPHeaders"].items() if name in SHOWN_HEADERS}
    return Response(answer["HTTPStatusCode"], headers, b"" if request.method == "HEAD" else found["Body"].read())


def buckets() -> Mapping[str, FakeBucket]:
    found: Mapping[str, FakeBucket] = s3_backends[ACCOUNT]["aws"].buckets
    return found


def upload_facts(form: Form) -> dict[str, str]:
    encryption = form.fields.get("x-amz-server-side-encryption")
    return {"aws:SecureTransport": "true", **({"s3:x-amz-server-side-encryption": encryption} if encryption else {})}


def read_form(environ: Mapping[str, Any]) -> Form:
    _, fields, files = parse_form_data(WsgiRequest(dict(environ)).environ)
    if "file" not in files:
        raise Rejected(400, "InvalidArgument", "POST requires exactly one file upload per request.")
    named = {name.lower(): value for name, value in fields.items()}
    name = files["file"].filename or ""
    return Form({**named, "key": named.get("key", "").replace("${filename}", name)}, files["file"].read())


def refusal(error: Rejected) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{error.code}</Code><Message>{error.message}</Message></Error>'
    return Response(error.status, {"Content-Type": "application/xml"}, body.encode())


def preflight(bucket: FakeBucket, request: HttpRequest) -> Response:
    wanted = request.header("access-control-request-method") or ""
    allowed = cors_headers(bucket, request.header("origin") or "", wanted)
    if not allowed:
        raise Rejected(403, "AccessForbidden", "CORSResponse: This CORS request is not allowed.")
    return Response(200, allowed)


def cors_headers(bucket: FakeBucket, origin: str, method: str) -> dict[str, str]:
    for rule in bucket.cors or []:
        if method in as_list(rule.allowed_methods) and any(matches(each, origin) for each in as_list(rule.allowed_origins)):
            return rule_headers(rule, origin)
    return {}


def rule_headers(rule: CorsRule, origin: str) -> dict[str, str]:
    headers = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": ", ".join(as_list(rule.allowed_methods)),
        "Vary": "Origin",
    }
    if rule.allowed_headers:
        headers["Access-Control-Allow-Headers"] = ", ".join(as_list(rule.allowed_headers))
    if rule.exposed_headers:
        headers["Access-Control-Expose-Headers"] = ", ".join(as_list(rule.exposed_headers))
    return headers


def as_list(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else [value]
