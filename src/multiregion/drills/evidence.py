"""Makes a bundle: the plan sealed before the run, the facts, what is derived from them, the manifest, the seal."""

import base64
import os
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from multiregion.drills import bundle
from multiregion.drills.facts import Facts, Row
from multiregion.drills.report import documents
from multiregion.drills.standalone import source
from multiregion.drills.verdict import derive
from multiregion.errors import InvalidInput

OWNER_ONLY = 0o600
VERIFIER = "verify.py"


class Sealer:
    """Signs with one Ed25519 key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)

    @classmethod
    def open(cls, path: Path) -> "Sealer":
        """The key in this file, made on first use. Raises InvalidInput if others than its owner may read it, or it is no key."""
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        except FileExistsError:
            return cls._read(path)
        with os.fdopen(descriptor, "wb") as file:
            file.write(Ed25519PrivateKey.generate().private_bytes_raw().hex().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return cls._read(path)

    @classmethod
    def _read(cls, path: Path) -> "Sealer":
        if path.stat().st_mode & 0o077:
            raise InvalidInput(f"{path} seals evidence, and others than its owner may read it; chmod 600 it", field="key")
        try:
            return cls(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip())))
        except ValueError as error:
            raise InvalidInput(f"{path} is no key of 32 bytes in hexadecimal digits", field="key") from error

    @property
    def pem(self) -> bytes:
        return bundle.public_pem(self.public)

    def seal(self, statement: Row) -> bytes:
        """A DSSE envelope around an in-toto statement."""
        payload = bundle.canonical(statement)
        signature = base64.b64encode(self._key.sign(bundle.pae(payload))).decode()
        signatures = [{"keyid": bundle.digest(self.public), "sig": signature}]
        return bundle.canonical({"payloadType": bundle.PAYLOAD, "payload": base64.b64encode(payload).decode(), "signatures": signatures})


def seal_plan(folder: Path, plan: bytes, sealer: Sealer, *, run: int, at: str, previous: str | None) -> str:
    """Before the first request. `previous`: digest of the seal of the run before. Returns the plan's digest, for the history's header."""
    folder.mkdir(parents=True, exist_ok=True)
    predicate: Row = {"run": run, "sealedAt": at, "previous": previous}
    keep(folder, bundle.PLAN, plan)
    keep(folder, bundle.PLAN_SEAL, sealer.seal(bundle.statement(bundle.PLAN, plan, bundle.DRILL_PLAN, predicate)))
    return bundle.digest(plan)


def seal_bundle(
    folder: Path, facts: Facts, sealer: Sealer, *, previous: str | None, enclosures: Mapping[str, bytes] | None = None
) -> tuple[Row, str]:
    """Into a folder that has the sealed plan and the closed history. Returns what was derived, and the digest of the seal.

    What is sealed is what is read back from the files, so that nothing depends on what was only in memory. `enclosures`: documents of
    others, by name; they are kept and not judged. Raises InvalidInput if the facts cannot be read back as they were given.
    """
    for name, content in fact_files(facts).items():
        keep(folder, name, content)
    for name, content in (enclosures or {}).items():
        keep(folder, f"enclosures/{Path(name).name}", content)
    files = bundle.files_of(folder)
    try:
        kept = bundle.facts_in(files)
    except bundle.Unreadable as error:
        raise InvalidInput(str(error)) from error
    derived = derive(kept)
    rendered = documents(kept, derived, key=sealer.pem.decode(), previous=previous)
    for name, content in {**rendered, bundle.KEY: sealer.pem, VERIFIER: source().encode()}.items():
        keep(folder, name, content)
    files = bundle.files_of(folder)
    manifest = bundle.canonical({name: bundle.digest(content) for name, content in files.items()})
    predicate = bundle.result_of(derived, files, {"run": kept.header["run"], "previous": previous})
    seal = sealer.seal(bundle.statement(bundle.MANIFEST, manifest, bundle.TEST_RESULT, predicate))
    keep(folder, bundle.MANIFEST, manifest)
    keep(folder, bundle.SEAL, seal)
    return derived, bundle.digest(seal)


def fact_files(facts: Facts) -> dict[str, bytes]:
    """All but the plan and the history, which are there already."""
    files = {
        bundle.LEDGER: bundle.canonical(facts.ledger),
        bundle.AUTHORITY: bundle.canonical(facts.authority),
        bundle.ENVIRONMENT: bundle.canonical(facts.environment),
    }
    for role, final in facts.finals.items():
        head = {name: value for name, value in final.items() if name != "items"}
        files[bundle.FINALS[role]] = b"".join(bundle.canonical(row) for row in (head, *final["items"]))
    return files


def keep(folder: Path, name: str, content: bytes) -> None:
    """Durably. Raises FileExistsError: nothing in a bundle is ever written twice."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def verify(folder: Path, key: bytes | None = None) -> list[str]:
    """What is wrong with a bundle, each with its file; nothing, if it is as sealed and its verdict follows from its facts. `key`: the
    public key, as in KEY.pub, that it must be sealed by."""
    try:
        return bundle.problems_of(bundle.files_of(folder), key)
    except bundle.Unreadable as error:
        return [str(error)]
