"""What kind of model is this: its layers, the one to explain by default, its head, its input."""

from typing import Any

from kx_widget.engine.asides import asides, is_rectified
from kx_widget.engine.errors import ModelError, UnknownLayerError, did_you_mean
from kx_widget.engine.graph.attention import Attention
from kx_widget.engine.graph.logits import FORWARDING
from kx_widget.engine.graph.memory import MIXING
from kx_widget.engine.graph.places import WINDOWS, Place
from kx_widget.engine.graph.trace import Call, Graph
from kx_widget.engine.keras_private import check, sublayers
from kx_widget.engine.lazy_modules import keras
from kx_widget.engine.pointing import (
    CLASS_TOKEN,
    FEWER_KEYS,
    POOLED_TOKENS,
    WINDOWED,
    WINDOWED_AND_GLOBAL,
    Measured,
)
from kx_widget.engine.types import Inspection, LayerInfo

READ_INSTEAD = "not the patches"
# Coarser grids than this part of the picture are those of pooling branches.
COARSEST = 64


def check_model(model: Any) -> None:
    """Refuse what is no built Keras model with one image input on the TensorFlow backend.

    Raises:
        ModelError: says what is missing; or these versions of Keras and TensorFlow cannot be looked into.
    """
    if not isinstance(model, keras.Model):
        if any(kind.__module__.startswith("tf_keras.") for kind in type(model).__mro__):
            raise ModelError(
                f"{type(model).__name__} is a model of Keras 2 (tf_keras); Keras 3 is needed. Save it with "
                'model.save("model.h5") and open it with keras.models.load_model.'
            )
        raise ModelError(f"{type(model).__name__} is not a keras.Model. Pass the model itself.")
    if keras.backend.backend() != "tensorflow":
        raise ModelError(
            f"Keras runs on {keras.backend.backend()!r}; explaining needs the TensorFlow backend. "
            'Set os.environ["KERAS_BACKEND"] = "tensorflow" before Keras is imported.'
        )
    if not model.built:
        raise ModelError(
            f"The model {model.name!r} is not built: it has no weights yet. "
            "Call it once on a batch of images, or model.build((None, height, width, 3))."
        )
    check()


def inspect(model: Any, graph: Graph) -> Inspection:
    """Facts about a traced model."""
    input_shape = tuple(int(d) for d in graph.x.shape[1:])
    beside = asides(graph)
    layers = [_layer_info(graph, call, beside.get(call.path, "")) for call in graph.calls]
    grids = [place.grid for call in graph.calls if (place := graph.places.of(call.tensor)) and place.tokens]
    attention = Attention(graph)
    recommended, why = _recommend(graph, layers) if graph.output is None else _recommend_coarsest(graph, layers)
    measured = None
    ends_in_tokens = _ends_in_tokens(graph, recommended)
    # What was measured of attention was measured of models with one score per class.
    sources = _sources(graph, layers, attention, recommended, ends_in_tokens) if graph.output is None else []
    if sources:
        measured = _measured(attention, layers) if ends_in_tokens else WINDOWED_AND_GLOBAL
        recommended, why = _recommend_source(layers, sources, of_all_cells=not ends_in_tokens)
    start = None if attention.objection or not sources else sources[0].path
    method, why_method = _recommend_method(recommended, start, measured)
    return Inspection(
        layers=tuple(layers),
        recommended=recommended,
        why=why,
        head=graph.head,
        classes=graph.classes,
        input_shape=(input_shape[0], input_shape[1], input_shape[2]),
        nested=any(hasattr(layer, "layers") for _, layer in sublayers(model)),
        token_grid=grids[-1] if grids else None,
        attention_start=start,
        recommended_method=method,
        why_method=why_method,
        cautions=measured.cautions() if measured else {},
        heads=() if attention.objection else attention.heads,
    )


def _layer_info(graph: Graph, call: Call, aside: str) -> LayerInfo:
    place = graph.places.of(call.tensor)
    reason = graph.places.objection(call.tensor) if place is None else _objection(graph, call, place)
    shape, kind = tuple(call.tensor.shape[1:]), type(call.layer).__name__
    first = place.first if place else 0
    return LayerInfo(call.path, kind, shape, place and place.grid, not reason, reason, first, "" if reason else aside)


