"""Quick hands, and changes that come from elsewhere meanwhile: nothing happens that nobody asked for."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.gallery.page import NARROW, Gallery, Open
from tests.browser.gallery.states import code_shown

HAS_FOCUS = "(root) => root.contains(root.getRootNode().activeElement)"
FROM_PYTHON = (
    "(change) => { for (const name in change) gallery.model.set(name, change[name]); gallery.model.save_changes(); }"
)
PUSH_DOWN = """() => {
    const above = document.createElement("div");
    above.style.height = "150px";
    document.body.prepend(above);
}"""


def press(view: Gallery, button: Locator) -> None:
    """Press a button that vanishes with it; something else of the view must have the focus."""
    view.await_status("done")
    button.press("Enter")
    assert view.root.evaluate(HAS_FOCUS)


def test_the_focus_stays_when_what_has_it_vanishes(gallery: Open) -> None:
    view = gallery()
    for name in ("vs another class", "vs no other class"):
        press(view, view.button(name))
    view.field("Upper limit").press("PageDown")
    press(view, view.button("Reset limits"))
    view.field("Compare").select_option("targets")
    press(view, view.root.get_by_role("button", name="Remove column").last)
    view.page.keyboard.press("Enter")
    assert view.trait("compare_with") == ["top"]


def test_the_focus_stays_when_an_error_is_dismissed(gallery: Open) -> None:
    view = gallery("fail")
    view.await_status("error")
    view.button("Dismiss the error").press("Enter")
    expect(view.root.get_by_role("alert")).to_have_count(0)
    assert view.root.evaluate(HAS_FOCUS)


def test_the_grid_has_the_focus_of_a_tile_that_is_scrolled_away(gallery: Open) -> None:
    view = gallery("images=500")
    view.await_status("done")
    view.canvases.first.click()
    sheet = view.root.locator(".sheet")
    sheet.evaluate("(grid) => { grid.scrollTop = 3000; }")
    expect(sheet).to_be_focused()
    assert sheet.evaluate("(grid) => grid.scrollTop") == 3000


def test_the_layer_search_stays_open_while_it_is_used(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    search = view.field("Search layers")
    search.focus()
    view.page.set_viewport_size({"width": NARROW, "height": 900})
    expect(view.root.locator("[data-narrow]")).to_have_count(1)
    view.page.keyboard.type("stage2")
    expect(search).to_have_value("stage2")


def test_a_double_click_is_for_one_button(gallery: Open) -> None:
    view = gallery("images=3")
    view.await_status("done")
    view.button("vs another class").click()
    view.button("vs no other class").dblclick()
    expect(view.button("vs no other class")).to_have_count(0)
    expect(view.root.get_by_role("menuitem")).to_have_count(0)
    view.field("Compare").select_option("targets")
    view.await_status("done")
    view.root.get_by_role("button", name="Remove column").nth(1).dblclick()
    assert view.trait("compare_with") == ["top", "top-3"]


def test_a_number_half_typed_goes_with_its_field(gallery: Open) -> None:
    view = gallery()
    view.field("Smooth").check()
    noise = view.field("Noise")
    noise.press("Control+a")
    view.page.keyboard.type("0.3")
    view.page.evaluate(FROM_PYTHON, {"params": {}})
    expect(noise).to_have_count(0)
    assert view.trait("params") == {}


def test_escape_takes_back_what_is_typed(gallery: Open) -> None:
    view = gallery()
    view.field("Smooth").check()
    noise = view.field("Noise")
    before = noise.input_value()
    noise.press("Control+a")
    view.page.keyboard.type("0.3")
    view.page.keyboard.press("Escape")
    expect(noise).to_have_value(before)


@pytest.mark.parametrize("key", ["Enter", "ArrowLeft"])
def test_no_group_is_closed_unseen_by_a_search(gallery: Open, key: str) -> None:
    view = gallery()
    view.await_status("done")
    rows = view.root.get_by_role("treeitem")
    search, before = view.field("Search layers"), rows.count()
    search.fill("stage2")
    rows.first.click()
    search.press("ArrowDown")
    active = view.root.locator("[role=treeitem][data-active]")
    expect(active).to_contain_text("conv")
    view.page.keyboard.press("ArrowUp")
    view.page.keyboard.press(key)
    search.fill("")
    expect(rows).to_have_count(before)


def test_a_popup_closes_when_one_goes_on(gallery: Open) -> None:
    view = gallery()
    code_shown(view)
    code = view.root.get_by_label("Select all and copy:")
    view.page.keyboard.press("Tab")
    expect(code).to_have_count(0)
    view.button("Copy as Python").dblclick()
    expect(code).to_have_count(1)
    view.page.keyboard.press("Escape")
    expect(code).to_have_count(0)


def test_a_menu_stays_at_its_button(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    button, menu = view.button("Export"), view.root.get_by_role("menu")
    button.click()
    distance = "([a, b]) => Math.round(b.getBoundingClientRect().top - a.getBoundingClientRect().bottom)"
    handles = [button.element_handle(), menu.element_handle()]
    before, top = view.page.evaluate(distance, handles), button.bounding_box()
    view.page.evaluate(PUSH_DOWN)
    view.page.wait_for_function(f"(args) => ({distance})(args) === {before}", arg=handles)
    assert top is not None
    assert button.bounding_box() == {**top, "y": top["y"] + 150}


def test_the_list_keeps_its_place_when_the_classes_are_sorted_anew(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    view.field("Class").press("ArrowDown")
    for _ in range(4):
        view.page.keyboard.press("ArrowDown")
    active = view.root.locator(".option[data-active] .text")
    name = active.inner_text()
    view.page.evaluate(FROM_PYTHON, {"selected": [2]})
    expect(active).to_have_text(name)
    view.page.keyboard.press("Enter")
    assert view.trait("target") == name


def test_limits_that_met_can_be_drawn_apart(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    lower = view.field("Lower limit")
    mouse = view.page.mouse

    def drag(by: float) -> int:
        box = lower.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] - 4
        mouse.move(x, y)
        mouse.down()
        mouse.move(x + by, y, steps=4)
        mouse.up()
        return int(lower.get_attribute("aria-valuenow") or 0)

    assert drag(400) == 99
    assert 20 < drag(-80) < 90


def test_a_long_traceback_does_not_widen_the_error(gallery: Open) -> None:
    view = gallery("fail", 360)
    view.await_status("error")
    view.root.get_by_text("Traceback", exact=True).click()
    expect(view.root.locator("pre")).to_be_visible()
    parts = ".failure", ".failure strong", ".failure pre"
    frame, *inside = (view.root.locator(at).evaluate("(e) => e.getBoundingClientRect().right") for at in parts)
    assert max(inside) < frame
