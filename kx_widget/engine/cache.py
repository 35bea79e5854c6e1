"""A least-recently-used cache bounded by bytes."""

import hashlib
import math
import threading
from collections import Counter, OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np


def digest(array: Any) -> str:
    """What caches go by instead of the array."""
    # Processors have instructions for this one: a third of blake2b's time.
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


class Cache:
    """Keeps values by key until they take more than `limit` bytes; the least recently used go first.

    A value is a tuple of arrays. Rows of one array take what that array takes, once and as long as one of them is
    kept. Safe to use from several threads. `hits` and `misses` count look-ups.
    """

    def __init__(self, limit: float = math.inf) -> None:
        self.limit = limit
        self.bytes: int = 0
        self.hits: int = 0
        self.misses: int = 0
        self._held: OrderedDict[Hashable, tuple[Any, ...]] = OrderedDict()
        self._uses: Counter[int] = Counter()
        self._lock = threading.Lock()
        self._version = 0

    def of_weights(self, version: int) -> "Cache":
        """The cache, without what older weights computed: these do not come back while a model is trained."""
        with self._lock:
            if version > self._version:
                self._version = version
                self._clear()
        return self

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
        """Keep `value`; one larger than the whole cache is not kept, a row of a large array apart from the others."""
        large = self.limit / 4
        value = tuple(np.array(v) if any(o.nbytes > large for o in _owners((v,))) else v for v in value)
        with self._lock:
            if (old := self._held.pop(key, None)) is not None:
                self._release(old)
            if sum(owner.nbytes for owner in _owners(value)) > self.limit:
                return
            self._held[key] = value
            for owner in _owners(value):
                self.bytes += 0 if self._uses[id(owner)] else owner.nbytes
                self._uses[id(owner)] += 1
            while self.bytes > self.limit:
                self._release(self._held.popitem(last=False)[1])

    def _release(self, value: tuple[Any, ...]) -> None:
        for owner in _owners(value):
            self._uses[id(owner)] -= 1
            if not self._uses[id(owner)]:
                del self._uses[id(owner)]
                self.bytes -= owner.nbytes

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        self._held.clear()
        self._uses.clear()
        self.bytes = 0


def _owners(value: tuple[Any, ...]) -> list[Any]:
    """The arrays whose memory the value keeps from being freed."""
    return [v.base if isinstance(v.base, np.ndarray) else v for v in value if isinstance(v, np.ndarray)]


def stacked(rows: Sequence[Any]) -> Any:
    """Arrays stacked along a new first axis; where they are all the rows of one array, that array."""
    whole = rows[0].base
    if isinstance(whole, np.ndarray) and whole.shape == (len(rows), *rows[0].shape):
        at = [_address(whole) + i * whole.strides[0] for i in range(len(rows))]
        if all(row.base is whole for row in rows) and at == [_address(row) for row in rows]:
            return whole
    return np.stack(rows)


def _address(array: Any) -> int:
    return array.__array_interface__["data"][0]
