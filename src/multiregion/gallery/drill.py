"""What a drill does to the gallery: comments, photos, profiles, passwords and sign-ins of users who exist for one run only."""

import asyncio
import base64
import io
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from multiregion import Answer, Attempt, Call

MIX = {"add": 50, "replace": 10, "photo": 5, "delete": 5, "read": 22, "sign_in": 3, "password": 2, "repeat": 3}
POSITION = "Multiregion-Position"
COMMENTS_A_THREAD, THREADS_MAX = 80, 6
PAGE = 100
TRUSTED_AFTER = 150
"""A photo is deleted no sooner than so many operations after it was made."""
POSITIONED_ONE_IN, POSITIONED_SECONDS = 4, 0.7
USERS_AT_ONCE = 3
VERSIONS_TRIED = 3
WRONG_PASSWORD = "NotAuthorizedException"  # noqa: S105


@dataclass
class Versioned:
    """A user of whom one thing changes, and one change at a time, so that its versions only grow. `sure`: the fate of each is known."""

    name: str
    value: int = 0
    next: int = 1
    busy: bool = False
    sure: bool = True
    access: str = ""
    versions: list[int] = field(default_factory=lambda: [0])


@dataclass
class Visitor:
    """One client: it signs in as `profile`, whose address it changes, and changes the password of another."""

    profile: Versioned
    credential: Versioned
    threads: list[str]
    token: str = ""
    refresh: str = ""
    adds: int = 0
    position: str = ""
    generation: int = 0
    photos: deque[tuple[int, str]] = field(default_factory=deque)


