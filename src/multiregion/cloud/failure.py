"""Why an operation failed, in plain words, and what to do about it."""

import re
from dataclasses import dataclass

from multiregion.cloud.progress import Snapshot

AGAIN = "Run the same command again."
SUPPORT = "https://console.aws.amazon.com/support/home#/"
VERIFY_ACCOUNT = (
    "AWS lets an account make no CloudFront distribution until it has verified the account; no permission helps. Open a case in the AWS"
    f" Support Center ({SUPPORT}, Account and billing, free of charge), quote the reason, and deploy again once AWS has answered."
)
ADVICE = (
    (
        r"account must be verified before you can add new CloudFront",
        VERIFY_ACCOUNT,
    ),
    (
        r"needs a subscription for the service|not signed up|OptInRequired|SubscriptionRequired",
        "The account is not active yet: finish signing up at AWS (a way to pay, and the check of your phone number), which may take a day."
        " Then deploy again.",
    ),
    (
        r"(service|resource) control policy|permissions boundary",
        "A policy of your organisation, or a boundary, forbids it, and your own permissions do not matter. Ask whoever administers the"
        " organisation, or choose regions that it allows. Then deploy again.",
    ),
    (
        r"token.*(has )?expired|ExpiredToken",
        "Your credentials ran out while AWS was working with them. Sign in again, for an hour or more. " + AGAIN,
    ),
    (
        r"role.*(cannot be assumed|not be assumed|should have|trust)|AssumeRole|execution role",
        "A new role was not known everywhere yet, which takes AWS up to a minute. " + AGAIN,
    ),
    (
        r"UnreservedConcurrentExecution|ConcurrentInvocationLimit",
        "The account may run too few functions at a time in this region. Ask for more in the Service Quotas console (AWS Lambda, concurrent"
        " executions). Then deploy again.",
    ),
    (r"conflicting (conditional )?operation|OperationAborted", "Two services changed the same bucket at the same moment. " + AGAIN),
    (
        r"Replica cannot be deleted because",
        "A table that got a copy in another region today is deleted after the copy. Delete the copy there, wait a minute. " + AGAIN,
    ),
    (
        r"not empty|BucketNotEmpty",
        "Somebody put something into a bucket that goes with the stack. Empty it, which the commands at the end of multiregion aws destroy"
        " show how to do. " + AGAIN,
    ),
    (
        r"not authorized|access ?denied|AccessDenied|is not allowed|403",
        "The credentials, or a role of the stack, lack a permission that the reason names. Get it granted (docs/deploy-aws.md lists what"
        " is needed), then run the same command again.",
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
"""What a reason looks like, and what to do. The first that fits counts, so what is meant by "403" in particular stands before it."""
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
