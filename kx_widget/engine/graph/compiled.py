"""The model's compiled functions: one call at a time, counted, numpy in and numpy out."""

import contextlib
import copy
import math
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakSet

from kx_widget.engine.accelerator import DeviceCopies, on_accelerator
from kx_widget.engine.budget import Budget
from kx_widget.engine.graph.attention import Attention
from kx_widget.engine.graph.cut import Cut, HeadPart, cut_at
from kx_widget.engine.graph.fed import FedPart
from kx_widget.engine.graph.trace import Call, Graph
from kx_widget.engine.keras_private import as_built
from kx_widget.engine.lazy_modules import tf
from kx_widget.engine.types import Floats

# Of the memory budget, for all that is compiled.
COMPILED_SHARE = 1 / 4
# What an op of a compiled part takes: in Python, as a definition, and as TensorFlow runs it.
BYTES_PER_OP = 8000
# Passes through what comes before a layer that looks at it may take until the model is cut there.
LOOKS = 3 / 4
# Of the memory budget: freezing weights takes about twenty times their memory, and is to leave room for a call.
FREEZABLE_SHARE = 1 / 32


class Compiled:
    """Compiled parts of a graph by name; where they take more than `limit` bytes, the least recently used go.

    The part that came last stays whatever it takes. Safe to use from several threads.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._parts: OrderedDict[str, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str) -> Any | None:
        """The part of that name, None if there is none any more."""
        with self._lock:
            if name not in self._parts:
                return None
            self._parts.move_to_end(name)
            return self._parts[name][0]

    def put(self, name: str, part: Any) -> None:
        """Keep a part."""
        size = BYTES_PER_OP * sum(len(f.graph.get_operations()) for f in _functions_of(part))
        with self._lock:
            self._parts[name] = part, size
            while len(self._parts) > 1 and sum(size for _, size in self._parts.values()) > self.limit:
                self._parts.popitem(last=False)


def _functions_of(part: Any) -> list[Any]:
    """TensorFlow's functions in what was compiled together."""
    if isinstance(part, Cut):
        return [part.trunk, part.gradient.run]
    if isinstance(part, tuple):
        parts: tuple[Any, ...] = part
        return [function for each in parts for function in _functions_of(each)]
    return [part.run if isinstance(part, HeadPart) else part]


