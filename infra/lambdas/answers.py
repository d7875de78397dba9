"""The answer of a custom resource, which CloudFormation waits for at an address of the event."""

import json
import os
import urllib.request
from typing import Any

REASON_MAX = 900


def send(event: Any, physical_id: str, failure: str = "") -> None:
    names = ("StackId", "RequestId", "LogicalResourceId")
    answer = {"PhysicalResourceId": physical_id, "Status": "SUCCESS", **{name: event[name] for name in names}}
    if failure:
        reason = f"{failure[:REASON_MAX]} (see the log group of {os.environ['AWS_LAMBDA_FUNCTION_NAME']})"
        answer |= {"Status": "FAILED", "Reason": reason}
    request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), {"Content-Type": ""}, method="PUT")
    with urllib.request.urlopen(request, timeout=30):
        pass
