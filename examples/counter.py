"""Counters in two regions, with Flask. Run it with `multiregion up counter:app` in this folder."""

from a2wsgi import WSGIMiddleware
from flask import Flask

from multiregion import Application, Kind, Region
from multiregion.errors import Conflict


def build(region: Region) -> WSGIMiddleware:
    """WSGI cannot await: `region.sync` has the same calls, and waits."""
    web = Flask("counter")

    @web.post("/counters/<name>")
    def count(name: str) -> dict[str, int]:
        """One more; if another request came first, the region refuses the write, and it is counted again."""
        while True:
            found = region.sync.get("counters", name)
            value = int(found.value) + 1 if found else 1
            try:
                region.sync.put("counters", name, b"%d" % value, absent=found is None, version=found.version if found else None)
            except Conflict:
                continue
            return {name: value}

    @web.get("/counters")
    def counters() -> dict[str, int]:
        return {record.id: int(record.value) for record in region.sync.list("counters", limit=1_000)}

    return WSGIMiddleware(web)


app = Application(build, kinds={"counters": Kind(title=lambda value: f"at {int(value)}")}, accounts=False)
