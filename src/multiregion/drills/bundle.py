"""A sealed bundle: its files, how they are encoded, and whether they are still what was sealed. Standard library only, and no effects but
reading: the stand-alone verifier of a bundle contains this file."""

import base64
import binascii
import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from multiregion.drills.ed25519 import is_signed
from multiregion.drills.facts import ROLES, Facts, Row
from multiregion.drills.oracle import BROKEN, INCONCLUSIVE, MISSED, PASS
from multiregion.drills.verdict import derive

PLAN, PLAN_SEAL, HISTORY, LEDGER = "plan.toml", "plan.seal.json", "history.jsonl", "ledger.json"
AUTHORITY, ENVIRONMENT, REPORT, MANIFEST, SEAL, KEY = (
    "authority.json",
    "environment.json",
    "report.json",
    "manifest.json",
    "seal.json",
    "KEY.pub",
)
FINALS = {role: f"final/{role}.jsonl" for role in ROLES}
NEEDED = (PLAN, PLAN_SEAL, HISTORY, LEDGER, AUTHORITY, ENVIRONMENT, REPORT, KEY)
AFTERWARDS = (".tsr",)
"""Endings of files that are made after the seal, of the seal."""
BUNDLE_BYTES_MAX = 512 * 1024 * 1024

STATEMENT = "https://in-toto.io/Statement/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
DRILL_PLAN = "urn:multiregion:drill-plan:v1"
PAYLOAD = "application/vnd.in-toto+json"
RESULTS = {PASS: "PASSED", BROKEN: "FAILED", MISSED: "FAILED", INCONCLUSIVE: "WARNED"}
PUBLIC_PREFIX = bytes.fromhex("302a300506032b6570032100")
PEM = ("-----BEGIN PUBLIC KEY-----\n", "\n-----END PUBLIC KEY-----\n")
CHAINED = b',"chain":"'


class Unreadable(Exception):
    """A file of a bundle that is not what it should be, and why."""


def canonical(value: object) -> bytes:
    """The one encoding of a manifest or a seal."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def pae(payload: bytes) -> bytes:
    """What is signed: DSSE's pre-authentication encoding, over the bytes themselves."""
    kind = PAYLOAD.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def public_pem(raw: bytes) -> bytes:
    return base64.b64encode(PUBLIC_PREFIX + raw).decode().join(PEM).encode()


def public_raw(pem: bytes) -> bytes:
    """Raises Unreadable for anything but an Ed25519 key, in its one encoding."""
    try:
        encoded = pem.decode("ascii").removeprefix(PEM[0]).removesuffix(PEM[1])
        raw = base64.b64decode(encoded, validate=True).removeprefix(PUBLIC_PREFIX)
    except (ValueError, binascii.Error) as error:
        raise Unreadable("is no public key") from error
    if len(raw) != 32 or public_pem(raw) != pem:
        raise Unreadable("is no public Ed25519 key")
    return raw


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of a bundle. Raises Unreadable for what no bundle has: links, or more than BUNDLE_BYTES_MAX."""
    found: dict[str, bytes] = {}
    total = 0
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise Unreadable(f"{path.relative_to(folder)} is a link")
        if path.is_file():
            total += path.stat().st_size
            if total > BUNDLE_BYTES_MAX:
                raise Unreadable(f"the bundle is larger than {BUNDLE_BYTES_MAX} bytes")
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found


def parsed(content: bytes) -> Row:
    """Raises Unreadable for anything but one JSON object in its canonical encoding."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Unreadable("is no JSON") from error
    if not isinstance(found, dict) or canonical(found) != content:
        raise Unreadable("is not in its canonical encoding")
    return found


def opened(envelope: bytes, public: bytes) -> Row:
    """The statement in a DSSE envelope. Raises Unreadable unless this key signed exactly these bytes."""
    found = parsed(envelope)
    try:
        (signature,) = found["signatures"]
        payload = base64.b64decode(found["payload"], validate=True)
        signed = base64.b64decode(signature["sig"], validate=True)
        signatures = [{"keyid": digest(public), "sig": base64.b64encode(signed).decode()}]
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise Unreadable("is no DSSE envelope") from error
    kept = {"payload": base64.b64encode(payload).decode(), "payloadType": PAYLOAD, "signatures": signatures}
    if found != kept or not is_signed(public, pae(payload), signed):
        raise Unreadable("is not signed by the key")
    return parsed(payload)


def statement(name: str, subject: bytes, kind: str, predicate: Row) -> Row:
    subjects = [{"name": name, "digest": {"sha256": digest(subject)}}]
    return {"_type": STATEMENT, "subject": subjects, "predicateType": kind, "predicate": predicate}


