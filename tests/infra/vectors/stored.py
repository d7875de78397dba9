"""How golden vectors are kept: the long texts once each, and the vectors by their numbers."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
LONG = ("template", "body", "context", "stageVariables")


def write(name: str, vectors: list[dict[str, Any]]) -> None:
    texts: list[Any] = []
    rows = []
    for vector in vectors:
        texts.extend(vector[field] for field in LONG if vector[field] not in texts)
        rows.append({**vector, **{field: texts.index(vector[field]) for field in LONG}})
    document = {"madeWith": "Apache Velocity 1.7", "texts": texts, "vectors": rows}
    (FOLDER / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")


def read(name: str) -> list[dict[str, Any]]:
    document = json.loads((FOLDER / f"{name}.json").read_text())
    return [{**row, **{field: document["texts"][row[field]] for field in LONG}} for row in document["vectors"]]
