"""The function that writes comments and photos, as code: the fence in the transaction, repeats, conflicts, and what is wrong in a field."""

import base64
import hashlib
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from infra.lambdas import application as module
from infra.lambdas import calls, comments, photos, problems
from infra.lambdas.application import Application
from infra.lambdas.calls import Call
from infra.lambdas.problems import Problem
from multiregion import errors
from multiregion.api.problems import BODY_BYTES_MAX
from multiregion.config import Settings
from multiregion.photos.pictures import TYPES
from tests.infra.region import ENVIRONMENT, PRIMARY, SECONDARY, Failing, admit, clear, client, items, refusal, two_regions


@pytest.fixture(scope="module", autouse=True)
def function() -> Iterator[Application]:
    with two_regions():
        yield Application(ENVIRONMENT)


@pytest.fixture
def application(function: Application, monkeypatch: pytest.MonkeyPatch) -> Application:
    """Empty, and active at epoch 3. A test may put something else in the place of its clients."""
    clear()
    admit("active", 3, PRIMARY)
    monkeypatch.setattr(module, "APPLICATION", [function])
    monkeypatch.setattr(function.store, "dynamodb", client("dynamodb"))
    function.photos.here.clear()
    return function


def call(method: str, resource: str, photo_id: str = "", body: Any = None, user: str = "ada", **more: Any) -> tuple[int, Any]:
    """Through the handler, as API Gateway calls it."""
    claims = {"cognito:username": user, **more.pop("claims", {})}
    event = {
        "httpMethod": method,
        "resource": resource,
        "pathParameters": {"photoId": photo_id} if photo_id else None,
        "queryStringParameters": more.pop("query", None),
        "headers": more.pop("headers", None),
        "body": body if isinstance(body, str) else None if body is None else json.dumps(body),
        "requestContext": {"authorizer": {"claims": claims}},
    }
    answer = module.handler(event | more, None)
    assert answer["headers"]["Access-Control-Allow-Origin"] == ENVIRONMENT["ORIGIN"] and answer["headers"]["Cache-Control"] == "no-store"
    found = json.loads(answer["body"]) if answer["body"] else None
    expected = "application/problem+json" if answer["statusCode"] >= 400 else "application/json"
    assert found is None or answer["headers"]["Content-Type"] == expected
    return answer["statusCode"], found


def comment(photo_id: str, message: str = "hello", **more: Any) -> tuple[int, Any]:
    named = {"commentId": more.pop("comment_id")} if "comment_id" in more else {}
    return call("POST", "/comments/{photoId}", photo_id, {"message": message, **named}, **more)


