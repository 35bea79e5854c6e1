"""A page of shortcuts: what was found, and the widget with the images of each suspicion."""

from pathlib import Path

import numpy as np

from kx_widget.bulk.shortcuts import Shortcuts
from kx_widget.bulk.suspicions import EXAMPLES
from kx_widget.engine.figures import counted
from kx_widget.engine.files import writable
from kx_widget.widget.messages import NumberColumn
from kx_widget.widget.store_page import Findings, write_view
from kx_widget.widget.stored import StoredImages

MEGABYTES = 2.0


def write_suspicions(shortcuts: Shortcuts, path: Path) -> None:
    """Write what was found, above the maps of the images that show it, in the order of the suspicions.

    Args:
        shortcuts: suspicions, tested.
        path: the page.

    Raises:
        FormatError: there is no folder for it.
    """
    path = writable(path)
    # An image that two suspicions share is shown with the first one.
    suspicion_of = {
        row: number
        for number, tested in reversed([*enumerate(shortcuts, 1)])
        for row in reversed(tested.examples(EXAMPLES))
    }
    rows = sorted(suspicion_of, key=lambda row: (suspicion_of[row], row))
    if not rows:
        shortcuts.save(path)
        return
    # What the store keeps may be of another search, whose suspicions have other numbers.
    images = StoredImages(shortcuts.store, None, None, False, shortcuts=shortcuts.facts())
    images.choose(np.array(rows)[:, None])
    numbers: list[float | None] = [suspicion_of[row] for row in rows]
    findings = Findings(
        above=shortcuts.sections(),
        columns=[NumberColumn(name="suspicion", title="Number of the suspicion", values=numbers)],
    )
    shown = f"{counted(len(rows), 'image')} of {counted(len(shortcuts), 'suspicion')}"
    write_view(images, path, shown, findings, MEGABYTES)
