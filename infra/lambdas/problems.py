"""What a call is refused with, and answers as API Gateway takes them: the same codes and fields as everywhere."""

import json
import os
from typing import Any

from infra.lambdas.shared import TITLES


class Problem(Exception):
    def __init__(self, status: int, code: str, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.facts = status, code, detail, facts


def invalid(field: str, detail: str, **facts: Any) -> Problem:
    return Problem(400, "invalid_input", detail, field=field, **facts)


def respond(status: int, body: Any, kind: str = "application/json", **more: str) -> Any:
    headers = {"Access-Control-Allow-Origin": os.environ["ORIGIN"], "Vary": "Origin", "Cache-Control": "no-store", **more}
    if body is None:
        return {"statusCode": status, "headers": headers, "body": ""}
    return {"statusCode": status, "headers": {"Content-Type": kind, **headers}, "body": json.dumps(body)}


def refuse(problem: Problem) -> Any:
    about = {"type": "about:blank", "title": TITLES[problem.code], "status": problem.status, "code": problem.code, "detail": problem.detail}
    more = {"Retry-After": "1"} if problem.status == 503 else {}
    return respond(problem.status, {**about, **problem.facts}, "application/problem+json", **more)