def picture(colour: str = "red", kind: str = "JPEG", size: tuple[int, int] = (64, 48)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


def announcement(data: bytes, **changes: Any) -> dict[str, Any]:
    return {"contentType": "image/jpeg", "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), **changes}


def upload(data: bytes, photo_id: str, user: str = "ada", name: str = "", kind: str = "image/jpeg") -> None:
    """As a browser does under its ticket."""
    where = {"Bucket": ENVIRONMENT["BUCKET"], "Key": photos.pending_key(user, photo_id, name)}
    client("s3").put_object(**where, Body=data, ContentType=kind, ChecksumAlgorithm="SHA256")


def add(photo_id: str, data: bytes | None = None, user: str = "ada", **changes: Any) -> Any:
    data = data or picture()
    status, offer = call("POST", "/photos", body=announcement(data, photoId=photo_id, **changes), user=user)
    assert status == 201, offer
    upload(data, photo_id, user)
    status, photo = call("POST", "/photos/{photoId}/commit", photo_id, user=user)
    assert status == 201, photo
    return photo


# what must be the same everywhere


def test_titles_and_codes_are_those_of_the_package() -> None:
    everywhere = {
        error.code: error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, errors.MultiregionError)
    }
    assert {code: everywhere[code].title for code in problems.TITLES} == problems.TITLES


def test_limits_are_those_of_the_package() -> None:
    settings = Settings()
    assert settings.comment_characters_max == comments.MESSAGE_MAX
    assert (settings.photo_bytes_max, settings.caption_characters_max) == (photos.PHOTO_BYTES_MAX, photos.CAPTION_MAX)
    assert (settings.ticket_seconds, settings.link_seconds) == (photos.TICKET_SECONDS, photos.LINK_SECONDS)
    assert set(TYPES) == set(photos.TYPES) and calls.BODY_BYTES_MAX == BODY_BYTES_MAX


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
        ({}, "message"),
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


# photos


def test_a_photo_is_announced_uploaded_committed_and_listed(application: Application) -> None:
    photo = add("p", picture(size=(640, 480)), caption="The sea", colour="#00ff00", width=9999, height=1)
    assert (photo["photoId"], photo["user"], photo["width"], photo["height"]) == ("p", "ada", 640, 480)
    listed = call("GET", "/photos")[1]
    assert [each["photoId"] for each in listed["photos"]] == ["p"] and listed["next"] is None
    assert set(listed["photos"][0]) == set(photo) and "key" not in photo
    objects = client("s3").list_objects_v2(Bucket=ENVIRONMENT["BUCKET"])["Contents"]
    assert [each["Key"] for each in objects] == [f"photos/p/{photo['sha256']}"]
    assert [item["photoId"] for item in items("CommentsTable") if item["photoId"].startswith("#p")] == ["#photos"]


def test_a_ticket_is_bound_to_key_size_type_and_digest_and_lives_a_minute(application: Application) -> None:
    data = picture()
    offer = call("POST", "/photos", body=announcement(data, photoId="p", thumbnail=announcement(b"x" * 9)))[1]
    for ticket, size in ((offer["upload"], len(data)), (offer["thumbnailUpload"], 9)):
        policy = json.loads(base64.b64decode(ticket["fields"]["policy"]))
        conditions = policy["conditions"]
        assert ["content-length-range", size, size] in conditions
        assert {"Content-Type": "image/jpeg"} in conditions and {"key": ticket["fields"]["key"]} in conditions
        assert {"x-amz-checksum-sha256": ticket["fields"]["x-amz-checksum-sha256"]} in conditions
        assert ticket["fields"]["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
        assert ticket["url"] == f"https://{ENVIRONMENT['BUCKET']}.s3.{PRIMARY}.amazonaws.com/"


def test_nothing_is_committed_before_its_bytes_are_there_and_match(application: Application) -> None:
    data = picture()
    assert call("POST", "/photos/{photoId}/commit", "p")[1]["code"] == "unknown_upload"
    call("POST", "/photos", body=announcement(data, photoId="p"))
    assert call("POST", "/photos/{photoId}/commit", "p")[1]["code"] == "unknown_upload"
    upload(picture("blue"), "p")
    assert call("POST", "/photos/{photoId}/commit", "p")[1]["code"] == "unknown_upload"
    upload(data, "p", user="root")
    assert call("POST", "/photos/{photoId}/commit", "p")[1]["code"] == "unknown_upload"
    assert call("GET", "/photos")[1]["photos"] == []
    upload(data, "p")
    assert call("POST", "/photos/{photoId}/commit", "p")[0] == 201


def test_a_commit_can_be_repeated_in_every_state_and_an_id_is_taken_once(application: Application) -> None:
    photo = add("p")
    admit("fenced", 4, None)
    status, again = call("POST", "/photos/{photoId}/commit", "p")
    assert (status, again["createdAt"]) == (201, photo["createdAt"])
    assert call("POST", "/photos", body=announcement(picture(), photoId="p"))[0] == 200
    assert call("POST", "/photos", body=announcement(picture("blue"), photoId="p"))[1]["code"] == "conflict"
    assert call("POST", "/photos/{photoId}/commit", "p", user="root")[1]["code"] == "conflict"


def test_a_deleted_id_stays_deleted(application: Application) -> None:
    add("p")
    call("DELETE", "/photos/{photoId}", "p")
    call("POST", "/photos", body=announcement(picture(), photoId="p"))
    upload(picture(), "p")
    status, answer = call("POST", "/photos/{photoId}/commit", "p")
    assert (status, answer["code"]) == (409, "conflict") and "was deleted" in answer["detail"]


def test_only_the_owner_and_operators_delete(application: Application) -> None:
    add("p", user="root")
    assert call("DELETE", "/photos/{photoId}", "p")[1]["code"] == "forbidden"
    assert call("DELETE", "/photos/{photoId}", "p", claims={"cognito:groups": "[friends operators]"})[0] == 204
    assert call("DELETE", "/photos/{photoId}", "p", user="root")[1]["code"] == "unknown_photo"


def test_comments_and_bytes_go_with_their_photo(application: Application) -> None:
    add("p")
    add("q")
    for number in range(95):
        comment("p", comment_id=f"c{number}")
    comment("q", comment_id="stays")
    assert call("DELETE", "/photos/{photoId}", "p")[0] == 204
    left = {(item["photoId"], item["commentId"]) for item in items("CommentsTable") if not item["photoId"].startswith("#")}
    assert left == {("p", "#"), ("q", "#"), ("q", "stays")}
    keys = [each["Key"] for each in client("s3").list_objects_v2(Bucket=ENVIRONMENT["BUCKET"])["Contents"]]
    assert [key.split("/")[1] for key in keys] == ["q"]


def test_a_deletion_that_was_cut_off_is_finished_by_the_sweep_of_the_writer(application: Application) -> None:
    add("p")
    comment("p", comment_id="c")
    application.store.dynamodb = Failing(application.store.dynamodb, transact_write_items=[None, lambda: admit("fenced", 4, None)])
    assert call("DELETE", "/photos/{photoId}", "p")[0] == 204
    assert "c" in [item["commentId"] for item in items("CommentsTable")]
    assert module.handler({"sweep": True}, None) == {"finished": 0}
    admit("active", 5, PRIMARY)
    assert module.handler({"sweep": True}, None) == {"finished": 1}
    assert {item["commentId"] for item in items("CommentsTable")} == {"#"}


def test_a_photo_of_the_other_region_is_shown_once_its_bytes_are_here(application: Application) -> None:
    photo = add("p")
    for item in client("dynamodb").scan(TableName=ENVIRONMENT["COMMENTS_TABLE"])["Items"]:
        client("dynamodb").put_item(TableName=ENVIRONMENT["COMMENTS_TABLE"], Item=item | {"region": {"S": SECONDARY}})
    key = {"Bucket": ENVIRONMENT["BUCKET"], "Key": f"photos/p/{photo['sha256']}"}
    client("s3").delete_object(**key)
    assert call("GET", "/photos")[1]["photos"] == []
    client("s3").put_object(**key, Body=picture())
    assert [each["photoId"] for each in call("GET", "/photos")[1]["photos"]] == ["p"]


def test_photos_are_paged_newest_first(application: Application) -> None:
    for number in range(5):
        add(f"p{number}")
    first = call("GET", "/photos", query={"limit": "3"})[1]
    second = call("GET", "/photos", query={"limit": "3", "after": first["next"]})[1]
    whole = [photo["photoId"] for photo in first["photos"] + second["photos"]]
    assert sorted(whole, reverse=True) == whole and len(whole) == 5 and second["next"] is None
    assert call("GET", "/photos", query={"limit": "5"})[1]["next"] is None


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "101"}, {"limit": "٣"}, {"limit": ""}, {"after": "nonsense"}])
def test_a_wrong_page_is_named(application: Application, query: dict[str, str]) -> None:
    status, answer = call("GET", "/photos", query=query)
    assert (status, answer["field"]) == (400, next(iter(query)))


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"contentType": "image/heic"}, 415, "contentType"),
        ({"contentType": None}, 400, "contentType"),
        ({"size": 0}, 400, "size"),
        ({"size": "12"}, 400, "size"),
        ({"size": True}, 400, "size"),
        ({"size": 26_214_401}, 413, "size"),
        ({"sha256": "A" * 64}, 400, "sha256"),
        ({"caption": "x" * 501}, 400, "caption"),
        ({"caption": None}, 400, "caption"),
        ({"photoId": "../../etc"}, 400, "photoId"),
        ({"width": 0}, 400, "width"),
        ({"colour": "red"}, 400, "colour"),
        ({"thumbnail": []}, 400, "thumbnail"),
        ({"thumbnail": {"contentType": "image/jpeg", "size": 1, "sha256": "x"}}, 400, "thumbnail.sha256"),
    ],
)
def test_a_wrong_announcement_is_named(application: Application, changes: dict[str, Any], status: int, field: str) -> None:
    found, answer = call("POST", "/photos", body=announcement(picture(), **changes))
    assert (found, answer["field"]) == (status, field)
    assert items("CommentsTable") == []


@pytest.mark.parametrize(("kind", "content_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
def test_pictures_are_measured(kind: str, content_type: str) -> None:
    assert photos.measure(content_type, picture(kind=kind, size=(321, 123))) == (321, 123)
    for other in {"image/jpeg", "image/png", "image/webp"} - {content_type}:
        with pytest.raises(Problem, match="not a picture of the type"):
            photos.measure(other, picture(kind=kind))


def test_lossless_and_extended_webp_are_measured() -> None:
    lossless, extended = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (33, 44)).save(lossless, "WEBP", lossless=True)
    Image.new("RGBA", (55, 66), (1, 2, 3, 4)).save(extended, "WEBP", exif=b"Exif\0\0" + bytes(20))
    assert photos.measure("image/webp", lossless.getvalue()) == (33, 44)
    assert photos.measure("image/webp", extended.getvalue()) == (55, 66)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00", picture()[:100], b"<svg>", b"RIFF\0\0\0\0WEBPVP8 "])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    for content_type in photos.TYPES:
        with pytest.raises(Problem):
            photos.measure(content_type, data)


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
