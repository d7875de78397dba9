"""What an operator may set, by the environment and by options: plain numbers, known names, a folder that is one."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from multiregion.config import Settings, data_of, default_data, read_settings, read_settings_of, setting, unknown_variables
from multiregion.errors import InvalidInput

NO_NUMBERS = ["", "0", "-1", "inf", "Infinity", "nan", "1e309", "1_000", "\uff11\uff10", "\u0663", "+5", "0x10", " 5", "5 s", "9" * 41]


@pytest.mark.parametrize("text", NO_NUMBERS)
@pytest.mark.parametrize("name", ["MULTIREGION_LEASE_SECONDS", "MULTIREGION_TICKET_SECONDS"])
def test_what_is_not_plainly_a_number_above_0_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name} must be a .*number above 0, in plain digits"):
        read_settings({name: text})


@pytest.mark.parametrize("text", ["1.5", "1e3"])
def test_a_whole_number_has_no_fraction(text: str) -> None:
    with pytest.raises(InvalidInput, match="must be a whole number"):
        read_settings({"MULTIREGION_TICKET_SECONDS": text})


@pytest.mark.parametrize(("text", "value"), [("3", 3.0), ("0.5", 0.5), (".5", 0.5), ("1e3", 1000.0), ("2E-1", 0.2), ("007", 7.0)])
def test_plain_numbers_are_taken(text: str, value: float) -> None:
    assert read_settings({"MULTIREGION_LEASE_SECONDS": text}).lease_seconds == value


def test_a_variable_that_nobody_reads_is_told_with_the_one_that_may_have_been_meant() -> None:
    known = {"MULTIREGION_LEASE_SECONDS": "1", "MULTIREGION_DATA": "x", "MULTIREGION_PASSWORD": "x", "PATH": "x", "MULTI": "x"}
    assert unknown_variables(known) == []
    assert unknown_variables({**known, "MULTIREGION_LEASE_SECONDSS": "1", "MULTIREGION_ZZZ": "1"}) == [
        "the variable MULTIREGION_LEASE_SECONDSS is not known and has no effect: did you mean MULTIREGION_LEASE_SECONDS?",
        "the variable MULTIREGION_ZZZ is not known and has no effect",
    ]


@dataclass(frozen=True, kw_only=True)
class Bakery(Settings):
    breads_max: int = setting(10, "breads", "how many breads there may be")


def test_an_application_has_settings_of_its_own_beside_the_products() -> None:
    found = read_settings_of(Bakery, {"MULTIREGION_BREADS_MAX": "3", "MULTIREGION_LEASE_SECONDS": "1"}, {"ticket_seconds": "9"})
    assert (found.breads_max, found.lease_seconds, found.ticket_seconds) == (3, 1.0, 9)
    with pytest.raises(InvalidInput, match="MULTIREGION_BREADS_MAX must be a whole number above 0"):
        read_settings_of(Bakery, {"MULTIREGION_BREADS_MAX": "many"})
    assert unknown_variables({"MULTIREGION_BREADS_MAX": "3"}, Bakery) == [] != unknown_variables({"MULTIREGION_BREADS_MAX": "3"})


def test_a_setting_is_known_by_its_former_name_unless_the_new_one_is_given() -> None:
    former = {"MULTIREGION_PHOTO_BYTES_MAX": "7"}
    assert read_settings(former).upload_bytes_max == 7 and unknown_variables(former) == []
    assert read_settings({**former, "MULTIREGION_UPLOAD_BYTES_MAX": "8"}).upload_bytes_max == 8


@pytest.mark.parametrize("text", ["", " "])
def test_no_name_is_not_the_present_folder(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match="is empty: name the deployment's folder"):
        data_of(text)
    monkeypatch.setenv("MULTIREGION_DATA", text)
    with pytest.raises(InvalidInput, match="is empty"):
        default_data()
    monkeypatch.delenv("MULTIREGION_DATA")
    assert default_data() == Path(".multiregion") and data_of("x") == Path("x")
