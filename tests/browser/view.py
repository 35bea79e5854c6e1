"""One view of the widget, driven by the names that assistive technology sees."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, expect

from tests.browser.lab import Lab
from tests.browser.opened import Opened, pixels

# What the pickers could be set to instead, as Python in the quickstart's kernel.
OTHER = {
    "layer": "(lambda c: c[len(c) // 2])"
    "([r.path for r in {w}.explainer.inspection.layers if r.is_candidate and r.path != {w}.layer])",
    "target": "next(n for n, m in zip(class_names, masks[0]) if m.any() and n not in {w}.result.target_names[0])",
    "method": "next(m for m in kx.METHODS if m != {w}.method)",
}
# What lies in the popup of the button "Display".
DISPLAY = {
    "Colormap", "Sign", "Scale", "Clip", "Threshold", "Style", "Photo", "Map", "Picture", "Boxes", "Swipe",
    "Crosshair and zoom",
}  # fmt: skip
# Of a page in which the panel is beside the grid.
WIDE = (1600, 1000)
# A crosshair covers less of a tile than this, another map more.
DIFFERENT = 0.05


class View:
    """A view, the notebook's last one unless told, of the widget that is called `name` in the kernel."""

    def __init__(self, notebook: Opened, name: str = "w", index: int = -1) -> None:
        self.notebook = notebook
        self.name = name
        self.root = notebook.root(index)
        self.root.wait_for()
        self.layers = self.root.get_by_role("tree", name="Layers")
        self.layer_search = self.root.get_by_role("searchbox", name="Search layers")
        self.classes = self.root.get_by_role("combobox", name="Class", exact=True)
        self.methods = self.root.get_by_role("combobox", name="Method", exact=True)
        self.tiles = self.root.locator("[data-kx-tile]")

    def await_status(self, status: str, timeout: float = 30) -> None:
        """Wait until the view and the kernel agree that this is the status."""
        expect(self.root).to_have_attribute("data-status", status, timeout=timeout * 1000)
        self.await_trait("status", status)

    def settle(self) -> None:
        """Wait for the answer to the latest question to be in the page."""
        # The kernel's reply comes after the frames that it sent before.
        self.notebook.execute(f"{self.name}.wait()")
        self.await_status("done")

    def trait(self, name: str) -> Any:
        """A trait's value in the kernel."""
        return json.loads(self.notebook.value(f"__import__('json').dumps({self.name}.{name})"))

    def await_trait(self, name: str, value: Any, timeout: float = 30) -> None:
        """Wait until the kernel has this value."""
        self.notebook.until(lambda: self.trait(name) == value, f"{name} == {value!r}", timeout)

    def other(self, trait: str) -> str:
        """A value for "layer", "target" or "method" that must give the first image another map."""
        return self.notebook.value(OTHER[trait].format(w=self.name))

    def choose(self, trait: str, value: str) -> None:
        """Click the value in the trait's picker."""
        {"layer": self.choose_layer, "target": self.choose_class, "method": self.choose_method}[trait](value)

    def canvas(self, image: int = 0, column: int = 0) -> Locator:
        """A tile's canvas, scrolled into sight."""
        # While a view is out of sight, no maps are sent to it, and it has no tiles.
        self.root.scroll_into_view_if_needed()
        canvas = self.root.locator(f"[data-kx-tile][data-image='{image}'][data-column='{column}'] canvas")
        canvas.scroll_into_view_if_needed()
        return canvas

    def pixels(self, image: int = 0, column: int = 0) -> np.ndarray:
        """What a tile shows, (height, width, 4), once it is drawn at all."""
        canvas = self.canvas(image, column)
        return self.notebook.until(lambda: drawn(canvas), f"tile {image}/{column} is drawn")

    def await_other_pixels(self, before: np.ndarray, image: int = 0, column: int = 0) -> np.ndarray:
        """Wait until a tile shows another picture, and return it."""

        def changed() -> np.ndarray | None:
            now = self.pixels(image, column)
            return now if difference(now, before) > DIFFERENT else None

        return self.notebook.until(changed, f"tile {image}/{column} shows something else")

    def check_readout(self) -> None:
        """The value under the crosshair in the first tile must be the kernel's own of that place."""
        x, y, value = readout(self.tiles.first)
        values = self.notebook.numbers(f"{self.name}.result.maps[0, 0].ravel()")
        values = values.reshape(self.notebook.numbers(f"{self.name}.result.maps.shape[-2:]").astype(int))
        height, width = self.notebook.numbers("images[0].shape[:2]")
        assert abs(value - bilinear(values, (x + 0.5) / width, (y + 0.5) / height)) <= 0.05 * np.abs(values).max()

    def choose_layer(self, path: str) -> None:
        """Search for the layer and click its row."""
        leaf = path.rpartition("/")[2]
        self.layer_search.fill(path)
        self.layers.get_by_role("treeitem").filter(has=self.notebook.frame.get_by_text(leaf, exact=True)).last.click()
        self.layer_search.fill("")

    def choose_class(self, name: str) -> None:
        """Search for the class and click it in the list."""
        self.classes.click()
        self.classes.fill(name)
        self.root.get_by_role("option").filter(has=self.notebook.frame.get_by_text(name, exact=True)).first.click()
        self.leave()

    def choose_method(self, method: str) -> None:
        """Choose a method by its id."""
        choose_method(self.root, method)

    def screenshot(self, path: str) -> None:
        """Keep a picture of the page with the whole view, or its upper part, in sight."""
        self.leave()
        self.notebook.frame.evaluate("() => document.activeElement.blur()")
        self.root.evaluate("(root) => root.scrollIntoView({ block: 'start' })")
        self.pixels()
        self.notebook.screenshot(path)

    def leave(self) -> None:
        """Take the pointer away, so that no crosshair is drawn."""
        self.notebook.page.mouse.move(1, 1)


