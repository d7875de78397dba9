"""The fence: the part of a transaction that lets it happen only while a region is the writer, in this state, at this epoch."""

from typing import Any

from infra.lambdas.items import typed

HOLDS = "#writer = :writer AND #state = :state AND #epoch = :epoch"


def fence(table: str, app_id: str, writer: str, state: Any) -> Any:
    values = {":writer": writer, ":state": state["state"], ":epoch": state["epoch"]}
    return {
        "ConditionCheck": {
            "TableName": table,
            "Key": typed({"appId": app_id}),
            "ConditionExpression": HOLDS,
            "ExpressionAttributeNames": {"#writer": "writer", "#state": "state", "#epoch": "epoch"},
            "ExpressionAttributeValues": typed(values),
        }
    }
