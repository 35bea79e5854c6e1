"""TensorFlow and Keras, imported when something is first asked of them: seconds later, or never where nothing is."""

import importlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kx_widget.engine.errors import MissingPackageError
from kx_widget.install import TENSORFLOW

__all__ = ["LazyModule", "keras", "tf"]

# Keras imports the library that it runs on, so that either may be what is missing.
TOGETHER = ("tensorflow", "keras")


class LazyModule:
    """Stands for a module, and imports it when an attribute is read.

    Args:
        name: the module's.

    Raises:
        MissingPackageError: on reading an attribute, where TensorFlow or Keras is not installed.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    @cached_property
    def _module(self) -> Any:
        try:
            return importlib.import_module(self._name)
        except ModuleNotFoundError as error:
            if error.name not in TOGETHER:
                raise
            raise MissingPackageError(f"This needs TensorFlow, which is not installed: {TENSORFLOW}.") from error

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__") and attribute != "__version__":
            # What looks at an object's kind, as inspect and doctest do, needs nothing of the module.
            raise AttributeError(attribute)
        return getattr(self._module, attribute)

    def __repr__(self) -> str:
        return f"<{self._name}, imported when it is used>"


if TYPE_CHECKING:
    import keras
    import tensorflow as tf
else:
    keras, tf = LazyModule("keras"), LazyModule("tensorflow")
