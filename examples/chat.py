"""Chat rooms with attachments in two regions. Run it with `multiregion up chat:app` in this folder."""

import json
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from multiregion import Application, Digest, Kind, Region, iso


def build(region: Region) -> FastAPI:
    api = FastAPI()

    @api.post("/rooms/{room}/messages", status_code=201)
    async def say(room: str, request: Request, text: str, user: str) -> dict[str, Any]:
        """The body is an attachment. Its bytes are in a region before the message that names them is seen there."""
        body = await request.body()
        attached = [await region.objects.put(body)] if body else []
        id, at = region.clock.new_id(), iso(region.clock.now())
        message = {"id": id, "user": user, "text": text, "at": at, "attached": attached}
        await region.put(f"messages/{room}", id, json.dumps(message).encode(), order=at, needs=attached, actor=user)
        return message

    @api.get("/rooms/{room}/messages")
    async def messages(room: str, after: str = "") -> dict[str, Any]:
        page = await region.list(f"messages/{room}", after=after)
        return {"messages": [json.loads(record.value) for record in page], "next": page.next}

    @api.get("/attachments/{digest}")
    async def attachment(digest: str) -> StreamingResponse:
        return StreamingResponse(region.objects.open(Digest(digest)), media_type="application/octet-stream")

    return api


def title(value: bytes) -> str:
    message = json.loads(value)
    return f"{message['user']}: {message['text']}"


app = Application(build, kinds={"messages/": Kind(title=title, name="message")})
