"""What would be lost is said before: passwords and sign-outs by their name, photos on their way in, unknown as unknown."""

from hashlib import sha256
from pathlib import Path

import httpx

from tests.acceptance.deployment import PASSWORD, Deployment, until, upload
from tests.acceptance.operators import Operator
from tests.acceptance.pictures import picture

NEW_PASSWORD = "an-entirely-new-1"


def objects(deployment: Deployment) -> set[Path]:
    return {file for file in (deployment.data / "primary" / "objects" / "kept").rglob("*") if file.is_file()}


def hold_up_replication(deployment: Deployment) -> None:
    """A photo whose bytes cannot be fetched: what comes after it is known of in the other region, and cannot be applied there."""
    before = objects(deployment)
    with deployment.region("primary") as http:
        assert upload(http, picture(1), photoId="stuck").status_code == 201
    for file in objects(deployment) - before:
        file.rename(file.with_suffix(".away"))


def begin_an_upload(deployment: Deployment) -> None:
    """Announced and uploaded; the commit never comes."""
    data = picture(2)
    with deployment.region("primary") as http:
        said = {"contentType": "image/jpeg", "size": len(data), "sha256": sha256(data).hexdigest()}
        form = http.post("/photos", json=said).json()["upload"]
    sent = httpx.post(form["url"], data=form["fields"], files={"file": ("photo", data, "image/jpeg")}, trust_env=False)
    assert sent.status_code == 204


def change_password(deployment: Deployment, name: str) -> None:
    token = deployment.sign_in("primary", name, PASSWORD)["AccessToken"]
    changed = deployment.cognito("primary", "ChangePassword", AccessToken=token, PreviousPassword=PASSWORD, ProposedPassword=NEW_PASSWORD)
    assert changed.status_code == 200


def test_a_takeover_names_the_credentials_and_the_photos_that_it_would_lose(fresh: Deployment) -> None:
    operator = Operator(fresh)
    fresh.invite("hopper")
    fresh.invite("lovelace")
    operator.until_level()
    fresh.change_wire(cut=True)
    hold_up_replication(fresh)
    change_password(fresh, "hopper")
    fresh.run("user", "disable", "lovelace")
    begin_an_upload(fresh)
    fresh.change_wire(cut=False)
    wanted = [{"what": "disabled", "user": "lovelace"}, {"what": "password", "user": "hopper"}]
    until(lambda: (operator.report("secondary")["missing"] or {}).get("credentials") == wanted, "the secondary has heard of them")
    until(lambda: operator.report("secondary")["missing"]["uploadsInFlight"] == {"photos": 1}, "and of the upload")
    shown = fresh.run("status", code=None).stdout
    assert "disabled of lovelace, password of hopper" in " ".join(shown.split()) and "1 photo on the way in" in shown

    fresh.kill("primary")
    answer = fresh.ask("failover", "--writable", "--region-lost", "--accept-loss")
    (predicted,) = [step["detail"] for step in answer["steps"] if step["name"] == "predict"]
    assert "among them disabled of lovelace, password of hopper" in predicted and "uploaded again: 1" in predicted
    facts = operator.history()[0]["facts"]
    assert facts["predictedLoss"]["credentials"] == wanted and facts["predictedLoss"]["uploadsInFlight"] == {"photos": 1}
    history = " ".join(fresh.run("state", "history").stdout.split())
    assert "password of hopper" in history and "1 photo on the way in" in history
    assert fresh.sign_in("secondary", "hopper", PASSWORD)["IdToken"], "the old password counts there, as was said"
