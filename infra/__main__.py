"""`python -m infra`: writes deployment/multi-region-application-architecture.template anew; `--check`: exit 1 if it is not up to date."""

import argparse
import sys

from infra.synthesis import TEMPLATE, synthesise
from infra.web_bundle import StaleWebApplication, carried


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the committed template is what the source makes")
    checking = parser.parse_args().check
    try:
        text = synthesise()
    except StaleWebApplication as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if not checking:
        TEMPLATE.parent.mkdir(exist_ok=True)
        TEMPLATE.write_text(text)
    elif (committed := TEMPLATE.read_text()) != text:
        changed = "carries another web application than web/ makes" if carried(committed) != carried(text) else "is not what infra/ makes"
        sys.stderr.write(f"{TEMPLATE.name} {changed} (make template)\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
