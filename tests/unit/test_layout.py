"""The layout is a promise, and these tests keep it. Read LAYERS from the bottom of the house to the top."""

import ast
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import multiregion

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "multiregion"

# A module imports only from earlier lines, never from its own line (except from its own folder).
LAYERS = (
    ("errors", "shapes", "callers", "probes", "tls"),
    ("states",),
    ("clock",),
    ("config",),
    ("stores",),
    ("objects",),
    ("chains", "lag_history", "reports"),
    ("logs",),
    ("region", "registry", "verdicts", "health", "audit"),
    ("application",),
    ("sweep",),
    (
        "embedded",
        "dynamodb",
        "cloud",
        "replication",
        "photos",
        "accounts",
        "verification",
        "leases",
        "orders",
        "advice",
        "durability",
        "status",
    ),
    ("preparation",),
    ("predictions",),
    ("accepting",),
    ("continuity", "controller", "exchange", "losses", "reapply", "repair"),
    ("automatic", "progress", "rehearsal", "rebuild", "scrub"),
    ("drills",),
    ("api",),
    ("local",),
    ("commands",),
    ("gallery",),
    ("cli",),
    ("__main__",),
)
RANK = {part: rank for rank, parts in enumerate(LAYERS) for part in parts}

# Who may import what is not ours. A package that is missing here has no place yet; so has a new dependency.
ANYWHERE = frozenset(RANK)
PLACES = {
    "argon2": {"accounts"},
    "boto3": {"dynamodb", "cloud"},
    "botocore": {"dynamodb", "cloud"},
    "cryptography": {"drills"},
    "httpx": {"tls", "replication", "controller", "drills", "api", "local", "commands", "cli"},
    "joserfc": {"accounts"},
    "msgspec": ANYWHERE,
    "PIL": {"gallery"},
    "prometheus_client": {"api"},
    "python_multipart": {"api"},
    "rich": {"commands", "gallery", "cli"},
    "starlette": {"api", "gallery"},
    "typer": {"commands", "gallery", "cli"},
    "uvicorn": {"api", "local"},
    # of the standard library
    "random": {"clock"},
    "secrets": {"clock"},
    "sqlite3": {"embedded"},
    "subprocess": {"local"},
    "time": {"clock"},
    "uuid": {"clock"},
}
# What is called by its full name, and the one module that may.
CALLS = {
    "asyncio.sleep": "clock",
    "datetime.datetime.now": "clock",
    "datetime.datetime.today": "clock",
    "datetime.datetime.utcnow": "clock",
    "datetime.date.today": "clock",
    "os.urandom": "clock",
    "os.environ": "config",
    "os.environb": "config",
    "os.getenv": "config",
}
GALLERY = "gallery"
NAMES_THE_GALLERY = "cli/default.py"
FOR_APPLICATIONS = {*multiregion.__all__, "errors", "accounts", "commands"}
MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
FORBIDDEN_NAMES = frozenset({"utils", "util", "common", "helpers", "helper", "constants", "base", "manager", "misc"})


@dataclass(frozen=True)
class Module:
    """One parsed file. `part` is its layer, or None outside the package."""

    path: Path
    text: str
    tree: ast.Module
    part: str | None

    @classmethod
    def read(cls, path: Path, part: str | None) -> "Module":
        text = path.read_text(encoding="utf-8")
        return cls(path, text, ast.parse(text), part)


def package_modules(root: Path) -> Iterator[Module]:
    source = root / "src" / PACKAGE
    for path in sorted(source.rglob("*.py")):
        yield Module.read(path, path.relative_to(source).parts[0].removesuffix(".py"))


def other_modules(root: Path) -> Iterator[Module]:
    for folder in ("tests", "benchmarks", "scripts", "infra"):
        for path in sorted((root / folder).rglob("*.py")):
            yield Module.read(path, None)


