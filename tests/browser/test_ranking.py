"""Which map here: methods compared from the panel, one of them taken, and the same in a page without a kernel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.axe import complaints
from tests.browser.lab import Lab
from tests.browser.view import WIDE, View, view_of

CELL = """
import numpy as np
import kx_widget as kx

model, images, class_names, masks = kx.samples.load()
w = kx.KxWidget(model, images[:3], class_names=class_names)
w
"""
MINUTE = 60_000
# What cannot be told is no JSON.
UNTOLD = -9


@pytest.fixture(scope="module")
def view(lab: Lab) -> Iterator[View]:
    with view_of(lab, [CELL], WIDE) as view:
        yield view


@pytest.fixture
def tab(panel: Locator) -> Locator:
    panel.get_by_role("tab", name="Which map here?").click(timeout=MINUTE)
    return panel.get_by_role("tabpanel")


def number(text: str) -> float:
    return UNTOLD if text == "–" else float(text.replace("−", "-"))


def done(tab: Locator) -> None:
    """Wait until all is measured: nothing is left to stop, nor to begin."""
    expect(tab.get_by_role("button", name="Stop")).to_have_count(0, timeout=MINUTE)
    expect(tab.get_by_role("button", name="Compare")).to_have_count(0)


def row_of(tab: Locator, method: str) -> Locator:
    return tab.get_by_role("button", name=method, exact=True).locator("xpath=ancestor::tr")


def figures(tab: Locator, method: str) -> list[str]:
    """What stands in the row of a method, without marks and intervals."""
    return (
        row_of(tab, method)
        .locator("td")
        .evaluate_all(
            "(cells) => cells.map((cell) => [...cell.childNodes].filter((node) => node.nodeType === 3)"
            ".map((node) => node.data).join(''))"
        )
    )


def test_what_it_takes_is_told_and_numbers_are_those_of_compare(view: View, tab: Locator) -> None:
    button = tab.get_by_role("button", name="Compare")
    expect(button).to_contain_text("methods · ", timeout=MINUTE)
    tab.get_by_text("Methods to compare").click()
    checked = tab.get_by_role("checkbox", checked=True)
    while checked.count():
        checked.first.uncheck()
    for title in ("Grad-CAM", "Eigen-CAM", "Gradient × input"):
        tab.get_by_role("checkbox").and_(tab.get_by_label(title, exact=False)).first.check()
    expect(tab.get_by_label("Attention rollout")).to_be_disabled()
    button.click()
    table = tab.get_by_role("table")
    expect(table.get_by_role("row")).to_have_count(4, timeout=MINUTE)
    done(tab)
    methods = ["gradcam", "eigencam", "gradient_x_input"]
    truth = f"w.explainer.compare(images[:1], methods={methods}, cover='blur')"
    for metric, name in enumerate(("srg", "single_deletion", "random_logit")):
        means = view.notebook.numbers(f"np.nan_to_num({truth}.means['{name}'][:, 0], nan={UNTOLD})")
        shown = [figures(tab, title)[metric] for title in ("Grad-CAM", "Eigen-CAM", "Gradient × input")]
        for text, mean in zip(shown, means, strict=True):
            assert abs(number(text) - float(mean)) < 0.006
    expect(tab.locator(".ranking-sentence")).to_contain_text("2 are relatives")
    assert complaints(view.notebook.frame) == []


def test_columns_sort(tab: Locator) -> None:
    header = tab.get_by_role("columnheader")
    expect(header.nth(1)).to_have_attribute("aria-sort", "descending")
    header.nth(3).get_by_role("button").press("Enter")
    expect(header.nth(3)).to_have_attribute("aria-sort", "ascending")
    texts = tab.locator("tbody td:nth-child(4)").all_inner_texts()
    values = [number(text.split("\n")[0].lstrip("★≈ ")) for text in texts]
    assert values == sorted(values)


def test_a_click_takes_the_method_and_the_table_stays(view: View, tab: Locator) -> None:
    sentence = tab.locator(".ranking-sentence").inner_text()
    button = tab.get_by_role("button", name="Eigen-CAM", exact=True)
    button.click()
    view.await_trait("method", "eigencam")
    view.settle()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(tab.locator(".ranking-sentence")).to_have_text(sentence)
    # What is measured of the map comes in above the table.
    tab.get_by_role("button", name="Grad-CAM", exact=True).press("Enter")
    view.await_trait("method", "gradcam")
    view.settle()


def test_over_the_rows_in_sight_there_are_intervals(view: View, tab: Locator) -> None:
    tab.get_by_role("button", name="rows in sight").click()
    button = tab.get_by_role("button", name="Compare")
    expect(button).to_contain_text("on 3 images · ")
    button.click()
    done(tab)
    expect(tab.locator("caption")).to_contain_text("3 images")
    expect(tab.locator(".ranking-sentence")).to_contain_text("Over 3 images")
    low, high = view.notebook.numbers(
        "w.explainer.compare(images[:3], methods=['gradcam', 'eigencam']).means['srg'][0, 1:]"
    )
    ends = row_of(tab, "Grad-CAM").locator("small").first.inner_text().replace("−", "-").split(" to ")
    assert [abs(float(text) - end) < 0.006 for text, end in zip(ends, (low, high), strict=True)] == [True, True]


def test_a_page_without_a_kernel_shows_what_was_measured(view: View, tab: Locator) -> None:
    sentence = tab.locator(".ranking-sentence").inner_text()
    html = view.notebook.value("w.to_html()")
    browser = view.notebook.page.context.browser
    assert browser is not None
    page = browser.new_page()
    try:
        page.set_content(html)
        page.set_viewport_size({"width": 1600, "height": 1000})
        panel = page.get_by_role("region", name="Image in focus")
        panel.get_by_role("tab", name="Which map here?").click()
        expect(panel.locator(".ranking-sentence")).to_have_text(sentence)
        expect(panel.get_by_role("button", name="Compare")).to_have_count(0)
        panel.get_by_role("button", name="Eigen-CAM", exact=True).click()
        expect(panel.get_by_role("button", name="Eigen-CAM", exact=True)).to_have_attribute("aria-pressed", "true")
        expect(panel.locator(".ranking-sentence")).to_have_text(sentence)
    finally:
        page.close()
