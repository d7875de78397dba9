"""What `verify.py` does when it is run. Standard library only."""

import sys
from pathlib import Path

from multiregion.drills.bundle import REPORT, Unreadable, digest, files_of, parsed, problems_of
from multiregion.drills.facts import Row


def lines_about(derived: Row, passed: int) -> list[str]:
    rules = ", ".join(rule["rule"] for rule in derived["rules"] if rule["outcome"] == "broken")
    noticed = sum(each["noticed"] for each in derived["self_check"])
    return [
        f"verdict   {derived['verdict']}" + (f" ({rules})" if rules else ""),
        f"checker   {noticed} of {len(derived['self_check'])} planted defects noticed",
        f"files     {passed}, all as sealed; the verdict follows from them",
    ]


def verify_bundle(folder: str, key: str | None) -> int:
    say = sys.stdout.write
    try:
        given = Path(key).read_bytes() if key else None
        files = files_of(Path(folder))
        problems = problems_of(files, given)
    except (OSError, Unreadable) as error:
        problems, files = [str(error)], {}
    if problems:
        say("".join(f"✗ {problem}\n" for problem in problems))
        return 1
    report = parsed(files[REPORT])
    say("".join(f"{line}\n" for line in lines_about(report["derived"], len(files))))
    say(
        f"key       sha256 {digest(files['KEY.pub'])}"
        + ("\n" if key else " (the bundle's own; compare it with one you know, or give --key)\n")
    )
    return 0


def main(arguments: list[str]) -> int:
    key = None
    if "--key" in arguments[:-1]:
        at = arguments.index("--key")
        key = arguments[at + 1]
        arguments = arguments[:at] + arguments[at + 2 :]
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        sys.stderr.write("usage: python3 -I verify.py [FOLDER] [--key KEY.pub]\n")
        return 2
    if key is not None and not Path(key).is_file():
        sys.stderr.write(f"{key} is no file\n")
        return 2
    return verify_bundle(arguments[0] if arguments else str(Path(__file__).parent), key)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
