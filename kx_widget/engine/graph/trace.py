"""A Keras model as one TensorFlow graph.

The model is called once, on a placeholder, and each layer's output tensor is noted while that call is traced;
the model itself is neither rebuilt nor changed. What follows is graph theory: the logits are found by walking
back from the output, a cut by asking which tensors the layers after it need.
"""

import copy
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kx_widget.engine.errors import ModelError, ParameterError, UnsupportedMethodError, plain
from kx_widget.engine.graph.backward import Backward
from kx_widget.engine.graph.bias_terms import added_by, decompose
from kx_widget.engine.graph.fed import FedWeights
from kx_widget.engine.graph.logits import FORWARDING, logits_of, logits_of_planes
from kx_widget.engine.graph.memory import in_and_out, saved_for_backward
from kx_widget.engine.graph.outputs import (
    as_scores,
    choose_output,
    flat,
    linked,
    means_where_won,
    pooled,
    told_where_won,
    winners_of,
)
from kx_widget.engine.graph.pieces import Piece, pieces_of
from kx_widget.engine.graph.places import Places
from kx_widget.engine.graph.proposals import Proposals, proposals_of
from kx_widget.engine.graph.reach import Reach
from kx_widget.engine.graph.rescale_rule import rescaled
from kx_widget.engine.graph.scalar_values import constant_names, values_of
from kx_widget.engine.graph.shapes import Shapes
from kx_widget.engine.graph.subgraph import choosing_part, dependencies, dependents, part, reads_of
from kx_widget.engine.heads import Link, trained_link
from kx_widget.engine.keras_private import as_input, compiled, guided, handle_of, observed, overridden
from kx_widget.engine.lazy_modules import tf
from kx_widget.engine.model_inputs import TO_LAST, ModelInputs, inputs_of
from kx_widget.engine.regions import OutputPlaces
from kx_widget.engine.scalars import Target
from kx_widget.engine.types import Head


@dataclass(frozen=True)
class Call:
    """One call of one layer in the trace: where it is, and what it returned."""

    path: str
    layer: Any
    tensor: Any


