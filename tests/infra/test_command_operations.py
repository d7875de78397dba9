"""`multiregion aws state`, `status`, `verify`, `outputs` and `destroy` against a deployment of the real template."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.infra.worlds import PRIMARY, SECONDARY, World, world

ALARMS = {PRIMARY: 10, SECONDARY: 11}
"""The exporter has one in the primary; the importer, and what it was refused, in the secondary."""


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("operations")) as made:
        done = made.deploy()
        assert done.code == 0, done.said
        yield made


@pytest.fixture
def w(deployed: World) -> Iterator[World]:
    """Each test finds the state active, epochs apart."""
    yield deployed
    names = deployed.outputs()
    named = {"AppId": names["SampleApplicationAppId"], "TableName": names["AppConfigGlobalTableName"]}
    for state in ("fenced", "active"):
        deployed.cloud.invoke(PRIMARY, names["AppStateUpdaterLambdaName"], {**named, "NewState": state})


def test_the_state_is_set_through_the_updater_and_both_regions_tell_it(w: World) -> None:
    before = w.run("state", "get", "--json").answer
    assert (before["state"], before["writer"], before["authorityAnswers"]) == ("active", PRIMARY, True)
    fenced = w.run("state", "set", "fenced", "--reason", 'it\'s [bold] "maintenance"')
    assert fenced.code == 0, fenced.said
    assert f"fenced, epoch {before['epoch'] + 1}: the application points to {PRIMARY}; nothing can be written." in fenced.said
    after = w.run("state", "get", "--json").answer
    copy = {"state": "fenced", "epoch": before["epoch"] + 1}
    assert after["copies"] == {PRIMARY: copy, SECONDARY: copy}
    assert w.run("state", "set", "failover").code == 0
    assert f"failover, epoch {before['epoch'] + 2}: the application points to {SECONDARY}" in w.run("state", "get").said
    newest, second = w.run("state", "history", "--limit", "2", "--json").answer["history"]
    assert (newest["state"], second["state"], second["reason"]) == ("failover", "fenced", 'it\'s [bold] "maintenance"')
    assert second["actor"] and second["at"].endswith("Z")
    assert 'it\'s [bold] "maintenance"' in w.run("state", "history").said


def test_a_writer_that_is_not_safe_is_refused_in_plain_words_and_nothing_changes(w: World) -> None:
    before = w.run("state", "get", "--json").answer
    refused = w.run("state", "set", "failover", "--writable")
    assert refused.code == 1
    assert "would make the secondary region the writer" in refused.said
    assert "Traceback" not in refused.said
    assert w.run("state", "get", "--json").answer == before
    lost = w.run("state", "set", "failover", "--writable", "--region-lost")
    assert lost.code == 1 and "--accept-loss must be given with --region-lost" in lost.said
    assert w.run("state", "get", "--json").answer == before


@pytest.mark.parametrize("name", ["Active", "primary", ""])
def test_a_state_that_is_none_is_refused_before_it_is_sent(w: World, name: str) -> None:
    refused = w.run("state", "set", name)
    assert refused.code == 2
    assert "must be one of active, fenced, failover" in refused.said


def test_the_secondary_takes_writes_after_a_fence_and_gives_them_back(w: World) -> None:
    for step in (("fenced",), ("failover", "--writable"), ("fenced",), ("active",)):
        done = w.run("state", "set", *step)
        assert done.code == 0, done.said
    writers = [each["writer"] for each in w.run("state", "history", "--limit", "4", "--json").answer["history"]]
    assert writers == [PRIMARY, None, SECONDARY, None]


def test_equal_regions_are_told_to_be(w: World) -> None:
    verdict = w.run("verify", "--json")
    assert verdict.code == 0, verdict.said
    assert verdict.answer["equal"] and verdict.answer["records"] >= 1 and verdict.answer["objects"] >= 3
    assert "Both regions hold the same" in w.run("verify").said


def test_what_differs_is_named_with_its_epoch_and_region(w: World) -> None:
    names = w.outputs()
    key = {"photoId": {"S": "photo-1"}, "commentId": {"S": "late"}}
    item = {**key, "message": {"S": "late"}, "order": {"S": "x"}, "epoch": {"N": "7"}, "region": {"S": PRIMARY}}
    primary, secondary = (w.cloud.client("dynamodb", region) for region in (PRIMARY, SECONDARY))
    w.cloud.replication.isolate(PRIMARY)
    primary.put_item(TableName=names["CommentsTableName"], Item=item)
    w.cloud.client("s3", PRIMARY).put_object(Bucket=names["PrimaryPhotosBucket"], Key="photos/alone.jpg", Body=b"x")
    w.cloud.client("s3", PRIMARY).put_object(Bucket=names["PrimaryPhotosBucket"], Key="pending/1.jpg", Body=b"x")
    found = w.run("verify", "--wait", "0", "--json")
    assert found.code == 1
    assert [(each["kind"], each["name"]) for each in found.answer["differences"]] == [
        (names["CommentsTableName"], "photo-1/late"),
        ("object", "photos/alone.jpg"),
    ]
    record, photo = (each["problem"] for each in found.answer["differences"])
    assert record == f"missing in {SECONDARY}; {PRIMARY} has one of epoch 7, written in {PRIMARY}"
    assert photo.startswith(f"missing in {SECONDARY}")
    secondary.put_item(TableName=names["CommentsTableName"], Item={**item, "epoch": {"N": "8"}, "region": {"S": SECONDARY}})
    said = w.run("verify", "--wait", "0").said
    assert f"{PRIMARY} has one of epoch 7, written in {PRIMARY}, {SECONDARY} has one of epoch 8, written in {SECONDARY}" in said
    w.cloud.replication.heal()
    w.cloud.wind(3600)
    assert w.run("verify", "--wait", "0", "--json").answer["differences"] == []


def test_a_bucket_that_nothing_leaves_is_named(w: World) -> None:
    """As the guide's own deployment was: what was added in the secondary never came home."""
    bucket = w.outputs()["SecondaryPhotosBucket"]
    s3 = w.cloud.client("s3", SECONDARY)
    rules = s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]
    s3.delete_bucket_replication(Bucket=bucket)
    found = w.run("verify")
    s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration=rules)
    assert found.code == 1
    assert f"bucket {bucket}: has no replication rule that is enabled" in found.said


