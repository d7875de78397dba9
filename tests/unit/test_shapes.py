"""What is wrong with JSON is said in words that name the field, and in none of the decoder's."""

from typing import Annotated, Literal

import msgspec
import pytest

from multiregion.shapes import in_words


class Inner(msgspec.Struct):
    digest: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]+\Z")]


class Body(msgspec.Struct, forbid_unknown_fields=True):
    size: Annotated[int, msgspec.Meta(ge=1)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=5)] = "a"
    names: Annotated[list[str], msgspec.Meta(max_length=1)] = []
    epoch: int | None = None
    kind: Literal["a", "b"] = "a"
    inner: Inner | None = None


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ('{"size": 0}', "size must be at least 1"),
        ('{"size": "1"}', "size must be a whole number, not text"),
        ("{}", "size is missing"),
        ("[]", "it must be an object, not a list"),
        ('{"size": 1, "sise": 1}', "nothing is called sise"),
        ('{"size": 1, "name": ""}', "name is empty"),
        ('{"size": 1, "name": "abcdef"}', "name must be at most 5 characters long"),
        ('{"size": 1, "names": ["a", "b"]}', "names must be at most 1 long"),
        ('{"size": 1, "names": [1]}', "names[0] must be text, not a whole number"),
        ('{"size": 1, "epoch": "1"}', "epoch must be a whole number or null, not text"),
        ('{"size": 1, "kind": "c"}', "kind: Invalid enum value 'c'"),
        ('{"size": 1, "inner": {}}', "digest is missing in inner"),
        ('{"size": 1, "inner": {"digest": "x"}}', "inner.digest is not of the form that is wanted"),
        ("wrong", "JSON is malformed: invalid character (byte 0)"),
    ],
)
def test_what_is_wrong_is_said_in_words(sent: str, said: str) -> None:
    with pytest.raises(msgspec.DecodeError) as refused:
        msgspec.json.decode(sent.encode(), type=Body)
    assert in_words(refused.value) == said
