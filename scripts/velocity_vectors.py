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

from tests.infra.vectors import deployed, language  # noqa: E402

VECTORS = ROOT / "tests" / "infra" / "vectors"
JARS = Path("/usr/share/java")
NEEDED = ("velocity-1.7.jar", "commons-collections3.jar", "commons-lang.jar")
RENDER_SECONDS_MAX = 120


def main() -> int:
    if missing := [name for name in NEEDED if not (JARS / name).exists()]:
        print(f"missing in {JARS}: {', '.join(missing)}", file=sys.stderr)
        return 1
    for name, cases in (("language", language.cases()), ("deployed", deployed.cases())):
        write(VECTORS / f"{name}.json", cases)
    return 0


def write(path: Path, cases: list[dict[str, Any]]) -> None:
    outputs = rendered(cases)
    vectors = [{**case, "output": output} for case, output in zip(cases, outputs, strict=True)]
    document = {"madeWith": "Apache Velocity 1.7", "vectors": vectors}
    path.write_text(json.dumps(document, indent=1, ensure_ascii=True) + "\n")
    print(f"{path.relative_to(ROOT)}: {len(vectors)} vectors, {sum(output is None for output in outputs)} refused by Velocity")


def rendered(cases: list[dict[str, Any]]) -> list[str | None]:
    classes = ":".join(str(JARS / name) for name in NEEDED)
    command = ["java", "-cp", classes, str(VECTORS / "Oracle.java")]
    done = subprocess.run(command, input=json.dumps({"cases": cases}).encode(), capture_output=True, timeout=RENDER_SECONDS_MAX, check=True)
    outputs: list[str | None] = json.loads(done.stdout, strict=False)["outputs"]
    return outputs


if __name__ == "__main__":
    sys.exit(main())
