"""What kind of model is this: its layers, the one to explain by default, its head, its input."""

from typing import Any

from kx_widget.engine.errors import ModelError, UnknownLayerError, did_you_mean
from kx_widget.engine.graph import Call, Graph
from kx_widget.engine.tasks import image_part
from kx_widget.engine.tracing import sublayers
from kx_widget.engine.types import Inspection, LayerInfo

MIXING = {
    *("Conv2D", "DepthwiseConv2dNative", "Conv2DBackpropInput", "MatMul", "BatchMatMul", "BatchMatMulV2"),
    *("BatchMatMulV3", "Einsum", "Conv3D"),
}
RECTIFIED = {"Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Softplus"}


def check_model(model: Any) -> None:
    """Refuse what is no built Keras model with one image input on the TensorFlow backend.

    Raises:
        ModelError: says what is missing.
    """
    import keras

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


def declared_input(model: Any) -> tuple[int | None, int | None, int]:
    """(H, W, C) as the model declares it, None where free.

    Raises:
        ModelError: no or several inputs, or the input is not an image with 1 or 3 channels last.
    """
    shapes = _declared_shapes(model)
    if not shapes:
        raise ModelError(
            f"The model {model.name!r} does not say what its input looks like. "
            "Call model.build((None, height, width, 3)), or call it once on a batch of images."
        )
    if len(shapes) > 1:
        part = image_part(model)
        hint = f" Explain {part}, which takes images, with a head of one score per class on it." if part else ""
        raise ModelError(f"The model has {len(shapes)} inputs; one image input is needed.{hint}")
    shape = tuple(shapes[0])
    if len(shape) != 4:
        raise ModelError(
            f"The model's input has shape {shape}: not a batch of images (batch, height, width, channels)."
        )
    if shape[-1] not in (1, 3):
        hint = " It looks like channels first; channels last is needed." if shape[1] in (1, 3) else ""
        raise ModelError(f"The model's input has shape {shape}; the last axis must be 1 or 3 channels.{hint}")
    return shape[1], shape[2], shape[3]


def _declared_shapes(model: Any) -> list[Any] | None:
    try:
        inputs = model.inputs
    except (AttributeError, ValueError):
        inputs = None
    if inputs:
        return [i.shape for i in inputs]
    built = getattr(model, "_build_shapes_dict", None) or {}
    shapes = [s for s in built.values() if isinstance(s, (list, tuple)) and s and not isinstance(s[0], (list, tuple))]
    return [(None, *s[1:]) for s in shapes] or None


def inspect(model: Any, graph: Graph) -> Inspection:
    """Facts about a traced model."""
    input_shape = tuple(int(d) for d in graph.x.shape[1:])
    aspect = input_shape[0] / input_shape[1]
    layers, grid = [], None
    for call in graph.calls:
        shape = tuple(call.tensor.shape[1:])
        spatial, tokens = spatial_of(shape, aspect)
        grid = spatial if tokens and spatial else grid
        reason = _objection(graph, call, shape, spatial)
        layers.append(LayerInfo(call.path, type(call.layer).__name__, shape, spatial, not reason, reason))
    recommended, why = _recommend(graph, layers)
    return Inspection(
        layers=tuple(layers),
        recommended=recommended,
        why=why,
        head=graph.head,
        classes=graph.classes,
        input_shape=(input_shape[0], input_shape[1], input_shape[2]),
        nested=any(hasattr(layer, "layers") for _, layer in sublayers(model)),
        token_grid=grid,
    )


def spatial_of(shape: tuple[int | None, ...], aspect: float) -> tuple[tuple[int, int] | None, bool]:
    """((h, w), is tokens) of a layer's output shape without its batch axis, for images of H/W `aspect`.

    T tokens of D features are taken as a grid of the image's aspect, with or without one class token.
    """
    if len(shape) == 3 and None not in shape:
        return (int(shape[0] or 0), int(shape[1] or 0)), False
    if len(shape) == 2 and None not in shape:
        for tokens in (int(shape[0] or 0), int(shape[0] or 0) - 1):
            h = round((max(tokens, 0) * aspect) ** 0.5)
            if h > 1 and tokens % h == 0 and abs(h / (tokens / h) - aspect) < 1e-6:
                return (h, tokens // h), True
    return None, False


def _objection(graph: Graph, call: Call, shape: tuple[int | None, ...], spatial: tuple[int, int] | None) -> str:
    if spatial is None:
        if len(shape) == 2:
            return f"{shape[0]} tokens do not form a grid of the image's aspect"
        return f"no spatial map: its output is {' × '.join(str(d or '?') for d in shape) or 'a number'}"
    if min(spatial) < 2:
        return f"its map has {spatial[0]} × {spatial[1]} cells"
    if not call.tensor.dtype.is_floating:
        return "its output has no gradient"
    if not graph.reaches_scores(call):
        return "the scores do not depend on it"
    return ""


def _recommend(graph: Graph, layers: list[LayerInfo]) -> tuple[str | None, str]:
    """The last rectified tensor through which everything passes, unless the model still mixes space after it."""
    last = None
    for call, layer in zip(reversed(graph.calls), reversed(layers), strict=True):
        if not layer.is_candidate or not graph.is_bottleneck(call):
            continue
        last = last or (call, layer)
        if any(op.type in MIXING for op in graph.between(call.tensor, last[0].tensor)):
            break
        if _is_rectified(call):
            call, layer = _first_with(graph, call), layer
            return call.path, (f"{_size(layer)}: the last rectified layer that still has a map; nothing bypasses it.")
    if last is not None:
        call, layer = _first_with(graph, last[0]), last[1]
        return call.path, f"{_size(layer)}: the last layer that still has a map; nothing bypasses it."
    candidates = [layer for layer in layers if layer.is_candidate]
    if candidates:
        return candidates[
            -1
        ].path, f"{_size(candidates[-1])}: the last layer with a map, though some signal bypasses it."
    return None, "No layer has a map of more than one cell; methods that see the input still work."


def _size(layer: LayerInfo) -> str:
    h, w = layer.spatial or (0, 0)
    unit = "feature" if len(layer.shape) == 2 else "channel"
    return f"{h} × {w} cells, {layer.shape[-1]} {unit}{'' if layer.shape[-1] == 1 else 's'}"


def _first_with(graph: Graph, call: Call) -> Call:
    return next(c for c in graph.calls if c.tensor is call.tensor)


def _is_rectified(call: Call) -> bool:
    activation = getattr(call.layer, "activation", None)
    if activation is not None and getattr(activation, "__name__", "linear") not in ("linear", "softmax"):
        return True
    return call.tensor.op.type in RECTIFIED


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
                    f"Layer {path!r} cannot be explained: {layer.reason}.{did_you_mean(path, inspection.candidates)}"
                )
            return call
    short = [c for c in inspection.candidates if c.endswith(f"/{path}")]
    if len(short) == 1:
        raise UnknownLayerError(f"There is no layer {path!r}. Did you mean {short[0]!r}?")
    raise UnknownLayerError(f"There is no layer {path!r}.{did_you_mean(path, inspection.candidates)}")
