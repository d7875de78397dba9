"""A peer: moto's DynamoDB over HTTP, the same table of comments as the guide's, asked by the same client."""

import json
import socket
import subprocess
import sys
import time
from typing import Any

import httpx

from benchmarks.load import HOST, Order

START_SECONDS = 30.0
CREDENTIAL = "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
TABLE = {
    "TableName": "comments",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("photoId", "commentId")],
    "KeySchema": [{"AttributeName": "photoId", "KeyType": "HASH"}, {"AttributeName": "commentId", "KeyType": "RANGE"}],
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def headers_of(operation: str) -> dict[str, str]:
    target = {"X-Amz-Target": f"DynamoDB_20120810.{operation}", "Authorization": CREDENTIAL}
    return {**target, "Content-Type": "application/x-amz-json-1.0"}


def item(photo_id: str, number: str, message: str) -> dict[str, Any]:
    attributes = {"photoId": photo_id, "commentId": number, "user": "ada", "message": message, "createdAt": "2026-01-31T12:00:00.000Z"}
    return {"TableName": "comments", "Item": {name: {"S": value} for name, value in attributes.items()}}


class DynamoDB:
    """A process with the table in it."""

    def __init__(self) -> None:
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "DynamoDB":
        command = [sys.executable, "-m", "moto.server", "-p", str(self._port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > end:
                raise TimeoutError("moto's server has not started")
            time.sleep(0.05)
        self.call("CreateTable", TABLE)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    def _answers(self) -> bool:
        try:
            with socket.create_connection((HOST, self._port), 1):
                return True
        except OSError:
            return False

    def call(self, operation: str, body: dict[str, Any]) -> None:
        url = f"http://{HOST}:{self._port}/"
        httpx.post(url, json=body, headers=headers_of(operation), trust_env=False, timeout=30).raise_for_status()

    def asking(self, operation: str, body: dict[str, Any], *, connections: int, seconds: float) -> Order:
        return Order(
            self._port, "POST", "/", headers_of(operation), connections, seconds, json.dumps(body), warm_up_seconds=min(0.5, seconds)
        )


def query(photo_id: str) -> dict[str, Any]:
    values = {":photoId": {"S": photo_id}}
    return {"TableName": "comments", "KeyConditionExpression": "photoId = :photoId", "ExpressionAttributeValues": values, "Limit": 50}
