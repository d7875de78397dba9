"""`multiregion aws synth` and `cost`, which need no account."""

import json
import re
from pathlib import Path

import pytest

from multiregion.cloud.template import check_parameter
from multiregion.errors import InvalidInput
from tests.infra.commands import Operator
from tests.infra.worlds import TEMPLATE, committed_template

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(NOWHERE, tmp_path)


def test_the_template_is_written_as_it_is_committed_and_never_over_a_file(operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "my.template"
    written = operator.run("synth", str(file), "--json")
    assert (written.code, written.answer["bytes"]) == (0, TEMPLATE.stat().st_size)
    assert file.read_bytes() == TEMPLATE.read_bytes()
    file.write_text("mine")
    refused = operator.run("synth", str(file))
    assert (refused.code, file.read_text()) == (2, "mine")
    assert "--force overwrites it" in refused.said
    assert operator.run("synth", str(file), "--force").code == 0
    assert file.read_bytes() == TEMPLATE.read_bytes()


def test_a_part_of_the_template_is_written_by_its_name(operator: Operator) -> None:
    unknown = operator.run("synth", "-", "--part", "Nothing")
    assert unknown.code == 2
    assert "it has " in unknown.said and "StoresStackSet" in unknown.said
    part = operator.run("synth", "-", "--part", "StoresStackSet")
    assert part.code == 0
    assert "AWS::S3::Bucket" in {each["Type"] for each in json.loads(part.out)["Resources"].values()}


def test_parameters_in_examples_are_as_the_template_takes_them() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    examples = [each for page in pages for each in re.findall(r"--parameter ([A-Za-z]+)=([^\s`]+)", page.read_text()) if each[0] != "NAME"]
    assert ("FailoverWritable", "yes") in examples
    for name, value in examples:
        check_parameter(name, committed_template().parameters[name], value)
    with pytest.raises(InvalidInput, match="one of no, yes"):
        check_parameter("FailoverWritable", committed_template().parameters["FailoverWritable"], "Yes")


def test_the_guides_scenario_costs_about_what_the_guide_says(operator: Operator) -> None:
    cost = operator.run("cost", "--json")
    assert cost.code == 0, cost.said
    assert cost.answer["total"] == pytest.approx(sum(item["dollars"] for item in cost.answer["items"]), abs=0.01)
    assert 3 <= cost.answer["total"] <= 15
    assert cost.answer["use"]["photos_gb"] == 1
    assert {item["service"] for item in cost.answer["items"]} >= {"S3", "DynamoDB", "Cognito", "API Gateway", "CloudFront", "CloudWatch"}
    shown = operator.run("cost")
    assert f"${cost.answer['total']:,.2f}" in shown.out
    assert cost.answer["pricesOf"] in shown.out
    assert (
        "approximate list prices of mid-2025, not copied from AWS's pages" in shown.said
        and "Check them before you rely on them" in shown.said
    )
    assert max(map(len, shown.out.splitlines())) <= 80


def test_own_numbers_and_own_prices_are_used(operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(operator.run("cost", "--show-prices").out.replace("cognito_user = 0.015 ", "cognito_user = 2.0 "))
    cost = operator.run("cost", "--users", "1000", "--prices", str(file), "--json").answer
    assert [item["dollars"] for item in cost["items"] if item["service"] == "Cognito"] == [2000.0]
    refused = operator.run("cost", "--secondary-region", "mars-1")
    assert refused.code == 2
    assert "there are no prices for mars-1" in refused.said


def test_an_account_that_does_not_answer_is_told_as_such(operator: Operator) -> None:
    silent = operator.run("outputs")
    assert silent.code == 1
    assert "no answer to cloudformation describe_stacks" in silent.said
    assert "Traceback" not in silent.said
