"""Makes the golden vectors of tests/infra/vectors with the real Velocity 1.7.

Needs Java 17 and Velocity's jars, for example Debian's `velocity libcommons-collections3-java libcommons-lang-java`. The tests need
neither: they compare the simulation's mapping templates with what is written here.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.infra.vectors import deployed, language, stored  # noqa: E402

VECTORS = ROOT / "tests" / "infra" / "vectors"
JARS = Path("/usr/share/java")
NEEDED = ("velocity-1.7.jar", "commons-collections3.jar", "commons-lang.jar")
RENDER_SECONDS_MAX = 120


def main() -> int:
    if missing := [name for name in NEEDED if not (JARS / name).exists()]:
        print(f"missing in {JARS}: {', '.join(missing)}", file=sys.stderr)
        return 1
    for name, cases in (("language", language.cases()), ("deployed", deployed.cases())):
        outputs = rendered(cases)
        stored.write(name, [{**case, "output": output} for case, output in zip(cases, outputs, strict=True)])
        print(f"{name}: {len(cases)} vectors, {sum(output is None for output in outputs)} refused by Velocity")
    return 0


def rendered(cases: list[dict[str, Any]]) -> list[str | None]:
    classes = ":".join(str(JARS / name) for name in NEEDED)
    command = ["java", "-cp", classes, str(VECTORS / "Oracle.java")]
    done = subprocess.run(command, input=json.dumps({"cases": cases}).encode(), capture_output=True, timeout=RENDER_SECONDS_MAX, check=True)
    outputs: list[str | None] = json.loads(done.stdout, strict=False)["outputs"]
    return outputs


if __name__ == "__main__":
    sys.exit(main())
