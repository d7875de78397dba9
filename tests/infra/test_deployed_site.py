"""The one file, launched as from the console, with nothing uploaded: the whole web application, from both regions, and its policy after
updates."""

import json
import re
from collections.abc import Iterator

import pytest

from infra import web_bundle
from multiregion.cloud.publish import site_files
from tests.infra.cloud.cloud import Cloud
from tests.infra.deployed import PARAMETERS, PRIMARY, SECONDARY, Deployment, deployed


@pytest.fixture(scope="module")
def here() -> Iterator[Deployment]:
    with deployed(users=False) as made:
        yield made


async def test_the_page_and_all_that_it_names_are_there(here: Deployment) -> None:
    http, site = here.cloud.http(), here.outputs["ConsoleUrl"]
    page = await http.get(f"{site}/")
    assert page.content == site_files(web_bundle.FOLDER)["index.html"]
    named = re.findall(r'(?:src|href)="\./([^"]+)"', page.text)
    assert any(each.endswith(".js") for each in named) and any(each.endswith(".css") for each in named)
    for name in named:
        answer = await http.get(f"{site}/{name}")
        assert (answer.status_code, answer.content) == (200, site_files(web_bundle.FOLDER)[name])


async def test_scripts_are_served_as_scripts(here: Deployment) -> None:
    """A browser runs no module of another type, because of `nosniff`."""
    http, site = here.cloud.http(), here.outputs["ConsoleUrl"]
    scripts = [name for name in site_files(web_bundle.FOLDER) if name.endswith(".js")]
    answer = await http.get(f"{site}/{scripts[0]}")
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_both_regions_have_every_file(here: Deployment) -> None:
    for region in (PRIMARY, SECONDARY):
        bucket = here.outputs[f"{here.role(region)}SiteBucket"]
        s3 = here.cloud.client("s3", region)
        stored = {each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", ())}
        assert stored == {*site_files(web_bundle.FOLDER), "uiConfig.json"}
        config = json.loads(s3.get_object(Bucket=bucket, Key="uiConfig.json")["Body"].read())
        assert config["dashboardUrl"] == here.outputs["DashboardUrl"]


# the policy of the page


def policy(cloud: Cloud) -> str:
    (headers,) = cloud.headers_policies.policies.values()
    text: str = headers["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    return text


def rewrite_headers(here: Deployment, seconds: int = 60) -> None:
    """Nothing else of the stack's own template is changed."""
    cloudformation = here.cloud.client("cloudformation", PRIMARY)
    body = cloudformation.get_template(StackName="gallery")["TemplateBody"]
    template = json.loads(body) if isinstance(body, str) else json.loads(json.dumps(body))
    headers = template["Resources"]["SecurityHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]
    headers["SecurityHeadersConfig"]["StrictTransportSecurity"]["AccessControlMaxAgeSec"] = seconds
    listed = [{"ParameterKey": key, "ParameterValue": value} for key, value in PARAMETERS.items()]
    cloudformation.update_stack(StackName="gallery", TemplateURL=here.cloud.published(json.dumps(template), PRIMARY), Parameters=listed)


def test_an_update_that_rewrites_the_headers_leaves_the_page_its_addresses(here: Deployment) -> None:
    before = policy(here.cloud)
    assert "execute-api" in before
    rewrite_headers(here)
    (headers,) = here.cloud.headers_policies.policies.values()
    assert headers["SecurityHeadersConfig"]["StrictTransportSecurity"]["AccessControlMaxAgeSec"] == 60
    assert (policy(here.cloud), here.cloud.stack_events.failures) == (before, [])


def test_an_update_that_is_taken_back_leaves_uploads_denied_and_replication_on(here: Deployment) -> None:
    """Both are in no template: CloudFormation writes its own policy and its own buckets over them."""
    here.set_state("fenced")
    buckets = {region: here.outputs[f"{here.role(region)}PhotosBucket"] for region in (PRIMARY, SECONDARY)}
    for region, bucket in buckets.items():
        s3 = here.cloud.client("s3", region)
        own = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
        own["Statement"] = [each for each in own["Statement"] if each.get("Sid") != "Fence"]
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(own))
    here.cloud.client("s3", SECONDARY).delete_bucket_replication(Bucket=buckets[SECONDARY])
    rewrite_headers(here, seconds=61)
    for region, bucket in buckets.items():
        s3 = here.cloud.client("s3", region)
        assert '"Sid": "Fence"' in s3.get_bucket_policy(Bucket=bucket)["Policy"], region
        assert s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]["Rules"], region
    assert (here.state()["state"]["S"], here.cloud.stack_events.failures) == ("fenced", [])
