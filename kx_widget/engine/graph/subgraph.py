"""What in a traced graph depends on what, and a part of one as a function of its own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kx_widget.engine.graph.memory import SHAPE_ONLY
from kx_widget.engine.keras_private import capture, captures, compiled
from kx_widget.engine.lazy_modules import tf


def dependents(tensors: Sequence[Any]) -> set[str]:
    """Names of the ops whose value depends on these tensors' values; knowing a shape does not count."""
    seen = {t.op.name for t in tensors}
    stack = list(tensors)
    while stack:
        for op in stack.pop().consumers():
            if op.name not in seen and op.type not in SHAPE_ONLY:
                seen.add(op.name)
                stack.extend(op.outputs)
    return seen


def dependencies(tensor: Any) -> set[str]:
    """Names of the ops on whose values this tensor's depends; knowing a shape does not count."""
    seen: set[str] = set()
    stack = [tensor.op]
    while stack:
        op = stack.pop()
        if op.name not in seen and op.type not in SHAPE_ONLY:
            seen.add(op.name)
            stack.extend(t.op for t in op.inputs)
    return seen


def reads_of(graph: Any) -> list[tuple[Any, Any]]:
    """(variable, tensor with its value) for each read of a variable that nothing in a `FuncGraph` may write."""
    consumers = [(variable, handle.consumers()) for variable, handle in captures(graph)]
    only_read = [(variable, ops) for variable, ops in consumers if all(op.type == "ReadVariableOp" for op in ops)]
    return [(variable, op.outputs[0]) for variable, ops in only_read for op in ops]


def part(graph: Any, feeds: Sequence[Any], fetches: Sequence[Any], frozen: bool = False) -> Callable[..., Any]:
    """Compiled (*feeds) -> list of the fetches, for tensors of a `FuncGraph`; variables stay those of the graph.

    `frozen`: the variables' values of now take their place; TensorFlow then folds what it can of them into one another.

    TensorFlow's `prune` does this op by op in Python, which takes several times as long: seconds for a large model.
    """
    return compiled(_copier(graph, feeds, fetches, frozen), _specs(feeds))


def choosing_part(
    graph: Any,
    feeds: Sequence[Any],
    fetches: Sequence[Any],
    choices: Sequence[Sequence[Any]],
    gates: Mapping[str, Sequence[bool]],
) -> Callable[..., Any]:
    """Compiled (number, *feeds) -> list of the fetches, and of each sequence of choices the one of that number.

    A choice is float32 whatever it was. What is not chosen is let go of as soon as it is made.

    Args:
        graph: a `FuncGraph`.
        feeds, fetches: as in `part`.
        choices: sequences of the same length.
        gates: by the name of a tensor, for which numbers what follows from it is computed at all.
    """
    copy = _copier(graph, feeds, [*fetches, *(t for some in choices for t in some)], gates=list(gates))
    opens = [tf.constant(numbers) for numbers in gates.values()]

    def run(number: Any, *tensors: Any) -> list[Any]:
        copied = copy(*tensors, opened=[tf.gather(numbers, number) for numbers in opens])
        count = len(choices[0])
        chosen = tf.unstack(tf.equal(number, tf.range(count)))
        results = copied[: len(fetches)]
        for start in range(len(fetches), len(copied), count):
            passed = [
                tf.cast(tf.raw_ops.Switch(data=t, pred=pred).output_true, tf.float32)
                for t, pred in zip(copied[start : start + count], chosen, strict=True)
            ]
            results.append(tf.raw_ops.Merge(inputs=passed).output)
        return results

    return compiled(run, [tf.TensorSpec((), tf.int32), *_specs(feeds)])


def _specs(tensors: Sequence[Any]) -> list[Any]:
    return [tf.TensorSpec(t.shape, t.dtype) for t in tensors]


def _copier(
    graph: Any, feeds: Sequence[Any], fetches: Sequence[Any], frozen: bool = False, gates: Sequence[str] = ()
) -> Callable[..., list[Any]]:
    """(*feeds, opened=()) -> fetches, copied into the graph that is being built; see `part`.

    `opened` are booleans, one for each of the tensors named in `gates`: whether what follows from it is computed.
    """
    captured = {inside.name: outside for outside, inside in captures(graph)}
    reads = {t.name: (variable, t) for variable, t in reads_of(graph)} if frozen else {}
    fed = [t.name for t in feeds]
    stop = {*fed, *captured, *reads}
    new = [t for t in fetches if t.name not in stop]
    needed, borders = needed_for([t.op for t in new], stop)
    definition, ends = subgraph(graph, needed), [t.name for t in new]
    predicates = [_insert_gate(definition, graph.get_tensor_by_name(name)) for name in gates]
    values = {name: value_of_read(*reads[name]).numpy() for name in borders & reads.keys()}

    def run(*tensors: Any, opened: Sequence[Any] = ()) -> list[Any]:
        inside = borders.difference(fed)
        copies = {n: tf.constant(values[n]) if n in values else capture(captured[n]) for n in inside}
        copies |= dict(zip(fed, tensors, strict=True))
        inputs = {name: copies[name] for name in borders} | dict(zip(predicates, opened, strict=True))
        copied = tf.graph_util.import_graph_def(definition, inputs, return_elements=ends, name="")
        copies |= dict(zip(ends, copied, strict=True))
        return [tf.identity(copies[t.name]) for t in fetches]

    return run


def _insert_gate(definition: Any, t: Any) -> str:
    """Let what follows from a tensor in a definition depend on a boolean; returns the name under which it is asked."""
    name, tensor = f"{t.op.name}/gate", t.name.removesuffix(":0")
    for node in definition.node:
        node.input[:] = [f"{name}:1" if source == tensor else source for source in node.input]
    gate = definition.node.add(name=name, op="Switch", input=[tensor, f"{name}/open"])
    gate.attr["T"].type = t.dtype.as_datatype_enum
    return f"{name}/open:0"


def value_of_read(variable: Any, tensor: Any) -> Any:
    """What a read of a variable, the tensor, gives now."""
    with tf.init_scope():
        return tf.raw_ops.ReadVariableOp(resource=variable, dtype=tensor.dtype)


def needed_for(ops: list[Any], stop: set[str]) -> tuple[set[str], set[str]]:
    """Names of these ops and of those before them up to the tensors at which to stop; which of these were met."""
    needed: set[str] = set()
    borders: set[str] = set()
    while ops:
        op = ops.pop()
        if op.name not in needed:
            needed.add(op.name)
            borders.update(t.name for t in op.inputs if t.name in stop)
            ops += [t.op for t in op.inputs if t.name not in stop]
            ops += [before for before in op.control_inputs if before.type != "Placeholder"]
    return needed, borders


def subgraph(graph: Any, needed: set[str]) -> Any:
    """The definition of those ops of a graph that have these names."""
    whole = graph.as_graph_def()
    definition = tf.compat.v1.GraphDef(versions=whole.versions, library=whole.library)
    definition.node.extend(node for node in whole.node if node.name in needed)
    for node in definition.node:
        inputs = [name for name in node.input if not name.startswith("^") or name[1:] in needed]
        node.ClearField("input")
        node.input.extend(inputs)
        # Gradients ask to be where the ops are that they belong to, which need not be in this part.
        node.attr.pop("_class", None)
    return definition
