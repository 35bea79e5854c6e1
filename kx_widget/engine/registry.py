"""The table's row type, and the look-ups over the table."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from kx_widget.engine.errors import ParameterError, UnknownMethodError, did_you_mean, near
from kx_widget.engine.types import Floats, Parameter, Partial

MethodFunction = Callable[..., Iterator[Partial]]


@dataclass(frozen=True)
class Method:
    """One method as the rest of the program knows it.

    Args:
        id: the literature name, in lower case.
        title: how people write it.
        fn: generator function of `(probe, target, **params)`.
        family: heading under which a picker lists it.
        sees: `"layer"` if its map has the size of a layer's, `"input"` if the size of the image, `"attention"` if it
            follows attention from a layer on.
        signed: whether maps have a meaningful sign: True, False, or (parameter, value) under which they have.
        cost: what an answer costs once the layer is known, in words: `"instant"`, `"1 pass"`, `"1 pass a mask"`…
        summary: one line for the picker.
        reference: the paper, with its arXiv id.
        params: parameters besides probe and target.
        finish: what turns the method's arrays into maps (…, h, w) once wrappers have averaged them.
    """

    id: str
    title: str
    fn: MethodFunction
    family: str
    sees: Literal["layer", "input", "attention"]
    signed: bool | tuple[str, Any]
    cost: str
    summary: str
    reference: str
    params: tuple[Parameter, ...] = ()
    finish: Callable[..., Floats] | None = None

    def is_signed(self, params: Mapping[str, Any]) -> bool:
        """Whether maps made with `params` have a meaningful sign."""
        if isinstance(self.signed, bool):
            return self.signed
        name, value = self.signed
        return self.complete(params)[name] == value

    def complete(self, params: Mapping[str, Any], keywords: Iterable[str] = ()) -> dict[str, Any]:
        """`params` checked, with defaults filled in; a misspelled name may stand for one of `keywords`.

        Raises:
            ParameterError: unknown name, wrong type, value outside its range.
        """
        return {p.name: p.default for p in self.params} | check_params(self.title, self.params, params, keywords)


@dataclass(frozen=True)
class Wrapper:
    """What goes around a method of any kind.

    Args:
        id: the keyword of a question that switches it on, with True or settings.
        title: how people write it.
        summary: one line for the form.
        params: its settings.
    """

    id: str
    title: str
    summary: str
    params: tuple[Parameter, ...]

    def check(self, settings: Any) -> Any:
        """True, or the settings as numbers of Python's own.

        Raises:
            ParameterError: unknown setting, or a value outside its range.
        """
        if settings is True:
            return True
        if not isinstance(settings, Mapping):
            example = {p.name: list(p.default) if p.kind == "numbers" else p.default for p in self.params}
            raise ParameterError(f"{self.id}={settings!r} must be True or like {example}.")
        return check_params(self.id, self.params, settings)


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


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _limits(p: Parameter) -> tuple[float, float]:
    low = -float("inf") if p.minimum is None else p.minimum
    return low, float("inf") if p.maximum is None else p.maximum


def _range(p: Parameter) -> str:
    if p.maximum is None:
        return f"{p.minimum:g} or more"
    return f"{p.minimum:g} to {p.maximum:g}"


def table(*rows: Any, own: Any = ()) -> Mapping[str, Method]:
    """Rows, and then a user's own, as a read-only mapping by id; the last of an id counts.

    Raises:
        ParameterError: one is no `Method`, or `own` is no list of them.
    """
    try:
        rows = (*rows, *own)
    except TypeError:
        raise ParameterError(f"methods={own!r} must be a list of kx.Method.") from None
    for row in rows:
        if not isinstance(row, Method):
            raise ParameterError(f"{row!r} is no kx.Method. Describe the function: kx.Method(id=…, title=…, fn=…, …).")
    return MappingProxyType({row.id: row for row in rows})


def find(methods: Mapping[str, Method], method: object) -> Method:
    """The row of that id.

    Raises:
        UnknownMethodError: there is none.
    """
    if isinstance(method, str) and method in methods:
        return methods[method]
    raise UnknownMethodError(f"There is no method {method!r}.{did_you_mean(method, methods)}")
