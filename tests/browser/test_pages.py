"""Pages without a kernel: the widget's own, from a file; a notebook's, by nbconvert; a notebook opened again."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Download, Locator, Page, Request, expect

import kx_widget as kx
from kx_widget.widget.export import SNAPSHOT_BYTES
from kx_widget.widget.image_sources import ALL_BYTES
from tests import models
from tests.browser.axe import complaints
from tests.browser.hosts import bundles
from tests.browser.lab import Lab
from tests.browser.opened import ROOT, Opened, pixels
from tests.browser.server import environment
from tests.browser.view import bilinear, choose_method, control, difference, readout

HOSTILE = ("</script><img src=x onerror='window.hurt = 1'>", "<b>dog</b>", "cup", "sky & sea")
NOTEBOOK = """
import keras
import numpy as np

import kx_widget as kx
from tests import models

keras.utils.set_random_seed(0)
# Noise compresses worst.
photos = np.random.default_rng(0).integers(0, 256, (32, 360, 360, 3), np.uint8)
w = kx.KxWidget(models.residual(), photos, class_names=["ant", "bee", "cat", "dog"], layer="stem")
w
"""
LATER = "w.target = 'dog'\nw.wait()\nlen(w.results)"


PEAK = re.compile("peak ")


class Sheet:
    """A page that must ask for nothing but files; what it complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.set_default_timeout(20_000)
        page.on("console", lambda m: self.errors.append(m.text) if m.type in {"error", "warning"} else None)
        page.on("pageerror", lambda e: self.errors.append(str(e)))
        page.on("request", self._note)

    def _note(self, request: Request) -> None:
        if not request.url.startswith(("file://", "data:")):
            self.requests.append(request.url)

    def open(self, path: Path) -> Locator:
        self.page.goto(path.as_uri())
        root = self.page.locator("[data-kx-root]")
        expect(root).to_have_attribute("data-status", "no-kernel")
        expect(root.locator("[data-kx-tile] canvas").first).to_have_attribute("aria-label", PEAK)
        return root


@pytest.fixture(scope="module")
def browser(lab: Lab) -> Browser:
    return lab.browser


@pytest.fixture
def sheet(browser: Browser) -> Iterator[Callable[..., Sheet]]:
    opened: list[Sheet] = []

    def open_(**options: Any) -> Sheet:
        context = browser.new_context(accept_downloads=True, **options)
        opened.append(Sheet(context.new_page()))
        return opened[-1]

    yield open_
    for one in opened:
        assert one.page.evaluate("window.hurt") is None
        one.page.context.close()
        assert (one.errors, one.requests) == ([], [])


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, kx.KxWidget]:
    """A page of five answers, the last one a comparison."""
    photos = np.random.default_rng(0).uniform(-1, 1, (2, 12, 12, 3)).astype(np.float32)
    w = kx.KxWidget(models.residual(), photos, class_names=list(HOSTILE), sign="absolute")
    w.wait()
    for name, value in (("method", "gradients"), ("method", "gradcam"), ("layer", "stem"), ("target", HOSTILE[0])):
        setattr(w, name, value)
        w.wait()
    w.compare = "targets"
    w.compare_with = [HOSTILE[0], HOSTILE[1]]
    path = tmp_path_factory.mktemp("page") / "page.html"
    w.save(path)
    return path, w


def shown(root: Locator, image: int = 0, column: int = 0) -> np.ndarray:
    canvas = root.locator(f"[data-kx-tile][data-image='{image}'][data-column='{column}'] canvas")
    root.page.mouse.move(1, 1)
    # Drawn once it has come into sight.
    canvas.scroll_into_view_if_needed()
    expect(canvas).to_have_attribute("width", re.compile("[1-9]"))
    return pixels(canvas)


