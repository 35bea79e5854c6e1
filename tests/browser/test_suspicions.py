"""Is the model right for the right reason: what a search for shortcuts found, beside the images of its store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.axe import complaints
from tests.browser.lab import Lab
from tests.browser.view import View, view_of

STORE = """
import tempfile
from pathlib import Path
from PIL import Image
import kx_widget as kx
from kx_widget import samples

model, names = samples.load_shortcut()
folder = Path(tempfile.mkdtemp())
for seed, count, share, carriers in ((77, 560, 0.5, ("horse",)), (78, 40, 1, None)):
    images, labels, tags = samples.tagged_scenes(count, share, carriers, seed)
    for i, (image, label, tag) in enumerate(zip(images, labels, tags)):
        path = folder / names[label] / f"{seed}-{i:04}{'-tag' if tag.any() else ''}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(path)
x = kx.Explainer(model, class_names=names)
store = x.explain_to(folder / "maps.parquet", folder, labels="folder", channel_relevance=True)
found = x.shortcuts(store, most=4)
members = found.confirmed[0].suspicion.rows
"""


@pytest.fixture(scope="module")
def view(lab: Lab) -> Iterator[View]:
    with view_of(lab, [STORE, "w = kx.KxWidget.from_store(store.path, model)\nw"]) as view:
        yield view


@pytest.fixture
def section(view: View) -> Locator:
    section = view.root.get_by_role("region", name="Suspicions")
    if not section.count():
        view.root.get_by_role("button", name="Suspicions (4, 1 confirmed)").press("Enter")
    return section


def test_the_question_is_answered_in_words(view: View, section: Locator) -> None:
    expect(section).to_contain_text("Is the model right for the right reason? Not always.")
    card = section.get_by_role("article").first
    expect(card.get_by_role("heading")).to_contain_text("horse")
    expect(card).to_contain_text("confirmed")
    expect(card).to_contain_text(view.notebook.value("found.confirmed[0].trial.why"))
    count = int(view.notebook.value("len(members)"))
    expect(card).to_contain_text(f"{count} images, ")
    pictures = card.locator("img")
    expect(pictures).to_have_count(7)
    for picture in pictures.all():
        assert picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0
    assert complaints(view.notebook.frame) == []


def test_one_click_shows_its_images_alone_and_another_all(view: View, section: Locator) -> None:
    count = int(view.notebook.value("len(members)"))
    section.get_by_role("button", name=f"Show its {count} images").click()
    view.await_trait("show", "suspicion 1")
    rows = view.root.get_by_role("group", name="Rows")
    expect(rows).to_contain_text(f"{count} of 600 images")
    expect(rows.get_by_label("Show", exact=True).locator("option:checked")).to_contain_text("1: horse, confirmed")
    first = int(view.notebook.value("sorted(int(row) for row in members)[0]"))
    expect(view.tiles.first).to_have_attribute("data-image", str(first))
    section.get_by_role("button", name="Show all images").press("Enter")
    view.await_trait("show", "all")
    expect(rows).to_contain_text("600 images")


def test_python_chooses_them_too_and_the_section_closes(view: View, section: Locator) -> None:
    expect(section).to_be_visible()
    view.notebook.execute("w.show = 'suspicion 2'")
    expect(section.get_by_role("button", name="Show all images")).to_have_count(1)
    view.notebook.execute("w.show = 'all'")
    view.root.get_by_role("button", name="Suspicions (4, 1 confirmed)").click()
    expect(section).to_have_count(0)
