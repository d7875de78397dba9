"""The committed template, looked at: what the guide lists is there, nothing dangles, nothing is allowed that need not be."""

import json
import re
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest

from infra import front_end, synthesis
from infra.front_end import POLICY
from infra.limits import BODY_BYTES_MAX, roomy
from multiregion.api.edge import content_security_policy
from multiregion.api.identity_operations import KNOWN_ATTRIBUTES, OWN_ATTRIBUTES
from multiregion.config import PASSWORD_CHARACTERS_MIN, Settings
from tests.infra.cloud.rules import broken
from tests.infra.template import PSEUDO, all_templates, bodies, hub, layer, listed, references, resources, text, walk

LAYERS = ("authority", "stores", "routing", "writer", "application", "operations", "key")
EVERYTHING = [(name, template) for name, template in all_templates().items()]
each_template = pytest.mark.parametrize(("name", "template"), EVERYTHING, ids=[name for name, _ in EVERYTHING])


def only(template: Any, type: str) -> Any:
    (found,) = resources(template, type).values()
    return found["Properties"]


# what CloudFormation takes


def test_sizes_are_within_the_limits() -> None:
    assert len(text().encode()) < 900_000  # CloudFormation takes 1 MB
    for stack_set in resources(hub(), "AWS::CloudFormation::StackSet").values():
        assert len(stack_set["Properties"]["TemplateBody"].encode()) <= 51_200 - 5_200, layer(stack_set["Properties"])
    assert set(bodies()) == set(LAYERS)


@each_template
def test_functions_are_within_the_limit(name: str, template: Any) -> None:
    for id, function in resources(template, "AWS::Lambda::Function").items():
        assert len(function["Properties"]["Code"]["ZipFile"].encode()) <= 4_194_304 - 5_200, id


