"""The build of the web application: what it takes for up to date, and what it says when it cannot go on."""

import importlib.util
import json
import random
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINKS_OF_AUTHORS = {"feross.org", "github.com", "opencollective.com", "tidelift.com", "www.patreon.com"}


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_web", ROOT / "scripts" / "build_web.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = load_script()


def no_node() -> Path:
    raise SCRIPT.BuildFailed("There is no node.")


@pytest.fixture
def app(tmp_path: Path) -> Any:
    """A small web application, in a place that has no node."""
    source = tmp_path / "web"
    (source / "src").mkdir(parents=True)
    (source / "src" / "main.ts").write_text("1")
    for name in SCRIPT.LOCK_INPUTS:
        (source / name).write_text("{}")
    return SCRIPT.WebApp(tmp_path, no_node)


def pretend_built(app: Any) -> None:
    built = app.source / "dist"
    built.mkdir()
    (built / "index.html").write_text("page")
    app.put_in_place(app.digest(app.bundle_inputs()))


def test_a_bundle_is_fresh_until_a_source_changes(app: Any) -> None:
    assert not app.is_fresh()
    pretend_built(app)
    assert app.is_fresh()
    (app.source / "src" / "main.ts").write_text("2")
    assert not app.is_fresh()


def test_a_renamed_source_is_a_change(app: Any) -> None:
    pretend_built(app)
    (app.source / "src" / "main.ts").rename(app.source / "src" / "start.ts")
    assert not app.is_fresh()


def test_tests_and_packages_do_not_make_a_bundle_stale(app: Any) -> None:
    pretend_built(app)
    for folder in ("test", "node_modules"):
        (app.source / folder).mkdir()
        (app.source / folder / "new.ts").write_text("3")
    assert app.is_fresh()


def test_a_bundle_without_its_stamp_is_not_believed(app: Any) -> None:
    pretend_built(app)
    (app.bundle / SCRIPT.STAMP).unlink()
    assert not app.is_fresh()


def test_a_new_bundle_replaces_the_old_one_whole(app: Any) -> None:
    pretend_built(app)
    (app.bundle / "left-over.js").write_text("old")
    pretend_built(app)
    assert sorted(path.name for path in app.bundle.iterdir()) == [SCRIPT.STAMP, "index.html"]


def test_a_fresh_bundle_needs_no_node(app: Any) -> None:
    pretend_built(app)
    assert app.build() == app.bundle


def test_a_stale_bundle_needs_node_and_stays_until_there_is_one(app: Any, capsys: pytest.CaptureFixture[str]) -> None:
    pretend_built(app)
    (app.source / "src" / "main.ts").write_text("2")
    assert SCRIPT.main([], app) == 1
    assert "There is no node." in capsys.readouterr().err
    assert (app.bundle / "index.html").read_text() == "page"


def test_it_says_that_the_sources_are_missing(app: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (app.source / "package-lock.json").unlink()
    assert SCRIPT.main([], app) == 1
    assert "package-lock.json" in capsys.readouterr().err


def test_check_fails_on_a_stale_bundle_and_builds_nothing(app: Any) -> None:
    assert SCRIPT.main(["--check"], app) == 1
    assert not app.bundle.exists()
    pretend_built(app)
    assert SCRIPT.main(["--check"], app) == 0


def test_a_step_that_fails_is_told_in_words(app: Any) -> None:
    node = app.source.parent / "node"
    (node / "bin").mkdir(parents=True)
    program = node / "bin" / "node"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    failing = SCRIPT.WebApp(app.source.parent, lambda: node)
    with pytest.raises(SCRIPT.BuildFailed, match="npm_config_registry"):
        failing.install()


def write_bundle(folder: Path, *, console_bytes: int) -> Path:
    """A page that loads a viewer when it is needed, and a console that shares a file with them and loads charts."""
    files = {"index.js": 3_000, "viewer.js": 500, "shared.js": 200, "console.js": console_bytes, "charts.js": 700}
    for name, size in files.items():
        (folder / name).write_bytes(random.Random(name).randbytes(size))
    chunks = {
        "index.html": {"file": "index.js", "imports": ["shared"], "dynamicImports": ["src/Viewer.tsx", SCRIPT.CONSOLE]},
        "src/Viewer.tsx": {"file": "viewer.js", "imports": ["shared", "index.html"]},
        SCRIPT.CONSOLE: {"file": "console.js", "imports": ["shared", "index.html"], "dynamicImports": ["charts"]},
        "shared": {"file": "shared.js"},
        "charts": {"file": "charts.js"},
    }
    (folder / ".vite").mkdir()
    (folder / ".vite" / "manifest.json").write_text(json.dumps(chunks))
    return folder


def test_each_file_counts_for_what_it_is_loaded_for(tmp_path: Path) -> None:
    sizes = SCRIPT.gzip_sizes(write_bundle(tmp_path, console_bytes=1_000))
    assert 3_700 <= sizes["gallery"] <= 3_900
    assert 1_700 <= sizes["console"] <= 1_800


def test_too_much_javascript_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    SCRIPT.require_small(SCRIPT.gzip_sizes(write_bundle(tmp_path, console_bytes=34_000)))
    assert "JavaScript of the gallery: 3.8 kB compressed, of at most 130 kB" in capsys.readouterr().err
    with pytest.raises(SCRIPT.BuildFailed, match="of the console is too large"):
        SCRIPT.require_small({"gallery": 130_000, "console": 35_001})
    with pytest.raises(SCRIPT.BuildFailed, match="of the gallery is too large"):
        SCRIPT.require_small({"gallery": 130_001, "console": 0})


def test_the_lock_file_names_no_registry() -> None:
    text = (ROOT / "web" / "package-lock.json").read_text(encoding="utf-8")
    packages = json.loads(text)["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert set(re.findall(r"https?://([^/\"]+)", text)) <= LINKS_OF_AUTHORS
