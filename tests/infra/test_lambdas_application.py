"""The function that writes comments and photos, as code: the fence in the transaction, repeats, conflicts, and what is wrong in a field."""

import ast
import base64
import json
import re
from typing import Any

import pytest

from infra.inline import FOLDER
from infra.lambdas import shared
from infra.lambdas.application import Application
from infra.lambdas.calls import Call
from multiregion import errors
from multiregion.api.problems import BODY_BYTES_MAX
from multiregion.gallery.comments import UnknownPhoto
from multiregion.gallery.jobs import TYPES
from multiregion.gallery.settings import GallerySettings
from tests.infra.function_calls import add, announcement, call, comment, picture
from tests.infra.region import PRIMARY, SECONDARY, Failing, admit, client, items, refusal

# what must be the same everywhere


def test_titles_and_codes_are_those_of_the_package() -> None:
    everywhere = {
        error.code: error.title
        for error in (*vars(errors).values(), UnknownPhoto)
        if isinstance(error, type) and issubclass(error, errors.MultiregionError)
    }
    assert everywhere == shared.TITLES


def test_every_problem_has_the_status_and_a_code_of_the_package() -> None:
    everywhere = {
        (error.status, error.code)
        for error in (*vars(errors).values(), UnknownPhoto)
        if isinstance(error, type) and issubclass(error, errors.MultiregionError)
    }
    raised = set()
    for file in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem":
                raised.add(tuple(ast.literal_eval(each) for each in node.args[:2]))
    assert len(raised) > 8 and raised <= everywhere


def test_limits_are_those_of_the_package() -> None:
    settings = GallerySettings()
    assert settings.comment_characters_max == shared.MESSAGE_MAX
    assert (settings.upload_bytes_max, settings.caption_characters_max) == (shared.PHOTO_BYTES_MAX, shared.CAPTION_MAX)
    assert (settings.ticket_seconds, settings.link_seconds) == (shared.TICKET_SECONDS, shared.LINK_SECONDS)
    assert set(TYPES) == set(shared.TYPES) and shared.BODY_BYTES_MAX == BODY_BYTES_MAX
    for good, bad, pattern in (("a_-9", "a b", shared.ID), ("0f" * 32, "0F" * 32, shared.DIGEST), ("#09afaf", "#09AFAF", shared.COLOUR)):
        assert re.fullmatch(pattern, good) and not re.fullmatch(pattern, bad)
    assert re.search(shared.CONTROL, "\x07") and not re.search(shared.CONTROL, "a\nb\té")


# comments


def test_a_comment_is_the_tokens_author_and_carries_epoch_and_region(application: Application) -> None:
    add("p")
    status, said = comment("p", 'it\'s "quoted" \\ é 😀 $x #if\nline', comment_id="c1")
    assert status == 201 and (said["user"], said["message"]) == ("ada", 'it\'s "quoted" \\ é 😀 $x #if\nline')
    (stored,) = [item for item in items("CommentsTable") if item["commentId"] == "c1"]
    assert (stored["epoch"], stored["region"], stored["order"]) == (3, PRIMARY, said["createdAt"])


def test_a_forged_author_is_not_taken(application: Application) -> None:
    add("p")
    status, said = call("POST", "/comments/{photoId}", "p", {"message": "hello", "user": "root"})
    assert (status, said["user"]) == (201, "ada")


def test_a_repeated_comment_answers_the_original_in_every_state(application: Application) -> None:
    add("p")
    first = comment("p", comment_id="c1")
    assert comment("p", comment_id="c1") == first
    admit("fenced", 4, None)
    assert comment("p", comment_id="c1") == first
    assert comment("p", "other", comment_id="c1")[1]["code"] == "conflict"
    assert comment("p", comment_id="c1", user="root")[1]["code"] == "conflict"


@pytest.mark.parametrize(
    "state", [("fenced", 4, None), ("failover", 4, None), ("failover", 4, SECONDARY), ("active", 4, SECONDARY), ("fenced", 4, PRIMARY)]
)
def test_a_fenced_write_is_refused_with_the_state_and_writes_nothing(application: Application, state: tuple[str, int, str | None]) -> None:
    add("p")
    admit(*state)
    before = items("CommentsTable")
    for status, answer in (
        comment("p"),
        call("POST", "/photos", body=announcement(picture("blue"), photoId="q")),
        call("DELETE", "/photos/{photoId}", "p"),
    ):
        assert (status, answer["code"], answer["state"]["epoch"]) == (409, "fenced", 4)
        assert answer["state"]["state"] == state[0]
    assert items("CommentsTable") == before


