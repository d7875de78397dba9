"""Whoever makes a request."""

from dataclasses import dataclass

OPERATORS = "operators"
"""The group of those who may operate the deployment."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever makes a request, by a token that counts."""

    user: str
    groups: tuple[str, ...] = ()

    @property
    def is_operator(self) -> bool:
        return OPERATORS in self.groups
