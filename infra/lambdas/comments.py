"""Comments: each one a record beside its photo's, fenced with it. They are read without any code, by a mapping template."""

import uuid
from typing import Any

from infra.lambdas.calls import Call, matched, text
from infra.lambdas.items import typed
from infra.lambdas.problems import Problem, invalid
from infra.lambdas.shared import ID, MESSAGE_MAX
from infra.lambdas.store import ABSENT, HEAD, Store, Taken, now, put


class Comments:
    def __init__(self, store: Store) -> None:
        self.store = store

    def add_comment(self, call: "Call", photo_id: str) -> Any:
        """Idempotent if the client gives the id: repeated with the same author and message, it answers the original."""
        message = text(call.body, "message", MESSAGE_MAX)
        if not message.strip():
            raise invalid("message", "message is empty")
        comment = {
            "commentId": matched(call.body, "commentId", ID) or str(uuid.uuid4()),
            "photoId": photo_id,
            "user": call.user,
            "message": message,
            "createdAt": now(),
        }
        try:
            self.store.commit([self.there(photo_id), put({**comment, "order": comment["createdAt"]}, ABSENT)], call.epoch)
        except Taken as taken:
            if taken.number == 0:
                raise unknown_photo(photo_id) from taken
            return 201, original(comment, taken.stored)
        except Problem as refusal:
            stored = self.store.get(photo_id, comment["commentId"]) if refusal.status == 409 else None
            if not stored:
                raise
            return 201, original(comment, stored)
        return 201, comment

    def there(self, photo_id: str) -> Any:
        """The demand that the photo exists and was not deleted."""
        condition = "attribute_exists(photoId) AND attribute_not_exists(deleted)"
        key = typed({"photoId": photo_id, "commentId": HEAD})
        return {"ConditionCheck": {"Key": key, "ConditionExpression": condition}}


def original(repeated: Any, stored: Any) -> Any:
    if not stored or (stored["user"], stored["message"]) != (repeated["user"], repeated["message"]):
        raise Problem(409, "conflict", f"the comment {repeated['commentId']} exists with another author or text", field="commentId")
    return {name: stored[name] for name in repeated}


def unknown_photo(photo_id: str) -> Problem:
    return Problem(404, "unknown_photo", f"there is no photo {photo_id}", field="photoId")
