"""`multiregion aws deploy` with the real template: a new deployment, the same again, changes of it, and changes that fail."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.infra.commands import Done
from tests.infra.worlds import PAGE, PRIMARY, SECONDARY, World, committed_template, world

BUCKET = f"multiregion-123456789012-{PRIMARY}"
SITES = {"Primary": PRIMARY, "Secondary": SECONDARY}


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
    bundle = w.parameters()["WebBundleKey"]
    (template,) = [key for key in w.objects(BUCKET) if key.startswith("templates/")]
    s3 = w.cloud.client("s3", PRIMARY)
    assert s3.get_object(Bucket=BUCKET, Key=template)["Body"].read().decode() == committed_template().text
    archive = ZipFile(io.BytesIO(s3.get_object(Bucket=BUCKET, Key=bundle)["Body"].read()))
    assert sorted(archive.namelist()) == ["assets/page-1a2b.js", "index.html"]
    assert all(s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_encryption(Bucket=BUCKET)
    assert "aws:SecureTransport" in s3.get_bucket_policy(Bucket=BUCKET)["Policy"]


def test_what_is_not_named_keeps_its_value_and_what_is_named_arrives_in_both_regions(deployed: tuple[World, Done]) -> None:
    w, _ = deployed
    before, invoked = w.parameters(), len(w.cloud.functions.invoked)
    changed = w.update("--parameter", "MetricsEndpoint=https://metrics.example.com/")
    assert changed.code == 0, changed.said
    assert "multiregion is up to date" in changed.said
    assert w.parameters() == {**before, "MetricsEndpoint": "https://metrics.example.com/"}
    assert {endpoint(w, region) for region in (PRIMARY, SECONDARY)} == {"https://metrics.example.com/"}
    assert [name.rpartition("-")[2] for name in w.cloud.functions.invoked[invoked:]] == ["Finalizer", "AppStateUpdaterLambda"], (
        "restored what it may have overwritten"
    )


def test_another_web_application_is_brought_to_both_regions_and_nothing_else_is_changed(deployed: tuple[World, Done]) -> None:
    w, _ = deployed
    before, other = w.parameters(), w.folder / "other.template"
    other.write_text(json.dumps({**committed_template().document, "Description": "another template"}))
    (w.site / "index.html").write_text(PAGE.replace("Gallery", "Another gallery"))
    done = w.update("--site-only", "--template", str(other))
    assert done.code == 0, done.said
    assert description(w) == committed_template().document["Description"]
    after = w.parameters()
    assert {name for name in before if before[name] != after[name]} == {"WebBundleKey"}
    assert all("Another gallery" in page(w, role) for role in SITES)
    again = w.update("--site-only")
    assert (again.code, w.parameters()) == (0, after)
    assert "there was nothing to change" in again.said


def test_an_update_that_fails_says_why_is_undone_and_succeeds_with_other_values(deployed: tuple[World, Done]) -> None:
    w, _ = deployed
    before, told = w.parameters(), {region: endpoint(w, region) for region in (PRIMARY, SECONDARY)}
    w.cloud.fail("AppStateUpdaterLambda", "The environment variables are too large (Status Code: 400)", given="wrong.example.com")
    failed = w.update("--parameter", "MetricsEndpoint=https://wrong.example.com/")
    assert (failed.code, w.status()) == (1, "UPDATE_ROLLBACK_COMPLETE")
    said = f"AppStateUpdaterLambda (AWS::Lambda::Function) failed in {SECONDARY}: RuntimeError: The environment variables are too large"
    assert said in failed.said and "The deployment is as it was before." in failed.said
    assert (w.parameters(), {region: endpoint(w, region) for region in (PRIMARY, SECONDARY)}) == (before, told)
    for state in ("fenced", "active"):
        assert w.run("state", "set", state).code == 0
    again = w.update("--parameter", "MetricsEndpoint=https://wrong.example.com/", "--json")
    assert (again.code, again.answer["failure"]["resource"]) == (1, "AppStateUpdaterLambda")
    right = w.update("--parameter", "MetricsEndpoint=https://right.example.com/")
    assert right.code == 0, right.said
    assert {endpoint(w, region) for region in (PRIMARY, SECONDARY)} == {"https://right.example.com/"}


def test_an_update_that_is_taken_back_leaves_the_page_its_addresses(deployed: tuple[World, Done]) -> None:
    """CloudFormation takes the headers back to what the template says, in which no region has an address."""
    w, _ = deployed
    before, other = policy(w), w.folder / "headers.template"
    document = json.loads(committed_template().text)
    headers = document["Resources"]["SecurityHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]
    headers["SecurityHeadersConfig"]["StrictTransportSecurity"]["AccessControlMaxAgeSec"] = 60
    other.write_text(json.dumps(document))
    w.cloud.fail("AppStateUpdaterLambda", "The environment variables are too large", given="late.example.com")
    failed = w.run("deploy", "--template", str(other), "--web", str(w.site), "--parameter", "MetricsEndpoint=https://late.example.com/")
    assert (failed.code, w.status()) == (1, "UPDATE_ROLLBACK_COMPLETE")
    assert "execute-api" in before and policy(w) == before


def test_a_web_application_that_is_refused_leaves_the_one_before(deployed: tuple[World, Done], tmp_path: Path) -> None:
    w, _ = deployed
    before, pages = w.parameters(), {role: page(w, role) for role in SITES}
    (tmp_path / "index.html").write_text(PAGE)
    for number in range(1_001):
        (tmp_path / f"{number}.js").write_text("")
    failed = w.update("--site-only", "--web", str(tmp_path))
    assert (failed.code, w.status()) == (1, "UPDATE_ROLLBACK_COMPLETE")
    assert "Finalize (Custom::Finalize) failed in us-east-1" in failed.said and "is not a bundle of the web application" in failed.said
    assert (w.parameters(), {role: page(w, role) for role in SITES}) == (before, pages)


def description(w: World) -> str:
    """Of the template that the stack has now."""
    body = w.cloud.client("cloudformation", PRIMARY).get_template(StackName="multiregion")["TemplateBody"]
    return str((json.loads(body) if isinstance(body, str) else body)["Description"])


def endpoint(w: World, region: str) -> str:
    """Where the function that changes the state sends metrics."""
    name = w.outputs()["AppStateUpdaterLambdaName"]
    found = w.cloud.client("lambda", region).get_function_configuration(FunctionName=name)
    return str(found["Environment"]["Variables"]["METRICS_ENDPOINT"])


def policy(w: World) -> str:
    (headers,) = w.cloud.headers_policies.policies.values()
    return str(headers["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"])


def page(w: World, role: str) -> str:
    """The web application's page as a region's bucket has it."""
    found = w.cloud.client("s3", SITES[role]).get_object(Bucket=w.outputs()[f"{role}SiteBucket"], Key="index.html")
    return str(found["Body"].read().decode())
