"""What `docs/engines.md` tells people to write down is what the program takes; and what it does not take is named."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from multiregion.config import EnginesConfig, PartConfig, read_part, read_settings
from multiregion.dynamodb.tables import table_of
from multiregion.errors import BadDeployment
from multiregion.local.deployment import LocalDeployment
from multiregion.local.engines import engines_of

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "engines.md").read_text()
TABLE, PART, DEPLOYMENT = (json.loads(block) for block in re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))


def written(folder: Path, **changes: Any) -> Path:
    file = folder / "part.json"
    file.write_text(json.dumps({**PART, **changes}))
    return file


def test_the_table_of_the_page_is_the_one_that_is_made() -> None:
    assert table_of("multiregion", indexed=True) == TABLE


def test_the_configuration_of_the_page_is_read_and_says_what_it_seems_to(tmp_path: Path) -> None:
    part = read_part(written(tmp_path))
    assert part.store == "aws" and part.engines is not None and part.engines.bucket == "example-pictures-us-east-1"
    assert [part.engines.region, part.deployment.primary.region] == ["us-east-1"] * 2 and len(part.deployment.picture_origins) == 2


def test_the_deployment_that_commands_read_is_that_of_the_parts() -> None:
    read = msgspec.convert(DEPLOYMENT, LocalDeployment)
    part = msgspec.convert(PART, PartConfig).deployment
    assert (read.app_id, read.edge, read.primary, read.secondary) == (part.app_id, part.edge, part.primary, part.secondary)
    assert (read.authority.url, read.authority.operator_token) == (part.authority, part.operator_token)


def test_every_field_of_the_engines_is_on_the_page() -> None:
    names = msgspec.json.decode(msgspec.json.encode(EnginesConfig("r", "t"))).keys()
    assert {name for name in names if f"\n| `{name}` |" not in PAGE} == set()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"store": "s3"}, "store"),
        ({"engines": None}, "engines"),
        ({"store": "embedded"}, "engines"),
        ({"engines": {"region": "us-east-1"}}, "table"),
        ({"engines": {"region": "us-east-1", "table": ""}}, "engines.table is empty"),
        ({"engines": {"region": "us-east-1", "table": "t", "buckt": "b"}}, "buckt"),
    ],
)
def test_a_configuration_that_cannot_be_used_names_the_field(tmp_path: Path, changes: dict[str, Any], named: str) -> None:
    with pytest.raises(BadDeployment, match=named):
        read_part(written(tmp_path, **changes))


@pytest.mark.parametrize(("name", "value"), [("failover", "automatic"), ("durability", "remote"), ("durability", "remote-strict")])
def test_settings_that_promise_more_than_engines_keep_are_refused(tmp_path: Path, name: str, value: str) -> None:
    part: PartConfig = read_part(written(tmp_path))
    with pytest.raises(BadDeployment, match=f"`{name}` must be"):
        engines_of(part, read_settings({}, {name: value}))
