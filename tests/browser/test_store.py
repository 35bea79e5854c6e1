"""A store of explanations in a real JupyterLab: scrolled, filtered, sorted, and asked anew."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tests.browser.axe import complaints
from tests.browser.lab import Lab
from tests.browser.view import View, view_of

# Without a picture a tile is nowhere opaque, which `pixels` would wait for.
DRAWN = "(canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"
IMAGES = 150
MISSING = 2
STORE = f"""
import tempfile
from pathlib import Path
import numpy as np, pyarrow.compute as pc
from PIL import Image
import kx_widget as kx

model, images, class_names, masks = kx.samples.load()
folder = Path(tempfile.mkdtemp())
for i in range({IMAGES}):
    path = folder / class_names[i % len(class_names)] / f"{{i:03}}.png"
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(np.roll(images[i % len(images)], 5 * i, 1)).resize((64, 64)).save(path)
x = kx.Explainer(model, class_names=class_names)
store = x.explain_to(folder / "maps.parquet", folder, labels="folder", embeddings=True)
names = store.column("id").to_pylist()
name = lambda image: Path(names[image]).name
wrong = store.select(pc.field("predicted") != pc.field("label"), "score", descending=True)
Path(names[{MISSING}]).unlink()
"""


@pytest.fixture(scope="module")
def view(lab: Lab) -> Iterator[View]:
    with view_of(lab, [STORE, "w = kx.KxWidget.from_store(store.path, model)\nw"]) as view:
        yield view


def tile(view: View, image: int) -> Locator:
    return view.root.locator(f"[data-kx-tile][data-image='{image}']")


def named(view: View, image: int) -> re.Pattern[str]:
    return re.compile(re.escape(view.notebook.value(f"name({image})")))


def scroll(view: View, share: float) -> None:
    view.root.locator(".sheet").evaluate("(sheet, share) => sheet.scrollTo(0, share * sheet.scrollHeight)", share)


def test_what_comes_into_sight_is_drawn(view: View) -> None:
    last = IMAGES - 1
    expect(tile(view, last)).to_have_count(0)
    scroll(view, 1)
    expect(tile(view, last).locator("canvas")).to_have_attribute("aria-label", named(view, last))
    expect(tile(view, last)).to_contain_text(view.notebook.value(f"store.rows([{last}])[0]['target_name']"))
    view.notebook.execute("w.opacity, w.photo = 0.0, 'colour'")
    view.await_trait("opacity", 0)
    seen = view.pixels(last)[..., :3]
    photograph = view.notebook.numbers(f"np.asarray(Image.open(names[{last}])).ravel()").reshape(64, 64, 3)
    rows, columns = (((np.arange(64) + 0.5) / 64 * n).astype(int) for n in seen.shape[:2])
    assert np.abs(seen[np.ix_(rows, columns)].astype(float) - photograph).mean() < 12
    view.notebook.execute("w.opacity, w.photo = 0.6, 'gray'")
    view.await_trait("opacity", 0.6)


def test_a_missing_file_is_told_and_its_map_drawn(view: View) -> None:
    scroll(view, 0)
    expect(tile(view, MISSING)).to_contain_text("No picture: there is no such file")
    view.notebook.until(lambda: view.canvas(MISSING).evaluate(DRAWN), "its map is drawn")
    assert complaints(view.notebook.frame) == []


def test_images_like_the_one_in_focus_are_shown_wherever_their_rows_are(view: View) -> None:
    panel = view.root.get_by_role("region", name="Image in focus")
    was_open = panel.is_visible()
    if not was_open:
        view.root.get_by_role("button", name="Panel", exact=True).click()
    neighbours = view.root.get_by_role("list", name="Images like this one").get_by_role("button")
    expect(neighbours).to_have_count(8)
    expected = view.notebook.value("','.join(map(str, store.nearest(0, k=8).indices[0]))").split(",")
    assert any(tile(view, int(image)).count() == 0 for image in expected), "some are out of sight"
    for place, image in enumerate(expected):
        expect(neighbours.nth(place)).to_have_attribute("title", named(view, int(image)))
        if int(image) != MISSING:
            expect(neighbours.nth(place).locator("canvas")).not_to_have_attribute("width", "0")
    # What is measured of the map comes in above them.
    neighbours.first.press("Enter")
    view.await_trait("selected", [int(expected[0])])
    again = view.notebook.value(f"store.nearest({expected[0]}, k=1).indices[0, 0]")
    expect(neighbours.first).to_have_attribute("title", named(view, int(again)))
    view.notebook.execute("w.selected = [0]")
    view.await_trait("selected", [0])
    if not was_open:
        view.root.get_by_role("button", name="Close the panel").click()


def test_rows_of_the_whole_store_are_filtered_and_sorted(view: View) -> None:
    count = int(view.notebook.value("len(wrong)"))
    assert 0 < count < IMAGES
    show = view.root.get_by_label("Show", exact=True)
    show.select_option("wrong")
    expect(view.root.locator(".arrange")).to_contain_text(f"{count} of {IMAGES} images")
    view.root.get_by_label("Sort", exact=True).select_option("high")
    for place in (0, 1):
        image = int(view.notebook.value(f"wrong[{place}]"))
        expect(view.tiles.nth(place)).to_have_attribute("data-image", str(image))
        expect(view.tiles.nth(place).locator("canvas")).to_have_attribute("aria-label", named(view, image))
    view.root.get_by_label("Sort", exact=True).select_option("given")
    show.select_option("all")


def test_rows_are_chosen_by_what_is_known_of_their_maps(view: View) -> None:
    view.notebook.execute("area = store.column('area50').to_numpy()")
    show, sort = (view.root.get_by_label(label, exact=True) for label in ("Show", "Sort"))
    sort.select_option("area50 low")
    for place in (0, 1):
        image = int(view.notebook.value(f"np.argsort(area, kind='stable')[{place}]"))
        expect(view.tiles.nth(place)).to_have_attribute("data-image", str(image))
    view.notebook.execute("bound = float(np.round(np.median(area), 3)); w.show = f'area50 > {bound}'")
    count = int(view.notebook.value("int((area > np.float32(bound)).sum())"))
    expect(view.root.locator(".arrange")).to_contain_text(f"{count} of {IMAGES} images")
    expect(show.locator("option:checked")).to_contain_text("area with half of the evidence")
    assert complaints(view.notebook.frame) == []
    sort.select_option("given")
    show.select_option("all")


def test_what_is_in_sight_is_asked_anew(view: View) -> None:
    scroll(view, 0.5)
    image = IMAGES // 2
    stored = view.pixels(image)
    view.choose_layer("block2_out")
    view.await_trait("layer", "block2_out")
    view.settle()
    anew = view.await_other_pixels(stored, image)
    expected = view.notebook.numbers(f"x.explain(names[{image}], layer='block2_out').maps.ravel()")
    view.canvas(image).click()
    view.notebook.until(
        lambda: np.allclose(view.notebook.numbers("w.wait().maps.ravel()"), expected, rtol=1e-3, atol=1e-6),
        "the map of the tile clicked is the model's",
    )
    view.choose_layer(view.notebook.value("store.job['layer']"))
    view.await_other_pixels(anew, image)
