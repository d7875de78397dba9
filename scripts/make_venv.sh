#!/bin/sh
# Makes the environment $1 with the first Python that is new enough, or says what is missing.
set -eu
target=$1

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

for python in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    new_enough "$python" || continue
    "$python" -m venv "$target" && exit 0
    echo "$python cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv" >&2
    exit 1
done
echo "Python 3.11 or newer is needed, and ${PYTHON:-python3} is $("${PYTHON:-python3}" --version 2>/dev/null || echo missing)." >&2
echo "Install one, or name the one to use: make PYTHON=/path/to/python3.11" >&2
exit 1
