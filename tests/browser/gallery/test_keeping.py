"""Taking the view along: as Python, as pictures."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import expect

from tests.browser.gallery.page import Gallery, Open
from tests.browser.gallery.states import choose_something, code_shown, export_open
from tests.browser.opened import pixels

CELL = """import kx_widget as kx

# As in the cell that made this view: model, images, class_names.
w = kx.KxWidget(
    model,
    images,
    class_names=class_names,
    target="cup",
    layer="trunk/stage4/block2/relu",
    method="blobs2",
    params={"relu": True},
    sign="positive",
    colormap="magma",
    opacity=0.6,
)
w
"""


def test_copy_as_python(gallery: Open) -> None:
    view = gallery()
    view.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    choose_something(view)
    view.button("Copy as Python").click()
    expect(view.root.get_by_text("copied", exact=True)).to_be_visible()
    assert view.page.evaluate("navigator.clipboard.readText()") == CELL


@pytest.mark.every_browser
def test_copy_as_python_where_the_clipboard_is_closed(gallery: Open) -> None:
    view = gallery()
    code_shown(view)
    code = view.root.get_by_label("Select all and copy:")
    expect(code).to_have_value(CELL)
    assert code.evaluate("(area) => area.value.slice(area.selectionStart, area.selectionEnd)") == CELL
    view.page.keyboard.press("Escape")
    expect(code).to_have_count(0)
    expect(view.button("Copy as Python")).to_be_focused()


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


def test_the_menu_hears_the_next_key(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    view.button("Export").focus()
    with view.page.expect_download() as download:
        # No frame comes between the two keys.
        view.page.evaluate("() => { window.requestAnimationFrame = () => 0; }")
        view.page.keyboard.press("Enter")
        view.page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(".png")


def test_export_one_tile_as_it_is_drawn(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    view.canvases.nth(1).click()
    view.page.mouse.move(1, 1)
    name, sheet = exported(view, "one tile")
    assert name == "kx-scene-2-cup.png"
    # Around the tile are its heading, caption and colour scale.
    found = sheet[64:576, 32:544]
    view.page.mouse.move(1, 1)
    drawn = pixels(view.canvases.nth(1))[..., :3]
    small = np.asarray(Image.fromarray(found).resize(drawn.shape[1::-1], Image.Resampling.BOX))
    assert np.abs(small.astype(float) - drawn).mean() < 6


def test_the_colour_scale_of_one_tile_lies_within_the_picture(gallery: Open) -> None:
    view = gallery('traits={"sign":"signed","clip":90}')
    view.await_status("done")
    _, sheet = exported(view, "one tile")
    foot = sheet[-60:]
    assert (foot[:, -30:] == 255).all()
    assert (foot[:, -300:-40] != 255).any()


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
