"""Where the contract of the HTTP API holds, and the few things in which the worlds honestly differ.

A test that needs one of these abilities says so with `@needs(...)`. It then runs only where the ability is, and the list here is
what docs/deploy-aws.md tells of the differences.
"""

from enum import StrEnum

import pytest


class Ability(StrEnum):
    """What a region of this package can do, and the deployed template cannot."""

    DECODING = (
        "decodes every picture and makes it anew: upright, without metadata; on AWS size, type and digest are checked, and the bytes stay"
    )
    UPLOADS = "takes uploads itself and answers with problem documents; on AWS S3 takes them and answers in its own words"
    LINKS = "serves pictures itself, under an address that stays the same for minutes; on AWS S3 serves them, signed anew each time"
    STEERING = "can be stopped in the middle of an operation by a test that reaches into the process"
    DURABILITY = "can acknowledge a write once the other region has it; a global table copies it after the acknowledgement"
    METHODS = "answers 405 to a method that a path does not have; API Gateway answers as if the path were not there"
    BYTES = "sees a body as the bytes that were sent; API Gateway hands it over as text, in which bytes that are no UTF-8 are replaced"
    ORIGINS = "names the edge's origin only to pages of that origin; API Gateway names it in every answer"
    OPERATORS = "takes the operator's own token, as `photo import` uses it; the template knows only users"


EMBEDDED, DEPLOYED = "embedded", "deployed"
LACKING = {EMBEDDED: frozenset[Ability](), DEPLOYED: frozenset(Ability)}


def needs(*abilities: Ability) -> pytest.MarkDecorator:
    return pytest.mark.needs(*abilities)


def worlds_for(needed: frozenset[Ability]) -> list[str]:
    return [world for world, lacking in LACKING.items() if not needed & lacking]
