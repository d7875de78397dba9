"""What a command and a part of a deployment load: each is a process, and everybody waits for it."""

import os
import subprocess
import sys
from pathlib import Path

import multiregion

ALL_COMMANDS = "from multiregion.cli.commands import PLACES, loaded; [loaded(name) for name in PLACES]"
STATUS = (
    "import multiregion.local; from typer.main import get_command; from multiregion.cli.commands import app;"
    " get_command(app).get_command(None, 'status')"
)
PARTS = (
    "import multiregion.local.serve, multiregion.local.region, multiregion.local.authority, multiregion.local.edge, multiregion.local.wire;"
    " from multiregion.application import load; from multiregion.config import GALLERY; load(GALLERY)"
)


def loaded_by(code: str, *names: str) -> set[str]:
    """Which of the modules `names` the code has loaded. `sys.modules` may also say of one that it shall not be loaded."""
    tell = f"import sys\n{code}\nprint(*sorted(name for name in {names} if sys.modules.get(name)))"
    here = os.environ | {"PYTHONPATH": str(Path(multiregion.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", tell], capture_output=True, text=True, check=True, timeout=60, env=here)
    return set(done.stdout.split())


def test_no_command_waits_for_boto3_before_it_needs_it() -> None:
    assert loaded_by(ALL_COMMANDS, "multiregion.cli.aws", "boto3", "botocore") == {"multiregion.cli.aws"}


def test_a_command_does_not_wait_for_servers_or_other_commands() -> None:
    others = ("multiregion.cli.aws", "multiregion.gallery", "starlette", "uvicorn", "joserfc", "argon2", "PIL", "httpx._main")
    assert loaded_by(STATUS, "multiregion.cli.status", *others) == {"multiregion.cli.status"}


def test_a_part_does_not_wait_for_command_lines_or_decoders() -> None:
    others = ("typer", "rich", "pygments", "httpx._main", "PIL")
    assert loaded_by(PARTS, "multiregion.gallery.photos", "httpx", *others) == {"multiregion.gallery.photos", "httpx"}
