"""Bundles: sealed, and whatever is changed afterwards is noticed, with the file's name."""

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from multiregion.drills import bundle
from multiregion.drills.bundle import result_of
from multiregion.drills.ed25519 import ORDER, is_signed
from multiregion.drills.evidence import Sealer, seal_bundle, seal_plan, verify
from multiregion.drills.facts import Facts
from multiregion.errors import InvalidInput
from tests.drill_bundles import make
from tests.drill_edits import keep
from tests.drill_histories import Shape, facts_of


@pytest.fixture(scope="module")
def sealer(tmp_path_factory: pytest.TempPathFactory) -> Sealer:
    return Sealer.open(tmp_path_factory.mktemp("keys") / "drills.key")


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory, sealer: Sealer) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "drill-0007"
    make(folder, facts_of(3, Shape.short(rate=4)), sealer, previous="a" * 64)
    return folder


@pytest.fixture
def copied(tmp_path: Path, sealed: Path) -> Path:
    return shutil.copytree(sealed, tmp_path / "copy")


def test_a_sealed_bundle_is_as_it_was_sealed(sealed: Path, sealer: Sealer) -> None:
    assert verify(sealed) == []
    assert verify(sealed, sealer.pem) == []


def test_it_has_every_part(sealed: Path) -> None:
    names = set(bundle.files_of(sealed))
    assert {*bundle.NEEDED, *bundle.FINALS.values(), "manifest.json", "seal.json", "verify.py", "report.html", "summary.txt"} < names
    assert "enclosures/fis.json" in names


def test_every_flipped_byte_of_every_file_is_noticed_and_named(sealed: Path) -> None:
    files = bundle.files_of(sealed)
    manifest = json.loads(files["manifest.json"])
    assert manifest.keys() == files.keys() - {"manifest.json", "seal.json"}
    for name, content in files.items():
        for at in range(len(content)):
            flipped = content[:at] + bytes([content[at] ^ (1 << at % 8)]) + content[at + 1 :]
            if name in manifest:
                found = list(bundle.unlike_manifest({name: flipped}, {name: manifest[name]}))
            else:
                found = bundle.tampered({**files, name: flipped})
            assert any(problem.startswith(name) for problem in found), (name, at)


@pytest.mark.parametrize(
    "name", ["history.jsonl", "final/primary.jsonl", "plan.toml", "KEY.pub", "verify.py", "seal.json", "enclosures/fis.json"]
)
def test_a_changed_file_on_disk_is_named(copied: Path, name: str) -> None:
    content = (copied / name).read_bytes()
    (copied / name).write_bytes(content[:1] + bytes([content[1] ^ 4]) + content[2:])
    assert any(problem.startswith(name) for problem in verify(copied))


@pytest.mark.parametrize("name", ["history.jsonl", "ledger.json", "final/secondary.jsonl", "seal.json", "enclosures/fis.json"])
def test_a_missing_file_is_named(copied: Path, name: str) -> None:
    (copied / name).unlink()
    assert f"{name} is missing" in verify(copied)


def test_an_added_file_is_named_and_a_time_stamp_is_not(copied: Path) -> None:
    (copied / "seal.json.tsr").write_bytes(b"token")
    assert verify(copied) == []
    (copied / "note.txt").write_text("it was fine")
    assert verify(copied) == ["note.txt was added after the seal"]


def test_a_link_is_no_part_of_a_bundle(copied: Path) -> None:
    (copied / "summary.txt").unlink()
    (copied / "summary.txt").symlink_to("/etc/passwd")
    assert verify(copied) == ["summary.txt is a link"]


@pytest.mark.parametrize("name", ["seal.json", "manifest.json"])
def test_a_seal_and_a_manifest_have_one_encoding_only(copied: Path, name: str) -> None:
    """Spaces, or a key that is there twice, would say the same and be other bytes."""
    content = (copied / name).read_bytes()
    for same in (content.replace(b'":', b'": ', 1), content[:-2] + b"," + content[1:-2] + b"}\n"):
        assert json.loads(same) == json.loads(content)
        (copied / name).write_bytes(same)
        assert verify(copied) == [f"{name} is not in its canonical encoding"]