@contextmanager
def view_of(lab: Lab, codes: Iterable[str], size: tuple[int, int] = (1280, 900)) -> Generator[View, None, None]:
    """The answered view of the widget `w` that these cells make; in the end the page must have had no complaints."""
    notebook = lab.open_cells(codes, size=size)
    notebook.run_all()
    view = View(notebook)
    view.settle()
    view.root.scroll_into_view_if_needed()
    yield view
    assert notebook.console_errors == []
    assert notebook.foreign_requests == []


def control(root: Locator, name: str) -> Locator:
    """The control with that label; the popup that it lies in is opened first."""
    button = root.get_by_role("button", name="Display", exact=True)
    if name in DISPLAY and button.get_attribute("aria-expanded") == "false":
        button.click()
    return root.get_by_label(name, exact=True)


def choose_method(root: Locator, method: str) -> None:
    """Search for a method by its id, and take what is found first."""
    field = root.get_by_role("combobox", name="Method", exact=True)
    field.click()
    field.fill(method)
    field.press("Enter")


def drawn(canvas: Locator) -> np.ndarray | None:
    """The canvas's pixels if anything was drawn in it."""
    width, height = canvas.evaluate("(canvas) => [canvas.width, canvas.height]")
    if not (width and height):
        return None
    rgba = pixels(canvas)
    return rgba if rgba[..., 3].any() else None


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """The part of the pixels that differ; 1 when the sizes do."""
    return float((a != b).any(axis=-1).mean()) if a.shape == b.shape else 1.0


def bilinear(values: np.ndarray, x: float, y: float) -> float:
    """The map's value at a point given in fractions, pixel centres at halves."""
    h, w = values.shape
    row, column = np.clip([y * h - 0.5, x * w - 0.5], 0, [h - 1, w - 1])
    top, left = int(row), int(column)
    below, right = min(top + 1, h - 1), min(left + 1, w - 1)
    a, b = row - top, column - left
    upper = (1 - b) * values[top, left] + b * values[top, right]
    lower = (1 - b) * values[below, left] + b * values[below, right]
    return float((1 - a) * upper + a * lower)


def readout(tile: Locator) -> tuple[int, int, float]:
    """The pixel under the crosshair, as column and row, and the value that the tile shows of it."""
    shown = re.search(r"(\d+),(\d+)\s+(\S+)", tile.inner_text())
    assert shown is not None
    return int(shown[1]), int(shown[2]), float(shown[3].replace("−", "-"))


def alike(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two tiles show the same, though one may be a rounded pixel larger."""
    small = [np.asarray(Image.fromarray(rgba).resize((40, 40), Image.Resampling.BOX), float) for rgba in (a, b)]
    return abs(len(a) - len(b)) <= 1 and bool(np.abs(small[0] - small[1]).mean() < 2)
