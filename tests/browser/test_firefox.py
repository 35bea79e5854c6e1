"""A page of its own in another browser than Chromium, where there is one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import kx_widget as kx
from tests import models
from tests.browser import firefox
from tests.browser.firefox import Firefox
from tests.browser.opened import ROOT

VIEW = "[...document.querySelectorAll('*')].map((e) => e.shadowRoot?.querySelector('[data-kx-root]')).find(Boolean)"
# How many colours a canvas shows of the 64 that two bits of each channel tell apart; 0 until its picture is there.
COLOURS = f"""[...({VIEW})?.querySelectorAll("[data-kx-tile] canvas") ?? []].map((canvas) => {{
    const {{ width, height }} = canvas;
    if (!width || !height || !/peak/.test(canvas.getAttribute("aria-label"))) return 0;
    const {{ data }} = canvas.getContext("2d").getImageData(0, 0, width, height);
    const colours = new Set();
    for (let i = 0; i < data.length; i += 4) {{
        if (data[i + 3] === 255) colours.add(((data[i] >> 6) << 4) | ((data[i + 1] >> 6) << 2) | (data[i + 2] >> 6));
    }}
    return colours.size;
}})"""
OPTION = f"""(() => {{
    const opacity = ({VIEW}).querySelector("input[type=range]");
    opacity.value = "1";
    opacity.dispatchEvent(new Event("input", {{ bubbles: true }}));
    return true;
}})()"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    photos = np.random.default_rng(0).uniform(-1, 1, (2, 12, 12, 3)).astype(np.float32)
    w = kx.KxWidget(models.residual(), photos, class_names=["cat", "dog", "cup", "sky"])
    w.wait()
    path = tmp_path_factory.mktemp("page") / "page.html"
    w.save(path)
    return path


@pytest.mark.skipif(firefox.find() is None, reason="there is no Firefox")
def test_a_saved_page_draws_its_tiles_in_firefox(page: Path, tmp_path: Path) -> None:
    with Firefox(tmp_path) as browser:
        browser.open(page.as_uri())
        browser.until(f"({COLOURS}).length === 2 && ({COLOURS}).every((colours) => colours > 4)")
        before = browser.value(COLOURS)
        browser.value(OPTION)
        browser.until(f"JSON.stringify({COLOURS}) !== JSON.stringify({before})")
        browser.screenshot(ROOT / "build/firefox.png")
        assert browser.errors == []
