"""What is pointed at in a picture is what its map is asked about."""

from __future__ import annotations

import base64
import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tests.browser.axe import complaints
from tests.browser.gallery.page import NARROW, Gallery, Open
from tests.browser.opened import pixels, place, ready_to_paint

QUERY = "regions&images=2"


@pytest.fixture
def view(gallery: Open) -> Gallery:
    view = gallery(QUERY)
    view.await_status("done")
    return view


def click(view: Gallery, image: int, x: float, y: float) -> None:
    canvas = view.canvases.nth(image)
    view.page.mouse.click(*place(canvas, x, y))


def region(view: Gallery, image: int) -> dict[str, Any]:
    return view.trait("regions").get(str(image), {"kind": "wins", "at": []})


def chip(view: Gallery, image: int) -> Locator:
    return view.root.locator(f"[data-kx-tile][data-image='{image}'] .region-chip")


def size_of(view: Gallery, image: int = 0) -> tuple[int, int]:
    picture = view.trait("_images")[image]
    return picture["width"], picture["height"]


def test_models_of_one_score_a_class_have_no_tools(gallery: Open) -> None:
    view = gallery("images=2")
    view.await_status("done")
    expect(view.root.get_by_role("group", name="What is explained")).to_have_count(0)


def test_a_click_asks_about_the_pixel_under_it(view: Gallery) -> None:
    before = pixels(view.canvases.nth(0))
    view.button("pixel").click()
    click(view, 0, 0.3, 0.6)
    width, height = size_of(view)
    x, y = region(view, 0)["at"]
    assert region(view, 0)["kind"] == "pixel"
    assert abs(x - 0.3 * width) <= 1
    assert abs(y - 0.6 * height) <= 1
    expect(chip(view, 0)).to_contain_text(f"at pixel ({x}, {y})")
    expect(chip(view, 1)).to_have_count(0)
    assert region(view, 1)["kind"] == "wins"
    view.other_pixels(view.canvases.nth(0), before)
    expect(view.root.get_by_role("region", name="Image in focus").locator(".region-line")).to_contain_text(
        f"at pixel ({x}, {y})"
    )


def test_a_zoomed_picture_is_pointed_at_in_its_own_pixels(view: Gallery) -> None:
    canvas = view.canvases.nth(0)
    view.page.mouse.dblclick(*place(canvas, 0.5, 0.5))
    view.page.mouse.move(5, 5)
    view.button("pixel").click()
    click(view, 0, 0.75, 0.25)
    width, height = size_of(view)
    x, y = region(view, 0)["at"]
    # Twice as large, about the middle.
    assert abs(x - 0.625 * width) <= 1
    assert abs(y - 0.375 * height) <= 1


@pytest.mark.every_browser
def test_a_drag_asks_about_a_box(view: Gallery) -> None:
    view.button("box").click()
    canvas = view.canvases.nth(1)
    view.page.mouse.move(*place(canvas, 0.8, 0.9))
    view.page.mouse.down()
    view.page.mouse.move(*place(canvas, 0.5, 0.5), steps=3)
    view.page.mouse.move(*place(canvas, 0.2, 0.1), steps=3)
    view.page.mouse.up()
    width, height = size_of(view, 1)
    assert region(view, 1)["kind"] == "box"
    wanted = [0.2 * width, 0.1 * height, 0.8 * width, 0.9 * height]
    np.testing.assert_allclose(region(view, 1)["at"], wanted, atol=1)
    expect(view.canvases.nth(1)).to_have_attribute("aria-label", re.compile("at box"))


def test_a_click_without_a_drag_is_no_box(view: Gallery) -> None:
    view.button("box").click()
    click(view, 0, 0.4, 0.4)
    assert view.trait("regions") == {}


def white(view: Gallery, image: int = 0) -> int:
    """How many pixels of a tile are white."""
    return int((pixels(view.canvases.nth(image))[..., :3] == 255).all(-1).sum())


def test_an_object_is_outlined(view: Gallery) -> None:
    view.button("pixel").click()
    click(view, 0, 0.5, 0.5)
    view.await_status("done")
    view.page.mouse.move(5, 5)
    before = white(view)
    view.button("object").click()
    click(view, 0, 0.5, 0.5)
    expect(chip(view, 0)).to_contain_text("at object")
    view.await_status("done")
    view.page.mouse.move(5, 5)
    # A line around it is longer than a cross.
    expect(chip(view, 0)).to_be_visible()
    assert white(view) > before + 150


def test_keys_point_too(view: Gallery) -> None:
    view.button("pixel").click()
    view.canvases.nth(0).focus()
    view.page.keyboard.press("ArrowRight")
    view.page.keyboard.press("Enter")
    width, height = size_of(view)
    x, y = region(view, 0)["at"]
    assert abs(x - 0.51 * width) <= 1
    assert abs(y - 0.5 * height) <= 1
    view.page.keyboard.press("Escape")
    assert view.trait("regions") == {}
    view.button("box").click()
    view.canvases.nth(0).focus()
    view.page.keyboard.press("Enter")
    for key in ("Shift+ArrowRight", "Shift+ArrowDown", "Enter"):
        view.page.keyboard.press(key)
    np.testing.assert_allclose(region(view, 0)["at"], [0.51 * width, 0.5 * height, 0.61 * width, 0.6 * height], atol=1)


def test_the_chip_and_escape_reset(view: Gallery) -> None:
    view.button("pixel").click()
    click(view, 0, 0.3, 0.6)
    click(view, 1, 0.3, 0.6)
    assert set(view.trait("regions")) == {"0", "1"}
    chip(view, 0).click()
    assert set(view.trait("regions")) == {"1"}
    view.canvases.nth(1).focus()
    view.page.keyboard.press("Escape")
    assert view.trait("regions") == {}


def test_the_first_click_asks_for_the_class_that_wins_there(gallery: Open) -> None:
    view = gallery(QUERY + '&traits={"target":"cup"}')
    view.await_status("done")
    view.button("pixel").click()
    click(view, 0, 0.3, 0.6)
    assert view.trait("target") == "top"


def test_whole_pictures_are_a_choice_of_the_one_in_focus(view: Gallery) -> None:
    view.button("whole picture").click()
    assert view.trait("regions") == {"0": {"kind": "whole", "at": []}}
    expect(view.button("whole picture")).to_have_attribute("aria-pressed", "true")
    view.button("where it wins").click()
    assert view.trait("regions") == {}


def test_what_is_painted_is_explained(view: Gallery) -> None:
    panel = view.root.get_by_role("region", name="Image in focus")
    panel.get_by_role("tab", name="Paint").click()
    canvas = ready_to_paint(view.root)
    view.page.mouse.move(*place(canvas, 0.4, 0.4))
    view.page.mouse.down()
    view.page.mouse.move(*place(canvas, 0.6, 0.6), steps=4)
    view.page.mouse.up()
    view.button("Explain this region").click()
    asked = view.trait("regions")["0"]
    (height, width), bits = asked["mask"]
    mask = np.unpackbits(np.frombuffer(base64.b64decode(bits), np.uint8), count=height * width)
    assert asked["kind"] == "mask"
    assert mask.reshape(height, width)[height // 2, width // 2]
    assert 0 < mask.mean() < 0.3


@pytest.mark.parametrize("width", [1120, NARROW])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_anybody_can_use_it(gallery: Open, width: int, scheme: str) -> None:
    view = gallery(QUERY, width, color_scheme=scheme)
    view.await_status("done")
    view.button("pixel").click()
    click(view, 0, 0.3, 0.6)
    expect(chip(view, 0)).to_be_visible()
    assert complaints(view.page) == []
