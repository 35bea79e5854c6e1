"""What a widget has answered, for the notebook's file, for pages of their own, for pictures and numbers."""

import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from kx_widget.engine.errors import CancelledError, FormatError, KxError
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.files import writable, write_whole
from kx_widget.engine.types import Floats
from kx_widget.widget.archive import EPOCHS_PART, Archive, Asides, KeptAnswer, SavedEpochs, pack
from kx_widget.widget.call_site import shared_arguments
from kx_widget.widget.downloads import Downloads
from kx_widget.widget.epoch_history import EpochHistory
from kx_widget.widget.html import page, page_state
from kx_widget.widget.static_preview import Displays, is_attended, static_preview
from kx_widget.widget.worker import start_timer

SNAPSHOT_BYTES = 900_000
SECONDS_BEFORE_SNAPSHOT = 0.5
SECONDS_BEFORE_DISPLAY = 1.0


class Exporter:
    """Keeps the answers of a `KxWidget`, and writes them.

    Args:
        widget: the widget; its trait `_snapshot` holds the latest answer once no newer one has come for a while.
        welcome: what its views are greeted with.
    """

    def __init__(self, widget: Any, welcome: dict[str, Any]) -> None:
        self._widget = widget
        self.welcome = welcome
        self._titles = {method["id"]: method["title"] for method in welcome["catalogue"]}
        self._archive = Archive()
        self._predictions: tuple[Floats, Floats] | None = None
        self._version = 0
        self.displays: Displays = Displays()
        self.downloads: Downloads = Downloads({"html": self._html_file, "npz": self._npz_file}, widget._tell_views)
        self._closed = self._is_displayed = False
        self._timer = threading.Timer(0, self.snapshot)
        # Whether a snapshot is due whose making has not begun.
        self._is_due = False
        # One snapshot at a time, so that an older one never takes a newer one's place.
        self._packing = threading.Lock()

    def keep(
        self,
        answer: KeptAnswer,
        version: int,
        predictions: tuple[Floats, Floats] | None,
        stale: Callable[[], bool],
    ) -> None:
        """Keep an answer that is not stale, its weights' version, and all scores and probabilities (N, C) of it."""
        with self._widget._lock:
            if self._closed or stale():
                return
            self._archive.keep(answer, version)
            self._predictions, self._version = predictions, version
            session = self._widget._open
            # While a cell keeps the kernel busy, a view that nobody greets shows nothing else.
            is_watched = session.outbox.is_deaf and self._is_due
            # Who is told of each epoch of a training needs none before its end.
            is_told = session.training.gate.is_training and (session.outbox.has_views or not self._is_displayed)
            if not (is_watched or is_told):
                self._timer.cancel()
                self._timer, self._is_due = start_timer(SECONDS_BEFORE_SNAPSHOT, self.snapshot), True
            results = session.explanations
        if results:
            self.displays.complete(lambda: self._preview(results))

    def drop(self, is_stale: Callable[[Mapping[str, Any]], bool]) -> None:
        """Drop the answers to questions of which this is true."""
        self._archive.drop(is_stale)

    def snapshot(self) -> None:
        """Put the latest answer into the trait now."""
        with self._packing:
            with self._widget._lock:
                self._is_due = False
                session, answers = self._widget._session, self._archive.answers()
                predictions, version = self._predictions, self._version
            # The timer may call once the widget is closed.
            if session is not None and answers:
                block = pack(
                    self.welcome, predictions, answers[-1:], SNAPSHOT_BYTES,
                    asides=Asides(
                        session.segmentations.kept(version), session.concepts.known(version),
                        session.nearest.kept(), _epochs(session.training.history, SNAPSHOT_BYTES),
                    ),
                )  # fmt: skip
                with self._widget._lock:
                    if not self._closed:
                        self._widget._snapshot = block

    def settle(self) -> None:
        """Take the snapshot now if nobody sits before the kernel: a script's notebook ends with its last cell."""
        if not is_attended():
            self._timer.cancel()
            self.snapshot()
            # Nobody heard what other threads sent between two cells.
            self._widget.send_state("_snapshot")

    def display(self) -> None:
        """Display the widget, and beside it a picture for where widgets are not."""
        widget = self._widget
        if self._closed:
            raise NotImplementedError("A closed widget is shown as any other object.")
        self._is_displayed = True
        session = widget._open
        with suppress(Exception):  # The widget itself says what went wrong.
            # A second is worth a picture from the start; what runs as a script must wait for it.
            widget.wait(SECONDS_BEFORE_DISPLAY if is_attended() else threading.TIMEOUT_MAX)
        results = _whole(session.explanations)
        data, metadata = widget._repr_mimebundle_()
        self.displays.show(data, metadata, self._preview(results) if results else None)
        # The answer may have come before its picture was waited for.
        if not results and (late := _whole(session.explanations)):
            self.displays.complete(lambda: self._preview(late))

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
            write_whole(path, self._widget.to_html().encode())
            return
        if path.suffix not in (".npz", ".png"):
            raise FormatError(f"{path.name!r} must end in .html, .npz or .png.")
        try:
            self._widget.wait(threading.TIMEOUT_MAX)
        except CancelledError:
            if not self._widget.results:
                raise
        explanations: list[Explanation] = list(self._widget.results)
        if len(explanations) > 1:
            raise FormatError(
                f"{path.name!r} holds one explanation, and {len(explanations)} are side by side: "
                "save each with w.results[i].save(…), or all of them as .html."
            )
        explanations[0].save(path)

    def close(self) -> None:
        """Keep nothing any more."""
        self._closed = True
        self._timer.cancel()
        self.downloads.close()
        self._archive.clear()

    def _html_file(self, _: int) -> bytes:
        """The page, of what has been answered so far."""
        self._widget._open.keep()
        if not self._archive.answers():
            raise KxError("Nothing has been answered yet that a page could show.")
        return self._page(1.0).encode()

    def _npz_file(self, column: int) -> bytes:
        """The current explanation of a column, as far as it has come."""
        explanations: list[Explanation] = list(self._widget.results)
        if not explanations:
            raise KxError("The question is not answered yet.")
        with tempfile.TemporaryDirectory(prefix="kx-export-") as folder:
            path = Path(folder) / "maps.npz"
            explanations[column if 0 < column < len(explanations) else 0].save(path)
            return path.read_bytes()

    def _page(self, megabytes: float) -> str:
        widget = self._widget
        traits = self._archive.answers()[-1].traits
        title = " · ".join(filter(None, (self._titles[traits["method"]], traits["layer"], "kx_widget")))
        return page(page_state(widget) | dict(traits), title, self._block, int(megabytes * 1e6))

    def _block(self, limit: int) -> bytes:
        arguments = shared_arguments(self.welcome["arguments"])
        welcome = self.welcome | {"arguments": arguments}
        session, answers = self._widget._open, self._archive.answers()
        return pack(
            welcome, self._predictions, answers, limit, alone=True,
            asides=Asides(
                session.segmentations.of_page(self._version),
                session.concepts.of_page(self._version, self._widget.overlay == "concepts"),
                session.nearest.of_page(answers[-1].traits, self._version, self._predictions),
                _epochs(session.training.history, limit),
            ),
        )  # fmt: skip

    def _preview(self, results: Sequence[Explanation]) -> dict[str, str]:
        w = self._widget
        look = {name: getattr(w, name) for name in ("colormap", "sign", "scale", "clip", "photo")}
        return static_preview(results, self._titles, look | {"style": w.map_style, "alpha": w.opacity})


def _whole(explanations: Sequence[Explanation]) -> Sequence[Explanation]:
    """The explanations where no map is missing, else none."""
    return explanations if all(explanation.progress == 1 for explanation in explanations) else ()


def _epochs(history: EpochHistory, limit: int) -> SavedEpochs:
    """What a page of so many bytes keeps of a training."""
    moments = [(answer.record(), answer.data) for answer in history.within(int(EPOCHS_PART * limit))]
    return SavedEpochs(moments, list(history.notes.values()))
