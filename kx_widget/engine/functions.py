"""The model's compiled functions: one call at a time, counted, numpy in and numpy out."""

import contextlib
import copy
import math
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kx_widget.engine.attention import Attention
from kx_widget.engine.budget import Budget
from kx_widget.engine.graph import Call, Cut, Graph, HeadPart
from kx_widget.engine.types import Floats

# Of the memory budget: freezing weights takes about twenty times their memory, and is to leave room for a call.
FREEZABLE_SHARE = 1 / 32


class Functions:
    """Runs functions of one graph.

    `counts` tells how often each part was compiled (`"trace …"`) and run (`"predict"`, `"trunk"`, `"head"`,
    `"input_gradient"`…, in calls). Safe to use from several threads: one call of the model at a time.
    """

    def __init__(self, graph: Graph, budget: Budget) -> None:
        self.counts: Counter[str] = Counter()
        self._graph = graph
        self.attention = Attention(graph)
        self.budget = budget
        self._lock = threading.RLock()
        # Apart from the other: what is compiled can be run while something else is being compiled.
        self._compiling = threading.RLock()
        self._compiled: dict[str, Any] = {}
        self._warm: set[tuple[str, ...]] = set()
        self._frozen: tuple[int, Functions] | None = None

    def frozen(self, version: int) -> "Functions":
        """The same with the weights frozen, that is constants, made anew for each `version` of them.

        TensorFlow folds constants into one another, which saves 10 % (DenseNet121) to 27 % (MobileNetV3Small) of a
        forward pass on a CPU, and takes one to three seconds. For large models, and on devices where nobody measured
        it, these are the functions themselves.
        """
        if self._graph.freezable_bytes > FREEZABLE_SHARE * self.budget.bytes or tf.config.list_logical_devices("GPU"):
            return self
        with self._lock:
            if self._frozen is None or self._frozen[0] != version:
                twin = copy.copy(self)
                twin._graph, twin._compiled, twin._warm, twin._frozen = self._graph.frozen(), {}, set(), None
                twin.attention = Attention(twin._graph)
                self._frozen = version, twin
            return self._frozen[1]

    def _compile(self, key: str, make: Callable[[], Any]) -> Any:
        if key not in self._compiled:
            with self._compiling:
                if key not in self._compiled:
                    self.counts[f"trace {key}"] += 1
                    self._compiled[key] = make()
        return self._compiled[key]

    def _run(self, name: str, fn: Callable[..., Any], *arrays: Any, most: float = math.inf) -> list[Any]:
        def once(*parts: Any) -> list[Any]:
            self.counts[name] += 1
            return [np.asarray(out) for out in tf.nest.flatten(fn(*(tf.convert_to_tensor(p) for p in parts)))]

        with self._lock:
            return self.budget.run(once, *arrays, most=most)

    def predict(self, x: Floats) -> Floats:
        """X (B, H, W, C) -> scores (B, C)."""
        return self._run("predict", self._compile("predict", self._graph.predict), x)[0]

    def input_gradient(self, x: Floats, target: Floats, guided: bool = False) -> tuple[Floats, Floats]:
        """x, target (B, C) -> scores (B, C), d(scores·target)/dx (B, H, W, C), by guided backpropagation if asked."""
        name = "guided_gradient" if guided else "input_gradient"
        scores, gradient = self._run(name, self._compile(name, lambda: self._graph.input_gradient(guided)), x, target)
        return scores, gradient

    def full_gradients(self, x: Floats, target: Floats, rescale: str) -> tuple[Floats, Floats, Floats]:
        """x, target (B, C) -> scores (B, C), FullGrad maps (B, H, W), sum of all terms (B,)."""
        fn = self._compile(f"full_gradients {rescale}", lambda: self._graph.full_gradients(rescale))
        scores, maps, total = self._run("full_gradients", fn, x, target)
        return scores, maps, total

    def layers(self, calls: Sequence[Call], x: Floats, target: Floats) -> list[Any]:
        """x, target (B, C) -> scores (B, C), activations of these calls, and the gradients with respect to them."""
        return self._run("layers", self._layers(calls), x, target)

    def _layers(self, calls: Sequence[Call]) -> Any:
        key = "layers " + " ".join(call.path for call in calls)
        return self._compile(key, lambda: self._graph.layers(calls))

    def warm_layers(self, calls: Sequence[Call], x: Floats, target: Floats) -> None:
        """Have `layers` compiled and optimized, which keeps no other function waiting."""
        key = tuple(call.path for call in calls)
        if key not in self._warm:
            # What is wrong here will be wrong, and said, when it is asked for.
            with contextlib.suppress(Exception):
                self._layers(calls)(tf.convert_to_tensor(x), tf.convert_to_tensor(target))
            self._warm.add(key)

    def _cut(self, call: Call) -> Cut:
        return self._compile(f"cut {call.path}", lambda: self._graph.cut(call))

    def trunk(self, call: Call, x: Floats) -> list[Any]:
        """X -> facts per image: the layer's activation, the scores, and what else `head` needs."""
        return self._run("trunk", self._cut(call).trunk, x)

    def head(self, call: Call, facts: list[Any], target: Floats) -> Floats:
        """Facts, target (B, C) -> d(scores·target)/d(activation), of the activation's shape."""
        cut = self._cut(call)
        return self._go_on("head", cut.gradient, facts, target, facts[0], bytes=cut.bytes)[0]

    def head_scores(self, call: Call, facts: list[Any]) -> Floats:
        """Facts, the activation among them changed -> scores (B, C)."""
        scores = self._compile(f"scores {call.path}", self._cut(call).scores)
        return self._go_on("head_scores", scores, facts, facts[0])[0]

    def _go_on(self, name: str, head: HeadPart, facts: list[Any], *new: Any, bytes: int = 0) -> list[Any]:
        """Run what goes on from facts; it takes so many bytes a sample, if more than what is passed in."""

        def run(*tensors: Any) -> Any:
            images = int(tensors[0].shape[0])
            return head.run(*tensors, *(tf.constant([images * n, *rest], dtype) for dtype, (n, *rest) in head.shapes))

        most = self.budget.samples(bytes) if bytes else math.inf
        return self._run(name, run, *new, *(facts[i] for i in head.facts), most=most)

    def attentions(self, x: Floats) -> list[Any]:
        """X -> scores, attention (B, heads, T, T) of each block."""
        return self._run("attentions", self._compile("attentions", self.attention.maps), x)

    def _attention_cut(self, by_block: bool) -> tuple[Any, HeadPart]:
        return self._compile(f"attention cut {by_block}", lambda: self.attention.cut(by_block))

    def attention_trunk(self, x: Floats, by_block: bool) -> list[Any]:
        """X -> facts per image: scores, attention of each block, what else `attention_head` needs."""
        return self._run("attention_trunk", self._attention_cut(by_block)[0], x)

    def attention_head(self, facts: list[Any], target: Floats, by_block: bool) -> list[Any]:
        """Facts, target (B, C) -> d(scores·target)/d(attention) of each block; see `Attention.cut`."""
        _, head = self._attention_cut(by_block)
        return self._go_on("attention_head", head, facts, target, bytes=self._graph.bytes_per_sample[1])
