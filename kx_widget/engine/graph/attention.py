"""Global self-attention in a traced model: where it is, what the head reads of its tokens, and gradients at it."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from kx_widget.engine.errors import UnsupportedMethodError
from kx_widget.engine.graph.cut import HeadPart, frontier, mixes, per_image
from kx_widget.engine.graph.places import Place
from kx_widget.engine.graph.subgraph import dependents, needed_for, subgraph
from kx_widget.engine.graph.trace import Call, Graph
from kx_widget.engine.keras_private import captures
from kx_widget.engine.lazy_modules import tf
from kx_widget.engine.types import Floats

INSTEAD = "Choose Grad-CAM, integrated gradients or occlusion, which need nothing of the kind."


class Attention:
    """The attention of one model; each block has one softmax (B, heads, T, T) over the tokens of the whole image."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._number = graph.number
        attentions = [(t, place) for t, place in graph.places.attentions if t.op.name in self._number]
        self._softmaxes = [t for t, _ in attentions]
        self._places = [place for _, place in attentions]
        self._partial = [t for t in graph.places.partial_attentions if t.op.name in self._number]
        self._all = sorted([*self._softmaxes, *self._partial], key=lambda t: self._number[t.op.name])

    @property
    def place(self) -> Place:
        """Where the tokens lie in the image."""
        return self._places[-1]

    def first_after(self, call: Call) -> int:
        """The number of the first block that comes after a layer."""
        at = self._number.get(call.tensor.op.name, -1)
        return sum(self._number[t.op.name] < at for t in self._softmaxes)

    def sources(self, calls: Sequence[Call], cells: int | None = None) -> list[Call]:
        """For each attention, of all tokens or of some, the last of these calls that all ways to it pass through.

        That is what queries, keys and values are made from, a norm as a rule, and not these themselves. With `cells`,
        only attention of so many to one another counts.
        """
        sources: list[Call] = []
        for softmax in self._all:
            if cells is not None and tuple(softmax.shape[-2:]) != (cells, cells):
                continue
            passed = self._graph.bottlenecks_to(softmax)
            before = [call for call in calls if call.tensor.op.name in passed]
            if path := self._attention_layer(softmax):
                before = [call for call in before if not call.path.startswith(f"{path}/")]
            if before:
                sources.append(max(before, key=lambda call: self._number[call.tensor.op.name]))
        return sources

    def _attention_layer(self, softmax: Any) -> str | None:
        """The path of the layer that computes this attention, None where a model computes it itself."""
        path = _layer_around(softmax, self._number, self._graph.calls)
        return next((c.path for c in self._graph.calls if c.path == path and not hasattr(c.layer, "layers")), None)

    @property
    def in_windows(self) -> bool:
        """Whether attention looks at windows of the image, each for itself."""
        return any(self._graph.shapes.rows(t) != 1 for t in self._partial)

    @property
    def has_fewer_keys(self) -> bool:
        """Whether queries look at fewer keys than there are tokens, in no fewer blocks than at all of them."""
        return bool(self._partial) and len(self._softmaxes) <= len(self._partial)

    @property
    def heads(self) -> tuple[tuple[str, ...], ...]:
        """A path for each head of each block, below the layer that attends."""
        calls = sorted(self._graph.calls, key=lambda call: self._number.get(call.tensor.op.name, -1))
        return tuple(
            tuple(f"{_layer_around(t, self._number, calls)}/head {i + 1}" for i in range(t.shape[1]))
            for t in self._softmaxes
        )

    @property
    def objection(self) -> str:
        """Why the attention of this model does not tell where it looks, or "" if it does."""
        if self.in_windows:
            return "this model looks at windows of it, each for itself"
        if self.has_fewer_keys:
            return "in this model they look at fewer keys"
        if not self._softmaxes:
            return "this model has no attention (batch, heads, tokens, tokens) among tokens that are known to be a grid"
        if any(place != self.place for place in self._places):
            return "blocks of this model have different tokens"
        return ""

    def check(self, title: str, call: Call | None) -> int:
        """The number of the block to start from.

        Raises:
            UnsupportedMethodError: the model has no attention that tells where it looks, or none after the layer.
        """
        if self.objection:
            raise UnsupportedMethodError(
                f"{title} needs attention of all tokens of the image to one another, and {self.objection}. {INSTEAD}"
            )
        start = 0 if call is None else self.first_after(call)
        if call is not None and start == len(self._softmaxes):
            raise UnsupportedMethodError(
                f"{title} follows the attention after a layer, and there is none after {call.path!r}. "
                "Choose an earlier layer."
            )
        return start

    @cached_property
    def read_out(self) -> Floats:
        """How much of each token (T,) the head reads: equal parts of those that it reads at all."""
        tokens = [op.outputs[0] for op in self._graph.on_the_way[self._number[self._softmaxes[-1].op.name] :]]
        tokens = [t for t in tokens if self._graph.places.of(t) == self.place]
        reached = self._graph.reach.of(tokens[-1])
        read = reached.any((0, 2)) if reached.shape else np.ones(self.place.tokens, bool)
        shares = (read / read.sum()).astype(np.float32)
        shares.flags.writeable = False
        return shares

    def maps(self) -> Any:
        """Compiled x -> outcome, attention of each block."""
        return self._graph.part([self._graph.x], [self._graph.outcome, *self._softmaxes])

    def cut(self, by_block: bool) -> tuple[Any, HeadPart]:
        """The model in two parts, so that gradients for another target need no forward pass.

        The trunk, x -> facts, gives the outcome, each block's attention, and the results of whatever mixes its inputs;
        what only changes entries one by one is computed again by the head, which takes less room than keeping it. The
        head takes the target and gives d(scores·target)/d(attention) of each block, or with `by_block` that of the
        scores which the model's own head reads from this block's tokens.
        """
        graph = self._graph
        with graph.lock:
            gradients = self._gradients_by_block() if by_block else graph.gradients(self._softmaxes)
            after = dependents([graph.target])
            needs = frontier(graph, gradients, [graph.target], after, mixes)
            trunk = graph.part([graph.x], [graph.outcome, *self._softmaxes, *needs.facts])
            head = graph.part([graph.target, *needs.facts, *needs.shapes], gradients)
        first = 1 + self.blocks
        return trunk, HeadPart(head, tuple(range(first, first + len(needs.facts))), per_image(graph, needs.shapes))

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return len(self._softmaxes)

    def _gradients_by_block(self) -> list[Any]:
        graph = self._graph
        *tokens, last = self._tokens_after_blocks()
        with graph.graph.as_default():
            weights = graph.target[:, : graph.classes]
            totals = [tf.reduce_sum(self._read_from(t, last) * weights) for t in tokens]
            early = [tf.gradients(total, a)[0] for total, a in zip(totals, self._softmaxes, strict=False)]
        return [*early, *graph.gradients(self._softmaxes[-1:])]

    def _tokens_after_blocks(self) -> list[Any]:
        """What each block hands on: the last tensor that everything passes through before the next attention.

        For the last block it is the one at the same place among such tensors, so that a norm of the head is not part
        of it.
        """
        graph, at = self._graph, [self._number[t.op.name] for t in self._softmaxes]
        passes = [
            [op.outputs[0] for op in graph.on_the_way[start:end] if op.name in graph.bottlenecks]
            for start, end in zip(at, [*at[1:], None], strict=True)
        ]
        passes = [[t for t in block if graph.places.of(t) == self.place] for block in passes]
        steps = len(passes[-2]) if len(passes) > 1 else 1
        if any(len(block) < steps for block in passes) or steps == 0:
            raise UnsupportedMethodError(
                f"LeGrad reads each block with the model's own head, which does not fit all of them here. {INSTEAD}"
            )
        return [*(block[-1] for block in passes[:-1]), passes[-1][steps - 1]]

    def _read_from(self, tokens: Any, last: Any) -> Any:
        """The scores that follow when the head is given `tokens` in place of the `last` block's."""
        graph = self._graph
        captured = {inside.name: inside for _, inside in captures(graph.graph)} | {graph.target.name: graph.target}
        needed, borders = needed_for([graph.scores.op], {last.name, *captured})
        inputs = {name: tokens if name == last.name else captured[name] for name in borders}
        definition = subgraph(graph.graph, needed)
        return tf.graph_util.import_graph_def(definition, inputs, return_elements=[graph.scores.name])[0]


def _layer_around(softmax: Any, number: dict[str, int], calls: Sequence[Call]) -> str:
    """The path of the layer in which attention is computed, as what comes out right after it tells."""
    after = (call.path for call in calls if number.get(call.tensor.op.name, -1) > number[softmax.op.name])
    path = next(after, "attention")
    return path.rpartition("/")[0] or path
