"""What a method may ask of a model about a batch of images."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kx_widget.engine.cache import Cache, digest
from kx_widget.engine.errors import UnsupportedMethodError
from kx_widget.engine.facts import FactCache, read_only
from kx_widget.engine.graph.compiled import Functions
from kx_widget.engine.graph.outputs import Outcome
from kx_widget.engine.graph.stages import stages_until
from kx_widget.engine.graph.trace import Call, Graph
from kx_widget.engine.perturbation import PassBatch, PassCounter, batches, even_size, scored, tables_for
from kx_widget.engine.types import Floats, Ints

Change = Callable[[Ints, Ints], Floats]
LocatedRegions = tuple[Floats, list[str]]
PARTS = 8


@dataclass(frozen=True)
class Originals:
    """Which images others are versions of: those of a probe in these rows (n,)."""

    probe: "Probe"
    rows: Ints


@dataclass(frozen=True)
class Probe:
    """Answers questions about images `x` (B, H, W, C) at one layer; each answer is computed once per image.

    What it hands out is read-only.

    Args:
        x: model-ready images.
        call: the layer to look at, None for methods that see the input only.
        spatial: (h, w) of that layer's map.
        digests: one per image, hashable, with the version of the weights and the shape: what caches go by.
        black: tells what black is in x (B, C).
        seed: for methods that draw random numbers; see `rng`.
        most: how many images may go through the model at once, if memory is not what says so.
        passing: whether nothing of it is kept.
        attends: whether the method looks at attention; the layer is then where it starts.
        originals: what the images are versions of, if they are.
        region_of: which places (B, R) count, of a model that has scores for R places, and why none does of each image,
            or ""; see `engine.regions`.
        beside: what else the model takes of each image, (B, …) each.
    """

    graph: Graph
    functions: Functions
    cache: Cache
    x: Floats
    call: Call | None
    spatial: tuple[int, int] | None
    digests: Sequence[tuple[Any, ...]]
    black: Callable[[], Floats]
    seed: int = 0
    most: int | None = None
    passing: bool = False
    attends: bool = False
    originals: Originals | None = None
    region_of: "Callable[[Probe], LocatedRegions] | None" = None
    beside: tuple[Any, ...] = ()
    # Not for other layers or images, so that a replaced probe gathers anew.
    _memo: dict[str, Any] = field(default_factory=dict, init=False)

    def at(self, x: Floats, images: Ints | None = None) -> "Probe":
        """The same question about other versions of the images; nothing of it is kept.

        Args:
            x: the versions (n, H, W, C).
            images: what each is a version of (n,), if it is not one of each image.
        """
        rows = np.arange(len(x)) if images is None else images
        return replace(
            self,
            x=read_only(x),
            cache=Cache(),
            digests=[(row,) for row in range(len(x))],
            black=lambda: self.black()[rows],
            passing=True,
            originals=Originals(self, rows),
            # What counts in a version is what counts in the image, wherever classes win now.
            region_of=None
            if self.region_of is None
            else lambda _: (self.region[rows], [self.no_region[i] for i in rows]),
            beside=tuple(values[rows] for values in self.beside),
        )

    def apart(self) -> "Probe":
        """The same question, of which nothing is known but what counts; what is learned of it is kept apart."""
        return replace(self, cache=Cache(), region_of=self._same_region)

    def with_other_weights(self, facts: Sequence[Any] | None = None) -> "Probe":
        """The same question about the model with weights that are passed in, see `Functions.fed`; nothing is kept.

        What counts is what counts in the model as it is, wherever classes win with other weights.

        Args:
            facts: what is known at the layer whatever these weights are; see `layer_facts`.
        """
        functions = self.functions.fed()
        about = {"functions": functions, "graph": functions.graph, "region_of": self._same_region}
        probe = replace(self, cache=Cache(), **about)
        if facts is not None:
            probe._memo["facts"] = facts
        return probe

    def copies(self, number: int) -> Iterator[tuple[Ints, Ints]]:
        """(images (n,), copies (n,)) that go together where a method is asked about `number` copies of each image."""
        return self._in_turn(number, backward=self.call is None or self.attends)

    def _in_turn(self, passes: int, backward: bool) -> Iterator[tuple[Ints, Ints]]:
        stop = np.full(len(self.x), passes)
        return batches(np.zeros_like(stop), stop, even_size(int(stop.sum()), self._most(backward), PARTS))

    def rng(self, i: int, purpose: str = "") -> np.random.Generator:
        """Random numbers of image i: the same for the same seed and original, whatever batch it is in.

        For each purpose they are others.
        """
        if self.originals is not None:
            return self.originals.probe.rng(int(self.originals.rows[i]), purpose)
        # What the image is known by mostly is just this.
        known = self.digests[i][-1]
        text = known if isinstance(known, str) else digest(self.x[i])
        entropy = np.frombuffer(repr(text).encode() + purpose.encode(), np.uint8)
        return np.random.default_rng([self.seed, *entropy])

    @property
    def _facts(self) -> FactCache:
        return FactCache(self.cache, self.digests)

    @property
    def _facts_of_region(self) -> FactCache:
        """Facts that depend on the region, too."""
        return FactCache(self.cache, self._keys_of_region)

    @property
    def _keys_of_region(self) -> list[tuple[Any, ...]]:
        if self.region_of is None:
            return list(self.digests)
        keys = self._once("region digests", lambda: [digest(row) for row in self.region])
        return [(*own, key) for own, key in zip(self.digests, keys, strict=True)]

    @property
    def _located(self) -> LocatedRegions:
        assert self.region_of is not None
        region_of = self.region_of
        return self._once("region", lambda: region_of(self))

    @property
    def _same_region(self) -> "Callable[[Probe], LocatedRegions] | None":
        """What locates the region of this probe in any other."""
        return None if self.region_of is None else lambda _: self._located

    @property
    def region(self) -> Floats:
        """Which places (B, R) count, of a model that has scores for R places."""
        return read_only(self._located[0])

    @property
    def no_region(self) -> list[str]:
        """Why no place of an image counts, or "", one of each."""
        return self._located[1]

    @property
    def counted(self) -> Any:
        """For which classes (B, C) a place counts: all of them, but those that win nowhere where that is the region."""
        return self._once("counted", self._counted)

    def _counted(self) -> Any:
        if self.region_of is None:
            return np.ones((len(self.x), self.graph.classes), np.bool_)
        counted = np.repeat((self.region > 0).any(1, keepdims=True), self.graph.classes, 1)
        for of_image, region in zip(counted, self.region, strict=True):
            winners = (-1 - region[region < 0]).astype(np.int64)
            of_image[winners[winners < self.graph.classes]] = True
        return counted

    def _differentiable(self, target: Floats) -> None:
        """Refuse target weights (B, C) on what has no gradient.

        Raises:
            UnsupportedMethodError: names it, and what works.
        """
        flat = self.graph.flat_targets
        if flat and target.any():
            raise UnsupportedMethodError(
                f"{flat[0]!r} is not differentiable, and this method needs its gradient: write it without steps "
                "(argmax, comparisons, rounding), or choose occlusion or rise, which need none."
            )

    def with_region(self, target: Floats, rows: Any = slice(None)) -> Floats:
        """Target weights (n, C) of these images with the region behind them, where there is one."""
        return target if self.region_of is None else np.concatenate([target, self.region[rows]], 1)

    def _region_alone(self, rows: Any) -> tuple[Floats, ...]:
        """What `Functions.predict` takes beside these images."""
        if self.region_of is None:
            return ()
        return (np.pad(self.region[rows], ((0, 0), (self.graph.classes, 0))),)

    def _once(self, name: str, gather: Callable[[], Any]) -> Any:
        """What `gather` returned the first time."""
        if name not in self._memo:
            self._memo[name] = gather()
        return self._memo[name]

    @property
    def inputs(self) -> Any:
        """All that the model takes of the images: x, or a tuple that begins with it."""
        return self._with_beside(self.x, slice(None))

    def _inputs(self, rows: list[int]) -> Any:
        return self._with_beside(self.x if len(rows) == len(self.x) else self.x[rows], rows)

    def _with_beside(self, x: Floats, images: Any) -> Any:
        """Versions x of these images, with what is beside them; a bare array where there is nothing."""
        return (x, *(values[images] for values in self.beside)) if self.beside else x

    def _layer(self) -> Call:
        if self.call is None:
            raise UnsupportedMethodError("The model has no layer with a map; choose a method that sees the input.")
        return self.call

    def scores(self) -> Floats:
        """Scores before the final softmax or sigmoid (B, C); of a model with places, means over the region."""
        return self._outcome() if self.region_of is None else self.scores_and_shares()[0]

    def _outcome(self) -> Floats:
        """What a pass tells of the images by itself, see `Graph.outcome`."""

        def compute(rows: list[int]) -> Sequence[Any]:
            if self.attends:
                return [self._attention_facts()[0][rows]]
            return [self.functions.tell(self._inputs(rows)) if self.call is None else self.layer_facts()[1][rows]]

        return self._facts.get(("outcome",), compute)[0]

    def outcome(self) -> Outcome:
        """Where classes win, and scores there, of a model that has scores for several places."""
        row, classes, output = self._outcome(), self.graph.classes, self.graph.output
        assert output is not None
        ends = output.count + np.arange(3) * classes
        winners, scores, shares, boxes = np.split(row, ends, 1)
        boxes = boxes.reshape(len(row), output.count, -1) if boxes.size else None
        return Outcome(winners.astype(np.int64), scores, shares, boxes)

    def scores_and_shares(self) -> list[Floats]:
        """Scores, and the mean of probabilities, (B, C) each, over the region."""

        def compute(rows: list[int]) -> Sequence[Any]:
            if ("outcome",) in self._facts:
                outcome = self.outcome()
                if np.array_equal(-1 - outcome.winners, self.region):
                    return [outcome.scores[rows], outcome.shares[rows]]
            (region,) = self._region_alone(rows)
            if self.call is None or self.attends:
                return self.functions.tell_of_region(self._inputs(rows), region)
            return self.functions.tell_after(self.call, self._rows_of(self.layer_facts(), rows), region)

        return self._once("scores", lambda: self._facts_of_region.get(("scores",), compute))

    def scores_of(self, x: Floats) -> Floats:
        """Scores before the final softmax or sigmoid (B, C) of other images (B, H, W, C), kept as those of any image.

        Baselines often are the same for many images, and for every class.
        """
        digests = [(*of_image[:-1], digest(image)) for of_image, image in zip(self.digests, x, strict=True)]
        return replace(self, x=x, call=None, digests=digests, region_of=self._same_region).scores()

    def _rows_of(self, facts: list[Any], rows: list[int]) -> list[Any]:
        """What is known of some of the images; of all of them the arrays themselves, which are not copied."""
        return facts if len(rows) == len(self.x) else [array[rows] for array in facts]

    def layer_facts(self) -> list[Any]:
        """The layer's output as the model has it, the scores, and what else `Functions.head` needs."""
        call = self._layer()

        def compute(rows: list[int]) -> Sequence[Any]:
            facts = self.functions.trunk(call, self._inputs(rows))
            self._facts.put(("outcome",), facts[1], rows)
            return facts

        return self._once("facts", lambda: self._facts.get(("facts", call.path), compute))

    def activations(self) -> Floats:
        """The layer's output (B, h, w, K)."""
        fact = ("activation", self._layer().path)

        def gather() -> Floats:
            if fact in self._facts:
                return self._as_grid(self._facts.get(fact, lambda rows: [self.layer_facts()[0][rows]])[0])
            return self._as_grid(self.layer_facts()[0])

        return self._once("activations", gather)

    def head_gradient(self, target: Floats) -> Floats:
        """d(scores·target)/d(activations) (B, h, w, K), for target weights (B, C)."""
        self._differentiable(target)
        call = self._layer()

        def compute(rows: list[int]) -> Sequence[Any]:
            if "facts" not in self._memo and self.functions.is_passing(call):
                return [self._look(call, rows, target)]
            facts = self._rows_of(self.layer_facts(), rows)
            return [self.functions.head(call, facts, self.with_region(target[rows], rows))]

        return self._as_grid(self._facts_of_region.for_target(target).get(("head", call.path), compute)[0])

    def head_curvature(self, target: Floats, utility: str) -> tuple[Floats, Floats]:
        """How the target depends on the activations to second order, for target weights (B, C).

        Args:
            target: weights (B, C).
            utility: what is weighted: `"score"`, or `"rest"`, the score and the logarithm of its probability.

        Returns:
            The gradient g with respect to the activations (B, h, w, K), and the product of the Hessian with them.

        Raises:
            UnsupportedMethodError: what follows the layer cannot be differentiated twice.
        """
        self._differentiable(target)
        call = self._layer()

        def compute(rows: list[int]) -> Sequence[Any]:
            facts = self._rows_of(self.layer_facts(), rows)
            return self.functions.curvature(call, facts, self.with_region(target[rows], rows), utility)

        facts = self._facts_of_region.for_target(target).get(("curvature", utility, call.path), compute)
        gradient, product = map(self._as_grid, facts)
        return gradient, product

    def _look(self, call: Call, rows: list[int], target: Floats) -> Any:
        """The gradient at a layer that may never be looked at again; its activation is kept beside it."""
        weights = self.with_region(target[rows], rows)
        outcome, activation, gradient = self.functions.look(call, self._inputs(rows), weights)
        self._facts.put(("outcome",), outcome, rows)
        self._facts.put(("activation", call.path), activation, rows)
        if len(rows) == len(self.x):
            self._memo["activations"] = self._as_grid(activation)
        return gradient

    def stages(self, target: Floats, most: int) -> "list[Probe]":
        """The same question at the last layer of each earlier stage of the net, finest first, and at the layer.

        One pass in all makes activations and gradients known; see `stages_until`.

        Args:
            target: weights (B, C).
            most: how many layers at most.
        """
        calls = stages_until(self.graph, self._layer(), most)
        if len(calls) > 1 and not self.has_layers(calls, target):
            self.cache_layers(calls, target)
        return [replace(self, call=call) for call in calls]

    def has_layers(self, calls: Sequence[Call], target: Floats) -> bool:
        """Whether activations and gradients at these layers are all kept."""
        facts = self._facts_of_region.for_target(target)
        return all(("activation", c.path) in self._facts and ("head", c.path) in facts for c in calls)

    def cache_layers(self, calls: Sequence[Call], target: Floats) -> None:
        """Learn activations and gradients at several layers in one forward and one backward pass."""
        self._differentiable(target)
        outcome, *arrays = self.functions.layers(calls, self.inputs, self.with_region(target))
        facts, facts_for_target = self._facts, self._facts_of_region.for_target(target)
        facts.put(("outcome",), outcome)
        for call, activation, gradient in zip(calls, arrays[: len(calls)], arrays[len(calls) :], strict=True):
            # Image by image, so that each can go by itself.
            for row in range(len(self.x)):
                facts.put(("activation", call.path), activation[row : row + 1], [row])
                facts_for_target.put(("head", call.path), gradient[row : row + 1], [row])

    def input_gradient(self, target: Floats, guided: bool = False) -> Floats:
        """d(scores·target)/dx (B, H, W, C), for target weights (B, C), or what guided backpropagation has for it."""
        self._differentiable(target)

        def compute(rows: list[int]) -> Sequence[Any]:
            weights = self.with_region(target[rows], rows)
            outcome, gradient = self.functions.input_gradient(self._inputs(rows), weights, guided)
            self._facts.put(("outcome",), outcome, rows)
            return [gradient]

        return self._facts_of_region.for_target(target).get(("input", guided), compute)[0]

    def multipliers(self, target: Floats, baseline: str) -> tuple[Floats, Floats]:
        """DeepLIFT's multipliers (B, H, W, C) by the rescale rule, and by how much scores·target (B,) change.

        Args:
            target: weights (B, C).
            baseline: from which images, see `baseline`.

        Raises:
            UnsupportedMethodError: an op of the model has no such rule; names it, and what works.
        """
        self._differentiable(target)

        def compute(rows: list[int]) -> Sequence[Any]:
            weights = self.with_region(target[rows], rows)
            start = np.ascontiguousarray(self.baseline(baseline)[rows])
            outcome, change, multipliers = self.functions.multipliers(self._inputs(rows), start, weights)
            self._facts.put(("outcome",), outcome, rows)
            return [multipliers, change]

        multipliers, change = self._facts_of_region.for_target(target).get(("multipliers", baseline), compute)
        return multipliers, change

    def full_gradients(self, target: Floats, rescale: str) -> tuple[Floats, Floats]:
        """FullGrad's maps (B, H, W), and what all its terms add up to (B,), for target weights (B, C)."""
        self._differentiable(target)

        def compute(rows: list[int]) -> Sequence[Any]:
            weights = self.with_region(target[rows], rows)
            outcome, maps, total = self.functions.full_gradients(self._inputs(rows), weights, rescale)
            self._facts.put(("outcome",), outcome, rows)
            return [maps, total]

        maps, total = self._facts_of_region.for_target(target).get(("full", rescale), compute)
        return maps, total

    def attentions(self, title: str) -> list[Floats]:
        """Attention (B, heads, T, T) of each block from the layer on, queries before keys.

        Args:
            title: of the method that asks, for the error.

        Raises:
            UnsupportedMethodError: the model has none among all its tokens; names what works.
        """
        start = self.functions.attention.check(title, self.call)
        return self._attention_facts()[1 + start : 1 + self.functions.attention.blocks]

    def attention_gradients(self, title: str, target: Floats, by_block: bool = False) -> list[Floats]:
        """d(scores·target)/d(attention) of each of these blocks, for target weights (B, C).

        Args:
            title: of the method that asks, for the error.
            target: weights (B, C).
            by_block: take instead of the model's scores those that its own head reads from each block's tokens.
        """
        self._differentiable(target)
        start = self.functions.attention.check(title, self.call)

        def compute(rows: list[int]) -> Sequence[Any]:
            facts = self._rows_of(self._attention_facts(by_block), rows)
            return self.functions.attention_head(facts, self.with_region(target[rows], rows), by_block)

        return self._facts_of_region.for_target(target).get(("attention", by_block), compute)[start:]

    def on_the_patches(self, tokens: Floats) -> Floats:
        """Maps (B, h, w) of what an attention method gives each token (B, T)."""
        place = self.functions.attention.place
        return tokens[:, place.cells].reshape(-1, *place.grid)

    @property
    def read_out(self) -> Floats:
        """How much of each token (T,) the head reads."""
        return self.functions.attention.read_out

    def _attention_facts(self, by_block: bool | None = None) -> list[Any]:
        """Outcome and attention of all blocks, with what gradients at them need unless `by_block` is None."""
        if by_block is None:
            by_block = next((flag for flag in (False, True) if f"attention {flag}" in self._memo), None)

        def compute(rows: list[int]) -> Sequence[Any]:
            x = self._inputs(rows)
            facts = self.functions.attentions(x) if by_block is None else self.functions.attention_trunk(x, by_block)
            self._facts.put(("outcome",), facts[0], rows)
            return facts

        return self._once(f"attention {by_block}", lambda: self._facts.get(("attention", by_block), compute))

    def changed_gradients(self, change: Change, target: Floats, passes: int) -> Iterator[PassBatch]:
        """d(scores·target)/dx of changed images, each `values[n]` (H, W, C); arguments as in `changed_scores`."""
        self._differentiable(target)
        counter = PassCounter(np.full(len(self.x), passes), passes)
        for images, items in self._in_turn(passes, backward=True):
            x = self._with_beside(change(images, items), images)
            gradients = self.functions.input_gradient(x, self.with_region(target[images], images))[1]
            yield PassBatch(images, items, gradients, counter.add(images))

    def changed_scores(
        self,
        fact: tuple[Any, ...],
        change: Change,
        target: Floats,
        order: Ints,
        counts: Ints | None = None,
        own: Sequence[tuple[Any, ...]] | None = None,
    ) -> Iterator[PassBatch]:
        """Scores·target of changed images, as they become known; another target needs no model call.

        Args:
            fact: what `change` depends on, besides image and item.
            change: (images (n,), items (n,)) -> changed inputs (n, H, W, C).
            target: weights (B, C).
            order: items to run, for each image (B, passes) or for all (passes,).
            counts: how many of them each image needs (B,), if not all.
            own: what else `change` depends on, for each image.
        """
        return self._scored(("changed", *fact), self._scores_of_changed(change), target, order, counts, own)

    def changed_class_scores(
        self, fact: tuple[Any, ...], change: Change, counts: Ints, own: Sequence[tuple[Any, ...]] | None = None
    ) -> Iterator[PassBatch]:
        """Scores of all classes of changed images, as they become known; they serve whatever is asked about a class.

        Args:
            fact, change: as in `changed_scores`; items are run in their order.
            counts: how many each image needs (B,).
            own: what else `change` depends on, for each image.
        """
        order = np.arange(counts.max(initial=0))
        return self._scored(("changed", *fact), self._scores_of_changed(change), None, order, counts, own)

    def _scores_of_changed(self, change: Change) -> Change:
        """What tells the scores of changed images, of their images and items."""

        def run(images: Ints, items: Ints) -> Floats:
            return self.functions.predict(self._with_beside(change(images, items), images), *self._region_alone(images))

        return run

    def ablated_scores(self, target: Floats, order: Ints, counts: Ints) -> Iterator[PassBatch]:
        """Scores·target with one channel of the layer's output set to 0, items being channels."""
        call, facts = self._layer(), self.layer_facts()

        def run(images: Ints, channels: Ints) -> Floats:
            a, *rest = (array[images] for array in facts)
            np.moveaxis(a, -1, 1)[np.arange(len(a)), channels] = 0
            return self.functions.head_scores(call, [a, *rest], *self._region_alone(images))

        return self._scored(("ablated", call.path), run, target, order, counts)

    def scores_from(self, activations: Floats, images: Ints | None = None) -> Floats:
        """Scores of all classes (n, C) when the layer has other activations (n, h, w, K) in these images (n,), or all.

        Only what follows the layer is run.
        """
        images = np.arange(len(self.x)) if images is None else images
        call = self._layer()
        a, *rest = (array[images] for array in self.layer_facts())
        place = self.graph.places.of(call.tensor)
        if place is not None and place.tokens:
            a[:, place.cells] = activations.reshape(len(a), -1, a.shape[2])
        else:
            a = activations.astype(a.dtype)
        return self.functions.head_scores(call, [a, *rest], *self._region_alone(images))

    def _scored(
        self,
        fact: tuple[Any, ...],
        run: Callable[[Ints, Ints], Floats],
        target: Floats | None,
        order: Ints,
        counts: Ints | None,
        own: Sequence[tuple[Any, ...]] | None = None,
    ) -> Iterator[PassBatch]:
        if own is None:
            # An order of its own may turn over where two channels are almost equal: it belongs to the key.
            own = [(digest(row),) for row in order] if order.ndim == 2 else [()] * len(self.x)
        keys = [(*key, *fact, *of_image) for key, of_image in zip(self._keys_of_region, own, strict=True)]
        order = np.broadcast_to(order, (len(self.x), order.shape[-1]))
        counts = np.full(len(order), order.shape[1]) if counts is None else counts
        # Nobody asks for the tables of what is passing.
        tables = tables_for(Cache(0) if self.passing else self.cache, keys, counts, self.graph.classes)
        most = self._most(backward=False)
        size = int(max(1, min(most, counts.sum() // 20)))
        if target is None:
            # Nothing is drawn meanwhile, so that no picture has to come early.
            left = np.maximum(counts - [len(table) for table in tables], 0).sum()
            size = most = even_size(int(left), most, PARTS)
        return scored(run, target, order, counts, tables, size, most)

    def _most(self, backward: bool) -> int:
        """How many samples may go through the model at once."""
        most = self.functions.budget.samples(self.graph.bytes_per_sample[backward])
        return min(most, self.most or most)

    def channels_by_energy(self, last: Any) -> Ints:
        """The layer's channels (B, K), those of most energy Σ A² first, those marked in `last` (B, K) at the end."""
        a = self.activations()
        energy = np.where(last, -1, np.einsum("bhwk,bhwk->bk", a, a))
        return np.argsort(-energy, axis=1, kind="stable")

    def kept(self, name: str, make: Callable[[], Any]) -> Any:
        """Something of each image (B, …) that is made once, and kept as what is known of it."""
        return self._facts.get(("made", name), lambda rows: [make()[rows]])[0]

    def baseline(self, kind: str) -> Floats:
        """Images (B, H, W, C) that show nothing: `"black"`, its `"mean"` colour, the image `"blur"`red, `"noise"`.

        Black is 0 where the preprocessing does not tell what black is. The blur is Gaussian, its deviation a
        tenth of the shorter side. Noise is normal, with the mean and the deviation of each channel of the image, and
        follows from the seed.
        """
        if kind == "black":
            return np.broadcast_to(self.black()[:, None, None], self.x.shape)
        if kind == "mean":
            return np.broadcast_to(self.x.mean((1, 2), keepdims=True), self.x.shape)
        if kind == "noise":
            normal = [self.rng(i, "noise").standard_normal(x.shape, np.float32) for i, x in enumerate(self.x)]
            return self.x.mean((1, 2), keepdims=True) + np.stack(normal) * self.x.std((1, 2), keepdims=True)
        return blurred(self.x)

    def require_pooled_linear_head(self) -> None:
        """Refuse heads other than global average pooling and one Dense layer or 1×1 convolution.

        Raises:
            UnsupportedMethodError: names what follows the layer.
        """
        if objection := self.graph.pooling_objection(self._layer()):
            raise UnsupportedMethodError(objection)

    def _as_grid(self, a: Floats) -> Floats:
        """Float32 (B, h, w, K); tokens (B, T, D) are laid out as a grid, without prefix tokens."""
        place = self.graph.places.of(self._layer().tensor)
        if place is not None and place.tokens:
            a = a[:, place.cells].reshape(len(a), *place.grid, a.shape[2])
        return read_only(a.astype(np.float32, copy=False))


def blurred(images: Floats) -> Floats:
    """Images (B, H, W, C) under a Gaussian blur whose deviation is a tenth of the shorter side."""
    rows, columns = (_gaussian(n, min(images.shape[1:3]) / 10) for n in images.shape[1:3])
    return np.einsum("yi,xj,bijc->byxc", rows, columns, images, optimize=True)


def _gaussian(size: int, sigma: float) -> Floats:
    """Weights (size, size) of a blur along one axis, borders weighted anew."""
    at = np.arange(size)
    weights = np.exp(-((at[:, None] - at) ** 2) / (2 * sigma**2))
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)
