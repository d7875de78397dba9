"""What the functions have in common with the package. Read from it when the template is made: in the functions these are plain values."""

from itertools import product
from typing import Any

from multiregion import states
from multiregion.api import problems
from multiregion.errors import IllegalMove, MultiregionError
from multiregion.gallery import fields, handlers, jobs
from multiregion.gallery.comments import UnknownPhoto
from multiregion.gallery.settings import GallerySettings
from multiregion.states import Role, RoutingState, State


def titles(error: type[MultiregionError] = MultiregionError) -> dict[str, str]:
    """The titles of all errors by their codes."""
    found = {error.code: error.title}
    for each in error.__subclasses__():
        if each.__module__ == MultiregionError.__module__:
            found |= titles(each)
    return found


def pattern(field: Any) -> str:
    """What a text has to be as a whole, of a field's type."""
    (meta,) = field.__metadata__
    return str(meta.pattern).removeprefix(r"\A").removesuffix(r"\Z")


def moves() -> dict[tuple[str, str, bool, bool], tuple[str, bool]]:
    """What follows from the leader, the state that is wanted, whether the secondary is to write in it, and whether there is proof that
    nothing is lost: the next leader, and whether the secondary does write. Moves that are not safe are missing."""
    found = {}
    for leader, to, writable, proven in product(Role, State, (False, True), (False, True)):
        try:
            after = states.move(RoutingState(State.FENCED, 1, leader), to, writable=writable, drained=proven)
        except IllegalMove:
            continue
        found[leader.value, to.value, writable, proven] = (after.leader.value, after.writable)
    return found


def writers() -> dict[tuple[str, bool], str | None]:
    """The role that writes in a state, with and without leave to write in a failover."""
    writer = {(state, writable): RoutingState(state, 1, Role.PRIMARY, writable).writer for state, writable in product(State, (False, True))}
    return {(state.value, writable): role.value if role else None for (state, writable), role in writer.items()}


SETTINGS = GallerySettings()
PHOTO_BYTES_MAX, CAPTION_MAX = SETTINGS.upload_bytes_max, SETTINGS.caption_characters_max
MESSAGE_MAX = SETTINGS.comment_characters_max
TICKET_SECONDS, LINK_SECONDS = SETTINGS.ticket_seconds, SETTINGS.link_seconds
BODY_BYTES_MAX = problems.BODY_BYTES_MAX
PAGE, PAGE_MAX = handlers.LIMIT_DEFAULT, handlers.LIMIT_MAX
TYPES = tuple(jobs.TYPES)
ID, DIGEST, COLOUR = fields.ID.pattern, pattern(fields.Sha256), pattern(fields.Colour)
CONTROL = fields.CONTROL.pattern
TITLES = titles() | {UnknownPhoto.code: UnknownPhoto.title}
STATES = tuple(state.value for state in State)
FIRST = {
    "state": states.FIRST.state.value,
    "epoch": states.FIRST.epoch,
    "leader": states.FIRST.leader.value,
    "writable": states.FIRST.writable,
}
MOVES, WRITERS = moves(), writers()
