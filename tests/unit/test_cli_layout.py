"""What commands print is whole on a narrow terminal and on a wide one: nothing is cut, and everything is said."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console, RenderableType

from multiregion.cli.authority import show
from multiregion.cli.headline import headline
from multiregion.cli.losses import losses_list
from multiregion.cli.state import history_list
from multiregion.cli.status import print_differences, rendered
from multiregion.cli.users import users_list
from multiregion.commands.layout import counted, size_words
from multiregion.gallery.commands import photos_list

LEVEL = {"seconds": 0.0, "changes": 0, "bytes": 0}
UNKNOWN = {"seconds": None, "changes": None, "bytes": None}
DOWN = {"answers": False, "detail": "no answer (ConnectError)"}
REASON = "replication: the other region does not answer"


def region(state: str = "active", *, writes: bool = False, lag: dict[str, Any] = LEVEL, reasons: tuple[str, ...] = ()) -> dict[str, Any]:
    counts = {"photos": 12_345, "users": 678}
    rest = {"epoch": 12, "sequence": 1_234_567, "counts": counts, "losses": 0, "degradedSince": None}
    return {"answers": True, "ready": True, "state": state, "writes": writes, "lag": lag, "reasons": list(reasons), **rest}


WELL = {"problem": None, "since": None}


def found(primary: dict[str, Any], secondary: dict[str, Any], writing: dict[str, Any] | None = None) -> dict[str, Any]:
    regions = {"primary": "us-west-1", "secondary": "ap-northeast-1"}
    last = {"at": "2026-01-31T12:00:00.000Z", "actor": "maria", "reason": "[maintenance]"}
    status = {"primary": primary, "secondary": secondary}
    return {"state": "active", "epoch": 12, "writer": "us-west-1", "regions": regions, "lastChange": last, "status": status} | {
        "authority": {"writing": WELL if writing is None else writing}
    }


def shown(what: RenderableType, width: int) -> str:
    file = StringIO()
    Console(file=file, width=width, highlight=False).print(what)
    lines = file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in file.getvalue()
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 200])
def test_the_status_says_everything_of_both_regions(width: int) -> None:
    behind = {"seconds": 33.24, "changes": 1_234, "bytes": 2_500_000}
    said = shown(rendered(found(region(writes=True), region(lag=behind, reasons=(REASON,)))), width)
    for fact in ("N. California", "us-west-1", "primary", "Tokyo", "ap-northeast-1", "secondary", "writes", "reads", "level"):
        assert fact in said
    for fact in ("33.2 s", "1,234 changes", "2.5 MB", "1,234,567", "12,345", "678", "because: [maintenance]", REASON):
        assert fact in said


def test_one_of_a_kind_is_one() -> None:
    said = shown(rendered(found({**region(writes=True), "counts": {"photos": 1, "users": 2}}, region())), 80)
    assert "1 photo ·" in said and "2 users" in said


@pytest.mark.parametrize("width", [80, 200])
def test_an_authority_that_cannot_write_is_told(width: int) -> None:
    trouble = {"problem": "the disk is full", "since": "2026-01-31T12:00:00.000Z"}
    both = region(writes=True), region()
    assert "✗ The authority: the disk is full, since 2026-01-31T12:00:00.000Z" in shown(rendered(found(*both, trouble)), width)
    assert "The authority:" not in shown(rendered(found(*both)), width)


@pytest.mark.parametrize("width", [80, 200])
def test_what_is_unknown_is_said_to_be(width: int) -> None:
    said = shown(rendered(found(DOWN, region(lag=UNKNOWN))), width)
    assert "✗ down" in said and "no answer (ConnectError)" in said
    assert said.count("unknown") == 2 and "level" not in said and "0.0 s" not in said


@pytest.mark.parametrize("width", [80, 200])
def test_what_somebody_has_to_know_or_decide_is_said(width: int) -> None:
    since = "2026-01-31T12:00:00.000Z"
    primary = {**region(writes=True), "degradedSince": since, "losses": 1}
    said = " ".join(shown(rendered(found(primary, region())), width).split())
    assert f"since {since} writes are acknowledged without the other region" in said
    assert "1 entry of the loss ledger to decide about: multiregion loss list" in said


@pytest.mark.parametrize("width", [80, 200])
def test_a_word_that_only_an_operator_can_say_is_said_once(width: int) -> None:
    word = "multiregion authority recover"
    waiting = {**region(reasons=("the authority knows less",)), "ready": False, "needs": word}
    said = shown(rendered(found(waiting, waiting)), width)
    assert said.count(f"Run: {word}") == 1 and said.count("◌ reads only") == 2 and said.count("the authority knows less") == 2


def test_two_lines_for_each_region_on_a_narrow_terminal_and_one_on_a_wide_one() -> None:
    both = rendered(found(region(writes=True), region()))
    assert len(shown(both, 80).splitlines()) == 2 + 2 * 2
    assert len(shown(both, 200).splitlines()) == 2 + 1 + 2


@pytest.mark.parametrize("width", [80, 200])
def test_photos_are_listed_whole(width: int) -> None:
    photo = {"photoId": "p-" + "a" * 32, "user": "jonathan", "caption": "[/] a\nfig [bold]", "width": 8000, "height": 6000}
    said = shown(photos_list([{**photo, "size": 24_000_000, "createdAt": "2026-01-31T12:00:00.000Z"}]), width)
    for fact in (photo["photoId"], "jonathan", "[/] a fig [bold]", "8000 x 6000", "24.0 MB", "2026-01-31 12:00"):
        assert str(fact) in said


@pytest.mark.parametrize("width", [80, 200])
def test_users_are_listed_whole(width: int) -> None:
    user = {"username": "jonathan.livingston", "email": "jonathan.livingston@photographs.example.com", "phone": "+12065550100"}
    said = shown(users_list([{**user, "status": "CONFIRMED", "enabled": False, "createdAt": "2026-01-31T12:00:00.000Z"}]), width)
    for fact in (*user.values(), "disabled", "2026-01-31"):
        assert fact in said


@pytest.mark.parametrize(("size", "words"), [(999, "999 bytes"), (1_500, "2 kB"), (53_400, "53 kB"), (26_214_400, "26.2 MB")])
def test_sizes_in_words(size: int, words: str) -> None:
    assert size_words(size) == words


def test_one_is_no_plural() -> None:
    assert [counted(number, "user") for number in (0, 1, 1_200)] == ["0 users", "1 user", "1,200 users"]


@pytest.mark.parametrize("width", [80, 200])
def test_losses_are_listed_whole(width: int) -> None:
    loss = {"id": "12.1234567", "at": "2026-01-31T12:00:00.000Z", "user": "jonathan", "bytes": 1_234_567, "outcome": "pending"}
    what = "comment: [bold] " + " ".join(["late at night"] * 5)
    pending = {**loss, "what": what, "decidedBy": None}
    decided = {**loss, "what": "delete photo", "outcome": "discarded", "decidedBy": "maria"}
    said = " ".join(shown(losses_list([pending, decided]), width).split())
    for fact in ("12.1234567", "2026-01-31 12:00:00 UTC", "jonathan", what, "pending", "delete photo", "discarded by maria"):
        assert fact in said


def line(what: str = "state", **more: Any) -> dict[str, Any]:
    told = {"what": what, "epoch": 12, "at": "2026-01-31T12:00:00.000Z", "state": "failover", "actor": "maria", "reason": "[storm]"}
    return {**told, "facts": {}, "count": 1, **more}


@pytest.mark.parametrize("width", [80, 200])
def test_the_history_says_what_a_takeover_knew(width: int) -> None:
    facts = {
        "watermark": {"epoch": 11, "sequence": 205},
        "predictedLoss": {"changes": 3, "bytes": 9, "seconds": 6.25},
        "acceptedLoss": True,
    }
    unknown = {**facts, "predictedLoss": None, "acceptedLoss": False}
    said = " ".join(shown(history_list([line(facts=facts), line(facts=unknown, epoch=10)]), width).split())
    for fact in ("2026-01-31 12:00:00 UTC", "epoch 12", "failover", "by maria", "[storm]", "after change 205", "loss accepted"):
        assert fact in said
    assert "3 known changes, and the last 6.2 s" in said and "unknown, or nothing" in said


def test_many_decisions_about_losses_do_not_hide_the_others() -> None:
    many = line("loss", reason="applied", facts={"record": "comments/p/1"}, count=40)
    single = line("loss", reason="discarded", facts={"record": "photos/p"})
    said = shown(history_list([many, single, line(), line("automatic", reason="paused")]), 80)
    assert "40 lost writes" in said and "photos/p" in said and "automatic: paused" in said
    assert len(said.splitlines()) == 2 + 2 + 2 + 1
    assert "accept-history:" not in shown(history_list([line("accept-history", reason="")]), 80)


DIGEST = "5" * 64


@pytest.mark.parametrize(
    ("needed", "words"),
    [
        ({}, ""),
        ({"neededBy": ["photos/sea"], "neededByMore": 0}, "; needed by photos/sea"),
        (
            {"neededBy": ["photos/a", "photos/b", "photos/c", "photos/d"], "neededByMore": 2},
            "; needed by photos/a, photos/b, photos/c and 3 more",
        ),
    ],
)
def test_a_difference_names_its_object_once_and_a_few_that_need_it(
    needed: dict[str, Any], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_differences([{"kind": "object", "name": DIGEST, "problem": "damaged in us-west-1", **needed}], 1)
    assert capsys.readouterr().out == f"  object {DIGEST}: damaged in us-west-1{words}\n"


TAKEOVER = {"epoch": 12, "at": "2026-01-31T12:00:00.000Z", "reason": "the lease [has] run out"}
AUTOMATIC = {"mode": "automatic", "paused": False, "unacknowledged": False, "takeover": None, "waitsBecause": "it waits", "movesNow": None}


def first_lines(status: dict[str, Any], automatic: dict[str, Any] | None = None) -> list[str]:
    return [line.plain for line in headline(status | ({"automatic": automatic} if automatic else {}))]


@pytest.mark.parametrize(
    ("primary", "state", "words"),
    [
        (region(writes=True), "active", "active, epoch 12: the application points to us-west-1; writes go to us-west-1."),
        (DOWN, "active", "✗ us-west-1 does not answer, and no other region takes writes. The state is active, epoch 12."),
        ({**DOWN, "damaged": True}, "active", "✗ us-west-1 has a damaged database, and no other region takes writes."),
        (region(), "active", "✗ us-west-1, which is to take the writes, takes none now. The state is active, epoch 12."),
        (region(), "fenced", "fenced, epoch 12: the application points to us-west-1; nothing can be written."),
        (DOWN, "fenced", "✗ us-west-1 does not answer, and the application points to it. The state is fenced, epoch 12."),
    ],
)
def test_the_first_line_of_the_status_is_what_is_true(primary: dict[str, Any], state: str, words: str) -> None:
    status = found(primary, region()) | {"state": state, "writer": "us-west-1" if state == "active" else None}
    (first,) = first_lines(status)
    assert first.startswith(words)


def test_the_status_says_that_takeover_is_automatic_and_what_holds_it_back() -> None:
    well, down = found(region(writes=True), region()), found(DOWN, region())
    assert first_lines(well, AUTOMATIC)[1:] == ["Takeover is automatic."]
    assert first_lines(down, AUTOMATIC)[1:] == ["Takeover is automatic. No takeover now: it waits."]
    assert first_lines(down, {**AUTOMATIC, "waitsBecause": None})[1:] == ["Takeover is automatic. A takeover is under way."]
    assert first_lines(well, {**AUTOMATIC, "paused": True})[1:] == ["Takeover is automatic but paused."]
    assert first_lines(well, {**AUTOMATIC, "mode": "manual"})[1:] == []
    taken, mode = first_lines(well, {**AUTOMATIC, "takeover": TAKEOVER})[1:]
    assert "not acknowledged" in taken and "multiregion automatic acknowledge" in taken and mode == "Takeover is automatic."


def test_the_automatic_mode_shows_which_takeover_is_meant_and_what_its_acknowledgement_lets_happen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show({**AUTOMATIC, "takeover": TAKEOVER, "movesNow": "the lease has run out"}, json=False)
    said = capsys.readouterr().out
    for fact in ("2026-01-31 12:00:00 UTC, epoch 12, because: the lease [has] run out", "multiregion automatic acknowledge"):
        assert fact in said
    assert "Once it is acknowledged, writing moves again at once: the lease has run out." in said and "No takeover now: it waits." in said
    show({**AUTOMATIC, "waitsBecause": None, "movesNow": "the lease has run out"}, json=False)
    assert "A takeover begins now, or has begun: the lease has run out." in capsys.readouterr().out
