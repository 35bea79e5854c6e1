"""The list of layers: stages, their blocks, and all there is."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.gallery.page import NARROW, WIDE, Gallery, Open
from tests.browser.gallery.test_axe import wear

RECOMMENDED = "trunk/stage4/block2/relu"


def names(view: Gallery) -> list[str]:
    """The rows' names, by level."""
    rows = view.root.get_by_role("treeitem")
    return rows.evaluate_all(
        "(rows) => rows.map((row) => '-'.repeat(row.ariaLevel - 1) + row.querySelector('.name').textContent)"
    )


def test_one_row_a_stage_and_the_recommended_layer_in_sight(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    assert names(view) == ["64²", "32²", "16²", "8²", "-block1", "-block2", "--conv", "--relu"]
    expect(view.root.get_by_role("treeitem", name="32²")).to_contain_text("2 blocks · 4 layers")
    expect(view.root.get_by_role("treeitem", selected=True)).to_contain_text("relu★")
    expect(view.root.locator(".why")).to_contain_text("★ Recommended: the last layer where the picture still has rows")
    # Each stage shows the map of its last layer.
    expect(view.root.get_by_role("tree").locator(".row[data-group] .thumb canvas")).to_have_count(6)


def test_a_stage_is_its_last_layer_and_what_it_holds(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    stage = view.root.get_by_role("treeitem", name="32²")
    expect(stage).to_have_attribute("aria-expanded", "false")
    stage.click()
    expect(stage).to_have_attribute("aria-expanded", "true")
    assert view.trait("layer") == "trunk/stage2/block2/relu"
    assert names(view)[1:6] == ["32²", "-block1", "-block2", "--conv", "--relu"]
    # What was open stays: rows do not move under the pointer.
    assert names(view)[-1] == "--relu"
    stage.click()
    expect(stage).to_have_attribute("aria-expanded", "false")
    expect(stage).to_have_attribute("data-holds", "true")
    assert view.trait("layer") == "trunk/stage2/block2/relu"
    # Thumbnails are asked for half a second after the answer.
    view.page.wait_for_function("gallery.model.sent.some(({ kind, gen }) => kind === 'want' && gen === 2)")
    sent = view.page.evaluate("gallery.model.sent.length")
    view.root.get_by_role("treeitem", name="64²").locator(".branch").click()
    expect(view.root.get_by_role("treeitem", name="64²")).to_have_attribute("aria-expanded", "true")
    assert view.page.evaluate("gallery.model.sent.length") == sent


@pytest.mark.every_browser
def test_stages_by_keyboard(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    view.root.get_by_role("tree").focus()
    active = view.root.locator("[role=treeitem][data-active]")
    for key, name in (("Home", "64²"), ("ArrowRight", "64²"), ("ArrowRight", "block1"), ("ArrowLeft", "64²")):
        view.page.keyboard.press(key)
        expect(active.locator(".name")).to_have_text(name)
    view.page.keyboard.press("ArrowLeft")
    expect(active).to_have_attribute("aria-expanded", "false")
    view.page.keyboard.press("Enter")
    expect(active).to_have_attribute("aria-expanded", "true")
    assert view.trait("layer") == "trunk/stage1/block2/relu"


def test_what_is_left_out_is_found_with_its_reason(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    reason = "trunk/stage1/block1/conv, rescaled channel by channel"
    search, everything = view.field("Search layers"), view.field("all 28 layers")
    search.fill("stage1 norm")
    norm = view.root.get_by_role("treeitem", name="norm").first
    expect(norm).to_have_attribute("aria-description", reason)
    search.fill("")
    expect(norm).to_have_count(0)
    everything.check()
    expect(view.root.get_by_role("treeitem")).to_have_count(41)
    expect(norm).to_have_attribute("title", f"trunk/stage1/block1/norm\nBatchNormalization\n{reason}")
    norm.hover()
    expect(view.root.locator(".why")).to_contain_text(reason)
    norm.click()
    everything.uncheck()
    # What is chosen is never left out.
    chosen = view.root.get_by_role("treeitem", selected=True)
    expect(chosen.locator(".name")).to_have_text("norm")
    expect(chosen).to_be_in_viewport(ratio=1)


def test_of_a_thousand_layers_few_rows_are_there_at_once(gallery: Open) -> None:
    view = gallery("layers=1000")
    view.await_status("done")
    rows = view.root.get_by_role("treeitem")
    last = view.root.get_by_role("treeitem", name="16²").last
    last.click()
    expect(last).to_have_attribute("aria-expanded", "true")
    view.field("all 1028 layers").check()
    tree = view.root.get_by_role("tree")
    tree.focus()
    view.page.keyboard.press("End")
    expect(view.root.get_by_role("treeitem", name="scores")).to_be_in_viewport()
    assert rows.count() < 60


FRAMES = "() => new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(() => then(true))))"
IN_SIGHT = """(tree) => {
    const box = tree.getBoundingClientRect();
    return [...tree.querySelectorAll(".row")].filter((row) => {
        const { top, bottom } = row.getBoundingClientRect();
        return bottom > box.top && top < box.bottom;
    }).length;
}"""


HIDE_ON_TOGGLE = """(details) => details.addEventListener(
    "toggle", () => { document.querySelector(".view").style.display = "none"; }, { once: true })"""
SHOW = "() => { document.querySelector('.view').style.display = ''; }"


def test_the_list_is_not_blank_after_its_view_was_hidden(gallery: Open) -> None:
    view = gallery('layers=1000&traits={"layer":"extra/part40/conv_810"}')
    view.await_status("done")
    view.field("all 1028 layers").check()
    view.root.get_by_role("tree").focus()
    tree = view.root.locator(".tree")
    assert tree.evaluate(IN_SIGHT) > 6
    view.canvases.first.focus()
    view.page.set_viewport_size({"width": NARROW, "height": 900})
    expect(tree).not_to_be_visible()
    # Hosts take views away for a moment while they change their theme.
    view.root.locator("details.side").evaluate(HIDE_ON_TOGGLE)
    view.page.set_viewport_size({"width": WIDE, "height": 900})
    expect(view.page.locator(".view")).not_to_be_visible()
    view.page.evaluate(FRAMES)
    view.page.evaluate(SHOW)
    wear(view, "dark")
    view.page.evaluate(FRAMES)
    assert tree.evaluate("(tree) => tree.scrollTop") > 10_000
    assert tree.evaluate(IN_SIGHT) > 6


# Texts at the ends of rows that are cut: they are whole, or out of sight.
CUT = """(rows) => rows.map((row) => row.querySelector("small")).filter((about) => {
    const range = new Range();
    range.selectNodeContents(about);
    const [text, box] = [range.getBoundingClientRect(), about.getBoundingClientRect()];
    const isOut = text.top >= box.bottom;
    return !isOut && text.width > box.width + 0.5;
}).map((about) => about.textContent)"""


def test_a_number_of_channels_is_whole_or_not_there(gallery: Open) -> None:
    view = gallery("layers=30")
    view.await_status("done")
    rows = view.root.get_by_role("treeitem")
    side = view.root.locator(".side")
    for width in range(110, 240, 5):
        side.evaluate("(side, width) => { side.style.width = `${width}px`; }", width)
        assert rows.evaluate_all(CUT) == [], width


def test_headings_of_layers_are_shortened_in_the_middle(gallery: Open) -> None:
    view = gallery('step=1&traits={"compare":"layers"}', 300)
    view.await_status("done")
    heading = view.root.locator(".heading .name").first
    box, tail = heading.bounding_box(), heading.locator(".shortened > :last-child").bounding_box()
    assert box is not None
    assert tail is not None
    assert heading.locator(".head").evaluate("(head) => head.scrollWidth > head.clientWidth")
    assert tail["x"] + tail["width"] <= box["x"] + box["width"] + 0.5