def test_the_status_says_what_does_not_answer_and_what_was_not_measured(w: World) -> None:
    status = w.run("status", "--json")
    assert status.code == 1  # nothing of the simulation answers to the names that a browser would ask
    assert [(each["region"], each["answers"]) for each in status.answer["answers"]] == [(PRIMARY, False), (SECONDARY, False)]
    assert {each["seconds"] for each in status.answer["lag"]} == {None}
    assert (status.answer["state"], status.answer["stack"]["status"]) == ("active", "CREATE_COMPLETE")
    said = w.run("status").said
    assert f"N. Virginia {PRIMARY}: no answer" in said and "nothing measured" in said


def test_a_deployment_that_is_well_is_told_to_be(w: World) -> None:
    with w.reachable():
        status, said = w.run("status", "--json"), w.run("status")
    assert (status.code, said.code) == (0, 0), status.said + said.said
    epoch = status.answer["epoch"]
    assert [(each["region"], each["answers"], each["state"], each["epoch"]) for each in status.answer["answers"]] == [
        (PRIMARY, True, "active", epoch),
        (SECONDARY, True, "active", epoch),
    ]
    assert Counter(each["region"] for each in status.answer["alarms"]) == ALARMS
    assert {each["state"] for each in status.answer["alarms"]} == {"OK"}
    alarms = f"Alarms: 0 of {sum(ALARMS.values())} on"
    for words in (f"✓ N. Virginia {PRIMARY}: tells active, epoch {epoch}", f"✓ Tokyo {SECONDARY}", alarms):
        assert words in said.said


