"""Why an operation failed, in plain words, and what to do about it."""

import re
from dataclasses import dataclass

from multiregion.aws.progress import Snapshot

AGAIN = "Run the same command again."
ADVICE = (
    (
        r"not authorized|access ?denied|AccessDenied|is not allowed|403",
        "The credentials, or a role of the stack, lack a permission that the reason names. Get it granted (docs/deploy-aws.md lists what"
        " is needed), then run the same command again.",
    ),
    (
        r"role.*(cannot be assumed|not be assumed|should have|trust)|AssumeRole|execution role",
        "A new role was not known everywhere yet, which takes AWS up to a minute. " + AGAIN,
    ),
    (
        r"already exists|AlreadyExists|BucketAlreadyOwnedByYou",
        "Something of that name is left from an earlier deployment. Remove it if it is not needed, or deploy under another --name.",
    ),
    (
        r"limit ?exceeded|LimitExceeded|quota|maximum number|TooMany(?!Requests)",
        "A quota of the account is used up. Ask for a higher one in the Service Quotas console, then run the same command again.",
    ),
    (r"rate exceeded|throttl|TooManyRequests", "AWS was asked too much at once. Wait a minute. " + AGAIN),
    (
        r"opt.?in|not subscribed|region.*(disabled|not enabled)|InvalidClientTokenId",
        "The region is not enabled for this account. Enable it (Account → AWS Regions), then run the same command again.",
    ),
    (r"email|phone", "The administrator's e-mail address or phone number was not accepted. Correct it, then run the same command again."),
    (r"did not stabilize|timed? ?out|timeout|internal (failure|error)|service unavailable", "AWS did not finish in time. " + AGAIN),
)
UNKNOWN = "The reason is in AWS's own words. Remove its cause, or give other values, and run the command again."


@dataclass(frozen=True, slots=True)
class Failure:
    """The resource that failed first, where, why, and what to do."""

    resource: str
    type: str
    region: str
    reason: str
    advice: str

    def sentence(self) -> str:
        return f"{self.resource} ({self.type}) failed in {self.region}: {self.reason}"


def explain(snapshot: Snapshot) -> Failure:
    """What went wrong first in an operation that did not succeed: a resource, else the stack as a whole."""
    event = snapshot.first_failure()
    if event is None:
        reason = snapshot.stated()
        return Failure(snapshot.stack.name, "the stack", snapshot.stack.region, said(reason), advice(reason))
    return Failure(event.resource, event.type, event.region, said(event.reason), advice(event.reason))


def said(reason: str) -> str:
    """The reason on one line, without the ids of requests."""
    text = re.sub(r"\s*\((Service|RequestToken|Status Code)[^)]*(\([^)]*\)[^)]*)*\)", "", reason)
    return " ".join(text.split()) or "no reason given; the stack's Events tab in the console may say more"


def advice(reason: str) -> str:
    return next((words for pattern, words in ADVICE if re.search(pattern, reason, re.IGNORECASE)), UNKNOWN)
