"""Run a notebook as a user would, try the three pickers, see whether a map can be believed, and keep pictures.

`python -m tests.browser.demo NOTEBOOK PNG`, paths in the repository; beside the PNG, which shows the notebook, go those
of the evidence, `-light.webp` and `-dark.webp`.
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

# Scenes with a tag, by which this network tells horses; it saw a horse in one of them alone.
EVIDENCE = """
model, class_names = kx.samples.load_shortcut()
scenes, labels, tags = kx.samples.tagged_scenes(12, 1, None, seed=5)
chosen = [6, 4, 8, 5]
w = kx.KxWidget(model, scenes[chosen], class_names=class_names, labels=labels[chosen], height=860)
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
        opened.page.set_viewport_size({"width": 1330, "height": 1100})
        opened.add_cell(EVIDENCE)
        evidence = View(opened)
        for theme in ("light", "dark"):
            portray(evidence, theme, Path(picture).with_suffix(""))
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
    """Keep a picture of the view in one of JupyterLab's themes, with what was measured of the image in focus."""
    view.notebook.command("apputils:change-theme", theme=f"JupyterLab {theme.title()}")
    expect(view.root).to_have_attribute("data-theme", theme)
    view.root.scroll_into_view_if_needed()
    view.settle()
    expect(view.root.get_by_role("treeitem", selected=True).locator("canvas")).to_be_visible(timeout=60_000)
    if (button := view.root.get_by_role("button", name="Measure all in sight")).count():
        button.click()
    expect(view.root.locator(".evidence-line[data-state=unmeasured]")).to_have_count(0, timeout=120_000)
    panel = view.root.get_by_role("region", name="Image in focus")
    expect(panel.get_by_role("list", name="Most probable classes of the covered picture")).to_be_visible()
    panel.get_by_role("heading", name="Can it be believed?").evaluate("(heading) => heading.scrollIntoView()")
    expect(view.root.get_by_role("alert")).to_have_count(0)
    view.leave()
    png = view.root.screenshot(animations="disabled")
    Image.open(io.BytesIO(png)).save(ROOT / f"{path}-{theme}.webp", quality=90, method=6)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
