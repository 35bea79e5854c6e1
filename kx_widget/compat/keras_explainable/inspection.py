"""Finding layers and exposing them, under keras-explainable's names."""

from collections.abc import Iterable, Sequence
from typing import Any

from kx_widget.compat.keras_explainable.exposing import Exposed, calls_of, graph_of, path_of
from kx_widget.engine.errors import ModelError
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.keras_private import history, inbound_nodes, sublayers
from kx_widget.engine.lazy_modules import keras, tf

kl = keras.layers
KERNEL_AXIS = -1
SPATIAL_AXIS = (-3, -2)
NORMALIZATION_LAYERS = (kl.BatchNormalization, kl.LayerNormalization, kl.GroupNormalization)
POOLING_LAYERS = (
    kl.Flatten,
    *(kl.GlobalAveragePooling1D, kl.GlobalAveragePooling2D, kl.GlobalAveragePooling3D),
    *(kl.GlobalMaxPooling1D, kl.GlobalMaxPooling2D, kl.GlobalMaxPooling3D),
)


def get_nested_layer(model: Any, name: str | Sequence[str]) -> Any:
    """The layer of that name, or at the end of a chain of names that leads through nested models.

    Raises:
        ValueError: there is no such layer.
    """
    for part in [name] if isinstance(name, str) else name:
        model = model.get_layer(part)
    return model


def get_logits_layer(model: Any, name: str | Sequence[str] | None = None) -> Any:
    """The layer of that name, or the last one that has a kernel.

    Raises:
        ValueError: there is no such layer.
    """
    return find_layer_with(model, name, properties=("kernel",))


def get_global_pooling_layer(model: Any, name: str | Sequence[str] | None = None) -> Any:
    """The layer of that name, or the last one that pools globally or flattens.

    Raises:
        ValueError: there is no such layer.
    """
    return find_layer_with(model, name, klass=POOLING_LAYERS)


def find_layer_with(
    model: Any,
    name: str | Sequence[str] | None = None,
    properties: Sequence[str] | None = None,
    klass: tuple[type, ...] | None = None,
    search_reversed: bool = True,
) -> Any:
    """The last (or first) layer, at any depth, of one of these classes that has these attributes.

    Raises:
        ValueError: nothing to search by was given, or no layer matches.
    """
    if name is not None:
        return get_nested_layer(model, name)
    if not properties and not klass:
        raise ValueError("Say what to look for: name, properties or klass.")
    layers = _matching(model, properties or (), klass or (object,))
    if not layers:
        conditions = [*(k.__name__ for k in klass or ()), *(f".{p}" for p in properties or ())]
        raise ValueError(f"The model {model.name!r} has no layer with {' or '.join(conditions)}. Pass its name.")
    return layers[-1 if search_reversed else 0]


def _matching(model: Any, properties: Iterable[str], klass: tuple[type, ...]) -> list[Any]:
    everything = [layer for _, layer in sublayers(_bare(model))]
    return [x for x in everything if isinstance(x, klass) and all(hasattr(x, p) for p in properties)]


def _bare(model: Any) -> Any:
    return model.explained if isinstance(model, Exposed) else model


def endpoints(model: Any, endpoints: Sequence[Any]) -> list[Any]:
    """Keras's symbolic tensors of layers: each an index, a name, a layer, or a dict as in `expose`.

    A tensor inside a nested model belongs to that model's own graph; `expose` needs none of these.

    Raises:
        ValueError: no such layer, or it was never called symbolically, as in a subclassed model.
    """
    symbolic = []
    for spec in endpoints:
        layer, link, node = _described(model, spec)
        nodes = inbound_nodes(layer)
        if not nodes:
            raise ValueError(f"The layer {layer.name!r} has no symbolic tensors.")
        at = nodes[-1 if node == "last" else int(node)]
        tensors = at.input_tensors if link == "input" else at.output_tensors
        symbolic.append(tensors[0] if len(tensors) == 1 else list(tensors))
    return symbolic


def _described(model: Any, spec: Any, link: str = "output") -> tuple[Any, str, int | str]:
    """(layer, link, node) of what names an endpoint."""
    model = _bare(model)
    if isinstance(spec, int):
        spec = {"layer": model.layers[spec]}
    elif isinstance(spec, (str, tuple)):
        spec = {"name": spec}
    elif isinstance(spec, keras.Operation):
        spec = {"layer": spec}
    if not isinstance(spec, dict) or not ("layer" in spec or "name" in spec):
        raise ValueError(
            f"{spec!r} is not an endpoint. Pass a layer, its index or name, a tuple of names through nested models, "
            'or a dict with "layer" or "name", and if needed "link" ("input" or "output") and "node".'
        )
    layer = spec["layer"] if "layer" in spec else get_nested_layer(model, spec["name"])
    return layer, spec.get("link", link), spec.get("node", "last")