def _objection(graph: Graph, call: Call, place: Place) -> str:
    """Why a tensor that is a grid gives no map, or "" if it gives one."""
    if min(place.grid) < 2:
        return f"its map has {place.grid[0]} × {place.grid[1]} cells"
    if not call.tensor.dtype.is_floating:
        return "its output has no gradient"
    if not graph.reaches_scores(call):
        return "the scores do not depend on it"
    reached = graph.reach.of(call.tensor)
    if reached.shape:
        tokens: Any = reached.any((0, 2)) if place.tokens else reached
        if place.tokens and tokens.any() and not tokens[place.cells].any():
            return _read_instead(tokens)
    return "" if reached.any() else "the scores do not depend on it"


def _read_instead(tokens: Any) -> str:
    """Which tokens (T,) the head reads, none of which is a patch."""
    count = int(tokens.sum())
    return f"the head reads only its {'class token' if count == 1 else f'{count} prefix tokens'}, {READ_INSTEAD}"


def _recommend(graph: Graph, layers: list[LayerInfo]) -> tuple[str | None, str]:
    """The last rectified tensor through which everything passes, unless the model still mixes space after it."""
    last = None
    for call, layer in zip(reversed(graph.calls), reversed(layers), strict=True):
        if not layer.is_candidate or not graph.is_bottleneck(call):
            continue
        last = last or (call, layer)
        if any(op.type in MIXING for op in graph.between(call.tensor, last[0].tensor)):
            break
        if is_rectified(call):
            call, layer = _first_with(graph, call), layer
            return call.path, _last_of(layer)
    if last is not None:
        call, layer = _first_with(graph, last[0]), last[1]
        return call.path, _last_of(layer)
    candidates = [layer for layer in layers if layer.is_candidate]
    if candidates:
        layer = candidates[-1]
        return layer.path, _last_of(layer, "Some of what the model decides bypasses it.")
    if any(WINDOWS in layer.reason for layer in layers):
        return (
            None,
            "Layers hold windows of each image, and no layer a map of it; methods that see the input still work.",
        )
    return None, "No layer has a map of more than one cell; methods that see the input still work."


