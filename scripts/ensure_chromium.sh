#!/bin/sh
# Prints the Chromium that the browser tests drive, or nothing if there is none.
# With MULTIREGION_REQUIRE_BROWSER=1, none is a failure.
set -eu

find_browser() {
    for candidate in chromium chromium-browser google-chrome google-chrome-stable \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
        command -v "$candidate" && return 0
    done
    return 1
}

may_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

install_browser() {
    echo "Installing Chromium for the browser tests" >&2
    apt-get install --yes --quiet --no-install-recommends chromium >&2 && return 0
    apt-get update --quiet >&2 && apt-get install --yes --quiet --no-install-recommends chromium >&2
}

if [ -n "${CHROMIUM:-}" ]; then
    command -v "$CHROMIUM" && exit 0
    echo "CHROMIUM=$CHROMIUM is not a program" >&2
    exit 1
fi
find_browser && exit 0
may_install && install_browser && find_browser && exit 0
echo "There is no Chromium for the browser tests. Install chromium or google-chrome, or set CHROMIUM to its program." >&2
[ "${MULTIREGION_REQUIRE_BROWSER:-}" != 1 ] || exit 1
echo "They will be skipped." >&2
