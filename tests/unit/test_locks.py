"""The lock files agree with pyproject.toml and with each other, and name no address."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from scripts.lock import LOCKS, check, disagreements, pins, problems_of

ROOT = Path(__file__).resolve().parents[2]
RUNTIME, DEV, BUILD = LOCKS
DIGEST = f" \\\n    --hash=sha256:{'0' * 64}\n"


def project(*dependencies: str) -> dict[str, Any]:
    groups = {"build": ["hatchling>=1"], "dev": [{"include-group": "build"}, "pytest>=9"]}
    return {"project": {"dependencies": list(dependencies)}, "dependency-groups": groups}


def test_the_locks_are_up_to_date() -> None:
    assert check() == []


def test_every_dependency_is_pinned() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert len(pins(RUNTIME.path.read_text())) >= len(declared)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"rich==14.0{DIGEST}", []),
        ("rich==14.0\n", ["runtime.txt: rich has no digest"]),
        (f"rich==13.0{DIGEST}", ["runtime.txt: rich<15,>=14 is not met by 13.0"]),
        (f"typer==1.0{DIGEST}", ["runtime.txt: rich<15,>=14 is not met by any pin"]),
        (f"--index-url https://example.org/simple\nrich==14.0{DIGEST}", ["runtime.txt: holds an address"]),
    ],
)
def test_a_lock_that_does_not_fit_is_found(text: str, problem: list[str]) -> None:
    assert list(problems_of(RUNTIME, text, project("rich>=14,<15"))) == problem


def test_a_group_counts_with_the_groups_it_includes() -> None:
    text = f"rich==14.0{DIGEST}pytest==9.0{DIGEST}"
    assert list(problems_of(DEV, text, project("rich>=14"))) == ["dev.txt: hatchling>=1 is not met by any pin"]


def test_the_template_s_packages_count_with_the_tests() -> None:
    declared = project("rich>=14")
    declared["project"]["optional-dependencies"] = {"infra": ["constructs>=10"]}
    text = f"rich==14.0{DIGEST}pytest==9.0{DIGEST}hatchling==1{DIGEST}"
    assert list(problems_of(DEV, text, declared)) == ["dev.txt: constructs>=10 is not met by any pin"]


def test_locks_that_disagree_are_found() -> None:
    texts = {"runtime": "rich==14.0\n", "dev": "rich==14.1\nhatchling==1\n", "build": "hatchling==1\n"}
    assert list(disagreements(texts)) == ["dev.txt: rich is not 14.0, as in runtime.txt"]


def test_the_lock_of_the_web_application_names_no_registry() -> None:
    packages = json.loads((ROOT / "web" / "package-lock.json").read_text())["packages"]
    assert len(packages) > 50
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if name and "integrity" not in package and not package.get("inBundle")] == []