def test_a_page_shows_the_answer_and_its_controls_work(sheet: Callable[..., Sheet], saved: Any) -> None:
    one = sheet()
    root = one.open(saved[0])
    expect(root.locator("[data-kx-tile] canvas")).to_have_count(4)
    expect(root.locator("[data-kx-tile] .explained .class").first).to_have_text(HOSTILE[0])
    assert difference(shown(root), shown(root, 0, 1)) > 0.05

    def look() -> np.ndarray:
        return np.concatenate([shown(root, image, column) for image in (0, 1) for column in (0, 1)])

    def look_again(before: np.ndarray) -> np.ndarray:
        for _ in range(20):
            if difference(before, after := look()) > 0.02:
                return after
        raise AssertionError("nothing has changed")

    before = look()
    for change in (
        lambda: root.get_by_label("Opacity", exact=True).fill("1"),
        lambda: control(root, "Threshold").fill("0.5"),
        lambda: control(root, "Colormap").select_option("magma"),
        lambda: control(root, "Sign").select_option("signed"),
        lambda: control(root, "Scale").select_option("all"),
    ):
        change()
        before = look_again(before)
    canvas = root.locator("[data-kx-tile] canvas").first
    canvas.focus()
    one.page.keyboard.press("+")
    expect(root.get_by_role("button", name="Reset view")).to_be_enabled()
    look_again(before)
    root.get_by_role("button", name="Reset view").click()
    canvas.hover()
    expect(root.locator("[data-kx-tile] .readout").first).to_be_visible()
    values = saved[1].result.maps[0, 0]
    middle = bilinear(values, 0.5, 0.5)
    assert readout(root.locator("[data-kx-tile]").first)[2] == pytest.approx(
        middle, abs=0.05 * float(np.abs(values).max())
    )


def test_a_page_within_an_output(sheet: Callable[..., Sheet], saved: Any) -> None:
    page = sheet().page
    source = html.escape(saved[0].read_text(encoding="utf-8"))
    page.set_content(f'<iframe srcdoc="{source}" style="width: 100%; height: 900px"></iframe>')
    root = page.frames[-1].locator("[data-kx-root]")
    expect(root.locator("[data-kx-tile] canvas").first).to_have_attribute("aria-label", PEAK)
    assert difference(shown(root), shown(root, 0, 1)) > 0.05


def test_the_address_of_a_page_chooses_method_and_theme(sheet: Callable[..., Sheet], saved: Any) -> None:
    one = sheet(viewport={"width": 700, "height": 500}, color_scheme="light")
    one.page.goto(f"{saved[0].as_uri()}#theme=dark&method=gradients&height=fill")
    root, label = one.page.locator("[data-kx-root]"), one.page.locator("[data-kx-tile] canvas").first
    expect(root).to_have_attribute("data-theme", "dark")
    expect(label).to_have_attribute("aria-label", re.compile("Gradients.*peak"))
    assert one.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 29)"
    # Nothing has to be scrolled to reach the rest of the page.
    assert one.page.locator(".kx").bounding_box() == {"x": 0, "y": 0, "width": 700, "height": 500}
    # What a page does that shows this one in a frame.
    one.page.evaluate("location.replace('#theme=light&method=gradcam')")
    expect(root).to_have_attribute("data-theme", "light")
    expect(label).to_have_attribute("aria-label", re.compile("Grad-CAM.*peak"))
    assert one.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    expect(root.get_by_label("Method", exact=True)).to_have_value("Grad-CAM")
    # What it does not know, it does not follow.
    one.page.evaluate("location.replace('#method=magic&nonsense=1&_snapshot=')")
    expect(root.get_by_role("alert")).to_have_count(1)
    expect(label).to_have_attribute("aria-label", re.compile("Grad-CAM.*peak"))


