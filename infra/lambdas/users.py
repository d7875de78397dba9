"""What exporter, importer and guard agree on: how a user is found in the users table, and notes that stand beside the users there."""

NOTE = "refused "
"""What the key of a note begins with: a user that the secondary's pool does not take. No user name has a space."""


def folded(name: str) -> str:
    """The key of a user. Pools do not tell upper case from lower case."""
    return name.lower()
