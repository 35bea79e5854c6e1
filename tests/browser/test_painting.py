"""What is painted on the large picture is what the model is asked about, by pointer, by keys, and as Python."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tests.browser.axe import complaints
from tests.browser.lab import PANEL, Lab
from tests.browser.opened import pixels, ready_to_paint
from tests.browser.view import WIDE, View, view_of

CELL = """
import kx_widget as kx

model, images, class_names, masks = kx.samples.load()
w = kx.KxWidget(model, images[:3], class_names=class_names)
w
"""
# What the page asks last, told by the kernel: every message that it takes is kept.
LISTEN = """
strokes = []
paint = w._session.strokes.paint
w._session.strokes.paint = lambda gen, stroke: (strokes.append(stroke), paint(gen, stroke))[1]
import base64, io, json
import numpy as np
def mask_of(stroke):
    bits = np.unpackbits(np.frombuffer(base64.b64decode(stroke["mask"]), np.uint8))
    height, width = stroke["size"]
    return bits[: height * width].reshape(height, width).astype(bool)
"""


@pytest.fixture(scope="module")
def view(lab: Lab) -> Iterator[View]:
    with view_of(lab, [CELL], WIDE) as view:
        view.notebook.execute(LISTEN)
        view.root.evaluate("(root) => root.scrollIntoView({ block: 'start' })")
        view.root.get_by_role("region", name="Image in focus").get_by_role("tab", name="Paint").click()
        ready_to_paint(view.root)
        yield view


def drag(view: View, panel: Locator, *places: tuple[float, float]) -> None:
    """Draw a line on the large picture, through points in fractions of it."""
    box = panel.locator(".close-up canvas").bounding_box()
    assert box is not None
    mouse = view.notebook.page.mouse
    for number, (x, y) in enumerate(places):
        mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=1 if number == 0 else 6)
        if number == 0:
            mouse.down()
    mouse.up()


def check_bars(view: View, panel: Locator) -> None:
    """The classes after are those of `what_if`, with the mask that the page has sent last."""
    bars = panel.get_by_role("list", name="Classes before and after")
    expect(bars).to_be_visible()
    expect(panel.locator(".paint [data-waiting]")).to_have_count(0)
    expected = json.loads(
        view.notebook.value(
            "json.dumps(dict(zip(class_names, w.explainer.what_if(images[:3], [mask_of(strokes[-1])],"
            " cover=strokes[-1]['cover'], keep=strokes[-1]['keep'])[1][strokes[-1]['images'][0], 0].tolist())))"
        )
    )
    rows = bars.get_by_role("listitem").all_inner_texts()
    assert rows
    for row in rows:
        name, after = row.split("\n")[0], row.rsplit("→ ", 1)[1]
        if not after.startswith("<"):
            assert float(after.removesuffix(" %")) == pytest.approx(100 * expected[name], abs=0.051)


def test_a_stroke_changes_the_bars_to_those_of_what_if(view: View, panel: Locator) -> None:
    drag(view, panel, (0.3, 0.4), (0.6, 0.5), (0.5, 0.7))
    sentence = panel.locator(".paint p[role=status]").first
    expect(sentence).to_contain_text(re.compile(r"You covered \d+ % of the picture, \d+ % of the map: the probability"))
    check_bars(view, panel)
    mask = view.notebook.numbers("mask_of(strokes[-1]).ravel()")
    side = round(len(mask) ** 0.5)
    share, of_map = map(int, re.findall(r"(\d+) %", sentence.inner_text())[:2])
    assert share == round(100 * mask.mean())
    sized = view.notebook.numbers(f"kx.engine.postprocess.resize(w.result.maps[0, :1], ({side}, {side})).ravel()")
    positive = np.maximum(sized, 0)
    assert of_map == pytest.approx(100 * positive[mask > 0].sum() / positive.sum(), abs=0.6)


def test_the_picture_is_the_one_that_was_scored(view: View, panel: Locator) -> None:
    view.notebook.execute(
        "s = strokes[-1]; m = mask_of(s)[..., None]; i = w.explainer.load(images[:3])\n"
        "scored = np.where(m, w.explainer.cover_pixels(i)[0], i.pixels[0])"
    )
    values = view.notebook.numbers("scored[..., :3].ravel()")
    canvas = panel.locator(".paint .covered canvas")
    view.notebook.until(lambda: (pixels(canvas)[..., :3].ravel() == values).all(), "pixels are equal")


def test_it_is_undone_and_done_again_by_keys_that_the_notebook_does_not_take(view: View, panel: Locator) -> None:
    page, cells = view.notebook.page, len(view.notebook.cells())
    canvas = panel.locator(".close-up canvas")
    canvas.focus()
    page.keyboard.press("Control+z")
    expect(panel.locator(".paint")).to_contain_text("Nothing is painted")
    page.keyboard.press("Control+Shift+z")
    check_bars(view, panel)
    panel.get_by_role("button", name="Undo").click()
    expect(panel.get_by_role("list", name="Classes before and after")).to_have_count(0)
    assert len(view.notebook.cells()) == cells


def test_keys_paint(view: View, panel: Locator) -> None:
    keyboard = view.notebook.page.keyboard
    panel.get_by_role("button", name="box", exact=True).click()
    panel.locator(".close-up canvas").focus()
    for key in ("Space", "Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown", "Space"):
        keyboard.press(key)
    check_bars(view, panel)
    mask = view.notebook.numbers("mask_of(strokes[-1]).ravel()")
    # From the middle, a fifth of the picture to the right, and a tenth down.
    assert mask.mean() == pytest.approx(0.02, abs=0.004)
    panel.get_by_role("button", name="brush", exact=True).click()
    panel.locator(".close-up canvas").focus()
    keyboard.press("Shift+ArrowUp")
    keyboard.press("Space")
    check_bars(view, panel)
    assert view.notebook.numbers("mask_of(strokes[-1]).ravel()").mean() > mask.mean()


def test_what_is_painted_is_painted_when_zoomed(view: View, panel: Locator) -> None:
    panel.get_by_role("button", name="Clear").click()
    zoom = panel.get_by_role("button", name="Zoom in")
    for _ in range(3):
        zoom.click()
    panel.get_by_role("button", name="box", exact=True).click()
    drag(view, panel, (0.2, 0.2), (0.8, 0.8))
    check_bars(view, panel)
    mask = view.notebook.numbers("mask_of(strokes[-1]).ravel()")
    assert mask.mean() == pytest.approx((0.6 / 1.5**3) ** 2, rel=0.25)
    panel.get_by_role("button", name="Fit the whole image").click()


def test_keep_cover_and_another_class(view: View, panel: Locator) -> None:
    panel.get_by_role("button", name="keep it alone").click()
    panel.get_by_role("combobox", name="with").select_option("mean")
    check_bars(view, panel)
    assert view.notebook.value("(strokes[-1]['keep'], strokes[-1]['cover'])") == "(True, 'mean')"
    target = view.other("target")
    view.choose("target", target)
    view.await_trait("target", target)
    view.settle()
    expect(panel.locator(".before-after [data-explained] .name")).to_have_text(target)
    check_bars(view, panel)


def test_the_maps_top_and_all_images(view: View, panel: Locator) -> None:
    panel.get_by_role("button", name="cover it").click()
    panel.get_by_role("slider", name="Map’s top").focus()
    view.notebook.page.keyboard.press("ArrowRight")
    expect(panel.locator(".paint p[role=status]").first).to_contain_text("21 % of the picture")
    check_bars(view, panel)
    panel.get_by_role("button", name="Apply to").click()
    result = panel.locator(".paint-all")
    expect(result).to_contain_text("of 3 images kept their class")
    after, before = (
        view.notebook.numbers(f"w.explainer.{call}[1].reshape(3, -1).argmax(1)")
        for call in ("what_if(images[:3], [mask_of(strokes[-1])], 'mean')", "predict(images[:3])")
    )
    expect(result).to_contain_text(f"{int((after == before).sum())} of 3 images kept")
    result.get_by_text("Image by image").click()
    expect(result.get_by_role("row")).to_have_count(4)


def test_the_copied_code_runs_and_says_the_same(view: View, panel: Locator) -> None:
    page = view.notebook.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for tool in (None, "box"):
        if tool is not None:
            panel.get_by_role("button", name="Clear").click()
            panel.get_by_role("button", name=tool, exact=True).click()
            drag(view, panel, (0.2, 0.3), (0.5, 0.6))
            check_bars(view, panel)
        page.evaluate("() => navigator.clipboard.writeText('')")
        panel.get_by_role("button", name="Copy as Python").click()
        code = view.notebook.until(
            lambda: page.evaluate("() => navigator.clipboard.readText()") or None, "it is copied"
        )
        assert ("base64" in code) == (tool is None)
        *lines, last = code.strip().split("\n")
        view.notebook.execute("\n".join(lines))
        shown = panel.locator(".before-after [data-explained] .figure").inner_text().rsplit("→ ", 1)[1]
        value = float(view.notebook.value(f"float({last.split('#')[0]})"))
        assert shown.startswith("<") or float(shown.removesuffix(" %")) == pytest.approx(100 * value, abs=0.051)


def test_nobody_is_shut_out(view: View) -> None:
    assert complaints(view.notebook.frame) == []


def test_other_weights_are_said(view: View, panel: Locator) -> None:
    view.notebook.execute("k = model.layers[-1].weights[0]; k.assign(0.5 * k)")
    drag(view, panel, (0.2, 0.7), (0.6, 0.9))
    expect(panel.locator(".paint")).to_contain_text("The weights have changed since these maps were made")
    view.notebook.execute("w.refresh(); w.wait()")
    view.settle()
    check_bars(view, panel)


def test_a_kernel_that_dies_leaves_what_is_painted(view: View, panel: Locator) -> None:
    view.notebook.page.evaluate(f"() => {PANEL}.sessionContext.restartKernel()")
    expect(panel.locator(".paint")).to_contain_text("Scoring takes the kernel", timeout=60_000)
    drag(view, panel, (0.7, 0.2), (0.9, 0.4))
    expect(panel.locator(".paint")).to_contain_text(re.compile(r"You covered \d+ % of the picture"))
