"""The map at every layer, beside its row."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.browser.gallery.page import NARROW, Gallery, Open
from tests.browser.opened import pixels

CANDIDATES = "[role=treeitem]:not([aria-expanded]):not([aria-disabled])"


def wants(view: Gallery) -> list[dict[str, Any]]:
    """What was asked of the kernel about thumbnails."""
    return view.page.evaluate("gallery.model.sent.filter(({ kind }) => kind === 'want')")


def test_every_candidate_gets_one_in_the_current_colours(gallery: Open) -> None:
    view = gallery()
    view.field("all 28 layers").check()
    thumbs = view.root.get_by_role("tree").locator(".thumb canvas")
    rows = view.root.locator(CANDIDATES)
    expect(thumbs).to_have_count(rows.count())
    assert len(wants(view)) == 1
    last = rows.last.locator("canvas")
    before = pixels(last)
    assert before[..., 3].all()
    view.field("Colormap").select_option("magma")
    colours = view.other_pixels(last, before)
    view.field("Sign").select_option("signed")
    view.other_pixels(last, colours)
    expect(view.root.locator(".why")).to_contain_text("Small maps of scene-1.jpg: Blob-CAM.")
    assert len(wants(view)) == 1


def test_another_image_asks_and_another_layer_keeps_them(gallery: Open) -> None:
    view = gallery()
    view.field("all 28 layers").check()
    thumbs = view.root.get_by_role("tree").locator(".thumb canvas")
    count = view.root.locator(CANDIDATES).count()
    expect(thumbs).to_have_count(count)
    last = thumbs.last
    before = pixels(last)
    view.root.get_by_role("treeitem", name="conv").last.click()
    view.await_status("done")
    assert thumbs.count() == count
    view.root.locator("[data-image='2'] canvas").click()
    expect(view.root.locator(".why")).to_contain_text("scene-3.jpg")
    expect(thumbs).to_have_count(count)
    view.other_pixels(last, before)
    assert wants(view)[-1]["image"] == 2


def test_each_head_shows_where_it_looks_and_no_other_row_leaves_a_box(gallery: Open) -> None:
    view = gallery("heads=2")
    expect(view.root.locator(".why")).to_contain_text("Why this method: The head of the model reads no patches.")
    view.root.get_by_role("treeitem", name="attention").locator(".branch").click()
    canvases = view.root.get_by_role("treeitem").filter(has_text="head").locator(".thumb canvas")
    expect(canvases).to_have_count(2)
    for canvas in canvases.all():
        expect(canvas).to_be_visible()
    for box in view.root.locator(".thumb:not(:has(canvas))").all():
        expect(box).not_to_be_visible()


def test_a_layer_that_holds_others_has_a_map_too(gallery: Open) -> None:
    view = gallery('heads=2&traits={"method":"blobs","layer":"attention"}')
    row = view.root.get_by_role("treeitem", name="attention")
    expect(row).to_have_attribute("aria-expanded", "false")
    expect(row.locator(".thumb canvas")).to_be_visible()


def test_a_closed_tree_asks_nothing(gallery: Open) -> None:
    view = gallery("step=20&views=2", NARROW)
    second = view.page.locator("[data-kx-root]").nth(1)
    for root in (view.root, second):
        expect(root).to_have_attribute("data-status", "done")
    second.locator("summary").click()
    expect(second.locator(".thumb canvas")).not_to_have_count(0)
    # The first view is done for longer: it would have asked before.
    assert len(wants(view)) == 1


def test_where_none_can_come_there_is_no_room_for_them(gallery: Open) -> None:
    view = gallery('traits={"method":"saliency"}')
    view.await_status("done")
    thumbs = view.root.get_by_role("tree").locator(".thumb")
    expect(thumbs).to_have_count(0)
    view.choose_method("blobs")
    expect(thumbs).not_to_have_count(0)
