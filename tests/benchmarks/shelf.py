"""A large store in the widget, in a real JupyterLab, timed in the page itself."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tests.benchmarks.browser import rate
from tests.browser.lab import PANEL, Lab
from tests.browser.view import View
from tests.bulk.synthetic import synthetic

ROWS = 100_000
FRAMES = 180
# From running the cell until the tiles in sight have their names and are drawn.
OPEN = f"""async () => {{
    {PANEL}.content.activeCellIndex = 1;
    const begun = performance.now();
    window.jupyterapp.commands.execute("notebook:run-cell");
    const drawn = (canvas) => canvas.width > 0 && canvas.ariaLabel.includes("peak")
        && canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data[3] > 0;
    while (performance.now() < begun + 60_000) {{
        await new Promise(requestAnimationFrame);
        const root = document.querySelector("[data-lm-suppress-shortcuts]")?.shadowRoot;
        const sheet = root?.querySelector(".sheet");
        if (!sheet) continue;
        const {{ top, bottom }} = sheet.getBoundingClientRect();
        const seen = [...sheet.querySelectorAll("[data-kx-tile] canvas")]
            .filter((c) => c.getBoundingClientRect().top < Math.min(bottom, innerHeight));
        if (seen.length > 0 && seen.every(drawn)) return performance.now() - begun;
    }}
}}"""
SCROLL = """async (sheet, frames) => {
    const next = () => new Promise(requestAnimationFrame);
    const times = [];
    let last = await next();
    for (let i = 0; i < frames; i++) {
        sheet.scrollTop += 90;
        const now = await next();
        times.push(now - last);
        last = now;
    }
    return times;
}"""


def rows(pictures: Sequence[str]) -> Iterator[tuple[str, str, str, str]]:
    """Open, scroll, jump to the middle and scroll on."""
    with tempfile.TemporaryDirectory() as folder, Lab() as lab:
        path = Path(folder) / "maps.parquet"
        maps = np.random.default_rng(0).normal(size=(ROWS, 1, 7, 7)).astype(np.float32)
        synthetic(path, maps, part=1024, names=pictures)
        notebook = lab.open_cells(
            ["import kx_widget as kx; kx.KxWidget", f"w = kx.KxWidget.from_store({str(path)!r})\nw"]
        )
        notebook.run_cell(0)
        notebook.wait_idle()
        notebook.page.evaluate("() => document.activeElement.blur()")
        seconds = notebook.page.evaluate(OPEN) / 1000
        yield f"a store of {ROWS:,} rows opens", "≤ 2 s", f"{seconds:.2f} s", "until the tiles in sight are drawn"
        view = View(notebook)
        sheet = view.root.locator(".sheet")
        for what, to in (("from the first row on", 0), ("from the middle on", 0.5)):
            sheet.evaluate("(sheet, to) => { sheet.scrollTop = to * sheet.scrollHeight; }", to)
            view.settle()
            yield "and scrolls", "≥ 50 frames/s", rate(sheet.evaluate(SCROLL, FRAMES)), f"{what}, 90 pixels a frame"
