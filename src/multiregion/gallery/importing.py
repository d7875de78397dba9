"""Photographs from a folder into a deployment: several at a time, tried again through breaks, and never twice."""

import asyncio
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Literal

from multiregion.commands.client import Answer, Client
from multiregion.errors import MultiregionError, Unreachable
from multiregion.gallery.client import announce, commit, photos

TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
WAIT_SECONDS_MAX = 120.0
PAUSE_SECONDS_FIRST, PAUSE_SECONDS_MAX = 0.25, 5.0
CAPTION_CHARACTERS_MAX = 500
TRY_AGAIN = ("expired", "fenced", "stale_epoch", "unknown_upload")


class Stopped(MultiregionError):
    """The state of the application lets nobody write; going on makes no sense before it changes."""


@dataclass
class Item:
    """One file, and what has become of it."""

    path: Path
    size: int
    outcome: Literal["waiting", "added", "present", "failed"] = "waiting"
    reason: str = ""
    photo_id: str = ""
    sent_bytes: int = 0
    waited_seconds: float = 0.0

    @property
    def name(self) -> str:
        """The path as it can be shown and sent, whatever the bytes of its name are."""
        return os.fsencode(self.path).decode(errors="replace")

    @property
    def objection(self) -> str | None:
        """Why no region needs to be asked."""
        if not self.size:
            return "is empty"
        if not is_text(self.path.name):
            return "its name is not in UTF-8; rename it"
        return None


@dataclass
class Import:
    """What an import did. `stopped` says why it ended early, if it did."""

    items: Sequence[Item]
    stopped: str = ""
    seconds: float = 0.0

    def of(self, outcome: str) -> list[Item]:
        return [item for item in self.items if item.outcome == outcome]

    @property
    def good(self) -> bool:
        return not self.stopped and not self.of("failed") and not self.of("waiting")


def pictures_in(folder: Path, *, recursive: bool) -> list[Item]:
    found = folder.rglob("*") if recursive else folder.glob("*")
    paths = (path for path in found if path.suffix.lower() in TYPES and path.is_file())
    return [Item(path, path.stat().st_size) for path in sorted(paths)]


def is_text(name: str) -> bool:
    """Whether a name can be written in UTF-8; bytes of a file name that are no text are surrogates in it."""
    return not any("\ud800" <= sign <= "\udfff" for sign in name)


def caption_of(path: Path) -> str:
    """`IMG_half-a_fig.jpg` is called «IMG half a fig»."""
    words = re.sub(r"[\W_]+", " ", path.stem).strip()
    return (words[:1].upper() + words[1:])[:CAPTION_CHARACTERS_MAX]


def photo_id_of(user: str, digest: str) -> str:
    """The same for the same picture of the same user, so that a second import, or one beside this, makes no second photo."""
    return "p-" + sha256(f"{user}{digest}".encode()).hexdigest()[:32]


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


@dataclass
class Importer:
    """`sent` is told of bytes as they go out (negative if they must go again), `done` of each file when it is finished with."""

    client: Client
    sent: Callable[[int], None] = field(default=lambda size: None)
    done: Callable[[Item], None] = field(default=lambda item: None)
    _there: set[str] = field(default_factory=set)
    _writer: str | None = None

    async def run(self, items: Sequence[Item], *, jobs: int) -> Import:
        began, todo = self.client.clock.monotonic(), iter(items)
        result = Import(items)
        try:
            await self._prepare()
            async with asyncio.TaskGroup() as group:
                for _ in range(jobs):
                    group.create_task(self._work(todo))
        except* MultiregionError as stops:
            result.stopped = str(next(leaves(stops)))
        result.seconds = self.client.clock.monotonic() - began
        return result

    async def _prepare(self) -> None:
        await self._find_writer()
        async for photo in photos(self.client):
            if photo["user"] == self.client.user:
                self._there.add(photo["uploadSha256"])

    async def _work(self, todo: Iterator[Item]) -> None:
        for item in todo:
            try:
                await self._import(item)
            except OSError as error:
                item.outcome, item.reason = "failed", f"cannot be read: {error.strerror}"
            self.done(item)

    async def _import(self, item: Item) -> None:
        if objection := item.objection:
            item.outcome, item.reason = "failed", objection
            return
        digest = await asyncio.to_thread(digest_of, item.path)
        item.photo_id = photo_id_of(self.client.user, digest)
        if digest in self._there:
            item.outcome = "present"
            self._count(item, item.size)
            return
        self._there.add(digest)  # the same picture twice in a folder is one photo
        await self._persist(item, digest)

    async def _persist(self, item: Item, digest: str) -> None:
        """Try until it is there, it is refused for good, or the waits add up to too much."""
        pause = PAUSE_SECONDS_FIRST
        while True:
            try:
                item.outcome = await self._attempt(item, digest)
                return
            except (Answer, Unreachable) as refusal:
                self._count(item, -item.sent_bytes)  # they must go again
                wait = max(pause, getattr(refusal, "retry_after", 0.0))
                if not self._worth_another_try(refusal):
                    item.outcome, item.reason = "failed", refusal.detail
                    return
                if item.waited_seconds + wait > WAIT_SECONDS_MAX:
                    item.outcome, item.reason = "failed", f"{refusal.detail} (tried for {item.waited_seconds:.0f} s)"
                    return
            await self.client.clock.sleep(wait)
            item.waited_seconds += wait
            pause = min(pause * 2, PAUSE_SECONDS_MAX)

    async def _attempt(self, item: Item, digest: str) -> Literal["added", "present"]:
        region = self._writer or await self._find_writer()
        content_type = TYPES[item.path.suffix.lower()]
        said = {"contentType": content_type, "size": item.size, "sha256": digest, "photoId": item.photo_id}
        answer = await announce(self.client, region, {**said, "caption": caption_of(item.path)})
        if "upload" not in answer:
            self._count(item, item.size)
            return "added" if item.waited_seconds else "present"  # after a break: it was this import's, and its answer was lost
        await self.client.send(answer["upload"], item.path, content_type, lambda size: self._count(item, size))
        await commit(self.client, region, item.photo_id)
        return "added"

    def _count(self, item: Item, size: int) -> None:
        item.sent_bytes += size
        self.sent(size)

    def _worth_another_try(self, refusal: Answer | Unreachable) -> bool:
        """The next attempt asks who the writer is, in case that was the reason."""
        self._writer = None
        if isinstance(refusal, Unreachable):
            return True
        if refusal.http_status == 401:
            return self.client.signs_in
        return refusal.http_status == 503 or refusal.answer_code in TRY_AGAIN

    async def _find_writer(self) -> str:
        state = await self.client.state()
        if state["writer"] is None:
            raise Stopped(
                f"the state is {state['state']} (epoch {state['epoch']}), and nobody accepts writes;"
                " what was imported is there. Run the same command again when the state is active"
            )
        self._writer = str(state["writer"])
        return self._writer


def leaves(group: BaseExceptionGroup[MultiregionError]) -> Iterator[MultiregionError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from leaves(error)
        else:
            yield error
