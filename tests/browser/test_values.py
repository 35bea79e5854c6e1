"""A regression's values, and numbers of one's own, in a live page."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from tests.browser.axe import complaints
from tests.browser.opened import ready_to_paint
from tests.browser.view import View

# The first value is 200 times the mean of red, the second that of green less that of blue.
CELL = """
import keras, numpy as np
from keras import ops
import kx_widget as kx

pictures = np.zeros((2, 32, 32, 3), np.uint8)
pictures[0, :, :16, 0] = pictures[1, :, :, 1] = 255
image = keras.Input((32, 32, 3))
x = keras.layers.Conv2D(3, 1, use_bias=False, kernel_initializer=lambda *_, **__: np.eye(3)[None, None])(image)
dense = keras.layers.Dense(2, kernel_initializer=lambda *_, **__: np.array([[200, 0], [0, 1], [0, -1]]))
means = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(x))
model = keras.Model(image, dense(means))
w = kx.KxWidget(model, pictures, output_names={"warmth": "K", "hue": ""}, preprocess=None, layer="conv2d")
w
"""


def test_tile_bars_and_picker_tell_values_and_no_probability(view: View, panel: Locator) -> None:
    expect(view.tiles.first.locator(".caption")).to_have_text("warmth100\u00a0K")
    bars = panel.get_by_role("list", name="Values", exact=True).get_by_role("listitem")
    expect(bars).to_have_text(["warmth100\u00a0K", "hue0"])
    expect(panel.locator(".bars .share")).to_have_count(0)
    expect(panel).to_contain_text("Warm colours raise warmth, cold ones lower it.")
    output = view.root.get_by_role("combobox", name="Output", exact=True)
    output.click()
    expect(view.root.get_by_role("listbox").get_by_role("option")).to_have_count(2)
    view.leave()
    assert "%" not in view.tiles.first.inner_text()
    assert complaints(view.notebook.frame) == []


def test_paint_tells_the_value_before_and_after(view: View, panel: Locator) -> None:
    panel.get_by_role("tab", name="Paint").click()
    box = ready_to_paint(view.root).bounding_box()
    assert box is not None
    mouse = view.notebook.page.mouse
    mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    mouse.down()
    mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.7 * box["height"], steps=6)
    mouse.up()
    said = panel.get_by_role("status").filter(has_text="warmth went")
    expect(said).to_contain_text(re.compile(r"warmth went 100\u00a0K → \d[\d.]*\u00a0K"))
    expect(panel.get_by_role("list", name="Values before and after")).to_contain_text("K → ")
    expect(panel.locator(".paint")).not_to_contain_text("prediction")


def test_a_number_of_ones_own_is_asked_in_a_cell_and_chosen_again_in_the_page(view: View, panel: Locator) -> None:
    view.notebook.execute("w.target = kx.Target(lambda y: ops.sum(y, -1), 'sum', 'units')")
    view.settle()
    expect(view.tiles.first.locator(".caption")).to_have_text("sum100\u00a0units")
    view.notebook.execute("w.target = 'hue'")
    view.settle()
    output = view.root.get_by_role("combobox", name="Output", exact=True)
    output.click()
    view.root.get_by_role("option").filter(has_text="sum").click()
    view.await_trait("target", "sum")
    view.settle()
    expect(view.tiles.first.locator(".caption")).to_have_text("sum100\u00a0units")


def test_a_number_without_a_gradient_is_refused_in_words(view: View) -> None:
    view.notebook.execute("w.target = kx.Target(lambda y: ops.cast(ops.argmax(y, -1), 'float32'), 'first')")
    expect(view.root.get_by_role("alert")).to_contain_text("not differentiable")
    view.notebook.execute("w.target = 'warmth'; w.wait()")
    view.await_status("done")
