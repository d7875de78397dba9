"""How large a text in the template may become: AWS's limits, and the room that is kept below them for what comes later."""

BODY_BYTES_MAX = 51_200
"""The template in a StackSet."""
SOURCE_BYTES_MAX = 4_194_304
"""The source of a function."""
SPARE_BYTES = 5_200
TEMPLATE_BYTES_MAX = 900_000
"""The whole template. CloudFormation takes 1 MB from a bucket, and the console uploads to one."""


def roomy(name: str, text: str, bytes_max: int) -> str:
    """The text as it is. Raises ValueError if less than SPARE_BYTES are left below the limit."""
    size, most = len(text.encode()), bytes_max - SPARE_BYTES
    if size > most:
        raise ValueError(f"{name} has {size:,} bytes; at most {most:,} are wanted, {SPARE_BYTES:,} below AWS's limit: split or shrink it")
    return text
