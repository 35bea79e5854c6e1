"""The map at every layer, beside its row."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.browser.gallery.page import NARROW, Gallery, Open
from tests.browser.lab import pixels


def wants(view: Gallery) -> list[dict[str, Any]]:
    """What was asked of the kernel about thumbnails."""
    return view.page.evaluate("gallery.model.sent.filter(({ kind }) => kind === 'want')")


def test_every_candidate_gets_one_in_the_current_colours(gallery: Open) -> None:
    view = gallery()
    thumbs = view.root.get_by_role("tree").locator(".thumb canvas")
    rows = view.root.locator("[role=treeitem]:not([aria-expanded]):not([aria-disabled])")
    expect(thumbs).to_have_count(rows.count())
    assert len(wants(view)) == 1
    last = rows.last.locator("canvas")
    before = pixels(last)
    assert before[..., 3].all()
    view.field("Colormap").select_option("magma")
    colours = pixels(last)
    assert (colours != before).any()
    view.field("Sign").select_option("signed")
    assert (pixels(last) != colours).any()
    expect(view.root.locator(".why")).to_contain_text("Small maps: Blob-CAM of scene-1.jpg.")
    assert len(wants(view)) == 1


def test_another_image_asks_and_another_layer_keeps_them(gallery: Open) -> None:
    view = gallery()
    thumbs = view.root.get_by_role("tree").locator(".thumb canvas")
    expect(thumbs).not_to_have_count(0)
    count = thumbs.count()
    last = thumbs.last
    before = pixels(last)
    view.root.get_by_role("treeitem", name="conv").last.click()
    view.await_status("done")
    assert thumbs.count() == count
    view.root.locator("[data-image='2'] canvas").click()
    expect(view.root.locator(".why")).to_contain_text("scene-3.jpg")
    assert (pixels(last) != before).any()
    assert wants(view)[-1]["image"] == 2


def test_a_closed_tree_asks_nothing(gallery: Open) -> None:
    view = gallery("step=20", NARROW)
    view.await_status("done")
    view.page.wait_for_timeout(600)
    assert wants(view) == []
    view.root.locator("summary").click()
    expect(view.root.locator(".thumb canvas")).not_to_have_count(0)
    assert len(wants(view)) == 1
