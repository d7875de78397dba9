"""The template, looked at: functions, stages, alarms and rights."""

import json
from typing import Any

from infra.stack import RUNTIME
from infra.stack_sets import STACK_SETS_MINIMUM
from tests.infra.template import bodies, hub, listed, resources, statements
from tests.infra.test_template import each_template, kept


@each_template
def test_functions_are_current_logged_and_run_as_nobody_else(name: str, template: Any) -> None:
    roles = [json.dumps(each["Properties"]["Role"]) for each in resources(template, "AWS::Lambda::Function").values()]
    assert len(roles) == len(set(roles))
    for id, function in resources(template, "AWS::Lambda::Function").items():
        assert function["Properties"]["Runtime"] == RUNTIME
        compile(function["Properties"]["Code"]["ZipFile"], id, "exec")
        log = template["Resources"][f"{id}Logs"]
        assert log["Properties"]["RetentionInDays"] and log.get("Condition") == function.get("Condition")
        assert f"{id}Logs" in function["DependsOn"]


@each_template
def test_stages_are_throttled_and_logged(name: str, template: Any) -> None:
    for stage in resources(template, "AWS::ApiGateway::Stage").values():
        (settings,) = stage["Properties"]["MethodSettings"]
        assert settings["ThrottlingRateLimit"] and settings["MetricsEnabled"] and not settings["DataTraceEnabled"]
        assert stage["Properties"]["AccessLogSetting"]["DestinationArn"]


def test_api_gateway_may_write_logs_before_any_stage_wants_to() -> None:
    """Under a role of an earlier layer: API Gateway tries it, and refuses one that is not known everywhere."""
    found, earlier = bodies()["routing"]["Resources"], bodies()["writer"]["Resources"]
    role = earlier["ApiLogsRole"]["Properties"]["RoleName"]["Fn::Sub"]
    arn = found["ApiAccount"]["Properties"]["CloudWatchRoleArn"]["Fn::Sub"]
    assert arn == f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{role}"
    assert "ApiAccount" in found["RoutingStage"]["DependsOn"] and kept(found["ApiAccount"]) and kept(earlier["ApiLogsRole"])
    assert "WriterStackSet" in hub()["Resources"]["RoutingStackSet"]["DependsOn"]
    assert "RoutingStackSet" in hub()["Resources"]["ApplicationStackSet"]["DependsOn"]


@each_template
def test_no_function_reserves_what_a_new_account_does_not_have(name: str, template: Any) -> None:
    """Ten at a time are all that it has, and Lambda lets nobody reserve of them."""
    for id, function in resources(template, "AWS::Lambda::Function").items():
        assert "ReservedConcurrentExecutions" not in function["Properties"], id
    assert not resources(template, "AWS::Lambda::Version") and not resources(template, "AWS::Lambda::Alias"), "these can reserve, too"


def test_there_is_an_alarm_for_the_lag_of_every_table_and_of_photos() -> None:
    alarms = resources(bodies()["operations"], "AWS::CloudWatch::Alarm")
    lags = {id for id, each in alarms.items() if each["Properties"]["MetricName"] == "ReplicationLatency"}
    assert lags == {"AppConfigTableLag", "CommentsTableLag", "UsersTableLag", "PhotosLag"}
    late, failed = (sources(alarms[name]) for name in ("PhotosLag", "PhotosNotReplicated"))
    assert ("${Peer}" in late, "${Peer}" in failed) == (True, False), "S3 tells of the lag where a photo arrives, of a failure where it was"
    assert resources(hub(), "AWS::CloudWatch::Dashboard")


def test_every_alarm_reaches_the_administrator_by_mail_and_so_does_its_end() -> None:
    found = bodies()["operations"]["Resources"]
    for id, each in resources(bodies()["operations"], "AWS::CloudWatch::Alarm").items():
        assert each["Properties"]["AlarmActions"] == each["Properties"]["OKActions"] == [{"Ref": "Alarms"}], id
    assert found["Alarms"]["Properties"]["Subscription"] == [{"Endpoint": {"Ref": "AdminEmail"}, "Protocol": "email"}]
    (allowed,) = [each for each in found["AlarmsPolicy"]["Properties"]["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]
    assert (allowed["Principal"], allowed["Action"]) == ({"Service": "cloudwatch.amazonaws.com"}, "sns:Publish")


def test_one_failure_of_a_function_is_an_alarm_and_so_is_a_user_that_is_not_imported() -> None:
    alarms = [each["Properties"] for each in resources(bodies()["operations"], "AWS::CloudWatch::Alarm").values()]
    errors = [each for each in alarms if (each["Namespace"], each["MetricName"]) == ("AWS/Lambda", "Errors")]
    named = {each["Dimensions"][0]["Value"]["Fn::Sub"].removeprefix("${Prefix}-") for each in errors}
    assert named == {"AppStateUpdaterLambda", "Writer", "UserExporter", "UserImporter"}
    (refused,) = [each for each in alarms if each["MetricName"] == "UsersNotImported"]
    for each in (*errors, refused):
        assert (each["Threshold"], each["DatapointsToAlarm"], each["ComparisonOperator"]) == (0, 1, "GreaterThanThreshold")
        assert each["TreatMissingData"] == "notBreaching", "what is idle has not failed"
    conditions = {id: each.get("Condition") for id, each in bodies()["operations"]["Resources"].items()}
    assert (conditions["UserExporterErrors"], conditions["UserImporterErrors"], conditions["UsersNotImported"]) == (
        "InPrimary",
        "InSecondary",
        "InSecondary",
    )
    importer = bodies()["stores"]["Resources"]["UserImporter"]["Properties"]["Environment"]["Variables"]
    assert refused["Dimensions"] == [{"Name": "Deployment", "Value": importer["PREFIX"]}]


def sources(alarm: Any) -> str:
    (bucket,) = [each["Value"] for each in alarm["Properties"]["Dimensions"] if each["Name"] == "SourceBucket"]
    return json.dumps(bucket)


# rights


@each_template
def test_no_right_is_for_everything_everywhere(name: str, template: Any) -> None:
    for id, statement in statements(template):
        if "*" in listed(statement["Resource"]) and (id, statement["Action"]) != ("StackSetExecutionRole", STACK_SETS_MINIMUM):
            assert all("*" not in action for action in listed(statement["Action"])), f"{id}: {statement}"
        assert "*" not in listed(statement["Action"]), f"{id}: {statement}"


def test_the_execution_role_makes_roles_of_this_deployment_alone() -> None:
    for id, statement in statements(hub()):
        if any(action.startswith("iam:") for action in listed(statement["Action"])):
            (resource,) = listed(statement["Resource"])
            assert ":role/${Prefix}-" in json.dumps(resource), id
