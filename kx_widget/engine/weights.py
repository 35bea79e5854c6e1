"""Noticing that a model's weights have changed, without reading them.

A variable's value and a read of it share one buffer, and TensorFlow never writes into a buffer that somebody
else still holds: it makes a new one. So while the last values are held, equal addresses mean that nothing was
written since. Another address counts as a change whatever is there now: between the two looks the weights may
have been others, and something may have been computed with those. Where a device does not tell addresses,
values are compared.
"""

import threading
from typing import Any

import numpy as np
import tensorflow as tf


class Weights:
    """Counts versions of a model's weights.

    What is held costs no memory while nothing changes, and one old copy of the changed weights after that.
    """

    def __init__(self, model: Any) -> None:
        self._lock = threading.Lock()
        self._variables = [v.value for v in model.variables]
        read = tf.function(lambda: [v.read_value() for v in self._variables], autograph=False)
        self._read = read.get_concrete_function() if self._variables else read
        self._held: list[Any] = []
        self._addresses: list[int | None] = []
        self._version = 0

    def version(self) -> int:
        """A number that grows whenever a weight was written since the call before."""
        if not self._variables:
            return 0
        with self._lock:
            now = self._read()
            addresses = [_address(value) for value in now]
            if not self._held or addresses != self._addresses or _differ(self._held, now, addresses):
                self._version += 1
                self._held, self._addresses = list(now), addresses
            return self._version


def _address(value: Any) -> int | None:
    """Where a value lies in this machine's own memory, None where it lies elsewhere."""
    if "CPU" not in value.device:
        return None
    try:
        view = memoryview(value)
    except (TypeError, ValueError, BufferError):
        return None
    return np.asarray(view).__array_interface__["data"][0]


def _differ(old: list[Any], new: list[Any], addresses: list[int | None]) -> bool:
    without = [(a, b) for a, b, address in zip(old, new, addresses, strict=True) if address is None]
    return any(not bool(tf.reduce_all(tf.equal(a, b))) for a, b in without)
