"""The page of an evaluation: the table of results, and below it the widget with what was measured."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

import kx_widget as kx
from kx_widget.cli.tables import evaluation_remarks, evaluation_table
from kx_widget.widget.evaluation_page import write_evaluation_page
from tests.browser.axe import complaints
from tests.browser.lab import Lab
from tests.browser.opened import Opened, pixels
from tests.engine.test_metric_laws import decisive

METRICS = ["sparseness", "random_logit", "single_deletion", "srg"]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, kx.Explainer, list[str]]:
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for number in range(5):
        Image.fromarray(rng.integers(0, 256, (24, 24, 3), np.uint8)).save(folder / f"{number}.png")
    keras.utils.set_random_seed(0)
    x = kx.Explainer(decisive(), class_names=["cat", "dog", "cup", "sky"])
    store = x.explain_to(folder / "maps.parquet", str(folder / "*.png"))
    evaluation = x.evaluate_store(store, METRICS)
    page = folder / "page.html"
    table, remarks = evaluation_table(evaluation), evaluation_remarks(evaluation, store)
    write_evaluation_page(evaluation, store, page, table, remarks, x)
    return page, x, [str(folder / f"{number}.png") for number in range(5)]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (640, "dark")])
def test_the_page_shows_what_evaluate_says(
    lab: Lab, measured: tuple[Path, kx.Explainer, list[str]], width: int, scheme: str
) -> None:
    path, x, files = measured
    e = x.explain(files)
    ev = x.evaluate(e, METRICS, images=files)
    page = lab.page((width, 1000), color_scheme=scheme)
    page.goto(path.as_uri())
    expect(page.get_by_role("heading", name="How far can maps.parquet be believed?")).to_be_visible()
    for name, summary in ev.metrics.items():
        row = page.get_by_role("row", name=summary.title)
        values = ev.scores[name][np.isfinite(ev.scores[name])]
        if values.size:
            expect(row).to_contain_text(f"{values.mean():.2f}".replace("-", "−"))
    lines = page.locator(".evidence-line")
    expect(lines).to_have_count(5)
    for number, line in enumerate(lines.all()):
        expect(line).to_have_attribute("data-state", ev.state(number, 0))
    panel = page.get_by_role("region", name="Image in focus")
    if not panel.is_visible():
        page.get_by_role("button", name="Panel", exact=True).click()
    expect(panel.locator(".evidence-verdict")).to_contain_text(ev.verdict(0, 0))
    # Of the first image every picture along the curve is there.
    if (slider := panel.get_by_role("slider")).count():
        slider.press("Home")
        for _ in range(4):
            slider.press("ArrowRight")
        scored = x.scored_picture(e, 0, 0, step=4, images=files)
        expect(panel.locator(".covered")).to_contain_text("40 % covered")
        canvas = panel.locator(".covered canvas")
        Opened(page).until(lambda: (pixels(canvas)[..., :3] == scored.pixels).all(), "the covered picture is drawn")
    assert complaints(page) == []
    page.close()