def tampered(files: Mapping[str, bytes], key: bytes | None = None) -> list[str]:
    """What is not as it was sealed, each with the file's name. `key`: the public key that it must be sealed by, else the bundle's own."""
    problems = [f"{name} is missing" for name in (MANIFEST, SEAL, *NEEDED) if name not in files]
    if problems:
        return problems
    try:
        manifest = parsed(files[MANIFEST])
    except Unreadable as error:
        return [f"{MANIFEST} {error}"]
    problems = list(unlike_manifest(files, manifest))
    own = files[KEY]
    if key is not None and key != own:
        problems.append(f"{KEY} is another key than the one given")
    try:
        public = public_raw(own if key is None else key)
    except Unreadable as error:
        return [*problems, f"{KEY} {error}"]
    for name, subject, kind in ((SEAL, MANIFEST, TEST_RESULT), (PLAN_SEAL, PLAN, DRILL_PLAN)):
        try:
            found = opened(files[name], public)
        except Unreadable as error:
            problems.append(f"{name} {error}")
            continue
        if found != statement(subject, files[subject], kind, found.get("predicate", {})):
            problems.append(f"{subject} is not what {name} seals")
    return problems


def unlike_manifest(files: Mapping[str, bytes], manifest: Row) -> Iterator[str]:
    for name, content in files.items():
        if name in manifest and manifest[name] != digest(content):
            yield f"{name} was changed after the seal"
        elif name not in manifest and name not in (MANIFEST, SEAL) and not name.endswith(AFTERWARDS):
            yield f"{name} was added after the seal"
    for name in manifest.keys() - files.keys():
        yield f"{name} is missing"


def lines_of(content: bytes) -> list[Row]:
    """The rows of a history, each after its chain is checked. Raises Unreadable, naming the line."""
    rows: list[Row] = []
    previous = bytes(32)
    lines = content.split(b"\n")
    if lines.pop():
        raise Unreadable(f"ends in the middle of line {len(lines)}")
    for number, line in enumerate(lines):
        body, found, rest = line.rpartition(CHAINED)
        previous = hashlib.sha256(previous + body + b"}").digest()
        if not found or rest != previous.hex().encode() + b'"}':
            raise Unreadable(f"line {number} is not what was written there, or one before it is missing")
        row = json.loads(body + b"}")
        if row.get("i", 0) != number:
            raise Unreadable(f"line {number} says that it is line {row.get('i', 0)}")
        rows.append(row)
    return rows


def facts_in(files: Mapping[str, bytes]) -> Facts:
    """Raises Unreadable, naming the file."""
    try:
        rows = lines_of(files[HISTORY])
    except (Unreadable, ValueError) as error:
        raise Unreadable(f"{HISTORY}: {error}") from error
    if not rows or "history" not in rows[0]:
        raise Unreadable(f"{HISTORY} has no header")
    name = PLAN
    try:
        plan = tomllib.loads(files[name].decode())
        finals = {}
        for role, name in FINALS.items():
            if name in files:
                head, *items = [json.loads(line) for line in files[name].splitlines()]
                finals[role] = {**head, "items": items}
        documents = [json.loads(files[name]) for name in (LEDGER, AUTHORITY, ENVIRONMENT)]
    except ValueError as error:
        raise Unreadable(f"{name} cannot be read: {error}") from error
    operations = [row for row in rows[1:] if "event" not in row]
    events = [row for row in rows[1:] if "event" in row]
    return Facts(plan, rows[0], operations, events, finals, *documents)


def disagreements(files: Mapping[str, bytes]) -> Iterator[str]:
    """Where what is derived again from the facts is not what the report says. Raises Unreadable if there are no facts."""
    facts = facts_in(files)
    if facts.header["plan"] != digest(files[PLAN]):
        yield f"{HISTORY} was recorded under another plan than {PLAN}"
    report = parsed(files[REPORT])["derived"]
    derived = json.loads(canonical(derive(facts)))
    for part in sorted({*derived, *report}):
        if derived.get(part) != report.get(part):
            yield f"{REPORT} says otherwise of {part} than its own facts do"
    predicate = parsed(base64.b64decode(parsed(files[SEAL])["payload"]))["predicate"]
    if predicate != result_of(derived, files, predicate):
        yield f"{SEAL} says otherwise of the result than its own facts do"


def result_of(derived: Row, files: Mapping[str, bytes], predicate: Row) -> Row:
    """The predicate of an in-toto test result. `run` and `previous` (the digest of the seal before) are taken over."""
    tests: dict[str, list[str]] = {"kept": [], "broken": [], "not judged": []}
    for rule in derived["rules"]:
        tests[rule["outcome"]].append(rule["rule"])
    met = [each["met"] for each in derived["objectives"]]
    tests["not judged" if not met else "kept" if all(met) else "broken"].append("C14")
    return {
        "result": RESULTS[derived["verdict"]],
        "configuration": [{"name": PLAN, "digest": {"sha256": digest(files[PLAN])}}],
        "passedTests": tests["kept"],
        "failedTests": tests["broken"],
        "warnedTests": tests["not judged"],
        "run": predicate.get("run"),
        "previous": predicate.get("previous"),
    }


def problems_of(files: Mapping[str, bytes], key: bytes | None = None) -> list[str]:
    """Everything that is wrong with a bundle; nothing, if it is what was sealed and its verdict follows from its facts."""
    found = tampered(files, key)
    if not found:
        try:
            found = list(disagreements(files))
        except (Unreadable, KeyError, TypeError, ValueError, AttributeError) as error:
            found = [f"nothing can be derived from the bundle: {error}"]
    return found