def test_a_write_decided_under_another_epoch_is_refused(application: Application) -> None:
    add("p")
    status, answer = comment("p", headers={"multiregion-EPOCH": "2"})
    assert (status, answer["code"], answer["state"]["epoch"]) == (409, "stale_epoch", 3)
    assert comment("p", headers={"Multiregion-Epoch": "3"})[0] == 201
    assert comment("p", headers={"Multiregion-Epoch": "x"})[1]["field"] == "Multiregion-Epoch"


def test_the_fence_is_in_the_transaction_not_before_it(application: Application) -> None:
    add("p")
    application.store.dynamodb = Failing(application.store.dynamodb, transact_write_items=[lambda: admit("fenced", 4, None)])
    assert comment("p", comment_id="late")[1]["code"] == "fenced"
    assert "late" not in [item["commentId"] for item in items("CommentsTable")]


def test_the_epoch_is_in_the_transaction_not_before_it(application: Application) -> None:
    """Fenced and active again between the look and the write: another epoch, in which the client has not decided."""
    add("p")
    application.store.dynamodb = Failing(application.store.dynamodb, transact_write_items=[lambda: admit("active", 5, PRIMARY)])
    assert comment("p", comment_id="late", headers={"Multiregion-Epoch": "3"})[1]["code"] == "stale_epoch"
    application.store.dynamodb = Failing(application.store.dynamodb, transact_write_items=[lambda: admit("active", 7, PRIMARY)])
    assert comment("p", comment_id="any")[0] == 201
    assert {item["commentId"]: item["epoch"] for item in items("CommentsTable")}["any"] == 7


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_others_in_the_way_are_waited_for_but_not_for_ever(application: Application, reason: str) -> None:
    add("p")
    cancelled = refusal("TransactionCanceledException", CancellationReasons=[{"Code": "None"}, {"Code": reason}])
    application.store.dynamodb = Failing(client("dynamodb"), transact_write_items=[cancelled, cancelled])
    assert comment("p")[0] == 201
    application.store.dynamodb = failing = Failing(client("dynamodb"), transact_write_items=[cancelled] * 9)
    status, answer = comment("p")
    assert (status, answer["code"]) == (503, "unavailable") and len(failing.calls) == 4


def test_a_store_that_does_not_answer_is_unavailable(application: Application) -> None:
    application.store.dynamodb = Failing(application.store.dynamodb, get_item=[refusal("ProvisionedThroughputExceededException")])
    assert comment("p")[1]["code"] == "unavailable"


def test_a_comment_needs_its_photo(application: Application) -> None:
    assert comment("p")[1]["code"] == "unknown_photo"
    add("p")
    assert call("DELETE", "/photos/{photoId}", "p")[0] == 204
    assert comment("p")[1]["code"] == "unknown_photo"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("{", "body"),
        ("[]", "body"),
        ("", "body"),
        ({}, "body"),
        ({"message": 1}, "message"),
        ({"message": "  \n"}, "message"),
        ({"message": "x" * 2001}, "message"),
        ({"message": "a\u0000b"}, "message"),
        ({"message": "a\u0085b"}, "message"),
        ({"message": "ok", "commentId": "a b"}, "commentId"),
        ({"message": "ok", "commentId": "id\n"}, "commentId"),
        ({"message": "ok", "commentId": None}, "commentId"),
        ('{"message": "\\ud800"}', "message"),
    ],
)
def test_a_wrong_comment_is_named(application: Application, body: Any, field: str) -> None:
    add("p")
    status, answer = call("POST", "/comments/{photoId}", "p", body)
    assert (status, answer["code"], answer["field"]) == (400, "invalid_input", field)


def test_a_large_body_is_refused(application: Application) -> None:
    status, answer = call("POST", "/comments/{photoId}", "p", json.dumps({"message": "x" * 70_000}))
    assert (status, answer["code"], answer["limit"]) == (413, "too_large", 65_536)
    encoded = base64.b64encode(json.dumps({"message": "ok"}).encode()).decode()
    assert call("POST", "/comments/{photoId}", "p", encoded, isBase64Encoded=True)[1]["code"] == "unknown_photo"


def test_groups_come_in_any_of_gateways_forms() -> None:
    def groups(claim: str) -> Any:
        return Call(
            {
                "httpMethod": "GET",
                "resource": "/",
                "requestContext": {"authorizer": {"claims": {"cognito:username": "a", "cognito:groups": claim}}},
            }
        ).groups

    assert all("operators" in groups(claim) for claim in ("operators", "a,operators", "[a operators]", "a, operators"))
    assert "operators" not in groups("operators-not")
