"""What shape each tensor of a traced graph has for one image.

A trace leaves the batch open, and with it whatever is computed from it: the number of tokens, the windows that
attention cuts an image into. The graph is therefore laid out once more for a batch whose size is a prime number.
TensorFlow then infers every shape without running anything, and a first axis that is a multiple of the prime tells
how many rows one image takes.
"""

import math
from collections.abc import Iterable
from typing import Any

import tensorflow as tf

from kx_widget.engine.errors import ModelError, plain

BATCH = 997
# Ops that call a function; what they return has as many rows as there are images.
OPAQUE = {
    *("PartitionedCall", "StatefulPartitionedCall", "XlaLaunch", "PyFunc", "PyFuncStateless", "EagerPyFunc"),
    *("If", "StatelessIf", "While", "StatelessWhile", "Case", "StatelessCase"),
}


class Shapes:
    """Shapes of the tensors of one graph, per image.

    Args:
        graph: a `FuncGraph`.
        x: its placeholder for images (B, H, W, C).
        ops: those of its ops that depend on x; their outputs learn here what was inferred, with the batch still open.

    Raises:
        ModelError: the model puts several images together, so that not every number of them will do.
    """

    def __init__(self, graph: Any, x: Any, ops: Iterable[Any]) -> None:
        self._rows: dict[str, int] = {}
        inferred = _inferred(graph, x)
        for t in (t for op in ops for t in op.outputs):
            shape = inferred.get(t.name)
            if shape and shape[0] % BATCH == 0:
                t.set_shape((None, *shape[1:]))
                self._rows[t.name] = shape[0] // BATCH

    def rows(self, t: Any) -> int:
        """How many entries of the first axis belong to one image; 0 where that is not known or not so."""
        return self._rows.get(t.name, 0)

    def of_image(self, t: Any) -> tuple[int, ...] | None:
        """The shape of what belongs to one image, its rows first; None where that is not known."""
        return (self._rows[t.name], *t.shape[1:]) if t.name in self._rows else None

    def bytes(self, t: Any) -> int:
        """Memory that the tensor takes for one image, 0 where its shape does not tell."""
        return math.prod(self.of_image(t) or (0,)) * t.dtype.size


def _inferred(graph: Any, x: Any) -> dict[str, Any]:
    """Name -> shape of every tensor whose shape is known once the batch is."""
    definition = graph.as_graph_def()
    for node in definition.node:
        op = graph.get_operation_by_name(node.name)
        if op is x.op:
            node.attr["shape"].shape.dim[0].size = BATCH
        elif len(op.outputs) == 1 and (op.type in OPAQUE or any(t.dtype == tf.resource for t in op.inputs)):
            # The copy knows the variables' handles without what they hold, and does not look into functions.
            (value,) = op.outputs
            shape = value.shape.as_proto()
            if op.type in OPAQUE and value.shape.rank and value.shape[0] is None:
                shape.dim[0].size = BATCH
            node.Clear()
            node.name, node.op = op.name, "Placeholder"
            node.attr["dtype"].type = value.dtype.as_datatype_enum
            node.attr["shape"].shape.CopyFrom(shape)
    try:
        with tf.Graph().as_default() as laid_out:
            tf.graph_util.import_graph_def(definition, name="")
    except ValueError as error:
        raise ModelError(f"The model does not take batches of any size; for {BATCH} images: {plain(error)}") from error
    tensors = [t for op in laid_out.get_operations() for t in op.outputs]
    return {t.name: t.shape.as_list() for t in tensors if t.shape.is_fully_defined()}
