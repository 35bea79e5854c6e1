"""The same tour in every host: what is seen, what Python has, and that nothing is asked of other machines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial

import pytest
from playwright.sync_api import expect

from tests.browser.hosts import pages, servers
from tests.browser.lab import Lab
from tests.browser.opened import Opened
from tests.browser.test_lab import BACKGROUND
from tests.browser.view import View, difference

SETUP = "import kx_widget as kx\n\nmodel, images, class_names, masks = kx.samples.load()"
WIDGET = "w = kx.KxWidget(model, images[:2], class_names=class_names)\nw"
TYPED = "a b x dd"


HOSTS: dict[str, Callable[[Lab, Sequence[str]], AbstractContextManager[Opened]]] = {
    "JupyterLab": servers.jupyterlab,
    "Notebook": servers.notebook7,
    "Voila": servers.voila,
    "marimo": servers.marimo,
    "marimo edit": partial(servers.marimo, mode="edit"),
    "VS Code": pages.vscode,
    "Colab": pages.colab,
}


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.every_browser] * (name == "JupyterLab")) for name in HOSTS],
)
def host(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def kept(host: str, pytestconfig: pytest.Config) -> str:
    """Where pictures go, without their ending."""
    return f"build/host-{pytestconfig.getoption('--browser')}-{host}"


@pytest.fixture(scope="module")
def opened(host: str, lab: Lab) -> Iterator[View]:
    with HOSTS[host](lab, [SETUP, WIDGET]) as notebook:
        yield View(notebook)


@pytest.fixture
def view(opened: View) -> Iterator[View]:
    yield opened
    assert opened.notebook.console_errors == []
    assert opened.notebook.foreign_requests == []


def test_tour(view: View, kept: str) -> None:
    view.settle()
    for trait in ("layer", "target", "method"):
        value, before = view.other(trait), view.pixels()
        view.choose(trait, value)
        view.await_trait(trait, value)
        view.await_other_pixels(before)
        view.settle()

    view.canvas().hover()
    expect(view.tiles.first.locator(".readout")).to_have_text(re.compile(r"\d"))
    view.check_readout()
    view.leave()

    view.root.get_by_label("Compare", exact=True).select_option("targets")
    view.await_trait("compare", "targets")
    view.settle()
    assert view.notebook.value("w.result.maps.shape[1] > 1") == "True"
    assert difference(view.pixels(), view.pixels(column=1)) > 0.02

    view.choose_method("rise")
    view.await_trait("method", "rise")
    # So many that none is too late to cancel them.
    view.notebook.execute("w.params = {'masks': 20_000}")
    expect(view.root.locator("[data-kx-tile][data-partial]").first).to_be_visible(timeout=60_000)
    view.root.get_by_role("button", name="Cancel").click()
    view.await_status("cancelled")
    view.notebook.execute("w.method, w.params = 'gradcam', {}")
    expect(view.methods).to_have_value("Grad-CAM")
    view.await_status("done")
    view.screenshot(f"{kept}.png")


def test_keys_stay_in_the_widget(view: View) -> None:
    notebook = view.notebook
    before = notebook.cells()
    for field in (view.layer_search, view.classes):
        field.click()
        field.fill("")
        for key in TYPED:
            notebook.page.keyboard.press("Space" if key == " " else key)
        expect(field).to_have_value(TYPED)
    notebook.page.keyboard.press("Escape")
    view.layer_search.fill("")
    # What a notebook would take for its shortcuts.
    for control in (view.root.get_by_role("button", name="Copy as Python"), view.canvas()):
        control.focus()
        for key in TYPED.replace(" ", ""):
            notebook.page.keyboard.press(key)
    view.leave()
    assert notebook.cells() == before


def test_theme_is_followed(view: View) -> None:
    for theme in view.notebook.THEMES:
        view.notebook.dress(theme)
        expect(view.root).to_have_attribute("data-theme", theme)
        brightness = view.layers.evaluate(BACKGROUND)
        assert brightness < 0.3 if theme == "dark" else brightness > 0.8


def test_narrow_and_wide(view: View, kept: str) -> None:
    resize(view, 1600)
    assert view.root.evaluate(OVERFLOWING) == []
    view.screenshot(f"{kept}-wide.png")
    # What the host has around the view changes with the page's width, too.
    page = 700
    for _ in range(8):
        if 340 <= (view_width := resize(view, page)) <= 360:
            break
        page += 355 - view_width
    assert 340 <= view_width <= 360
    assert view.root.evaluate(OVERFLOWING) == []
    view.screenshot(f"{kept}-narrow.png")


def resize(view: View, width: int) -> int:
    """The view's width in a page of this width, once the host has laid it out."""
    view.notebook.page.set_viewport_size({"width": width, "height": 900})
    return view.root.evaluate(WIDTH)


WIDTH = """(root) => new Promise((resolve) => {
    let width, still = 0;
    const look = () => {
        still = root.clientWidth === width ? still + 1 : 0;
        width = root.clientWidth;
        if (still === 20) resolve(width);
        else requestAnimationFrame(look);
    };
    look();
})"""
# What is drawn outside of the view's own box.
OVERFLOWING = """(root) => {
    const { left, right } = root.getBoundingClientRect();
    return [...root.querySelectorAll("*")]
        .filter((e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length)
        .filter((e) => { const box = e.getBoundingClientRect(); return box.left < left - 1 || box.right > right + 1; })
        .map((e) => e.outerHTML.slice(0, 100));
}"""
