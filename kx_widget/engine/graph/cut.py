"""The model cut in two at a layer, so that another question about the same images goes on from the middle.

              ┌──────── trunk ────────┐   ┌──── head ─────┐
    image ────┤ … ──── activation ────┼───┤ … ──── scores │
              │ … ──── skipped past ──┼───┤               │
              └───────────────────────┘   └───────────────┘

What crosses the cut are facts, kept per image: the layer's activation, and whatever else the head needs of the image,
as where a connection skips the layer. The head also needs shape vectors of tensors on the other side, (batch · rows,
height, width, channels) for a reshape. These are no facts: they change with the batch, and follow from it, so the
caller makes them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kx_widget.engine.errors import UnsupportedMethodError
from kx_widget.engine.graph.logits import FORWARDING
from kx_widget.engine.graph.memory import MIXING, in_and_out
from kx_widget.engine.graph.subgraph import dependents
from kx_widget.engine.graph.trace import Call, Graph

ShapeVector = tuple[Any, tuple[int, ...]]


@dataclass(frozen=True)
class HeadPart:
    """A compiled part of the model that goes on from facts.

    It is called with what is new, the facts of these numbers, and shape vectors, of which `shapes` has (dtype, shape
    for one image).
    """

    run: Callable[..., Any]
    facts: tuple[int, ...]
    shapes: tuple[ShapeVector, ...]


@dataclass(frozen=True)
class Cut:
    """The model in compiled parts at one layer.

    `trunk(x)` returns the facts to keep per image: the activation, the outcome, and whatever the others need besides.
    `gradient` takes (target, activation, …) and returns d(scores·target)/d(activation); `scores` makes the part that
    takes (activation, …), for places (target, activation, …), and returns `Graph.told`. `curvature` makes the part
    that takes (target, activation, …) and returns the gradient of one of `Graph.utilities` with respect to the
    activation, and by how much it changes along the activation. `bytes` is the rough memory that one sample takes in
    any of them.
    """

    trunk: Callable[..., Any]
    gradient: HeadPart
    scores: Callable[[], HeadPart]
    curvature: Callable[[str], HeadPart]
    bytes: int


@dataclass(frozen=True)
class Frontier:
    """What crosses a cut: `facts`, tensors made from the image, and `shapes`, shape vectors of such tensors."""

    facts: list[Any]
    shapes: list[Any]


def cut_at(graph: Graph, call: Call) -> Cut:
    """The graph cut at one call of a layer.

    Of what comes after tokens, results that are dear to compute again are facts too, so that another target takes
    no forward pass; after an image these would take more room than they are worth.
    """
    with graph.lock:
        a, ends = call.tensor, graph.told
        (gradient,) = graph.gradients([a])
        after = dependents([a, graph.target])
        scores_need = gradient_needs = frontier(graph, [*ends, gradient], [a, graph.target], after)
        facts, place = scores_need.facts, graph.places.of(a)
        if place is not None and place.tokens:
            crossing = {t.name for t in facts}
            gradient_needs = frontier(
                graph, [gradient], [a, graph.target], dependents([graph.target]),
                lambda t: t.name in crossing or mixes(t),
            )  # fmt: skip
            facts = [*facts, *(t for t in gradient_needs.facts if t.name not in crossing)]
        numbers = tuple(range(2, 2 + len(facts)))
        trunk = graph.part([graph.x], [a, graph.outcome, *facts])
        head = graph.part([graph.target, a, *facts, *gradient_needs.shapes], [gradient])
        held = sum(in_and_out(graph.ops_after(after), graph.shapes.bytes)) // 2

    def scores() -> HeadPart:
        target = [] if graph.output is None else [graph.target]
        run = graph.part([*target, a, *scores_need.facts, *scores_need.shapes], ends)
        return HeadPart(run, numbers[: len(scores_need.facts)], per_image(graph, scores_need.shapes))

    def curvature(utility: str) -> HeadPart:
        with graph.lock:
            ends = graph.curvature(a, utility)
            needs = frontier(graph, ends, [a, graph.target], dependents([a, graph.target]))
        number = dict(zip((t.name for t in facts), numbers, strict=True))
        if missing := [t.name for t in needs.facts if t.name not in number]:
            raise UnsupportedMethodError(
                f"How the gradient at {call.path!r} changes cannot be computed from what is kept of an image "
                f"({missing[0]!r} is not): choose another layer, or gradcam, which needs the gradient alone."
            )
        run = graph.part([graph.target, a, *needs.facts, *needs.shapes], ends)
        return HeadPart(run, tuple(number[t.name] for t in needs.facts), per_image(graph, needs.shapes))

    return Cut(trunk, HeadPart(head, numbers, per_image(graph, gradient_needs.shapes)), scores, curvature, bytes=held)


def per_image(graph: Graph, shapes: Sequence[Any]) -> tuple[ShapeVector, ...]:
    """(dtype, shape for one image) of these shape vectors."""
    return tuple((s.dtype, graph.shapes.of_image(s.op.inputs[0]) or ()) for s in shapes)


def frontier(
    graph: Graph,
    ends: Sequence[Any],
    fed: Sequence[Any],
    after: set[str],
    is_worth: Callable[[Any], bool] = lambda _: True,
) -> Frontier:
    """What a head needs besides what it is given.

    Args:
        graph: the traced model.
        ends: what the head returns.
        fed: what it is given.
        after: names of the ops that it runs because they follow from what is given.
        is_worth: whether a tensor is worth keeping; others are computed again, as are those of several rows an image.
    """
    facts: dict[str, Any] = {}
    shapes: dict[str, Any] = {}
    names = {t.name for t in fed}
    visited: set[str] = set()
    stack = [end.op for end in ends]
    while stack:
        op = stack.pop()
        if op.name in visited:
            continue
        visited.add(op.name)
        for t in op.inputs:
            if t.name in names:
                continue
            if t.op.name in after:
                stack.append(t.op)
            elif t.op.type == "Shape" and graph.varies(t.op.inputs[0]) and graph.shapes.rows(t.op.inputs[0]):
                shapes[t.name] = t
            elif t is graph.x or (graph.varies(t) and graph.shapes.rows(t) == 1 and is_worth(t)):
                facts[t.name] = t
            else:
                stack.append(t.op)
    return Frontier(list(facts.values()), list(shapes.values()))


def mixes(t: Any) -> bool:
    """Whether a tensor comes straight from an op that mixes its inputs, and is dear to compute again."""
    op = t.op
    while op.type in FORWARDING or op.type == "Transpose":
        op = op.inputs[0].op
    return op.type in MIXING or op.type == "Softmax"
