"""The application that is served where none is named, as commands know it: nothing else in the product imports it."""

from multiregion.gallery.commands import app, import_samples

COMMAND = "photo"

__all__ = ["COMMAND", "app", "import_samples"]
