"""The OpenAPI document of a region: the product's own calls, and the application's."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import msgspec


def document(application: Mapping[str, Any]) -> dict[str, Any]:
    """The product's document with an application's tags, paths and schemas. Where both have a name, the product's counts."""
    own: dict[str, Any] = msgspec.json.decode(files("multiregion.api").joinpath("openapi.json").read_bytes())
    components = {name: dict(each) for name, each in application.get("components", {}).items()}
    for name, each in own["components"].items():
        components[name] = {**components.get(name, {}), **each}
    tags = [*application.get("tags", []), *own["tags"]]
    return {**own, "tags": tags, "paths": {**application.get("paths", {}), **own["paths"]}, "components": components}
