"""One cell of the table, as it happens: people write, a copy is taken, the state changes, files go, and everything is observed."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from multiregion.advice import MEND_LINE
from multiregion.continuity import ASK_SECONDS
from tests.acceptance.cell_faults import Faults, deployment_for
from tests.acceptance.cells import Cell, Fault, Situation, Store
from tests.acceptance.clients import ROLES, everything
from tests.acceptance.deployment import Deployment, until, upload
from tests.acceptance.expectations import Move, Word, Writing, expected_of
from tests.acceptance.operators import Operator, Refused
from tests.acceptance.pictures import picture

USER = "ada"
SETTLE_SECONDS = 60.0
MOVE_SECONDS = 60.0
DISK_CODES = ("disk_full", "disk_failed", "commit_unknown", "not_ready")
"""The last one: automatic mode gives a region that cannot write no lease."""
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
    with deployment_for(cell, folder) as deployment, ExitStack() as disks:
        yield Story(cell, deployment, disks, folder / "copies")


class Story:
    def __init__(self, cell: Cell, deployment: Deployment, disks: ExitStack, copies: Path) -> None:
        self._cell = cell
        self._expected = expected_of(cell)
        self._deployment = deployment
        self._operator = Operator(deployment)
        self._faults = Faults(cell, deployment, self._operator, disks, copies)
        self._written = Acknowledged()
        self._picture = picture(0)
        self._epoch = 0
        self._attempts = 0
        self._goes_on_count = 0
        self.leader = str(cell.situation.leader)
        self.follower = next(role for role in ROLES if role != self.leader)
        self.writer = cell.situation.writer

    # Before

    def begin(self) -> None:
        """Writes, then copies of the stores, then more writes; all of it is in both regions."""
        with self._deployment.region("primary") as http:
            assert upload(http, self._picture, photoId="subject").status_code == 201
        self._deployment.invite(USER)
        self._write("primary", "early", 8)
        self._operator.until_level()
        self._faults.copy()
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
        self._epoch = self._operator.state()["epoch"]
        self._faults.strike()

    # What happens by itself

    def observe(self) -> None:
        """Whether writing goes on, and why not; and that everything can be read all the while where the files are whole."""
        happens = {
            Writing.GOES_ON: self._goes_on,
            Writing.SLOW: self._is_slow,
            Writing.RESUMES: self._resumes,
            Writing.MOVES: self._moves,
            Writing.HEALS: self._is_refused,
            Writing.WAITS: self._stands_still,
            Writing.STOPS: self._stands_still,
        }
        with self._watched_reads():
            happens[self._expected.writing]()
            if self._expected.move is Move.WORKS:
                until(self._is_moved, "writing is moved", MOVE_SECONDS)
                self._write(self.follower, "moved", 2, alone=True)
            elif self._expected.move is Move.REFUSED:
                self._is_not_moved()

    def _goes_on(self) -> None:
        if self.writer is None:
            assert self._report(self.leader)["ready"]
        else:
            self._goes_on_count += 1
            self._write(self.leader, f"meanwhile-{self._goes_on_count}", 2, alone=True)

    def _is_slow(self) -> None:
        """A write gets through; what does not says why."""
        if self.writer is None:
            return
        refusals: list[str] = []
        until(lambda: self._is_said_slowly("slowly", refusals), "a slow write gets through")
        self._written.alone.add("slowly")
        assert set(refusals) <= set(DISK_CODES), refusals

    def _is_said_slowly(self, id: str, refusals: list[str]) -> bool:
        answer = self._say(self.leader, id)
        if answer.status_code != 201:
            refusals.append(answer.json()["code"])
        return answer.status_code == 201

    def _moves(self) -> None:
        """Automatic mode has the other region write. What is accepted before is acknowledged like everything else."""
        self._write(self.follower, "moved", 2, alone=True)
        assert self._operator.state()["epoch"] > self._epoch

    def _is_refused(self) -> None:
        """A full disk may have room for one more before it has none."""
        if self.writer is None:
            assert not any(self._accepts(role, f"refused-{role}") for role in ROLES)
            return
        answer = until(self._first_refusal, "a write is refused")
        ill = self.leader in self._faults.with_disks
        assert not ill or answer.json()["code"] in DISK_CODES, answer.text
        assert not self._accepts(self.follower, "refused-elsewhere")

    def _first_refusal(self) -> httpx.Response | None:
        self._attempts += 1
        answer = self._say(self.leader, id := f"attempt-{self._attempts}", "x" * 1000)
        if answer.status_code == 201:
            self._written.alone.add(id)
        return None if answer.status_code == 201 else answer

    def _is_moved(self) -> bool:
        """A planned switch; refused only where the disk is slow at that moment, or the other region is still copying."""
        try:
            self._move()
        except Refused:
            if not self._cell.stores_with(Fault.SLOW) and self.follower not in self._faults.with_files:
                raise
            return False
        return True

    def _is_not_moved(self) -> None:
        before = self._operator.state()
        until(lambda: "cannot write" in self._refusal(), "it is refused because a store cannot write", MOVE_SECONDS)
        assert self._operator.state() == before
        if self._expected.writing is Writing.GOES_ON:
            self._goes_on()

    def _refusal(self) -> str:
        """Another one is given first by a slow disk that does not answer at that moment."""
        with pytest.raises(Refused) as refused:
            self._move()
        words = str(refused.value)
        assert "cannot write" in words or self._cell.stores_with(Fault.SLOW), words
        return words

    def _move(self) -> None:
        if self.leader == Store.SECONDARY:
            self._operator.change("failback")
        else:
            self._operator.change("failover", writable=True)

    def _resumes(self) -> None:
        until(lambda: self._report(self.leader)["ready"], "the region has everything", SETTLE_SECONDS)
        if self.writer is not None:
            self._write(self.leader, "meanwhile", 2, alone=True)
        assert self._operator.state()["epoch"] > self._epoch, "it leads under a new epoch"

    def _stands_still(self) -> None:
        """Nobody writes, and it is said what for."""
        word = self._expected.words[0] if self._expected.words else Word.ACCEPT
        named = {str(Word.REPAIR if word is Word.ASIDE else word), *(() if self._expected.words else (MEND_LINE,))}
        until(lambda: any(each in said for said in [self._said()] for each in named), f"{named} is named", SETTLE_SECONDS)
        time.sleep(ASK_SECONDS + 1.0)  # a region that asks the other one in vain would go on by now
        for role in ROLES:
            assert not self._accepts(role, f"refused-{role}")

    def _said(self) -> str:
        """Everything that the deployment says of itself, and the answer to an order."""
        said = [str(self._report(role).get("reasons")) for role in ROLES]
        if self._faults.is_authority_damaged:
            return " ".join([*said, self._faults.authority_said()])
        if Store.AUTHORITY in self._faults.with_files:
            try:
                self._operator.change("state", state="fenced")
            except Refused as refused:
                said.append(str(refused))
        return " ".join(said)

    @contextmanager
    def _watched_reads(self) -> Iterator[None]:
        self._look_at_reads()
        yield
        self._look_at_reads()

    def _look_at_reads(self) -> None:
        for role in ROLES:
            if role not in self._faults.with_files:
                assert self._reads_everything(role)
            elif role in self._damaged():
                with self._deployment.region(role) as http:
                    answer = http.get("/comments/subject")
                assert (answer.status_code, answer.json()["code"]) == (503, "database_damaged")

    # What brings it back

    def mend(self) -> None:
        """The disks are well again, the line is up again, and the words are said."""
        self._faults.heal()
        if self._faults.is_authority_damaged:
            self._faults.start_without_files(Store.AUTHORITY)
        if Word.RECOVER in self._expected.words:
            self._recover()
        if self._cell.cut:
            self._deployment.change_wire(cut=False)
        for word in self._expected.words:
            if word is Word.ACCEPT:
                self._operator.change("accept-history", region=self._name(self.leader), acceptLoss=True)
            elif word is Word.REPAIR:
                self._repair()
            elif word is Word.ASIDE:
                self._set_aside()
        self._operator.until_level(SETTLE_SECONDS)
        if self._operator.state()["state"] != "active":
            self._operator.change("failback")
        if self._expected.undone:
            self._bring_subject_back()
        self._write("primary", "after", 2)
        self._operator.until_level(SETTLE_SECONDS)

    def _recover(self) -> None:
        """A region that is damaged cannot say what it knows."""
        with pytest.raises(Refused, match=str(Word.RECOVER)):
            self._operator.change("state", state="fenced")
        lost = bool(self._damaged())
        assert self._operator.change("recover", regionLost=lost)["state"] == "fenced"

    def _repair(self) -> None:
        """Who led, or of whom nobody knows any more what it had, may have what nobody else has: that needs the operator's word."""
        (role,) = self._damaged()
        alone = role != self.leader and len(self._faults.with_files) == 1
        if not alone:
            with pytest.raises(Refused, match="--accept-loss"):
                self._operator.change("repair", region=self._name(role))
        self._operator.change("repair", region=self._name(role), acceptLoss=not alone)

    def _set_aside(self) -> None:
        """Each damaged region is started as one that has lost its files: the other one has nothing to repair it from."""
        for role in self._damaged():
            with pytest.raises(Refused, match=r"nothing can be copied from it.*Both regions"):
                self._operator.change("repair", region=self._name(role), acceptLoss=True)
        for role in self._damaged():
            self._faults.start_without_files(role)

    def _damaged(self) -> list[str]:
        return [str(store) for store in self._cell.stores_with(Fault.DAMAGED) if store is not Store.AUTHORITY]

    def _bring_subject_back(self) -> None:
        """What people comment on may be gone with both disks."""
        with self._deployment.region("primary") as http:
            if http.get("/comments/subject").status_code == 404:
                assert upload(http, self._picture, photoId="subject").status_code == 201

    # What is left

    def judge(self) -> None:
        """Both regions are equal, and each acknowledged write is there, or accounted for in the ledger with its true cause."""
        expected, written = self._expected, self._written
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

    def _say(self, role: str, id: str, message: str = "I am here") -> httpx.Response:
        with self._deployment.region(role) as http:
            return http.post("/comments/subject", json={"message": message, "commentId": id})

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
