"""What hosts load from CDNs, from npm packages that are kept in `build/npm`; run as a script, fetch them all."""

from __future__ import annotations

import mimetypes
import re
import sys
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, Route

from tools import npm_packages

# Their dependencies are in their bundles: nothing is installed.
PACKAGES = {
    "@fortawesome/fontawesome-free": (
        "5.15.4",
        "sha512-eYm8vijH/hpzr/6/1CJ/V/Eb1xQFW2nnUKArb3z+yUWv7HTwj6M7SP957oMjfZjAHU6qpoNc2wQvIxBLWYa/Jg==",
    ),
    "@jupyter-widgets/html-manager": (
        "1.0.15",
        "sha512-5thBIV6ymNgmPVOHvzx+gGy8ZSKmSazhtGw4/c4xJDVzRhG9PTeQsRjF3FUTopvFi//SABeNz1yp47bCrJ3CQA==",
    ),
    "@vscode/jupyter-ipywidgets8": (
        "1.0.9",
        "sha512-bocCThfa4JDIDd7qCFAfW3HpzHfTLYxOTpTbiDfw4DXOUjKHnr6ObkMBiIkuzYPRybh5bY4FhYLemuDuTvIbpQ==",
    ),
    "requirejs": (
        "2.3.8",
        "sha512-7/cTSLOdYkNBNJcDMWf+luFvMriVm7eYxp4BcFCsAX0wF421Vyce5SXP17c+Jd5otXKGNehIonFlyQXSowL6Mw==",
    ),
}
# The same file as npm's, in the version that Python has.
ANYWIDGET = Path(sys.prefix) / "share/jupyter/nbextensions/anywidget/index.js"
CDN = re.compile(
    r"https://(?:cdn\.jsdelivr\.net/npm|unpkg\.com)/(?P<name>(?:@[^/@]+/)?[^/@]+)(?:@[^/]*)?/(?P<path>[^?#]+)"
)
REQUIREJS = re.compile(r"https://cdnjs\.cloudflare\.com/ajax/libs/require\.js/[\d.]+/require(?:\.min)?\.js")


def fetch(name: str) -> Path:
    """The folder of a package's files, after `npm pack` if they are not there yet."""
    return npm_packages.fetch(name, *PACKAGES[name])


def file_of(url: str) -> Path | None:
    """The local file that is served for a CDN's address; None where there is none."""
    if REQUIREJS.match(url):
        return fetch("requirejs") / "require.js"
    if not (found := CDN.match(url)):
        return None
    if found["name"] == "anywidget":
        return ANYWIDGET
    if found["name"] not in PACKAGES:
        return None
    path = fetch(found["name"]) / found["path"]
    return next((p for p in (path, path.with_name(f"{path.name}.js")) if p.is_file()), None)


def serve(where: Page | BrowserContext) -> None:
    """Answer the CDNs' addresses from the local files; others stay unanswered."""

    def answer(route: Route) -> None:
        path = file_of(route.request.url)
        if path is None:
            route.abort()
        else:
            fulfil(route, path)

    where.route(re.compile("^https://"), answer)


def fulfil(route: Route, path: Path) -> None:
    """Answer a request with a file, which any page may use."""
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    route.fulfill(body=path.read_bytes(), content_type=kind, headers={"access-control-allow-origin": "*"})


if __name__ == "__main__":
    for package in PACKAGES:
        fetch(package)
