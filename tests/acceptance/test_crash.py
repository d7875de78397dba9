"""The primary is killed at random moments while sixteen clients write: what was acknowledged is there, whole, in both regions."""

import io
import random
import time
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.acceptance.clients import Heard, everything, writing
from tests.acceptance.deployment import Deployment, until, upload
from tests.acceptance.pictures import picture

CLIENTS = 16
KILLS = (5, pytest.param(20, marks=pytest.mark.long))


@pytest.mark.parametrize("kills", KILLS)
def test_every_acknowledged_write_survives_crashes(fresh: Deployment, kills: int) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    with fresh.region("primary") as http:
        subject = upload(http, picture(0), photoId="subject").json()["photoId"]
    with writing(fresh, subject, CLIENTS) as heard:
        for _ in range(kills):
            time.sleep(chance.uniform(0.05, 0.8))
            fresh.kill("primary")
            fresh.restart("primary")
        time.sleep(0.5)
    assert heard.surprises == []
    assert len(heard.comments) > 10 * kills and len(heard.photos) > kills // 2 and heard.unknown
    until(fresh.level, "both regions are level", 60)
    assert fresh.ask("verify")["equal"]
    for role in ("primary", "secondary"):
        check_region(fresh, role, subject, heard)
        check_objects(fresh.data / role / "objects" / "kept")


def check_region(deployment: Deployment, role: str, subject: str, heard: Heard) -> None:
    """Everything acknowledged is there once and as it was acknowledged; beside it only what nobody was told about."""
    with deployment.region(role) as http:
        comments = everything(http, f"/comments/{subject}", "comments")
        photos = everything(http, "/photos", "photos")
        by_id = {comment["commentId"]: comment for comment in comments}
        assert len(by_id) == len(comments)
        assert {id: by_id.get(id) for id in heard.comments} == heard.comments
        assert set(by_id) - set(heard.comments) <= heard.unknown
        shown = {photo["photoId"]: photo for photo in photos}
        assert set(heard.photos) - heard.perhaps_deleted <= set(shown)
        assert not heard.deleted & set(shown)
        assert set(shown) - set(heard.photos) - {subject} <= heard.unknown
        for photo in photos:
            data = httpx.get(photo["url"], trust_env=False).content
            assert (sha256(data).hexdigest(), len(data)) == (photo["sha256"], photo["size"])
            Image.open(io.BytesIO(data)).load()
            Image.open(io.BytesIO(httpx.get(photo["thumbnailUrl"], trust_env=False).content)).load()


def check_objects(kept: Path) -> None:
    """No file under a digest's name holds anything but that object."""
    files = [path for path in kept.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if sha256(path.read_bytes()).hexdigest() != path.name] == []
