"""`multiregion aws deploy` with the real template: a new deployment, the same again, and changes of it."""

import io
from collections.abc import Iterator
from zipfile import ZipFile

import pytest

from tests.infra.commands import Done
from tests.infra.worlds import PRIMARY, SECONDARY, World, committed_template, world

BUCKET = f"multiregion-123456789012-{PRIMARY}"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Done]]:
    """A deployment that tests bring up to date, and how it was made."""
    with world(tmp_path_factory.mktemp("deployed")) as made:
        first = made.deploy()
        assert first.code == 0, first.said
        yield made, first


def test_a_deployment_is_made_in_both_regions_and_made_again_changes_nothing(deployed: tuple[World, Done]) -> None:
    w, first = deployed
    assert w.status() == "CREATE_COMPLETE"
    assert {each["StackStatus"] for each in w.stacks(SECONDARY)} == {"CREATE_COMPLETE"}
    for said in ("✓ credentials", "✓ regions", "✓ name", "✓ template", "✓ permissions", "multiregion is deployed", "maria@example.com"):
        assert said in first.said
    again = w.deploy("--json")
    assert (again.code, again.answer["what"], again.err) == (0, "nothing", "")
    assert again.answer["outputs"] == w.run("outputs", "--json").answer
    assert set(again.answer["outputs"]) == set(committed_template().document["Outputs"])


def test_what_is_published_is_private_encrypted_and_named_by_its_digest(deployed: tuple[World, Done]) -> None:
    w, _ = deployed
    template, bundle = sorted(w.objects(BUCKET))
    s3 = w.cloud.client("s3", PRIMARY)
    assert s3.get_object(Bucket=BUCKET, Key=template)["Body"].read().decode() == committed_template().text
    archive = ZipFile(io.BytesIO(s3.get_object(Bucket=BUCKET, Key=bundle)["Body"].read()))
    assert sorted(archive.namelist()) == ["assets/page-1a2b.js", "index.html"]
    assert all(s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_encryption(Bucket=BUCKET)
    assert "aws:SecureTransport" in s3.get_bucket_policy(Bucket=BUCKET)["Policy"]
