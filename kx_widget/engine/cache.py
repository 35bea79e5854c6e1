"""A least-recently-used cache bounded by bytes."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

import numpy as np


class Cache:
    """Keeps values by key until they take more than `limit` bytes; the least recently used go first.

    A value is a tuple of arrays. Safe to use from several threads. `hits` and `misses` count look-ups.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self.hits = 0
        self.misses = 0
        self._held: OrderedDict[Hashable, tuple[Any, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> tuple[Any, ...] | None:
        """The value kept under `key`, or None."""
        with self._lock:
            value = self._held.get(key)
            if value is None:
                self.misses += 1
                return None
            self.hits += 1
            self._held.move_to_end(key)
            return value

    def __contains__(self, key: Hashable) -> bool:
        """Whether a value is kept; does not count as a look-up."""
        with self._lock:
            return key in self._held

    def put(self, key: Hashable, value: tuple[Any, ...]) -> None:
        """Keep `value`; one larger than the whole cache is not kept."""
        size = _size(value)
        with self._lock:
            if (old := self._held.pop(key, None)) is not None:
                self.bytes -= _size(old)
            if size > self.limit:
                return
            self._held[key] = value
            self.bytes += size
            while self.bytes > self.limit:
                self.bytes -= _size(self._held.popitem(last=False)[1])

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._held.clear()
            self.bytes = 0


def _size(value: tuple[Any, ...]) -> int:
    return sum(v.nbytes if isinstance(v, np.ndarray) else 64 for v in value)
