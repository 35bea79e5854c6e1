"""What a method may ask of a model about a batch of images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kx_widget.engine.cache import Cache
from kx_widget.engine.errors import UnsupportedMethodError
from kx_widget.engine.functions import Functions
from kx_widget.engine.graph import Call, Graph
from kx_widget.engine.types import Floats


@dataclass(frozen=True)
class Probe:
    """Answers questions about images `x` (B, H, W, C) at one layer; each answer is computed once per image.

    Args:
        x: model-ready images.
        call: the layer to look at, None for methods that see the input only.
        spatial: (h, w) of that layer's map.
        digests: one per image, with the version of the weights: what caches go by.
        seed: for methods that draw random numbers; see `rng`.
    """

    graph: Graph
    functions: Functions
    cache: Cache
    x: Floats
    call: Call | None
    spatial: tuple[int, int] | None
    digests: Sequence[tuple[Any, ...]]
    seed: int = 0

    def at(self, x: Floats) -> "Probe":
        """The same question about other images of the same shape; nothing of it is kept."""
        return replace(self, x=x, cache=Cache(2**62), digests=[(i,) for i in range(len(x))])

    def rng(self, i: int) -> np.random.Generator:
        """Random numbers of image i: the same for the same seed and image, whatever batch it is in."""
        entropy = np.frombuffer(repr(self.digests[i][-1]).encode(), np.uint8)
        return np.random.default_rng([self.seed, *entropy])

    def _each(self, fact: tuple[Any, ...], compute: Callable[[list[int]], Sequence[Any]]) -> list[Any]:
        """Arrays (B, …) of a fact, computing it for those images only whose answer is not kept."""
        keys = [(*digest, *fact) for digest in self.digests]
        held = [self.cache.get(key) for key in keys]
        missing = [i for i, value in enumerate(held) if value is None]
        if missing:
            found = compute(missing)
            for row, i in enumerate(missing):
                held[i] = tuple(np.array(array[row]) for array in found)
                self.cache.put(keys[i], held[i] or ())
            if len(missing) == len(keys):
                return list(found)
        return [np.stack(rows) for rows in zip(*(value or () for value in held), strict=True)]

    def _layer(self) -> Call:
        if self.call is None:
            raise UnsupportedMethodError("The model has no layer with a map; choose a method that sees the input.")
        return self.call

    def _facts(self) -> list[Any]:
        call = self._layer()

        def compute(rows: list[int]) -> Sequence[Any]:
            facts = self.functions.trunk(call, self.x[rows])
            self._note_scores(rows, facts[1])
            return facts

        return self._each(("facts", call.path), compute)

    def _note_scores(self, rows: list[int], scores: Floats) -> None:
        part = replace(self, digests=[self.digests[i] for i in rows])
        part._each(("scores",), lambda missing: [scores[missing]])

    def scores(self) -> Floats:
        """Scores before the final softmax or sigmoid (B, C)."""
        if self.call is not None:
            return self._facts()[1]
        return self._each(("scores",), lambda rows: [self.functions.predict(self.x[rows])])[0]

    def activations(self) -> Floats:
        """The layer's output (B, h, w, K)."""
        return self._as_grid(self._facts()[0])

    def head_gradient(self, target: Floats) -> Floats:
        """d(scores·target)/d(activations) (B, h, w, K), for target weights (B, C)."""
        call = self._layer()

        def compute(rows: list[int]) -> Sequence[Any]:
            facts = [array[rows] for array in self._facts()]
            return [self.functions.head(call, facts, target[rows])]

        return self._as_grid(self._by_target(("head", call.path), target, compute)[0])

    def input_gradient(self, target: Floats) -> Floats:
        """d(scores·target)/dx (B, H, W, C), for target weights (B, C)."""

        def compute(rows: list[int]) -> Sequence[Any]:
            scores, gradient = self.functions.input_gradient(self.x[rows], target[rows])
            self._note_scores(rows, scores)
            return [gradient]

        return self._by_target(("input",), target, compute)[0]

    def _by_target(
        self, fact: tuple[Any, ...], target: Floats, compute: Callable[[list[int]], Sequence[Any]]
    ) -> list[Any]:
        digests = [(*d, t.tobytes()) for d, t in zip(self.digests, target, strict=True)]
        return replace(self, digests=digests)._each(fact, compute)

    def require_pooled_linear_head(self) -> None:
        """Refuse heads other than global average pooling and one Dense layer or 1×1 convolution.

        Raises:
            UnsupportedMethodError: names what follows the layer.
        """
        call = self._layer()
        if not self.graph.is_pooled_linear(call):
            found = [op.type for op in reversed(self.graph.between(call.tensor))]
            raise UnsupportedMethodError(
                f"CAM needs global average pooling and one Dense layer or 1×1 convolution after the layer; "
                f"after {call.path!r} come {', '.join(found[:6])}{', …' if len(found) > 6 else ''}. "
                f"Choose the layer before the pooling, or Grad-CAM, which needs nothing of the kind."
            )

    def _as_grid(self, a: Floats) -> Floats:
        """Float32 (B, h, w, K); tokens (B, T, D) are laid out as a grid, without the class token."""
        if a.ndim == 3 and self.spatial is not None:
            h, w = self.spatial
            a = a[:, a.shape[1] - h * w :].reshape(len(a), h, w, a.shape[2])
        return a.astype(np.float32, copy=False)
