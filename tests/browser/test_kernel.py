"""A page and its kernel: reloaded, opened twice, busy, died; and the widget linked to others in the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.lab import PANEL, Lab, Notebook
from tests.browser.view import View, alike, difference

SETUP = """
import os, signal, time
from pathlib import Path
import ipywidgets, keras, traitlets
import kx_widget as kx

model, images, class_names, masks = kx.samples.load()
"""
WIDGET = "w = kx.KxWidget(model, images[:2], class_names=class_names)\nw"
# Minutes of work, on whatever machine.
LONG = "w.method, w.params = 'integrated_gradients', {'smooth': {'repetitions': 1000}, 'tta': {}}"
BUSY = "print('busy', flush=True)\nwhile not Path({!r}).exists(): time.sleep(0.05)"
# Nothing that covers comes to an end any more.
STALL = """
import threading
from kx_widget.engine.covering import Covering
Covering._covered = lambda *_: threading.Event().wait()
"""
SETTINGS = """(raw) => window.jupyterapp.serviceManager.settings.save(
    "@jupyterlab/apputils-extension:kernels-settings", raw)"""
RUN_LATER = f"(code) => void {PANEL}.sessionContext.session.kernel.requestExecute({{ code, store_history: false }})"
RUN_LAST = f"""() => {{
    {PANEL}.content.activeCellIndex = {PANEL}.content.widgets.length - 1;
    void window.jupyterapp.commands.execute("notebook:run-cell");
}}"""


@pytest.fixture(scope="module")
def opened(lab: Lab) -> Notebook:
    notebook = lab.open_cells([SETUP, WIDGET])
    notebook.run_all()
    return notebook


@pytest.fixture
def view(opened: Notebook) -> Iterator[View]:
    opened.keep_cells(2)
    opened.write_cell(1, WIDGET)
    opened.run_cell(1)
    view = View(opened)
    view.settle()
    yield view
    assert opened.console_errors == []
    assert opened.foreign_requests == []


def reopened(notebook: Notebook, lab: Lab) -> View:
    """The same notebook, saved, in another tab."""
    notebook.command("docmanager:save")
    return View(Notebook(lab.page((1280, 900)), notebook.page.url))


def test_page_reloaded_while_it_computes(view: View) -> None:
    notebook, before = view.notebook, view.pixels()
    notebook.command("docmanager:save")
    notebook.execute(LONG)
    view.await_status("running")
    notebook.page.reload()
    view.await_status("running")
    # The old view said that it is gone.
    assert notebook.value("len(w._session.outbox._views)") == "1"
    # What has come of it so far.
    partial = view.await_other_pixels(before)
    view.root.get_by_role("button", name="Cancel").click()
    view.await_status("cancelled")
    notebook.execute("w.method, w.params = 'gradcam', {}")
    view.await_other_pixels(partial)
    view.settle()
    notebook.until(lambda: difference(view.pixels(), before) == 0, "the first answer is back")


def test_second_tab_on_the_same_kernel(view: View, lab: Lab) -> None:
    other = reopened(view.notebook, lab)
    other.await_status("done")
    view.notebook.until(lambda: alike(view.pixels(), other.pixels()), "both show the same")
    for here, there in ((view, other), (other, view)):
        before = there.pixels()
        here.choose_class(here.other("target"))
        assert not alike(there.await_other_pixels(before), before)
        for each in (here, there):
            each.settle()
        here.notebook.until(lambda a=here, b=there: alike(a.pixels(), b.pixels()), "both show the same")
    assert other.notebook.console_errors == []
    before = view.pixels()
    other.notebook.page.close()
    view.choose_method("gradients")
    view.await_other_pixels(before)
    view.settle()


@pytest.fixture
def one_shell(view: View) -> Iterator[View]:
    """Comms wait for cells, as they do with older kernels and other hosts."""
    page = view.notebook.page
    page.evaluate(SETTINGS, '{"commsOverSubshells": "disabled"}')
    view.notebook.command("docmanager:save")
    page.reload()
    view.root.wait_for()
    view.settle()
    yield view
    page.evaluate(SETTINGS, "{}")


def test_question_while_a_cell_runs(one_shell: View, tmp_path: Path) -> None:
    view, notebook, go_on = one_shell, one_shell.notebook, tmp_path / "go-on"
    notebook.add_cell("0")
    before = view.pixels()
    notebook.write_cell(2, BUSY.format(str(go_on)))
    notebook.page.evaluate(RUN_LAST)
    try:
        expect(notebook.page.get_by_text("busy", exact=True).last).to_be_visible()
        # No class: the next ones have come ahead.
        view.choose_method("gradients")
        expect(view.root.get_by_text("waiting for the kernel (a cell is running)")).to_be_visible()
        assert difference(view.pixels(), before) == 0
    finally:
        go_on.touch()
    view.await_other_pixels(before)
    view.settle()
    assert view.trait("method") == "gradients"


def test_kernel_that_dies_while_it_computes(view: View) -> None:
    notebook, before = view.notebook, view.pixels()
    notebook.execute(LONG)
    view.await_status("running")
    notebook.page.evaluate(RUN_LATER, "os.kill(os.getpid(), signal.SIGKILL)")
    notebook.page.locator(".jp-Dialog").get_by_role("button").last.click(timeout=60_000)
    expect(view.root).to_have_attribute("data-status", "no-kernel", timeout=60_000)
    expect(view.root.get_by_text("the kernel no longer answers: run the cell again")).to_be_visible()
    view.choose_method("gradients")
    expect(view.root.get_by_role("alert")).to_contain_text("This needs the kernel")
    notebook.wait_idle()
    notebook.run_all()
    view.settle()
    assert difference(view.pixels(), before) == 0


def test_kernel_that_dies_while_it_measures(view: View) -> None:
    notebook = view.notebook
    size = notebook.page.viewport_size
    notebook.page.set_viewport_size({"width": 1600, "height": 1000})
    panel = view.root.get_by_role("region", name="Image in focus")
    expect(panel.get_by_role("slider")).to_be_visible(timeout=60_000)
    lines = view.root.locator(".evidence-line")
    expect(panel.locator(".numbers dt", has_text="SRG")).to_have_count(1, timeout=60_000)
    notebook.execute(STALL)
    panel.get_by_role("combobox", name="with").select_option("black")
    expect(panel.locator(".measuring")).to_contain_text("measuring…")
    # What is free is told of the new cover; what covers never comes.
    expect(lines.first).to_have_text("Not measured yet")
    notebook.page.evaluate(RUN_LATER, "os.kill(os.getpid(), signal.SIGKILL)")
    notebook.page.locator(".jp-Dialog").get_by_role("button").last.click(timeout=60_000)
    expect(view.root).to_have_attribute("data-status", "no-kernel", timeout=60_000)
    expect(panel).to_contain_text("Measuring takes the kernel, which does not answer.")
    expect(panel.locator(".measuring")).to_have_count(0)
    expect(lines.first).to_have_text("Not measured yet")
    notebook.wait_idle()
    notebook.run_all()
    view.settle()
    expect(panel.get_by_role("slider")).to_be_visible(timeout=60_000)
    if size is not None:
        notebook.page.set_viewport_size(size)


def test_links_in_the_page_and_in_python(view: View) -> None:
    notebook = view.notebook
    notebook.add_cell(
        "paths = [r.path for r in w.explainer.inspection.layers if r.is_candidate]\n"
        "layer = ipywidgets.Dropdown(options=paths, value=w.layer, description='Where')\n"
        "text = ipywidgets.Text(w.layer, description='Typed', continuous_update=False)\n"
        "status, heard = ipywidgets.Label(), []\n"
        "ipywidgets.link((layer, 'value'), (w, 'layer'))\n"
        "ipywidgets.jslink((text, 'value'), (w, 'layer'))\n"
        "ipywidgets.jsdlink((w, 'status'), (status, 'value'))\n"
        "w.observe(lambda change: heard.append(change['new']), 'layer')\n"
        "ipywidgets.VBox([layer, text, status])"
    )
    notebook.add_cell(
        "other = kx.KxWidget(model, images[:2], method='layercam', class_names=class_names)\n"
        "link = traitlets.link((w, 'target'), (other, 'target'))\nother"
    )
    first, second = View(notebook, "w", 0), View(notebook, "other", 1)
    second.settle()
    dropdown, typed = notebook.page.get_by_label("Where"), notebook.page.get_by_label("Typed")
    label = notebook.page.locator(".widget-label", has_text="done")
    expect(label).to_be_visible()

    path, before = first.other("layer"), first.pixels()
    dropdown.select_option(path)
    first.await_other_pixels(before)
    first.settle()
    assert notebook.value("(w.layer, layer.value, heard)") == str((path, path, [path]))
    expect(typed).to_have_value(path)
    back, before = second.trait("layer"), first.pixels()
    typed.fill(back)
    typed.press("Enter")
    first.await_other_pixels(before)
    first.settle()
    expect(dropdown).to_have_value(back)
    first.choose_layer(path)
    expect(dropdown).to_have_value(path)
    expect(typed).to_have_value(path)
    first.settle()
    expect(label).to_be_visible()

    for here, there in ((first, second), (second, first)):
        before = there.pixels()
        name = here.other("target")
        here.choose_class(name)
        there.await_other_pixels(before)
        assert notebook.value("(w.target, other.target)") == str((name, name))


NAMES = ("<img src=x onerror='window.hurt=1'>", "<b>dog</b>", "</script><script>window.hurt=1</script>")
# TensorFlow takes no other signs of HTML in a layer's name.
NAMED = f"""
names = {NAMES!r}
inputs = keras.Input((24, 24, 3))
x = keras.layers.Conv2D(4, 3, activation="relu", name="early")(inputs)
x = keras.layers.Conv2D(4, 3, activation="relu", name="-->late")(x)
x = keras.layers.Dense(3, activation="softmax")(keras.layers.GlobalAveragePooling2D()(x))
photos = [kx.samples.load()[1][0][:24, :24]] * 2
w = kx.KxWidget(keras.Model(inputs, x), photos, names[0], class_names=list(names), labels=[0, 1])
w
"""


def test_names_are_text_wherever_they_are_shown(view: View) -> None:
    notebook = view.notebook
    notebook.write_cell(1, NAMED)
    notebook.run_cell(1)
    view.settle()
    expect(view.tiles.first).to_contain_text(NAMES[0])
    view.choose_class(NAMES[2])
    view.settle()
    expect(view.tiles.first).to_contain_text(NAMES[2])
    notebook.execute("w.compare, w.target = 'layers', names[1]; w.wait()")
    view.settle()
    expect(view.layers).to_contain_text("-->late")
    notebook.page.evaluate(RUN_LATER, "w.set_state({'layer': names[0] + '!', 'target': names[0] + '!'})")
    expect(view.root.get_by_role("alert")).to_contain_text(NAMES[0] + "!")
    for image in range(2):
        view.canvas(image).hover()
    assert view.root.locator("img, script").count() == view.root.get_by_text("dog", exact=True).count() == 0
    assert notebook.page.evaluate("window.hurt") is None
