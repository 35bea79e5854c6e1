"""Find WebKitGTK, its driver and a screen; run as a script, also install them where that can be done."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from tests.browser.apt import install

PACKAGES = ("webkit2gtk-driver", "xvfb", "xdotool")
CURE = (
    "The tests in WebKit need WebKitWebDriver, MiniBrowser, Xvfb and xdotool: install them "
    "(on Debian: apt-get install webkit2gtk-driver xvfb xdotool)."
)


class WebKit(NamedTuple):
    """The paths of what the tests run."""

    driver: str
    browser: str
    screen: str
    focus: str


def find() -> WebKit | None:
    """The programs, or None if one of them is missing."""
    browser = next(map(str, sorted(Path("/usr/lib").glob("*/webkit*gtk-*/MiniBrowser"))), None)
    paths = shutil.which("WebKitWebDriver"), browser, shutil.which("Xvfb"), shutil.which("xdotool")
    return WebKit(*paths) if all(paths) else None


def require() -> WebKit:
    """The programs, or an error that says what to install."""
    if programs := find():
        return programs
    raise FileNotFoundError(CURE)


def main() -> int:
    """Install them on Debian as root if one is missing; 0 when all are there in the end."""
    if not find():
        install(*PACKAGES)
    if find():
        return 0
    print(CURE, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
