"""What differs where TensorFlow computes on a device with memory of its own: copies to it, and back, are counted."""

import threading
import weakref
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from kx_widget.engine.lazy_modules import tf

TO_DEVICE, TO_HOST = "bytes to the device", "bytes to the host"


def on_accelerator() -> bool:
    """Whether TensorFlow computes on a GPU."""
    return bool(tf.config.list_logical_devices("GPU"))


class DeviceCopies:
    """Tensors that stay on an accelerator beside the arrays that they were copied to.

    Such an array, or some of its rows one after another, need not be sent back there. On processors, which take
    arrays where they lie, nothing is kept and nothing counted.

    Args:
        limit: bytes that are kept; the oldest tensor goes first, and each with its array.
        count: told how many bytes went in which direction.
    """

    def __init__(self, limit: float, count: Callable[[Counter[str]], None]) -> None:
        self.is_on = on_accelerator()
        self._limit, self._count = limit, count
        self._tensors: dict[int, tuple[weakref.ref[Any], Any]] = {}
        self._lock = threading.Lock()

    def array(self, tensor: Any, stays: bool) -> Any:
        """The tensor's values; it `stays` on the device, where they will be asked for again."""
        array = np.asarray(tensor)
        if self.is_on:
            self._count(Counter({TO_HOST: array.nbytes}))
            if stays and array.nbytes <= self._limit:
                self._keep(array, tensor)
        return array

    def tensor(self, array: Any) -> Any:
        """A tensor of these values: one that is on the device already, or else a copy."""
        if not self.is_on or not isinstance(array, np.ndarray):
            return tf.convert_to_tensor(array)
        if (tensor := self._kept(array)) is not None:
            return tensor
        self._count(Counter({TO_DEVICE: array.nbytes}))
        return tf.convert_to_tensor(array)

    def _keep(self, array: Any, tensor: Any) -> None:
        key = id(array)
        # Called in whichever thread lets go of the array, also in the midst of what is done here.
        reference = weakref.ref(array, lambda _: self._tensors.pop(key, None))
        with self._lock:
            self._tensors[key] = reference, tensor
            oldest = [*self._tensors.items()]
            total = sum(_bytes(kept) for _, (_, kept) in oldest)
            while total > self._limit:
                number, (_, kept) = oldest.pop(0)
                self._tensors.pop(number, None)
                total -= _bytes(kept)

    def _kept(self, array: Any) -> Any | None:
        """The tensor of these values, None where there is none."""
        source = array if id(array) in self._tensors else array.base
        copied = self._tensors.get(id(source))
        if copied is None or copied[0]() is not source:
            return None
        tensor = copied[1]
        if array is source:
            return tensor
        if (array.dtype, array.shape[1:], array.strides) != (source.dtype, source.shape[1:], source.strides):
            return None
        offset = array.__array_interface__["data"][0] - source.__array_interface__["data"][0]
        start, rest = divmod(offset, source.strides[0]) if source.strides[0] else (0, 1)
        return None if rest else tensor[start : start + len(array)]


def _bytes(tensor: Any) -> int:
    return tensor.dtype.size * tensor.shape.num_elements()
