"""An application in two regions that survives losing one, and proves it.

These names are for applications; see `docs/your-application.md`. They are loaded when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiregion.api.problems import JSON as JSON
    from multiregion.api.problems import read_json as read_json
    from multiregion.application import Application as Application
    from multiregion.application import Kind as Kind
    from multiregion.application import Page as Page
    from multiregion.application import Region as Region
    from multiregion.application import SyncRegion as SyncRegion
    from multiregion.callers import Caller as Caller
    from multiregion.clock import Clock as Clock
    from multiregion.clock import iso as iso
    from multiregion.config import Settings as Settings
    from multiregion.config import setting as setting
    from multiregion.errors import MultiregionError as MultiregionError
    from multiregion.probes import Answer as Answer
    from multiregion.probes import Attempt as Attempt
    from multiregion.probes import Call as Call
    from multiregion.probes import Probe as Probe
    from multiregion.states import Role as Role
    from multiregion.states import RoutingState as RoutingState
    from multiregion.stores import Announced as Announced
    from multiregion.stores import Digest as Digest
    from multiregion.stores import Key as Key
    from multiregion.stores import Position as Position
    from multiregion.stores import Record as Record
    from multiregion.stores import Ticket as Ticket
    from multiregion.stores import Upload as Upload
    from multiregion.stores import Write as Write

__version__ = "0.1.0"

PLACES = {
    "api.problems": ("JSON", "read_json"),
    "application": ("Application", "Kind", "Page", "Region", "SyncRegion"),
    "callers": ("Caller",),
    "clock": ("Clock", "iso"),
    "config": ("Settings", "setting"),
    "errors": ("MultiregionError",),
    "probes": ("Answer", "Attempt", "Call", "Probe"),
    "states": ("Role", "RoutingState"),
    "stores": ("Announced", "Digest", "Key", "Position", "Record", "Ticket", "Upload", "Write"),
}
PLACE = {name: place for place, names in PLACES.items() for name in names}
__all__ = [*PLACE]


def __getattr__(name: str) -> Any:
    if name not in PLACE:
        raise AttributeError(f"module 'multiregion' has no attribute {name!r}")
    return getattr(import_module(f"multiregion.{PLACE[name]}"), name)
