"""The traits of a question -> the engine's questions, one or one a column."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kx_widget.engine.errors import ParameterError, UnknownLayerError, UnknownMethodError, UnknownTargetError
from kx_widget.engine.explainer import Explainer, check_parameters
from kx_widget.engine.images import Images
from kx_widget.engine.question import Question
from kx_widget.engine.recommendation import methods_beside
from kx_widget.engine.regions import Region
from kx_widget.engine.registry import Method, find
from kx_widget.engine.scalars import Target, own_targets
from kx_widget.engine.targets import Contrast, parse
from kx_widget.engine.types import Inspection, LayerInfo
from kx_widget.engine.wrappers import WRAPPERS
from kx_widget.widget.answer_sources import QuestionTraits
from kx_widget.widget.own_targets import OwnTargets

DEFAULT_COLUMNS = 3
DEFAULT_LAYERS = 4
MOST_COLUMNS = 64
# An answer that takes more passes is no column unless somebody chooses it.
MOST_PASSES = 3000
# Layers that hand on what they are given, moved or thinned out at most: beside another one they show nothing new.
PASSING = {
    "ActivityRegularization", "AlphaDropout", "AveragePooling2D", "Cropping2D", "Dropout",
    "GaussianDropout", "GaussianNoise", "Identity", "InputLayer", "MaxPooling2D", "Normalization", "Permute",
    "Rescaling", "Reshape", "Resizing", "SpatialDropout2D", "UpSampling2D", "ZeroPadding2D",
}  # fmt: skip
ONE_MODEL = (
    'compare="models" takes several models of the same classes: KxWidget({"before": model, "after": tuned}, images).'
)
# What `compare_with` holds, and the error of a value that is nothing of the kind.
COMPARED = {
    "targets": ("classes", UnknownTargetError),
    "methods": ("ids of methods", UnknownMethodError),
    "layers": ("paths of layers", UnknownLayerError),
}


def build(
    explainer: Explainer,
    images: Images,
    traits: QuestionTraits,
    labels: Sequence[int | None] | None = None,
    regions: Sequence[Region] | None = None,
    own: OwnTargets | None = None,
) -> list[Question]:
    """Checked questions whose columns, side by side, are the answer.

    Args:
        explainer: of the model.
        images: that are asked about.
        traits: what is asked.
        labels: the true classes of these images, None where one is unknown, or where none of any image is known.
        regions: which places count in each of these images, None for those where the class wins.
        own: targets that names among the traits may stand for.

    Raises:
        KxError: an unknown layer, method, class or parameter, also among `compare_with`.
    """
    own = own or OwnTargets(explainer.class_names)

    def ask(layer: str, method: str, targets: Any, params: dict[str, Any]) -> Question:
        chosen = own.read(targets)
        # A number of one's own is that of the whole image.
        region = None if own_targets(chosen) else regions
        about = {"labels": labels, "region": region, "method": method, "layer": layer or None}
        return explainer.ask(images, chosen, **about, **params)

    _check_values(traits["compare_with"], traits["params"])
    main = tuple(traits[name] for name in ("layer", "method", "target", "params"))
    columns = _columns(explainer, traits, len(images.batch))
    if traits["compare"] == "targets":
        layer, method, targets, params = columns[0]
        columns = [(layer, method, run, params) for run in own.runs(targets)]
        is_shown = traits["target"] in targets
    else:
        is_shown = main in columns
    if not is_shown:
        ask(*main)  # What the traits say must be right even where no column shows it.
    try:
        return [ask(*column) for column in columns]
    except tuple(error for _, error in COMPARED.values()) as error:
        kind, misfit = COMPARED.get(traits["compare"], ("", ()))
        if not traits["compare_with"] or not isinstance(error, misfit):
            raise
        raise type(error)(f"{error} compare_with holds {kind} while compare is {traits['compare']!r}.") from error


def _columns(explainer: Explainer, traits: QuestionTraits, images: int) -> list[tuple[Any, Any, Any, Any]]:
    """Layer, method, targets and parameters of each of the engine's questions about so many images."""
    layer, method, target, params = (traits[name] for name in ("layer", "method", "target", "params"))
    compare, compare_with = traits["compare"], traits["compare_with"]
    methods, inspection = explainer.methods, explainer.inspection
    entry = find(methods, method)
    if compare == "models":
        raise ParameterError(ONE_MODEL)
    if compare == "targets":
        # Of values none is first.
        best = list(explainer.class_names) if explainer.units else _ranks(inspection.classes)
        return [(layer, method, compare_with or _with_current(target, best), params)]
    if compare == "methods":
        return [
            (fitting_layer(inspection, layer, entry, methods.get(name)), name, target,
             fitting_params(methods.get(name), params))
            for name in compare_with or methods_beside(methods, entry, inspection, MOST_PASSES / images)
        ]  # fmt: skip
    if compare == "layers":
        if entry.sees == "input":
            raise ParameterError(f"{entry.title} sees the input, not a layer: there are no layers to compare.")
        paths = compare_with or _one_per_size(inspection, layer)
        return [(path, method, target, params) for path in paths]
    return [(layer, method, target, params)]


