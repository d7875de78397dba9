"""Clients that write without pause, and remember what they were told: acknowledged, refused, or nothing at all."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.acceptance.deployment import Deployment, upload
from tests.acceptance.pictures import picture

PAUSE_SECONDS = 0.02
UPLOADS_ONE_IN = 12


@dataclass
class Heard:
    """What the clients of one run were told, by id."""

    comments: dict[str, dict[str, Any]] = field(default_factory=dict)
    photos: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    surprises: list[str] = field(default_factory=list)


class Writer(threading.Thread):
    """One client: comments on one photo, and now and then a photo of its own."""

    def __init__(self, number: int, deployment: Deployment, photo_id: str, heard: Heard, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._number = number
        self._url = deployment.url("primary")
        self._headers = deployment.operator
        self._photo_id = photo_id
        self._heard = heard
        self._stop_wanted = stop

    def run(self) -> None:
        chance = random.Random(self._number)
        count = 0
        while not self._stop_wanted.is_set():
            with httpx.Client(base_url=self._url, headers=self._headers, timeout=5, trust_env=False) as http:
                while not self._stop_wanted.is_set():
                    count += 1
                    id = f"w{self._number}-{count}"
                    try:
                        self._upload(http, id, count) if chance.randrange(UPLOADS_ONE_IN) == 0 else self._comment(http, id)
                    except httpx.HTTPError:
                        self._heard.unknown.add(id)
                        self._stop_wanted.wait(PAUSE_SECONDS)
                        break
                    self._stop_wanted.wait(PAUSE_SECONDS)

    def _comment(self, http: httpx.Client, id: str) -> None:
        answer = http.post(f"/comments/{self._photo_id}", json={"message": f"I am {id}", "commentId": id})
        self._note(answer, id, self._heard.comments)

    def _upload(self, http: httpx.Client, id: str, count: int) -> None:
        self._note(upload(http, picture(self._number * 10_000 + count), photoId=id), id, self._heard.photos)

    def _note(self, answer: httpx.Response, id: str, acknowledged: dict[str, dict[str, Any]]) -> None:
        if answer.status_code == 201:
            acknowledged[id] = answer.json()
        elif answer.status_code in (404, 409, 503):
            self._heard.refused.append(id)
            self._stop_wanted.wait(PAUSE_SECONDS)
        else:
            self._heard.surprises.append(f"{id}: {answer.status_code} {answer.text[:200]}")


@contextmanager
def writing(deployment: Deployment, photo_id: str, clients: int) -> Iterator[Heard]:
    """`clients` writers at work while the block runs; none is left after it."""
    heard, stop = Heard(), threading.Event()
    writers = [Writer(number, deployment, photo_id, heard, stop) for number in range(clients)]
    for writer in writers:
        writer.start()
    try:
        yield heard
    finally:
        stop.set()
        for writer in writers:
            writer.join(30)
    assert not any(writer.is_alive() for writer in writers)


def everything(http: httpx.Client, path: str, name: str) -> list[dict[str, Any]]:
    """All pages of a list."""
    found: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        page = http.get(path, params={"limit": 100, **({"after": after} if after else {})}).raise_for_status().json()
        found += page[name]
        after = page["next"]
    return found