def expose(model: Any, arguments: Any = None, outputs: Any = None) -> Exposed:
    """The model, with layers chosen to be explained: a call returns `[logits, activations, …]`.

    Args:
        model: Functional, Sequential, subclassed, or nesting these to any depth.
        arguments: one or a list of layers, indices, names, tuples of names through nested models, or dicts like
            `{"name": "avg_pool", "link": "input", "node": "last"}`. None takes what the last global pooling is
            given, or where that is no map through which everything passes, the layer that the engine recommends.
        outputs: the layer whose units are explained, in the same terms; None is the model's output. A final
            softmax or sigmoid is left out either way.

    Raises:
        ValueError: no such layer, or the model cannot be explained; a `ModelError` where the latter.
    """
    model = _bare(model)
    explainer = _explainer_for(model, outputs)
    graph = graph_of(explainer)
    if arguments is None:
        paths = [_default_path(explainer)]
    else:
        specs = arguments if isinstance(arguments, (list, set)) else [arguments]
        paths = [path_of(graph, *_described(model, spec)) for spec in specs]
    return Exposed(explainer, paths, model)


def exposed(model: Any, force: bool = True) -> Exposed:
    """The model as `expose` makes it; one that returns [logits, activations, …] by itself exposes these.

    Args:
        model: exposed already, or any other.
        force: False keeps the result with the model, and takes what was kept.
    """
    if isinstance(model, Exposed):
        return model
    if not force and "_kx_exposed" in model.__dict__:
        return model.__dict__["_kx_exposed"]
    returned: list[Any] = getattr(model, "outputs", None) or []
    histories = [history(t) for t in returned[1:] if len(t.shape) > 2]
    if histories:
        explainer = Explainer(model, preprocess=None, output=0)
        paths = [path_of(graph_of(explainer), h.operation, "output", h.node_index) for h in histories]
        result = Exposed(explainer, paths, model)
    else:
        result = expose(model)
    if not force:
        model.__dict__["_kx_exposed"] = result
    return result


def _explainer_for(model: Any, outputs: Any) -> Explainer:
    if isinstance(outputs, (list, set)):
        (outputs,) = outputs
    model_outputs = getattr(model, "outputs", None) or []
    if outputs is None:
        if len(model_outputs) < 2:
            return Explainer(model, preprocess=None)
        outputs = get_logits_layer(model)
    layer, link, node = _described(model, outputs)
    of = [i for i, t in enumerate(model_outputs) if history(t).operation is layer]
    if of and link == "output":
        return Explainer(model, preprocess=None, output=of[0])
    if not any(layer is each for each in getattr(model, "layers", ())) or not model_outputs:
        last = [path for path, each in sublayers(model) if each is layer]
        raise ModelError(f"The output {(last or [layer.name])[0]!r} lies inside another model; expose that one.")
    (tensor,) = endpoints(model, [{"layer": layer, "link": link, "node": node}])
    return Explainer(keras.Model(model.inputs, tensor, name=model.name), preprocess=None)


def _default_path(explainer: Explainer) -> str:
    graph, inspection = graph_of(explainer), explainer.inspection
    for layer in reversed(_matching(explainer.model, (), POOLING_LAYERS)):
        if any(call.layer is layer for call in graph.calls):
            path = path_of(graph, layer, "input", "last")
            if path in inspection.candidates and graph.is_bottleneck(calls_of(graph, [path])[0]):
                return path
    if inspection.recommended is None:
        raise ModelError(inspection.why)
    return inspection.recommended


def gather_units(tensor: Any, indices: Any, axis: int = -1, batch_dims: int = -1) -> Any:
    """The units of a tensor that `indices` names, by default (N, T) of (N, C) image by image; None takes all."""
    return tensor if indices is None else tf.gather(tensor, indices, axis=axis, batch_dims=batch_dims)


def layers_with_biases(model: Any, exclude: Sequence[Any] = (), return_biases: bool = True) -> Any:
    """Layers that add something constant, at any depth, and what they add.

    Returns:
        `(layers, biases)`, or the layers only.
    """
    everything = [layer for _, layer in sublayers(_bare(model))]
    found = [x for x in everything if not any(x is e for e in exclude) and _bias_of(x) is not None]
    return (found, biases(found)) if return_biases else found


def biases(layers: Sequence[Any]) -> list[Any]:
    """What each layer adds that does not depend on the image; layers that add nothing are left out."""
    return [bias for bias in map(_bias_of, layers) if bias is not None]


def _bias_of(layer: Any) -> Any | None:
    if isinstance(layer, kl.BatchNormalization):
        scale = tf.math.rsqrt(tf.convert_to_tensor(layer.moving_variance) + layer.epsilon)
        scale = scale if layer.gamma is None else scale * layer.gamma
        bias = -tf.convert_to_tensor(layer.moving_mean) * scale
        return bias if layer.beta is None else bias + layer.beta
    if isinstance(layer, NORMALIZATION_LAYERS):
        # Its mean and deviation depend on the image, so that β is all it adds.
        return layer.beta if layer.center else None
    return getattr(layer, "bias", None)
