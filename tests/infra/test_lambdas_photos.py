"""Photos, as the function takes them: tickets, bytes before records, repeats, deletions that are finished, pictures measured."""

import base64
import io
import json
from typing import Any

import pytest
from PIL import Image

from infra.lambdas import application as module
from infra.lambdas import shared
from infra.lambdas.application import Application
from infra.lambdas.pictures import measure
from infra.lambdas.problems import Problem
from tests.infra.function_calls import add, announcement, call, comment, picture, upload
from tests.infra.region import ENVIRONMENT, PRIMARY, SECONDARY, Failing, admit, client, items


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
        ({"thumbnail": {"contentType": "image/jpeg", "size": 1}}, 400, "thumbnail"),
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
    assert measure(content_type, picture(kind=kind, size=(321, 123))) == (321, 123)
    for other in {"image/jpeg", "image/png", "image/webp"} - {content_type}:
        with pytest.raises(Problem, match="not a picture of the type"):
            measure(other, picture(kind=kind))


def test_lossless_and_extended_webp_are_measured() -> None:
    lossless, extended = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (33, 44)).save(lossless, "WEBP", lossless=True)
    Image.new("RGBA", (55, 66), (1, 2, 3, 4)).save(extended, "WEBP", exif=b"Exif\0\0" + bytes(20))
    assert measure("image/webp", lossless.getvalue()) == (33, 44)
    assert measure("image/webp", extended.getvalue()) == (55, 66)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00", picture()[:100], b"<svg>", b"RIFF\0\0\0\0WEBPVP8 "])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    for content_type in shared.TYPES:
        with pytest.raises(Problem):
            measure(content_type, data)
