"""Ways to get the gallery into a state."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.gallery.page import Gallery
from tests.browser.opened import ready_to_paint

# No finger rests, however late it moves.
NO_REST = """() => {
    const wait = window.setTimeout;
    window.setTimeout = (then, ms, ...rest) => ms === 400 ? 0 : wait(then, ms, ...rest);
}"""


def choose_something(view: Gallery) -> None:
    """Another class, method, parameter and colour than at first."""
    view.await_status("done")
    view.field("Class").click()
    view.root.get_by_role("option", name="cup").click()
    view.choose_method("blobs2")
    view.field("Rectify").check()
    view.field("Colormap").select_option("magma")
    view.await_status("done")


def code_shown(view: Gallery) -> None:
    view.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('denied')); }")
    choose_something(view)
    view.button("Copy as Python").click()
    expect(view.root.get_by_label("Select all and copy:")).to_be_focused()


def methods_open(view: Gallery) -> None:
    view.await_status("done")
    view.field("Method").click()
    expect(view.root.get_by_role("option", name="Gaze")).to_contain_text("no attention")


def export_open(view: Gallery) -> None:
    view.await_status("done")
    view.button("Export").click()
    expect(view.root.get_by_role("menuitem").first).to_be_focused()


def contrasting(view: Gallery) -> None:
    view.await_status("done")
    view.button("vs another class").click()
    expect(view.field("vs")).to_have_value("2nd")
    view.await_status("done")


def wrapped(view: Gallery) -> None:
    view.field("Smooth").check()
    view.field("TTA").check()
    view.await_status("done")


def limited(view: Gallery) -> None:
    view.await_status("done")
    for name, keys in (("Lower limit", ["PageUp", "ArrowRight"]), ("Upper limit", ["PageDown"] * 3)):
        view.field(name).focus()
        for key in keys:
            view.page.keyboard.press(key)
    expect(view.field("Lower limit")).to_have_attribute("aria-valuenow", "11")
    expect(view.field("Upper limit")).to_have_attribute("aria-valuenow", "70")


def swiped(view: Gallery) -> None:
    view.await_status("done")
    view.field("Swipe").fill("0.5")


def many(view: Gallery) -> None:
    view.await_status("done")
    view.root.locator(".sheet").evaluate("(grid) => { grid.scrollTop = grid.scrollHeight / 2; }")
    expect(view.root.locator("[data-image='250']")).to_have_count(1)


# The made-up kernel goes no further than to maps that are not whole, if its step is of this length.
HOLD = """() => {
    const wait = window.setTimeout;
    const isPartial = () => document.querySelector(".view > div").shadowRoot.querySelector("[data-partial]");
    window.setTimeout = (then, ms, ...rest) => ms === 399 && isPartial() ? 0 : wait(then, ms, ...rest);
}"""


def running(view: Gallery) -> None:
    view.page.evaluate(HOLD)
    view.choose_method("slowblobs")
    expect(view.root.locator("[data-partial]").first).to_be_visible()


def failed(view: Gallery) -> None:
    view.await_status("error")
    view.root.get_by_text("Traceback", exact=True).click()


def cancelled(view: Gallery) -> None:
    running(view)
    view.button("Cancel").click()
    view.await_status("cancelled")


def classes_open(view: Gallery) -> None:
    view.await_status("done")
    view.field("Class").click()
    expect(view.root.get_by_role("option", name="2nd")).to_be_visible()


def with_parameters(view: Gallery) -> None:
    view.choose_method("blobs2")
    view.await_status("done")


def nothing_found(view: Gallery) -> None:
    view.field("Search layers").fill("zzz")
    expect(view.root.get_by_text("No layer matches")).to_be_visible()


def comparing(view: Gallery) -> None:
    view.field("Compare").select_option("targets")
    expect(view.root.locator("[data-column='2']")).not_to_have_count(0)
    view.await_status("done")


def reading(view: Gallery) -> None:
    view.await_status("done")
    view.canvases.first.hover()
    expect(view.root.locator(".readout").first).to_be_visible()


def noted(view: Gallery) -> None:
    view.await_status("done")
    expect(view.root.locator(".silence").first).to_be_visible()


def heads_open(view: Gallery) -> None:
    view.await_status("done")
    view.root.get_by_role("treeitem", name="attention").locator(".branch").click()
    expect(view.root.locator(".thumb canvas")).to_have_count(2)


def layers_open(view: Gallery) -> None:
    view.await_status("done")
    view.root.locator("summary").click()
    expect(view.root.get_by_role("treeitem", selected=True)).to_be_in_viewport(ratio=1)


def all_layers(view: Gallery) -> None:
    view.await_status("done")
    view.root.get_by_label(re.compile("^all [0-9]+ layers$")).check()


def stage_closed(view: Gallery) -> None:
    view.await_status("done")
    view.root.get_by_role("treeitem", name="8²").locator(".branch").click()
    expect(view.root.locator("[data-holds]")).to_have_count(1)


def help_open(view: Gallery) -> None:
    view.await_status("done")
    view.button("Help").click()
    expect(view.root.get_by_role("region", name="Keys and gestures")).to_be_visible()


def display_open(view: Gallery) -> None:
    view.await_status("done")
    view.button("Display").click()
    expect(view.root.get_by_label("Colormap", exact=True)).to_be_visible()


def panel_open(view: Gallery) -> None:
    view.await_status("done")
    panel = view.root.get_by_role("region", name="Image in focus")
    if not panel.is_visible():
        view.button("Panel").click()
    expect(panel).to_be_visible()


def neighbours_shown(view: Gallery) -> None:
    panel_open(view)
    neighbours = view.root.get_by_role("list", name="Images like this one")
    neighbours.scroll_into_view_if_needed()
    expect(neighbours.get_by_role("button").first).to_be_visible()


def measured(view: Gallery) -> None:
    panel_open(view)
    expect(view.root.get_by_role("slider", name="Part that is covered")).to_be_visible()
    # What was scored at the handle is there, too.
    expect(view.root.get_by_role("list", name="Most probable classes of the covered picture")).to_be_visible()


def cells_shown(view: Gallery) -> None:
    measured(view)
    view.root.get_by_role("tab", name="Cells").click()
    view.root.locator(".cells rect").first.scroll_into_view_if_needed()
    view.root.locator(".cells rect").nth(5).hover()
    expect(view.root.locator(".tabs [data-pointed]")).to_have_count(3)


def evidence_exported(view: Gallery) -> None:
    measured(view)
    view.button("Export").click()
    expect(view.root.get_by_role("menuitemcheckbox")).to_be_checked()


def painted(view: Gallery) -> None:
    measured(view)
    view.root.get_by_role("tab", name="Paint").click()
    ready_to_paint(view.root)
    view.root.get_by_label("Map’s top", exact=True).fill("0.3")
    expect(view.root.get_by_role("list", name="Classes before and after")).to_be_visible()
    view.root.get_by_role("button", name=re.compile("^Apply to ")).click()
    view.root.get_by_text("Image by image").click()


def ranked(view: Gallery) -> None:
    measured(view)
    view.root.get_by_role("tab", name="Which map here?").click()
    view.root.get_by_role("button", name=re.compile("^Compare [0-9]")).click()
    expect(view.root.get_by_role("table")).to_be_visible()
    view.root.get_by_text(re.compile("^Methods to compare")).click()
