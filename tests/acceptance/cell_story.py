"""One cell of the table, as it happens: people write, a copy is taken, the state changes, files go, and everything is observed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from multiregion.continuity import ASK_SECONDS
from tests.acceptance.cells import Cell, Fault, Situation, Store, Word, Writing
from tests.acceptance.clients import ROLES, everything
from tests.acceptance.deployment import Deployment, answers, deployed, until, upload
from tests.acceptance.operators import Operator, Refused
from tests.acceptance.pictures import picture
from tests.acceptance.storage import copy_files, lose_files, put_back

USER = "ada"
LOSS_CHANGES_MAX = 12
"""More than is written after the copies are taken, less than is written in all."""
LEASE_SECONDS_SHORT, LEASE_SECONDS_LONG = 2, 60
SETTLE_SECONDS = 60.0
ENTERED: dict[Situation, tuple[str, dict[str, Any]]] = {
    Situation.FENCED: ("state", {"state": "fenced"}),
    Situation.FAILOVER: ("state", {"state": "failover"}),
    Situation.WRITABLE: ("failover", {"writable": True}),
}


@dataclass
class Acknowledged:
    """What the writers were told is kept: ids of comments, and whether the user was disabled. `alone`: with the line cut."""

    replicated: set[str] = field(default_factory=set)
    alone: set[str] = field(default_factory=set)
    disabled: bool = False

    @property
    def all(self) -> set[str]:
        return self.replicated | self.alone


@contextmanager
def story(cell: Cell, folder: Path) -> Iterator["Story"]:
    """The deployment in which the cell happens. A lease is long where its end would hide what the start rule does."""
    lease = LEASE_SECONDS_SHORT if cell.fault_of(Store.AUTHORITY) else LEASE_SECONDS_LONG
    options = ("--automatic",) if cell.situation is Situation.AUTOMATIC else ()
    limit = str(LOSS_CHANGES_MAX)
    with deployed(folder, *options, MULTIREGION_LOSS_CHANGES_MAX=limit, MULTIREGION_LEASE_SECONDS=str(lease)) as deployment:
        yield Story(cell, deployment, folder / "copies")


class Story:
    def __init__(self, cell: Cell, deployment: Deployment, copies: Path) -> None:
        self._cell = cell
        self._deployment = deployment
        self._operator = Operator(deployment)
        self._copies = copies
        self._written = Acknowledged()
        self._picture = picture(0)
        self._epoch = 0
        self.leader = str(cell.situation.leader)
        self.writer = cell.situation.writer
        self.parts = [str(store) for store, _ in cell.faults]

    # Before

    def begin(self) -> None:
        """Writes, then copies of the stores, then more writes; all of it is in both regions."""
        with self._deployment.region("primary") as http:
            assert upload(http, self._picture, photoId="subject").status_code == 201
        self._deployment.invite(USER)
        self._write("primary", "early", 8)
        self._operator.until_level()
        for store, fault in self._cell.faults:
            if fault is Fault.OLD:
                copy_files(self._deployment, str(store), self._copies / str(store))
        self._write("primary", "later", 3)
        self._disable()
        if self._cell.fault_of(Store.AUTHORITY) is Fault.OLD:  # what it will not know of
            for state in ("fenced", "active"):
                self._operator.change("state", state=state)
        self._operator.until_level()

    def enter(self) -> None:
        """Into the cell's state; with the line cut, the region that writes last does so alone."""
        if self._cell.situation is Situation.WRITABLE:
            self._change_state()
            self._write("secondary", "there", 2)
            self._operator.until_level()
        if self._cell.cut:
            self._deployment.change_wire(cut=True)
            self._write(self.leader, "alone", 3, alone=True)
        if self._cell.situation is not Situation.WRITABLE:
            self._change_state()
        if not self._cell.cut:
            self._operator.until_level()
        # What was written since the last report is on no list if the disk is lost in this moment.
        until(self._deployment.is_reported, "the authority knows how far the regions have got")

    def _change_state(self) -> None:
        if self._cell.situation in ENTERED:
            verb, body = ENTERED[self._cell.situation]
            self._operator.change(verb, **body)

    def fail(self) -> None:
        """Every store that fails does so before any of them starts again."""
        self._epoch = self._operator.state()["epoch"]
        for part in self.parts:
            self._deployment.kill(part)
        for store, fault in self._cell.faults:
            if fault is Fault.LOST:
                lose_files(self._deployment, str(store))
            else:
                put_back(self._deployment, str(store), self._copies / str(store))
        for part in self.parts:
            (self._deployment.data / f"start-{part}").touch()
        for part in self.parts:
            until(partial(answers, f"{self._deployment.url(part)}/healthz"), f"{part} answers")

    # What happens by itself

    def observe(self) -> None:
        """Whether writing goes on, and why not; and that everything can be read all the while where its store did not fail."""
        expected = self._cell.expected.writing
        with self._watched_reads():
            if expected is Writing.GOES_ON:
                self._goes_on()
            elif expected is Writing.RESUMES:
                self._resumes()
            else:
                self._stands_still()

    def _goes_on(self) -> None:
        if self.writer is None:
            assert self._report(self.leader)["ready"]
        else:
            self._write(self.leader, "meanwhile", 2, alone=True)

    def _resumes(self) -> None:
        until(lambda: self._report(self.leader)["ready"], "the region has everything", SETTLE_SECONDS)
        if self.writer is not None:
            self._write(self.leader, "meanwhile", 2, alone=True)
        assert self._operator.state()["epoch"] > self._epoch, "it leads under a new epoch"

    def _stands_still(self) -> None:
        """Nobody writes, and it is said what for."""
        word = self._cell.expected.word or Word.ACCEPT
        until(lambda: str(word) in self._said(), f"`{word}` is named", SETTLE_SECONDS)
        time.sleep(ASK_SECONDS + 1.0)  # a region that asks the other one in vain would go on by now
        for role in ROLES:
            assert not self._accepts(role, f"refused-{role}")

    def _said(self) -> str:
        """Everything that the deployment says of itself, and the answer to an order."""
        said = [str(self._report(role).get("reasons")) for role in ROLES]
        if self._cell.fault_of(Store.AUTHORITY):
            try:
                self._operator.change("state", state="fenced")
            except Refused as refused:
                said.append(str(refused))
        return " ".join(said)

    @contextmanager
    def _watched_reads(self) -> Iterator[None]:
        whole = [role for role in ROLES if role not in self.parts]
        for role in whole:
            assert self._reads_everything(role)
        yield
        for role in whole:
            assert self._reads_everything(role)

    # What brings it back

    def mend(self) -> None:
        expected = self._cell.expected
        if expected.word is Word.RECOVER:
            with pytest.raises(Refused, match=str(Word.RECOVER)):
                self._operator.change("state", state="fenced")
            assert self._operator.change("recover")["state"] == "fenced"
        if self._cell.cut:
            self._deployment.change_wire(cut=False)
        if expected.word is Word.ACCEPT:
            self._operator.change("accept-history", region=self._name(self.leader))
        self._operator.until_level(SETTLE_SECONDS)
        if self._operator.state()["state"] != "active":
            self._operator.change("failback")
        if expected.undone:
            self._bring_subject_back()
        self._write("primary", "after", 2)
        self._operator.until_level(SETTLE_SECONDS)

    def _bring_subject_back(self) -> None:
        """What people comment on may be gone with both disks."""
        with self._deployment.region("primary") as http:
            if http.get("/comments/subject").status_code == 404:
                assert upload(http, self._picture, photoId="subject").status_code == 201

    # What is left

    def judge(self) -> None:
        """Both regions are equal, and each acknowledged write is there, or accounted for in the ledger with its true cause."""
        expected, written = self._cell.expected, self._written
        assert self._operator.is_equal()
        held = self._comments("primary")
        assert held == self._comments("secondary")
        losses = self._operator.losses()
        assert {loss["cause"] for loss in losses} == expected.causes, losses
        gone = written.all - held
        assert expected.undone or not gone & written.replicated, gone
        listed = {loss["record"].rpartition("/")[2] for loss in losses if loss["record"] != "/"}
        counted = sum(loss["writes"] or 0 for loss in losses if loss["record"] == "/")
        assert expected.unlisted or len(gone - listed) <= counted, (gone, losses)
        if not expected.undone:
            assert not any(self._is_enabled(role) for role in ROLES) and all(self._shows_picture(role) for role in ROLES)

    # Parts of it

    def _write(self, role: str, name: str, count: int, *, alone: bool = False) -> None:
        for number in range(count):
            id = f"{name}-{number}"
            until(partial(self._accepts, role, id), f"{role} accepts {id}")
            (self._written.alone if alone else self._written.replicated).add(id)

    def _accepts(self, role: str, id: str) -> bool:
        return self._say(role, id).status_code == 201

    def _say(self, role: str, id: str) -> httpx.Response:
        with self._deployment.region(role) as http:
            return http.post("/comments/subject", json={"message": f"I am {id}", "commentId": id})

    def _disable(self) -> None:
        answer = self._ask_pool("primary", "AdminDisableUser")
        assert answer.status_code == 200, answer.text
        self._written.disabled = True

    def _is_enabled(self, role: str) -> bool:
        return bool(self._ask_pool(role, "AdminGetUser").json()["Enabled"])

    def _ask_pool(self, role: str, operation: str) -> httpx.Response:
        pool = self._deployment.described()[role]["userPoolId"]
        return self._deployment.cognito(role, operation, self._deployment.operator, UserPoolId=pool, Username=USER)

    def _shows_picture(self, role: str) -> bool:
        with self._deployment.region(role) as http:
            (photo,) = http.get("/photos").raise_for_status().json()["photos"]
            return httpx.get(photo["url"], timeout=10, trust_env=False).status_code == 200

    def _comments(self, role: str) -> set[str]:
        with self._deployment.region(role) as http:
            return {comment["commentId"] for comment in everything(http, "/comments/subject", "comments")}

    def _reads_everything(self, role: str) -> bool:
        return self._written.replicated <= self._comments(role)

    def _report(self, role: str) -> dict[str, Any]:
        with self._deployment.region(role, {}) as http:
            found: dict[str, Any] = http.get("/readyz").json()
        return found

    def _name(self, role: str) -> str:
        return str(self._deployment.described()[role]["region"])
