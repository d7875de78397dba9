"""Photos and their comments: tickets, verification, re-encoding, listing and deleting.

This module imports nothing, because the processes that decode pictures pass through it and should start fast and stay small.
"""
