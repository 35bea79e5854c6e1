"""What a segmenter sees lies over the pictures of a live page, and is named where one points."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.axe import complaints
from tests.browser.view import View

# Each place is of the class of its strongest colour: the upper half is red, the lower left green, the rest blue.
CELL = """
import keras, numpy as np
import kx_widget as kx

pictures = np.full((2, 32, 32, 3), 40, np.uint8)
pictures[:, :16, :, 0] = 220
pictures[:, 16:, :16, 1] = 220
pictures[:, 16:, 16:, 2] = 220
pictures[1] = pictures[1][::-1]
image = keras.Input((32, 32, 3))
x = keras.layers.Conv2D(3, 1, use_bias=False, kernel_initializer=lambda *_, **__: np.eye(3)[None, None])(image)
model = keras.Model(image, keras.layers.Softmax()(keras.layers.Rescaling(1 / 255)(x)))
w = kx.KxWidget(model, pictures, class_names=["red", "green", "blue"], preprocess=None)
w
"""
BLUE = (0x56, 0xB4, 0xE9)


@pytest.fixture
def overlay(view: View) -> Iterator[Locator]:
    """The choice of what lies over the pictures, set to the map in the end."""
    select = view.root.get_by_label("Overlay", exact=True)
    yield select
    select.select_option("map")


def test_it_is_named_with_its_shares_and_drawn_in_its_colours(view: View, overlay: Locator) -> None:
    before = view.pixels()
    overlay.select_option("prediction")
    view.await_trait("overlay", "prediction")
    legend = view.root.get_by_role("group", name="Prediction of image 0")
    expect(legend.get_by_role("button")).to_have_text(["red 50.0 %", "green 25.0 %", "blue 25.0 %"])
    view.root.get_by_label("Opacity").fill("1")
    seen = view.await_other_pixels(before)
    height, width = seen.shape[:2]
    assert tuple(seen[height * 3 // 4, width * 3 // 4, :3]) == BLUE
    assert complaints(view.notebook.frame) == []


def test_one_reads_it_under_the_pointer_and_asks_for_it_in_the_legend(view: View, overlay: Locator) -> None:
    overlay.select_option("both")
    canvas = view.canvas()
    box = canvas.bounding_box()
    assert box is not None
    canvas.hover(position={"x": box["width"] * 0.25, "y": box["height"] * 0.75})
    expect(view.tiles.first.locator(".readout")).to_contain_text("green")
    view.root.get_by_role("group", name="Prediction of image 0").get_by_role("button", name="green").click()
    view.await_trait("target", "green")
    view.settle()


def test_it_follows_the_weights(view: View, overlay: Locator) -> None:
    overlay.select_option("prediction")
    legend = view.root.get_by_role("group", name="Prediction of image 0")
    expect(legend.get_by_role("button")).to_have_count(3)
    view.notebook.execute(
        "kernel = model.layers[1].kernel; kernel.assign(np.eye(3)[None, None, :, ::-1]); w.refresh(); w.wait()"
    )
    expect(legend.get_by_role("button").first).to_have_text("blue 50.0 %")
    view.notebook.execute("kernel.assign(np.eye(3)[None, None]); w.refresh(); w.wait()")
    expect(legend.get_by_role("button").first).to_have_text("red 50.0 %")