class Graph:
    """`model(x)` traced once for inputs (B, H, W, C).

    Whatever else the model takes, `beside`, is fed with the image, and is constant where gradients are taken. `lock`
    is held while anything is added to TensorFlow's graph or copied from it. `target` is weights (B, C) on the scores.
    Where the model has scores for R places, a segmenter for instance, `output` says where they lie; the scores are then
    means over a region (B, R), which comes behind the weights in `target`, (B, C + R). `link` is what makes
    probabilities of scores, told by whoever knows it before anything is compiled. With targets of one's `own` the
    scores are what these tell of the model's outputs, and `flat_targets` names those that have no gradient. With a
    `similarity` (see `engine.similarity`) the model tells embeddings, and the scores are how similar these are to
    references. What `detect` reads in the outputs, if it is given, are the `proposals` of a detector, whose boxes are
    the places.

    Raises:
        ModelError: the model cannot be called on such an input, or has several outputs and none was chosen.
        ParameterError: a target of one's own raised, or tells no number of each image; `detect` reads no boxes.
    """

    x: Any
    target: Any
    beside: list[Any]

    def __init__(
        self,
        model: Any,
        input_shape: tuple[int, int, int],
        output: str | int | None = None,
        inputs: ModelInputs | None = None,
        own: Sequence[Target] = (),
        similarity: Any = None,
        detect: Callable[[Any], Any] | None = None,
    ) -> None:
        inputs = inputs or inputs_of(model)
        self.lock: threading.RLock = threading.RLock()
        self._frozen = False
        self._spatial_axes = [2, 3] if inputs.channels_first else [1, 2]
        self.weights: FedWeights | None = None
        self.link: Link | None = None
        self._paths = {id(handle_of(v)): v.path for v in model.variables}
        self._map: Any = None
        self.detect = detect
        self.proposals: Proposals | None = None
        self.flat_targets: tuple[str, ...] = ()
        self.head: Head
        seen: list[tuple[str, Any, Any]] = []

        def traced(x: Any, target: Any, *beside: Any) -> Any:
            graph = tf.compat.v1.get_default_graph()
            with observed(model, graph, seen, inputs.channels_first):
                values = inputs.joined(x, beside)
                y = model(as_input(model, values), training=False) if similarity is None else similarity.embed(values)
            if own:
                return self._own_scores(own, y)
            if similarity is not None:
                self.logits, self.head = similarity.scores(y), "linear"
                return tf.identity(self.logits)
            if detect is not None:
                return self._detected_scores(proposals_of(detect, y), target)
            return self._scores_of(choose_output(model, y, output), target, inputs.channels_first)

        self._whole = _traced(traced, input_shape, inputs)
        self.x, self.target, *self.beside = self._whole.inputs[: 2 + len(inputs.others)]
        self.scores: Any = self._whole.outputs[0]
        self.classes: int = int(self.scores.shape[-1])
        self._is_independent = (self.head == "sigmoid" and self.logits.shape[-1] == self.classes) or trained_link(
            model, output
        ) == "sigmoid"
        ops = self._operations()
        self.places: Places = Places(ops, self.shapes)
        self.output: OutputPlaces | None = None if self._map is None else self._places_of_output()
        # Those between the image and the scores, in the order in which they were made.
        self.on_the_way: list[Any] = [op for op in ops if op.name in self._towards_scores]
        self.reach: Reach = Reach(self.scores, self.on_the_way, self.shapes)
        self.calls: list[Call] = _named([s for s in seen if s[2].op.name in self._from_x])
        self.number: dict[Any, int] = {op.name: number for number, op in enumerate(self.on_the_way)}
        with self.graph.as_default():
            self._total = tf.reduce_sum(self.scores * self.target[:, : self.classes])
        layers = [self.x, *(call.tensor for call in self.calls)]
        self._backward = Backward(self._total, layers, self.number, self.bottlenecks)
        self._curvatures: dict[tuple[str, str], list[Any]] = {}

    def _operations(self) -> list[Any]:
        """What the image reaches, in the order in which it was made.

        Raises:
            ModelError: the scores are not reached, or are several rows for each image.
        """
        self._from_x = dependents([self.x])
        if self.scores.op.name not in self._from_x:
            raise ModelError("The model's output does not depend on its input, so there is nothing to explain.")
        self._varying = dependents([self.x, *self.beside])
        ops = [op for op in self.graph.get_operations() if op.name in self._varying]
        self.shapes: Shapes = Shapes(self.graph, [self.x, *self.beside], ops)
        if (rows := self.shapes.rows(self.scores)) > 1:
            raise ModelError(f"The model returns {rows} rows of scores for each image; one is needed.")
        return [op for op in ops if op.name in self._from_x]

    def _scores_of(self, y: Any, target: Any, channels_first: bool) -> Any:
        """The scores (B, C) in what the model returned, of several places the mean over the target's region."""
        logits, self.head = logits_of(y)
        if channels_first and y.shape.rank == 4:
            logits, self.head = logits_of_planes(y)
            logits, y = (tf.transpose(t, TO_LAST) for t in (logits, y))
        self.logits = logits
        scores = as_scores(logits, y, self.head)
        if scores.shape.rank == 2:
            return scores
        self._map = scores
        return pooled(flat(scores), target[:, scores.shape[-1] :])

    def _own_scores(self, own: Sequence[Target], y: Any) -> Any:
        """What targets of one's own tell of what the model returned."""
        self.logits, self.head = values_of(own, y), "linear"
        self.flat_targets = constant_names(own, self.logits, tf.nest.flatten(y))
        return tf.identity(self.logits)

    def _detected_scores(self, proposals: Proposals, target: Any) -> Any:
        """The scores (B, C) of what a detector proposes, means over the target's region of boxes."""
        self.proposals, self.head = proposals, proposals.head
        self.logits = self._map = proposals.logits
        return pooled(self._map, target[:, self._map.shape[-1] :])

    def _places_of_output(self) -> OutputPlaces:
        shape = self.shapes.of_image(self._map)
        if shape is None or shape[0] != 1:
            raise ModelError(
                f"The model's output has shape {tuple(self._map.shape)}, and how many places that are for one image is "
                "not known from its graph."
            )
        place = self.places.of(self._map)
        count = int(np.prod(shape[1:-1]))
        if self.proposals is not None:
            return OutputPlaces(count, None)
        if len(shape) == 3 and place is not None:
            return OutputPlaces(count, place.grid, place.first)
        return OutputPlaces(count, (shape[1], shape[2]) if len(shape) == 4 else None)

    @cached_property
    def pieces(self) -> list[Piece]:
        """What the boxes of a detector are put together from; none of other models."""
        if self.proposals is None or self.output is None:
            return []
        return pieces_of(self.logits, self.output.count)

    def pieces_from(self, call: Call) -> list[Piece]:
        """Those of the pieces that depend on what a layer returned."""
        return [piece for piece in self.pieces if call.tensor.op.name in piece.ops]

    @cached_property
    def outcome(self) -> Any:
        """What a pass tells of images by itself: the scores, or for places an `Outcome` in one row, (B, R + 2 C…)."""
        if self._map is None:
            return self.scores
        with self.lock, self.graph.as_default():
            y = flat(self._map)
            if self.proposals is not None:
                shown, facts = self.proposals.facts()
                return tf.concat([shown, *means_where_won(y, self.proposals.probabilities, shown), facts], 1)
            winners = winners_of(y, self._is_independent)
            return tf.concat([winners, *told_where_won(y, winners, self.link)], 1)

    @cached_property
    def told(self) -> list[Any]:
        """What is told of a target: scores, and of places the mean of probabilities, (B, C) each."""
        if self._map is None:
            return [self.scores]
        with self.lock, self.graph.as_default():
            region = self.target[:, self.classes :]
            probable = linked(flat(self._map), self.link) if self.proposals is None else self.proposals.probabilities
            return [self.scores, pooled(probable, region)]

    @property
    def graph(self) -> Any:
        """TensorFlow's graph of the trace."""
        return self._whole.graph

    def part(self, feeds: Sequence[Any], fetches: Sequence[Any]) -> Callable[..., Any]:
        """Compiled (*feeds) -> list of the fetches; who begins with the image feeds what is beside it next."""
        with self.lock:
            feeds = self._with_beside(feeds)
            if self.weights is not None:
                return self.weights.part(feeds, fetches)
            return part(self.graph, feeds, fetches, self._frozen)

    def _with_beside(self, feeds: Sequence[Any]) -> Sequence[Any]:
        return [self.x, *self.beside, *feeds[1:]] if feeds[0] is self.x else feeds

    def frozen(self) -> "Graph":
        """The same, whose compiled parts have the weights as constants: as they are when a part is compiled."""
        twin = copy.copy(self)
        twin._frozen = True
        return twin

    def fed(self) -> "Graph":
        """The same, whose compiled parts take the weights from `weights`, where they may be permuted."""
        twin = copy.copy(self)
        twin.weights = FedWeights(self.graph, self._paths, self.number)
        # What looks at any layer is not made of parts.
        vars(twin)["lookouts"] = {}
        return twin

    @cached_property
    def freezable_bytes(self) -> int:
        """Memory of the weights that `frozen` makes constants."""
        return sum(t.shape.num_elements() * t.dtype.size for _, t in reads_of(self.graph))

    def predict(self) -> Callable[..., Any]:
        """Compiled x -> scores (B, C), or for places (x, target) -> scores."""
        return self.part([self.x] if self.output is None else [self.x, self.target], [self.scores])

    def tell(self) -> Callable[..., Any]:
        """Compiled x -> what a pass tells by itself, see `outcome`."""
        return self.part([self.x], [self.outcome])

    def tell_of_region(self) -> Callable[..., Any]:
        """Compiled (x, target) -> what is told of a region, see `told`."""
        return self.part([self.x, self.target], self.told)

    def input_gradient(self, is_guided: bool = False) -> Callable[..., Any]:
        """Compiled (x, target) -> outcome, d(scores·target)/dx, or what guided backpropagation has for it."""
        with self.lock:
            (gradient,) = self._guided() if is_guided else self.gradients([self.x])
            return self.part([self.x, self.target], [self.outcome, gradient])

    def _guided(self) -> list[Any]:
        with guided(self.between(self.x)), self.graph.as_default():
            return tf.gradients(self._total, [self.x], unconnected_gradients="zero")

    def multipliers(self) -> Callable[..., Any]:
        """Compiled (x, target) -> outcome, scores and multipliers of DeepLIFT, x being images and then their baselines.

        Raises:
            UnsupportedMethodError: an op has no rescale rule.
        """
        with self.lock, self.graph.as_default():
            with overridden(rescaled(self.between(self.x, self.scores), self._from_x)):
                (multipliers,) = tf.gradients(self._total, [self.x], unconnected_gradients="zero")
            return self.part([self.x, self.target], [self.outcome, self.scores, multipliers])

    def full_gradients(self, rescale: str) -> Callable[..., Any]:
        """Compiled (x, target) -> outcome, FullGrad maps (B, H, W), and what all its terms add up to (B,)."""
        with self.lock, self.graph.as_default():
            added = [(op.outputs[0], added_by(op, self._from_x)) for op in self.between(self.x)]
            terms = [(self.x, self.x), *((out, bias) for out, bias in added if bias is not None)]
            gradients = self.gradients([out for out, _ in terms])
            maps, total = decompose(terms, gradients, rescale, self.places, self.shapes)
            return self.part([self.x, self.target], [self.outcome, maps, total])

    def layers(self, calls: Sequence[Call]) -> Callable[..., Any]:
        """Compiled (x, target) -> outcome, then each call's activation, then d(scores·target)/d(activation) of each."""
        with self.lock:
            tensors = [call.tensor for call in calls]
            return self.part([self.x, self.target], [self.outcome, *tensors, *self.gradients(tensors)])

    @cached_property
    def lookouts(self) -> dict[str, Any]:
        """The tensors at which `any_layer` can look, by name: outputs of layers that hold a grid and lead to scores."""
        tensors = [call.tensor for call in self.calls if self.places.of(call.tensor)]
        return {t.name: t for t in tensors if t.dtype.is_floating and t.op.name in self.number}

    def part_before(self, call: Call) -> float:
        """Which part of the ops between the image and the scores comes before a layer's output, 0 to 1."""
        return self.number.get(call.tensor.op.name, 0) / max(1, len(self.number) - 1)

    def any_layer(self) -> Callable[..., Any]:
        """Compiled (number, x, target) -> outcome, activation and d(scores·target)/d(activation) of that lookout.

        One function for all layers, so that none has to wait for one of its own. It goes back no farther than needed.
        """
        with self.lock:
            tensors = list(self.lookouts.values())
            gradients = self.gradients(tensors)
            at = [self.number[t.op.name] for t in tensors]
            gates = {g.name: [number < position for number in at] for g, position in self._backward.passed(tensors)}
            feeds = self._with_beside([self.x, self.target])
            return choosing_part(self.graph, feeds, [self.outcome], [tensors, gradients], gates)

    def gradients(self, tensors: Sequence[Any]) -> list[Any]:
        """d(scores·target)/d(tensor) of each of these tensors."""
        return self._backward.of(tensors)

    def curvature(self, t: Any, utility: str) -> list[Any]:
        """d(utility·target)/dt, and the derivative of that along t, a product with the Hessian.

        Args:
            t: a tensor.
            utility: `"score"`, or `"rest"`: the score and the logarithm of its probability.

        Raises:
            UnsupportedMethodError: an op on the way can only be differentiated once; names it.
        """
        with self.lock, self.graph.as_default():
            if (t.name, utility) not in self._curvatures:
                self._curvatures[t.name, utility] = self._curvature(t, utility)
            return self._curvatures[t.name, utility]

    def _curvature(self, t: Any, utility: str) -> list[Any]:
        if utility == "score":
            (gradient,) = self.gradients([t])
        else:
            is_each = self._is_independent or self.head == "sigmoid"
            likelihood = tf.math.log_sigmoid if is_each else tf.nn.log_softmax
            both = self.scores + likelihood(self.scores)
            total = tf.reduce_sum(both * self.target[:, : self.classes])
            (gradient,) = tf.gradients(total, [t], unconnected_gradients="zero")
        try:
            return [gradient, *tf.gradients(gradient, [t], t, unconnected_gradients="zero")]
        except (LookupError, NotImplementedError) as error:
            raise UnsupportedMethodError(
                f"What follows the layer cannot be differentiated twice ({error}): choose a later layer, or gradcam, "
                "which needs the gradient alone."
            ) from error

    def values(self, calls: Sequence[Call]) -> Callable[..., Any]:
        """Compiled x -> what each of these calls returned."""
        return self.part([self.x], [call.tensor for call in calls])

    def is_bottleneck(self, call: Call) -> bool:
        """Whether everything the scores know of the image passes through this tensor."""
        return call.tensor.op.name in self.bottlenecks

    @cached_property
    def bottlenecks(self) -> set[str]:
        """Names of the ops that no way from the image to the scores goes past."""
        return _bottlenecks(self.on_the_way)

    def bottlenecks_to(self, t: Any) -> set[str]:
        """Names of the ops that no way from the image to a tensor goes past."""
        before = dependencies(t)
        return _bottlenecks([op for op in self.on_the_way if op.name in before])

    def reaches_scores(self, call: Call) -> bool:
        """Whether the scores depend on this tensor."""
        return call.tensor is self.scores or any(op.name in self._towards_scores for op in call.tensor.consumers())

    @cached_property
    def _towards_scores(self) -> set[str]:
        return dependencies(self.scores)

    def between(self, first: Any, last: Any | None = None) -> list[Any]:
        """The ops on the way from `first` to `last` (by default the logits), last one first."""
        end: Any = self.logits if last is None else last
        forward = dependents([first])
        ops: list[Any] = []
        visited: set[str] = set()
        stack: list[Any] = [] if first is end else [end.op]
        while stack:
            op = stack.pop()
            if op.name in visited or op.name not in forward:
                continue
            visited.add(op.name)
            ops.append(op)
            stack.extend(t.op for t in op.inputs if t is not first)
        return ops

    def pooling_objection(self, call: Call) -> str:
        """Why CAM cannot be asked at a layer, in a sentence; "" where it can."""
        if self.is_pooled_linear(call):
            return ""
        types = [op.type for op in reversed(self.between(call.tensor))]
        return (
            f"CAM needs global average pooling and one Dense layer or 1×1 convolution after the layer; "
            f"after {call.path!r} come {', '.join(types[:6])}{', …' if len(types) > 6 else ''}. "
            f"Choose the layer before the pooling, or Grad-CAM, which needs nothing of the kind."
        )

    def is_pooled_linear(self, call: Call) -> bool:
        """Whether the logits are an affine function of the average of this activation over space."""
        ops = [op for op in self.between(call.tensor) if op.type not in (*FORWARDING, "Transpose")]
        means = [op for op in ops if op.type == "Mean"]
        linear = [op for op in ops if op.type in ("MatMul", "Conv2D")]
        return (
            len(means) == len(linear) == 1
            and all(op.type in {"Mean", "MatMul", "Conv2D", "BiasAdd", "Add", "AddV2"} for op in ops)
            and all(op.inputs[1].op.name not in self._from_x for op in ops if op.type in ("Add", "AddV2"))
            and sorted(np.atleast_1d(tf.get_static_value(means[0].inputs[1])) % 4) == self._spatial_axes
            and (linear[0].type == "MatMul" or tuple(linear[0].inputs[1].shape[:2]) == (1, 1))
        )

    @cached_property
    def bytes_per_sample(self) -> tuple[int, int]:
        """Rough memory one sample takes in a forward call, and in a forward with backward call."""
        ops = self.ops_after(self._varying)
        running = 3 * max(in_and_out(ops, self.shapes.bytes), default=1)
        return running, running + saved_for_backward(ops, self._from_x, self.shapes.bytes)

    def varies(self, t: Any) -> bool:
        """Whether a tensor depends on the image, or on what is beside it."""
        return t.op.name in self._varying

    def ops_after(self, names: set[str]) -> list[Any]:
        """Of the ops of these names, those that depend on the image, or on what is beside it."""
        return [self.graph.get_operation_by_name(name) for name in self._varying & names]


