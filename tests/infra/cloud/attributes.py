"""What a signed-in user may change about themselves, which moto does not ask, and the key of all pools, which it reads anew for each."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any

from joserfc import jwk
from moto.cognitoidp import models
from moto.cognitoidp.exceptions import NotAuthorizedError
from moto.cognitoidp.models import CognitoIdpBackend


@cache
def key_in(text: str) -> jwk.RSAKey:
    return jwk.RSAKey.import_key(json.loads(text))


@contextmanager
def keys_read_once() -> Iterator[None]:
    """To check a private key takes as long as twenty requests."""

    def imported(content: Any) -> jwk.RSAKey:
        return key_in(json.dumps(content))

    models.jwk = SimpleNamespace(RSAKey=SimpleNamespace(import_key=imported))  # type: ignore[attr-defined, assignment]
    try:
        yield
    finally:
        models.jwk = jwk  # type: ignore[attr-defined]


@contextmanager
def attributes_as_the_client_may() -> Iterator[None]:
    original = CognitoIdpBackend.update_user_attributes

    def update(backend: CognitoIdpBackend, access_token: str, attributes: Sequence[Mapping[str, str]]) -> None:
        for pool in backend.user_pools.values():
            if access_token in pool.access_tokens:
                client_id, _ = pool.access_tokens[access_token]
                writable = pool.clients[client_id].extended_config.get("WriteAttributes", ())
                if {each["Name"] for each in attributes} - set(writable):
                    raise NotAuthorizedError("A client attempted to write unauthorized attribute")
        original(backend, access_token, [dict(each) for each in attributes])

    CognitoIdpBackend.update_user_attributes = update  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        CognitoIdpBackend.update_user_attributes = original  # type: ignore[method-assign]
