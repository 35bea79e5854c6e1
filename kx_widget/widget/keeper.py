"""Keeps what a widget has answered: in the notebook's file, on pages of their own, in pictures and numbers."""

import tempfile
import threading
from pathlib import Path
from typing import Any

import anywidget

from kx_widget.engine.errors import FormatError, KxError
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.files import writable, write_whole
from kx_widget.engine.types import Floats
from kx_widget.widget.archive import Archive, Kept, pack
from kx_widget.widget.files import Files
from kx_widget.widget.html import page
from kx_widget.widget.still import Displays, attended, still
from kx_widget.widget.worker import later

SNAPSHOT_BYTES = 900_000
SECONDS_OF_REST = 0.5
SECONDS_BEFORE_DISPLAY = 1.0
# What a widget of any kind has; its page needs none of it.
COMMON = {*anywidget.AnyWidget.class_trait_names(sync=True), "_esm", "_anywidget_id"}


class Keeper:
    """What a `KxWidget` keeps.

    Args:
        widget: the widget; its trait `_snapshot` holds the latest answer once no newer one has come for a while.
        welcome: what its views are greeted with.
    """

    def __init__(self, widget: Any, welcome: dict[str, Any]) -> None:
        self._widget = widget
        self.welcome = welcome
        self._archive = Archive()
        self._predictions: tuple[Floats, Floats] | None = None
        self._displays = Displays()
        self._files = Files({"html": self._html_file, "npz": self._npz_file}, widget._tell)
        self.export = self._files.ask
        self._closed = False
        self._timer = threading.Timer(0, self.snapshot)

    def keep(self, kept: Kept, weights: int, predictions: tuple[Floats, Floats] | None) -> None:
        """Keep an answer, computed with this version of the weights, and all scores and probabilities (N, C)."""
        self._archive.keep(kept, weights)
        self._predictions = predictions
        if self._widget.results:
            self._displays.complete(self._picture)
        self._timer.cancel()
        self._timer = later(SECONDS_OF_REST, self.snapshot)

    def meet(self) -> None:
        """A view is there: its output needs no picture."""
        self._displays.leave()

    def snapshot(self) -> None:
        """Put the latest answer into the trait now."""
        if answers := self._archive.answers():
            self._widget._snapshot = pack(self.welcome, self._predictions, answers[-1:], SNAPSHOT_BYTES)

    def settle(self) -> None:
        """Leave nothing for later where nobody will be there: a notebook run as a script ends with its last cell."""
        if not attended():
            self._timer.cancel()
            self.snapshot()
            # What other threads sent between two cells was heard by nobody.
            self._widget.send_state("_snapshot")

    def show(self) -> None:
        """Display the widget, and beside it a picture for where widgets are not."""
        widget = self._widget
        if self._closed:
            raise NotImplementedError("A closed widget is shown as any other object.")
        try:
            # A second is worth a picture from the start; what runs as a script must wait for it.
            widget.wait(SECONDS_BEFORE_DISPLAY if attended() else threading.TIMEOUT_MAX)
        except Exception:  # The widget itself says what went wrong.
            picture = None
        else:
            picture = self._picture()
        data, metadata = widget._repr_mimebundle_()
        self._displays.show(data, metadata, picture)

    def html(self, megabytes: float) -> str:
        """All answers that fit, as a page; that to the running question among them, if it does not fail."""
        try:
            self._widget.wait(threading.TIMEOUT_MAX)
        except Exception:
            if self._closed or not self._archive.answers():
                raise
        return self._page(megabytes)

    def save(self, path: str | Path) -> None:
        """Write the page (`.html`), or the current explanation (`.npz`, `.png`)."""
        path = writable(path)
        if path.suffix == ".html":
            write_whole(path, self.html(1.0).encode())
            return
        if path.suffix not in (".npz", ".png"):
            raise FormatError(f"{path.name!r} must end in .html, .npz or .png.")
        self._widget.wait(threading.TIMEOUT_MAX)
        results: list[Explanation] = list(self._widget.results)
        if len(results) > 1:
            raise FormatError(
                f"{path.name!r} holds one explanation, and {len(results)} are side by side: "
                "save each with w.results[i].save(…), or all of them as .html."
            )
        results[0].save(path)

    def _html_file(self, _: int) -> bytes:
        """The page, of what has been answered so far."""
        if not self._archive.answers():
            raise KxError("Nothing has been answered yet that a page could show.")
        return self._page(1.0).encode()

    def _npz_file(self, column: int) -> bytes:
        """The current explanation of a column."""
        results: list[Explanation] = list(self._widget.results)
        if not results:
            raise KxError("The question is not answered yet.")
        with tempfile.TemporaryDirectory(prefix="kx-export-") as folder:
            path = Path(folder) / "maps.npz"
            results[column if 0 < column < len(results) else 0].save(path)
            return path.read_bytes()

    def close(self) -> None:
        """Keep nothing any more."""
        self._closed = True
        self._timer.cancel()
        self._archive.clear()

    def _page(self, megabytes: float) -> str:
        widget = self._widget
        state = widget.get_state(list(set(widget.trait_names(sync=True)) - COMMON))
        title = " · ".join(filter(None, (widget.explainer.methods[widget.method].title, widget.layer, "kx_widget")))
        return page(state, title, self._block, int(megabytes * 1e6))

    def _block(self, limit: int) -> bytes:
        return pack(self.welcome, self._predictions, self._archive.answers(), limit, alone=True)

    def _picture(self) -> dict[str, str]:
        w = self._widget
        look = {"colormap": w.colormap, "alpha": w.opacity, "sign": w.sign, "scale": w.scale}
        return still(w.results, w.explainer.methods, look)
