"""What a newcomer is told, once, and the help that is always there."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.gallery.page import NARROW, Gallery, Open

FORBID = """() => Object.defineProperty(window, "sessionStorage", {
    get() { throw new DOMException("denied", "SecurityError"); },
})"""


def prompts(view: Gallery):
    return view.root.get_by_role("note", name="First steps")


def test_prompts_are_there_until_they_are_dismissed(gallery: Open) -> None:
    view = gallery(reduced_motion="reduce")
    expect(prompts(view).get_by_role("listitem")).to_have_count(3)
    view.button("Dismiss the first steps").press("Enter")
    expect(prompts(view)).to_have_count(0)
    assert view.root.evaluate("(root) => root.contains(root.getRootNode().activeElement)")
    view.page.reload()
    view.await_status("done")
    expect(prompts(view)).to_have_count(0)


def test_prompts_where_nothing_can_be_stored(gallery: Open) -> None:
    view = gallery(reduced_motion="reduce")
    view.page.add_init_script(f"({FORBID})()")
    view.page.reload()
    view.button("Dismiss the first steps").click()
    expect(prompts(view)).to_have_count(0)


def test_help_opens_and_closes_with_its_button_and_escape(gallery: Open) -> None:
    for width in (1120, NARROW):
        view = gallery("", width)
        view.await_status("done")
        button = view.button("Help")
        keys = view.root.get_by_role("region", name="Keys and gestures")
        button.click()
        expect(keys).to_be_in_viewport()
        expect(keys).to_contain_text("move the crosshair")
        view.page.keyboard.press("Tab")
        expect(keys).to_be_focused()
        view.page.keyboard.press("Escape")
        expect(keys).to_have_count(0)
        expect(button).to_be_focused()
        button.click()
        button.click()
        expect(keys).to_have_count(0)
