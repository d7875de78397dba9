"""The calls of a region that need more than a mapping template: comments written, photos listed, uploaded, committed and deleted."""

import os
import re
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.lambdas.calls import Call
from infra.lambdas.comments import Comments, unknown_photo
from infra.lambdas.photos import Photos
from infra.lambdas.problems import Problem, refuse, respond
from infra.lambdas.shared import ID
from infra.lambdas.store import Store


class Application:
    def __init__(self, environment: Any) -> None:
        self.store = Store(environment)
        self.comments, self.photos = Comments(self.store), Photos(self.store, environment)


def answer(application: Application, call: Call) -> Any:
    photo_id = call.path.get("photoId", "")
    if photo_id and not re.fullmatch(ID, photo_id):
        raise unknown_photo(photo_id[:64])
    match call.method, call.resource:
        case "POST", "/comments/{photoId}":
            return application.comments.add_comment(call, photo_id)
        case "GET", "/photos":
            return application.photos.list_photos(call)
        case "POST", "/photos":
            return application.photos.announce(call)
        case "POST", "/photos/{photoId}/commit":
            return application.photos.commit_photo(call, photo_id)
        case "DELETE", "/photos/{photoId}":
            return application.photos.delete_photo(call, photo_id)
    raise Problem(404, "not_found", "Not found")


APPLICATION: list[Application] = []


def handler(event: Any, context: Any) -> Any:
    if not APPLICATION:
        APPLICATION.append(Application(os.environ))
    if "httpMethod" not in event:
        return {"finished": APPLICATION[0].photos.sweep()}
    try:
        return respond(*answer(APPLICATION[0], Call(event)))
    except Problem as problem:
        return refuse(problem)
    except (ClientError, BotoCoreError) as error:
        print(f"{type(error).__name__}: {error}")
        return refuse(Problem(503, "unavailable", "the region's store did not answer as it should; try again"))
