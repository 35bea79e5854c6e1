"""Which methods to begin with on a model, and beside each other."""

from collections.abc import Mapping

from kx_widget.engine.registry import CONTROLS, Method, by_purpose
from kx_widget.engine.types import Inspection, Workload

RECOMMENDED = 3
# Passes of a method that says in words alone what it costs.
PASSES = {"instant": 1, "1 pass": 3}


def recommended_methods(methods: Mapping[str, Method], inspection: Inspection) -> dict[str, str]:
    """The model's own recommended method and those to begin with of other purposes, by id: the reason, in a sentence.

    Those that something is known against on such a model come last.
    """
    first = {inspection.recommended_method: inspection.why_method}
    own = methods[inspection.recommended_method].purpose
    others = [
        next((row for row in rows if row.why_first and has_place(row, inspection)), None)
        for purpose, rows in by_purpose(methods.values()).items()
        if purpose != own
    ]
    best = sorted(filter(None, others), key=lambda row: bool(caution(row, inspection)))
    return dict([*first.items(), *((row.id, row.why_first) for row in best)][:RECOMMENDED])


def methods_beside(methods: Mapping[str, Method], current: Method, inspection: Inspection, passes: float) -> list[str]:
    """The current method, and others that work in another way; cheap ones come first.

    Methods of one family differ little, and on many models not at all. These are the model's recommended one and, of
    each other purpose, the one to begin with, or else the cheapest.

    Args:
        methods: by id.
        current: the method to stand beside.
        inspection: of the model.
        passes: how many an answer about one image may take.
    """
    best: list[Method] = []
    recommended = methods[inspection.recommended_method]
    if recommended.family != current.family:
        best.append(recommended)
    for purpose, rows in by_purpose(methods.values()).items():
        if purpose in (CONTROLS, current.purpose, *(row.purpose for row in best)):
            continue
        fit = [row for row in rows if has_place(row, inspection) and passes_of(row, inspection) <= passes]
        best += sorted(fit, key=lambda row: (not row.why_first, passes_of(row, inspection)))[:1]
    best.sort(key=lambda row: passes_of(row, inspection))
    return [current.id, *(row.id for row in best)]


def has_place(method: Method, inspection: Inspection) -> bool:
    """Whether the model has what the method sees."""
    return method.sees == "input" or inspection.layer_for(method.sees) is not None


def caution(method: Method, inspection: Inspection) -> str:
    """How far its maps can be trusted on the model, "" where nothing is known against them."""
    return inspection.cautions.get(method.id, inspection.cautions.get(method.sees, ""))


def passes_of(method: Method, inspection: Inspection) -> float:
    """About how many passes an answer about one image takes at most, with the method's own parameters."""
    if method.passes is None:
        return PASSES.get(method.cost, float("inf"))
    path, (height, width, _) = inspection.layer_for(method.sees), inspection.input_shape
    channels = next((layer.shape[-1] for layer in inspection.layers if layer.path == path), None)
    return method.passes(method.complete({}), Workload(height, width, channels or 0))
