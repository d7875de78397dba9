"""Why a log is undone, in tests that undo one by hand."""

from multiregion.logs import NOT_REPLICATED, Explain


def not_replicated(reason: str) -> Explain:
    return lambda position, own: (NOT_REPLICATED, reason)
