"""d(scores·target)/d(tensor) in a traced graph, with each op built once: what one layer needs serves those before it.

Backpropagation to a layer passes through every tensor after it that no way to the scores goes past. So gradients
are built from one such tensor to the one before, for all layers in between at a time, and the graph grows to the
size of one backward pass whatever layers are asked for, and in whatever order.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kx_widget.engine.lazy_modules import tf


class Backward:
    """Gradients of one scalar of a graph.

    Args:
        total: the scalar, scores·target summed over images.
        layers: tensors that gradients may be asked for, in any order.
        number: of each op between the image and the scores, by name, in the order in which they were made.
        bottlenecks: names of the ops that no way from the image to the scores goes past.
    """

    def __init__(
        self, total: Any, layers: Iterable[Any], number: Mapping[str, int], bottlenecks: Iterable[str]
    ) -> None:
        self._total = total
        self._number = number
        passed = set(bottlenecks)
        on_the_way = {t.name: t for t in layers if t.op.name in number and t.dtype.is_floating}
        self._layers = sorted(on_the_way.values(), key=self._position)
        self._bottlenecks = [t for t in self._layers if t.op.name in passed and self._is_alone(t)]
        self._gradients: dict[str, Any] = {}

    def of(self, tensors: Sequence[Any]) -> list[Any]:
        """The gradient with respect to each of these tensors, 0 where the scores do not depend on it."""
        missing = {t.name: t for t in tensors if t.name not in self._gradients}
        if missing:
            self._build(missing)
        return [self._gradients[t.name] for t in tensors]

    def passed(self, tensors: Sequence[Any]) -> list[tuple[Any, int]]:
        """(gradient, position of the tensor) of the bottlenecks that gradients with respect to these tensors share."""
        first = min(self._position(t) for t in tensors)
        bottlenecks = [t for t in self._bottlenecks if self._position(t) > first and t.name in self._gradients]
        return [(self._gradients[t.name], self._position(t)) for t in bottlenecks]

    def _build(self, missing: dict[str, Any]) -> None:
        positions = [self._number[t.op.name] for t in missing.values() if t.op.name in self._number]
        first, last = min(positions, default=0), max(positions, default=0)
        after = [t for t in self._bottlenecks if self._position(t) > last and t.name in self._gradients]
        end = self._position(after[0]) if after else len(self._number)
        start = max((p for t in self._bottlenecks if (p := self._position(t)) <= first), default=0)
        between = [t for t in self._layers if start <= self._position(t) < end and t.name not in self._gradients]
        wanted = list({**{t.name: t for t in between}, **missing}.values())
        ys, grad_ys = (after[0], self._gradients[after[0].name]) if after else (self._total, None)
        with self._total.graph.as_default():
            gradients = tf.gradients(ys, wanted, grad_ys, unconnected_gradients="zero")
        self._gradients |= {t.name: gradient for t, gradient in zip(wanted, gradients, strict=True)}

    def _position(self, t: Any) -> int:
        return self._number[t.op.name]

    def _is_alone(self, t: Any) -> bool:
        """Whether what follows a tensor's op takes nothing else of it."""
        others = [output for output in t.op.outputs if output is not t]
        return not any(user.name in self._number for output in others for user in output.consumers())
