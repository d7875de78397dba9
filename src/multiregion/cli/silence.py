"""The authority does not answer: what starts it, and what goes on meanwhile, as both regions say it of themselves."""

from pathlib import Path
from typing import Any

import httpx
import msgspec

from multiregion.config import RegionPlace
from multiregion.errors import Unreachable
from multiregion.local.conditions import ENDED, FROZEN, RUNS, UNKNOWN, condition_of
from multiregion.local.deployment import LocalDeployment
from multiregion.tls import TRUST

REPORT_SECONDS = 2.0
UP = "multiregion up"
DEFINITE = (httpx.ConnectError, httpx.ConnectTimeout)


class Silence(Unreachable):
    """The authority's; `found` is what `status` shows without it."""

    def __init__(self, detail: str, found: dict[str, Any]) -> None:
        super().__init__(detail)
        self.found = found


def silence(folder: Path, deployment: LocalDeployment, error: httpx.HTTPError, *, changes: bool) -> Silence:
    """`changes`: whether the authority was asked to change something."""
    states, status = asked(deployment)
    why = f"The authority at {deployment.authority.url} does not answer ({type(error).__name__}). {help_of(folder)}"
    names = {"primary": deployment.primary.region, "secondary": deployment.secondary.region}
    known = max(states, key=lambda each: each["epoch"], default={"state": None, "epoch": None, "writer": None, "regions": names})
    authority = {"answers": False, "detail": why, "meanwhile": meanwhile(names, status), "writing": None}
    found = {**known, "lastChange": None, "status": status, "authority": authority}
    outcome = ""
    if changes:
        outcome = " Nothing was changed." if isinstance(error, DEFINITE) else " Whether this was done is unknown; look when it answers."
    return Silence(f"{why} {authority['meanwhile']}{outcome}", found)


def help_of(folder: Path) -> str:
    """What to do, by how the processes of `multiregion up` are on this machine."""
    up, authority = process_of(folder / "lock", text=True), process_of(folder / "processes.json", text=False)
    if up == UNKNOWN:
        return f"Start its process where it runs; with {UP} on this machine: `{UP}`."
    if up == ENDED:
        return f"`{UP}` does not run either: start it again."
    if authority == RUNS:
        return f"Its process runs; its log says more: {folder / 'logs' / 'authority.log'}."
    what, verb = ("Let it go on", "resume") if authority == FROZEN else ("Start it", "start")
    return f"{what}: `multiregion chaos {verb} authority`."


def process_of(file: Path, *, text: bool) -> str:
    """How the process is that holds the folder (`text`), or the authority's, as `up` has written them down."""
    try:
        written = file.read_bytes()
        return condition_of(int(written) if text else msgspec.json.decode(written, type=dict[str, int])["authority"])
    except (OSError, ValueError, KeyError, msgspec.DecodeError):
        return UNKNOWN


def asked(deployment: LocalDeployment) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """The states that the regions obey, and what each says of itself, as the authority would pass it on."""
    states, status = [], {}
    headers = {"Authorization": f"Bearer {deployment.authority.operator_token}"}
    with httpx.Client(headers=headers, timeout=REPORT_SECONDS, trust_env=False, verify=TRUST) as http:
        for role, place in (("primary", deployment.primary), ("secondary", deployment.secondary)):
            status[role] = report_of(http, place)
            if status[role]["answers"] and (state := answered(http, f"{place.url}/state/{deployment.app_id}")):
                states.append(state)
    return states, status


def report_of(http: httpx.Client, place: RegionPlace) -> dict[str, Any]:
    try:
        response = http.get(f"{place.url}/operator/report")
        said = msgspec.json.decode(response.content, type=dict[str, Any])
    except (httpx.HTTPError, msgspec.DecodeError) as error:
        return {"answers": False, "detail": f"no answer ({type(error).__name__})"}
    if response.status_code == 200:
        return {"answers": not said["damaged"], **said}
    needs = (answered(http, f"{place.url}/readyz", 503) or {}).get("needs")
    return {"answers": False, "detail": said.get("detail", f"answered {response.status_code}"), "needs": needs}


def answered(http: httpx.Client, url: str, status: int = 200) -> dict[str, Any] | None:
    try:
        response = http.get(url)
        return msgspec.json.decode(response.content, type=dict[str, Any]) if response.status_code == status else None
    except (httpx.HTTPError, msgspec.DecodeError):
        return None


def meanwhile(names: dict[str, str], status: dict[str, dict[str, Any]]) -> str:
    """What can be read and written while the state cannot be changed."""
    serving = [names[role] for role, said in status.items() if said["answers"]]
    if not serving:
        return "Neither region serves anything."
    reads = f"Reads go on in {' and '.join(serving)}"
    for role, said in status.items():
        if said["answers"] and said["writes"] and said["leaseSeconds"] is not None:
            return f"{reads}; {names[role]} writes until its lease runs out, in {said['leaseSeconds']:.0f} s, if it gets no other."
        if said["answers"] and said["writes"]:
            return f"{reads}; {names[role]} goes on writing."
    return f"{reads}; nothing can be written."
