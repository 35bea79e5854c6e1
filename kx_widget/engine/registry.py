"""The tables' row types, and the look-ups over the tables."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from kx_widget.engine.display import Display
from kx_widget.engine.errors import ParameterError, UnknownMethodError, did_you_mean
from kx_widget.engine.parameters import check_params
from kx_widget.engine.types import Floats, Parameter, Partial, Workload

MethodFunction = Callable[..., Iterator[Partial]]
Direction = Literal["higher", "lower"]
CONTROLS = "Controls"
# The question that methods answer, by their family, in the order of pickers. A family of somebody's own is a heading.
PURPOSES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Where does it look?": ("Class activation maps", "Attention"),
        "Which pixels?": ("Gradients of the input",),
        "What if it were gone?": ("Masking", "Superpixels"),
        "What concepts?": ("Concepts",),
        CONTROLS: ("Controls",),
    }
)


@dataclass(frozen=True)
class Method:
    """One method as the rest of the program knows it.

    Args:
        id: the literature name, in lower case.
        title: how people write it.
        fn: generator function of `(probe, target, **params)`.
        family: those that work alike; it tells the question that they answer, see `PURPOSES`, or is a heading itself.
        sees: `"layer"` if its map has the size of a layer's, `"input"` if the size of the image, `"both"` if that of
            the image though it looks at a layer, too, `"attention"` if it follows attention from a layer on.
        signed: whether maps have a meaningful sign: True, False, or (parameter, value or values) under which
            they have.
        cost: what an answer costs once the layer is known, in words: `"instant"`, `"1 pass"`, `"1 pass a mask"`…
        summary: one line for the picker.
        reference: the paper, with its arXiv id.
        params: parameters besides probe and target.
        finish: what turns the method's arrays into maps (…, h, w) once wrappers have averaged them.
        passes: how many forward passes an answer about one image and target takes once the layer is known, given the
            parameters and a `Workload`; None where nobody knows, and `cost` has to do.
        display: how its maps want to be drawn; by default that goes by what it sees.
        good_for: what it is good for, a sentence.
        fails: how it misleads, a sentence.
        why_first: why to begin with it among those that answer the same question, a sentence; "" where others do as
            well.
        resolution: what its map is made of, in words, where these are no cells of the layer or pixels of the input.
        objection: of `(graph, call)`: why it cannot be asked at this layer of this model, "" where it can.
        control: of a control, which others are to be compared with and nobody is to be advised to use, a sentence that
            says what its maps are instead of explanations; it is said of each of them.
    """

    id: str
    title: str
    fn: MethodFunction
    family: str
    sees: Literal["layer", "input", "both", "attention"]
    signed: bool | tuple[str, Any]
    cost: str
    summary: str
    reference: str
    params: tuple[Parameter, ...] = ()
    finish: Callable[..., Floats] | None = None
    passes: Callable[[Mapping[str, Any], Workload], float] | None = None
    display: Display = field(default_factory=Display)
    good_for: str = ""
    fails: str = ""
    why_first: str = ""
    resolution: str = ""
    control: str = ""
    objection: Callable[[Any, Any], str] | None = None

    @property
    def purpose(self) -> str:
        """The question that it answers, under which a picker lists it."""
        return next((purpose for purpose, families in PURPOSES.items() if self.family in families), self.family)

    def is_signed(self, params: Mapping[str, Any]) -> bool:
        """Whether maps made with `params` have a meaningful sign."""
        if isinstance(self.signed, bool):
            return self.signed
        name, value = self.signed
        given = self.complete(params)[name]
        return given in value if isinstance(value, tuple) else given == value

    def is_in_bands(self, params: Mapping[str, Any]) -> bool:
        """Whether these parameters, all of them, ask for a map of each channel of the input: maps (…, h, w, C)."""
        return self.sees in ("input", "both") and params.get("channels") == "each"

    def display_for(self, settings: Iterable[str]) -> Display:
        """How maps want to be drawn that were made with these settings, by name; wrappers leave no areas of one value.

        Args:
            settings: names of the method's parameters, and of wrappers.
        """
        is_wrapped = not set(settings) <= {p.name for p in self.params}
        return replace(self.display, borders=False) if is_wrapped else self.display

    def complete(self, params: Mapping[str, Any], keywords: Iterable[str] = ()) -> dict[str, Any]:
        """`params` checked, with defaults filled in; a misspelled name may stand for one of `keywords`.

        Raises:
            ParameterError: unknown name, wrong type, value outside its range.
        """
        return {p.name: p.default for p in self.params} | check_params(self.title, self.params, params, keywords)


@dataclass(frozen=True)
class Metric:
    """One metric of maps as the rest of the program knows it.

    Args:
        id: the literature name, in lower case.
        title: how people write it.
        fn: function of `(batch, **params)`, see `MapBatch`, that returns an array (B, T), one number a map, NaN where
            none can be told; or a generator function that yields what the batch's passes yield, and the array last.
        direction: which values are better: `"higher"` or `"lower"`, or (parameter, value) under which higher ones are.
        aspect: what it speaks of: `"faithful"`, `"class-specific"`…
        needs: what it needs beside the map, in words: `"masks"`, `"the method"`, `"curves"`, which cost passes for each
            random map, too…
        cost: what it costs an image, in words: `"nothing"`, `"16 passes once"`…
        meaning: one sentence that a value can be put into, with `{value}`. What suits a class or a value that is
            explained, age for instance, can be put into it, too: `{subject}` is "the class" or "age", `{speaks}`
            "speaks for the class" or "raises age", `{why}` "why this class" or "what raises age", `{others}` "other
            classes" or "other values", `{number}` "score" or "value".
        reference: the paper, with its arXiv id.
        params: parameters besides the batch.
        is_compared: whether random maps are scored as well, to compare with.
        doubt: (value, sentence): what to say of a map whose value is worse than that; it takes the same words.
        best: the value that no map's is better than, or hardly is; None where nobody knows. Where it would not be told
            from random maps either, a map is not said to be no better than chance.
    """

    id: str
    title: str
    fn: Callable[..., Any]
    direction: Direction | tuple[str, Any]
    aspect: str
    needs: tuple[str, ...]
    cost: str
    meaning: str
    reference: str
    params: tuple[Parameter, ...] = ()
    is_compared: bool = False
    doubt: tuple[float, str] | None = None
    best: float | None = None

    def better(self, params: Mapping[str, Any]) -> Direction:
        """Which values are better where it is computed with `params`."""
        if isinstance(self.direction, str):
            return self.direction
        name, value = self.direction
        return "higher" if self.complete(params)[name] == value else "lower"

    def complete(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """`params` checked, with defaults filled in.

        Raises:
            ParameterError: unknown name, wrong type, value outside its range.
        """
        return {p.name: p.default for p in self.params} | check_params(self.title, self.params, params)


@dataclass(frozen=True)
class Wrapper:
    """What goes around a method of any kind.

    Args:
        id: the keyword of a question that switches it on, with True or settings.
        title: how people write it.
        summary: one line for the form.
        params: its settings.
        copies: how many copies of an image its settings ask about.
        unsigned: (setting, values) under which the maps have no sign, whatever the method's have.
    """

    id: str
    title: str
    summary: str
    params: tuple[Parameter, ...]
    copies: Callable[[Mapping[str, Any]], int]
    unsigned: tuple[str, tuple[Any, ...]] = ("", ())

    def keeps_sign(self, settings: Any) -> bool:
        """Whether maps of a method that are signed still are with these settings, or True, around it."""
        name, values = self.unsigned
        return settings is True or settings.get(name) not in values

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


Row = TypeVar("Row", Method, Metric)


def table(kind: type[Row], *rows: Any, own: Any = ()) -> Mapping[str, Row]:
    """Rows, and then a user's own, as a read-only mapping by id; the last of an id counts.

    Raises:
        ParameterError: one is not of that kind, or `own` is no list of them.
    """
    name = kind.__name__
    try:
        rows = (*rows, *own)
    except TypeError:
        raise ParameterError(f"{name.lower()}s={own!r} must be a list of kx.{name}.") from None
    for row in rows:
        if not isinstance(row, kind):
            raise ParameterError(f"{row!r} is no kx.{name}. Describe the function: kx.{name}(id=…, title=…, fn=…, …).")
    return MappingProxyType({row.id: row for row in rows})


def by_purpose(methods: Iterable[Method]) -> dict[str, list[Method]]:
    """The methods by the question that they answer, in the order of pickers: controls come last."""
    groups: dict[str, list[Method]] = {purpose: [] for purpose in PURPOSES}
    for method in methods:
        groups.setdefault(method.purpose, []).append(method)
    groups[CONTROLS] = groups.pop(CONTROLS)
    return {purpose: rows for purpose, rows in groups.items() if rows}


def find(methods: Mapping[str, Method], method: object) -> Method:
    """The row of that id.

    Raises:
        UnknownMethodError: there is none.
    """
    if isinstance(method, str) and method in methods:
        return methods[method]
    raise UnknownMethodError(f"There is no method {method!r}.{did_you_mean(method, methods)}")


def find_metric(metrics: Mapping[str, Metric], metric: object) -> Metric:
    """The row of that id.

    Raises:
        ParameterError: there is none.
    """
    if isinstance(metric, str) and metric in metrics:
        return metrics[metric]
    raise ParameterError(f"There is no metric {metric!r}.{did_you_mean(metric, metrics)}")
