"""What a region says of itself: to readiness probes, metrics, `multiregion status` and the console."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from multiregion.clock import iso
from multiregion.health import WriteHealth
from multiregion.lag_history import LastKnown
from multiregion.states import Role, State
from multiregion.stores import UNKNOWN_LAG, Lag


class Writing(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How writing to a disk goes"""

    condition: Literal["well", "slow", "failing", "stuck"]
    problem: str | None
    seconds: Annotated[float, Meta(description="For how long there has been a problem")]
    since: str | None
    last_write_seconds: Annotated[float | None, Meta(description="How long the last successful write took")]


class CredentialNamed(msgspec.Struct, frozen=True):
    """A change of who may sign in"""

    what: str
    user: str


class Missing(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a region does not have of the other, as far as it has heard"""

    changes: int
    bytes: int
    seconds: float | None
    credentials: list[CredentialNamed]
    uploads_in_flight: Annotated[
        Mapping[str, int] | None, Meta(description="On their way into the other region, by the application's name; null: not known")
    ]


class Objects(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How the objects of a region are: what the scrub has read, and what could not be repaired"""

    scrubbed_at: str | None
    scrubbed_objects: int
    scrubbed_bytes: int
    repaired: int
    unrepaired: int


class Readiness(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether a region can do its work, and if not why"""

    ready: bool
    reasons: list[str]
    needs: Annotated[str | None, Meta(description="The command without which this region does not become ready, or nothing is decided")]
    region: str
    role: Role
    epoch: Annotated[int | None, Meta(description="null where the database is damaged")]
    lag: Lag
    writing: Annotated[Writing | None, Meta(description="null where an engine keeps the data")]
    damaged: Annotated[bool, Meta(description="The database is damaged, and serves nothing")] = False


class Damaged(Readiness, frozen=True, kw_only=True, rename="camel"):
    """A region whose database is damaged: nothing in it counts"""

    detail: str


class RegionStatus(Readiness, frozen=True, kw_only=True, rename="camel"):
    """What a region says of itself. null: not known, or not kept here"""

    epoch: int
    state: State
    writes: bool
    log_epoch: int
    sequence: int | None
    chain: str | None
    history: str
    content: str
    replicating: Annotated[bool | None, Meta(description="Whether the other region's changes arrive; null: engines do it by themselves")]
    missing: Missing | None
    uploads_in_flight: Annotated[
        Mapping[str, int] | None, Meta(description="On their way into this region, by the application's name; null: not known")
    ]
    counts: Annotated[Mapping[str, int], Meta(description="How many there are of each kind, by the application's names")]
    objects: Objects | None
    losses: Annotated[int, Meta(description="Lost writes to decide about")]
    durability: str
    degraded_since: Annotated[str | None, Meta(description="Since when writes are acknowledged without the other region")]
    lease_seconds: Annotated[float | None, Meta(description="How long this region may still write; null in manual mode")]


class Silent(msgspec.Struct, frozen=True):
    """A region that does not answer"""

    detail: str


Said = RegionStatus | Damaged
Status = Callable[[], Awaitable[Said]]


class DamagedOrNot(msgspec.Struct):
    damaged: bool


def said(document: bytes) -> Said:
    """What a region has answered. Raises msgspec.ValidationError."""
    if msgspec.json.decode(document, type=DamagedOrNot).damaged:
        return msgspec.json.decode(document, type=Damaged)
    return msgspec.json.decode(document, type=RegionStatus)


def damaged(region: str, role: Role, detail: str, needs: str) -> Damaged:
    return Damaged(
        ready=False, reasons=[detail], needs=needs, region=region, role=role, epoch=None, lag=UNKNOWN_LAG, writing=None, damaged=True,
        detail=detail,
    )  # fmt: skip


def readiness_of(status: Readiness) -> Readiness:
    """Of what a region says, what anybody may see."""
    return Readiness(**{name: getattr(status, name) for name in Readiness.__struct_fields__})


def writing_of(health: WriteHealth) -> Writing:
    since = None if health.since is None else iso(health.since)
    return Writing(
        condition=health.condition, problem=health.problem, seconds=health.seconds, since=since, last_write_seconds=health.last_seconds
    )


def missing_of(last_known: LastKnown | None) -> Missing | None:
    """None if the region has heard nothing."""
    if last_known is None:
        return None
    credentials = [CredentialNamed(each.what, each.user) for each in last_known.credentials]
    return Missing(
        changes=last_known.changes, bytes=last_known.bytes, seconds=last_known.seconds, credentials=credentials,
        uploads_in_flight=last_known.uploads,
    )  # fmt: skip
