"""A model that is trained in a cell: what a refresh shows is painted before the next one, while the cell runs."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.browser.lab import Lab
from tests.browser.test_kernel import RUN_LAST, SETTINGS
from tests.browser.view import View

EPOCHS = 10
SETUP = """
import time
import numpy as np
import kx_widget as kx

model, images, class_names, masks = kx.samples.load()
kernel = model.layers[-1].kernel
base, rng, times = kernel.numpy(), np.random.default_rng(0), []

def train():
    kernel.assign(base + 0.3 * base.std() * rng.normal(size=base.shape).astype(np.float32))
    times.append(time.time())
"""
WIDGET = "w = kx.KxWidget(model, images[:2], class_names=class_names)\nw"
LOOP = f"""
for epoch in range({EPOCHS}):
    train()
    w.refresh()
    time.sleep(2)
times.append(time.time())
"""
CALLBACK = f"""
import keras
class Refresh(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        train()
        w.refresh()
        time.sleep(2)
model.compile("sgd", "categorical_crossentropy")
x = np.zeros((2, *model.input_shape[1:]), np.float32)
model.fit(x, np.eye(2, len(class_names), dtype=np.float32), epochs={EPOCHS}, verbose=0, callbacks=[Refresh()])
times.append(time.time())
"""
EXPLAIN = f"""
import keras
class Train(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        train()
class Sleep(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        time.sleep(2)
model.compile("sgd", "categorical_crossentropy")
x = np.zeros((2, *model.input_shape[1:]), np.float32)
callbacks = [Train(), kx.ExplainCallback(w, evaluate=(), share=1), Sleep()]
model.fit(x, np.eye(2, len(class_names), dtype=np.float32), epochs={EPOCHS}, verbose=0, callbacks=callbacks)
times.append(time.time())
"""
# When the first tile has changed, in seconds.
WATCH = """(canvas) => {
    window.painted = [];
    let last = canvas.toDataURL();
    setInterval(() => {
        const picture = canvas.toDataURL();
        if (picture !== last) window.painted.push(Date.now() / 1000);
        last = picture;
    }, 50);
}"""


@pytest.fixture(params=["perCommTarget", "disabled"])
def view(lab: Lab, request: pytest.FixtureRequest) -> Iterator[View]:
    """Comms go over a subshell, or wait for cells, as they do with older kernels and in other hosts."""
    notebook = lab.open_cells([SETUP, WIDGET, "0"])
    page = notebook.page
    page.evaluate(SETTINGS, json.dumps({"commsOverSubshells": request.param}))
    page.reload()
    notebook.wait_idle()
    notebook.run_all()
    view = View(notebook)
    view.settle()
    yield view
    page.evaluate(SETTINGS, "{}")
    page.close()
    assert notebook.console_errors == []


@pytest.mark.parametrize("cell", [LOOP, CALLBACK, EXPLAIN], ids=["loop", "callback", "explain"])
def test_each_refresh_is_painted_before_the_next(view: View, cell: str) -> None:
    notebook = view.notebook
    canvas = view.canvas()
    view.leave()
    canvas.evaluate(WATCH)
    notebook.write_cell(2, cell)
    notebook.page.evaluate(RUN_LAST)
    notebook.wait_idle()
    times = notebook.numbers("times")
    assert len(times) == EPOCHS + 1
    painted = notebook.page.evaluate("window.painted")
    missed = [n for n in range(EPOCHS) if not any(times[n] < at < times[n + 1] for at in painted)]
    assert missed == []
