"""A to-do list in two regions. Run it with `multiregion up todo:app` in this folder."""

import json

from fastapi import FastAPI
from pydantic import BaseModel

from multiregion import Application, Kind, Region


class Todo(BaseModel):
    id: str
    what: str


def build(region: Region) -> FastAPI:
    api = FastAPI()

    @api.post("/todos", status_code=201)
    async def add(todo: Todo) -> Todo:
        await region.put("todos", todo.id, todo.model_dump_json().encode())
        return todo

    @api.get("/todos")
    async def todos() -> list[Todo]:
        return [Todo.model_validate_json(record.value) for record in await region.list("todos")]

    return api


app = Application(build, kinds={"todos": Kind(title=lambda value: str(json.loads(value)["what"]))})
