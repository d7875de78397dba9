"""`multiregion user …` as a process, against both regions' real sockets."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from multiregion.accounts.accounts import NewPasswordNeeded
from multiregion.local.deployment import Admin, AuthorityPlace, DataFolder, LocalDeployment
from multiregion.states import State
from tests.identity_server import Servers, serving
from tests.identity_world import ADDRESS

RUN = "from multiregion.cli import main; main()"


class Command:
    """`multiregion user` with the data folder of the servers."""

    def __init__(self, servers: Servers, folder: Path) -> None:
        self.servers = servers
        self.folder = folder

    def __call__(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-c", RUN, "user", *words, "--data", str(self.folder)],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
        )
        assert done.returncode == code, done.stderr
        return done

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json").stdout)

    def sign_in(self, name: str, password: str) -> NewPasswordNeeded:
        outcome = self.servers.run(self.servers.world.a.accounts.sign_in(name, password, address=ADDRESS))
        assert isinstance(outcome, NewPasswordNeeded)
        return outcome


@pytest.fixture
def user(tmp_path: Path) -> Iterator[Command]:
    (tmp_path / "regions").mkdir()
    with serving(tmp_path / "regions") as servers:
        deployment = servers.deployment
        DataFolder(tmp_path).write(
            LocalDeployment(
                app_id=deployment.app_id,
                edge=deployment.edge,
                primary=deployment.primary,
                secondary=deployment.secondary,
                authority=AuthorityPlace("http://localhost:9", deployment.operator_token),
                admin=Admin("admin"),
                wire="http://localhost:9",
            )
        )
        servers.run(servers.world.a.accounts.prepare())
        yield Command(servers, tmp_path)


def test_a_users_life(user: Command) -> None:
    added = user("add", "maria", "--email", "maria@example.com", "--phone", "+12065550100")
    password = added.stdout.partition("Temporary password")[2].split()[0]
    assert user.sign_in("maria", password).user.phone == "+12065550100"
    (listed,) = user.json("list")
    assert listed | {"createdAt": ""} == {
        "username": "maria",
        "email": "maria@example.com",
        "phone": "+12065550100",
        "status": "FORCE_CHANGE_PASSWORD",
        "enabled": True,
        "createdAt": "",
    }
    user("disable", "maria")
    assert user.json("list")[0]["enabled"] is False
    assert "disabled" in user("list").stdout
    user("enable", "maria")
    fresh = user.json("reset-password", "maria")
    assert fresh.keys() == {"username", "temporaryPassword"}
    assert fresh["temporaryPassword"] != password
    user.sign_in("maria", fresh["temporaryPassword"])


def test_an_operator_is_one(user: Command) -> None:
    user("add", "root", "--email", "root@example.com", "--operator")
    assert user.servers.run(user.servers.world.a.accounts.users.find("root")).groups == ("operators",)


def test_refusals_go_to_standard_error_and_exit_1(user: Command) -> None:
    user("add", "maria", "--email", "maria@example.com")
    for words, expected in (
        (("add", "maria", "--email", "maria@example.com"), "taken"),
        (("add", "peter", "--email", "nonsense"), "email must look like"),
        (("add", "with space", "--email", "p@example.com"), "Username must be"),
        (("disable", "nobody"), "no user nobody"),
    ):
        refused = user(*words, code=1)
        assert expected in refused.stderr
        assert refused.stdout == ""
    assert len(user.json("list")) == 1


def test_a_wrong_call_exits_2(user: Command) -> None:
    assert "--email" in user("add", "maria", code=2).stderr


@pytest.mark.parametrize("state", [State.FENCED, State.FAILOVER])
def test_while_nobody_writes_it_says_so_and_lists(user: Command, state: State) -> None:
    user("add", "maria", "--email", "maria@example.com")
    user.servers.run(user.servers.world.admit(state))
    for words in (("add", "eve", "--email", "eve@example.com"), ("disable", "maria"), ("reset-password", "maria")):
        assert f"the application is {state}: users cannot be changed now" in user(*words, code=1).stderr
    assert len(user.json("list")) == 1


def test_the_region_that_writes_is_found(user: Command) -> None:
    user("add", "maria", "--email", "maria@example.com")
    servers = user.servers
    servers.run(servers.world.replicate())
    servers.run(servers.world.admit(State.FENCED))
    servers.run(servers.world.admit(State.FAILOVER, writable=True))
    user("add", "peter", "--email", "peter@example.com")
    assert servers.run(servers.world.b.records.count("users")) == 2


def test_without_a_deployment_or_with_one_that_does_not_run(user: Command, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "deployment.json").stat().st_mode) == 0o600
    user.servers.stop()
    for words in (("list",), ("add", "eve", "--email", "eve@example.com")):
        assert "Is `multiregion up` running?" in user(*words, code=1).stderr
    user.folder = tmp_path / "nowhere"
    assert "there is no deployment in" in user("list", code=1).stderr
