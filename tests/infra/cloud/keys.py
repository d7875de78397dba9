"""KMS keys, and their replicas in other regions."""

import json

from moto.kms.models import kms_backends

from tests.infra.cloud.registry import Made, Place, Properties, ResourceType


class Keys(ResourceType):
    type = "AWS::KMS::Key"

    def make(self, properties: Properties, place: Place) -> Made:
        policy = json.dumps(properties["KeyPolicy"])
        multi_region = bool(properties.get("MultiRegion", False))
        key = kms_backends[place.account][place.region].create_key(policy, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", [], multi_region)
        return Made(key.id, {"Arn": key.arn, "KeyId": key.id}, key)

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        return made


class ReplicaKeys(ResourceType):
    type = "AWS::KMS::ReplicaKey"

    def make(self, properties: Properties, place: Place) -> Made:
        source, key_id = properties["PrimaryKeyArn"].split(":")[3], properties["PrimaryKeyArn"].rpartition("/")[2]
        kms_backends[place.account][source].replicate_key(key_id, place.region)
        return Made(key_id, {"Arn": properties["PrimaryKeyArn"].replace(source, place.region), "KeyId": key_id})
