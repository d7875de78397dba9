"""IAM's newer way to give a role a policy of its own."""

import json

from moto.iam.models import iam_backends

from tests.infra.cloud.principals import ACCOUNT
from tests.infra.cloud.registry import Made, Place, Properties, ResourceType


class RolePolicies(ResourceType):
    type = "AWS::IAM::RolePolicy"

    def make(self, properties: Properties, place: Place) -> Made:
        document = json.dumps(properties["PolicyDocument"])
        iam_backends[place.account]["aws"].put_role_policy(properties["RoleName"], properties["PolicyName"], document)
        return Made(place.name, {}, dict(properties))

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        return self.make(properties, place)

    def remove(self, made: Made, properties: Properties, region: str) -> None:
        iam_backends[ACCOUNT]["aws"].delete_role_policy(made.thing["RoleName"], made.thing["PolicyName"])