@pytest.mark.parametrize("letter", ["x", "é"])
def test_a_text_that_leaves_too_little_room_is_refused(letter: str) -> None:
    size = len(letter.encode())
    assert roomy("the layer x", letter * (46_000 // size), BODY_BYTES_MAX)
    with pytest.raises(ValueError, match=r"the layer x has 46,00\d bytes; at most 46,000"):
        roomy("the layer x", letter * (46_000 // size + 1), BODY_BYTES_MAX)


def test_a_layer_that_is_too_large_is_not_synthesised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "BODY_BYTES_MAX", 10_000)
    made: Any = SimpleNamespace(get_stack_by_name=lambda name: SimpleNamespace(template=bodies()[name]))
    with pytest.raises(ValueError, match="the layer stores has"):
        synthesis.regional_bodies(made)


@each_template
def test_nothing_dangles(name: str, template: Any) -> None:
    known = {*template["Resources"], *template.get("Parameters", {})}
    unknown = {each for each in references(template) if each not in known and not PSEUDO.fullmatch(each)}
    assert unknown == set()
    depended = {each for resource in template["Resources"].values() for each in listed(resource.get("DependsOn", []))}
    assert depended <= set(template["Resources"])


@each_template
def test_every_parameter_and_condition_is_used(name: str, template: Any) -> None:
    used = set(references(template))
    assert set(template.get("Parameters", {})) - used <= {"AppId"}
    conditions = {each["Condition"] for each in walk(template["Resources"]) if isinstance(each.get("Condition"), str)}
    conditions |= {each["Fn::If"][0] for each in walk(template) if "Fn::If" in each}
    conditions |= {each["Condition"] for each in walk(template.get("Conditions", {})) if "Condition" in each}
    assert conditions == set(template.get("Conditions", {}))


def test_every_parameter_of_a_layer_is_given_and_no_other() -> None:
    for stack_set in resources(hub(), "AWS::CloudFormation::StackSet").values():
        given = {each["ParameterKey"] for each in stack_set["Properties"].get("Parameters", [])}
        assert given == set(bodies()[layer(stack_set["Properties"])].get("Parameters", {}))


def test_stack_sets_go_one_region_after_the_other_and_may_not_fail() -> None:
    for stack_set in resources(hub(), "AWS::CloudFormation::StackSet").values():
        properties = stack_set["Properties"]
        preferences = properties["OperationPreferences"]
        assert (preferences["FailureToleranceCount"], preferences["RegionConcurrencyType"]) == (0, "SEQUENTIAL")
        assert preferences["RegionOrder"] == properties["StackInstancesGroup"][0]["Regions"]
        assert (properties["PermissionModel"], properties["Capabilities"]) == ("SELF_MANAGED", ["CAPABILITY_NAMED_IAM"])
        if layer(properties) not in ("authority", "key"):
            assert preferences["RegionOrder"] == [{"Ref": "SecondaryRegion"}, {"Ref": "AWS::Region"}]


def test_stores_wait_for_tables_and_the_finalizer_for_every_layer_that_it_reads() -> None:
    found = hub()["Resources"]
    for waiting in ("StoresStackSet", "AuthorityStackSet", "UserPoolKey", "WriterStackSet"):
        assert {"AppConfigTable", "CommentsTable", "UsersTable"} <= set(found[waiting]["DependsOn"])
    assert {"RoutingStackSet", "StoresStackSet", "WriterStackSet"} <= set(found["ApplicationStackSet"]["DependsOn"])
    assert "AuthorityStackSet" in found["RoutingStackSet"]["DependsOn"]
    assert {"StoresStackSet", "RoutingStackSet", "ApplicationStackSet"} <= set(found["Finalize"]["DependsOn"])


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """What tells the finalizer that there is something to do, of a hub with these parts."""
    layers = {name: json.dumps(body) for name, body in bodies().items()}

    @cache
    def made(stores: str = layers["stores"], web: str = "web", years: int = front_end.YEARS_2) -> str:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(front_end, "YEARS_2", years)
            app = synthesis.hub_app(str(tmp_path_factory.mktemp("hub")), {**layers, "stores": stores}, web)
            return str(app.synth().get_stack_by_name("hub").template["Resources"]["Finalize"]["Properties"]["Content"])

    return made


@pytest.mark.parametrize("change", [{"stores": "{}"}, {"web": "another web"}, {"years": 60}])
def test_the_finalizer_works_again_when_a_layer_the_web_application_or_the_headers_change(
    content: Callable[..., str], change: dict[str, Any]
) -> None:
    assert content(**change) != content()


def test_the_text_is_ascii() -> None:
    """CloudFormation gives other letters back as question marks."""
    assert text().isascii()


def test_nobody_waits_an_hour_for_a_function_that_does_not_answer() -> None:
    """Lambda runs one that failed without an answer a second time, after a minute."""
    found = hub()["Resources"]
    for id, function in (("FixedParameters", "ParameterGuard"), ("Finalize", "Finalizer")):
        seconds = found[function]["Properties"]["Timeout"]
        assert 2 * seconds + 60 < found[id]["Properties"]["ServiceTimeout"] <= 1_800, id


@each_template
def test_whoever_uses_a_bucket_waits_for_its_policy(name: str, template: Any) -> None:
    """A bucket that logs wants to be allowed first; CloudFront changes the bucket, which S3 refuses while its policy is being written."""
    policies = {each["Properties"]["Bucket"]["Ref"]: id for id, each in resources(template, "AWS::S3::BucketPolicy").items()}
    for id, resource in template["Resources"].items():
        for bucket in set(references(resource["Properties"])) & set(policies) if resource["Type"] != "AWS::S3::BucketPolicy" else ():
            assert policies[bucket] in listed(resource.get("DependsOn", [])), id
    used = {"hub": {"CdnLogsBucket"}, "stores": {"LogsBucket"}}.get(name, set())
    users = [each for each in template["Resources"].values() if each["Type"] != "AWS::S3::BucketPolicy"]
    assert {bucket for each in users for bucket in references(each.get("Properties")) if bucket in policies} == used


def test_a_layer_may_be_told_nothing_where_the_hub_may_be() -> None:
    optional = {name for name, each in hub()["Parameters"].items() if each.get("Default") == ""}
    for name, template in bodies().items():
        assert all(template["Parameters"][each].get("Default") == "" for each in optional & set(template["Parameters"])), name


# the guide


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        ("AdminName", ["admin", "ada.l@x-y_z", "A" * 128], ["", "a b", "a/b", "A" * 129]),
        ("AdminEmail", ["admin@example.com"], ["", "admin", "a@b", "a b@c.de", "a@b@c.de"]),
        ("AdminPhone", ["+12345678999", "+4930123456"], ["", "12345678999", "+123456", "+0123456789", "+1 234 567", "+1234567890123456"]),
        ("SecondaryRegion", ["ap-northeast-1", "us-gov-west-1", "eu-west-3"], ["", "Tokyo", "ap-northeast-1a", "AP-NORTHEAST-1"]),
        ("WitnessRegion", ["", "us-west-2"], ["somewhere"]),
        ("MetricsEndpoint", ["", "https://example.com/metrics"], ["http://example.com", "example.com"]),
    ],
)
def test_parameters_are_checked_and_say_how_they_should_be(parameter: str, good: list[str], bad: list[str]) -> None:
    found = hub()["Parameters"][parameter]
    assert [each for each in good if not re.fullmatch(found["AllowedPattern"], each)] == []
    assert [each for each in bad if re.fullmatch(found["AllowedPattern"], each)] == []
    assert found["ConstraintDescription"] and found["Description"]


def test_the_guides_four_parameters_must_be_given_and_the_others_need_not() -> None:
    required = {name for name, each in hub()["Parameters"].items() if "Default" not in each}
    assert required == {"AdminName", "AdminEmail", "AdminPhone", "SecondaryRegion"}
    assert "+12345678999" in hub()["Parameters"]["AdminPhone"]["ConstraintDescription"]


def test_the_form_of_the_console_has_every_parameter_once_in_a_group() -> None:
    form = hub()["Metadata"]["AWS::CloudFormation::Interface"]
    shown = [name for group in form["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(shown) == sorted(hub()["Parameters"]) == sorted(form["ParameterLabels"])
    labels = {name: form["ParameterLabels"][name]["default"] for name in ("AdminName", "AdminEmail", "AdminPhone", "SecondaryRegion")}
    assert list(labels.values()) == ["Admin Name", "Admin Email", "Admin Phone Number", "Secondary Region"]


def test_regions_must_differ() -> None:
    for given, said in (
        ({"SecondaryRegion": "us-east-1"}, "SecondaryRegion must not be"),
        ({"SecondaryRegion": "eu-west-1", "WitnessRegion": "us-east-1"}, "WitnessRegion must be a third region"),
        ({"SecondaryRegion": "eu-west-1", "WitnessRegion": "eu-west-1"}, "WitnessRegion must be a third region"),
    ):
        assert [each[: len(said)] for each in broken(hub(), given, "us-east-1")] == [said]
    assert broken(hub(), {"SecondaryRegion": "eu-west-1", "WitnessRegion": "us-west-2"}, "us-east-1") == []


def test_metrics_are_off_and_reach_the_updater_only_through_the_mapping() -> None:
    assert hub()["Mappings"]["Solution"]["Metrics"]["SendAnonymousData"] == "No"
    values = {each["ParameterKey"]: each["ParameterValue"] for each in hub()["Resources"]["RoutingStackSet"]["Properties"]["Parameters"]}
    assert values["SendAnonymousData"] == {"Fn::FindInMap": ["Solution", "Metrics", "SendAnonymousData"]}
    assert updater()["Environment"]["Variables"]["SEND_METRICS"] == {"Ref": "SendAnonymousData"}


def test_outputs_are_the_guides_and_an_operators() -> None:
    roles = [f"{role}{name}" for role in ("Primary", "Secondary") for name in OF_A_REGION]
    assert set(hub()["Outputs"]) == {*GUIDES_OUTPUTS, *OPERATORS_OUTPUTS, *roles}


GUIDES_OUTPUTS = ("SampleApplicationAppId", "AppConfigGlobalTableName", "ConsoleUrl")
OF_A_REGION = ("Region", "ApiUrl", "RoutingUrl", "PhotosBucket", "SiteBucket", "UserPoolId", "UserPoolClientId")
OPERATORS_OUTPUTS = (
    *("AppStateUpdaterLambdaName", "AuthorityRegion", "AuthorityTableName", "CommentsTableName", "UsersTableName"),
    *("DistributionId", "DashboardUrl", "StackSetPrefix", "FinalizerName"),
)


def updater() -> Any:
    found = bodies()["routing"]["Resources"]["AppStateUpdaterLambda"]
    assert found["Properties"]["FunctionName"] == {"Fn::Sub": "${Prefix}-AppStateUpdaterLambda"}
    return found["Properties"]


def test_tables_are_global_encrypted_restorable_and_kept() -> None:
    found = resources(hub(), "AWS::DynamoDB::GlobalTable")
    assert set(found) == {"AppConfigTable", "CommentsTable", "UsersTable"}
    for table in found.values():
        properties = table["Properties"]
        assert [each["Region"] for each in properties["Replicas"]] == [{"Ref": "AWS::Region"}, {"Ref": "SecondaryRegion"}]
        assert all(each["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True} for each in properties["Replicas"])
        assert properties["SSESpecification"]["SSEEnabled"] and kept(table)
        assert properties["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    authority = bodies()["authority"]["Resources"]["AuthorityTable"]
    assert authority["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert authority["Properties"]["SSESpecification"]["SSEEnabled"] and kept(authority)


def kept(resource: Any) -> bool:
    """Data stays when a stack is deleted or a resource replaced; a deployment that fails leaves nothing behind."""
    return (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_the_authority_is_in_the_witness_region_if_there_is_one_else_in_the_secondary() -> None:
    chosen = {"Fn::If": ["HasWitness", {"Ref": "WitnessRegion"}, {"Ref": "SecondaryRegion"}]}
    properties = hub()["Resources"]["AuthorityStackSet"]["Properties"]
    assert properties["StackInstancesGroup"][0]["Regions"] == [chosen]
    assert hub()["Outputs"]["AuthorityRegion"]["Value"] == chosen
    assert hub()["Conditions"]["HasWitness"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "WitnessRegion"}, ""]}]}


@each_template
def test_buckets_are_private_encrypted_owned_and_speak_tls(name: str, template: Any) -> None:
    policies = {each["Properties"]["Bucket"]["Ref"]: each for each in resources(template, "AWS::S3::BucketPolicy").values()}
    for id, bucket in resources(template, "AWS::S3::Bucket").items():
        properties = bucket["Properties"]
        assert all(properties["PublicAccessBlockConfiguration"].values()) and len(properties["PublicAccessBlockConfiguration"]) == 4
        assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        (tls,) = [each for each in policies[id]["Properties"]["PolicyDocument"]["Statement"] if each["Effect"] == "Deny"]
        assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert tls["Principal"] == "*"
        assert "Logs" in id or properties["LoggingConfiguration"]["DestinationBucketName"] == {"Ref": "LogsBucket"}
        assert id == "SiteBucket" or kept(bucket)


def test_photos_are_replicated_with_deletions_and_measured() -> None:
    properties = bodies()["stores"]["Resources"]["PhotosBucket"]["Properties"]
    condition, forward, backward = properties["ReplicationConfiguration"]["Fn::If"]
    assert (condition, backward) == ("InPrimary", {"Ref": "AWS::NoValue"})  # the finalizer adds the way back
    (rule,) = forward["Rules"]
    assert (rule["Status"], rule["DeleteMarkerReplication"], rule["Filter"]) == ("Enabled", {"Status": "Enabled"}, {"Prefix": "photos/"})
    assert rule["Destination"]["ReplicationTime"]["Status"] == rule["Destination"]["Metrics"]["Status"] == "Enabled"
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    (cors,) = properties["CorsConfiguration"]["CorsRules"]
    assert cors["AllowedOrigins"] == [{"Ref": "AllowedOrigin"}]


def test_the_web_application_and_identity_are_in_both_regions() -> None:
    """Of the published implementation: "web app, CDN and user pool in one region"."""
    origins = hub()["Resources"]["Distribution"]["Properties"]["DistributionConfig"]["Origins"]
    regions = [json.dumps(each["DomainName"]) for each in origins]
    assert '"AWS::Region"' in regions[0] and '"SecondaryRegion"' in regions[1]
    stores = hub()["Resources"]["StoresStackSet"]["Properties"]
    assert stores["StackInstancesGroup"][0]["Regions"] == [{"Ref": "SecondaryRegion"}, {"Ref": "AWS::Region"}]
    assert {"SiteBucket", "UserPool"} <= set(bodies()["stores"]["Resources"])
    assert bodies()["stores"]["Resources"]["UserPool"]["Condition"] == "OwnPool"


def test_cloudfront_fails_over_to_the_second_region_and_alone_may_read_the_site() -> None:
    config = hub()["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
    (group,) = config["OriginGroups"]["Items"]
    assert [each["OriginId"] for each in group["Members"]["Items"]] == ["primary", "secondary"]
    assert {403, 500, 502, 503, 504} <= set(group["FailoverCriteria"]["StatusCodes"]["Items"])
    assert config["DefaultCacheBehavior"]["TargetOriginId"] == group["Id"]
    assert config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "redirect-to-https" and config["Logging"]
    assert all(each["OriginAccessControlId"] == {"Fn::GetAtt": ["OriginAccess", "Id"]} for each in config["Origins"])
    policy = bodies()["stores"]["Resources"]["SiteBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    (reading,) = [each for each in policy if each["Effect"] == "Allow"]
    assert reading["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert reading["Condition"] == {"StringEquals": {"AWS:SourceArn": {"Ref": "DistributionArn"}}}


def test_the_page_is_held_to_the_same_policy_as_at_every_edge() -> None:
    filled = POLICY.replace("{regions}", "https://a https://b").replace("{pictures}", "https://a https://b")
    assert filled == content_security_policy(["https://a", "https://b"])
    headers = hub()["Resources"]["SecurityHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    before = headers["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    assert "*" not in before and "connect-src 'self';" in before  # until the finalizer knows the addresses
    assert hub()["Resources"]["Finalize"]["Properties"]["ContentSecurityPolicy"] == POLICY


# identity


def test_nobody_signs_up_and_the_administrator_is_invited_by_mail() -> None:
    for template in (hub(), bodies()["stores"]):
        pool = template["Resources"]["UserPool"]
        assert pool["Properties"]["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True and kept(pool)
        admin = template["Resources"]["Administrator"]["Properties"]
        assert admin["DesiredDeliveryMediums"] == ["EMAIL"] and admin["Username"] == {"Ref": "AdminName"}
        assert {"Name": "phone_number", "Value": {"Ref": "AdminPhone"}} in admin["UserAttributes"]
        assert "ALLOW_USER_PASSWORD_AUTH" not in template["Resources"]["UserPoolClient"]["Properties"]["ExplicitAuthFlows"]


def test_pools_keep_the_rules_of_the_package_and_invite_to_the_application() -> None:
    for template, site in ((hub(), "https://${Distribution.DomainName}"), (bodies()["stores"], "${AllowedOrigin}")):
        pool = template["Resources"]["UserPool"]["Properties"]
        rule = dict(pool["Policies"]["PasswordPolicy"])
        assert rule.pop("MinimumLength") == PASSWORD_CHARACTERS_MIN
        assert rule.pop("TemporaryPasswordValidityDays") == Settings().temporary_password_days
        assert set(rule.values()) == {False} and len(rule) == 4
        assert pool["UsernameConfiguration"] == {"CaseSensitive": False}
        invitation = pool["AdminCreateUserConfig"]["InviteMessageTemplate"]
        assert all(site in invitation[name]["Fn::Sub"] for name in ("EmailMessage", "SMSMessage"))


def test_users_may_change_their_address_and_number_from_the_page_and_nothing_else() -> None:
    for template in (hub(), bodies()["stores"]):
        client = template["Resources"]["UserPoolClient"]["Properties"]
        assert client["WriteAttributes"] == sorted(OWN_ATTRIBUTES) == ["email", "phone_number"]
        assert client["ReadAttributes"] == sorted(KNOWN_ATTRIBUTES)
        assert set(client["WriteAttributes"]) < set(client["ReadAttributes"])


def test_triggers_are_there_by_region_and_cognito_may_invoke_them() -> None:
    found = bodies()["stores"]["Resources"]
    condition, primary, secondary = found["UserPool"]["Properties"]["LambdaConfig"]["Fn::If"]
    assert (condition, list(primary), list(secondary)) == ("InPrimary", ["PostAuthentication"], ["PreSignUp", "PreAuthentication"])
    for id, function in (("PoolInvokesExporter", "UserExporter"), ("PoolInvokesGuard", "UserGuard")):
        permission = found[id]["Properties"]
        assert permission["FunctionName"] == {"Fn::GetAtt": [function, "Arn"]}
        assert (permission["Principal"], permission["SourceArn"]) == ("cognito-idp.amazonaws.com", {"Fn::GetAtt": ["UserPool", "Arn"]})


def test_users_are_imported_every_five_minutes_in_the_secondary_alone() -> None:
    found = bodies()["stores"]["Resources"]
    assert found["UserImport"]["Properties"]["ScheduleExpression"] == "rate(5 minutes)"
    assert {found[id]["Condition"] for id in ("UserImport", "UserImportInvokes", "UserImporter", "UserGuard")} == {"OwnPoolInSecondary"}
    assert {found[id]["Condition"] for id in ("UserExport", "UserExportInvokes", "UserExporter", "Administrator")} == {"OwnPoolInPrimary"}


def test_users_are_replicated_natively_only_if_asked_for() -> None:
    native = {id for id, each in hub()["Resources"].items() if each.get("Condition") == "NativeUserReplication"}
    assert {"UserPool", "UserPoolKey", "KeyStackSet", "UserPoolReplica", "Administrator"} <= native
    assert hub()["Resources"]["UserPoolReplica"]["DependsOn"] == ["KeyStackSet"]
    assert hub()["Resources"]["UserPoolKey"]["Properties"]["MultiRegion"] is True
    assert bodies()["stores"]["Resources"]["ReplicaConfiguration"]["Properties"]["Status"] == "ACTIVE"


# functions, logs and alarms
