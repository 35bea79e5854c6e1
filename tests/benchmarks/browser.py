"""What the page takes, without a kernel: the gallery in a headless Chromium."""

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.benchmarks import clicks
from tests.browser.chromium import require
from tests.browser.gallery.page import served
from tests.browser.opened import FLAGS

HEAD = ("headless Chromium, drawing on the processor", "asked", "measured", "")
NOTE = (
    "Main thread: processor time of all that the page does for one change, which depends little on what else the "
    "machine does. Frames: time from one frame to the next on the clock, one change in each; this does. Screens show "
    "60 frames/s, so that 16.7 ms is the least."
)
CHANGES = 60
REPAINT = "≤ 16 ms, p95 ≤ 33 ms"
COMPARE = '{"height":2300,"compare":"targets","compare_with":["top","top-2","top-3","top-4"]}'
STARTED = """
const attach = Element.prototype.attachShadow;
Element.prototype.attachShadow = function (options) {
    window.started ??= performance.now();
    return attach.call(this, options);
};
"""


class Gallery:
    """One page of the gallery, and the functions of js/gallery/bench.js."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.page: Page = browser.new_page(viewport={"width": 1280, "height": 2400})
        self.page.add_init_script(STARTED)
        self.page.goto(url)
        self._bench = self.page.evaluate_handle("import('./gallery/bench.js')")
        self.started = self.ask("complete") - self.page.evaluate("window.started")
        # The made-up kernel makes the small maps on the page's own time.
        self.page.get_by_text("Small maps").wait_for()
        self._metrics = self.page.context.new_cdp_session(self.page)
        self._metrics.send("Performance.enable", {"timeDomain": "threadTicks"})

    def ask(self, function: str, *args: Any) -> Any:
        return self._bench.evaluate("(bench, [name, ...args]) => bench[name](...args)", [function, *args])

    def busy(self) -> float:
        """Processor time of the main thread so far, in milliseconds."""
        metrics = self._metrics.send("Performance.getMetrics")["metrics"]
        return 1000 * next(m["value"] for m in metrics if m["name"] == "TaskDuration")

    def work(self, function: str, argument: Any) -> list[float]:
        """Milliseconds of the main thread for each of many changes."""
        found: list[float] = []
        for i in range(CHANGES):
            before = self.busy()
            self.ask(function, argument, i)
            found.append(self.busy() - before)
        return found[10:]


def rows() -> Iterator[tuple[str, ...]]:
    for (what, took), asked in zip(clicks.times(), (100, 50), strict=True):
        yield (
            f"another class in JupyterLab: {what}",
            f"p95 ≤ {asked} ms",
            told(took),
            f"{len(took)} clicks at rest, ResNet50, 8 images: click to last tile drawn",
        )
    with served() as address, sync_playwright() as play:
        for part in (repainting, many, lists):
            browser = play.chromium.launch(executable_path=require(), args=list(FLAGS))
            yield from part(browser, address)
            browser.close()


def repainting(browser: Browser, address: str) -> Iterator[tuple[str, ...]]:
    view = Gallery(browser, f"{address}?images=8&step=1&traits={COMPARE}")
    tiles = view.ask("tiles", 224)
    assert tiles == 32, f"{tiles} tiles of 224×224"
    idle = told(view.work("nothing", None)), told(view.ask("still", CHANGES))
    yield "nothing changes", "", f"main thread: {idle[0]}", f"frames: {idle[1]}"
    view.ask("display")
    # Signed maps have one table only.
    for label in ("Opacity", "Threshold", "Colormap", "Scale", "Sign"):
        work = view.work("turn", label)
        frames = view.ask("turning", label, 2 * CHANGES)[10:]
        yield f"32 tiles of 224×224: {label.lower()}", REPAINT, f"main thread: {told(work)}", f"frames: {told(frames)}"
    view.ask("link")
    yield "32 tiles: zoom", "≥ 50 frames/s", rate(view.ask("zooming", 3 * CHANGES)), ""
    yield "32 tiles: pan", "≥ 50 frames/s", rate(view.ask("panning", 3 * CHANGES)), ""


def many(browser: Browser, address: str) -> Iterator[tuple[str, ...]]:
    view = Gallery(browser, f"{address}?images=500&step=1")
    yield "500 images: first paint", "≤ 1 s", f"{view.started / 1000:.2f} s", "until the tiles in sight show their maps"
    yield "500 images: scroll", "≥ 50 frames/s", rate(view.ask("scrolling", 3 * CHANGES)), "90 pixels a frame"
    largest = max(map(resident, renderers(browser)))
    yield "500 images: memory of the page", "≤ 300 MB", f"{largest:.0f} MB", "its process, without files mapped"


def lists(browser: Browser, address: str) -> Iterator[tuple[str, ...]]:
    view = Gallery(browser, f"{address}?layers=1000&classes=1000&step=1")
    typed = [text for i in range(1, 10) for text in (f"c{i}", f"co{i}", f"conv_{i}", f"conv_{i}7", f"stage{i % 4 + 1}")]
    for what, label, role, texts in (
        ("1000 layers", "Search layers", "treeitem", [t for t in typed if not t.startswith("co") or "_" in t]),
        ("1000 classes", "Class", "option", ["red", "owl", "cup", "zebra"] * 6),
    ):
        yield f"{what}: keystroke to list", "≤ 50 ms", told(view.ask("typing", label, role, texts)), "until it is drawn"


def told(times: list[float]) -> str:
    """Median and p95 in words."""
    return f"{statistics.median(times):.1f} ms, p95 {statistics.quantiles(times, n=20)[-1]:.1f} ms"


def rate(times: list[float]) -> str:
    return f"{1000 * len(times) / sum(times):.0f} frames/s, p95 {statistics.quantiles(times, n=20)[-1]:.1f} ms"


def renderers(browser: Browser) -> list[int]:
    """Processes that draw pages."""
    found = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    return [process["id"] for process in found if process["type"] == "renderer"]


def resident(pid: int) -> float:
    """Megabytes in memory that no file holds. Linux tells them."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return sum(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(("RssAnon", "RssShmem")))
