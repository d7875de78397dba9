"""An operator at the authority's HTTP API, without the time that a command takes to start."""

import json
from typing import Any

import httpx

from tests.acceptance.deployment import Deployment, until

CALL_SECONDS = 90.0


class Refused(Exception):
    """The authority's problem document."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem["detail"])
        self.problem = problem


class Operator:
    def __init__(self, deployment: Deployment, name: str = "ada") -> None:
        self._deployment = deployment
        self._name = name
        self._http = httpx.Client(base_url=deployment.url("authority"), headers=deployment.operator, timeout=CALL_SECONDS, trust_env=False)

    def order(self, path: str, **body: Any) -> list[dict[str, Any]]:
        """Every line of the answer. Raises Refused if a line, or the answer itself, says no."""
        answer = self._http.post(f"/operator/{path}", json={"actor": self._name, **body})
        if answer.status_code != 200:
            raise Refused(answer.json())
        lines = [json.loads(line) for line in answer.text.splitlines()]
        if lines and "error" in lines[-1]:
            raise Refused(lines[-1]["error"])
        return lines

    def change(self, path: str, **body: Any) -> dict[str, Any]:
        """The state after a change of state."""
        end: dict[str, Any] = self.order(path, **body)[-1]["end"]
        return end

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        found: dict[str, Any] = self._http.get(f"/operator/{path}", params=query).raise_for_status().json()
        return found

    def state(self) -> dict[str, Any]:
        return self.get("state")

    def history(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("history")["history"]
        return found

    def losses(self) -> list[dict[str, Any]]:
        found = self.get("losses")
        assert found["notAnswering"] == []
        losses: list[dict[str, Any]] = found["losses"]
        return losses

    def report(self, role: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get("status")["status"][role]
        return found

    def is_equal(self) -> bool:
        """Whether both regions hold the same, item by item, tombstones included."""
        return bool(self.order("verify?quick=0")[-2]["verdict"]["equal"])

    def level(self) -> bool:
        reports = [self.report(role) for role in ("primary", "secondary")]
        return all(report["answers"] and report["ready"] for report in reports) and reports[0]["content"] == reports[1]["content"]

    def until_level(self, seconds: float = 60.0) -> None:
        until(self.level, "both regions are level", seconds)

    def takes_over(self, **body: Any) -> dict[str, Any]:
        return self.change("failover", writable=True, regionLost=True, acceptLoss=True, **body)

    def settle_all(self, verb: str = "discard") -> None:
        self.order(f"losses/{verb}")

    def automatic(self, word: str | None = None) -> dict[str, Any]:
        if word is None:
            return self.get("automatic")
        if word == "acknowledge":
            found = self.get("automatic")
            taken = found["takeover"]
            return self.order("automatic", word=word, epoch=taken["epoch"])[0] if taken else found
        return self.order("automatic", word=word)[0]
