"""Which attributes a pool has and what a signed-in user may change, neither of which moto asks, and the key of all pools, which it reads
anew for each."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any

from joserfc import jwk
from moto.cognitoidp import models
from moto.cognitoidp.exceptions import NotAuthorizedError
from moto.cognitoidp.models import CognitoIdpBackend, CognitoIdpUser, CognitoIdpUserPoolAttribute
from moto.core.exceptions import JsonRESTError


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


@contextmanager
def attributes_of_the_pool() -> Iterator[None]:
    """An attribute that the pool does not have is refused. One that is asked for by a standard name is the standard one, not `custom:`."""
    create, update = CognitoIdpBackend.admin_create_user, CognitoIdpBackend.admin_update_user_attributes

    def created(
        backend: CognitoIdpBackend, pool_id: str, username: str, action: str, password: str, attributes: list[dict[str, str]]
    ) -> CognitoIdpUser:
        must_be_known(backend, pool_id, attributes or ())
        return create(backend, pool_id, username, action, password, attributes)

    def updated(backend: CognitoIdpBackend, user_pool_id: str, username: str, attributes: list[dict[str, str]]) -> None:
        must_be_known(backend, user_pool_id, attributes)
        update(backend, user_pool_id, username, attributes)

    CognitoIdpBackend.admin_create_user = created  # type: ignore[method-assign, assignment]
    CognitoIdpBackend.admin_update_user_attributes = updated  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        CognitoIdpBackend.admin_create_user = create  # type: ignore[method-assign]
        CognitoIdpBackend.admin_update_user_attributes = update  # type: ignore[method-assign]


def must_be_known(backend: CognitoIdpBackend, pool_id: str, attributes: Sequence[Mapping[str, str]]) -> None:
    known = {*CognitoIdpUserPoolAttribute.STANDARD_SCHEMA, *backend.describe_user_pool(pool_id).schema_attributes}
    for each in attributes:
        if each["Name"] not in known:
            why = f"user.{each['Name']}: Attribute does not exist in the schema."
            raise JsonRESTError("InvalidParameterException", why)
