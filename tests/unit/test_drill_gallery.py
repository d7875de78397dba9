"""What a drill's client of the gallery remembers: what it has seen counts within one epoch; the next may have lost the last writes."""

from collections.abc import Mapping
from typing import Any

from multiregion.gallery.drill import GalleryDrill, Versioned, Visitor
from multiregion.probes import Answer, Attempt

POSITION = "multiregion-position"


class Thread:
    """A region with one thread of comments."""

    client_id = pool_id = ""
    operator: Mapping[str, str] = {}

    def __init__(self, comments: int) -> None:
        self.comments = comments
        self.asked: list[str | None] = []

    async def __call__(
        self, method: str, path: str, *, json: Any = None, content: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        self.asked.append((headers or {}).get("Multiregion-Position"))
        return Answer(200, {}, b'{"comments": [' + b",".join([b"{}"] * self.comments) + b"]}")

    async def position(self) -> tuple[int, int] | None:
        return None


def client() -> GalleryDrill:
    drill = GalleryDrill("drill-1", "nonce")
    drill._visitors[0] = Visitor(Versioned("drill-1-r0"), Versioned("drill-1-p0"), ["drill-1-t0-0"])
    return drill


async def seen(drill: GalleryDrill, comments: int) -> Attempt:
    attempt = drill.propose("read", 0, 4)
    assert attempt is not None
    await drill.make(attempt, Thread(comments))
    return attempt


def wrote(drill: GalleryDrill, position: str) -> None:
    drill.note(Attempt("add", "drill-1-0-1", 0, 1), "ok", Answer(201, {POSITION: position}, b"{}"))


async def test_what_was_seen_counts_as_long_as_the_epoch_lasts() -> None:
    drill = client()
    wrote(drill, "1.10.h.c")
    before = await seen(drill, 5)
    wrote(drill, "1.12.h.c")
    after = await seen(drill, 6)
    assert (before.key, before.value, before.asked) == ("drill-1-t0-0@0", 5, (1, 10))
    assert (after.key, after.value, after.asked) == (before.key, 6, (1, 12))


async def test_after_a_takeover_a_client_starts_over() -> None:
    drill = client()
    wrote(drill, "1.10.h.c")
    before = await seen(drill, 5)
    wrote(drill, "3.9.h.d")
    assert (await seen(drill, 3)).key != before.key


def test_an_entry_of_the_ledger_is_named_as_clients_name_it() -> None:
    drill = client()
    assert drill.lost("comments/drill-1-t0-0/drill-1-0-7", "comment: x") == ("add", "drill-1-0-7")
    assert drill.lost("photos/drill-1-0-8", "photo: x") == ("photo", "drill-1-0-8")
    assert drill.lost("photos/drill-1-0-8", "delete photo") == ("delete", "drill-1-0-8")
    assert drill.lost("users/drill-1-r0", "write users") == ("replace", "drill-1-r0")
    assert drill.lost("users/drill-1-p0", "write users") == ("password", "drill-1-p0")
    for others in ("photos/drill-1-t0-0", "photos/drill-11-0-8", "deletions/drill-1-0-8", "comments/x/y"):
        assert drill.lost(others, "x") is None
