"""What a function does, as a digest, so that a run that is taken up again goes on with the same one."""

import dis
import functools
import hashlib
import re
import site
import sys
import sysconfig
import types
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

import numpy as np

PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...), slice, range, np.dtype, PurePath, re.Pattern)
GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME")


class UnknownCodeError(Exception):
    """What a function does depends on something that cannot be compared with another run's."""


def digest_of(function: Any) -> str:
    """A digest of a function's code, defaults and closure, and of what it uses of its module.

    Of what a library has, the name counts; of arrays, the values; of Keras layers, configuration and weights.

    Raises:
        UnknownCodeError: says what has no digest.
    """
    try:
        described = repr(_Description().of(function))
    except RecursionError:
        raise UnknownCodeError("it uses something that holds itself") from None
    return hashlib.sha256(described.encode("utf-8", "surrogatepass")).hexdigest()


class _Description:
    """Nested tuples of plain values that say what objects do; each object with a name or a state is told once."""

    def __init__(self) -> None:
        self._met: dict[int, tuple[int, Any]] = {}

    def of(self, value: Any) -> Any:
        """One object, and all that it is made of."""
        if isinstance(value, PLAIN) and not isinstance(value, np.generic):
            return type(value).__name__, repr(value)
        if isinstance(value, (tuple, list)):
            return type(value).__name__, self._all(value)
        if isinstance(value, (set, frozenset)):
            return "set", sorted(map(repr, self._all(value)))
        if isinstance(value, Mapping):
            return type(value).__name__, self._all(sorted(value.items(), key=lambda item: repr(item[0])))
        if isinstance(value, types.ModuleType):
            return "module", value.__name__
        if isinstance(value, types.CodeType):
            facts = value.co_code.hex(), value.co_names, value.co_freevars, value.co_argcount, value.co_kwonlyargcount
            return "code", facts, value.co_flags, self._all(value.co_consts)
        if isinstance(value, types.MethodType):
            return "method", self.of(value.__func__), self.of(value.__self__)
        if hasattr(value, "__array__") and hasattr(value, "dtype"):
            return self._array(np.asarray(value))
        number, _ = self._met.get(id(value), (None, None))
        if number is not None:
            return "told", number
        self._met[id(value)] = len(self._met), value
        return self._once(value)

    def _all(self, values: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(self.of(value) for value in values)

    def _array(self, array: Any) -> Any:
        if array.dtype.hasobject:
            return "objects", array.shape, self._all(array.ravel().tolist())
        return "array", array.dtype.str, array.shape, hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()

    def _once(self, value: Any) -> Any:
        if isinstance(value, types.FunctionType):
            return self._function(value)
        if isinstance(value, functools.partial):
            return "partial", self._all((value.func, value.args, value.keywords))
        if isinstance(value, (types.BuiltinFunctionType, np.ufunc)):
            return "named", getattr(value, "__module__", None), getattr(value, "__qualname__", repr(value))
        if isinstance(value, type):
            return self._class(value)
        for wrapped in ("python_function", "__wrapped__"):  # of tf.function, of functools.cache
            if hasattr(value, wrapped):
                return "wrapped", self.of(getattr(value, wrapped))
        if callable(getattr(value, "get_config", None)) and hasattr(value, "weights"):
            weights = self._all(np.asarray(weight) for weight in value.weights)
            return "layer", self.of(type(value)), self.of(_nameless(value.get_config())), weights
        state = getattr(value, "__dict__", None)
        if state is None or hasattr(type(value), "__slots__"):
            raise UnknownCodeError(f"it uses a {type(value).__qualname__}, whose state cannot be read")
        return "instance", self.of(type(value)), self.of(state)

    def _function(self, function: types.FunctionType) -> Any:
        if _is_of_a_library(function):
            return "library", function.__module__, function.__qualname__, self.of(function.__code__)
        names = _globals(function.__code__) & function.__globals__.keys()
        used = {name: function.__globals__[name] for name in names}
        try:
            cells = [cell.cell_contents for cell in function.__closure__ or ()]
        except ValueError:
            raise UnknownCodeError("a variable around it has no value yet") from None
        return "function", self._all((function.__code__, function.__defaults__, function.__kwdefaults__, cells, used))

    def _class(self, value: type) -> Any:
        if _is_of_a_library(value):
            return "library", value.__module__, value.__qualname__
        members = {name: _inner(member) for name, member in vars(value).items()}
        members = {k: v for k, v in members.items() if callable(v) or not k.startswith(("__", "_abc_"))}
        return "class", value.__qualname__, self._all((value.__bases__, members))


def _globals(code: types.CodeType) -> set[str]:
    """All names that a function and those inside it look up in their module."""
    names = {str(one.argval) for one in dis.get_instructions(code) if one.opname in GLOBAL}
    return names.union(*(_globals(one) for one in code.co_consts if isinstance(one, types.CodeType)))


def _nameless(config: Any) -> Any:
    """A layer's configuration without the names, which Keras counts up in each process."""
    if isinstance(config, Mapping):
        return {key: _nameless(value) for key, value in config.items() if key != "name"}
    return [*map(_nameless, config)] if isinstance(config, (list, tuple)) else config


def _inner(value: Any) -> Any:
    if isinstance(value, property):
        return value.fget
    if isinstance(value, functools.cached_property):
        return value.func
    return value.__func__ if isinstance(value, (staticmethod, classmethod)) else value


@functools.cache
def _libraries() -> tuple[str, ...]:
    folders = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return tuple(str(Path(folder).resolve()) for folder in {*folders, *site.getsitepackages()})


def _is_of_a_library(value: Any) -> bool:
    """Whether a function or class belongs to Python, to an installed package, or to this one."""
    name, code = str(value.__module__), getattr(value, "__code__", None)
    if name.startswith("kx_widget."):
        return True
    if name == "__main__" or (code is not None and not code.co_filename.startswith("<")):
        return code is not None and _is_installed(code.co_filename)
    file = getattr(sys.modules.get(name), "__file__", None)
    return name in sys.modules if file is None else _is_installed(file)


def _is_installed(file: str) -> bool:
    return str(Path(file).resolve()).startswith(_libraries())
