"""The traits' question -> the engine's questions, one or one a column."""

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

COLUMNS = 3
MOST_COLUMNS = 64


def questions(explainer: Explainer, images: Images, asked: Any) -> list[Question]:
    """Checked questions whose columns, side by side, are the answer; `asked` holds the traits of the question.

    Raises:
        KxError: an unknown layer, method, class or parameter, also among `compare_with`.
    """

    def ask(layer: str, method: str, targets: Any, params: dict[str, Any]) -> Question:
        return explainer.ask(images, targets, method=method, layer=layer or None, **params)

    _check_values(asked.compare_with, asked.params)
    layer, method, target, params = asked.layer, asked.method, asked.target, asked.params
    methods, inspection = explainer.methods, explainer.inspection
    main, entry = (layer, method, target, params), find(methods, method)
    if asked.compare == "targets":
        best = [f"top-{i}" if i > 1 else "top" for i in range(1, inspection.classes + 1)]
        targets = asked.compare_with or _default(target, best)
        columns = [(layer, method, targets, params)]
        is_shown = target in targets
    elif asked.compare == "methods":
        family = [m for m in methods if methods[m].family == entry.family]
        columns = [
            (layer_fitting(inspection, layer, entry, methods.get(m)), m, target, fitting(methods.get(m), params))
            for m in asked.compare_with or _default(method, family)
        ]
        is_shown = main in columns
    elif asked.compare == "layers":
        if entry.sees == "input":
            raise ParameterError(f"{entry.title} sees the input, not a layer: there are no layers to compare.")
        columns = [
            (path, method, target, params) for path in asked.compare_with or _default(layer, _one_per_size(inspection))
        ]
        is_shown = main in columns
    else:
        return [ask(*main)]
    if not is_shown:
        ask(*main)  # What the traits say must be right even where it is not among the columns.
    return [ask(*column) for column in columns]


def _check_values(compare_with: list[Any], params: dict[str, Any]) -> None:
    """Refuse what would be no values of `compare_with`, and what would be other arguments than parameters."""
    if len(compare_with) > MOST_COLUMNS:
        raise ParameterError(f"compare_with has {len(compare_with)} values; {MOST_COLUMNS} at most are compared.")
    for value in compare_with:
        if not isinstance(value, (str, int, np.integer, Contrast)):
            raise ParameterError(f"compare_with: {value!r:.100} is not a layer, a method or a class.")
    check_parameters(params)


def in_words(value: Any, class_names: Sequence[str]) -> Any:
    """The trait's value with contrasts as the text that means the same, which a browser can be told."""
    if isinstance(value, Contrast):
        return parse(value, class_names).texts[0]
    return [in_words(v, class_names) for v in value] if isinstance(value, list) else value


def _default(current: Any, others: list[Any]) -> list[Any]:
    return [current, *(o for o in others if o != current)][:COLUMNS]


def fitting(method: Method | None, params: dict[str, Any]) -> dict[str, Any]:
    """Those of the parameters that a method, or a wrapper, takes."""
    known = set(WRAPPERS) | {p.name for p in (method.params if method else ())}
    return {name: value for name, value in params.items() if name in known}


def layer_fitting(inspection: Inspection, layer: str, old: Method | None, new: Method | None) -> str:
    """The layer to go on with for another method: its own default in place of the old one's, else the same."""
    if old is None or new is None or layer != (inspection.layer_for(old.sees) or ""):
        return layer
    return inspection.layer_for(new.sees) or layer


def _one_per_size(inspection: Inspection) -> list[str]:
    """The last candidate of each map size, deepest first."""
    last = {layer.spatial: layer.path for layer in inspection.layers if layer.is_candidate}
    return list(reversed(list(last.values())))
