"""The custom resource that comes before all others in an update, and fails it if a parameter would change that cannot.

Its physical id keeps a digest of each value since the deployment was made. So going back after a failure, in which CloudFormation asks
again with the values of before, is no change.
"""

import hashlib
from typing import Any

from infra.lambdas.answers import send

NONE = "-"


def physical_id(values: Any) -> str:
    return " ".join(f"{name}:{digest(values[name])}" for name in sorted(values))


def digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:12]


def refusal(kept: str, given: Any) -> str:
    """Why the values may not be what they are; nothing if they may."""
    before = dict(each.split(":") for each in kept.split())
    values, advice = given["Values"], given["Advice"]
    named = [name for name in sorted(values) if before.get(name, digest(values[name])) != digest(values[name])]
    return " ".join(f"{name} cannot be changed. {advice[name]}" for name in named)


def handler(event: Any, context: Any) -> None:
    """Answers CloudFormation in every case: one that hears nothing waits for an hour."""
    kept = event.get("PhysicalResourceId", NONE)
    try:
        if event["RequestType"] == "Create":
            kept = physical_id(event["ResourceProperties"]["Values"])
        failure = refusal(kept, event["ResourceProperties"]) if event["RequestType"] == "Update" else ""
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the reason that CloudFormation shows
        failure = f"{type(error).__name__}: {error}"
    send(event, kept, failure)