def _recommend_coarsest(graph: Graph, layers: list[LayerInfo]) -> tuple[str | None, str]:
    """The last rectified layer of the coarsest grid, which a segmenter sees the picture with before it draws.

    Maps of the last layer before the classes show the prediction once more, whatever place is asked about. Of a
    detector it is one that all boxes come from: a level of a pyramid tells some of them.
    """
    least = [max(2, side // COARSEST) for side in graph.x.shape[1:3]]
    grids = {
        layer.path: layer.spatial[0] * layer.spatial[1]
        for call, layer in zip(graph.calls, layers, strict=True)
        if len(graph.pieces_from(call)) == len(graph.pieces)
        and layer.is_candidate
        and layer.spatial
        and all(s >= n for s, n in zip(layer.spatial, least, strict=True))
    }
    if not grids:
        return _recommend(graph, layers)
    coarsest = min(grids.values())
    pairs = [pair for pair in zip(graph.calls, layers, strict=True) if grids.get(pair[1].path) == coarsest]
    call, layer = next((pair for pair in reversed(pairs) if is_rectified(pair[0])), pairs[-1])
    shared = " that all boxes come from" if graph.pieces else ""
    return _first_with(graph, call).path, (
        f"the last layer of the coarsest grid{shared}: {_size(layer)}. Each of its cells has seen the most of the "
        "picture; maps of later layers show little but the prediction itself."
    )


def _last_of(layer: LayerInfo, passing: str = "All that the model decides goes through it.") -> str:
    return f"the last layer where the picture still has rows and columns: {_size(layer)}. {passing}"


def _measured(attention: Attention, layers: list[LayerInfo]) -> Measured | None:
    """What was measured on a net of this kind."""
    if any(READ_INSTEAD in layer.reason for layer in layers):
        return CLASS_TOKEN
    if not attention.objection:
        return POOLED_TOKENS
    if attention.in_windows:
        return WINDOWED
    return FEWER_KEYS if attention.has_fewer_keys else None


def _sources(
    graph: Graph, layers: list[LayerInfo], attention: Attention, recommended: str | None, ends_in_tokens: bool
) -> list[Call]:
    """The layer of tokens that each attention takes in.

    Where the model ends in a layer that holds an image, these are instead layers of the same grid that attention of
    all cells takes in while other blocks look at windows of it (ViTDet); there are none without windows.
    """
    candidates = [(call, layer) for call, layer in zip(graph.calls, layers, strict=True) if layer.is_candidate]
    if ends_in_tokens:
        return attention.sources([call for call, layer in candidates if len(layer.shape) == 2])
    grid = next((layer.spatial for _, layer in candidates if layer.path == recommended), None)
    if grid is None or not attention.in_windows:
        return []
    return attention.sources([call for call, layer in candidates if layer.spatial == grid], grid[0] * grid[1])


def _recommend_source(layers: list[LayerInfo], sources: list[Call], of_all_cells: bool) -> tuple[str, str]:
    """The cells that the first attention takes in, of those that lie in the last grid: CAMs point best there."""
    by_path = {layer.path: layer for layer in layers}
    infos = [by_path[call.path] for call in sources]
    layer = next(info for info in infos if info.spatial == infos[-1].spatial)
    last = " of all cells" if of_all_cells else "" if layer is infos[0] else " of the last stage"
    return layer.path, (
        f"the patches of the picture as the first attention{last} takes them in: {_size(layer)}. Each attention mixes "
        "them, and a patch stands less for its place."
    )


def _recommend_method(recommended: str | None, start: str | None, measured: Measured | None) -> tuple[str, str]:
    """The id of the method to begin with, and why."""
    if recommended is None:
        return "gradients", "No layer has a map, and gradients see the input."
    if measured is None:
        return "gradcam", "One pass gives its map at the recommended layer."
    # What the class token read is not to be had where attention does not tell.
    method = measured.first if measured.first != "attention_gradient" or start else measured.second
    return method, measured.why(method)


def _ends_in_tokens(graph: Graph, path: str | None) -> bool:
    """Whether the layer that is read in the end holds tokens, also if they were laid out as an image at last."""
    tensor: Any = next((call.tensor for call in graph.calls if call.path == path), None)
    while tensor is not None and tensor.shape.rank == 4 and tensor.op.type in FORWARDING:
        tensor = tensor.op.inputs[0]
    return tensor is not None and tensor.shape.rank == 3


def _size(layer: LayerInfo) -> str:
    h, w = layer.spatial or (0, 0)
    unit = "feature" if len(layer.shape) == 2 else "channel"
    return f"{h} × {w} cells, {layer.shape[-1]} {unit}{'' if layer.shape[-1] == 1 else 's'}"


def _first_with(graph: Graph, call: Call) -> Call:
    return next(c for c in graph.calls if c.tensor is call.tensor)


def find_call(graph: Graph, inspection: Inspection, path: Any) -> Call:
    """The call of the layer of that path.

    Raises:
        UnknownLayerError: no such layer, or it gives no map; names candidates.
    """
    if not isinstance(path, str):
        raise UnknownLayerError(f"layer={path!r} is not the path of a layer.{did_you_mean('', inspection.candidates)}")
    for call, layer in zip(graph.calls, inspection.layers, strict=True):
        if layer.path == path:
            if not layer.is_candidate:
                raise UnknownLayerError(
                    f"Layer {path!r} cannot be explained: {layer.reason}. Recommended: {inspection.recommended!r}."
                    f"{did_you_mean(path, inspection.candidates)}"
                )
            return call
    if any(path in heads for heads in inspection.heads):
        raise UnknownLayerError(
            f"{path!r} is one head of the attention, and only shows where it looks. Choose a layer to start from: "
            f"{inspection.attention_start!r} for all blocks."
        )
    short = [c for c in inspection.candidates if c.endswith(f"/{path}")]
    if len(short) == 1:
        raise UnknownLayerError(f"There is no layer {path!r}. Did you mean {short[0]!r}?")
    raise UnknownLayerError(f"There is no layer {path!r}.{did_you_mean(path, inspection.candidates)}")
