"""From a click on another class until all tiles are drawn anew, in a real JupyterLab, timed in the page itself."""

import time
from collections.abc import Iterator

from playwright.sync_api import Page

from tests.browser.lab import Lab
from tests.browser.view import View

CLICKS = 40
# Seconds without a message; passes over all layers of ResNet50 take less.
SILENT = 1.5
MODEL = """import keras, numpy as np, kx_widget as kx

keras.utils.set_random_seed(0)
model = keras.applications.ResNet50(weights=None)
images = np.random.default_rng(0).integers(0, 256, (8, 224, 224, 3), np.uint8)
class_names = [f"class-{i:03d}" for i in range(1000)]"""
# Of random weights some maps have nothing positive, and look the same for all classes.
WIDGET = """w = kx.KxWidget(model, images, class_names=class_names, method="gradcam", sign="absolute")
w"""
# The classes that are least likely to be computed ahead.
LAST = "','.join(class_names[i] for i in w.explainer.predict(images)[0][0].argsort()[:{}])"
# Counts from the click's own time until the frame is drawn in which each tile, named anew, shows something else.
WATCH = """(root, name) => {
    const tiles = () => [...root.querySelectorAll("[data-kx-tile] canvas")];
    const small = new OffscreenCanvas(16, 16).getContext("2d", { willReadFrequently: true });
    const seen = (canvas) => {
        small.clearRect(0, 0, 16, 16);
        small.drawImage(canvas, 0, 0, 16, 16);
        return small.getImageData(0, 0, 16, 16).data.join();
    };
    const before = tiles().map(seen);
    const drawn = (done) => requestAnimationFrame(() => {
        // The tiles' names are new before the frame in which they are drawn.
        const named = tiles().every((canvas) => canvas.ariaLabel.includes(name));
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
            const now = performance.now();
            if (named && tiles().every((canvas, i) => seen(canvas) !== before[i])) done(now);
            else drawn(done);
        };
        port2.postMessage(null);
    });
    window.painted = new Promise((resolve) => {
        const clicked = ({ timeStamp }) => drawn((now) => resolve(now - timeStamp));
        addEventListener("click", clicked, { capture: true, once: true });
    });
}"""


def times() -> Iterator[tuple[str, list[float]]]:
    """Milliseconds of every click, by where the maps come from."""
    with Lab() as lab:
        notebook = lab.open_cells([MODEL, WIDGET])
        notebook.page.set_viewport_size({"width": 1600, "height": 1400})
        notebook.run_all(timeout=300)
        rest = Rest(notebook.page)
        view = View(notebook)
        view.settle()
        names = notebook.value(LAST.format(CLICKS + 1)).split(",")
        click(view, names.pop(), rest)
        for what in ("the kernel runs the head", "the maps are there"):
            yield what, [click(view, name, rest) for name in names]


class Rest:
    """Tells when nothing is computed or sent any more, small maps and answers ahead included."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._heard = time.monotonic()
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.webSocketFrameReceived", self._hear)

    def _hear(self, _: object) -> None:
        self._heard = time.monotonic()

    def wait(self) -> None:
        while time.monotonic() - self._heard < SILENT:
            self._page.wait_for_timeout(100)


def click(view: View, name: str, rest: Rest) -> float:
    """Milliseconds from the click until all tiles are drawn, the page being at rest before."""
    view.await_status("done")
    view.root.get_by_text("Small maps").wait_for()
    rest.wait()
    view.classes.click()
    view.classes.fill(name)
    option = view.root.get_by_role("option", name=name)
    option.wait_for()
    view.root.evaluate(WATCH, name)
    option.click()
    return view.notebook.page.evaluate("window.painted")
