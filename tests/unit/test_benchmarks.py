"""The benchmarks' arithmetic, their table, their arguments and how their client reads answers. How fast anything is, is not tested."""

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from benchmarks.__main__ import BENCHMARKS, Run, arguments_of, main, measure, show
from benchmarks.figures import Beside, Row, at_least, at_most, gaps, lags, number, percentile
from benchmarks.load import GOOD, NUMBER, Order, Outcome, answer_in, numbered, request_of
from benchmarks.stage import Stage
from benchmarks.uploading import form_of

ORDER = Order(8081, "POST", "/comments/p", {"Authorization": "token"}, 1, 1.0, '{"message": "ä @@@@@@@@@@"}')


@pytest.mark.parametrize(("percent", "expected"), [(0, 1), (1, 1), (50, 50), (99, 99), (99.5, 100), (100, 100)])
def test_percentiles_are_values_that_were_measured(percent: float, expected: float) -> None:
    assert percentile(range(100, 0, -1), percent) == expected


def test_a_percentile_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_gaps_count_where_they_touch_the_span() -> None:
    times = [0.0, 1.0, 2.0, 7.0, 8.0, 20.0]
    assert gaps(times, 3.0, 7.5) == [5.0, 1.0]
    assert gaps(times, 9.0, 10.0) == [12.0]
    assert gaps(times, 21.0, 22.0) == []


def test_lags_pair_acknowledgements_with_what_was_seen() -> None:
    seen = [(1.0, 10), (1.5, 12), (3.0, 13)]
    assert lags([1.25, 1.5, 2.0], 10, seen) == [0.25, 0.0, 1.0]


def test_a_write_that_was_never_seen_has_no_lag() -> None:
    with pytest.raises(ValueError, match="change 12 was never seen"):
        lags([1.0, 1.0], 10, [(1.0, 11)])


def test_targets_and_ratios() -> None:
    fast = Row("reads", 200.0, "requests/s", at_least(100), Beside("peer", 50.0))
    slow = Row("wait", 200.0, "ms", at_most(100))
    assert (fast.met, fast.ratio) == (True, 4.0)
    assert (slow.met, slow.ratio) == (False, None)
    assert Row("size", 1.0, "MB").met is None


@pytest.mark.parametrize(("value", "text"), [(12345.6, "12,346"), (99.94, "99.9"), (9.994, "9.99"), (0.0, "0.00")])
def test_numbers_are_shown_as_precisely_as_they_are_known(value: float, text: str) -> None:
    assert number(value) == text


def test_the_table_says_what_was_missed_and_what_failed() -> None:
    rows = [Row("reads", 200.0, "requests/s", at_least(100), Beside("peer", 50.0), "a note"), Row("wait", 200.0, "ms", at_most(100))]
    file = io.StringIO()
    show(Run("a machine", True, 0.5, rows, {"lag": "OSError: gone"}), Console(file=file, width=200))
    said = file.getvalue()
    assert "quick, not to be quoted" in said and "lag: OSError: gone" in said and "1 of 2 targets missed" in said
    assert next(line for line in said.splitlines() if line.startswith("reads")).split() == [
        "reads", "200", "requests/s", "✓", "≥", "100", "peer", "50.0", "4.00", "a", "note",
    ]  # fmt: skip


def test_names_choose_benchmarks_and_none_means_all() -> None:
    assert arguments_of(["lag", "reads", "--quick"]).names == ["lag", "reads"]
    assert arguments_of([]).names == list(BENCHMARKS)


def test_an_unknown_name_is_named_and_nothing_runs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["speed"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "there is no benchmark speed" in said and "catching-up" in said


def test_a_benchmark_that_fails_is_reported_and_the_next_one_runs() -> None:
    def failing(stage: Stage) -> Iterator[Row]:
        raise OSError("no room")

    def working(stage: Stage) -> Iterator[Row]:
        yield Row("writes", 1.0, "requests/s")

    run = Run("a machine", True, 0.0, [], {})
    with Stage(quick=True) as stage:
        measure({"reads": failing, "writes": working}, stage, run, Console(file=io.StringIO()))
    assert run.failed == {"reads": "OSError: no room"}
    assert [row.what for row in run.rows] == ["writes"]


def test_a_request_states_the_bytes_of_its_body() -> None:
    head, _, body = request_of(ORDER).partition(b"\r\n\r\n")
    assert head.startswith(b"POST /comments/p HTTP/1.1\r\nHost: 127.0.0.1:8081\r\n")
    assert f"Content-Length: {len(body)}".encode() in head


def test_every_request_has_a_number_of_its_own_and_the_same_length() -> None:
    make = numbered(request_of(ORDER))
    made = [make() for _ in range(3)]
    assert len(set(made)) == 3 and {len(each) for each in made} == {len(request_of(ORDER))}
    assert all(NUMBER not in each for each in made)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Len", None),
        (b"HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n", (36, False)),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab", (43, False)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", (57, True)),
    ],
)
def test_the_end_of_an_answer_is_known_from_its_head(data: bytes, expected: tuple[int, bool] | None) -> None:
    assert answer_in(data) == expected


def test_only_good_answers_count_as_requests_and_as_writes() -> None:
    times = [(3.0, 201), (1.0, 201), (2.0, 409), (4.0, 503)]
    outcome = Outcome(2.0, 1.0, [0.1] * 4, {201: 2, 409: 1, 503: 1}, 0, times)
    assert (outcome.per_second, outcome.client_share, outcome.good_times) == (1.0, 0.5, [1.0, 3.0])
    assert set(GOOD) == {200, 201}


def test_an_upload_has_its_fields_before_the_file() -> None:
    before, behind = form_of({"key": "value", "policy": "signed"})
    assert before.index(b'name="key"') < before.index(b'name="policy"') < before.index(b'name="file"')
    assert before.endswith(b"\r\n\r\n") and behind == b"\r\n--benchmark--\r\n"
