"""verify.py of a bundle: needs nothing but Python, and says the same as the installed package."""

import ast
import copy
import importlib.util
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from multiregion.drills import standalone
from multiregion.drills.evidence import Sealer, verify
from multiregion.drills.facts import Facts
from multiregion.drills.standalone import MODULES, source
from multiregion.drills.verdict import derive
from tests.drill_bundles import make
from tests.drill_edits import keep
from tests.drill_histories import Shape, facts_of

SECONDS_MAX = 60


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    path = tmp_path_factory.mktemp("standalone") / "verify.py"
    path.write_text(source())
    spec = importlib.util.spec_from_file_location("standalone_verifier", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    folder = tmp_path / "made" / "drill-0007"
    make(folder, facts_of(5, Shape.short(rate=6)), Sealer.open(tmp_path / "key"))
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Isolated, without site-packages, in a folder of its own."""
    command = [sys.executable, "-I", "-S", "verify.py", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS_MAX, check=False, env={})


def test_it_imports_the_standard_library_only() -> None:
    tree = ast.parse(source())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
    assert {"hashlib", "tomllib", "json"} <= names


def test_it_holds_every_module_that_judges() -> None:
    text = source()
    assert [f"# --- {module} ---" in text for module in MODULES] == [True] * len(MODULES)
    assert "def nothing_vanished" in text and "def is_signed" in text and "def self_check" in text


def test_two_things_of_one_name_cannot_be_inlined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.py").write_text("def same() -> None: ...\n")
    (tmp_path / "two.py").write_text("same = 1\n")
    monkeypatch.setattr(standalone, "FOLDER", tmp_path)
    monkeypatch.setattr(standalone, "MODULES", ("one", "two"))
    with pytest.raises(ValueError, match="both one and two define same"):
        source.__wrapped__()


def test_it_agrees_in_an_empty_folder(tmp_path: Path, sealed: Path) -> None:
    alone = shutil.copytree(sealed, tmp_path / "alone")
    answer = run(alone)
    assert answer.returncode == 0, answer
    assert "verdict   pass" in answer.stdout and "20 of 20" in answer.stdout
    assert run(alone, ".", "--key", "KEY.pub").returncode == 0


def test_it_names_what_was_changed(sealed: Path) -> None:
    lines = (sealed / "history.jsonl").read_bytes().splitlines(keepends=True)
    (sealed / "history.jsonl").write_bytes(b"".join(lines[:9] + lines[10:]))
    answer = run(sealed)
    assert answer.returncode == 1 and "history.jsonl was changed after the seal" in answer.stdout


def test_it_names_another_key(tmp_path: Path, sealed: Path) -> None:
    (tmp_path / "other.pub").write_bytes(Sealer.open(tmp_path / "other").pem)
    answer = run(sealed, "--key", str(tmp_path / "other.pub"))
    assert answer.returncode == 1 and "another key" in answer.stdout


@pytest.mark.parametrize("arguments", [("--what",), ("a", "b")])
def test_wrong_arguments_are_told(sealed: Path, arguments: tuple[str, ...]) -> None:
    answer = run(sealed, *arguments)
    assert answer.returncode == 2 and "usage" in answer.stderr


def test_an_empty_folder_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "verify.py").write_text(source())
    answer = run(tmp_path)
    assert answer.returncode == 1 and "manifest.json is missing" in answer.stdout


def disturbed(facts: Facts, chance: random.Random) -> Facts:
    """With some of what can go wrong in a deployment, a driver or a file."""
    found = copy.deepcopy(facts)
    for _ in range(chance.choice((0, 0, 1, 3))):
        row = chance.choice(found.operations)
        items = chance.choice(list(found.finals.values()))["items"]
        choice = chance.randrange(8)
        if choice == 0:
            row["out"] = chance.choice(("ok", "refused", "unknown"))
        elif choice == 1:
            row["epoch"] = chance.randrange(1, 7)
        elif choice == 2:
            items.pop(chance.randrange(len(items)))
        elif choice == 3:
            keep(found, "add", f"drill-7-9-{chance.randrange(9)}", chance.choice(("primary", "secondary")))
        elif choice == 4 and found.ledger:
            chance.choice(found.ledger)["outcome"] = chance.choice(("pending", "applied"))
        elif choice == 5:
            row["told"] += chance.randrange(9_000_000)
        elif choice == 6:
            chance.shuffle(items)
        elif choice == 7:
            found.events[:] = [event for event in found.events if chance.random() < 0.8]
    if chance.random() < 0.2:
        found.plan["objective"] = {"rto_write": f"{chance.randrange(1, 3000)}ms", "rpo_writes": chance.randrange(3)}
    return found


def test_both_give_the_same_answer_on_random_histories(verifier: ModuleType) -> None:
    verdicts: Counter[str] = Counter()
    for seed in range(200):
        chance = random.Random(seed)
        shape = Shape.short(chance.choice(("crash", "planned", "freeze", "partition")), rate=chance.choice((3, 5, 9)))
        facts = disturbed(facts_of(seed, shape), chance)
        theirs = verifier.derive(verifier.Facts(**{name: getattr(facts, name) for name in Facts.__dataclass_fields__}))
        assert theirs == derive(facts), seed
        verdicts[theirs["verdict"]] += 1
    assert len(verdicts) == 4 and min(verdicts.values()) >= 5, verdicts


def test_both_find_the_same_wrong_with_a_bundle(verifier: ModuleType, sealed: Path) -> None:
    for name in ("ledger.json", "plan.seal.json", "report.json"):
        kept = (sealed / name).read_bytes()
        (sealed / name).write_bytes(kept[:-9] + b" " + kept[-9:])
        theirs = verifier.problems_of(verifier.files_of(sealed))
        assert theirs == verify(sealed) != []
        (sealed / name).write_bytes(kept)
