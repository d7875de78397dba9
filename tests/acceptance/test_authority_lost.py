"""The authority's folder is lost, or put back from an old copy: `up` starts, reads are served, and its own message mends it."""

import shutil
from collections.abc import Callable
from functools import partial

import httpx
import pytest

from tests.acceptance.deployment import Deployment, deployed, until, upload
from tests.acceptance.pictures import picture

WORD = "multiregion authority recover"


def lost(deployment: Deployment) -> None:
    shutil.rmtree(deployment.data / "authority")


def old(deployment: Deployment) -> None:
    """The copy that `written` has made."""
    shutil.rmtree(deployment.data / "authority")
    shutil.copytree(deployment.data.parent / "copy", deployment.data / "authority")


def written(deployment: Deployment) -> None:
    """A photo in both regions; and decisions that the copy does not have."""
    with deployment.region("primary") as http:
        assert upload(http, picture(1), photoId="kept").status_code == 201
    deployment.kill("authority")
    shutil.copytree(deployment.data / "authority", deployment.data.parent / "copy")
    deployment.restart("authority")
    deployment.run("failover", "--writable")
    deployment.run("failback")


def needing(http: httpx.Client) -> httpx.Response | None:
    """A region hears what the authority says a moment after that serves again."""
    ready = http.get("/readyz")
    return ready if ready.json()["needs"] == WORD else None


def serves_reads(deployment: Deployment) -> None:
    for role in ("primary", "secondary"):
        with deployment.region(role) as http:
            assert [photo["photoId"] for photo in http.get("/photos").json()["photos"]] == ["kept"]
            refused = http.post("/comments/kept", json={"message": "no"})
            assert (refused.status_code, refused.json()["code"]) in {(503, "not_ready"), (409, "fenced")}
            ready = until(partial(needing, http), "the region says what it needs")
            assert ready.status_code == 503
            assert any(why in ready.json()["reasons"][0] for why in ("this region obeys epoch 5", "has lost its history"))
            assert WORD in ready.json()["reasons"][0]


@pytest.mark.parametrize("mode", ["manual", "automatic"])
@pytest.mark.parametrize("loss", [lost, old])
def test_up_starts_says_what_to_do_and_it_works_there_and_then(
    tmp_path_factory: pytest.TempPathFactory, loss: Callable[[Deployment], None], mode: str
) -> None:
    options = ("--automatic",) if mode == "automatic" else ()
    with deployed(tmp_path_factory.mktemp("authority"), *options) as deployment:
        written(deployment)
        deployment.stop()
        loss(deployment)
        deployment.start()
        said = deployment.said()
        assert "Two regions are up, and serve reads only" in said and WORD in said
        serves_reads(deployment)
        assert WORD in deployment.run("status", code=1).stdout
        assert WORD in deployment.run("state", "set", "active", code=1).stderr
        deployment.kill("secondary")
        started = deployment.run("chaos", "start", "ap-northeast-1", code=1)
        assert "was started and serves reads" in started.stderr and WORD in started.stderr
        deployment.run("authority", "recover")
        deployment.run("failback")
        with deployment.region("primary") as http:
            until(lambda: http.post("/comments/kept", json={"message": "again"}).status_code == 201, "it writes again")
        assert deployment.ask("status")["status"]["secondary"]["ready"]
        assert deployment.stop() == 0


def test_a_damaged_file_of_the_authority_is_mended_as_its_message_says(tmp_path_factory: pytest.TempPathFactory) -> None:
    with deployed(tmp_path_factory.mktemp("authority")) as deployment:
        written(deployment)
        deployment.stop()
        deployment.environment["COLUMNS"] = "400"  # or the file's path, which is long here, may be broken
        file = deployment.data / "authority" / "authority.db"
        file.write_bytes(b"not a database at all" * 1000)
        deployment.launch()
        told = ("without their authority", f"{file} is damaged", "Move it and its -wal and -shm files away and start it again", WORD)
        until(lambda: all(words in " ".join(deployment.said().split()) for words in told), "up without its authority, and why")
        for name in ("", "-wal", "-shm"):
            moved = file.with_name(f"authority.db{name}")
            if moved.exists():
                moved.rename(deployment.data.parent / moved.name)
        deployment.run("chaos", "start", "authority")
        serves_reads(deployment)
        deployment.run("authority", "recover")
        deployment.run("failback")
        with deployment.region("primary") as http:
            until(lambda: http.post("/comments/kept", json={"message": "again"}).status_code == 201, "it writes again")
