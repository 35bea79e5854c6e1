"""The front end alone, on the gallery's made-up kernel: every state is there within a second."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.lab import ROOT, Lab, pixels

WIDE, NARROW = 1120, 420
AXE = ROOT / "node_modules/axe-core/axe.min.js"
VIOLATIONS = """async () => {
    const { violations } = await axe.run(".view");
    return violations.flatMap(({ id, help, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target.flat().join(" ")}\\n${failureSummary}`));
}"""


AT_THE_END = """(sheet) => {
    sheet.scrollTop = sheet.scrollHeight;
    const [last] = [...sheet.querySelectorAll("[data-image='499']")].slice(-1);
    const bottom = last?.getBoundingClientRect().bottom;
    const below = sheet.getBoundingClientRect().bottom - bottom;
    return below >= 0 && below < 40;
}"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves the repository and says nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """Not to stderr."""


class Gallery:
    """One page of the gallery, and what it complained about."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.errors: list[str] = []
        page.set_default_timeout(20_000)
        page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: self.errors.append(str(e)))
        page.goto(url)
        self.root = page.locator("[data-kx-root]").first
        self.root.wait_for()

    def await_status(self, status: str) -> None:
        """Wait until the view shows this status."""
        expect(self.root).to_have_attribute("data-status", status, timeout=20_000)

    def button(self, name: str) -> Locator:
        """The button of that name."""
        return self.root.get_by_role("button", name=name, exact=True)

    def field(self, name: str) -> Locator:
        """The control with that label."""
        return self.root.get_by_label(name, exact=True)

    def trait(self, name: str) -> Any:
        """A trait as the kernel would see it."""
        return self.page.evaluate("(name) => gallery.model.get(name)", name)


Open = Callable[..., Gallery]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=ROOT)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/js/gallery.html"
        server.shutdown()
        thread.join()


@pytest.fixture
def gallery(lab: Lab, address: str) -> Iterator[Open]:
    """Opens the gallery with a query at a width; in the end nothing may have gone wrong in the page."""
    opened: list[Gallery] = []

    def open_(query: str = "", width: int = WIDE) -> Gallery:
        page = lab._browser.new_page(viewport={"width": width, "height": 900})
        opened.append(Gallery(page, f"{address}?{query}"))
        return opened[-1]

    yield open_
    for one in opened:
        one.page.close()
        assert one.errors == []


def test_a_model_without_maps_says_so(gallery: Open) -> None:
    view = gallery("flat")
    view.await_status("done")
    expect(view.root.locator(".why")).to_contain_text("No layer of this model has a map")
    expect(view.root.locator(".why")).to_contain_text("Input gradient sees the input")
    expect(view.root.locator(".star")).to_have_count(0)
    expect(view.field("Compare").locator("option", has_text="layers")).to_be_disabled()


def test_a_method_that_sees_the_input_says_that_the_layer_is_not_used(gallery: Open) -> None:
    view = gallery()
    note = view.root.get_by_text("sees the input: the layer makes no difference")
    view.await_status("done")
    expect(note).to_have_count(0)
    view.field("Method").select_option("saliency")
    expect(note).to_be_visible()
    layer = view.root.get_by_role("treeitem", name="conv", exact=False).last
    layer.click()
    expect(layer).to_have_attribute("aria-selected", "true")


def test_after_a_search_the_chosen_layer_is_in_sight(gallery: Open) -> None:
    view = gallery("layers=300")
    view.await_status("done")
    search = view.field("Search layers")
    for path in ("extra/part14/conv_299", "trunk/stage1/block1/conv"):
        search.fill(path)
        view.root.get_by_role("treeitem").last.click()
        search.fill("")
        assert view.trait("layer") == path
        expect(view.root.get_by_role("treeitem", selected=True)).to_be_in_viewport(ratio=1)


CELL = """import kx_widget as kx

w = kx.KxWidget(
    model,
    images,
    target="cup",
    layer="trunk/stage4/block2/relu",
    method="blobs2",
    params={"relu": True},
    colormap="magma",
)
w
"""


def choose_something(view: Gallery) -> None:
    """Another class, method, parameter and colour than at first."""
    view.await_status("done")
    view.field("Class").click()
    view.root.get_by_role("option", name="cup").click()
    view.field("Method").select_option("blobs2")
    view.field("Rectify").check()
    view.field("Colormap").select_option("magma")


def test_copy_as_python(gallery: Open) -> None:
    view = gallery()
    view.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    choose_something(view)
    view.button("Copy as Python").click()
    expect(view.root.get_by_text("copied", exact=True)).to_be_visible()
    assert view.page.evaluate("navigator.clipboard.readText()") == CELL


def code_shown(view: Gallery) -> None:
    view.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('denied')); }")
    choose_something(view)
    view.button("Copy as Python").click()
    expect(view.root.get_by_label("Select all and copy:")).to_be_focused()


def test_copy_as_python_where_the_clipboard_is_closed(gallery: Open) -> None:
    view = gallery()
    code_shown(view)
    code = view.root.get_by_label("Select all and copy:")
    expect(code).to_have_value(CELL)
    assert code.evaluate("(area) => area.value.slice(area.selectionStart, area.selectionEnd)") == CELL
    view.page.keyboard.press("Escape")
    expect(code).to_have_count(0)
    expect(view.button("Copy as Python")).to_be_focused()


def export_open(view: Gallery) -> None:
    view.await_status("done")
    view.button("Export").click()
    expect(view.root.get_by_role("menuitem").first).to_be_focused()


def exported(view: Gallery, item: str) -> tuple[str, NDArray[np.uint8]]:
    """Name and pixels of what a menu item gives, chosen by keyboard."""
    export_open(view)
    names = view.root.get_by_role("menuitem").all_inner_texts()
    for _ in range(next(i for i, name in enumerate(names) if item in name)):
        view.page.keyboard.press("ArrowDown")
    with view.page.expect_download() as download:
        view.page.keyboard.press("Enter")
    expect(view.button("Export")).to_be_focused()
    with Image.open(download.value.path()) as picture:
        return download.value.suggested_filename, np.asarray(picture.convert("RGB"))


def test_export_one_tile_as_it_is_drawn(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    view.root.locator("canvas").nth(1).click()
    view.page.mouse.move(1, 1)
    name, found = exported(view, "one tile")
    assert name == "kx-scene-2-cup.png"
    assert found.shape == (512, 512, 3)
    view.page.mouse.move(1, 1)
    drawn = pixels(view.root.locator("canvas").nth(1))[..., :3]
    small = np.asarray(Image.fromarray(found).resize(drawn.shape[1::-1], Image.Resampling.BOX))
    assert np.abs(small.astype(float) - drawn).mean() < 6


def test_export_the_grid(gallery: Open) -> None:
    view = gallery('traits={"compare":"targets"}&images=2')
    name, found = exported(view, "grid")
    assert name == "kx-blobs-grid.png"
    height, width, _ = found.shape
    assert (width > 3 * 256, height > 2 * 256) == (True, True)
    assert (found[:, :10] == 255).all()
    # Six tiles, each unlike the others.
    tiles = {
        found[60 + 308 * row : 316 + 308 * row, 20 + 268 * at :][:, :256].tobytes() for row in (0, 1) for at in range(3)
    }
    assert len(tiles) == 6


def contrasting(view: Gallery) -> None:
    view.await_status("done")
    view.button("Subtract another class").click()
    expect(view.field("Minus")).to_have_value("top-2")
    view.await_status("done")


def test_subtract_another_class(gallery: Open) -> None:
    view = gallery()
    contrasting(view)
    assert view.trait("target") == "top − top-2"
    expect(view.root.locator(".caption .name").first).to_have_text("cat − cup")
    view.field("Minus").click()
    view.root.get_by_role("option", name="rocket").click()
    assert view.trait("target") == "top − rocket"
    view.field("Class").click()
    view.root.get_by_role("option", name="cup").click()
    assert view.trait("target") == "cup − rocket"
    view.button("Subtract nothing").click()
    assert view.trait("target") == "cup"
    expect(view.field("Minus")).to_have_count(0)


def wrapped(view: Gallery) -> None:
    view.field("Smooth").check()
    view.field("TTA").check()
    view.await_status("done")


def test_smooth_and_augment(gallery: Open) -> None:
    view = gallery('traits={"method":"blobs2","params":{"order":"first"}}')
    wrapped(view)
    assert view.root.get_by_role("group", name="Parameters").get_by_role("switch").count() == 2
    defaults = {"smooth": {"repetitions": 20, "noise": 0.15}, "tta": {"scales": [0.5, 1, 1.5], "hflip": True}}
    assert view.trait("params") == {"order": "first", **defaults}
    view.field("Repetitions").fill("7")
    view.field("Scales").fill("1, 2")
    view.field("Scales").press("Enter")
    view.field("TTA").press("Space")
    assert view.trait("params") == {"order": "first", "smooth": {"repetitions": 7, "noise": 0.15}}
    view.field("TTA").check()
    view.field("Scales").fill("nonsense")
    view.field("Scales").press("Enter")
    expect(view.field("Scales")).to_have_value("0.5, 1, 1.5")


def limited(view: Gallery) -> None:
    view.await_status("done")
    for name, keys in (("Lower limit", ["PageUp", "ArrowRight"]), ("Upper limit", ["PageDown"] * 3)):
        view.field(name).focus()
        for key in keys:
            view.page.keyboard.press(key)
    expect(view.field("Lower limit")).to_have_attribute("aria-valuenow", "11")
    expect(view.field("Upper limit")).to_have_attribute("aria-valuenow", "70")


def test_limits_by_keyboard_mouse_and_back(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    canvas, upper = view.root.locator("canvas").first, view.field("Upper limit")
    before = pixels(canvas)
    limited(view)
    moved = pixels(canvas)
    assert (moved != before).any()
    bar = view.root.locator(".scale").bounding_box()
    handle = upper.bounding_box()
    assert bar is not None
    assert handle is not None
    view.page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + 10)
    view.page.mouse.down()
    view.page.mouse.move(bar["x"] + bar["width"] / 2, handle["y"] + 10, steps=4)
    view.page.mouse.up()
    expect(upper).to_have_attribute("aria-valuenow", "50")
    dragged = pixels(canvas)
    assert (dragged != moved).any()
    view.button("Reset limits").click()
    expect(upper).to_have_attribute("aria-valuenow", "100")
    view.page.mouse.move(1, 1)
    assert (pixels(canvas) == before).all()


def test_limits_of_signed_maps_mirror_each_other(gallery: Open) -> None:
    view = gallery('traits={"sign":"signed","scale":"all"}')
    view.await_status("done")
    lower, upper = view.field("Lower limit"), view.field("Upper limit")
    lower.press("PageUp")
    expect(upper).to_have_attribute("aria-valuenow", "90")
    low, high = lower.get_attribute("aria-valuetext"), upper.get_attribute("aria-valuetext")
    assert low == f"-{high}"
    expect(view.root.locator(".whose")).to_have_text("all maps")
    view.field("Scale").select_option("image")
    expect(view.root.locator(".whose")).to_have_text("all maps of scene-1.jpg")


def swiped(view: Gallery) -> None:
    view.await_status("done")
    view.field("Swipe").fill("0.5")


def test_swipe_bares_the_picture_on_the_left(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    canvas = view.root.locator("canvas").first
    covered = pixels(canvas)
    view.field("Opacity").fill("0")
    bare = pixels(canvas)
    view.field("Opacity").fill("0.6")
    swiped(view)
    half = pixels(canvas)
    middle = half.shape[1] // 2
    assert (half[:, : middle - 9] == bare[:, : middle - 9]).all()
    assert (half[:, middle + 9 :] == covered[:, middle + 9 :]).all()
    box = canvas.bounding_box()
    assert box is not None
    view.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
    view.page.mouse.down()
    view.page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 60, steps=3)
    view.page.mouse.up()
    expect(view.field("Swipe")).to_have_value("0.25")
    expect(view.root.locator(".readout").first).to_be_hidden()


def test_cells_of_the_map_and_pixels_of_the_picture(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    canvas = view.root.locator("canvas").first
    view.field("Opacity").fill("1")
    smooth = pixels(canvas)
    view.field("Map").select_option("cells")
    cells = pixels(canvas)
    assert runs(cells) > 2 * runs(smooth)
    view.field("Opacity").fill("0")
    for _ in range(6):
        canvas.press("+")
    canvas.press("Escape")
    smooth = pixels(canvas)
    view.field("Picture").select_option("pixels")
    assert runs(pixels(canvas)) > 3 * runs(smooth)


def runs(picture: NDArray[np.uint8]) -> float:
    """The part of the neighbours in the middle row that are equal."""
    row = picture[picture.shape[0] // 2].astype(int)
    return float((row[1:] == row[:-1]).all(axis=-1).mean())


def test_the_value_under_a_crosshair_moved_by_keys_is_spoken(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    spoken = view.root.get_by_role("log", name="Value under the crosshair")
    canvas = view.root.locator("canvas").first
    canvas.focus()
    for _ in range(5):
        canvas.press("ArrowRight")
    readout = view.root.locator(".readout").first
    expect(readout).to_contain_text("176,160")
    expect(spoken).to_have_text(readout.inner_text())
    expect(spoken).to_contain_text("top ")
    canvas.press("Escape")
    expect(spoken).to_be_empty()


def many(view: Gallery) -> None:
    view.await_status("done")
    view.root.locator(".sheet").evaluate("(grid) => { grid.scrollTop = grid.scrollHeight / 2; }")
    expect(view.root.locator("[data-image='250']")).to_have_count(1)


@pytest.mark.parametrize("compare", ["none", "targets"])
def test_of_500_images_only_those_in_sight_are_in_the_page(gallery: Open, compare: str) -> None:
    view = gallery(f'images=500&traits={{"compare":"{compare}"}}')
    view.await_status("done")
    tiles, grid = view.root.locator("[data-kx-tile]"), view.root.locator(".sheet")
    expect(tiles.first).to_have_attribute("data-image", "0")
    assert 0 < tiles.count() < 60
    whole = grid.evaluate("(grid) => grid.scrollHeight")
    last = view.root.locator("[data-image='499']").first
    grid.evaluate("(grid) => { grid.scrollTop = grid.scrollHeight; }")
    expect(last).to_be_in_viewport()
    assert tiles.count() < 60
    assert pixels(last.locator("canvas"))[..., 3].all()
    assert grid.evaluate("(grid) => grid.scrollHeight") == pytest.approx(whole, abs=2)
    if compare == "targets":
        expect(view.root.get_by_text("top-2", exact=True).last).to_be_in_viewport()
    last.locator("canvas").click()
    assert view.trait("selected") == [499]
    # Other rows at another width: still the end can be reached, and no more is there than fits.
    view.page.set_viewport_size({"width": NARROW, "height": 900})
    handle = grid.element_handle()
    view.page.wait_for_function(AT_THE_END, arg=handle)
    assert tiles.count() < 60


def running(view: Gallery) -> None:
    view.field("Method").select_option("slowblobs")
    expect(view.root.locator("[data-partial]").first).to_be_visible()


def failed(view: Gallery) -> None:
    view.await_status("error")
    view.root.get_by_text("Traceback", exact=True).click()


def cancelled(view: Gallery) -> None:
    view.field("Method").select_option("slowblobs")
    view.button("Cancel").click()
    view.await_status("cancelled")


def classes_open(view: Gallery) -> None:
    view.await_status("done")
    view.field("Class").click()
    expect(view.root.get_by_role("option", name="top-2")).to_be_visible()


def with_parameters(view: Gallery) -> None:
    view.field("Method").select_option("blobs2")
    view.await_status("done")


def nothing_found(view: Gallery) -> None:
    view.field("Search layers").fill("zzz")
    expect(view.root.get_by_text("No layer matches")).to_be_visible()


def comparing(view: Gallery) -> None:
    view.field("Compare").select_option("targets")
    expect(view.root.locator("[data-column='2']")).not_to_have_count(0)
    view.await_status("done")


def reading(view: Gallery) -> None:
    view.await_status("done")
    view.root.locator("canvas").first.hover()
    expect(view.root.locator(".readout").first).to_be_visible()


def layers_open(view: Gallery) -> None:
    view.await_status("done")
    view.root.locator("summary").click()
    expect(view.root.get_by_role("tree", name="Layers")).to_be_visible()


STATES: dict[str, tuple[str, int, Callable[[Gallery], None]]] = {
    "done": ("", WIDE, lambda view: view.await_status("done")),
    "running": ("step=400", WIDE, running),
    "failed": ("fail", WIDE, failed),
    "cancelled": ("step=400", WIDE, cancelled),
    "no-kernel": ("silent", WIDE, lambda view: view.await_status("no-kernel")),
    "classes-open": ("classes=1000", WIDE, classes_open),
    "with-parameters": ("", WIDE, with_parameters),
    "nothing-found": ("layers=1000", WIDE, nothing_found),
    "comparing": ("", WIDE, comparing),
    "reading": ("", WIDE, reading),
    "export-open": ("", WIDE, export_open),
    "code-shown": ("", WIDE, code_shown),
    "contrasting": ("", WIDE, contrasting),
    "wrapped": ("", WIDE, wrapped),
    "limited": ('traits={"sign":"signed"}', WIDE, lambda view: view.field("Upper limit").press("PageDown")),
    "swiped": ("", WIDE, swiped),
    "many": ("images=500", WIDE, many),
    "flat": ("flat", WIDE, lambda view: view.await_status("done")),
    "narrow": ("", NARROW, layers_open),
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing(gallery: Open, state: str, theme: str) -> None:
    query, width, reach = STATES[state]
    view = gallery(f"{query}&{theme}", width)
    reach(view)
    view.page.screenshot(path=ROOT / f"build/gallery-{state}-{theme}.png", full_page=True)
    view.page.add_script_tag(path=AXE)
    assert view.page.evaluate(VIOLATIONS) == []