def test_a_region_that_does_not_answer_and_an_alarm_are_told_each_and_fail_the_command(w: World) -> None:
    with w.reachable():
        w.cloud.lose(SECONDARY)
        lost = w.run("status")
        w.cloud.restore(SECONDARY)
        alarm = w.run("status", "--json").answer["alarms"][0]
        cloudwatch = w.cloud.client("cloudwatch", alarm["region"])
        cloudwatch.set_alarm_state(AlarmName=alarm["name"], StateValue="ALARM", StateReason="3 of 5 minutes were bad")
        on = w.run("status")
        cloudwatch.set_alarm_state(AlarmName=alarm["name"], StateValue="OK", StateReason="as before")
    assert lost.code == 1 and f"✗ Tokyo {SECONDARY}: no answer" in lost.said
    unknown, alarms = f"! Tokyo ({SECONDARY}) does not answer, so its copy is unknown", f"Alarms: 0 of {ALARMS[PRIMARY]} on"
    for words in (unknown, f"✓ N. Virginia {PRIMARY}", alarms):
        assert words in lost.said
    assert f"AWS in Tokyo ({SECONDARY}) does not answer: its lag and its alarms are unknown." in lost.said
    assert on.code == 1 and f"Alarms: 1 of {sum(ALARMS.values())} on" in on.said
    assert f"✗ {alarm['region']} {alarm['name']}: 3 of 5 minutes were bad" in on.said


def test_with_the_primary_lost_the_state_is_changed_from_the_secondary(w: World) -> None:
    w.cloud.lose(PRIMARY)
    stuck = w.run("state", "set", "failover")
    from_here = ("--region", SECONDARY)
    moved = w.run("state", "set", "failover", "--region-lost", "--accept-loss", *from_here)
    shown, status = w.run("state", "get", "--json", *from_here), w.run("status", *from_here)
    elsewhere = w.run("state", "get", "--name", "elsewhere", *from_here)
    w.cloud.restore(PRIMARY)
    assert stuck.code == 1
    assert "If that region is lost, name the deployment's other one with --region" in stuck.said
    assert moved.code == 1 and "✓ failover, epoch" in moved.said and f"N. Virginia ({PRIMARY}) has not confirmed it yet" in moved.said
    assert (shown.code, shown.answer["state"], shown.answer["copies"][PRIMARY]) == (1, "failover", None)
    assert status.code == 1
    alone, alarms = "Stack multiregion: seen from ap-northeast-1 alone", f"Alarms: 0 of {ALARMS[SECONDARY]} on"
    for words in (f"failover, epoch {shown.answer['epoch']}", alone, alarms):
        assert words in status.said
    assert elsewhere.code == 1 and f"there is no stack elsewhere in {SECONDARY}" in elsewhere.said


def test_the_lag_that_was_measured_is_told(w: World) -> None:
    names = w.outputs()
    dimensions = [{"Name": "TableName", "Value": names["CommentsTableName"]}, {"Name": "ReceivingRegion", "Value": SECONDARY}]
    measured_at = datetime.now(UTC) - timedelta(minutes=1)  # AWS answers for whole seconds that are over
    datum = {
        "MetricName": "ReplicationLatency",
        "Dimensions": dimensions,
        "Value": 1500.0,
        "Unit": "Milliseconds",
        "Timestamp": measured_at,
    }
    w.cloud.client("cloudwatch", PRIMARY).put_metric_data(Namespace="AWS/DynamoDB", MetricData=[datum])
    lags = w.run("status", "--json").answer["lag"]
    measured = [(each["what"], each["source"], each["to"], each["seconds"]) for each in lags if each["seconds"] is not None]
    assert measured == [(names["CommentsTableName"], PRIMARY, SECONDARY, 1.5)]


def test_a_deployment_that_is_not_there_is_told_with_where_it_was_looked_for(w: World) -> None:
    for command in (("status",), ("state", "set", "fenced")):
        missing = w.run(*command, "--name", "elsewhere")
        assert missing.code == 1
        assert f"there is no stack elsewhere in {PRIMARY}" in missing.said
