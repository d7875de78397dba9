"""Losing parts on purpose, over HTTP: only where `multiregion up` runs them all on this machine, and refused anywhere else."""

from typing import Any, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from multiregion.api.guards import Guards
from multiregion.api.problems import JSON, read_json
from multiregion.errors import InvalidInput, NotLocal

SIGNALLED = ("kill", "freeze", "resume")
WIRED = ("cut", "delay", "heal")
WORDS = (*SIGNALLED, "start", *WIRED)
PARTS = ("primary", "secondary", "authority", "wire")


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to do, and to whom: `part` for processes; for the link `to`, the region that nothing reaches (None: both ways)."""

    what: str
    part: str | None = None
    to: str | None = None
    milliseconds: float | None = None

    def check(self) -> None:
        """Raises InvalidInput, naming the field. What concerns the link alone, the wire checks."""
        if self.what not in WORDS:
            raise InvalidInput(f"what must be one of {', '.join(WORDS)}", field="what")
        if self.what not in WIRED and self.part not in PARTS:
            # The edge serves the console: it could be ended from here, and not be brought back.
            raise InvalidInput(f"part must be one of {', '.join(PARTS)}", field="part")
        if self.what == "delay" and self.milliseconds is None:
            raise InvalidInput("milliseconds must be a number, 0 or more", field="milliseconds")

    def on_wire(self) -> dict[str, Any]:
        if self.what == "heal":
            return {"cut": False, "delay_milliseconds": 0, "to": self.to}
        return {"cut": True, "to": self.to} if self.what == "cut" else {"delay_milliseconds": self.milliseconds, "to": self.to}


class Doing(Protocol):
    """What does it; see `multiregion.local.faults`."""

    def send(self, what: str, part: str) -> int: ...

    async def start(self, part: str) -> None: ...

    async def change_wire(self, **order: Any) -> None: ...

    async def shown(self) -> dict[str, Any]: ...


class FaultsAPI:
    def __init__(self, faults: Doing | None, guards: Guards) -> None:
        """`faults` None: the parts are not all processes of this machine's `multiregion up`."""
        self._faults = faults
        self._guards = guards

    def routes(self) -> list[Route]:
        operators = self._guards.operators
        return [
            Route("/operator/faults", operators(self.show), methods=["GET"]),
            Route("/operator/faults", operators(self.act), methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        return JSON(await self._local().shown())

    async def act(self, request: Request) -> Response:
        faults = self._local()
        fault = await read_json(request, Fault)
        fault.check()
        if fault.what in WIRED:
            await faults.change_wire(**fault.on_wire())
        elif fault.what in SIGNALLED:
            faults.send(fault.what, str(fault.part))
        else:
            await faults.start(str(fault.part))
        return JSON(await faults.shown())

    def _local(self) -> Doing:
        if self._faults is None:
            raise NotLocal("faults can be made only where `multiregion up` runs every part on this machine")
        return self._faults