def test_another_key_is_noticed(copied: Path, tmp_path: Path) -> None:
    other = Sealer.open(tmp_path / "other.key")
    assert verify(copied, other.pem) != []
    assert "KEY.pub is another key than the one given" in verify(copied, other.pem)


def resealed(folder: Path, sealer: Sealer) -> None:
    """By somebody who has the key, and changes facts or report afterwards."""
    files = {name: content for name, content in bundle.files_of(folder).items() if name not in ("manifest.json", "seal.json")}
    predicate = bundle.parsed(base64.b64decode(json.loads((folder / "seal.json").read_bytes())["payload"]))["predicate"]
    manifest = bundle.canonical({name: bundle.digest(content) for name, content in files.items()})
    (folder / "manifest.json").write_bytes(manifest)
    (folder / "seal.json").write_bytes(sealer.seal(bundle.statement("manifest.json", manifest, bundle.TEST_RESULT, predicate)))


def prettier_report(folder: Path) -> None:
    report = json.loads((folder / "report.json").read_bytes())
    report["derived"]["measures"]["rpo"]["writes"] = 0
    (folder / "report.json").write_bytes(bundle.canonical(report))


def kinder_plan(folder: Path) -> None:
    plan = (folder / "plan.toml").read_text().replace('rto_write = "5s"', 'rto_write = "9s"')
    (folder / "plan.toml").write_text(plan)


def shorter_ledger(folder: Path) -> None:
    (folder / "ledger.json").write_bytes(bundle.canonical(json.loads((folder / "ledger.json").read_bytes())[1:]))


