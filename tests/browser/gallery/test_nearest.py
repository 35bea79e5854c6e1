"""Images like the one in focus, in the panel."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.gallery import states
from tests.browser.gallery.page import NARROW, Gallery, Open
from tests.browser.opened import pixels


def neighbours(view: Gallery) -> Locator:
    """Those that are shown, the nearest first."""
    return view.root.get_by_role("list", name="Images like this one").get_by_role("button")


def focused(view: Gallery) -> str:
    return view.root.get_by_role("region", name="Image in focus").locator("h3").inner_text()


def test_a_click_puts_the_nearest_into_focus_and_shows_its_own(gallery: Open) -> None:
    view = gallery("nearest&labels&images=12", 1280)
    states.neighbours_shown(view)
    expect(neighbours(view)).to_have_count(8)
    first = neighbours(view).first
    name = re.match(r"(scene-\d+\.jpg), similarity 0\.\d\d, predicted \w+, ", first.get_attribute("title") or "")
    assert name is not None
    expect(first.locator("canvas")).not_to_have_attribute("width", "0")
    assert pixels(first.locator("canvas"))[..., :3].std() > 5, "the picture is drawn"
    first.click()
    expect(view.root.get_by_role("region", name="Image in focus").locator("h3")).to_have_text(name[1])
    assert view.trait("selected") == [int(name[1].removeprefix("scene-").removesuffix(".jpg")) - 1]
    labels = [button.get_attribute("title") or "" for button in neighbours(view).all()]
    assert not any(label.startswith(f"{name[1]},") for label in labels), "none is its own neighbour"


def test_a_keyboard_walks_from_neighbour_to_neighbour(gallery: Open) -> None:
    view = gallery("nearest&labels&images=12", 1280)
    states.neighbours_shown(view)
    view.root.get_by_role("group", name="Nearest images of").get_by_role("button").last.focus()
    view.page.keyboard.press("Tab")
    expect(neighbours(view).first).to_be_focused()
    before = focused(view)
    view.page.keyboard.press("Enter")
    expect(view.root.get_by_role("region", name="Image in focus").locator("h3")).not_to_have_text(before)
    expect(neighbours(view).first).to_be_focused()
    view.page.keyboard.press("Tab")
    expect(neighbours(view).nth(1)).to_be_focused()


def test_the_way_from_a_wrong_image_to_right_ones(gallery: Open) -> None:
    view = gallery('nearest&labels&images=12&traits={"selected":[2]}', 1280)
    states.neighbours_shown(view)
    expect(view.root.locator(".truth")).to_contain_text("wrong")
    marks = view.root.locator(".neighbours .sign")
    assert "✗" in "".join(marks.all_inner_texts())
    view.button("right ones").click()
    expect(view.button("right ones")).to_have_attribute("aria-pressed", "true")
    assert set(marks.all_inner_texts()) == {"✓"}


def test_one_image_alone_is_told(gallery: Open) -> None:
    view = gallery("nearest&images=1", 1280)
    states.panel_open(view)
    expect(view.root.get_by_text("There is one image here.")).to_be_visible()


@pytest.mark.parametrize("width", [NARROW, 640, 1280])
def test_they_fit_beside_each_other_and_under_a_finger(gallery: Open, width: int) -> None:
    view = gallery("nearest&labels&images=12", width, has_touch=True)
    states.neighbours_shown(view)
    boxes = [button.bounding_box() for button in neighbours(view).all()]
    panel = view.root.get_by_role("region", name="Image in focus").bounding_box()
    assert panel is not None
    for box in boxes:
        assert box is not None
        assert box["x"] >= panel["x"]
        assert box["x"] + box["width"] <= panel["x"] + panel["width"]
        assert min(box["width"], box["height"]) >= 44
    before = focused(view)
    neighbours(view).nth(1).tap()
    expect(view.root.get_by_role("region", name="Image in focus").locator("h3")).not_to_have_text(before)
