"""The mapping templates of the deployed API, each with requests and answers that are hard for it."""

from typing import Any


def cases() -> list[dict[str, Any]]:
    return []
