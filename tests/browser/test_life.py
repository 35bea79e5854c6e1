"""What a view goes through in a real JupyterLab: shown twice, hidden, scrolled away, closed, left by its kernel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.lab import PANEL, Lab, Notebook
from tests.browser.view import View, control, difference

SETUP = "import kx_widget as kx\n\nmodel, images, class_names, masks = kx.samples.load()"
WIDGET = "w = kx.KxWidget(model, images[:2], class_names=class_names)\nw"
CLOSED = "This widget is closed. Make a new one."
SETTINGS = """(raw) => window.jupyterapp.serviceManager.settings.save("@jupyterlab/notebook-extension:tracker", raw)"""
RESTART = f"() => {PANEL}.sessionContext.restartKernel()"
ADD_TEXTS = f"""(count) => {PANEL}.context.model.sharedModel.insertCells(
    2, Array(count).fill({{ cell_type: "markdown", source: "# Title\\n\\ntext" }}))"""
SHOW = f"() => window.jupyterapp.shell.activateById({PANEL}.id)"
# The active cell is kept in the page wherever it is.
SCROLL = f"""async (index) => {{
    {PANEL}.content.activeCellIndex = index;
    await {PANEL}.content.scrollToItem(index, "center");
}}"""


@pytest.fixture(scope="module")
def opened(lab: Lab) -> Notebook:
    return fresh(lab).notebook


@pytest.fixture
def view(opened: Notebook) -> Iterator[View]:
    opened.keep_cells(2)
    opened.run_cell(1)
    view = View(opened)
    view.settle()
    yield view
    assert opened.console_errors == []
    assert opened.foreign_requests == []


def fresh(lab: Lab) -> View:
    """A view in a notebook and a page of its own."""
    notebook = lab.open_cells([SETUP, WIDGET])
    notebook.run_all()
    view = View(notebook)
    view.settle()
    return view


def ask_another_class(view: View) -> None:
    view.notebook.execute(f"w.target = {view.other('target')!r}; w.wait()")


def test_two_views_show_the_same_and_part_in_peace(view: View) -> None:
    notebook = view.notebook
    notebook.add_cell("w")
    first, second = View(notebook, index=0), View(notebook, index=1)
    second.await_status("done")
    before = [each.pixels() for each in (first, second)]
    first.choose_class(first.other("target"))
    for each, pixels in zip((first, second), before, strict=True):
        each.await_other_pixels(pixels)
    shown = first.pixels()
    second.root.get_by_label("Opacity", exact=True).fill("1")
    opaque = first.await_other_pixels(shown)
    expect(first.root.get_by_label("Opacity", exact=True)).to_have_value("1")
    notebook.delete_cell(2)
    expect(notebook.page.locator("[data-kx-root]")).to_have_count(1)
    first.choose_class(first.other("target"))
    first.await_other_pixels(opaque)
    first.await_status("done")


def test_cleared_output_comes_back_with_the_latest_answer(view: View) -> None:
    notebook, before = view.notebook, view.pixels()
    notebook.command("notebook:clear-cell-output")
    expect(notebook.page.locator("[data-kx-root]")).to_have_count(0)
    ask_another_class(view)
    notebook.add_cell("w")
    view.await_status("done")
    view.await_other_pixels(before)


@pytest.fixture
def windowed(lab: Lab, opened: Notebook) -> Iterator[View]:
    """A view near the top of a long notebook that keeps only the cells in sight attached to the page."""
    opened.page.evaluate(SETTINGS, '{"windowingMode": "full"}')
    view = fresh(lab)
    view.notebook.page.evaluate(ADD_TEXTS, 40)
    yield view
    assert view.notebook.console_errors == []
    view.notebook.page.close()
    opened.page.evaluate(SETTINGS, "{}")


def test_scrolled_out_of_a_windowed_notebook_and_back(windowed: View) -> None:
    view, notebook, before = windowed, windowed.notebook, windowed.pixels()

    def scroll_to(index: int) -> None:
        notebook.page.evaluate(SCROLL, index)
        expect(view.root).to_be_visible(visible=index == 1)

    scroll_to(41)
    scroll_to(1)
    assert difference(view.pixels(), before) == 0
    scroll_to(41)
    ask_another_class(view)
    scroll_to(1)
    view.await_other_pixels(before)
    view.await_status("done")


def test_notebook_in_a_hidden_tab(view: View) -> None:
    notebook, before = view.notebook, view.pixels()
    notebook.command("launcher:create")
    expect(view.root).not_to_be_visible()
    ask_another_class(view)
    notebook.page.evaluate(SHOW)
    expect(view.root).to_be_visible()
    view.await_other_pixels(before)
    view.await_status("done")


def test_closed_widget_leaves_the_page_and_says_so(view: View) -> None:
    notebook = view.notebook
    notebook.execute("w.close()")
    expect(notebook.page.locator("[data-kx-root]")).to_have_count(0)
    with pytest.raises(RuntimeError, match=CLOSED):
        notebook.execute("w.wait()")
    notebook.add_cell("w")
    assert CLOSED in notebook.cells()[2]["outputs"][0]["data"]["text/plain"]


@pytest.fixture
def orphan(view: View) -> View:
    """A view that has had two answers, "cat" after "top", and whose kernel was then restarted."""
    before = view.pixels()
    view.choose_class(view.other("target"))
    view.await_other_pixels(before)
    view.settle()
    before = view.pixels()
    view.notebook.page.evaluate(RESTART)
    expect(view.root).to_have_attribute("data-status", "no-kernel")
    assert difference(view.pixels(), before) == 0
    return view


def test_restarted_kernel_leaves_the_picture_and_what_needs_no_kernel(orphan: View) -> None:
    view, page = orphan, orphan.notebook.page
    expect(view.root.get_by_text("the kernel no longer answers: run the cell again")).to_be_visible()
    shown = view.pixels()
    view.root.get_by_label("Opacity", exact=True).fill("1")
    opaque = view.await_other_pixels(shown)
    control(view.root, "Colormap").select_option("magma")
    coloured = view.await_other_pixels(opaque)
    view.canvas().focus()
    page.keyboard.press("+")
    zoomed = view.await_other_pixels(coloured)
    view.root.get_by_role("button", name="Reset view").click()
    view.leave()
    back = view.await_other_pixels(zoomed)

    view.choose_method("rise")
    expect(view.root.get_by_role("alert")).to_contain_text("This needs the kernel")
    expect(view.methods).to_have_value("Grad-CAM")
    view.screenshot("build/restarted.png")
    assert difference(view.pixels(), back) == 0
    view.choose_class("predicted")
    view.await_other_pixels(back)
    expect(view.root.get_by_role("alert")).to_have_count(0)
    expect(view.root).to_have_attribute("data-status", "no-kernel")

    view.notebook.run_all()
    view.settle()
    view.await_other_pixels(back)
