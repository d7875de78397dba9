"""CloudWatch alarms in moto's CloudWatch, so that they can be described, and set on by a test."""

from collections.abc import Callable
from typing import Any

from tests.infra.cloud.registry import Made, Place, Properties, ResourceType


class Alarms(ResourceType):
    type, name_property = "AWS::CloudWatch::Alarm", "AlarmName"

    def __init__(self, client: Callable[[str, str], Any]) -> None:
        self._client = client

    def make(self, properties: Properties, place: Place) -> Made:
        client = self._client("cloudwatch", place.region)
        client.put_metric_alarm(**{"AlarmName": place.name, **properties})
        client.set_alarm_state(AlarmName=place.name, StateValue="OK", StateReason="no bad minute so far")
        return Made(place.name, {"Arn": f"arn:aws:cloudwatch:{place.region}:{place.account}:alarm:{place.name}"}, properties)

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        self._client("cloudwatch", place.region).put_metric_alarm(**{"AlarmName": made.id, **properties})
        return Made(made.id, made.attributes, properties)

    def remove(self, made: Made, properties: Properties, region: str) -> None:
        self._client("cloudwatch", region).delete_alarms(AlarmNames=[made.id])
