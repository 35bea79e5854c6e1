"""Files that a view asked for, in parts that every host lets through."""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextvars import Context, copy_context
from typing import Any

from kx_widget.engine.errors import KxError, plain
from kx_widget.widget.worker import start_thread

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
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Context, str, str, int]] = deque()
        self._working = False
        self._closed = threading.Event()

    def ask(self, name: str, fmt: str, column: int) -> None:
        """Answer an `export` message; `name` is what the view knows the file by."""
        if fmt not in self._make or column < 0:
            self._refuse(name, f"There is no export of {fmt[:20]!r} for column {str(column)[:20]}.")
            return
        with self._lock:
            is_full, is_idle = len(self._waiting) >= MOST_WAITING, not self._working
            if not is_full:
                self._waiting.append((copy_context(), name, fmt, column))
                self._working = True
        if is_full:
            self._refuse(name, f"{MOST_WAITING} files are being made already: ask again when they are there.")
        elif is_idle:
            start_thread(self._work, name="kx-export")

    def close(self) -> None:
        """Make and send nothing more."""
        self._closed.set()
        with self._lock:
            self._waiting.clear()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._working = False
                    return
                context, name, fmt, column = self._waiting.popleft()
            context.run(self._answer, name, fmt, column)

    def _answer(self, name: str, fmt: str, column: int) -> None:
        try:
            data = self._make[fmt](column)
        except BaseException as error:
            self._refuse(name, str(error) if isinstance(error, KxError) else plain(error))
            return
        parts = [data[i : i + PART_BYTES] for i in range(0, len(data), PART_BYTES)]
        for number, part in enumerate(parts):
            if number and self._closed.wait(SECONDS_BETWEEN_PARTS):
                return
            self._send({"kind": "file", "id": name, "part": number, "parts": len(parts), "error": ""}, [part])

    def _refuse(self, name: str, error: str) -> None:
        self._send({"kind": "file", "id": name, "part": 0, "parts": 1, "error": error}, [b""])
