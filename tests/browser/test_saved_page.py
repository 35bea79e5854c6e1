"""A page of its own, opened from its file in whatever browser."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

import kx_widget as kx
from tests import models
from tests.browser.lab import Lab
from tests.browser.opened import pixels


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    photos = np.random.default_rng(0).uniform(-1, 1, (2, 12, 12, 3)).astype(np.float32)
    w = kx.KxWidget(models.residual(), photos, class_names=["cat", "dog", "cup", "sky"])
    w.wait()
    path = tmp_path_factory.mktemp("page") / "page.html"
    w.save(path)
    return path


@pytest.mark.every_browser
def test_a_saved_page_draws_its_tiles_and_draws_them_anew(lab: Lab, file: Path) -> None:
    page = lab.page((1280, 900))
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(file.as_uri())
    canvases = page.locator("[data-kx-tile] canvas")
    expect(canvases).to_have_count(2)
    # The photographs are there before the maps.
    expect(canvases.first).to_have_attribute("aria-label", re.compile("peak "))
    before = pixels(canvases.first)
    assert len(np.unique(before.reshape(-1, 4), axis=0)) > 100
    page.get_by_label("Opacity", exact=True).fill("1")
    assert (pixels(canvases.first) != before).any()
    page.close()
    assert errors == []
