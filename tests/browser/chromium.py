"""Find a Chromium for the browser tests; run as a script, also install one where that can be done."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tests.browser.apt import install

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
CURE = "The browser tests need Chromium or Chrome: install one, or set CHROMIUM to its path."


def find() -> str | None:
    """The path named by CHROMIUM, else the first browser of a known name, else None."""
    if named := os.environ.get("CHROMIUM"):
        return shutil.which(named)
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or (str(MAC) if MAC.is_file() else None)


def require() -> str:
    """The browser's path, or an error that says what to install."""
    if path := find():
        return path
    raise FileNotFoundError(CURE)


def main() -> int:
    """Install Chromium on Debian as root if there is none; 0 when there is one in the end."""
    if find():
        return 0
    if not os.environ.get("CHROMIUM"):
        install("chromium")
    if find():
        return 0
    print(CURE, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