class Functions:
    """Runs functions of one graph.

    `counts` tells how often each part was compiled (`"trace …"`) and run (`"predict"`, `"trunk"`, `"head"`,
    `"input_gradient"`…, in calls). Parts take a share of the memory budget at most: the least recently used go. Safe
    to use from several threads: one call of the model at a time.
    """

    def __init__(self, graph: Graph, budget: Budget) -> None:
        self._counts: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._graph = graph
        self.attention: Attention = Attention(graph)
        self.budget = budget
        # Apart from the budget's: what is compiled can be run while something else is being compiled.
        self._compiling = threading.RLock()
        self._compiled = Compiled(COMPILED_SHARE * budget.bytes)
        self._warm: WeakSet[Any] = WeakSet()
        # How often `look` was called for a layer, by path; infinitely often once it is cut.
        self._looks: dict[str, float] = {}
        # On CPUs a rewritten graph is no faster; on GPUs layouts matter, and constants are worth folding.
        self._rewrites = on_accelerator()
        self._device = DeviceCopies(budget.bytes, self._count_all)
        self._frozen: tuple[int, Functions] | None = None
        self._fed: Functions | None = None

    def frozen(self, version: int) -> "Functions":
        """The same with the weights frozen, that is constants, made anew for each `version` of them.

        TensorFlow folds constants into one another, which saves 10 % (DenseNet121) to 27 % (MobileNetV3Small) of a
        forward pass on a CPU, and takes one to three seconds. For large models, and on devices where nobody measured
        it, these are the functions themselves.
        """
        if self._graph.freezable_bytes > FREEZABLE_SHARE * self.budget.bytes or on_accelerator():
            return self
        with self._compiling:
            if self._frozen is None or self._frozen[0] != version:
                twin = self._twin(self._graph.frozen())
                twin._rewrites = True
                self._frozen = version, twin
            return self._frozen[1]

    def fed(self) -> "Functions":
        """The same with weights that are passed in, those of the `weights` of its graph."""
        with self._compiling:
            if self._fed is None:
                self._fed = self._twin(self._graph.fed())
            return self._fed

    def _twin(self, graph: Graph) -> "Functions":
        """The same for another form of the graph."""
        twin = copy.copy(self)
        twin._graph, twin._compiled, twin._frozen, twin._fed = graph, Compiled(self._compiled.limit), None, None
        twin.attention, twin._looks = Attention(graph), {}
        return twin

    @property
    def graph(self) -> Graph:
        """What the functions are compiled from."""
        return self._graph

    def _compile(self, key: str, make: Callable[[], Any]) -> Any:
        part = self._compiled.get(key)
        if part is None:
            with self._compiling:
                part = self._compiled.get(key)
                if part is None:
                    self._count(f"trace {key}")
                    part = make()
                    self._compiled.put(key, part)
        return part

    @property
    def counts(self) -> Counter[str]:
        """How often each part was compiled and run until now."""
        with self._counting:
            return Counter(self._counts)

    def _count(self, name: str) -> None:
        self._count_all(Counter({name: 1}))

    def _count_all(self, counts: Counter[str]) -> None:
        with self._counting:
            self._counts.update(counts)

    def _run(
        self, name: str, fn: Callable[..., Any], *arrays: Any, most: float = math.inf, stay: bool = False
    ) -> list[Any]:
        """Run a part on arrays, which share their first axis; what it gives may `stay` on the device for another."""
        # An image comes with what is beside it.
        arrays = tuple(one for each in arrays for one in (each if isinstance(each, tuple) else (each,)))

        def once(*parts: Any) -> list[Any]:
            self._count(name)
            with contextlib.nullcontext() if self._rewrites else as_built():
                tensors = tf.nest.flatten(fn(*map(self._device.tensor, parts)))
                return [self._device.array(tensor, stay) for tensor in tensors]

        return self.budget.run(once, *arrays, most=most)

    def predict(self, x: Floats, *target: Floats) -> Floats:
        """X (B, H, W, C) -> scores (B, C); of places (B, R) also with a target (B, C + R), see `Graph`."""
        return self._run("predict", self._compile("predict", self._graph.predict), x, *target)[0]

    def tell(self, x: Floats) -> Floats:
        """X -> what a pass tells of images by itself (B, …), see `Graph.outcome`."""
        return self._run("predict", self._compile("tell", self._graph.tell), x)[0]

    def tell_of_region(self, x: Floats, target: Floats) -> list[Any]:
        """x, target (B, C + R) -> scores, and the mean of probabilities, (B, C) each."""
        return self._run("predict", self._compile("tell of region", self._graph.tell_of_region), x, target)

    def input_gradient(self, x: Floats, target: Floats, guided: bool = False) -> tuple[Floats, Floats]:
        """x, target (B, C) -> outcome, d(scores·target)/dx (B, H, W, C), by guided backpropagation if asked."""
        name = "guided_gradient" if guided else "input_gradient"
        scores, gradient = self._run(name, self._compile(name, lambda: self._graph.input_gradient(guided)), x, target)
        return scores, gradient

    def multipliers(self, x: Floats, start: Floats, target: Floats) -> list[Any]:
        """x, baselines, target (B, C) -> outcome, change of scores·target (B,), DeepLIFT's multipliers (B, H, W, C)."""
        fn = self._compile("multipliers", self._graph.multipliers)

        def run(start: Any, x: Any, *others: Any) -> list[Any]:
            images, *rest = len(x), *(tf.concat([t, t], 0) for t in others)
            outcome, scores, multipliers = fn(tf.concat([x, start], 0), *rest)
            change = tf.reduce_sum((scores[:images] - scores[images:]) * others[-1][:, : self._graph.classes], 1)
            return [outcome[:images], change, multipliers[:images]]

        most = self.budget.samples(self._graph.bytes_per_sample[1]) // 2
        return self._run("multipliers", run, start, x, target, most=most)

    def full_gradients(self, x: Floats, target: Floats, rescale: str) -> tuple[Floats, Floats, Floats]:
        """x, target (B, C) -> outcome, FullGrad maps (B, H, W), sum of all terms (B,)."""
        fn = self._compile(f"full_gradients {rescale}", lambda: self._graph.full_gradients(rescale))
        scores, maps, total = self._run("full_gradients", fn, x, target)
        return scores, maps, total

    def layers(self, calls: Sequence[Call], x: Floats, target: Floats) -> list[Any]:
        """x, target (B, C) -> outcome, activations of these calls, and the gradients with respect to them."""
        most = self.budget.samples(self._graph.bytes_per_sample[1])
        return self._run("layers", self._layers(calls), x, target, most=most)

    def _layers(self, calls: Sequence[Call]) -> Any:
        key = "layers " + " ".join(call.path for call in calls)
        return self._compile(key, lambda: self._graph.layers(calls))

    def warm_layers(self, calls: Sequence[Call], x: Floats, target: Floats) -> None:
        """Have `layers` compiled and optimized, which keeps no other function waiting."""
        # What is wrong here will be wrong, and said, when it is asked for.
        with contextlib.suppress(Exception):
            function = self._layers(calls)
            if function not in self._warm:
                with contextlib.nullcontext() if self._rewrites else as_built():
                    tensors = (*(x if isinstance(x, tuple) else (x,)), target)
                    function(*map(tf.convert_to_tensor, tensors))
                self._warm.add(function)

    def is_passing(self, call: Call) -> bool:
        """Whether to `look` at a layer rather than to cut the model there, which saves passes only in the long run.

        After a cut, a gradient for another target takes no pass through what comes before the layer; making the cut
        takes one. So a late layer is cut after one look, an early one after several, and the first layer of all at
        once.
        """
        before = self._graph.part_before(call)
        looked = self._looks.get(call.path, 0)
        return bool(self._looks) and call.tensor.name in self._graph.lookouts and looked * before < LOOKS

    def look(self, call: Call, x: Floats, target: Floats) -> list[Any]:
        """x, target (B, C) -> outcome, a layer's activation, and the gradient with respect to it.

        For a layer that may never be looked at again: what is compiled for it serves all others, too.
        """
        fn = self._compile("any_layer", self._graph.any_layer)
        number = tf.constant(list(self._graph.lookouts).index(call.tensor.name))
        self._looks[call.path] = self._looks.get(call.path, 0) + 1
        most = self.budget.samples(self._graph.bytes_per_sample[1])
        return self._run("look", lambda *tensors: fn(number, *tensors), x, target, most=most)

    def _cut(self, call: Call) -> Cut:
        self._looks[call.path] = math.inf
        return self._compile(f"cut {call.path}", lambda: cut_at(self._graph, call))

    def trunk(self, call: Call, x: Floats) -> list[Any]:
        """X -> facts per image: the layer's activation, the outcome, and what else `head` needs."""
        return self._run("trunk", self._cut(call).trunk, x, stay=True)

    def head(self, call: Call, facts: list[Any], target: Floats) -> Floats:
        """Facts, target (B, C) -> d(scores·target)/d(activation), of the activation's shape."""
        cut = self._cut(call)
        return self._go_on("head", cut.gradient, facts, target, facts[0], bytes=cut.bytes)[0]

    def curvature(self, call: Call, facts: list[Any], target: Floats, utility: str) -> list[Any]:
        """Facts, target (B, C) -> the gradient, and its derivative along the activation; see `Graph.curvature`."""
        cut = self._cut(call)
        part = self._compile(f"curvature {utility} {call.path}", lambda: cut.curvature(utility))
        return self._go_on("curvature", part, facts, target, facts[0], bytes=2 * cut.bytes)

    def head_reads(self, call: Call) -> tuple[str, ...]:
        """Names of the weights that the gradient with respect to a layer takes, where weights are passed in."""
        run = self._cut(call).gradient.run
        return run.reads if isinstance(run, FedPart) else ()

    def head_scores(self, call: Call, facts: list[Any], *target: Floats) -> Floats:
        """Facts, the activation among them changed -> scores (B, C); of places also with a target, see `Graph`."""
        return self.tell_after(call, facts, *target)[0]

    def tell_after(self, call: Call, facts: list[Any], *target: Floats) -> list[Any]:
        """Facts -> scores, and of places with a target (B, C + R) the mean of probabilities, (B, C) each."""
        scores = self._compile(f"scores {call.path}", self._cut(call).scores)
        return self._go_on("head_scores", scores, facts, *target, facts[0])

    def _go_on(self, name: str, head: HeadPart, facts: list[Any], *new: Any, bytes: int = 0) -> list[Any]:
        """Run what goes on from facts; it takes so many bytes a sample, if more than what is passed in."""

        def run(*tensors: Any) -> Any:
            images = int(tensors[0].shape[0])
            return head.run(*tensors, *(tf.constant([images * n, *rest], dtype) for dtype, (n, *rest) in head.shapes))

        most = self.budget.samples(bytes) if bytes else math.inf
        return self._run(name, run, *new, *(facts[i] for i in head.facts), most=most)

    def attentions(self, x: Floats) -> list[Any]:
        """X -> outcome, attention (B, heads, T, T) of each block."""
        return self._run("attentions", self._compile("attentions", self.attention.maps), x)

    def _attention_cut(self, by_block: bool) -> tuple[Any, HeadPart]:
        return self._compile(f"attention cut {by_block}", lambda: self.attention.cut(by_block))

    def attention_trunk(self, x: Floats, by_block: bool) -> list[Any]:
        """X -> facts per image: outcome, attention of each block, what else `attention_head` needs."""
        return self._run("attention_trunk", self._attention_cut(by_block)[0], x, stay=True)

    def attention_head(self, facts: list[Any], target: Floats, by_block: bool) -> list[Any]:
        """Facts, target (B, C) -> d(scores·target)/d(attention) of each block; see `Attention.cut`."""
        _, head = self._attention_cut(by_block)
        return self._go_on("attention_head", head, facts, target, bytes=self._graph.bytes_per_sample[1])
