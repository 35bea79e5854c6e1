"""The list of methods: found, read, and chosen with the keyboard, a pointer or a finger."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.gallery.conftest import Open
from tests.browser.gallery.page import NARROW, Gallery


def opened(view: Gallery) -> Locator:
    """The list, open."""
    view.await_status("done")
    view.field("Method").click()
    listbox = view.root.get_by_role("listbox", name="Methods")
    expect(listbox).to_be_visible()
    return listbox


def test_methods_stand_under_the_question_that_they_answer(gallery: Open) -> None:
    listbox = opened(gallery("costs"))
    groups = {"Recommended for this model": 1, "Where does it look?": 3, "What if it were gone?": 1, "Which pixels?": 1}
    groups |= {"What concepts?": 1}
    expect(listbox.get_by_role("group")).to_have_count(len(groups))
    for name, count in groups.items():
        expect(listbox.get_by_role("group", name=name).get_by_role("option")).to_have_count(count)
    slow = listbox.get_by_role("option", name="Score-Blob")
    expect(slow).to_contain_text("≈ 2 min")
    expect(slow).to_contain_text("8 × 8 cells")
    expect(listbox.get_by_role("option", name="Input gradient")).to_contain_text("128 × 128 pixels")


def test_the_row_at_hand_says_what_it_is_good_for_and_how_it_fails(gallery: Open) -> None:
    view = gallery("costs")
    listbox = opened(view)
    about = view.root.locator(".about-method")
    expect(about).to_contain_text("One pass.")
    listbox.get_by_role("option", name="Input gradient").hover()
    expect(about).to_contain_text("Good for")
    expect(about).to_contain_text("It finds blobs wherever it looks.")
    expect(about).not_to_contain_text("One pass.")


def test_one_that_cannot_be_asked_is_read_but_not_chosen(gallery: Open) -> None:
    view = gallery("costs")
    listbox = opened(view)
    gaze = listbox.get_by_role("option", name="Gaze")
    expect(gaze).to_be_disabled()
    expect(gaze).to_contain_text("This model has no attention.")
    gaze.click(force=True)
    view.page.keyboard.type("gaze")
    expect(listbox.get_by_role("option")).to_have_count(1)
    view.page.keyboard.press("Enter")
    assert view.trait("method") == "blobs"
    view.page.keyboard.press("Escape")
    expect(listbox).to_be_hidden()
    expect(view.field("Method")).to_have_value("Blob-CAM")


@pytest.mark.every_browser
def test_the_keyboard_goes_through_all_and_keeps_the_row_in_sight(gallery: Open) -> None:
    view = gallery("costs")
    listbox, keyboard = opened(view), view.page.keyboard
    options = listbox.get_by_role("option")
    for at in range(options.count()):
        active = listbox.locator("[data-active]")
        expect(options.nth(at)).to_have_attribute("data-active", "true")
        expect(view.field("Method")).to_have_attribute("aria-activedescendant", str(active.get_attribute("id")))
        expect(active).to_be_in_viewport(ratio=0.9)
        keyboard.press("ArrowDown")
    while not listbox.get_by_role("option", name="Input gradient").get_attribute("data-active"):
        keyboard.press("ArrowUp")
    keyboard.press("Enter")
    assert view.trait("method") == "saliency"
    expect(view.field("Method")).to_be_focused()


@pytest.mark.every_browser
def test_a_search_finds_what_a_summary_says(gallery: Open) -> None:
    view = gallery("costs")
    listbox = opened(view)
    view.page.keyboard.type("derivative")
    expect(listbox.get_by_role("option")).to_have_count(1)
    view.page.keyboard.press("Enter")
    assert view.trait("method") == "saliency"


def test_a_finger_chooses_in_a_narrow_window(gallery: Open) -> None:
    view = gallery("costs", NARROW, has_touch=True)
    view.await_status("done")
    view.field("Method").tap()
    row = view.root.get_by_role("option", name="Blob-CAM++")
    box = row.bounding_box()
    assert box is not None
    assert box["height"] >= 40
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= NARROW
    row.tap()
    expect(view.root.get_by_role("listbox", name="Methods")).to_be_hidden()
    assert view.trait("method") == "blobs2"


def test_concepts_are_chosen_as_a_method_is(gallery: Open) -> None:
    view = gallery("costs")
    view.await_status("done")
    view.choose_method("saliency")
    of_method = (
        view.root.get_by_text("the layer makes no difference"),
        view.root.get_by_role("group", name="Parameters"),
    )
    for part in of_method:
        expect(part).to_be_visible()
    opened(view).get_by_role("option", name="Concepts").click()
    expect(view.field("Method")).to_have_value("Concepts")
    for part in of_method:
        expect(part).to_have_count(0)
    assert view.trait("overlay") == "concepts"
    expect(view.button("Concepts")).to_have_attribute("aria-pressed", "true")
    view.choose_method("blobs2")
    expect(view.field("Method")).not_to_have_value("Concepts")
    assert view.trait("overlay") == "map"