def imported(tree: ast.Module) -> Iterator[str]:
    """Full dotted names, `from x import y` as `x.y`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def relative_imports(module: Module) -> Iterator[str]:
    if any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(module.tree)):
        yield "imports relatively"


def direction(module: Module) -> Iterator[str]:
    """Imports of ours that do not point down."""
    for name in imported(module.tree):
        top, _, rest = name.partition(".")
        target = rest.partition(".")[0]
        if top != PACKAGE or module.part == "__init__" or target == module.part or target.startswith("__"):
            continue
        if module.part == GALLERY:
            if target not in FOR_APPLICATIONS:
                yield f"imports {name}, which is not a public name"
        elif target == GALLERY and not module.path.as_posix().endswith(NAMES_THE_GALLERY):
            yield f"imports {name}, which only {NAMES_THE_GALLERY} may"
        elif target not in RANK:
            yield f"imports {name}, which has no layer"
        elif module.part not in RANK or RANK[target] >= RANK[module.part]:
            yield f"imports {name}, which is not below {module.part}"


def layer(module: Module) -> Iterator[str]:
    if module.part not in RANK and module.part != "__init__":
        yield f"{module.part} has no layer"


def foreign_imports(module: Module) -> Iterator[str]:
    """Imports of others' packages outside the folders that may have them."""
    for name in sorted({name.partition(".")[0] for name in imported(module.tree)}):
        known = name in PLACES or name == PACKAGE or name in sys.stdlib_module_names
        if not known or module.part not in PLACES.get(name, {module.part}):
            yield f"imports {name} in {module.part}"


def aliases(tree: ast.Module) -> dict[str, str]:
    """Local name -> full name, for everything that is imported."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {bound: bound for alias in node.names if not alias.asname and (bound := alias.name.partition(".")[0])}
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def dotted(node: ast.expr, names: dict[str, str]) -> str | None:
    """`datetime.now` as `datetime.datetime.now` where `from datetime import datetime` stands."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute) and (owner := dotted(node.value, names)):
        return f"{owner}.{node.attr}"
    return None


def misplaced_calls(module: Module) -> Iterator[str]:
    """The clock, chance and the environment, wherever they are used by name."""
    names = aliases(module.tree)
    used = {dotted(node, names) for node in ast.walk(module.tree) if isinstance(node, ast.Name | ast.Attribute)}
    for name in sorted(CALLS.keys() & used):
        if module.part != CALLS[name]:
            yield f"uses {name}, which belongs in {CALLS[name]}"


def docstring(module: Module) -> Iterator[str]:
    if not ast.get_docstring(module.tree):
        yield "has no module docstring"


def sizes(module: Module) -> Iterator[str]:
    lines = len(module.text.splitlines())
    if lines > MODULE_LINES_MAX:
        yield f"has {lines} lines"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                yield f"{node.name} has {length} lines"


