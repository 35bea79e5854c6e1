"""The same graph with other weights, which are passed in where the variables' values are read.

The variables, which are the user's, are only ever read.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kx_widget.engine.graph.subgraph import needed_for, part, reads_of, value_of_read
from kx_widget.engine.keras_private import address, captures
from kx_widget.engine.lazy_modules import tf

Value = Callable[[str], Any]
# Permuted values that are kept to be used again, in bytes.
KEPT = 2**27


@dataclass(frozen=True, eq=False)
class FedPart:
    """A compiled part of a graph that is called without its weights; `reads` names those that it asks `value` for."""

    run: Any
    reads: tuple[str, ...]
    value: Value

    @property
    def graph(self) -> Any:
        """TensorFlow's graph of the part."""
        return self.run.graph

    def __call__(self, *tensors: Any) -> Any:
        """The fetches, with the weights of now."""
        return self.run(*tensors, *(self.value(name) for name in self.reads))


class FedWeights:
    """The weights of a graph, some of which may be permuted for a while.

    Args:
        graph: a `FuncGraph`.
        paths: by the id of a variable's handle, where its layer is, and what it is there: `"backbone/norm/gamma"`.
        number: of each op between the image and the scores, by name, in the order in which they were made.
    """

    def __init__(self, graph: Any, paths: Mapping[int, str], number: Mapping[str, int]) -> None:
        self._graph, self._paths, self._number = graph, paths, number
        self._reads = {t.name: (variable, t) for variable, t in reads_of(graph)}
        self._permuted: dict[str, Any] = {}
        self._kept: dict[Any, tuple[Any, Any]] = {}
        self._lock = threading.RLock()

    def part(self, feeds: Sequence[Any], fetches: Sequence[Any]) -> FedPart:
        """Compiled (*feeds) -> list of the fetches."""
        stop = {t.name for t in feeds} | self._reads.keys() | {inside.name for _, inside in captures(self._graph)}
        _, borders = needed_for([t.op for t in fetches if t.name not in stop], stop)
        reads = [name for name in self._reads if name in borders]
        run = part(self._graph, [*feeds, *(self._reads[name][1] for name in reads)], fetches)
        return FedPart(run, tuple(reads), self._value)

    def _value(self, name: str) -> Any:
        value = self._permuted.get(name)
        return value_of_read(*self._reads[name]) if value is None else value

    @cached_property
    def layers(self) -> tuple[frozenset[str], ...]:
        """The reads of each layer with weights that the scores depend on, the last layer first."""
        layers: defaultdict[str, set[str]] = defaultdict(set)
        position: dict[str, int] = {}
        for name, (variable, tensor) in self._reads.items():
            if (at := self._first_use(tensor)) is not None:
                layer = self._paths.get(id(variable), name).rpartition("/")[0] or name
                layers[layer].add(name)
                position[layer] = max(at, position.get(layer, 0))
        return tuple(frozenset(layers[layer]) for layer in sorted(layers, key=lambda layer: -position[layer]))

    def _first_use(self, tensor: Any) -> int | None:
        """The number of the first op between the image and the scores that what is read goes into."""
        seen: set[str] = set()
        numbers: list[int] = []
        stack = list(tensor.consumers())
        while stack:
            op = stack.pop()
            if op.name in seen:
                continue
            seen.add(op.name)
            if op.name in self._number:
                numbers.append(self._number[op.name])
            else:
                stack += [user for t in op.outputs for user in t.consumers()]
        return min(numbers, default=None)

    @contextmanager
    def permuted(self, names: Collection[str], seed: int) -> Generator[None, None, None]:
        """While this lasts, the entries of what these reads give are permuted; no other thread permutes meanwhile.

        All entries of a tensor change places, but vectors of one length that belong to one layer, as those of a batch
        norm do, are permuted alike.
        """
        with self._lock:
            try:
                for layer, reads in enumerate(self.layers):
                    for name in sorted(reads.intersection(names)):
                        self._permuted[name] = self._permutation(name, [seed, layer])
                yield
            finally:
                self._permuted.clear()

    def _permutation(self, name: str, seed: list[int]) -> Any:
        value = value_of_read(*self._reads[name])
        if len(value.shape) != 1:
            seed = [*seed, *name.encode()]
        at, key = address(value), (name, *seed)
        # While a value is held, nothing else lies where it does, see `Weights`.
        kept = self._kept.get(key)
        if kept is None or at is None or address(kept[0]) != at:
            values = value.numpy()
            mixed = np.random.default_rng(seed).permutation(values.ravel()).reshape(values.shape)
            if mixed.nbytes + self._kept_bytes() > KEPT:
                self._kept.clear()
            kept = self._kept[key] = value, tf.constant(mixed)
        return kept[1]

    def _kept_bytes(self) -> int:
        return sum(mixed.shape.num_elements() * mixed.dtype.size for _, mixed in self._kept.values())
