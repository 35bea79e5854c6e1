"""Detected boxes lie over pictures; a click or Enter on one asks about it."""

from __future__ import annotations

import json
import re
from typing import Any, Literal
from urllib.parse import quote

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Locator, expect

from tests.browser.axe import complaints
from tests.browser.gallery.page import NARROW, Gallery, Open
from tests.browser.gallery.test_keeping import exported

# Of a scene of 256 × 256 pixels, or larger; each in classes that all galleries have.
DETECTIONS: list[list[dict[str, Any]]] = [
    [
        {"box": [20, 30, 120, 90], "target": 0, "score": 0.97},
        {"box": [-10, 60, 60, 200], "target": 1, "score": 0.6},
        {"box": [100, 100, 180, 170], "target": 2, "score": 0.2},
    ],
    [{"box": [10, 10, 90, 90], "target": 1, "score": 0.3}],
]
QUERY = f"regions&images=2&traits={quote(json.dumps({'_detections': DETECTIONS}))}"


@pytest.fixture
def view(gallery: Open) -> Gallery:
    view = gallery(QUERY)
    view.await_status("done")
    return view


def boxes(view: Gallery, image: int = 0) -> Locator:
    return view.root.locator(f"[data-kx-tile][data-image='{image}'] .detections button")


def large(view: Gallery) -> Locator:
    """The boxes over the large picture in the panel."""
    return view.root.locator(".close-up .detections button")


def asked(view: Gallery, image: int = 0) -> object:
    return view.trait("regions").get(str(image))


def region(number: int, image: int = 0) -> dict[str, object]:
    detection = DETECTIONS[image][number]
    return {"kind": "box", "at": detection["box"], "winner": detection["target"]}


def test_boxes_lie_where_they_are_in_the_picture(view: Gallery) -> None:
    expect(boxes(view)).to_have_count(2)
    expect(boxes(view, 1)).to_have_count(1)
    picture = view.trait("_images")[0]
    width, height = picture.get("original_size") or (picture["width"], picture["height"])
    tile, box = view.canvases.first.bounding_box(), boxes(view).first.bounding_box()
    assert tile is not None
    assert box is not None
    x0, y0, x1, y1 = DETECTIONS[0][0]["box"]
    told = [box["x"] - tile["x"], box["y"] - tile["y"], box["width"], box["height"]]
    part = [x0 / width, y0 / height, (x1 - x0) / width, (y1 - y0) / height]
    lengths = [tile["width"], tile["height"], tile["width"], tile["height"]]
    assert told == pytest.approx([p * length for p, length in zip(part, lengths, strict=True)], abs=1.5)


def test_a_click_on_a_label_explains_the_detection(view: Gallery) -> None:
    boxes(view).nth(1).locator("span").click()
    expect(boxes(view).nth(1)).to_have_attribute("aria-pressed", "true")
    assert asked(view) == region(1)
    assert view.trait("target") == "top"
    assert asked(view, 1) is None
    boxes(view).nth(1).locator("span").click()
    expect(boxes(view).nth(1)).to_have_attribute("aria-pressed", "false")
    assert asked(view) is None
    assert view.errors == []


def test_boxes_let_the_pointer_through_to_the_picture(view: Gallery) -> None:
    box = boxes(view).first.bounding_box()
    assert box is not None
    view.page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] * 0.8)
    expect(view.root.locator("[data-kx-tile][data-image='0'] .readout")).to_be_visible()


def test_keys_go_from_box_to_box_and_explain_one(view: Gallery) -> None:
    view.canvases.first.focus()
    view.page.keyboard.press("Tab")
    expect(boxes(view).first).to_be_focused()
    view.page.keyboard.press("ArrowRight")
    expect(boxes(view).nth(1)).to_be_focused()
    view.page.keyboard.press("Enter")
    expect(boxes(view).nth(1)).to_have_attribute("aria-pressed", "true")
    assert asked(view) == region(1)
    view.page.keyboard.press("ArrowRight")
    expect(boxes(view).first).to_be_focused()
    # One stop a picture, however many boxes it has.
    view.page.keyboard.press("Tab")
    expect(boxes(view).nth(1)).not_to_be_focused()


def test_which_are_drawn_can_be_chosen(view: Gallery) -> None:
    view.field("Boxes").select_option(label="all")
    expect(boxes(view)).to_have_count(3)
    view.field("Boxes").select_option(label="hidden")
    expect(boxes(view)).to_have_count(0)
    expect(boxes(view, 1)).to_have_count(0)


