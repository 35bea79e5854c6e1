"""How many samples go through the model at once: by memory, and by what the device refuses."""

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from kx_widget.engine.accelerator import on_accelerator
from kx_widget.engine.lazy_modules import tf

# Samples at once: on processors more are no faster, on accelerators memory alone decides.
MOST, MOST_ON_ACCELERATOR = 32, 512


class Budget:
    """Splits work into chunks that fit `memory_mib`; halves them for good when the device runs out of memory.

    The memory is that of one call: those of a model compiled for several sizes take turns.
    """

    def __init__(self, memory_mib: float) -> None:
        self.bytes: float = memory_mib * 2**20
        self._most = MOST_ON_ACCELERATOR if on_accelerator() else MOST
        self._fits = math.inf
        self._lock = threading.RLock()

    def samples(self, bytes_per_sample: int) -> int:
        """How many samples to run at once, at least 1."""
        return int(max(1, min(self._most, self._fits, self.bytes // max(bytes_per_sample, 1))))

    def chunks(self, n: int, bytes_per_sample: int, size: int | None = None) -> Iterator[slice]:
        """Slices that cover n samples, of `size`, or as few as fit and all of about the same size."""
        if size is None:
            parts = max(1, math.ceil(n / self.samples(bytes_per_sample)))
            size = max(1, math.ceil(n / parts))
        for start in range(0, n, size):
            yield slice(start, min(start + size, n))

    def run(self, fn: Callable[..., Sequence[Any]], *arrays: Any, most: float = math.inf) -> list[Any]:
        """`fn(*arrays)`, in halves while they are more than `most` or more than the device has memory for.

        Arrays share their first axis.
        """
        with self._lock:
            return self._run(fn, *arrays, most=most)

    def _run(self, fn: Callable[..., Sequence[Any]], *arrays: Any, most: float) -> list[Any]:
        n = len(arrays[0])
        if n <= max(1, min(most, self._fits)):
            try:
                return list(fn(*arrays))
            except tf.errors.ResourceExhaustedError:
                if n == 1:
                    raise
                self._fits = n // 2
        first = self._run(fn, *(a[: n // 2] for a in arrays), most=most)
        second = self._run(fn, *(a[n // 2 :] for a in arrays), most=most)
        return [np.concatenate([a, b]) for a, b in zip(first, second, strict=True)]
