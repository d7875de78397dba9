"""cdk-nag's AWS solutions rules on the hub and every regional stack: nothing but what is acknowledged, with a reason, and found."""

import fnmatch
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.synthesis import hub_app, regional_app, regional_bodies  # first: it says which node to start

import aws_cdk as cdk  # isort: skip
from cdk_nag import AwsSolutionsChecks  # isort: skip
from infra.acknowledged import NAG, VALIDATION, Acknowledged

Finding = tuple[str, str]


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    folder = tmp_path_factory.mktemp("nag")
    bodies = regional_bodies(regional_app(f"{folder}/plain").synth())
    checked = [
        *check(regional_app(f"{folder}/regional"), folder / "regional"),
        *check(hub_app(f"{folder}/hub", bodies, ""), folder / "hub"),
    ]
    return sorted(set(checked))


def check(app: Any, folder: Path) -> Iterator[Finding]:
    """Rule and construct of everything found. Synthesis fails when something is found, and leaves its report."""
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks())
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    for report in json.loads((folder / "validation-report.json").read_text())["pluginReports"]:
        for violation in report["violations"]:
            yield from ((violation["ruleName"], construct["constructPath"]) for construct in violation["violatingConstructs"])


def covers(acknowledged: Acknowledged, finding: Finding) -> bool:
    pattern = re.compile(re.escape(acknowledged.rule).replace(r"\*", ".*"))
    return bool(pattern.fullmatch(finding[0])) and fnmatch.fnmatchcase(finding[1], acknowledged.where)


def unexplained(findings: list[Finding], acknowledged: tuple[Acknowledged, ...]) -> list[Finding]:
    return [finding for finding in findings if not any(covers(each, finding) for each in acknowledged)]


def test_nothing_is_found_that_is_not_acknowledged(findings: list[Finding]) -> None:
    assert unexplained(findings, NAG) == []


def test_nothing_is_acknowledged_that_is_not_found(findings: list[Finding]) -> None:
    assert [each for each in NAG if not any(covers(each, finding) for finding in findings)] == []


def test_every_acknowledgement_has_a_reason() -> None:
    assert [each for each in (*NAG, *VALIDATION) if len(each.reason.split()) < 5] == []


def test_without_an_acknowledgement_it_would_fail(findings: list[Finding]) -> None:
    for left_out in NAG:
        rest = tuple(each for each in NAG if each is not left_out)
        assert unexplained(findings, rest), left_out
