"""The template with its other parameters: a witness region that decides, one pool that Cognito replicates; and without its guard."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.infra.cloud.updates import UpdateFailed
from tests.infra.deployed import PARAMETERS, PRIMARY, SECONDARY, deployed, hub_template

WITNESS = "eu-west-1"


def test_a_witness_region_holds_the_authority() -> None:
    with deployed(parameters={**PARAMETERS, "WitnessRegion": WITNESS}) as here:
        assert here.outputs["AuthorityRegion"] == WITNESS
        here.cloud.lose(PRIMARY)
        here.set_state("failover", region=SECONDARY, RegionLost=True, AcceptLoss=True)
        assert here.state(SECONDARY)["state"]["S"] == "failover"
        client = here.cloud.client("dynamodb", WITNESS)
        assert client.scan(TableName=here.outputs["AuthorityTableName"])["Count"] == 2


def test_native_user_replication_has_one_pool_in_both_regions() -> None:
    with deployed(parameters={**PARAMETERS, "UserReplication": "native"}, users=False) as here:
        assert here.pool(PRIMARY) == here.pool(SECONDARY)
        for region in (PRIMARY, SECONDARY):
            assert here.cloud.client("cognito-idp", region).describe_user_pool(UserPoolId=here.pool(region)[0])


def test_one_region_cannot_be_both() -> None:
    with (
        pytest.raises(ClientError, match="SecondaryRegion must not be the region that the stack is in"),
        deployed(parameters={**PARAMETERS, "SecondaryRegion": PRIMARY}, users=False),
    ):
        pass


def test_without_the_guard_another_address_of_the_administrator_would_fail_in_the_middle() -> None:
    template = unguarded()
    with (
        deployed(template, users=False) as here,
        pytest.raises(UpdateFailed, match=r"cannot replace Administrator"),
    ):
        update(here.cloud, template, AdminEmail="eve@example.com")


def test_without_the_guard_another_witness_gets_the_state_of_the_regions_and_goes_on_above_their_epochs() -> None:
    template = unguarded()
    with deployed(template, {**PARAMETERS, "WitnessRegion": "us-west-2"}, users=False) as here:
        for state in ("fenced", "failover"):
            here.set_state(state)
        epoch = here.epoch
        update(here.cloud, template, WitnessRegion="eu-west-1")
        answer = here.set_state("fenced")
        assert (answer["state"], answer["epoch"], set(answer["confirmed"].values())) == ("fenced", epoch + 2, {True})
        assert [here.state(region)["state"]["S"] for region in (PRIMARY, SECONDARY)] == ["fenced", "fenced"]


def unguarded() -> Any:
    found = hub_template()
    del found["Resources"]["FixedParameters"]
    for each in found["Resources"].values():
        each["DependsOn"] = [name for name in each.get("DependsOn", []) if name != "FixedParameters"]
    return found


def update(cloud: Any, template: Any, **changes: str) -> None:
    body = json.dumps(template, separators=(",", ":"))
    given = [{"ParameterKey": name, "ParameterValue": value} for name, value in {**PARAMETERS, **changes}.items()]
    cloud.client("cloudformation", PRIMARY).update_stack(
        StackName="gallery", TemplateBody=body, Parameters=given, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
