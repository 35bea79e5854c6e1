"""Run a notebook as a user would, try the three pickers, compare classes, and keep pictures.

`python -m tests.browser.demo NOTEBOOK PNG`, paths in the repository; beside the PNG, which shows the notebook, go those
of the comparison, `-light.webp` and `-dark.webp`.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect

from tests.browser.lab import Lab
from tests.browser.opened import ROOT
from tests.browser.view import View

# Scenes of three things each.
COMPARISON = """
w = kx.KxWidget(model, images[3:5], class_names=class_names, compare="targets", compare_with=["top", "top-2", "top-3"])
w
"""


def main(notebook: Path, picture: str) -> int:
    """0 when maps were drawn for every choice and the page had no complaint."""
    with Lab() as lab:
        opened = lab.open(notebook, size=(1400, 1150))
        opened.command("application:toggle-left-area")
        opened.run_all()
        view = View(opened)
        tour(view)
        view.screenshot(picture)
        opened.page.set_viewport_size({"width": 1160, "height": 1300})
        opened.add_cell(COMPARISON)
        comparison = View(opened)
        for theme in ("light", "dark"):
            portray(comparison, theme, Path(picture).with_suffix(""))
        problems = opened.console_errors + [f"asked for {url}" for url in opened.foreign_requests]
    for problem in problems:
        print(f"in the page: {problem}", file=sys.stderr)
    print(f"{picture}: {'not what it should be' if problems else 'maps drawn for every choice'}")
    return 1 if problems else 0


def tour(view: View) -> None:
    """Another layer, another class, another method: each must draw another map; then the first question again."""
    view.settle()
    first = {trait: view.trait(trait) for trait in ("layer", "target", "method")}
    for trait in first:
        value, before = view.other(trait), view.pixels()
        view.choose(trait, value)
        view.await_trait(trait, value)
        view.await_other_pixels(before)
        view.settle()
        print(f"{trait} = {value!r}: drawn")
    for trait, value in first.items():
        view.notebook.execute(f"{view.name}.{trait} = {value!r}")
    view.settle()


def portray(view: View, theme: str, path: Path) -> None:
    """Keep a picture of the whole view in one of JupyterLab's themes, maps in the layer tree included."""
    view.notebook.command("apputils:change-theme", theme=f"JupyterLab {theme.title()}")
    expect(view.root).to_have_attribute("data-theme", theme)
    view.root.scroll_into_view_if_needed()
    view.settle()
    expect(view.root.get_by_role("treeitem", selected=True).locator("canvas")).to_be_visible(timeout=60_000)
    expect(view.root.get_by_role("alert")).to_have_count(0)
    view.leave()
    png = view.root.screenshot(animations="disabled")
    Image.open(io.BytesIO(png)).save(ROOT / f"{path}-{theme}.webp", quality=90, method=6)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
