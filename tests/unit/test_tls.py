"""Real handshakes: clients trust whom httpx trusts, and nobody else; for plain HTTP nothing is read."""

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import multiregion
from multiregion.tls import Trust

PACKAGE = Path(multiregion.__file__).parent


class Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def certificate(folder: Path, host: str) -> Path:
    """One that signs itself, and its key, in one file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - timedelta(1), now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / f"{host}.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*plain))
    return file


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    return certificate(tmp_path, "127.0.0.1")


@pytest.fixture
def url(pem: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = HTTPServer(("127.0.0.1", 0), Hello)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def trust() -> Trust:
    return Trust(ssl.PROTOCOL_TLS_CLIENT)


async def test_whom_httpx_does_not_trust_is_refused(url: str) -> None:
    with httpx.Client(verify=trust()) as http, pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        http.get(url)
    async with httpx.AsyncClient(verify=trust()) as http_async:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await http_async.get(url)


async def test_whom_httpx_trusts_is_trusted(url: str, pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certifi.where", lambda: str(pem))
    with httpx.Client(verify=trust()) as http:
        assert http.get(url).status_code == 200
    async with httpx.AsyncClient(verify=trust()) as http_async:
        assert (await http_async.get(url)).status_code == 200


async def test_a_certificate_for_another_host_is_refused(url: str, pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certifi.where", lambda: str(pem))
    with httpx.Client(verify=trust()) as http, pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        http.get(url.replace("127.0.0.1", "localhost"))


def test_authorities_are_read_at_the_first_handshake_and_not_before(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = trust()
    with httpx.Client(verify=asked) as http:
        assert asked.cert_store_stats()["x509_ca"] == 0
        with pytest.raises(httpx.ConnectError):
            http.get(url)
    assert asked.cert_store_stats()["x509_ca"] > 100


def test_no_client_reads_them_for_itself() -> None:
    """But the one that looks from outside, as the operator's environment says."""
    made = [(path, line) for path in PACKAGE.rglob("*.py") for line in path.read_text().splitlines() if "httpx." in line]
    clients = [(path.name, line) for path, line in made if any(f"httpx.{how}(" in line for how in ("Client", "AsyncClient", "get", "post"))]
    assert len(clients) >= 10
    assert {name for name, line in clients if "verify=TRUST" not in line and "**how" not in line} <= {"aws_operations.py", "clients.py"}