def test_boxes_zoom_with_their_picture(view: Gallery) -> None:
    before, style = boxes(view).first.bounding_box(), boxes(view).first.get_attribute("style")
    view.canvases.first.focus()
    view.page.keyboard.press("+")
    expect(boxes(view).first).not_to_have_attribute("style", style or "")
    after = boxes(view).first.bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] == pytest.approx(1.5 * before["width"], abs=1.5)


def test_the_large_picture_has_the_same_boxes_where_they_are(view: Gallery) -> None:
    expect(large(view)).to_have_count(2)
    picture = view.trait("_images")[0]
    width, height = picture.get("original_size") or (picture["width"], picture["height"])
    canvas, box = view.root.locator(".close-up canvas").bounding_box(), large(view).first.bounding_box()
    assert canvas is not None
    assert box is not None
    # The picture is higher than its frame would have it, and lies in the middle.
    shown = canvas["height"] * width / height
    left = canvas["x"] + (canvas["width"] - shown) / 2
    x0, y0, x1, y1 = DETECTIONS[0][0]["box"]
    told = [box["x"] - left, box["y"] - canvas["y"], box["width"], box["height"]]
    part = [x0 / width, y0 / height, (x1 - x0) / width, (y1 - y0) / height]
    lengths = [shown, canvas["height"], shown, canvas["height"]]
    assert shown < canvas["width"]
    assert told == pytest.approx([p * length for p, length in zip(part, lengths, strict=True)], abs=1.5)


def test_boxes_of_the_large_picture_explain_and_zoom_with_it(view: Gallery) -> None:
    large(view).nth(1).locator("span").click()
    expect(large(view).nth(1)).to_have_attribute("aria-pressed", "true")
    expect(large(view).nth(1)).to_have_css("background-color", "rgba(0, 0, 0, 0)")
    expect(boxes(view).nth(1)).to_have_attribute("aria-pressed", "true")
    assert asked(view) == region(1)
    before, style = large(view).first.bounding_box(), large(view).first.get_attribute("style")
    tile = boxes(view).first.get_attribute("style")
    view.button("Zoom in").click()
    expect(large(view).first).not_to_have_attribute("style", style or "")
    after = large(view).first.bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] == pytest.approx(1.5 * before["width"], abs=1.5)
    expect(boxes(view).first).to_have_attribute("style", tile or "")


def test_keys_go_from_box_to_box_of_the_large_picture(view: Gallery) -> None:
    view.root.locator(".close-up canvas").focus()
    view.page.keyboard.press("Tab")
    expect(large(view).first).to_be_focused()
    view.page.keyboard.press("ArrowRight")
    expect(large(view).nth(1)).to_be_focused()
    view.page.keyboard.press("Enter")
    assert asked(view) == region(1)
    view.page.keyboard.press("Tab")
    expect(view.button("Zoom out")).to_be_focused()


def test_the_brush_goes_over_labels(view: Gallery) -> None:
    label = large(view).first.locator("span")
    expect(label).to_have_css("pointer-events", "auto")
    view.root.get_by_role("tab", name="Paint").click()
    expect(label).to_have_css("pointer-events", "none")


def test_exported_pictures_have_those_that_are_shown(view: Gallery) -> None:
    boxes(view).first.locator("span").click()
    expect(boxes(view).first).to_have_attribute("aria-pressed", "true")
    view.await_status("done")
    _, sheet = exported(view, "one tile")
    picture = view.trait("_images")[0]
    scale = 512 / (picture.get("original_size") or [picture["width"]])[0]

    def blue(sheet: NDArray[np.uint8], number: int) -> float:
        """How much of a box's left side has the colour of the box that is explained."""
        x0, y0, _, y1 = (round(scale * at) for at in DETECTIONS[0][number]["box"])
        side = sheet[64 + y0 + 40 : 64 + y1 - 4, 32 + x0 - 3 : 32 + x0 + 4].astype(int)
        return (np.abs(side - [77, 134, 255]).max(-1) < 40).any(1).mean()

    assert blue(sheet, 0) == 1
    assert blue(sheet, 2) < 0.5
    view.field("Boxes").select_option(label="hidden")
    view.page.keyboard.press("Escape")
    assert blue(exported(view, "one tile")[1], 0) < 0.5


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [NARROW, 1280])
def test_axe_finds_nothing(gallery: Open, colours: Literal["light", "dark"], width: int) -> None:
    view = gallery(QUERY, width, color_scheme=colours)
    view.await_status("done")
    boxes(view).first.locator("span").click()
    # Until the answer is there, what is below the tiles is pale.
    expect(view.canvases.first).to_have_attribute("aria-label", re.compile("at box"))
    expect(boxes(view).first).to_have_attribute("aria-pressed", "true")
    view.await_status("done")
    assert complaints(view.page) == []
