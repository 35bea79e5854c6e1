"""A picture of the answer, in the notebook's output beside the widget, for hosts that do not show widgets."""

import base64
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import Any

import numpy as np
from PIL import Image

from kx_widget.engine.drawing import encode
from kx_widget.engine.explanation import Explanation

MOST_TILES = 32
PER_ROW = 6
GAP = 6


def static_preview(results: Sequence[Explanation], titles: Mapping[str, str], look: dict[str, Any]) -> dict[str, str]:
    """The overlays as a MIME bundle: one PNG, and the same in HTML with its caption; one row an image if compared.

    Args:
        results: one explanation, or one a column.
        titles: of the methods, by id.
        look: keywords of `Explanation.overlay`.
    """
    columns = sum(r.maps.shape[1] for r in results)
    images = len(results[0].maps)
    shown = min(images, max(1, MOST_TILES // columns))
    overlays = [_first(result, shown).pictures(**look) for result in results]
    rows = [[tile for overlay in overlays for tile in overlay[i]] for i in range(shown)]
    if columns == 1:
        tiles = [row[0] for row in rows]
        rows = [tiles[i : i + PER_ROW] for i in range(0, len(tiles), PER_ROW)]
    png = base64.b64encode(_sheet(rows, 160 if shown * columns <= 12 else 112)).decode()
    maps = [(r, i, t) for i in range(shown) for r in results for t in range(r.maps.shape[1])]
    captions = [r.caption(i, t) for r, i, t in maps]
    questions = dict.fromkeys(f"{titles[r.method]} · {r.layer or 'the input'}" for r in results)
    notes = dict.fromkeys(note for r, i, t in maps for note in r.notes_of(i, t))
    rest = f" {images - shown} more images are in the widget." if shown < images else ""
    return {
        "image/png": png,
        "text/html": f'<figure style="margin:0"><img alt="{escape("; ".join(captions))}"'
        f' style="max-width:100%" src="data:image/png;base64,{png}">'
        f"<figcaption>{escape(', '.join(questions))}. The first answer of a kx_widget view:"
        f" run the cell to explore it.{rest}{''.join(f'<br>{escape(note)}' for note in notes)}</figcaption></figure>",
    }


def _first(explanation: Explanation, images: int) -> Explanation:
    """The same of the first images, since the overlays of all take much memory."""
    names = ("maps", "scores", "probabilities", "targets", "target_names", "images", "names", "notes")
    checks = {name: values[:images] for name, values in explanation.checks.items()}
    done = None if explanation.done is None else explanation.done[:images]
    return replace(
        explanation, **{name: getattr(explanation, name)[:images] for name in names}, checks=checks, done=done
    )


def _sheet(rows: Sequence[Sequence[Any]], side: int) -> bytes:
    height, width = rows[0][0].shape[:2]
    scale = side / max(height, width)
    w, h = max(1, math.ceil(width * scale)), max(1, math.ceil(height * scale))
    columns = max(map(len, rows))
    sheet = Image.new("RGB", (columns * (w + GAP) - GAP, len(rows) * (h + GAP) - GAP), "white")
    for y, row in enumerate(rows):
        for x, tile in enumerate(row):
            picture = Image.fromarray(np.ascontiguousarray(tile)).resize((w, h), Image.Resampling.LANCZOS)
            sheet.paste(picture, (x * (w + GAP), y * (h + GAP)))
    return encode(sheet.quantize(256, dither=Image.Dither.FLOYDSTEINBERG), optimize=True)


class Displays:
    """Outputs of cells that show the widget, and have no picture of its answer yet."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[dict[str, str]], None]] = []
        self._lock = threading.Lock()

    def show(self, data: dict[str, Any], metadata: dict[str, Any], picture: dict[str, str] | None) -> None:
        """Display the widget, with its picture now or, where the host can change an output, later."""
        from IPython.display import display

        handle = display({**data, **(picture or {})}, metadata=metadata, raw=True, display_id=True)
        if picture is None and handle is not None:
            with self._lock:
                self._waiting.append(lambda late: handle.update({**data, **late}, metadata=metadata, raw=True))

    def leave(self) -> None:
        """Leave the outputs as they are: where a host draws the widget, a change would make it draw another one."""
        with self._lock:
            self._waiting.clear()

    def complete(self, picture: Callable[[], dict[str, str]]) -> None:
        """Put the picture into all outputs that wait for one."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        if waiting:
            preview = picture()
            for update in waiting:
                update(preview)


def is_attended() -> bool:
    """Whether somebody sits before this kernel: what runs a notebook as a script allows no questions."""
    from IPython import get_ipython

    shell: Any = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    return bool(parent.get("content", {}).get("allow_stdin", True))
