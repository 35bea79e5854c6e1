"""The traits of a question -> the engine's questions, one or one a column."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kx_widget.engine.errors import ParameterError
from kx_widget.engine.explainer import Explainer, check_parameters
from kx_widget.engine.images import Images
from kx_widget.engine.question import Question
from kx_widget.engine.registry import Method, find
from kx_widget.engine.targets import Contrast, parse
from kx_widget.engine.types import Inspection
from kx_widget.engine.wrappers import WRAPPERS
from kx_widget.widget.answer_sources import QuestionTraits

DEFAULT_COLUMNS = 3
MOST_COLUMNS = 64


def build(explainer: Explainer, images: Images, traits: QuestionTraits) -> list[Question]:
    """Checked questions whose columns, side by side, are the answer.

    Raises:
        KxError: an unknown layer, method, class or parameter, also among `compare_with`.
    """

    def ask(layer: str, method: str, targets: Any, params: dict[str, Any]) -> Question:
        return explainer.ask(images, targets, method=method, layer=layer or None, **params)

    _check_values(traits["compare_with"], traits["params"])
    main = tuple(traits[name] for name in ("layer", "method", "target", "params"))
    columns = _columns(explainer, traits)
    is_shown = main in columns or (traits["compare"] == "targets" and traits["target"] in columns[0][2])
    if not is_shown:
        ask(*main)  # What the traits say must be right even where no column shows it.
    return [ask(*column) for column in columns]


def _columns(explainer: Explainer, traits: QuestionTraits) -> list[tuple[Any, Any, Any, Any]]:
    """Layer, method, targets and parameters of each of the engine's questions."""
    layer, method, target, params = (traits[name] for name in ("layer", "method", "target", "params"))
    compare, compare_with = traits["compare"], traits["compare_with"]
    methods, inspection = explainer.methods, explainer.inspection
    entry = find(methods, method)
    if compare == "targets":
        best = [f"top-{rank}" if rank > 1 else "top" for rank in range(1, inspection.classes + 1)]
        return [(layer, method, compare_with or _with_current(target, best), params)]
    if compare == "methods":
        family = [name for name in methods if methods[name].family == entry.family]
        return [
            (fitting_layer(inspection, layer, entry, methods.get(name)), name, target,
             fitting_params(methods.get(name), params))
            for name in compare_with or _with_current(method, family)
        ]  # fmt: skip
    if compare == "layers":
        if entry.sees == "input":
            raise ParameterError(f"{entry.title} sees the input, not a layer: there are no layers to compare.")
        paths = compare_with or _with_current(layer, _one_per_size(inspection))
        return [(path, method, target, params) for path in paths]
    return [(layer, method, target, params)]


def _check_values(compare_with: list[Any], params: dict[str, Any]) -> None:
    """Refuse what is no value of `compare_with`, and other arguments of `Explainer.ask` among the parameters."""
    if len(compare_with) > MOST_COLUMNS:
        raise ParameterError(f"compare_with has {len(compare_with)} values; {MOST_COLUMNS} at most are compared.")
    for value in compare_with:
        if not isinstance(value, (str, int, np.integer, Contrast)):
            raise ParameterError(f"compare_with: {value!r:.100} is not a layer, a method or a class.")
    check_parameters(params)


def adapted(traits: QuestionTraits, last: QuestionTraits, explainer: Explainer | None) -> dict[str, Any]:
    """The traits of a question, where those that depend on another one that has changed fall back to what fits.

    Those that have changed themselves stay as they are.

    Args:
        traits, last: of this question, and of the one before it.
        explainer: knows the methods; None where another method cannot be asked.
    """
    same = {name for name, value in traits.items() if repr(value) == repr(last[name])}
    fits: dict[str, Any] = {}
    if "method" not in same and explainer is not None:
        old, new = explainer.methods.get(last["method"]), find(explainer.methods, traits["method"])
        fits["layer"] = fitting_layer(explainer.inspection, traits["layer"], old, new)
        fits["params"] = fitting_params(new, traits["params"])
    if "compare" not in same:
        fits["compare_with"] = []
    return {**traits, **{name: value for name, value in fits.items() if name in same}}


def in_words(value: Any, class_names: Sequence[str]) -> Any:
    """The trait's value with contrasts as the text that means the same, which a browser can be told."""
    if isinstance(value, Contrast):
        return parse(value, class_names).texts[0]
    return [in_words(each, class_names) for each in value] if isinstance(value, list) else value


def fitting_params(method: Method | None, params: dict[str, Any]) -> dict[str, Any]:
    """Those of the parameters that a method, or a wrapper, takes."""
    names = set(WRAPPERS) | {p.name for p in (method.params if method else ())}
    return {name: value for name, value in params.items() if name in names}


def fitting_layer(inspection: Inspection, layer: str, old: Method | None, new: Method | None) -> str:
    """The layer to go on with for another method: its own default in place of the old one's, else the same."""
    if old is None or new is None or layer != (inspection.layer_for(old.sees) or ""):
        return layer
    return inspection.layer_for(new.sees) or layer


def _with_current(current: Any, others: list[Any]) -> list[Any]:
    return [current, *(other for other in others if other != current)][:DEFAULT_COLUMNS]


def _one_per_size(inspection: Inspection) -> list[str]:
    """The last candidate of each map size, deepest first."""
    last = {layer.spatial: layer.path for layer in inspection.layers if layer.is_candidate}
    return list(reversed(list(last.values())))
