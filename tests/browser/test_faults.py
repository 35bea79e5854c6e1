"""What goes wrong is said in the widget, and neither the kernel nor the widget is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.lab import PANEL, Lab
from tests.browser.view import View

# A model with a gate: it can be made to wait, and to fail, while it is called.
SETUP = """
import threading

import keras
import numpy as np
import tensorflow as tf

import kx_widget as kx

gate, faults = threading.Event(), []
gate.set()


def passing(x):
    if not gate.wait(60):
        raise TimeoutError("the gate stayed shut")
    if faults:
        raise ValueError(faults[0])
    return x


@keras.saving.register_keras_serializable("tests")
class Gate(keras.layers.Layer):
    def call(self, x):
        y = tf.py_function(passing, [x], x.dtype)
        y.set_shape(x.shape)
        return y


keras.utils.set_random_seed(0)
inputs = keras.Input((32, 32, 3))
x = Gate(name="gate")(inputs)
x = keras.layers.Conv2D(8, 3, activation="relu", name="early")(x)
x = keras.layers.Conv2D(8, 3, activation="relu", name="late")(x)
x = keras.layers.GlobalAveragePooling2D()(x)
model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x))


def ask_afresh():
    # With other weights no kept activations can answer.
    late = model.get_layer("late").kernel
    late.assign(late * 1.01)
    w.refresh()


images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
"""
WIDGET = "w = kx.KxWidget(model, images, class_names=['ant', 'bee', 'cat'])\nw"
SEND_STATE = f"""([id, state]) => {{
    const kernel = {PANEL}.sessionContext.session.kernel;
    kernel._comms.get(id).send({{ method: "update", state, buffer_paths: [] }});
}}"""


@pytest.fixture(scope="module")
def opened(lab: Lab) -> View:
    notebook = lab.open_cells([SETUP, WIDGET])
    notebook.run_all()
    return View(notebook)


@pytest.fixture
def view(opened: View) -> Iterator[View]:
    opened.notebook.execute("faults.clear(); gate.set(); w.status == 'done' or ask_afresh()")
    opened.await_status("done")
    yield opened
    assert opened.notebook.console_errors == []
    assert opened.notebook.foreign_requests == []


@pytest.mark.parametrize(
    ("trait", "value"), [("layer", "nowhere"), ("target", "zebra"), ("method", "tarot"), ("colormap", "plaid")]
)
def test_bad_value_from_the_browser_is_refused_and_said(view: View, trait: str, value: str) -> None:
    old = view.trait(trait)
    view.notebook.page.evaluate(SEND_STATE, [view.notebook.value("w.model_id"), {trait: value}])
    expect(view.root.get_by_role("alert")).to_contain_text(value)
    assert view.trait(trait) == old
    view.root.get_by_role("button", name="Dismiss the error").click()
    other = "early" if view.trait("layer") != "early" else "late"
    before = view.pixels()
    view.choose("layer", other)
    view.await_trait("layer", other)
    view.await_other_pixels(before)


def test_bad_value_from_python_raises_and_leaves_the_old_one(view: View) -> None:
    old = view.trait("layer")
    with pytest.raises(RuntimeError, match="nowhere"):
        view.notebook.execute("w.layer = 'nowhere'")
    assert view.trait("layer") == old


def test_model_whose_call_raises_is_shown_and_survived(view: View) -> None:
    before = view.pixels()
    view.notebook.execute("faults.append('no more film'); ask_afresh()")
    view.await_status("error")
    alert = view.root.get_by_role("alert")
    expect(alert).to_contain_text("no more film")
    alert.get_by_text("Traceback", exact=True).click()
    expect(alert.locator("pre")).to_contain_text("no more film")
    assert "no more film" in view.trait("error")
    view.screenshot("build/error.png")
    view.notebook.execute("faults.clear()")
    other = "early" if view.trait("layer") != "early" else "late"
    view.choose("layer", other)
    view.await_other_pixels(before)
    view.await_status("done")
    expect(alert).to_have_count(0)


def test_cancel_while_the_model_is_busy(view: View) -> None:
    view.notebook.execute("gate.clear(); ask_afresh()")
    view.await_status("running")
    view.root.get_by_role("button", name="Cancel").click()
    view.await_status("cancelled")
    view.notebook.execute("gate.set()")
    view.notebook.execute("ask_afresh()")
    view.await_status("done")


def test_deleting_the_cell_while_it_computes(view: View) -> None:
    notebook = view.notebook
    notebook.execute("gate.clear(); ask_afresh()")
    view.await_status("running")
    notebook.delete_cell(1)
    expect(notebook.page.locator("[data-kx-root]")).to_have_count(0)
    assert notebook.value("1 + 1") == "2"
    notebook.execute("gate.set()")
    notebook.until(lambda: view.trait("status") in {"done", "cancelled"}, "the worker comes to rest")
    notebook.add_cell(WIDGET)
    view.root.wait_for()
    view.await_status("done")
