"""What an order's command exits with, and what it says on standard error: the region that serves now decides."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from multiregion.cli import refuse_unreadable
from multiregion.cli.state import finish, history_list, warnings
from multiregion.errors import InvalidInput
from tests.unit.test_cli_layout import shown

END = {"state": "failover", "epoch": 3, "writer": "ap-northeast-1", "regions": {"primary": "us-east-1", "secondary": "ap-northeast-1"}}
READ_ONLY = {**END, "writer": None}
FENCED = {**READ_ONLY, "state": "fenced"}
BOTH = ("us-east-1", "ap-northeast-1")


def admitted(region: str, outcome: str = "done") -> dict[str, Any]:
    return {"step": {"name": f"admit {region}", "outcome": outcome, "seconds": 0.1, "detail": "x", "region": region, "epoch": 7}}


def events(end: dict[str, Any], *silent: str, before: tuple[dict[str, Any], ...] = ()) -> Iterator[dict[str, Any]]:
    yield from before
    yield from (admitted(region, "not confirmed" if region in silent else "done") for region in BOTH)
    yield {"end": end}


@pytest.mark.parametrize("json", [False, True])
@pytest.mark.parametrize(("end", "silent"), [(END, "us-east-1"), (READ_ONLY, "us-east-1"), (FENCED, "ap-northeast-1")])
def test_a_region_that_does_not_serve_may_be_untold(
    end: dict[str, Any], silent: str, json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    finish(events(end, silent), json)
    assert capsys.readouterr().err == f"Warning. {silent} could not be told; it learns the state when it is back.\n"


@pytest.mark.parametrize(("end", "silent"), [(END, "ap-northeast-1"), (FENCED, "us-east-1")])
def test_the_region_that_serves_must_have_confirmed(end: dict[str, Any], silent: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as done:
        finish(events(end, silent), json=False)
    assert done.value.exit_code == 1


def test_a_region_that_has_confirmed_in_the_end_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """At the fence it did not answer, at the hand over it did."""
    finish(events(END, before=(admitted("us-east-1", "not confirmed"),)), json=False)
    assert capsys.readouterr().err == "" and warnings.stderr


@pytest.mark.parametrize("end", [END, READ_ONLY])
def test_a_loss_is_announced_only_where_the_writing_has_moved(end: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    finish(events(end, "us-east-1"), json=False, lost=True)
    assert ("multiregion loss list" in capsys.readouterr().out) is (end is END)


def test_a_step_on_the_way_is_told_from_what_somebody_wanted() -> None:
    line = {**FENCED, "what": "state", "actor": "ada", "at": "2026-01-02T03:04:05Z", "reason": "", "facts": {}}
    towards = {"facts": {"towards": {"state": "failover", "writable": True}}}
    assert "on the way to" not in shown(history_list([line]), 80)
    assert "on the way to failover, writable" in shown(history_list([{**line, **towards}]), 80)


def test_what_is_not_in_utf_8_is_a_wrong_call() -> None:
    refuse_unreadable(["photo", "import", "Fotos-zürich"])
    with pytest.raises(InvalidInput, match="caf\ufffd is not in UTF-8"):
        refuse_unreadable(["photo", "import", os.fsdecode(b"caf\xe9")])
