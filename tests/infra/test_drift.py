"""The committed template is what the source makes, byte for byte, without a network and with no node but the wheel's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.template import FILE, text

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """As on a machine that has no node on its path, and that no address can be reached from."""
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    environment = {**os.environ, **nowhere, "PATH": "/nonexistent", "PYTHONPATH": str(ROOT)}
    environment.pop("JSII_NODE", None)
    command = [sys.executable, "-m", "infra", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False)


def test_the_template_is_up_to_date() -> None:
    done = run("--check")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def test_another_template_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from infra import __main__, synthesis

    changed = tmp_path / FILE.name
    changed.write_text(text().replace("rate(5 minutes)", "rate(50 minutes)"))
    monkeypatch.setattr(__main__, "TEMPLATE", changed)
    monkeypatch.setattr(__main__, "synthesise", text)
    monkeypatch.setattr(sys, "argv", ["infra", "--check"])
    assert synthesis.TEMPLATE == FILE
    assert __main__.main() == 1
    assert changed.read_text() != text()
