"""An application in two regions that survives losing one, and proves it."""

__version__ = "0.1.0"
