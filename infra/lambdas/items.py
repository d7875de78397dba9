"""DynamoDB items as Python values and back."""

from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer


def plain(item: Any) -> Any:
    """Whole numbers as int. We keep no others."""
    values = {name: TypeDeserializer().deserialize(value) for name, value in item.items()}
    return {name: int(value) if isinstance(value, Decimal) else value for name, value in values.items()}


def typed(item: Any) -> Any:
    return {name: TypeSerializer().serialize(value) for name, value in item.items()}
