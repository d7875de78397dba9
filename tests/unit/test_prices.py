"""The price file is whole, a user's own is checked, and an estimate is what its lines say."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from multiregion.cloud.estimate import Estimate, Item, Use
from multiregion.cloud.prices import Prices, packaged_prices, packaged_text, parsed, read_prices
from multiregion.cloud.template import Template
from multiregion.errors import InvalidInput

PRIMARY, SECONDARY = "us-east-1", "ap-northeast-1"
ALARM, KEY = {"Type": "AWS::CloudWatch::Alarm"}, {"Type": "AWS::KMS::Key", "Condition": "Native"}
INNER = {
    "Parameters": {"SecondaryRegion": {"Type": "String"}},
    "Conditions": {"IsSecondary": {"Fn::Equals": [{"Ref": "AWS::Region"}, {"Ref": "SecondaryRegion"}]}},
    "Resources": {"Both": ALARM, "There": {**ALARM, "Condition": "IsSecondary"}},
}
HUB: dict[str, Any] = {
    "Parameters": {"SecondaryRegion": {"Type": "String"}, "UserReplication": {"Type": "String", "Default": "profile"}},
    "Conditions": {"Native": {"Fn::Equals": [{"Ref": "UserReplication"}, "native"]}},
    "Resources": {
        "Key": KEY,
        "Dashboard": {"Type": "AWS::CloudWatch::Dashboard"},
        "Regions": {
            "Type": "AWS::CloudFormation::StackSet",
            "Properties": {
                "TemplateBody": json.dumps(INNER),
                "Parameters": [{"ParameterKey": "SecondaryRegion", "ParameterValue": {"Ref": "SecondaryRegion"}}],
                "StackInstancesGroup": [{"Regions": [{"Ref": "SecondaryRegion"}, {"Ref": "AWS::Region"}]}],
            },
        },
    },
}
TEMPLATE = Template(json.dumps(HUB))


def items(use: Use | None = None, prices: Prices | None = None) -> list[Item]:
    return list(Estimate(use or Use(), TEMPLATE, prices or packaged_prices(), PRIMARY, SECONDARY).items())


def amounts(what: str, found: list[Item]) -> Mapping[str | None, float]:
    return {item.region: item.amount for item in found if item.what == what}


def test_the_packaged_prices_name_their_date_and_sources() -> None:
    prices = packaged_prices()
    assert prices.date
    assert {PRIMARY, "us-west-2", "eu-west-1", "eu-central-1", SECONDARY} <= set(prices.regions)
    kinds = {name.partition("_")[0] for table in (prices.everywhere, prices.regions[PRIMARY]) for name in table}
    assert kinds <= set(prices.sources)


def test_alarms_and_dashboards_are_counted_in_the_template_with_its_conditions() -> None:
    found = items()
    assert amounts("alarms", found) == {PRIMARY: 1, SECONDARY: 2}
    assert amounts("dashboards", found) == {PRIMARY: 1}
    assert amounts("keys", found) == {}
    assert amounts("keys", items(Use(native_users=True))) == {PRIMARY: 1}


def test_each_line_is_its_amount_times_its_price() -> None:
    prices = packaged_prices()
    for item in items():
        each = prices.everywhere.get(item.price) or prices.regions[item.region or ""][item.price]
        assert item.dollars == pytest.approx(item.amount * each)


def test_what_is_used_twice_costs_twice_and_what_is_not_used_nothing() -> None:
    once, twice = items(Use(photos_gb=1, views_gb=0)), items(Use(photos_gb=2, views_gb=0))
    photographs = [(a.dollars, b.dollars) for a, b in zip(once, twice, strict=True) if a.what.startswith("photographs")]
    assert len(photographs) >= 5
    assert all(b == pytest.approx(2 * a) for a, b in photographs)
    nothing = items(Use(photos_gb=0, users=0, reads=0, writes=0, views_gb=0, page_loads=0))
    fixed = {"alarms", "dashboards", "replication metrics", "calls", "time"}
    assert {item.what for item in nothing if item.dollars} <= fixed


def test_a_write_costs_the_fence_too_and_once_more_in_the_other_region() -> None:
    found = items(Use(writes=1_000_000))
    assert amounts("fenced writes", found) == {PRIMARY: 4}
    assert amounts("replicated writes", found) == {SECONDARY: 1}


def test_a_free_allowance_is_taken_off_once_for_both_regions() -> None:
    found = [item for item in items() if item.price == "cloudwatch_metric"]
    assert sum(item.amount for item in found) < packaged_prices().allowances["cloudwatch_metric"]
    many = parsed(packaged_text().replace("cloudwatch_metric = 10\n", "cloudwatch_metric = 5\n"), "x")
    saved = [item.saved for item in items(prices=many) if item.price == "cloudwatch_metric"]
    assert sum(saved) == pytest.approx(5 * many.everywhere["cloudwatch_metric"])


def test_a_region_without_prices_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match="no prices for mars-1, only for us-east-1"):
        Estimate(Use(), TEMPLATE, packaged_prices(), PRIMARY, "mars-1")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('date = "2025-06-30"', "", "date is missing"),
        ("kms_key = 1.0 ", "kms_kee = 1.0 ", "everywhere.kms_key is missing"),
        ("kms_key = 1.0 ", 'kms_key = "1" ', "everywhere.kms_key must be a number from 0"),
        ("kms_key = 1.0 ", "kms_key = -1 ", "everywhere.kms_key must be a number from 0"),
        ("kms_key = 1.0 ", "kms_key = nan ", "everywhere.kms_key must be a number from 0"),
        ("[everywhere]", "[everywhere", "is not TOML"),
        ("[regions.us-east-1]", "[regions.us-east-1.x]", "regions.us-east-1.api_million is missing"),
    ],
)
def test_a_price_file_that_is_not_whole_is_refused_by_name(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert packaged_text().count(old) == 1
    file = tmp_path / "mine.toml"
    file.write_text(packaged_text().replace(old, new))
    with pytest.raises(InvalidInput, match=problem) as refused:
        read_prices(file)
    assert "mine.toml" in refused.value.detail


def test_an_own_price_file_is_used(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(packaged_text().replace("cloudwatch_alarm = 0.10", "cloudwatch_alarm = 7"))
    alarms = [item for item in items(prices=read_prices(file)) if item.what == "alarms"]
    assert [item.dollars for item in alarms] == [7, 14]


def test_a_price_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(packaged_text() + "#" * 1024 * 1024)
    with pytest.raises(InvalidInput, match="is over 1,048,576 bytes"):
        read_prices(file)
