"""A plugin of pytest: TensorFlow and Keras cannot be imported, as if they were not installed."""

import sys
from importlib.abc import MetaPathFinder
from typing import Any


class Nowhere(MetaPathFinder):
    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        if fullname.split(".")[0] in ("tensorflow", "keras"):
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


sys.meta_path.insert(0, Nowhere())