class GalleryDrill:
    """`run` is how every id of the run begins, `nonce` what every body holds."""

    mix: Mapping[str, float] = MIX

    def __init__(self, run: str, nonce: str) -> None:
        self._run, self._nonce = run, nonce
        self._visitors: dict[int, Visitor] = {}

    # What it needs

    async def prepare(self, call: Call, *, clients: Sequence[int], operations: int) -> None:
        threads = min(THREADS_MAX, 1 + operations // (2 * len(clients) * COMMENTS_A_THREAD))
        for client in clients:
            names = [f"{self._run}-t{client}-{number}" for number in range(threads)]
            profile, credential = (Versioned(f"{self._run}-{kind}{client}") for kind in "rp")
            self._visitors[client] = Visitor(profile, credential, names)
        turns = asyncio.Semaphore(USERS_AT_ONCE)

        async def one(client: int) -> None:
            async with turns:
                await self._prepare_visitor(client, call)

        await asyncio.gather(*(one(client) for client in clients))

    async def _prepare_visitor(self, client: int, call: Call) -> None:
        visitor = self._visitors[client]
        for user in (visitor.profile, visitor.credential):
            attributes = [{"Name": "email", "Value": self._email(0, user.name)}]
            temporary = self._password(0) + "-temporary"
            created = await self._admin(call, "AdminCreateUser", user, TemporaryPassword=temporary, UserAttributes=attributes)
            needed(created, "a user")
            needed(await self._admin(call, "AdminSetUserPassword", user, Password=self._password(0), Permanent=True), "a password")
            tokens = needed(await self._sign_in(call, user.name, 0), "a sign-in")["AuthenticationResult"]
            user.access = tokens["AccessToken"]
            if user is visitor.profile:
                visitor.token, visitor.refresh = tokens["IdToken"], tokens["RefreshToken"]
        for number, thread in enumerate(visitor.threads):
            needed(await self._upload(call, visitor, thread, picture(f"{self._nonce}{client}.{number}")), "a photo")

    # One operation

    def propose(self, kind: str, client: int, number: int) -> Attempt | None:
        visitor = self._visitors[client]
        attempt = Attempt(kind, f"{self._run}-{client}-{number}", client, number)
        if kind == "add":
            thread = visitor.threads[min(visitor.adds // COMMENTS_A_THREAD, len(visitor.threads) - 1)]
            visitor.adds += 1
            attempt.memory = {"thread": thread, "message": f"{attempt.id} {self._nonce}"}
            attempt.sha256 = digest(attempt.memory["message"].encode())
        elif kind == "delete":
            if not visitor.photos or visitor.photos[0][0] + TRUSTED_AFTER > number:
                return None
            attempt.key = visitor.photos.popleft()[1]
        elif kind in ("replace", "password", "sign_in"):
            user = visitor.profile if kind == "replace" else visitor.credential
            if user.busy or not (user.sure or kind == "replace"):
                return None
            user.busy = True
            attempt.key, attempt.value = user.name, user.value if kind == "sign_in" else user.next
        elif kind == "read":
            attempt.memory["thread"] = visitor.threads[min(visitor.adds // COMMENTS_A_THREAD, len(visitor.threads) - 1)]
        return attempt

    async def make(self, attempt: Attempt, call: Call) -> Answer:
        visitor = self._visitors[attempt.client]
        kind = attempt.again or attempt.kind
        if kind == "add":
            body = {"message": attempt.memory["message"], "commentId": attempt.id}
            return await call("POST", f"/comments/{attempt.memory['thread']}", json=body, headers=bearer(visitor))
        if kind == "photo":
            if "picture" not in attempt.memory:
                attempt.memory["picture"] = picture(attempt.id)
            return await self._upload(call, visitor, attempt.id, attempt.memory["picture"])
        if kind == "delete":
            return await call("DELETE", f"/photos/{attempt.key}?permanent=true", headers=bearer(visitor))
        if kind == "replace":
            attributes = [{"Name": "email", "Value": self._email(attempt.value or 0, attempt.id)}]
            return await cognito(call, "UpdateUserAttributes", AccessToken=visitor.profile.access, UserAttributes=attributes)
        if kind == "password":
            before, after = self._password(visitor.credential.value), self._password(attempt.value or 0)
            return await cognito(
                call, "ChangePassword", AccessToken=visitor.credential.access, PreviousPassword=before, ProposedPassword=after
            )
        return await self._signed_in(attempt, visitor, call) if kind == "sign_in" else await self._read(attempt, visitor, call)

    async def _signed_in(self, attempt: Attempt, visitor: Visitor, call: Call) -> Answer:
        """As a person does, who after a failover finds that the newest password does not count: with the one before."""
        user = visitor.credential
        attempt.value = user.value
        answer = await self._sign_in(call, user.name, user.value)
        before = [version for version in user.versions if version < user.value]
        if answer.json().get("__type") == WRONG_PASSWORD and before:
            attempt.value = before[-1]
            answer = await self._sign_in(call, user.name, before[-1])
        return answer

    async def _read(self, attempt: Attempt, visitor: Visitor, call: Call) -> Answer:
        """Some say what they have seen. One that cannot be answered in time then reads what there is, and starts over."""
        thread, position, generation = attempt.memory["thread"], visitor.position, visitor.generation
        path = f"/comments/{thread}?limit={PAGE}"
        if position and attempt.number % POSITIONED_ONE_IN == 0:
            try:
                async with asyncio.timeout(POSITIONED_SECONDS):
                    answer = await call("GET", path, headers={**bearer(visitor), POSITION: position})
            except TimeoutError:
                answer = Answer(503, {}, b"")
            if answer.good:
                attempt.asked = numbers(position)
                attempt.key = f"{thread}@{generation}"
                return self._seen(attempt, answer)
            if answer.json().get("code") == "unknown_position" and visitor.position == position:
                visitor.position, visitor.generation = "", visitor.generation + 1
        return self._seen(attempt, await call("GET", path, headers=bearer(visitor)))

    def _seen(self, attempt: Attempt, answer: Answer) -> Answer:
        if answer.good:
            attempt.sha256 = digest(answer.body)
            attempt.value = len(answer.json()["comments"])
        return answer

    def note(self, attempt: Attempt, outcome: str, answer: Answer | None) -> None:
        visitor = self._visitors[attempt.client]
        kind = attempt.again or attempt.kind
        if outcome == "ok" and answer is not None and (position := answer.headers.get(POSITION.lower())):
            if visitor.position and numbers(position)[0] != numbers(visitor.position)[0]:
                visitor.generation += 1  # another epoch may have begun without the last writes of the one before
            visitor.position = position
        if kind == "photo" and outcome == "ok" and answer is not None:
            attempt.sha256 = answer.json()["sha256"]
            visitor.photos.append((attempt.number, attempt.id))
        elif kind == "delete" and outcome == "refused" and answer is not None and answer.status != 404:
            visitor.photos.append((attempt.number, str(attempt.key)))
        elif kind in ("replace", "password", "sign_in"):
            wrong = answer is not None and answer.json().get("__type") == WRONG_PASSWORD
            note_version(visitor.profile if kind == "replace" else visitor.credential, attempt, kind, "wrong" if wrong else outcome)

    # What is there, and taking it away

    async def read_back(self, call: Call) -> Sequence[Mapping[str, Any]]:
        items: list[Mapping[str, Any]] = []
        async for photo in pages(call, "/photos", "photos"):
            if photo["photoId"].startswith(f"{self._run}-") and not self._is_thread(photo["photoId"]):
                found = await call("GET", photo["url"])
                bytes = digest(found.body) if found.good else None
                items.append({"k": "photo", "id": photo["photoId"], "sha256": photo["sha256"], "bytes": bytes})
        for visitor in self._visitors.values():
            for thread in visitor.threads:
                items += [comment_item(comment) async for comment in pages(call, f"/comments/{thread}", "comments")]
            items += [await self._profile(call, visitor), await self._credential(call, visitor), await self._session(call, visitor)]
        return items

    async def _profile(self, call: Call, visitor: Visitor) -> Mapping[str, Any]:
        user = needed(await self._admin(call, "AdminGetUser", visitor.profile), "a user")
        email = next(each["Value"] for each in user["UserAttributes"] if each["Name"] == "email")
        return {"k": "replace", "id": visitor.profile.name, "value": int(email.partition("-")[0].removeprefix("v"))}

    async def _credential(self, call: Call, visitor: Visitor) -> Mapping[str, Any]:
        """Each version that may be in force is tried: few, because failed attempts are counted."""
        user = visitor.credential
        tried = reversed(user.versions[-VERSIONS_TRIED:])
        accepted = [version for version in tried if (await self._sign_in(call, user.name, version)).good]
        return {"k": "password", "id": user.name, "accepts": accepted}

    async def _session(self, call: Call, visitor: Visitor) -> Mapping[str, Any]:
        """The one that was begun before the drill."""
        answer = await cognito(call, "GetTokensFromRefreshToken", ClientId=call.client_id, RefreshToken=visitor.refresh)
        return {"k": "session", "id": visitor.profile.name, "good": answer.good}

    def lost(self, record: str, what: str) -> tuple[str, str] | None:
        partition, _, id = record.rpartition("/")
        if not id.startswith(f"{self._run}-") or self._is_thread(id):
            return None
        if partition == "users":
            return ("replace" if id.removeprefix(f"{self._run}-")[0] == "r" else "password"), id
        if what.startswith("delete"):
            return ("delete", id) if partition == "photos" else None
        return ("photo", id) if partition == "photos" else ("add", id) if partition.startswith("comments/") else None

    async def remove(self, call: Call) -> None:
        for id in await self.remaining(call):
            if "@" in id:
                answer = await cognito(call, "AdminDeleteUser", call.operator, UserPoolId=call.pool_id, Username=id.removesuffix("@"))
            else:
                answer = await call("DELETE", f"/photos/{id}?permanent=true", headers=call.operator)
            if not answer.good and answer.status != 404:
                raise RuntimeError(f"{id} could not be removed: {answer.status} {answer.json().get('detail', '')}")

    async def remaining(self, call: Call) -> Sequence[str]:
        """Photos, with which their comments go, and users, marked by an @."""
        found = [photo["photoId"] async for photo in pages(call, "/photos", "photos") if photo["photoId"].startswith(f"{self._run}-")]
        after: str | None = ""
        while after is not None:
            more = {"PaginationToken": after} if after else {}
            page = needed(await cognito(call, "ListUsers", call.operator, UserPoolId=call.pool_id, **more), "the users")
            found += [f"{user['Username']}@" for user in page["Users"] if user["Username"].startswith(f"{self._run}-")]
            after = page.get("PaginationToken")
        return found

    def _is_thread(self, id: str) -> bool:
        return id.startswith(f"{self._run}-t")

    # Calls

    def _email(self, value: int, id: str) -> str:
        return f"v{value}-{id}@drill.example.com"

    def _password(self, version: int) -> str:
        return f"drilled-{self._nonce}-{version}"

    async def _admin(self, call: Call, operation: str, user: Versioned, **body: Any) -> Answer:
        return await cognito(call, operation, call.operator, UserPoolId=call.pool_id, Username=user.name, **body)

    async def _sign_in(self, call: Call, name: str, version: int) -> Answer:
        parameters = {"USERNAME": name, "PASSWORD": self._password(version)}
        return await cognito(call, "InitiateAuth", ClientId=call.client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)

    async def _upload(self, call: Call, visitor: Visitor, id: str, picture: bytes) -> Answer:
        """Ticket, upload and commit; the answer of the first that says no, or of the commit."""
        about = {"photoId": id, "caption": f"{id} {self._nonce}", "contentType": "image/jpeg"}
        new = {**about, "size": len(picture), "sha256": digest(picture)}
        ticket = await call("POST", "/photos", json=new, headers=bearer(visitor))
        if ticket.status != 201:
            return ticket
        form = ticket.json()["upload"]
        content, kind = multipart(form["fields"], picture)
        sent = await call("POST", form["url"], content=content, headers={"Content-Type": kind})
        return await call("POST", f"/photos/{id}/commit", headers=bearer(visitor)) if sent.good else sent


def note_version(user: Versioned, attempt: Attempt, kind: str, outcome: str) -> None:
    """`outcome` "wrong": refused, because the password that was believed to be in force is not: it was lost."""
    user.busy = False
    if kind == "password" and outcome == "wrong":
        user.value = user.versions[max(0, user.versions.index(user.value) - 1)]
    if kind == "sign_in":
        if outcome == "ok" and attempt.value is not None and attempt.value != user.value:
            user.value = attempt.value  # the newest was lost
        return
    assert attempt.value is not None
    user.next = max(user.next, attempt.value + 1)
    if outcome in ("ok", "unknown") and attempt.value not in user.versions:
        user.versions.append(attempt.value)
    if outcome == "ok":
        user.value, user.sure = attempt.value, True
    elif outcome == "unknown":
        user.sure = False


def comment_item(comment: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"k": "add", "id": comment["commentId"], "sha256": digest(comment["message"].encode())}


def bearer(visitor: Visitor) -> dict[str, str]:
    return {"Authorization": visitor.token}


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def numbers(position: str) -> tuple[int, int]:
    epoch, sequence = position.split(".")[:2]
    return int(epoch), int(sequence)


def needed(answer: Answer, what: str) -> dict[str, Any]:
    """The body. Raises RuntimeError with what was answered instead."""
    if not answer.good:
        raise RuntimeError(f"the drill needs {what}, and was answered {answer.status}: {answer.body[:200].decode(errors='replace')}")
    return answer.json()


async def cognito(call: Call, operation: str, headers: Mapping[str, str] | None = None, **body: Any) -> Answer:
    target = {"X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}", "Content-Type": "application/x-amz-json-1.1"}
    return await call("POST", "/", json=body, headers={**target, **(headers or {})})


async def pages(call: Call, path: str, name: str) -> AsyncIterator[dict[str, Any]]:
    after: str | None = ""
    while after is not None:
        query = f"?limit={PAGE}{f'&after={after}' if after else ''}"
        page = needed(await call("GET", path + query, headers=call.operator), f"the {name}")
        for each in page[name]:
            yield each
        after = page["next"]


def picture(seed: str) -> bytes:
    """A small JPEG, no two alike."""
    pixels = sha256(seed.encode()).digest() * 3
    from PIL import Image  # only a drill's driver needs it, and every part of a deployment loads this module

    image = Image.frombytes("RGB", (8, 4), pixels).resize((160, 120), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=80)
    return file.getvalue()


def multipart(fields: Mapping[str, str], content: bytes) -> tuple[bytes, str]:
    """A form with a file, and its type."""
    boundary = base64.b16encode(sha256(content + json.dumps(fields).encode()).digest()[:16]).decode()
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="photo"\r\nContent-Type: image/jpeg\r\n\r\n'
    form = "".join(parts).encode() + head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return form, f"multipart/form-data; boundary={boundary}"
