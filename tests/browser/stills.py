"""Keep a picture of each page of the gallery, in both themes: `python -m tests.browser.stills [NAME…]`.

They stand in docs/gallery.md until somebody clicks; `python -m tools.gallery` makes the pages themselves.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.browser.opened import ROOT, launch, pixels
from tools.gallery import FOLDER, PAGES

STILLS = ROOT / "docs/gallery"
SIZE = {"width": 1200, "height": 700}
WIDTH, QUALITY = 960, 60
# Pages of whose tiles the start page shows a picture, and of which: the first one and the one after the last.
TILES = {"transformer": (1, 3), "shortcut": (1, 4), "wrong": (0, 2)}


def keep(png: bytes, path: Path) -> None:
    """Write a picture."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.thumbnail((WIDTH, image.height), Image.Resampling.LANCZOS)
    image.save(path, quality=QUALITY, method=6)


def open_page(page: Page, name: str, theme: str) -> Locator:
    """Open a page of the gallery, drawn, and with what was measured in sight where that is what it is about."""
    page.goto(f"{(FOLDER / name).as_uri()}.html#theme={theme}&height=fill")
    root = page.locator("[data-kx-root]")
    expect(root).to_have_attribute("data-theme", theme)
    for canvas in root.locator("[data-kx-tile] canvas:visible").all():
        pixels(canvas)
    if name == "shortcut":
        root.get_by_role("heading", name="Can it be believed?").evaluate("(heading) => heading.scrollIntoView()")
    return root


def portray(page: Page, name: str) -> None:
    """Keep pictures of a page, and of its first tiles where the start page shows them."""
    for theme in ("light", "dark"):
        root = open_page(page, name, theme)
        keep(page.screenshot(animations="disabled"), STILLS / f"{name}-{theme}.webp")
    if name in TILES:
        tiles = root.locator("[data-kx-tile]")
        boxes = [tiles.nth(number).locator("canvas").bounding_box() for number in range(*TILES[name])]
        left, top = (min(box[side] for box in boxes if box) for side in ("x", "y"))
        right, bottom = (max(box[a] + box[b] for box in boxes if box) for a, b in (("x", "width"), ("y", "height")))
        clip = {"x": left, "y": top, "width": right - left, "height": bottom - top}
        keep(page.screenshot(animations="disabled", clip=clip), STILLS / f"{name}-map.webp")


def main(names: Sequence[str]) -> None:
    """Keep pictures of these pages, or of all."""
    STILLS.mkdir(exist_ok=True)
    with sync_playwright() as playwright, launch(playwright) as browser:
        page = browser.new_page(viewport=SIZE, device_scale_factor=2)
        for name in names or PAGES:
            portray(page, name)
            print(name)


if __name__ == "__main__":
    main(sys.argv[1:])
