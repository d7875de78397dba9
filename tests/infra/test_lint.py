"""cfn-lint on the hub and on every regional body, offline: it does not look inside a StackSet by itself."""

import json
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from tests.infra.template import all_templates, bodies

REGIONS = ["us-east-1", "ap-northeast-1", "eu-central-1"]
TEMPLATES = all_templates()


def findings(template: Any) -> list[str]:
    return [f"{match.rule.id} {match.message}" for match in lint(json.dumps(template, indent=1), config=ManualArgs(regions=REGIONS))]


@pytest.mark.parametrize("name", list(TEMPLATES))
def test_it_has_nothing_to_say(name: str) -> None:
    assert findings(TEMPLATES[name]) == []


def test_it_would_notice() -> None:
    broken = bodies()["stores"]
    broken["Resources"]["UserPool"]["Properties"]["Schema"][0]["AttributeDataType"] = "Text"
    del broken["Resources"]["PhotosBucketPolicy"]["Properties"]["Bucket"]
    assert {each.split()[0] for each in findings(broken)} >= {"E3003", "E3030"}
