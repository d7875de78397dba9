"""What a client trusts. httpx reads every authority of the world for each client, 60 ms of work, even for one that never calls https."""

import ssl
from functools import cache

import httpx

NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def trusted(url: str) -> ssl.SSLContext:
    """For a client of `url`. What is called without https and answers with a redirection to it is not trusted."""
    return authorities() if url.startswith("https:") else NOBODY


@cache
def authorities() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)