def swallowing(module: Module) -> Iterator[str]:
    """`except:` of everything, and errors caught only to be dropped."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler):
            if node.type is None:
                yield "has a bare except"
            elif ast.unparse(node.type) in ("Exception", "BaseException") and all(isinstance(line, ast.Pass) for line in node.body):
                yield f"drops every {ast.unparse(node.type)}"


def unfinished(module: Module) -> Iterator[str]:
    if match := UNFINISHED.search(module.text):
        yield f"is unfinished: {match.group()}"


def names(module: Module) -> Iterator[str]:
    if module.path.stem in FORBIDDEN_NAMES:
        yield f"is called {module.path.stem}, which says nothing"


Rule = Callable[[Module], Iterator[str]]
EVERYWHERE: tuple[Rule, ...] = (relative_imports, docstring, sizes, swallowing, unfinished, names)
IN_PACKAGE: tuple[Rule, ...] = (layer, direction, foreign_imports, misplaced_calls)


def problems(root: Path) -> list[str]:
    def apply(modules: Iterable[Module], rules: Iterable[Rule]) -> Iterator[str]:
        for module in modules:
            for rule in rules:
                yield from (f"{module.path.relative_to(root)} {problem}" for problem in rule(module))

    return [*apply(package_modules(root), IN_PACKAGE + EVERYWHERE), *apply(other_modules(root), EVERYWHERE)]


def test_the_layout_is_kept() -> None:
    assert problems(ROOT) == []


def test_every_module_is_looked_at() -> None:
    seen = {str(module.path.relative_to(ROOT)) for module in (*package_modules(ROOT), *other_modules(ROOT))}
    assert {"src/multiregion/errors.py", "src/multiregion/api/__init__.py", "tests/unit/test_layout.py", "scripts/lock.py"} <= seen


DOC = '"""Something."""\n'
LONG_FUNCTION = "def long() -> None:\n" + "    print()\n" * FUNCTION_LINES_MAX

PLANTED = [
    ("src/multiregion/losses.py", "from multiregion.api import edge\n", "multiregion.api.edge, which is not below losses"),
    ("src/multiregion/accounts/users.py", "import multiregion.durability\n", "multiregion.durability, which is not below accounts"),
    ("src/multiregion/status.py", "def f() -> None:\n    from multiregion.embedded import records\n", "not below status"),
    ("src/multiregion/local/region.py", "from multiregion.gallery import photos\n", "multiregion.gallery.photos, which only"),
    (
        "src/multiregion/cli/up.py",
        "from multiregion.gallery import commands\n",
        "gallery.commands, which only cli/default.py may",
    ),
    ("src/multiregion/gallery/photos.py", "from multiregion.stores import Key\n", "multiregion.stores.Key, which is not a public name"),
    ("src/multiregion/gallery/photos.py", "from multiregion import stores\n", "multiregion.stores, which is not a public name"),
    ("src/multiregion/embedded/objects.py", "from multiregion import dynamodb\n", "multiregion.dynamodb, which is not below embedded"),
    ("src/multiregion/states.py", "from multiregion.states2 import x\n", "multiregion.states2.x, which has no layer"),
    ("src/multiregion/newcomer.py", "", "newcomer has no layer"),
    ("src/multiregion/api/edge.py", "from .routing import x\n", "imports relatively"),
    ("src/multiregion/gallery/photos.py", "import sqlite3\n", "imports sqlite3 in gallery"),
    ("src/multiregion/embedded/objects.py", "from boto3 import client\n", "imports boto3 in embedded"),
    ("src/multiregion/accounts.py", "from starlette.requests import Request\n", "imports starlette in accounts"),
    ("src/multiregion/api/edge.py", "import requests\n", "imports requests in api"),
    ("src/multiregion/region.py", "import time\n", "imports time in region"),
    ("src/multiregion/region.py", "from random import random\n", "imports random in region"),
    ("src/multiregion/region.py", "from datetime import datetime\nx = datetime.now()\n", "uses datetime.datetime.now"),
    ("src/multiregion/region.py", "import datetime as d\nx = d.datetime.now()\n", "uses datetime.datetime.now"),
    ("src/multiregion/region.py", "from asyncio import sleep\nx = sleep\n", "uses asyncio.sleep"),
    ("src/multiregion/region.py", "import os\nx = os.environ['A']\n", "uses os.environ"),
    ("src/multiregion/region.py", "import os.path\nx = os.getenv('A')\n", "uses os.getenv"),
    ("src/multiregion/region.py", "try:\n    x = 1\nexcept:\n    x = 2\n", "has a bare except"),
    ("src/multiregion/region.py", "try:\n    x = 1\nexcept Exception:\n    pass\n", "drops every Exception"),
    ("src/multiregion/region.py", "# TO" + "DO\n", "is unfinished"),
    ("src/multiregion/region.py", "x = 1\n" * MODULE_LINES_MAX, "has 401 lines"),
    ("src/multiregion/region.py", LONG_FUNCTION, "long has 51 lines"),
    ("src/multiregion/region.py", "async " + LONG_FUNCTION, "long has 51 lines"),
    ("tests/unit/test_x.py", LONG_FUNCTION, "long has 51 lines"),
    ("src/multiregion/api/utils.py", "", "is called utils"),
]


def plant(root: Path, path: str, text: str) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return root


@pytest.mark.parametrize(("path", "code", "expected"), PLANTED)
def test_a_planted_violation_is_found(tmp_path: Path, path: str, code: str, expected: str) -> None:
    (found,) = problems(plant(tmp_path, path, DOC + code))
    assert found.startswith(path)
    assert expected in found


def test_a_missing_docstring_is_found(tmp_path: Path) -> None:
    assert problems(plant(tmp_path, "src/multiregion/region.py", "x = 1\n")) == ["src/multiregion/region.py has no module docstring"]


ALLOWED = [
    ("src/multiregion/cli/default.py", "from multiregion.gallery.commands import app\n"),
    ("src/multiregion/gallery/commands.py", "from multiregion.commands.client import Client\n"),
    ("src/multiregion/api/edge.py", "from multiregion import __version__, losses\nfrom starlette.requests import Request\n"),
    ("src/multiregion/api/edge.py", "from multiregion.api.routing import x\n"),
    ("src/multiregion/embedded/records.py", "import sqlite3\nfrom multiregion.stores import Records\n"),
    ("src/multiregion/clock.py", "import time\nimport asyncio\nfrom datetime import datetime\nx = datetime.now(), asyncio.sleep\n"),
    ("src/multiregion/config.py", "import os\nx = os.environ\n"),
    ("src/multiregion/region.py", "from datetime import datetime\nx = datetime.fromtimestamp(0)\n"),
    ("src/multiregion/region.py", "def f() -> None:\n" + "    print()\n" * (FUNCTION_LINES_MAX - 1)),
]


@pytest.mark.parametrize(("path", "code"), ALLOWED)
def test_what_is_allowed_is_not_reported(tmp_path: Path, path: str, code: str) -> None:
    assert problems(plant(tmp_path, path, DOC + code)) == []
