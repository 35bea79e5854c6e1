"""The stages of a net: runs of layers whose maps have one size, as pooling and strides leave them."""

from kx_widget.engine.graph.places import PADDING
from kx_widget.engine.graph.trace import Call, Graph

# How many times the cells of a stage the one before it has at least: padding adds fewer.
GROWTH = 1.5


def stages_until(graph: Graph, call: Call, most: int) -> list[Call]:
    """The last layer of each earlier stage that everything passes through, finest first, and this layer; `most` in all.

    Where no earlier layer has a larger map, it is this layer alone.
    """
    chosen, place = [call], graph.places.of(call.tensor)
    cells = place.grid[0] * place.grid[1] if place else 0
    for other in reversed(graph.calls[: graph.calls.index(call)]):
        place = graph.places.of(other.tensor)
        if len(chosen) >= most:
            break
        if place is None or other.tensor.op.type in PADDING or not graph.is_bottleneck(other):
            continue
        if other.tensor.dtype.is_floating and place.grid[0] * place.grid[1] >= GROWTH * cells:
            chosen.append(other)
            cells = place.grid[0] * place.grid[1]
    return chosen[::-1]
