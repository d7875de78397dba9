"""How states and steps are written in answers, and read back."""

from typing import Any

import msgspec

from multiregion.clock import iso
from multiregion.config import Deployment
from multiregion.errors import InvalidInput
from multiregion.states import Role, RoutingState, State
from multiregion.stores import Decision


class Routing(msgspec.Struct, frozen=True):
    """A RoutingState on the way between the authority and the regions."""

    state: State
    epoch: int
    leader: Role
    writable: bool
    history: str = ""
    succeeds: tuple[str, ...] = ()

    def value(self) -> RoutingState:
        return RoutingState(self.state, self.epoch, self.leader, self.writable, self.history, self.succeeds)


def routing(state: RoutingState) -> Routing:
    return Routing(state.state, state.epoch, state.leader, state.writable, state.history, state.succeeds)


class StateDocuments:
    """Writes state documents (`GET /state/{appId}`) for one deployment."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def __call__(self, state: RoutingState) -> dict[str, Any]:
        deployment = self._deployment
        return {
            "appId": deployment.app_id,
            **({"history": state.history, "succeeds": state.succeeds} if state.history else {}),
            "state": state.state,
            "epoch": state.epoch,
            "writer": state.writer and deployment.place(state.writer).region,
            "regions": {"primary": deployment.primary.region, "secondary": deployment.secondary.region},
        }

    def role(self, region: str) -> Role:
        """Raises InvalidInput, naming both, for what is not a region of this deployment."""
        for role in Role:
            if region in (role, self._deployment.place(role).region):
                return role
        names = " or ".join(self._deployment.place(role).region for role in Role)
        raise InvalidInput(f"region must be {names}, not {region!r}", field="region")

    def decision(self, decision: Decision) -> dict[str, Any]:
        told = {"what": decision.what, "actor": decision.actor, "at": iso(decision.at), "reason": decision.reason}
        return {**self(decision.state), **told, "facts": decision.facts}
