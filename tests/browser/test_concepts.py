"""Concepts lie over the pictures of a live page, each in its colour, and one of them alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.axe import complaints
from tests.browser.view import View

# Each colour is a concept of the layer, which hands colours on: half of the first picture is red, the other half green;
# of the second, green and blue. The head reads red and green alone.
CELL = """
import keras, numpy as np
import kx_widget as kx

pictures = np.zeros((2, 32, 32, 3), np.uint8)
pictures[0, :, :16, 0] = pictures[0, :, 16:, 1] = pictures[1, :, :16, 1] = pictures[1, :, 16:, 2] = 255
image = keras.Input((32, 32, 3))
x = keras.layers.Conv2D(
    3, 4, strides=4, use_bias=False, activation="relu", name="colours",
    kernel_initializer=lambda *_, **__: np.tile(np.eye(3)[None, None] / 16, (4, 4, 1, 1)),
)(image)
x = keras.layers.Dense(2, use_bias=False, name="head")(keras.layers.GlobalAveragePooling2D()(x))
model = keras.Model(image, keras.layers.Softmax()(x))
model.get_layer("head").kernel.assign([[1, 0], [0, 1], [0, 0]])
w = kx.KxWidget(model, pictures / 255, class_names=["red", "green"], preprocess=None, layer="colours")
w
"""


@pytest.fixture
def strip(view: View) -> Iterator[Locator]:
    """The legend of three concepts, which is closed in the end."""
    view.root.get_by_role("button", name="Concepts", exact=True).click()
    view.await_trait("overlay", "concepts")
    strip = view.root.get_by_role("region", name="Concepts")
    # The end of a search that was replaced would be taken for that of the next one.
    expect(strip.get_by_role("listitem")).not_to_have_count(0)
    expect(strip).to_have_attribute("aria-busy", "false")
    strip.get_by_label("How many").select_option("3")
    expect(strip.get_by_role("listitem")).to_have_count(3)
    # There are no more than three, also where more are asked for.
    expect(strip).to_have_attribute("aria-busy", "false")
    yield strip
    strip.get_by_role("button", name="Close the concepts").click()
    view.await_trait("overlay", "map")


def losses(strip: Locator) -> list[float]:
    return [float(text.replace("−", "-")) for text in strip.locator(".concept-loss .figure").all_text_contents()]


def test_each_has_its_colour_its_pictures_and_its_importance(view: View, strip: Locator) -> None:
    expect(strip).to_contain_text("3 concepts hold 100 %")
    # Each colour has half of a picture; the second picture is not red, and blue is not read.
    assert sorted(losses(strip)) == [0, 0, 0.5]
    view.root.get_by_label("Opacity").fill("1")
    seen = view.pixels()
    height, width = seen.shape[:2]
    left, right = (tuple(seen[height // 2, width * part // 4, :3]) for part in (1, 3))
    assert left != right
    assert max(left) - min(left) > 50
    assert complaints(view.notebook.frame) == []


def test_a_click_shows_one_alone(view: View, strip: Locator) -> None:
    card = strip.get_by_role("listitem").first.get_by_role("button")
    before = view.pixels()
    card.click()
    expect(card).to_have_attribute("aria-pressed", "true")
    view.await_other_pixels(before)
    strip.get_by_role("button", name="Show all").click()
    expect(card).to_have_attribute("aria-pressed", "false")


def test_they_follow_the_weights_and_python_has_them(view: View, strip: Locator) -> None:
    view.notebook.execute("model.get_layer('head').kernel.assign([[0, 0], [4, 0], [0, 0]]); w.refresh(); w.wait()")
    expect(strip.locator(".concept-loss .figure").filter(has_text="2")).to_have_count(1)
    view.notebook.execute("assert w.concepts.maps.shape == (2, 3, 8, 8), w.concepts")
