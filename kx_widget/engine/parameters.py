"""Values of parameters, checked and made Python's own."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from kx_widget.engine.errors import ParameterError, did_you_mean, near
from kx_widget.engine.types import Parameter


def check_params(
    owner: str, parameters: tuple[Parameter, ...], values: Mapping[str, Any], keywords: Iterable[str] = ()
) -> dict[str, Any]:
    """Check values against the parameters of their names, and make them numbers of Python's own.

    Args:
        owner: whose parameters these are, for the error.
        parameters: what there is.
        values: by name.
        keywords: other names that a misspelled one may stand for.

    Raises:
        ParameterError: unknown name, wrong type, value outside its range.
    """
    table = {p.name: p for p in parameters}
    for name in values:
        if name not in table:
            meant = near(name, (*table, *keywords))
            hint = did_you_mean(name, meant or table) or " It takes none."
            raise ParameterError(f"{owner} has no parameter {name!r}.{hint}")
    return {name: _checked(owner, table[name], value) for name, value in values.items()}


def _checked(owner: str, p: Parameter, value: Any) -> Any:
    where = f"{owner}: {p.name}={value!r}"
    if p.kind == "choice":
        if not isinstance(value, str) or value not in p.choices:
            raise ParameterError(f"{where} is not a choice. Choose one of {', '.join(map(repr, p.choices))}.")
        return value
    if p.kind == "bool":
        if not isinstance(value, bool):
            raise ParameterError(f"{where} must be True or False.")
        return value
    if p.kind == "numbers":
        low, high = _limits(p)
        is_list = isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim == 1)
        if not is_list or not all(_is_number(v) and low <= v <= high for v in value):
            raise ParameterError(f"{where} must be a list of numbers from {_range(p)}.")
        return tuple(float(v) for v in value)
    if value is None and p.default is None:
        return None
    if p.kind == "images":
        # What they are is told when they are read.
        return value
    number = (int, float) if p.kind == "float" else (int,)
    try:
        value = value.item() if isinstance(value, (np.generic, np.ndarray)) else value
    except ValueError:
        raise ParameterError(f"{where} must be one number.") from None
    if isinstance(value, float) and p.kind == "int" and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, number):
        raise ParameterError(f"{where} must be {'a number' if p.kind == 'float' else 'a whole number'}.")
    low, high = _limits(p)
    if not low <= value <= high:
        raise ParameterError(f"{where} is outside its range {_range(p)}.")
    return value


def is_whole_number(value: Any) -> bool:
    """Whether something is a whole number, of Python or of numpy, and not True or False."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return is_whole_number(value) or isinstance(value, (float, np.floating))


def _limits(p: Parameter) -> tuple[float, float]:
    low = -float("inf") if p.minimum is None else p.minimum
    return low, float("inf") if p.maximum is None else p.maximum


def _range(p: Parameter) -> str:
    low, high = _limits(p)
    return f"{low:g} to {high:g}" if p.minimum is None or p.maximum is not None else f"{low:g} or more"
