"""What shape each tensor of a traced graph has for one image.

A trace leaves the batch open, and with it whatever is computed from it: the number of tokens, the windows that
attention cuts an image into. The graph is therefore laid out once more for a batch whose size is a prime number.
TensorFlow then infers every shape without running anything, and a first axis that is a multiple of the prime tells
how many rows one image takes.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from kx_widget.engine.errors import ModelError, plain
from kx_widget.engine.lazy_modules import tf

BATCH = 997
# Ops that call a function, or stack what its calls in a loop returned: as many rows as there are images.
OPAQUE = {
    "TensorListStack",
    *("PartitionedCall", "StatefulPartitionedCall", "XlaLaunch", "PyFunc", "PyFuncStateless", "EagerPyFunc"),
    *("If", "StatelessIf", "While", "StatelessWhile", "Case", "StatelessCase"),
}


class Shapes:
    """Shapes of the tensors of one graph, per image.

    Args:
        graph: a `FuncGraph`.
        inputs: its placeholders (B, …), for images and what is beside them.
        ops: those of its ops that depend on these; their outputs learn here what was inferred, the batch still open.

    Raises:
        ModelError: the model puts several images together, so that not every number of them will do.
    """

    def __init__(self, graph: Any, inputs: Sequence[Any], ops: Iterable[Any]) -> None:
        self._rows: dict[str, int] = {}
        inferred = _inferred(graph, inputs)
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


def _inferred(graph: Any, inputs: Sequence[Any]) -> dict[str, Any]:
    """Name -> shape of every tensor whose shape is known once the batch is."""
    definition = graph.as_graph_def()
    # The copy knows the variables' handles without what they hold, and does not look into functions.
    results = [t for op in graph.get_operations() if _hides_shapes(op) for t in op.outputs]
    names = {t.name.removesuffix(":0"): _name_alone(t) for t in results}
    placeholders = {t.op.name for t in inputs}
    nodes = [node for node in definition.node if node.name not in names]
    for node in nodes:
        if node.name in placeholders:
            node.attr["shape"].shape.dim[0].size = BATCH
        node.input[:] = [names.get(name, name) for name in node.input]
    copied = tf.compat.v1.GraphDef(versions=definition.versions, library=definition.library, node=nodes)
    copied.node.extend(map(_placeholder, results))
    try:
        with tf.Graph().as_default() as laid_out:
            tf.graph_util.import_graph_def(copied, name="")
    except ValueError as error:
        raise ModelError(f"The model does not take batches of any size; for {BATCH} images: {plain(error)}") from error
    original = {f"{alone}:0": t.name for t, alone in zip(results, names.values(), strict=True)}
    tensors = [t for op in laid_out.get_operations() for t in op.outputs]
    return {original.get(t.name, t.name): t.shape.as_list() for t in tensors if t.shape.is_fully_defined()}


def _hides_shapes(op: Any) -> bool:
    return op.type in OPAQUE or (len(op.outputs) == 1 and any(t.dtype == tf.resource for t in op.inputs))


def _name_alone(t: Any) -> str:
    """What the op is called that stands for one result of another; control edges find the first."""
    return t.op.name if t.value_index == 0 else f"{t.op.name}/result_{t.value_index}"


def _placeholder(t: Any) -> Any:
    shape = t.shape.as_proto()
    if t.op.type in OPAQUE and t.shape.rank and t.shape[0] is None:
        shape.dim[0].size = BATCH
    node = tf.compat.v1.NodeDef(name=_name_alone(t), op="Placeholder")
    node.attr["dtype"].type = t.dtype.as_datatype_enum
    node.attr["shape"].shape.CopyFrom(shape)
    return node