def _check_values(compare_with: list[Any], params: dict[str, Any]) -> None:
    """Refuse what is no value of `compare_with`, and other arguments of `Explainer.ask` among the parameters."""
    if len(compare_with) > MOST_COLUMNS:
        raise ParameterError(f"compare_with has {len(compare_with)} values; {MOST_COLUMNS} at most are compared.")
    for value in compare_with:
        if not isinstance(value, (str, int, np.integer, Contrast, Target)):
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
    # What was chosen before anything was compared is what is to be compared.
    if "compare" not in same and last["compare"] != "none":
        fits["compare_with"] = []
    return {**traits, **{name: value for name, value in fits.items() if name in same}}


def in_words(value: Any, class_names: Sequence[str]) -> Any:
    """The trait's value with contrasts as the text that means the same, which a browser can be told."""
    if isinstance(value, Contrast):
        return parse(value, class_names).texts[0]
    return [in_words(each, class_names) for each in value] if isinstance(value, list) else value


def for_input(traits: QuestionTraits, explainer: Explainer) -> dict[str, Any]:
    """The traits of a question about another input of the model, at a layer that this one has."""
    inspection, entry = explainer.inspection, explainer.methods.get(traits["method"])
    if any(layer.path == traits["layer"] and layer.is_candidate for layer in inspection.layers):
        return dict(traits)
    return {**traits, "layer": (inspection.layer_for(entry.sees) if entry else None) or ""}


def fitting_params(method: Method | None, params: dict[str, Any]) -> dict[str, Any]:
    """Those of the parameters that a method, or a wrapper, takes."""
    names = set(WRAPPERS) | {p.name for p in (method.params if method else ())}
    return {name: value for name, value in params.items() if name in names}


def fitting_layer(inspection: Inspection, layer: str, old: Method | None, new: Method | None) -> str:
    """The layer to go on with for another method: its own default in place of the old one's, else the same."""
    if old is None or new is None or layer != (inspection.layer_for(old.sees) or ""):
        return layer
    return inspection.layer_for(new.sees) or layer


def _ranks(classes: int) -> list[Any]:
    return [f"top-{rank}" if rank > 1 else "top" for rank in range(1, classes + 1)]


def _with_current(current: Any, others: list[Any]) -> list[Any]:
    return [current, *(other for other in others if other != current)][:DEFAULT_COLUMNS]


def _one_per_size(inspection: Inspection, current: str) -> list[str]:
    """The current layer, and of each other size of maps the last layer that does something, deepest first.

    Where all maps are of one size, layers of the current one's type, spread over the depth.
    """
    infos = {layer.path: layer for layer in inspection.layers if layer.is_candidate}
    telling = [layer for layer in infos.values() if layer.type not in PASSING]
    paths, cells = [current], [_cells(infos[current])] if current in infos else []
    for layer in reversed(telling):
        count = _cells(layer)
        if all(max(count, other) >= 2 * min(count, other) for other in cells):
            paths.append(layer.path)
            cells.append(count)
    if len(paths) == 1 and current in infos:
        alike = [layer.path for layer in telling if layer.type == infos[current].type and layer.path != current]
        paths += [alike[len(alike) * part // 4] for part in (3, 2, 1)] if len(alike) > 3 else alike
    return paths[:DEFAULT_LAYERS]


def _cells(layer: LayerInfo) -> int:
    height, width = layer.spatial or (0, 0)
    return height * width
