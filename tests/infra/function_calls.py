"""Calls of the function that writes, through its handler, as API Gateway makes them; and uploads, as browsers do."""

import hashlib
import io
import json
from typing import Any

from PIL import Image

from infra.lambdas import application as module
from infra.lambdas import photos
from tests.infra.region import ENVIRONMENT, client


def call(method: str, resource: str, photo_id: str = "", body: Any = None, user: str = "ada", **more: Any) -> tuple[int, Any]:
    """Through the handler, as API Gateway calls it."""
    claims = {"cognito:username": user, **more.pop("claims", {})}
    event = {
        "httpMethod": method,
        "resource": resource,
        "pathParameters": {"photoId": photo_id} if photo_id else None,
        "queryStringParameters": more.pop("query", None),
        "headers": more.pop("headers", None),
        "body": body if isinstance(body, str) else None if body is None else json.dumps(body),
        "requestContext": {"authorizer": {"claims": claims}},
    }
    answer = module.handler(event | more, None)
    assert answer["headers"]["Access-Control-Allow-Origin"] == ENVIRONMENT["ORIGIN"] and answer["headers"]["Cache-Control"] == "no-store"
    found = json.loads(answer["body"]) if answer["body"] else None
    expected = "application/problem+json" if answer["statusCode"] >= 400 else "application/json"
    assert found is None or answer["headers"]["Content-Type"] == expected
    return answer["statusCode"], found


def comment(photo_id: str, message: str = "hello", **more: Any) -> tuple[int, Any]:
    named = {"commentId": more.pop("comment_id")} if "comment_id" in more else {}
    return call("POST", "/comments/{photoId}", photo_id, {"message": message, **named}, **more)


def picture(colour: str = "red", kind: str = "JPEG", size: tuple[int, int] = (64, 48)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


def announcement(data: bytes, **changes: Any) -> dict[str, Any]:
    return {"contentType": "image/jpeg", "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), **changes}


def upload(data: bytes, photo_id: str, user: str = "ada", name: str = "", kind: str = "image/jpeg") -> None:
    """As a browser does under its ticket."""
    where = {"Bucket": ENVIRONMENT["BUCKET"], "Key": photos.pending_key(user, photo_id, name)}
    client("s3").put_object(**where, Body=data, ContentType=kind, ChecksumAlgorithm="SHA256")


def add(photo_id: str, data: bytes | None = None, user: str = "ada", **changes: Any) -> Any:
    data = data or picture()
    status, offer = call("POST", "/photos", body=announcement(data, photoId=photo_id, **changes), user=user)
    assert status == 201, offer
    upload(data, photo_id, user)
    status, photo = call("POST", "/photos/{photoId}/commit", photo_id, user=user)
    assert status == 201, photo
    return photo
