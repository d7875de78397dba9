"""What a client may put into a field, checked with words that name the field and its limit."""

import re
from typing import Annotated

from msgspec import Meta

from multiregion.errors import InvalidInput

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
Id = Annotated[str, Meta(pattern=rf"\A{ID.pattern}\Z")]
Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Colour = Annotated[str, Meta(pattern=r"\A#[0-9a-f]{6}\Z")]
Size = Annotated[int, Meta(ge=1)]
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # the categories Cc and Cs without line breaks and tabs


def checked_text(field: str, text: str, characters_max: int) -> str:
    """`text` as it is. Raises InvalidInput if it is too long, or has a character that cannot be shown or stored."""
    if len(text) > characters_max:
        raise InvalidInput(f"{field} has {len(text)} characters; at most {characters_max} are taken", field=field, limit=characters_max)
    if found := CONTROL.search(text):
        detail = f"{field} contains the control character U+{ord(found[0]):04X}; only line breaks and tabs are taken"
        raise InvalidInput(detail, field=field)
    return text
