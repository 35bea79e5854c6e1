"""Python's garbage collection, put off while a page waits for an answer."""

import gc
from collections.abc import Generator
from contextlib import contextmanager

from kx_widget.widget.worker import start_timer

# Beyond that nobody takes an answer for instant, and what it leaves behind has to go.
MOST_SECONDS = 1.0


@contextmanager
def collection_paused() -> Generator[None]:
    """Put off garbage collection, for a second at most: of all that TensorFlow keeps, it takes up to a fifth of one.

    Where it is off already, whoever did that turns it on again.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    timer = start_timer(MOST_SECONDS, gc.enable)
    try:
        yield
    finally:
        timer.cancel()
        gc.enable()
