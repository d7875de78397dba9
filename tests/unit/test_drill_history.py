"""The recorded history: what is written is read, nothing can be changed or left out, and a crash leaves what is true so far."""

from pathlib import Path

import msgspec
import pytest

from multiregion.drills.bundle import Unreadable, lines_of
from multiregion.drills.history import Client, Event, Header, Operation, Writer, plain, read
from multiregion.errors import InvalidInput

HEADER = Header(
    run=7,
    scenario="crash",
    plan="0" * 64,
    nonce="n",
    seed=1,
    rate=50,
    started="2026-11-28T11:30:00.000Z",
    offsets={"primary": 120, "secondary": None},
    regions={"primary": "us-east-1", "secondary": "ap-northeast-1"},
    clients=[Client(0, "follows"), Client(1, "pinned", "secondary")],
)
OPERATION = Operation(
    c=0,
    k="add",
    id="drill-7-0-1",
    due=1,
    sent=2,
    told=3,
    to="primary",
    out="ok",
    status=201,
    epoch=4,
    region="us-east-1",
    position=(4, 812),
)
EVENT = Event(event="fault", what="kill", part="primary", sent=5, done=6, detail={"event": '"event":'})


def written(path: Path, count: int = 3) -> list[bytes]:
    with Writer(path, HEADER) as writer:
        for number in range(count):
            assert writer.append(OPERATION if number % 2 == 0 else EVENT) == number + 1
    return path.read_bytes().splitlines(keepends=True)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with Writer(path, HEADER) as writer:
        writer.append(OPERATION)
        writer.append(EVENT)
        chain = writer.chain
    found = read(path)
    assert found.header == HEADER
    assert found.operations == [msgspec.structs.replace(OPERATION, i=1)]
    assert found.events == [msgspec.structs.replace(EVENT, i=2)]
    assert found.chain == chain and not found.torn


def test_a_verifier_without_our_structs_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    written(path)
    found = read(path)
    header, *rows = lines_of(path.read_bytes())
    assert header == plain(HEADER)
    assert [row for row in rows if "event" not in row] == plain(found.operations)
    assert [row for row in rows if "event" in row] == plain(found.events)


def test_lines_leave_out_what_is_not_known(tmp_path: Path) -> None:
    line = written(tmp_path / "history.jsonl", 1)[1]
    assert b"null" not in line and b"sha256" not in line


def test_no_file_is_written_over(tmp_path: Path) -> None:
    written(tmp_path / "history.jsonl")
    with pytest.raises(FileExistsError):
        Writer(tmp_path / "history.jsonl", HEADER)


def test_it_is_on_disk_without_being_closed(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    writer = Writer(path, HEADER)
    writer.append(OPERATION)
    writer.sync()
    assert len(read(path).operations) == 1
    writer.close()
    writer.close()


@pytest.mark.parametrize("line", range(4))
def test_a_line_that_is_left_out_is_noticed(tmp_path: Path, line: int) -> None:
    path = tmp_path / "history.jsonl"
    lines = written(path, 4)
    path.write_bytes(b"".join(lines[:line] + lines[line + 1 :]))
    with pytest.raises(InvalidInput, match=f"line {line} of the history"):
        read(path)
    with pytest.raises(Unreadable, match=f"line {line} "):
        lines_of(path.read_bytes())


def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    content = b"".join(written(path))
    for at in range(len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises((InvalidInput, Unreadable)):
            read(path)
            lines_of(path.read_bytes())


def test_lines_that_change_places_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    header, first, second, third = written(path)
    path.write_bytes(b"".join([header, second, first, third]))
    with pytest.raises(InvalidInput, match="line 1 of the history"):
        read(path)


def test_what_a_crash_tore_off_is_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    content = b"".join(written(path, 2))
    path.write_bytes(content[:-10])
    found = read(path)
    assert found.torn and len(found.operations) == 1 and found.events == []


@pytest.mark.parametrize("content", [b"", b"torn"])
def test_a_file_without_a_header_is_no_history(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match="no header"):
        read(path)
