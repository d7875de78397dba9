"""Writes the lock files in requirements/, or checks them (`--check`, offline).

A lock names every package with one version and the digests of all its files, and no address: where packages come from is the
installer's business. `runtime` is what `multiregion` needs, `build` what makes it installable, `dev` both of them, the tests and the
`infra` extra.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "requirements"
HEADER = "# Made by `make lock` from pyproject.toml. Install with: pip install --require-hashes -r {name}\n"
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)")
ADDRESS = re.compile(r"\w+://")


@dataclass(frozen=True)
class Lock:
    """One lock file: what goes into it, and which other lock its versions have to agree with."""

    name: str
    sources: tuple[str, ...]
    agrees_with: str | None = None

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.txt"


LOCKS = (
    Lock("runtime", ("pyproject.toml",)),
    Lock("dev", ("pyproject.toml", "--extra", "infra", "--group", "dev"), agrees_with="runtime"),
    Lock("build", ("--group", "build"), agrees_with="dev"),
)


def find_uv(folder: str) -> str:
    """uv from the path, else a fresh one in an environment of its own in `folder`."""
    if found := shutil.which("uv"):
        return found
    venv.create(folder, with_pip=True)
    subprocess.run([f"{folder}/bin/python", "-m", "pip", "install", "-qq", "uv"], check=True)
    return f"{folder}/bin/uv"


def compile_lock(uv: str, lock: Lock, *, upgrade: bool) -> None:
    options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-annotate", "--no-header", "--no-config", "--quiet"]
    options += ["--no-emit-index-url", "--no-emit-find-links"]
    if upgrade:
        options.append("--upgrade")
    if lock.agrees_with:
        options += ["--constraints", str(FOLDER / f"{lock.agrees_with}.txt")]
    subprocess.run([uv, "pip", "compile", *options, *lock.sources, "--output-file", str(lock.path)], cwd=ROOT, check=True)
    lock.path.write_text(HEADER.format(name=f"requirements/{lock.path.name}") + lock.path.read_text())


def write(*, upgrade: bool) -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        uv = find_uv(folder)
        for lock in LOCKS:
            compile_lock(uv, lock, upgrade=upgrade)


def pins(text: str) -> dict[str, str]:
    """Version by package name."""
    found = (PIN.match(line) for line in text.splitlines())
    return {canonicalize_name(match["name"]): match["version"] for match in found if match}


def unhashed(text: str) -> Iterator[str]:
    """The packages of a lock that have no digest."""
    for entry in re.split(r"\n(?=\S)", text):
        if (match := PIN.match(entry)) and "--hash=sha256:" not in entry:
            yield match["name"]


def wanted(project: dict[str, Any], lock: str) -> list[Requirement]:
    """What pyproject.toml asks of a lock by name, included groups and extras too."""
    groups = project["dependency-groups"]

    def group(name: str) -> Iterator[str]:
        for item in groups[name]:
            yield from group(item["include-group"]) if isinstance(item, dict) else [item]

    runtime = project["project"]["dependencies"]
    infra = project["project"].get("optional-dependencies", {}).get("infra", [])
    texts = {"runtime": runtime, "build": list(group("build")), "dev": [*runtime, *infra, *group("dev")]}[lock]
    return [Requirement(text) for text in texts]


def problems_of(lock: Lock, text: str, project: dict[str, Any]) -> Iterator[str]:
    locked = pins(text)
    if ADDRESS.search(text):
        yield f"{lock.path.name}: holds an address"
    for name in unhashed(text):
        yield f"{lock.path.name}: {name} has no digest"
    for requirement in wanted(project, lock.name):
        version = locked.get(canonicalize_name(requirement.name))
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            yield f"{lock.path.name}: {requirement} is not met by {version or 'any pin'}"


def disagreements(texts: dict[str, str]) -> Iterator[str]:
    """Packages whose version in one lock is not the one in the lock it has to agree with."""
    for lock in LOCKS:
        for name, version in pins(texts.get(lock.agrees_with or "", "")).items():
            if pins(texts[lock.name]).get(name, version) != version:
                yield f"{lock.path.name}: {name} is not {version}, as in {lock.agrees_with}.txt"


def check() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    texts = {lock.name: lock.path.read_text() for lock in LOCKS}
    found = [problem for lock in LOCKS for problem in problems_of(lock, texts[lock.name], project)]
    missing = [f"dev.txt: {name} of runtime.txt is missing" for name in pins(texts["runtime"]).keys() - pins(texts["dev"]).keys()]
    return found + missing + list(disagreements(texts))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="say where the locks and pyproject.toml differ; exit 1 if they do")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions instead of keeping the pinned ones")
    arguments = parser.parse_args()
    if not arguments.check:
        write(upgrade=arguments.upgrade)
    problems = check()
    for problem in problems:
        print(f"{problem} (make lock)", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
