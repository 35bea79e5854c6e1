"""Files that a view asked for, in parts that every host lets through."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from kx_widget.engine.errors import message_of
from kx_widget.widget.worker import Queue

PART_BYTES = 900_000
SECONDS_BETWEEN_PARTS = 0.05
MOST_WAITING = 20


class Downloads:
    """Makes and sends one file after the other, in one thread: a message handler must not keep the kernel.

    Args:
        make: by format, what makes the file from a column's number.
        send: sends a message with its buffers.
    """

    def __init__(self, make: Mapping[str, Callable[[int], bytes]], send: Callable[[Any, list[bytes]], None]) -> None:
        self._make = make
        self._send = send
        self._queue = Queue("kx-export", MOST_WAITING)
        self._closed = threading.Event()

    def ask(self, name: str, fmt: str, column: int) -> None:
        """Answer an `export` message; `name` is what the view knows the file by."""
        if fmt not in self._make or column < 0:
            self._refuse(name, f"There is no export of {fmt[:20]!r} for column {str(column)[:20]}.")
            return
        if not self._queue.put(name, lambda: self._answer(name, fmt, column)):
            self._refuse(name, f"{MOST_WAITING} files are being made already: ask again when they are there.")

    def close(self) -> None:
        """Make and send nothing more."""
        self._queue.clear()
        self._closed.set()

    def _answer(self, name: str, fmt: str, column: int) -> None:
        if self._closed.is_set():
            return
        try:
            data = self._make[fmt](column)
        except BaseException as error:
            self._refuse(name, message_of(error))
            return
        parts = [data[i : i + PART_BYTES] for i in range(0, len(data), PART_BYTES)]
        for number, part in enumerate(parts):
            if number and self._closed.wait(SECONDS_BETWEEN_PARTS):
                return
            self._send({"kind": "file", "id": name, "part": number, "parts": len(parts), "error": ""}, [part])

    def _refuse(self, name: str, error: str) -> None:
        self._send({"kind": "file", "id": name, "part": 0, "parts": 1, "error": error}, [b""])