def test_pickers_offer_what_is_kept_and_nothing_else(sheet: Callable[..., Sheet], saved: Any) -> None:
    root = sheet().open(saved[0])
    method = root.get_by_label("Method", exact=True)
    method.click()
    enabled = root.locator("[role=option]:not([aria-disabled]) .text")
    assert set(enabled.all_inner_texts()) == {"Gradients", "Grad-CAM"}
    root.page.keyboard.press("Escape")
    before = shown(root)
    choose_method(root, "gradients")
    expect(root.locator("[data-kx-tile] canvas")).to_have_count(2)
    assert "Gradients" in str(root.locator("[data-kx-tile] canvas").first.get_attribute("aria-label"))
    assert difference(before, shown(root)) > 0.05
    root.get_by_label("Class", exact=True).click()
    assert set(root.locator(".option .text").all_inner_texts()) == {"predicted", *HOSTILE[:2]}
    root.page.keyboard.type("top-2")
    expect(root.get_by_text("Nothing matches “top-2” among the kept answers.")).to_be_visible()
    root.page.keyboard.press("Escape")
    kept = root.get_by_label("Kept answers")
    assert kept.locator("option").count() == 6
    kept.select_option(index=kept.locator("option").count() - 1)
    expect(root.locator("[data-kx-tile] canvas")).to_have_count(4)
    expect(root.get_by_text("A new question needs Python.")).to_be_visible()
    possible = root.locator("[role=treeitem]:not([aria-disabled])")
    assert set(possible.locator(".name").all_text_contents()) == {"after_add", "stem"}
    assert root.locator("[role=treeitem][aria-disabled]").count() > 0
    expect(root.get_by_label("Smooth", exact=True)).to_be_disabled()


def test_every_kept_map_is_the_one_that_was_computed(sheet: Callable[..., Sheet], saved: Any) -> None:
    root = sheet().open(saved[0])
    photos = np.random.default_rng(0).uniform(-1, 1, (2, 12, 12, 3)).astype(np.float32)
    choose_method(root, "gradients")
    label = root.locator("[data-kx-tile] canvas").first.get_attribute("aria-label") or ""
    peak = saved[1].explainer.explain(photos, method="gradients").maps[0, 0].max()
    assert f"peak {float(f'{peak:.3g}'):g}" in label


def test_export_without_python(sheet: Callable[..., Sheet], saved: Any) -> None:
    root = sheet().open(saved[0])
    root.get_by_role("button", name="Export").click()
    expect(root.get_by_role("menuitem", name="Numbers (NPZ)")).to_have_attribute("aria-disabled", "true")
    with root.page.expect_download() as download:
        root.page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(".png")
    tile = exported(download.value)
    with root.page.expect_download() as download:
        root.get_by_role("button", name="Export").click()
        root.get_by_role("menuitem", name="Picture of the grid").click()
    grid = exported(download.value)
    assert tile.shape[1] > 512
    assert grid.shape[1] > 2 * 256
    for picture in (tile, grid):
        # The colour scale is the last thing below the captions.
        colours = [len(np.unique(row, axis=0)) for row in picture[-80:]]
        assert max(colours) > 100
        # Nothing but white is at the margin.
        assert (picture[:, :8] == 255).all()


