"""Noticing that a model's weights have changed, without reading them.

A variable's value and a read of it share one buffer, and TensorFlow never writes into a buffer that somebody
else still holds: it makes a new one. So while the last values are held, equal addresses mean that nothing was
written since. Another address counts as a change whatever is there now: between the two looks the weights may
have been others, and something may have been computed with those. Where a device does not tell addresses, or a
variable copies its value for each read, values are compared.
"""

import threading
from typing import Any

from kx_widget.engine.keras_private import address, handle_of
from kx_widget.engine.lazy_modules import tf


class Weights:
    """Counts versions of a model's weights.

    What is held costs no memory while nothing changes, and one old copy of the changed weights after that.
    """

    def __init__(self, model: Any) -> None:
        self._lock = threading.Lock()
        self._variables = [v.value for v in model.variables]
        self._handles = [(handle_of(v), v.value.dtype) for v in model.variables]
        self._values: list[Any] = []
        self._addresses: list[int | None] = []
        self._version = 0

    def version(self) -> int:
        """A number that grows whenever a weight was written since the call before."""
        if not self._variables:
            return 0
        with self._lock:
            values = self._read()
            addresses = [address(value) for value in values]
            if not self._values or self._differ(values, addresses):
                self._version += 1
                self._values, self._addresses = values, addresses
            return self._version

    def _read(self) -> list[Any]:
        """The values now, one by one: to trace a function that reads them all takes as long as hundreds of looks."""
        return [
            variable.read_value() if handle is None else tf.raw_ops.ReadVariableOp(resource=handle, dtype=dtype)
            for variable, (handle, dtype) in zip(self._variables, self._handles, strict=True)
        ]

    def _differ(self, values: list[Any], addresses: list[int | None]) -> bool:
        """Whether these values are others than those of the look before."""
        moved = [
            number
            for number, (old, new) in enumerate(zip(self._addresses, addresses, strict=True))
            if new is None or new != old
        ]
        if not moved:
            return False
        again = self._read()
        for number in moved:
            # While a value is held, the address of another read tells whether each read is a copy.
            tells = addresses[number] is not None and address(again[number]) == addresses[number]
            if tells or not bool(tf.reduce_all(tf.equal(self._values[number], values[number]))):
                return True
        return False