def _traced(function: Callable[..., Any], input_shape: tuple[int, int, int], inputs: ModelInputs) -> Any:
    """A function of an image, a target and what is beside the image, as one graph.

    Raises:
        ModelError: the model cannot be called on such an image.
        ParameterError: a target of one's own raised, or tells no number of each image.
    """
    spec = [tf.TensorSpec((None, *input_shape), tf.float32), tf.TensorSpec((None, None), tf.float32)]
    spec += [tf.TensorSpec((None, *shape), dtype) for shape, dtype in map(inputs.fed, inputs.others)]
    try:
        return compiled(function, spec)
    except (ModelError, ParameterError):
        raise
    except Exception as error:
        raise ModelError(
            f"Calling the model on a batch of shape {(None, *input_shape)} raised {plain(error)}"
        ) from error


def _bottlenecks(ops: Sequence[Any]) -> set[str]:
    """Names of those among ops, from the image to one end in the order in which they were made, that none goes past."""
    number = {op.name: i for i, op in enumerate(ops)}
    names: set[str] = set()
    farthest = 0
    for i, op in enumerate(ops):
        if farthest <= i:
            names.add(op.name)
        farthest = max([farthest, *(number.get(user.name, 0) for t in op.outputs for user in t.consumers())])
    return names


def _named(seen: list[tuple[str, Any, Any]]) -> list[Call]:
    count: dict[str, int] = {}
    calls = []
    for path, layer, tensor in seen:
        count[path] = count.get(path, 0) + 1
        calls.append(Call(path if count[path] == 1 else f"{path}#{count[path]}", layer, tensor))
    return calls
