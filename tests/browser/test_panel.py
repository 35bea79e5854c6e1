"""The image in focus, large beside the grid: down to the pixels of its file, and why it is what the model says."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab import Lab
from tests.browser.opened import pixels
from tests.browser.view import WIDE, View, view_of

# Each pixel of the photograph has a colour of its own: its column, its row, and which of both are odd.
PHOTOGRAPH = """
import tempfile
from pathlib import Path
import numpy as np
from PIL import Image
import kx_widget as kx

model, images, class_names, masks = kx.samples.load()
y, x = np.mgrid[:3000, :4000]
photograph = np.stack([x // 16, y // 12, 255 * ((x + y) % 2)], -1).astype(np.uint8)
path = Path(tempfile.mkdtemp()) / "photograph.png"
Image.fromarray(photograph).save(path, compress_level=1)
labels = [None, (int(kx.Explainer(model).predict(images[:1])[0].argmax()) + 1) % len(class_names)]
w = kx.KxWidget(model, [path, images[0]], class_names=class_names, labels=labels)
w
"""


@pytest.fixture(scope="module")
def view(lab: Lab) -> Iterator[View]:
    with view_of(lab, [PHOTOGRAPH], WIDE) as view:
        yield view


def test_zoomed_the_panel_shows_the_pixels_of_the_file_and_counts_them(view: View, panel: Locator) -> None:
    canvas = panel.get_by_role("img", name="large")
    blue = [0, 255]
    panel.get_by_role("button", name="Map").click()
    assert not np.isin(pixels(canvas)[..., 2], blue).all(), "the preview has averaged the odd and the even"
    panel.get_by_role("button", name="Original pixels").click()
    for _ in range(5):
        panel.get_by_role("button", name="Zoom in").click()
    view.leave()

    def squares() -> np.ndarray | None:
        seen = pixels(canvas)
        return seen if np.isin(seen[..., 2], blue).mean() > 0.95 else None

    seen = view.notebook.until(squares, "single pixels of the file are seen")
    height, width = seen.shape[:2]
    box = canvas.bounding_box()
    assert box is not None
    view.notebook.page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    readout = panel.locator(".readout")
    expect(readout).to_be_visible()
    column, row = map(int, readout.inner_text().split()[0].split(","))
    assert column > 512
    red, green, _, _ = seen[height // 4, width // 4]
    assert (int(red), int(green)) == (column // 16, row // 12)
    assert (seen[height // 4, width // 4, 2] > 127) == (column + row) % 2


def test_a_tile_counts_the_pixels_of_the_file(view: View) -> None:
    readout = view.tiles.first.locator(".readout")
    view.leave()
    expect(readout).to_be_hidden()
    box = view.canvas(0).bounding_box()
    assert box is not None
    view.notebook.page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    expect(readout).to_be_visible()
    assert 3400 < int(readout.inner_text().split(",")[0]) < 4000


def test_the_next_image_its_classes_and_why_not_the_truth(view: View, panel: Locator) -> None:
    canvas = panel.get_by_role("img", name="large")
    canvas.focus()
    view.notebook.page.keyboard.press("n")
    view.await_trait("selected", [1])
    expect(panel).to_contain_text("2 of 2")
    rows = panel.get_by_role("list", name="Most probable classes").get_by_role("button")
    names = [row.split("\n")[0] for row in rows.all_inner_texts()]
    order = view.notebook.value("[class_names[i] for i in w.explainer.predict(images[:1])[0][0].argsort()[::-1][:5]]")
    assert str(names) == order
    panel.get_by_role("button", name="Why not").click()
    view.await_trait("target", "top − true")
    view.settle()
    expect(panel.get_by_role("button", name="Why not")).to_have_attribute("aria-pressed", "true")
    rows.nth(2).click()
    view.await_trait("target", names[2])
    view.settle()
    expect(panel.locator(".facts", has_text="Probability")).to_contain_text(names[2])
    view.notebook.page.keyboard.press("p")
    view.await_trait("selected", [0])
