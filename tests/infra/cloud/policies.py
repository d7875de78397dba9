"""IAM's decision: does a set of policy documents allow one action on one resource? An explicit Deny wins; silence is a refusal."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Statement = Mapping[str, Any]
Facts = Mapping[str, str | Sequence[str]]

# What a request can be asked about. A condition on anything else is an error of the simulation, not a refusal.
KEYS = frozenset(
    {
        "aws:principalarn",
        "aws:requestedregion",
        "aws:securetransport",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:principalaccount",
        "dynamodb:enclosingoperation",
        "dynamodb:leadingkeys",
        "dynamodb:attributes",
        "iam:passedtoservice",
        "lambda:functionarn",
        "s3:prefix",
        "s3:signatureage",
        "s3:tlsversion",
        "s3:x-amz-server-side-encryption",
        "cloudformation:templateurl",
        "cloudwatch:namespace",
        "kms:viaservice",
    }
)


class NotModelled(Exception):
    """The template uses something of AWS that this simulation does not know."""


@dataclass(frozen=True)
class Request:
    """One action on one resource, and what else is known of it."""

    action: str
    resource: str
    facts: Facts = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}"


def documents(policies: Iterable[Any]) -> Iterator[Statement]:
    for document in policies:
        yield from as_list(document["Statement"])


def as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple | set) else [value]


def matches(pattern: str, text: str) -> bool:
    """IAM's wildcards: `*` and `?`, nothing else."""
    parts = (".*" if each == "*" else "." if each == "?" else re.escape(each) for each in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def decide(statements: Iterable[Statement], request: Request, principal: str | None = None) -> str:
    """`allow`, `deny` (explicitly), or `none`. With a principal, only statements that name it count (a resource's policy)."""
    verdict = "none"
    for statement in statements:
        if not applies(statement, request, principal):
            continue
        if statement["Effect"] == "Deny":
            return "deny"
        verdict = "allow"
    return verdict


def applies(statement: Statement, request: Request, principal: str | None) -> bool:
    return (
        (principal is None or names_principal(statement, principal))
        and names_action(statement, request.action)
        and names_resource(statement, request.resource)
        and all(condition_holds(operator, tests, request.facts) for operator, tests in statement.get("Condition", {}).items())
    )


def names_action(statement: Statement, action: str) -> bool:
    if "NotAction" in statement:
        return not any(matches(each.lower(), action.lower()) for each in as_list(statement["NotAction"]))
    return any(matches(each.lower(), action.lower()) for each in as_list(statement["Action"]))


def names_resource(statement: Statement, resource: str) -> bool:
    if "NotResource" in statement:
        return not any(matches(each, resource) for each in as_list(statement["NotResource"]))
    return any(matches(each, resource) for each in as_list(statement.get("Resource", "*")))


def names_principal(statement: Statement, principal: str) -> bool:
    if "NotPrincipal" in statement:
        raise NotModelled("NotPrincipal in a policy")
    named = statement["Principal"]
    flat = ["*"] if named == "*" else [each for kind in named.values() for each in as_list(kind)]
    names = {"*", principal}
    if principal.startswith("arn:"):
        account = principal.split(":")[4]
        names |= {account, f"arn:aws:iam::{account}:root"}
    return any(each in names for each in flat)


def condition_holds(operator: str, tests: Mapping[str, Any], facts: Facts) -> bool:
    return all(test_holds(operator, key.lower(), as_list(wanted), facts) for key, wanted in tests.items())


def test_holds(operator: str, key: str, wanted: Sequence[Any], facts: Facts) -> bool:
    if key not in KEYS:
        raise NotModelled(f"the condition key {key}")
    lowered = {name.lower(): value for name, value in facts.items()}
    found = as_list(lowered[key]) if key in lowered else []
    if operator == "Null":
        return (not found) == (str(wanted[0]).lower() == "true")
    operator, if_exists = (operator.removesuffix("IfExists"), True) if operator.endswith("IfExists") else (operator, False)
    if not found and if_exists:
        return True
    quantifier, _, name = operator.rpartition(":")
    negative, test = operator_named(name)
    hits = [any(test(str(each), str(value)) for each in wanted) for value in found]
    if quantifier == "ForAllValues":
        return all(hit != negative for hit in hits)
    if negative:
        return not any(hits)
    return any(hits)


def operator_named(name: str) -> tuple[bool, Callable[[str, str], bool]]:
    """Whether it is a negation, and the test of (wanted, found)."""
    negative = "Not" in name
    plain = name.replace("Not", "")
    if plain not in OPERATORS:
        raise NotModelled(f"the condition operator {name}")
    return negative, OPERATORS[plain]


OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, found: wanted == found,
    "StringEqualsIgnoreCase": lambda wanted, found: wanted.lower() == found.lower(),
    "StringLike": matches,
    "ArnEquals": matches,
    "ArnLike": matches,
    "Bool": lambda wanted, found: wanted.lower() == found.lower(),
    "NumericEquals": lambda wanted, found: float(found) == float(wanted),
    "NumericLessThan": lambda wanted, found: float(found) < float(wanted),
    "NumericLessThanEquals": lambda wanted, found: float(found) <= float(wanted),
    "NumericGreaterThan": lambda wanted, found: float(found) > float(wanted),
    "NumericGreaterThanEquals": lambda wanted, found: float(found) >= float(wanted),
}
