"""Pieces that an output's places are put together from, as the levels of a feature pyramid tell each its own boxes."""

from dataclasses import dataclass
from typing import Any

from kx_widget.engine.graph.logits import FORWARDING
from kx_widget.engine.graph.subgraph import dependencies
from kx_widget.engine.lazy_modules import tf


@dataclass(frozen=True)
class Piece:
    """Places `first` to before `end` of an output, and the names of the ops that they depend on."""

    first: int
    end: int
    ops: set[str]


def pieces_of(y: Any, count: int) -> list[Piece]:
    """The pieces of scores (B, A, C) with so many places: one where they are made at once."""
    t = y
    while t.op.type in FORWARDING and t.shape.rank == 3:
        t = t.op.inputs[0]
    if t.op.type == "ConcatV2" and int(tf.get_static_value(t.op.inputs[-1])) % 3 == 1:
        parts: list[Any] = list(t.op.inputs[:-1])
        sizes = [part.shape[1] for part in parts]
        if None not in sizes and sum(sizes) == count:
            ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
            of_parts = zip(ends, sizes, parts, strict=True)
            return [Piece(end - size, end, dependencies(part)) for end, size, part in of_parts]
    return [Piece(0, count, dependencies(y))]
