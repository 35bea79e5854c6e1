"""A training that was followed: back through its epochs by keyboard, in the notebook and in a page without a kernel."""

from __future__ import annotations

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

import kx_widget as kx
from tests import models
from tests.browser.axe import complaints
from tests.browser.lab import Lab
from tests.browser.opened import NEXT_FRAME, pixels
from tests.browser.view import DIFFERENT, difference, view_of

EPOCHS = 3
# Within which a page has painted.
FRAMES = 600
# The widget is shown by fit itself, below its cell.
CELLS = [
    """
import keras
import numpy as np
import kx_widget as kx

model, images, class_names, masks = kx.samples.load()
x, labels, _ = kx.samples.scenes(32, 1, seed=1)
model.compile(keras.optimizers.SGD(0.3), "binary_crossentropy")
""",
    f"""
follow = kx.ExplainCallback(images[:2], evaluate=("deletion",), share=1, class_names=class_names)
history = model.fit(x, labels.astype("float32"), epochs={EPOCHS}, verbose=0, callbacks=[follow])
w = follow.widget
""",
]


def slider_of(root: Locator | Page) -> Locator:
    return root.get_by_role("slider", name="Epochs")


def test_the_slider_goes_back_by_keyboard_and_a_new_question_ends_that(lab: Lab) -> None:
    with view_of(lab, CELLS, (1600, 1000)) as view:
        slider, words = slider_of(view.root), view.root.locator(".moment .words")
        expect(slider).to_have_attribute("aria-valuetext", f"Epoch {EPOCHS}", timeout=60_000)
        latest = view.pixels()
        slider.press("Home")
        expect(words).to_have_text("Before training")
        view.leave()
        before = view.await_other_pixels(latest)
        slider.press("ArrowRight")
        expect(words).to_have_text("Epoch 1")
        view.await_other_pixels(before)
        # There is a moment for each epoch, and one before.
        told = view.notebook.numbers("[each['probability'] for each in follow.history]")
        assert len(told) == EPOCHS + 1
        expect(view.canvas()).to_have_attribute("aria-label", re.compile("Epoch 1"))
        expect(view.root.get_by_role("region", name="Training")).to_contain_text("Deletion")
        view.choose_method("gradients")
        expect(words).to_have_text(f"Epoch {EPOCHS}")
        view.await_trait("method", "gradients")
        view.settle()
        slider.press("Home")
        expect(words).to_contain_text("Before training · Grad-CAM")
        assert complaints(view.notebook.frame) == []


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 255, (32, models.SIDE, models.SIDE, 3)).astype(np.float32)
    y = np.eye(models.CLASSES, dtype=np.float32)[rng.integers(0, models.CLASSES, 32)]
    model = models.residual()
    model.compile(keras.optimizers.SGD(1e-4), "categorical_crossentropy")
    follow = kx.ExplainCallback(x[:2].astype(np.uint8), model=model, evaluate=("sparseness",), share=1, preprocess=None)
    model.fit(x, y, epochs=EPOCHS, verbose=0, callbacks=[follow])
    path = tmp_path_factory.mktemp("page") / "training.html"
    assert follow.widget is not None
    follow.widget.save(path)
    return path


def await_difference(canvas: Locator, picture: np.ndarray, is_other: bool) -> None:
    """Wait until a canvas shows another picture, or this one again."""
    for _ in range(FRAMES):
        if (difference(pixels(canvas), picture) > DIFFERENT) == is_other:
            return
        canvas.page.evaluate(NEXT_FRAME)
    raise TimeoutError("The canvas stays as it is.")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (640, "dark")])
def test_a_saved_page_goes_back_without_a_kernel(lab: Lab, saved: Path, width: int, scheme: str) -> None:
    page = lab.page((width, 900), color_scheme=scheme)
    page.goto(saved.as_uri())
    slider = slider_of(page)
    expect(slider).to_have_attribute("aria-valuetext", f"Epoch {EPOCHS}")
    canvas = page.locator("[data-kx-tile] canvas").first
    expect(canvas).to_be_visible()
    latest = pixels(canvas)
    slider.press("Home")
    expect(canvas).to_have_attribute("aria-label", re.compile("Before training"))
    await_difference(canvas, latest, True)
    slider.press("End")
    expect(page.get_by_role("button", name="Latest")).to_have_attribute("aria-disabled", "true")
    await_difference(canvas, latest, False)
    assert complaints(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
