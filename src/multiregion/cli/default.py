"""The application that is served where none is named, as commands know it: nothing else in the product imports it."""

from importlib import import_module
from typing import Any

COMMAND = "photo"


def __getattr__(name: str) -> Any:
    """Its commands, loaded when one of them is called."""
    return getattr(import_module("multiregion.gallery.commands"), name)
