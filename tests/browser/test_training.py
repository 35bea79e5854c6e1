"""A model that is trained in a cell: what a refresh shows is painted before the next one, while the cell runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lab
from tests.browser.opened import NEXT_FRAME
from tests.browser.test_kernel import RUN_LAST, SETTINGS
from tests.browser.view import View, difference

EPOCHS = 10
SETUP = """
import time
from pathlib import Path
import numpy as np
import kx_widget as kx

model, images, class_names, masks = kx.samples.load()
kernel = model.layers[-1].kernel
base, rng, times = kernel.numpy(), np.random.default_rng(0), []

def train():
    kernel.assign(base + 0.3 * base.std() * rng.normal(size=base.shape).astype(np.float32))
    times.append(time.time())

def wait_until_painted(epoch):
    Path(folder, f"trained-{epoch}").touch()
    while not Path(folder, f"painted-{epoch}").exists():
        time.sleep(0.05)
"""
WIDGET = "w = kx.KxWidget(model, images[:2], class_names=class_names)\nw"
LOOP = f"""
for epoch in range({EPOCHS}):
    train()
    w.refresh()
    wait_until_painted(epoch)
times.append(time.time())
"""
CALLBACK = f"""
import keras
class Refresh(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        train()
        w.refresh()
        wait_until_painted(epoch)
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
class Wait(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        wait_until_painted(epoch)
model.compile("sgd", "categorical_crossentropy")
x = np.zeros((2, *model.input_shape[1:]), np.float32)
callbacks = [Train(), kx.ExplainCallback(w, evaluate=(), share=1), Wait()]
model.fit(x, np.eye(2, len(class_names), dtype=np.float32), epochs={EPOCHS}, verbose=0, callbacks=callbacks)
times.append(time.time())
"""


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
def test_each_refresh_is_painted_before_the_next(view: View, cell: str, tmp_path: Path) -> None:
    """The cell goes on with the next epoch once this one is seen."""
    notebook = view.notebook
    view.leave()
    notebook.execute(f"folder = {str(tmp_path)!r}")
    notebook.write_cell(2, cell)
    before = view.pixels()
    notebook.page.evaluate(RUN_LAST)
    try:
        for epoch in range(EPOCHS):
            notebook.until((tmp_path / f"trained-{epoch}").exists, f"epoch {epoch} is asked for", 120)
            notebook.until(lambda old=before: difference(view.pixels(), old) > 0, f"epoch {epoch} is painted", 120)
            # The kernel is busy, and answers nothing.
            expect(view.root).to_have_attribute("data-status", "done", timeout=120_000)
            # The last picture of this epoch is painted with the next frame.
            for _ in range(2):
                notebook.page.evaluate(NEXT_FRAME)
            before = view.pixels()
            (tmp_path / f"painted-{epoch}").touch()
    finally:
        for epoch in range(EPOCHS):
            (tmp_path / f"painted-{epoch}").touch()
    notebook.wait_idle()
    assert len(notebook.numbers("times")) == EPOCHS + 1
