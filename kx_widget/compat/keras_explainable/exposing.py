"""A model together with the layers that its explanations look at."""

from collections.abc import Sequence
from typing import Any

from kx_widget.engine.errors import ModelError
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.graph.cut import cut_at
from kx_widget.engine.graph.trace import Call, Graph
from kx_widget.engine.lazy_modules import keras, tf


class Exposed(keras.Model):
    """Returns `[logits, activations, …]` of a model, and keeps what was compiled for explaining it.

    It shares the layers and weights of the model, which is neither rebuilt nor changed, so that layers inside
    nested models can be exposed like any other. Logits are scores before the final softmax or sigmoid.

    Args:
        explainer: made for the model, or for a part of it that ends at another output.
        paths: the exposed layers, as the engine names them.
        explained: the model itself.
    """

    def __init__(self, explainer: Explainer, paths: Sequence[str], explained: Any) -> None:
        super().__init__(name=explained.name, dtype="float32")
        self.explained = explained
        self.explainer = explainer
        self.paths = tuple(paths)
        self._parts: dict[tuple[int, int, int], tuple[Any, Any, Any]] = {}
        self.built = True

    @property
    def layers(self) -> Any:
        """Layers of the model itself."""
        return self.explained.layers

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """Layer of the model itself, by name or index."""
        return self.explained.get_layer(name, index)

    @property
    def inputs(self) -> Any:
        """Inputs of the model itself."""
        return self.explained.inputs

    @property
    def outputs(self) -> list[Any]:
        """What a call returns: the logits, then the exposed layers."""
        graph = graph_of(self.explainer)
        tensors = [call.tensor for call in calls_of(graph, self.paths)]
        shapes = [((None, units_of(graph)), "float32", "logits"), *((t.shape, t.dtype.name, None) for t in tensors)]
        return [keras.KerasTensor(shape, dtype, name=name) for shape, dtype, name in shapes]

    def call(self, inputs: Any, training: Any = None) -> list[Any]:
        """Logits and activations; the logits are differentiable with respect to the first of these."""
        x = tf.cast(inputs, tf.float32)
        shape = tuple(x.shape[1:])
        if len(shape) != 3 or None in shape:
            raise ModelError(f"An exposed model is called on (batch, height, width, channels), not {tuple(x.shape)}.")
        with tf.init_scope():
            cut, after, others = self._parts.get(shape) or self._make_parts(shape)
        a, scores, *rest = cut.trunk(x)
        if after is not None:
            batch = tf.shape(a)[0]
            sizes = [tf.stack([tf.cast(batch * rows, dtype), *fixed]) for dtype, (rows, *fixed) in after.shapes]
            (scores,) = after.run(a, *(rest[i - 2] for i in after.facts), *sizes)
        graph = self.explainer.prepare(shape).graph
        return [scores[:, first_unit(graph) :], a, *others(x)]

    def _make_parts(self, shape: tuple[int, int, int]) -> tuple[Any, Any, Any]:
        graph = self.explainer.prepare(shape).graph
        first, *others = calls_of(graph, self.paths)
        cut = cut_at(graph, first)
        values = graph.values(others) if others else lambda _: []
        self._parts[shape] = cut, cut.scores(), values
        return self._parts[shape]


def graph_of(explainer: Explainer) -> Graph:
    """The trace for the input size last used."""
    return explainer.prepare(explainer.inspection.input_shape).graph


def calls_of(graph: Graph, paths: Sequence[str]) -> list[Call]:
    """The calls of these paths."""
    table = {call.path: call for call in graph.calls}
    return [table[path] for path in paths]


def first_unit(graph: Graph) -> int:
    """Index of the engine's class that is unit 0: 1 for a single sigmoid unit s, which makes classes (−s, s)."""
    return int(
        graph.head == "sigmoid" and graph.classes == 2 and (graph.logits.shape.rank < 2 or graph.logits.shape[-1] == 1)
    )


def units_of(graph: Graph) -> int:
    """How many units the output has."""
    return graph.classes - first_unit(graph)


def path_of(graph: Graph, layer: Any, link: str, node: int | str) -> str:
    """The engine's path of what a layer returns (`link="output"`) or is given (`"input"`).

    Args:
        graph: the trace.
        layer: by identity, however deep it is nested.
        link: `"output"` or `"input"`.
        node: which of its calls inside the model, if there are several; numbers beyond the last, and `"last"`,
            mean the last one.

    Raises:
        ModelError: the layer, or what it is given, is not on the way from the image to the scores.
    """
    own = [i for i, call in enumerate(graph.calls) if call.layer is layer]
    if not own:
        raise ModelError(f"The layer {layer.name!r} is not called on the way from the image to the scores.")
    at = own[-1] if node == "last" else own[min(int(node), len(own) - 1)]
    call = graph.calls[at]
    if link == "input":
        call = next((c for c in reversed(graph.calls[:at]) if _leads_to(graph, c, call)), None)
        if call is None:
            raise ModelError(f"The layer {layer.name!r} is given the image itself, which is no layer's output.")
    elif link != "output":
        raise ModelError(f'link={link!r} is not known. Use "output" or "input".')
    return next(c.path for c in graph.calls if c.tensor is call.tensor)


def _leads_to(graph: Graph, first: Call, last: Call) -> bool:
    return first.tensor is not last.tensor and bool(graph.between(first.tensor, last.tensor))
