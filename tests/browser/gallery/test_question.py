"""Choosing what is asked."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.gallery.page import Open
from tests.browser.gallery.states import contrasting, wrapped


def test_a_model_without_maps_says_so(gallery: Open) -> None:
    view = gallery("flat")
    view.await_status("done")
    expect(view.root.locator(".why")).to_contain_text("No layer of this model has a map")
    expect(view.root.locator(".why")).to_contain_text("Input gradient sees the input")
    expect(view.root.locator(".star")).to_have_count(0)
    expect(view.field("Compare").locator("option", has_text="layers")).to_be_disabled()


def test_a_method_that_sees_the_input_says_that_the_layer_is_not_used(gallery: Open) -> None:
    view = gallery()
    note = view.root.get_by_text("sees the input: the layer makes no difference")
    view.await_status("done")
    expect(note).to_have_count(0)
    view.choose_method("saliency")
    expect(note).to_be_visible()
    layer = view.root.get_by_role("treeitem", name="conv", exact=False).last
    layer.click()
    expect(layer).to_have_attribute("aria-selected", "true")


@pytest.mark.every_browser
def test_after_a_search_the_chosen_layer_is_in_sight(gallery: Open) -> None:
    view = gallery("layers=300")
    view.await_status("done")
    search = view.field("Search layers")
    for path in ("extra/part14/conv_299", "trunk/stage1/block1/conv"):
        search.fill(path)
        view.root.get_by_role("treeitem").last.click()
        search.fill("")
        assert view.trait("layer") == path
        expect(view.root.get_by_role("treeitem", selected=True)).to_be_in_viewport(ratio=1)


@pytest.mark.every_browser
def test_a_name_that_is_typed_takes_the_place_of_the_chosen_one(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    classes, keyboard = view.field("Class"), view.page.keyboard
    classes.click()
    for name in ("cup", "cat"):
        keyboard.type(name)
        keyboard.press("Enter")
        assert view.trait("target") == name
    classes.click()
    keyboard.type("rocket")
    keyboard.press("Escape")
    expect(classes).to_have_value("cat")
    keyboard.type("rocket")
    keyboard.press("Enter")
    assert view.trait("target") == "rocket"


# Pixels of a field's text that are cut off or lie under what is said about it.
HIDDEN = """(field) => {
    const { font, paddingLeft } = getComputedStyle(field);
    const context = new OffscreenCanvas(1, 1).getContext("2d");
    context.font = font;
    const end = field.getBoundingClientRect().left + parseFloat(paddingLeft) + context.measureText(field.value).width;
    const about = field.parentElement.querySelector(".about");
    const { left, width } = about?.getBoundingClientRect() ?? { width: 0 };
    const caret = field.parentElement.querySelector(".caret").getBoundingClientRect().left;
    return Math.round(Math.max(0, end - (width > 0 ? left : caret)));
}"""


@pytest.mark.parametrize("width", [290, 360, 760, 900, 1000, 1122, 1232, 1400])
@pytest.mark.parametrize("compare", ["none", "targets"])
def test_the_chosen_class_is_read_whatever_the_width(gallery: Open, compare: str, width: int) -> None:
    view = gallery(f'labels&step=1&traits={{"compare":"{compare}"}}', width)
    view.await_status("done")
    assert view.root.get_by_role("combobox", name="Class", exact=True).evaluate(HIDDEN) == 0


# What of the field's text is selected.
SELECTED = "(field) => field.value.slice(field.selectionStart, field.selectionEnd)"


def test_a_class_that_is_accepted_is_selected_no_more(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    classes, keyboard = view.field("Class"), view.page.keyboard
    classes.click()
    assert classes.evaluate(SELECTED) == "predicted"
    for key, name in (("Enter", "predicted"), ("Escape", "predicted")):
        keyboard.press(key)
        expect(classes).to_be_focused()
        assert classes.evaluate(SELECTED) == ""
        classes.click()
        assert classes.evaluate(SELECTED) == name
    keyboard.type("rock")
    keyboard.press("Enter")
    expect(classes).to_have_value("rocket")
    assert classes.evaluate(SELECTED) == ""
    keyboard.press("Backspace")
    expect(classes).to_have_value("")
    keyboard.press("Escape")
    expect(classes).to_have_value("rocket")


def test_an_index_and_a_rank_are_taken_as_they_are_typed(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    classes, keyboard = view.field("Class"), view.page.keyboard
    names = view.page.evaluate("async () => (await import('/js/gallery/catalogue.js')).classNames(10)")
    for text, target, shown in (("4", names[4], names[4]), ("top-4", "top-4", "4th"), ("2nd", "top-2", "2nd")):
        classes.click()
        keyboard.type(text)
        expect(view.root.locator(".option .text").first).to_have_text(shown)
        keyboard.press("Enter")
        expect(classes).to_have_value(shown)
        assert view.trait("target") == target
        view.await_status("done")
    classes.click()
    keyboard.type("1000")
    keyboard.press("Enter")
    expect(view.root.get_by_text("Nothing matches “1000”.")).to_be_visible()


def test_the_true_class_where_there_are_labels(gallery: Open) -> None:
    view = gallery('labels&images=8&traits={"selected":[2]}')
    view.await_status("done")
    view.button("vs another class").click()
    assert view.trait("target") == "top − true"
    expect(view.field("vs")).to_have_value("true class")
    view.field("vs").click()
    assert "predicted" not in view.root.locator(".option .text").all_inner_texts()
    view.page.keyboard.press("Escape")
    tile = view.root.locator("[data-kx-tile]")
    expect(tile.nth(2).locator(".explained .class")).to_have_text("rocket vs cat")
    expect(tile.nth(0).locator(".silence")).to_contain_text("predicted and true are the same class, 'cat'")
    expect(tile.nth(6).locator(".silence")).to_contain_text("No label: the true class of this image is not known")
    view.button("vs no other class").click()
    view.field("Compare").select_option("targets")
    assert view.trait("compare_with") == ["top", "true", "top − true"]
    headings = view.root.locator(".heading .name")
    expect(headings).to_have_text(["predicted", "true class", "predicted vs true class"])


def test_the_picker_says_that_it_adds_a_column_and_whose_parameters_are_shown(gallery: Open) -> None:
    view = gallery('traits={"method":"blobs","compare":"methods","compare_with":["blobs","saliency"]}')
    view.await_status("done")
    note = view.root.get_by_text("The layer makes no difference to Input gradient, which sees the input.")
    expect(note).to_be_visible()
    current = view.root.locator(".chip[aria-current]")
    expect(current).to_have_text(re.compile("^Blob-CAM"))
    view.choose_method("blobs2")
    expect(current).to_have_text(re.compile(r"^Blob-CAM\+\+"))
    expect(view.root.get_by_role("group", name="Parameters").locator("b")).to_have_text("Blob-CAM++")
    assert view.trait("compare_with") == ["blobs", "saliency", "blobs2"]
    view.root.get_by_role("button", name="Remove column Blob-CAM++").click()
    assert view.trait("method") == "saliency"


@pytest.mark.every_browser
def test_subtract_another_class(gallery: Open) -> None:
    view = gallery()
    contrasting(view)
    assert view.trait("target") == "top − top-2"
    expect(view.root.locator(".explained .class").first).to_have_text("cat vs cup")
    view.field("vs").click()
    view.root.get_by_role("option", name="rocket").click()
    assert view.trait("target") == "top − rocket"
    view.field("Class").click()
    view.root.get_by_role("option", name="cup").click()
    assert view.trait("target") == "cup − rocket"
    view.button("vs no other class").click()
    assert view.trait("target") == "cup"
    expect(view.field("vs")).to_have_count(0)


def test_smooth_and_augment(gallery: Open) -> None:
    view = gallery('traits={"method":"blobs2","params":{"order":"first"}}')
    wrapped(view)
    assert view.root.get_by_role("group", name="Parameters").get_by_role("switch").count() == 2
    defaults = {"smooth": {"repetitions": 20, "noise": 0.15}, "tta": {"scales": [0.5, 1, 1.5], "hflip": True}}
    assert view.trait("params") == {"order": "first", **defaults}
    view.field("Repetitions").fill("7")
    view.field("Scales").fill("1, 2")
    view.field("Scales").press("Enter")
    view.field("TTA").press("Space")
    assert view.trait("params") == {"order": "first", "smooth": {"repetitions": 7, "noise": 0.15}}
    view.field("TTA").check()
    view.field("Scales").fill("nonsense")
    view.field("Scales").press("Enter")
    expect(view.field("Scales")).to_have_value("0.5, 1, 1.5")


def test_a_number_half_typed_survives_a_change_from_the_kernel(gallery: Open) -> None:
    view = gallery('traits={"method":"blobs2","params":{"smooth":{"repetitions":20,"noise":0.15}}}')
    view.await_status("done")
    field = view.field("Repetitions")
    field.press("Control+A")
    field.press_sequentially("1")
    view.page.evaluate("""() => {
        gallery.model.set("params", {order: "last", smooth: {repetitions: 20, noise: 0.1}});
        gallery.model.save_changes();
    }""")
    expect(view.field("Noise")).to_have_value("0.1")
    field.press_sequentially("2")
    field.press("Enter")
    assert view.trait("params")["smooth"] == {"repetitions": 12, "noise": 0.1}


def test_the_class_field_can_be_read_where_there_is_little_room(gallery: Open) -> None:
    view = gallery("images=2", 360)
    view.await_status("done")
    about = view.root.locator(".field.wide .about")
    expect(about).to_have_text(re.compile(r"^cat\d+\.\d %$"))
    assert about.evaluate("(about) => [...about.children].every((part) => part.scrollWidth <= part.clientWidth + 1)")
    assert about.evaluate(
        "(about) => about.getBoundingClientRect().right <= about.nextElementSibling.getBoundingClientRect().left"
    )
    text = view.field("Class").bounding_box()
    shown = about.bounding_box()
    assert text
    assert shown
    assert text["x"] + 30 < shown["x"]


# When, after the next click, the first old map was drawn as one; and when the class chosen came.
WATCH = """(sheet) => {
    window.seen = {};
    let start = 0;
    addEventListener("click", () => { start = performance.now(); seen = {}; }, { capture: true });
    new MutationObserver(() => {
        if ("stale" in sheet.dataset) seen.faded ??= performance.now() - start;
        if (sheet.querySelector(".explained .class")?.textContent === "rocket") seen.came ??= performance.now() - start;
    }).observe(sheet, { attributes: true, subtree: true, characterData: true });
}"""


def test_old_maps_fade_only_where_new_ones_take_a_while(gallery: Open) -> None:
    for step in (1, 400):
        view = gallery(f"images=4&step={step}")
        view.await_status("done")
        view.root.locator(".sheet").evaluate(WATCH)
        view.field("Class").click()
        view.root.get_by_role("option", name="rocket").click()
        expect(view.root.locator(".explained .class").first).to_have_text("rocket")
        view.await_status("done")
        expect(view.root.locator(".sheet")).not_to_have_attribute("data-stale")
        seen = view.page.evaluate("seen")
        assert seen["came"] >= step
        assert 150 <= seen["faded"] < seen["came"] if step == 400 else seen.get("faded", 150) >= 150
