"""Which rows are shown, and in which order."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.gallery.page import Gallery, Open
from tests.browser.opened import pixels


def images(view: Gallery) -> list[int]:
    """The images in sight or near it, in the order of their rows."""
    tiles = view.root.locator("[data-kx-tile][data-column='0']")
    return [int(image) for image in tiles.evaluate_all("(tiles) => tiles.map((tile) => tile.dataset.image)")]


@pytest.mark.every_browser
def test_right_and_wrong_are_marked_filtered_and_sorted(gallery: Open) -> None:
    view = gallery("labels&images=12")
    view.await_status("done")
    expect(view.root.get_by_text("Small maps")).to_be_visible()
    sent = view.page.evaluate("gallery.model.sent.length")
    said = view.root.get_by_role("group", name="Rows").get_by_role("status")
    marks = [mark.strip() for mark in view.root.locator(".verdict").all_inner_texts()]
    assert marks[:3] == ["✓ right", "✓ right", "✗ true: cat"]
    assert not view.root.locator("[data-image='6'] .verdict").inner_text().strip()
    expect(said).to_have_text("12 images")
    expect(view.root.get_by_role("img", name="predicted rocket, true class cat")).to_have_count(4)

    view.field("Show").select_option(label="wrong (4)")
    expect(said).to_have_text("4 of 12 images")
    assert images(view) == [2, 5, 8, 11]
    view.field("Show").select_option(label="all images (12)")
    moved = view.root.locator("[data-image='2'] canvas")
    pixels(moved)
    tile = moved.element_handle()
    view.field("Sort").select_option("wrong first")
    # It is the same canvas, still drawn, in another place.
    assert tile.evaluate("(canvas) => canvas.isConnected && canvas.width > 0")
    assert images(view) == [2, 5, 8, 11, 0, 1, 3, 4, 7, 9, 10, 6]
    view.field("Sort").select_option("least sure first")
    sure = [view.page.evaluate(PROBABILITY, image) for image in images(view)]
    assert sure == sorted(sure)
    view.field("Show").focus()
    view.field("Show").select_option(label="cup (4)")
    assert images(view) == sorted(images(view), key=lambda image: view.page.evaluate(PROBABILITY, image))
    # None of it asked the kernel anything.
    assert view.page.evaluate("gallery.model.sent.length") == sent


PROBABILITY = """(image) => {
    const canvas = document.querySelector(".view > div").shadowRoot;
    return parseFloat(canvas.querySelector(`[data-image="${image}"] .figure`).textContent);
}"""


def test_by_keyboard_among_500_the_right_image_is_selected_and_read(gallery: Open) -> None:
    view = gallery("labels&images=500")
    view.await_status("done")
    view.root.locator(".sheet").evaluate("(sheet) => { sheet.scrollTop = 9000; }")
    expect(view.root.locator("[data-image='0']")).to_have_count(0)
    view.button("Concepts").focus()
    view.page.keyboard.press("Tab")
    expect(view.field("Show")).to_be_focused()
    view.page.keyboard.press("w")
    expect(view.field("Show")).to_have_value("wrong")
    expect(view.root.locator("[data-image='2']")).to_be_in_viewport()
    assert images(view)[:3] == [2, 5, 8]
    assert len(images(view)) < 60
    canvas = view.root.locator("[data-image='5'] canvas")
    canvas.focus()
    canvas.press("Enter")
    assert view.trait("selected") == [5]
    canvas.press("ArrowRight")
    readout = view.root.locator("[data-image='5'] .readout")
    expect(readout).to_contain_text(",160")
    value = view.root.get_by_role("log", name="Value under the crosshair")
    expect(value).to_have_text(readout.inner_text())
    assert pixels(canvas)[..., 3].all()
    expect(view.root.locator(".whose")).to_contain_text("scene-6.jpg")


# Canvases' sizes, by image, while the grid is scrolled over many rows.
SIZES = """async (sheet) => {
    const sizes = {};
    const { top, bottom } = sheet.getBoundingClientRect();
    const isInSight = (box) => box.bottom > top && box.top < bottom;
    for (let i = 0; i < 60; i++) {
        sheet.scrollBy({ top: 97, behavior: "instant" });
        // Until all in sight are drawn, however slow that is.
        for (let frame = 0, missing = 1; frame < 600 && missing > 0; frame++) {
            await new Promise(requestAnimationFrame);
            missing = 0;
            for (const tile of sheet.querySelectorAll("[data-kx-tile]")) {
                const { width, height } = tile.querySelector("canvas");
                // 300 wide is one that was not drawn yet.
                if (width === 0 || width === 300) missing += isInSight(tile.getBoundingClientRect());
                else (sizes[tile.dataset.image] ??= new Set()).add(`${width}×${height}`);
            }
        }
    }
    return Object.values(sizes).map((of) => of.size);
}"""


# Captions with the word "predicted" whose figure has no room beside it.
CROWDED = """(captions) => captions.filter((caption) => caption.querySelector(".word")
    && caption.querySelector(".figure").offsetTop > caption.querySelector(".name").offsetTop + 10).length"""


def test_a_figure_goes_before_the_word_predicted(gallery: Open) -> None:
    view = gallery("images=4&step=1", 1500)
    view.await_status("done")
    # As in a wide font.
    view.root.evaluate("(root) => { root.style.letterSpacing = '0.5px'; }")
    for height in range(120, 200, 4):
        view.field("Size").fill(str(height))
        assert view.root.locator(".caption.predicted").evaluate_all(CROWDED) == 0, height


def test_scrolling_draws_no_tile_in_another_size(gallery: Open) -> None:
    view = gallery("images=500", 1280)
    view.await_status("done")
    sizes = view.root.locator(".sheet").evaluate(SIZES)
    assert len(sizes) > 60
    assert set(sizes) == {1}


CUT = (
    """(marks) => marks.some((mark) => mark.scrollWidth > mark.clientWidth || mark.scrollHeight > mark.clientHeight)"""
)
HEIGHTS = "(tiles) => [...new Set(tiles.map((tile) => tile.offsetHeight))]"


def test_what_is_wrong_can_be_read_where_there_is_little_room(gallery: Open) -> None:
    view = gallery("labels&images=12", 360)
    view.await_status("done")
    marks = view.root.locator(".verdict")
    expect(marks.filter(has_text="true: cat")).not_to_have_count(0)
    assert not marks.evaluate_all(CUT)
    many = gallery("labels&images=500", 360)
    many.await_status("done")
    marks = many.root.locator(".verdict")
    expect(marks.filter(has_text="true")).not_to_have_count(0)
    assert not marks.evaluate_all(CUT)
    assert len(many.root.locator("[data-kx-tile]").evaluate_all(HEIGHTS)) == 1


def test_without_labels_the_least_sure_can_come_first(gallery: Open) -> None:
    view = gallery("images=6")
    view.await_status("done")
    expect(view.root.locator(".verdict")).to_have_count(0)
    assert view.field("Sort").locator("option").all_inner_texts() == [
        "as given",
        "least sure first",
        "most sure first",
    ]
    view.field("Sort").select_option("most sure first")
    sure = [view.page.evaluate(PROBABILITY, image) for image in images(view)]
    assert sure == sorted(sure, reverse=True)


def test_one_image_needs_no_arrangement(gallery: Open) -> None:
    view = gallery("images=1")
    view.await_status("done")
    expect(view.root.get_by_role("group", name="Rows")).to_have_count(0)
