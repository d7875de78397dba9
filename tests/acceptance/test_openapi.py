"""The running region keeps its OpenAPI document: requests are made from it, at the edges and by chance, and answers checked."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.acceptance.deployment import Deployment, until, upload
from tests.acceptance.pictures import picture

EXAMPLES = (15, pytest.param(60, marks=pytest.mark.long))
"""Of each operation."""


def test_the_document_is_served(shared: Deployment) -> None:
    document = httpx.get(f"{shared.url('primary')}/openapi.json", trust_env=False).json()
    assert document["openapi"].startswith("3.1") and "/photos/{photoId}/commit" in document["paths"]


@pytest.mark.parametrize("examples", EXAMPLES)
@pytest.mark.parametrize("state", ["active", "fenced"])
def test_no_server_error_and_no_answer_against_the_schema(shared: Deployment, tmp_path: Path, state: str, examples: int) -> None:
    with shared.region("primary") as http:
        photo = upload(http, picture(1)).json()["photoId"]
        for n in range(3):
            http.post(f"/comments/{photo}", json={"message": f"comment {n}"}).raise_for_status()
    shared.run("state", "set", state)
    until(lambda: shared.state("primary")["state"] == state, "the state")
    config = tmp_path / "schemathesis.toml"
    config.write_text(
        f'[parameters]\n"path.photoId" = "{photo}"\n"path.appId" = "{shared.described()["appId"]}"\n'
        # 413 is a refusal, too: a size over the limit may be noticed before another field is looked at
        "[checks.negative_data_rejection]\nexpected-statuses = [400, 401, 403, 404, 405, 409, 411, 413, 415, 503]\n"
    )
    command = [
        str(Path(sys.executable).parent / "schemathesis"), f"--config-file={config}", "run", f"{shared.url('primary')}/openapi.json",
        "--header", f"Authorization: {shared.operator['Authorization']}",
        "--exclude-path", "/state/{appId}/events",  # has no end; its test is in test_state.py
        "--checks", "all",
        "--exclude-checks", "positive_data_acceptance",  # a schema cannot say which cursors were given out
        "--max-examples", str(examples), "--generation-deterministic", "--no-color",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=tmp_path)
    shared.run("state", "set", "active")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "Tested: 12" in done.stdout, done.stdout[-3000:]
