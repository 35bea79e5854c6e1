"""Find a Firefox for the browser tests; run as a script, also install one where that can be done."""

from __future__ import annotations

import os
import shutil
import sys

from tests.browser.apt import install

NAMES = ("firefox-esr", "firefox")
CURE = "The tests in Firefox need it: install one, or set FIREFOX to its path."


def find() -> str | None:
    """The path named by FIREFOX, else the first browser of a known name, else None."""
    if named := os.environ.get("FIREFOX"):
        return shutil.which(named)
    return next(filter(None, map(shutil.which, NAMES)), None)


def require() -> str:
    """The browser's path, or an error that says what to install."""
    if path := find():
        return path
    raise FileNotFoundError(CURE)


def main() -> int:
    """Install Firefox on Debian as root if there is none; 0 when there is one in the end."""
    if not find() and not os.environ.get("FIREFOX"):
        install("firefox-esr")
    if find():
        return 0
    print(CURE, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
