"""Whom clients trust. httpx reads every authority of the world for each client, 60 ms of work, even for one that never calls https."""

import ssl
from typing import Any

import httpx


class Trust(ssl.SSLContext):
    """Trusts whom httpx trusts, and reads them at the first handshake."""

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        self._read_authorities()
        return super().wrap_socket(*args, **options)

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        self._read_authorities()
        return super().wrap_bio(*args, **options)

    def _read_authorities(self) -> None:
        if not self.cert_store_stats()["x509_ca"]:
            authorities = httpx.create_ssl_context(trust_env=False).get_ca_certs(binary_form=True)
            self.load_verify_locations(cadata=b"".join(authorities))


TRUST = Trust(ssl.PROTOCOL_TLS_CLIENT)
"""For every client: it has no state but the authorities."""
