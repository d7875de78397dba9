"""Clients that write and read without pause, and remember what they were told: acknowledged, refused, or nothing certain."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.acceptance.deployment import Deployment, until, upload
from tests.acceptance.pictures import picture

PAUSE_SECONDS = 0.02
CALL_SECONDS = 5.0
LOOK_SECONDS = 2.0
READ_SECONDS = 3.0
OPERATIONS_ONE_IN = 12
ROLES = ("primary", "secondary")
UNKNOWN_CODES = ("unreachable",)
"""Answers that say no more than silence does; after every other refusal nothing was written."""


@dataclass(frozen=True)
class Told:
    """One answer to one write, with the moments at which it was asked for and heard."""

    id: str
    role: str
    outcome: str
    asked_at: float
    told_at: float


@dataclass
class Heard:
    """What the clients of one run were told, by id; all their ids begin with `name`. `unserved`: reads that neither region answered."""

    name: str = "w"
    comments: dict[str, dict[str, Any]] = field(default_factory=dict)
    photos: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    perhaps_deleted: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    surprises: list[str] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    reads: int = 0
    unserved: list[str] = field(default_factory=list)

    @property
    def acknowledged(self) -> set[str]:
        return set(self.comments) | set(self.photos)

    def count(self, outcome: str, role: str | None = None) -> int:
        return sum(told.outcome == outcome and role in (None, told.role) for told in self.told)


class Compass:
    """Where a client sends its next write: always to the primary, or, following, to whom the newest known state names."""

    def __init__(self, deployment: Deployment, *, follow: bool) -> None:
        described = deployment.described()
        self._urls = {role: str(described[role]["url"]) for role in ROLES}
        self._roles = {str(described[role]["region"]): role for role in ROLES}
        self._path = f"/state/{described['appId']}"
        self._follow = follow
        self._epoch = 0
        self.role = "primary"

    @property
    def url(self) -> str:
        return self._urls[self.role]

    def learn(self, state: dict[str, Any]) -> None:
        if self._follow and state["epoch"] >= self._epoch:
            self._epoch = state["epoch"]
            serving = "secondary" if state["state"] == "failover" else "primary"
            self.role = self._roles[state["writer"]] if state["writer"] else serving

    def look(self) -> None:
        """Ask both regions, as a browser does that gets no answer."""
        for url in self._urls.values() if self._follow else ():
            try:
                self.learn(httpx.get(url + self._path, timeout=LOOK_SECONDS, trust_env=False).raise_for_status().json())
            except httpx.HTTPError:
                continue


class Writer(threading.Thread):
    """One client: comments on one photo, now and then a photo of its own, and now and then one of those is deleted."""

    def __init__(self, number: int, deployment: Deployment, photo_id: str, heard: Heard, stop: threading.Event, *, follow: bool) -> None:
        super().__init__(daemon=True)
        self._number = number
        self._compass = Compass(deployment, follow=follow)
        self._headers = deployment.operator
        self._photo_id = photo_id
        self._heard = heard
        self._stop_wanted = stop
        self._chance = random.Random(number)
        self._mine: list[str] = []
        self._count = 0

    def run(self) -> None:
        self._compass.look()
        while not self._stop_wanted.is_set():
            url = self._compass.url
            with httpx.Client(base_url=url, headers=self._headers, timeout=CALL_SECONDS, trust_env=False) as http:
                while not self._stop_wanted.is_set() and self._compass.url == url:
                    self._write(http)
                    self._stop_wanted.wait(PAUSE_SECONDS)

    def _write(self, http: httpx.Client) -> None:
        self._count += 1
        id = f"{self._heard.name}-{self._number}-{self._count}"
        if self._chance.randrange(OPERATIONS_ONE_IN):
            self._attempt(id, lambda: self._comment(http, id), self._heard.comments)
        elif self._mine and self._chance.randrange(2):
            self._delete_photo(http, self._mine.pop())
        else:
            self._attempt(id, lambda: upload(http, picture(self._number * 10_000 + self._count), photoId=id), self._heard.photos)
            if id in self._heard.photos:
                self._mine.append(id)

    def _comment(self, http: httpx.Client, id: str) -> httpx.Response:
        return http.post(f"/comments/{self._photo_id}", json={"message": f"I am {id}", "commentId": id})

    def _delete_photo(self, http: httpx.Client, id: str) -> None:
        self._heard.perhaps_deleted.add(id)
        outcome, _ = self._call(f"delete {id}", lambda: http.delete(f"/photos/{id}"))
        if outcome == "refused":
            self._heard.perhaps_deleted.discard(id)
        elif outcome == "acknowledged":
            self._heard.deleted.add(id)

    def _attempt(self, id: str, send: Any, acknowledged: dict[str, dict[str, Any]]) -> None:
        outcome, body = self._call(id, send)
        if outcome == "acknowledged":
            acknowledged[id] = body
        elif outcome == "refused":
            self._heard.refused.append(id)
        elif outcome == "unknown":
            self._heard.unknown.add(id)

    def _call(self, id: str, send: Any) -> tuple[str, dict[str, Any]]:
        role, asked_at = self._compass.role, time.monotonic()
        try:
            outcome, body = self._judged(id, send())
        except httpx.HTTPError:
            outcome, body = "unknown", {}
        self._heard.told.append(Told(id, role, outcome, asked_at, time.monotonic()))
        if outcome != "acknowledged":
            self._stop_wanted.wait(PAUSE_SECONDS)
            self._compass.learn(body["state"]) if body.get("state") else self._compass.look()
        return outcome, body

    def _judged(self, id: str, answer: httpx.Response) -> tuple[str, dict[str, Any]]:
        if answer.status_code in (201, 204):
            return "acknowledged", answer.json() if answer.content else {}
        if answer.status_code in (404, 409, 503):
            body = answer.json()
            return "unknown" if body["code"] in UNKNOWN_CODES else "refused", body
        self._heard.surprises.append(f"{id}: {answer.status_code} {answer.text[:200]}")
        return "surprise", {}


class Reader(threading.Thread):
    """One client that reads: from the region that the state names, or, if that does not answer, from the other."""

    def __init__(self, deployment: Deployment, photo_id: str, heard: Heard, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._urls = [deployment.url(role) for role in ROLES]
        self._headers = deployment.operator
        self._path = f"/comments/{photo_id}?limit=5"
        self._heard = heard
        self._stop_wanted = stop

    def run(self) -> None:
        with httpx.Client(headers=self._headers, timeout=READ_SECONDS, trust_env=False) as http:
            while not self._stop_wanted.wait(PAUSE_SECONDS):
                self._heard.reads += 1
                said: list[str] = []
                if not any(self._reads(http, url, said) for url in self._urls):
                    self._heard.unserved.append("; ".join(said))

    def _reads(self, http: httpx.Client, url: str, said: list[str]) -> bool:
        try:
            answer = http.get(url + self._path)
        except httpx.HTTPError as error:
            said.append(repr(error))
            return False
        said.append(f"{answer.status_code} {answer.text[:100]}")
        return answer.status_code == 200


@contextmanager
def writing(
    deployment: Deployment, photo_id: str, clients: int, *, readers: int = 0, follow: bool = False, name: str = "w"
) -> Iterator[Heard]:
    """`clients` writers and some readers at work while the block runs; none is left after it."""
    heard, stop = Heard(name), threading.Event()
    threads: list[threading.Thread] = [Writer(number, deployment, photo_id, heard, stop, follow=follow) for number in range(clients)]
    threads += [Reader(deployment, photo_id, heard, stop) for _ in range(readers)]
    for thread in threads:
        thread.start()
    try:
        yield heard
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert not any(thread.is_alive() for thread in threads)


def more_writes(heard: Heard, count: int, role: str | None = None) -> None:
    """Wait until so many more writes have been acknowledged, by this region or by any."""
    enough = heard.count("acknowledged", role) + count
    until(lambda: heard.count("acknowledged", role) >= enough, f"{count} more writes are acknowledged by {role or 'any region'}")


def everything(http: httpx.Client, path: str, name: str) -> list[dict[str, Any]]:
    """All pages of a list."""
    found: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        page = http.get(path, params={"limit": 100, **({"after": after} if after else {})}).raise_for_status().json()
        found += page[name]
        after = page["next"]
    return found