def exported(download: Download) -> np.ndarray:
    with Image.open(download.path()) as picture:
        return np.asarray(picture.convert("RGB"))


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light")])
def test_a_page_at_every_width_and_in_both_themes(
    sheet: Callable[..., Sheet], saved: Any, width: int, scheme: str
) -> None:
    one = sheet(viewport={"width": width, "height": 900}, color_scheme=scheme)
    root = one.open(saved[0])
    expect(root).to_have_attribute("data-theme", scheme)
    assert one.page.evaluate("document.documentElement.scrollWidth") <= width
    one.page.screenshot(path=ROOT / f"build/page-{scheme}-{width}.png")
    # Readers of a page are told what its keys are, and nothing of first steps.
    expect(root.get_by_role("note", name="First steps")).to_have_count(0)
    assert complaints(one.page) == []


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook that a script ran, with the state of its widgets."""
    folder = tmp_path_factory.mktemp("executed")
    cells = [nbformat.v4.new_code_cell(code) for code in (NOTEBOOK, LATER)]
    path = folder / "notebook.ipynb"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    env = environment(tmp_path_factory.mktemp("home")) | {"PYTHONPATH": str(ROOT)}
    command = ["-m", "nbconvert", "--to", "notebook", "--execute", "--inplace", path.name]
    subprocess.run([sys.executable, *command], cwd=folder, env=env, check=True, capture_output=True)
    return path


def test_an_executed_notebook_is_small_and_holds_a_picture(executed: Path) -> None:
    notebook = nbformat.read(executed, 4)
    (output,) = [each for each in notebook.cells[0].outputs if "data" in each]
    assert set(output.data) >= {"application/vnd.jupyter.widget-view+json", "image/png", "text/html"}
    models = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"].values()
    buffers = [(buffer["path"][0], len(buffer["data"])) for model in models for buffer in model.get("buffers", [])]
    size = {name: sum(length for other, length in buffers if other == name) for name, _ in buffers}
    # Almost as many as there may be, and as if the snapshot were as large as it may be.
    assert 0.9 * ALL_BYTES < size["_images"] * 3 / 4 <= ALL_BYTES * 1.01
    assert executed.stat().st_size - size["_snapshot"] + SNAPSHOT_BYTES * 4 / 3 < 8e6


# nbconvert's page wants MathJax, whatever is in the notebook.
NO_MATHS = "--HTMLExporter.mathjax_url=data:text/javascript,//"
# Where html-manager looks for a widget first.
BESIDE = "Failed to load resource: net::ERR_FILE_NOT_FOUND"


def test_nbconvert_shows_the_maps(executed: Path, browser: Browser) -> None:
    command = ["-m", "nbconvert", "--to", "html", NO_MATHS, executed.name]
    subprocess.run([sys.executable, *command], cwd=executed.parent, check=True, capture_output=True)
    opened = Opened(browser.new_page())
    page = opened.page
    bundles.serve(page)
    page.goto(executed.with_suffix(".html").as_uri())
    root = opened.root()
    label = root.locator("[data-kx-tile] canvas").first
    expect(label).to_have_attribute("aria-label", PEAK)
    # What the last cell asked, not what the first one showed.
    assert "dog" in str(label.get_attribute("aria-label"))
    expect(root.locator("[data-kx-tile]").first).to_contain_text("dog")
    assert difference(shown(root, 0), shown(root, 1)) > 0.05
    expect(root).to_have_attribute("data-status", "no-kernel")
    expect(root.get_by_text("A new question needs the kernel.")).to_be_visible()
    before = shown(root)
    root.get_by_label("Opacity", exact=True).fill("0")
    assert difference(before, shown(root)) > 0.02
    label.hover()
    expect(root.locator("[data-kx-tile] .readout").first).to_have_text(re.compile(r"\d+,\d+\s+\S+"))
    page.screenshot(path=ROOT / "build/nbconvert.png")
    page.close()
    assert opened.foreign_requests == []
    assert [error for error in opened.console_errors if error != BESIDE] == []


def test_a_notebook_opened_again_shows_the_maps_without_its_kernel(executed: Path, lab: Lab) -> None:
    notebook = lab.open(executed)
    page = notebook.page
    # Outputs of a notebook that is not trusted are shown as pictures.
    expect(page.locator(".jp-OutputArea-output img").first).to_be_visible()
    page.evaluate("() => void window.jupyterapp.commands.execute('notebook:trust')")
    page.locator(".jp-Dialog").get_by_role("button", name="Trust").click()
    root = notebook.root()
    expect(root.locator("[data-kx-tile] canvas").first).to_have_attribute("aria-label", PEAK, timeout=30_000)
    expect(root).to_have_attribute("data-status", "no-kernel", timeout=30_000)
    # Another kernel was running, which knows no widget; now there is none.
    notebook.command("kernelmenu:shutdown")
    expect(page.get_by_role("button", name="No Kernel", exact=True)).to_be_visible()
    opacity = shown(root)
    root.get_by_label("Opacity", exact=True).fill("0")
    assert difference(opacity, shown(root)) > 0.05
    assert notebook.console_errors == []
    page.screenshot(path=ROOT / "build/reopened.png")
    page.close()
