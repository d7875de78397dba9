"""What a signed-in user may change about themselves: what their app client may write, which moto does not ask."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from moto.cognitoidp.exceptions import NotAuthorizedError
from moto.cognitoidp.models import CognitoIdpBackend


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