def shorter_history(folder: Path) -> None:
    lines = (folder / "history.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "history.jsonl").write_bytes(b"".join(lines[:20] + lines[21:]))


CHEATS: list[tuple[Callable[[Path], None], str]] = [
    (prettier_report, "report.json says otherwise of measures than its own facts do"),
    (kinder_plan, "plan.toml is not what plan.seal.json seals"),
    (shorter_ledger, "report.json says otherwise of rules than its own facts do"),
    (
        shorter_history,
        "nothing can be derived from the bundle: history.jsonl: line 20 is not what was written there, or one before it is missing",
    ),
]


@pytest.mark.parametrize(("cheat", "problem"), CHEATS, ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_changed_and_sealed_again_contradicts_itself(
    copied: Path, sealer: Sealer, cheat: Callable[[Path], None], problem: str
) -> None:
    resealed(copied, sealer)
    assert verify(copied) == []
    cheat(copied)
    resealed(copied, sealer)
    assert problem in verify(copied)


def test_a_plan_sealed_after_the_run_began_is_another_plan(copied: Path, sealer: Sealer) -> None:
    kinder_plan(copied)
    plan = (copied / "plan.toml").read_bytes()
    (copied / "plan.seal.json").write_bytes(sealer.seal(bundle.statement("plan.toml", plan, bundle.DRILL_PLAN, {})))
    resealed(copied, sealer)
    assert "history.jsonl was recorded under another plan than plan.toml" in verify(copied)


def test_a_seal_that_says_passed_of_a_run_that_did_not_is_noticed(copied: Path, sealer: Sealer) -> None:
    manifest = (copied / "manifest.json").read_bytes()
    statement = json.loads(base64.b64decode(json.loads((copied / "seal.json").read_bytes())["payload"]))
    assert statement["predicate"]["result"] == "PASSED"
    predicate = {**statement["predicate"], "result": "FAILED"}
    (copied / "seal.json").write_bytes(sealer.seal(bundle.statement("manifest.json", manifest, bundle.TEST_RESULT, predicate)))
    assert verify(copied) == ["seal.json says otherwise of the result than its own facts do"]


def test_the_seal_is_what_in_toto_tools_read(sealed: Path, sealer: Sealer) -> None:
    envelope = json.loads((sealed / "seal.json").read_bytes())
    payload = base64.b64decode(envelope["payload"])
    signed = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload)
    key: Any = load_pem_public_key((sealed / "KEY.pub").read_bytes())
    key.verify(base64.b64decode(envelope["signatures"][0]["sig"]), signed)
    statement = json.loads(payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert statement["subject"] == [{"name": "manifest.json", "digest": {"sha256": bundle.digest((sealed / "manifest.json").read_bytes())}}]
    predicate = statement["predicate"]
    assert predicate["result"] == "PASSED" and "C1" in predicate["passedTests"] and predicate["failedTests"] == []
    assert predicate["previous"] == "a" * 64 and predicate["run"] == 7


def test_a_broken_promise_is_sealed_as_failed(tmp_path: Path, sealer: Sealer) -> None:
    facts = facts_of(3, Shape.short(rate=4))
    keep(facts, "add", "drill-7-0-x")
    derived, _ = make(tmp_path / "b", facts, sealer)
    assert derived["verdict"] == "promise broken"
    statement = json.loads(base64.b64decode(json.loads((tmp_path / "b" / "seal.json").read_bytes())["payload"]))
    assert statement["predicate"]["result"] == "FAILED" and statement["predicate"]["failedTests"] == ["C3"]
    assert verify(tmp_path / "b") == []


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "key"
    first = Sealer.open(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert Sealer.open(path).public == first.public
    path.chmod(0o640)
    with pytest.raises(InvalidInput, match="others than its owner"):
        Sealer.open(path)
    path.chmod(0o600)
    path.write_text("no key")
    with pytest.raises(InvalidInput, match="no key"):
        Sealer.open(path)


def test_nothing_is_sealed_twice(sealed: Path, sealer: Sealer) -> None:
    facts = bundle.facts_in(bundle.files_of(sealed))
    with pytest.raises(FileExistsError):
        seal_bundle(sealed, facts, sealer, previous=None)
    with pytest.raises(FileExistsError):
        seal_plan(sealed, b"", sealer, run=1, at="", previous=None)


def test_facts_that_cannot_be_read_back_are_not_sealed(tmp_path: Path, sealer: Sealer) -> None:
    folder = tmp_path / "b"
    seal_plan(folder, b"not toml", sealer, run=1, at="", previous=None)
    (folder / "history.jsonl").write_bytes(b"")
    with pytest.raises(InvalidInput, match="no header"):
        seal_bundle(folder, Facts({}, {}, [], [], {}, [], []), sealer, previous=None)


def test_signatures_are_checked_as_cryptography_checks_them() -> None:
    for number in range(12):
        key = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
        message, public = bytes(range(number)), key.public_key()
        signature = key.sign(message)
        assert is_signed(public.public_bytes_raw(), message, signature)
        for at in range(0, 64, 5):
            changed = signature[:at] + bytes([signature[at] ^ 1 << number % 8]) + signature[at + 1 :]
            assert not is_signed(public.public_bytes_raw(), message, changed)
            with pytest.raises(InvalidSignature):
                public.verify(changed, message)
        assert not is_signed(public.public_bytes_raw(), message + b"x", signature)
        assert not is_signed(public.public_bytes_raw(), message, signature[:63])
        assert not is_signed(public.public_bytes_raw()[:31], message, signature)


def test_a_signature_has_one_form_only() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    signature = key.sign(b"m")
    scalar = int.from_bytes(signature[32:], "little") + ORDER
    assert not is_signed(key.public_key().public_bytes_raw(), b"m", signature[:32] + scalar.to_bytes(32, "little"))


def test_the_vector_of_rfc_8032() -> None:
    public = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert is_signed(public, bytes.fromhex("72"), signature)


@pytest.mark.parametrize(("met", "listed"), [([], "warnedTests"), ([True], "passedTests"), ([True, False], "failedTests")])
def test_objectives_that_were_not_set_are_not_passed(met: list[bool], listed: str) -> None:
    derived = {"verdict": "pass", "rules": [], "objectives": [{"met": each} for each in met]}
    assert result_of(derived, {"plan.toml": b""}, {})[listed] == ["C14"]
