"""The template with its other parameters: a witness region that decides, one pool that Cognito replicates."""

import pytest

from tests.infra.cloud.registry import ResourceFailed
from tests.infra.deployed import PARAMETERS, PRIMARY, SECONDARY, deployed

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
        pytest.raises(ResourceFailed, match="names a region twice"),
        deployed(parameters={**PARAMETERS, "SecondaryRegion": PRIMARY}, users=False),
    ):
        pass
