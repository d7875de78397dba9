"""The simulation for a process of its own: a proxy that every name of AWS can be reached through by TLS, with its own authority.

`HTTPS_PROXY` and `SSL_CERT_FILE` lead there, as they would in a company's network. A lost region does not answer.
"""

import datetime
import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOSTS = ("*.execute-api.us-east-1.amazonaws.com", "*.execute-api.ap-northeast-1.amazonaws.com")
HEAD_BYTES_MAX, PART_BYTES, IDLE_SECONDS = 8_192, 65_536, 30.0


def certificate(folder: Path) -> Path:
    """A file with a key and a certificate for HOSTS that vouches for itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "simulation")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ) + made.public_bytes(serialization.Encoding.PEM)
    file = folder / "simulation.pem"
    file.write_bytes(text)
    return file


class Tunnel(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, front: str, file: Path, is_lost: Callable[[str], bool]) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        url = urlsplit(front)
        assert url.hostname and url.port
        self.front, self.is_lost = (url.hostname, url.port), is_lost
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(file)


class Connection(socketserver.BaseRequestHandler):
    server: Tunnel

    def handle(self) -> None:
        self.request.settimeout(IDLE_SECONDS)
        head = b""
        while b"\r\n\r\n" not in head and len(head) < HEAD_BYTES_MAX:
            if not (part := self.request.recv(HEAD_BYTES_MAX)):
                return
            head += part
        method, host, _ = head.decode("latin-1").split(" ", 2)
        if method != "CONNECT" or self.server.is_lost(host.partition(":")[0]):
            self.request.sendall(b"HTTP/1.1 502 X\r\nContent-Length: 0\r\n\r\n")
            return
        self.request.sendall(b"HTTP/1.1 200 X\r\n\r\n")
        with self.server.tls.wrap_socket(self.request, server_side=True) as outside, socket.create_connection(self.server.front) as inside:
            carry(outside, inside)


def carry(outside: ssl.SSLSocket, inside: socket.socket) -> None:
    """Both ways until one side has closed, or nothing has come for a while."""
    ways = {outside: inside, inside: outside}
    while True:
        ready = [outside] if outside.pending() else select.select([*ways], [], [], IDLE_SECONDS)[0]
        if not ready:
            return
        for side in ready:
            if not (part := side.recv(PART_BYTES)):
                return
            ways[side].sendall(part)


@contextmanager
def tunnel(front: str, folder: Path, is_lost: Callable[[str], bool]) -> Iterator[dict[str, str]]:
    """The environment that leads a process through it."""
    file = certificate(folder)
    with Tunnel(front, file, is_lost) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield {"HTTPS_PROXY": f"http://127.0.0.1:{server.server_address[1]}", "SSL_CERT_FILE": str(file)}
        finally:
            server.shutdown()
            thread.join()
