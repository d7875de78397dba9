"""The guard of parameters as code: what it answers CloudFormation, and that going back is no change."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from infra.lambdas import parameter_guard as guard

VALUES = {"AdminEmail": "a@example.com", "SecondaryRegion": "eu-west-1"}
ADVICE = {"AdminEmail": "Keep it.", "SecondaryRegion": "Deploy anew.", "WitnessRegion": "Deploy anew."}


@pytest.fixture
def cloudformation(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Asks the guard, and returns what it has answered."""
    received: list[Any] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "the-guard")

    def ask(kind: str, values: Any, **more: Any) -> Any:
        names = {"StackId": "s", "RequestId": "r", "LogicalResourceId": "l", "ResponseURL": f"http://127.0.0.1:{server.server_port}/"}
        guard.handler({"RequestType": kind, "ResourceProperties": {"Values": values, "Advice": ADVICE}, **names, **more}, None)
        return received.pop()

    yield ask
    server.shutdown()
    server.server_close()
    thread.join()


def made(ask: Any) -> str:
    answer = ask("Create", VALUES)
    assert (answer["Status"], answer["StackId"], answer["RequestId"]) == ("SUCCESS", "s", "r")
    return str(answer["PhysicalResourceId"])


def test_a_parameter_that_cannot_change_is_named_with_what_to_do_instead(cloudformation: Any) -> None:
    kept = made(cloudformation)
    answer = cloudformation("Update", {**VALUES, "SecondaryRegion": "eu-west-2"}, PhysicalResourceId=kept)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", kept)
    assert answer["Reason"] == "SecondaryRegion cannot be changed. Deploy anew. (see the log group of the-guard)"


def test_going_back_after_a_refusal_is_no_change(cloudformation: Any) -> None:
    kept = made(cloudformation)
    refused = {**VALUES, "AdminEmail": "b@example.com"}
    assert cloudformation("Update", refused, PhysicalResourceId=kept)["Status"] == "FAILED"
    back = cloudformation("Update", VALUES, PhysicalResourceId=kept, OldResourceProperties={"Values": refused})
    assert (back["Status"], back["PhysicalResourceId"]) == ("SUCCESS", kept)


def test_a_parameter_of_a_newer_template_is_no_change(cloudformation: Any) -> None:
    kept = made(cloudformation)
    assert cloudformation("Update", {**VALUES, "WitnessRegion": "us-west-2"}, PhysicalResourceId=kept)["Status"] == "SUCCESS"


def test_what_identifies_the_values_does_not_tell_them(cloudformation: Any) -> None:
    assert "example.com" not in made(cloudformation)


def test_deleting_is_never_refused_and_a_wrong_event_is_answered(cloudformation: Any) -> None:
    assert cloudformation("Delete", {}, PhysicalResourceId="-")["Status"] == "SUCCESS"
    wrong = cloudformation("Update", {"AdminEmail": 7}, PhysicalResourceId=made(cloudformation))
    assert wrong["Status"] == "FAILED" and "AttributeError" in wrong["Reason"]
