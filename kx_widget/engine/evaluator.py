"""Maps and the metrics that are asked about them, and the driver that answers."""

from collections.abc import Callable, Container, Generator, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kx_widget.engine.covering import Mask, Passes
from kx_widget.engine.errors import KxError, ModelError, ParameterError, UnsupportedMethodError, plain
from kx_widget.engine.evaluation import Evaluation
from kx_widget.engine.evaluation_builder import EvaluationBuilder
from kx_widget.engine.evaluation_inputs import (
    EvaluationSettings,
    MetricColumn,
    check_masks,
    covering_of,
    pixel_scale,
    targets_of,
    unusable,
)
from kx_widget.engine.evidence_columns import EVIDENCE
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.images import Images
from kx_widget.engine.map_batch import SAME_SCORE, MapBatch, MetricValues, grids_like
from kx_widget.engine.methods import METHODS
from kx_widget.engine.metrics import METRICS
from kx_widget.engine.probe import Probe
from kx_widget.engine.question import Question, model_failures
from kx_widget.engine.scored_picture import ScoredPicture, check_step, pixels_at, scores_at
from kx_widget.engine.types import Floats

# Pairs of random maps to compare with where they take no passes, and how many cells these have at most.
FREE_PAIRS, SMALL = 32, 1024
# Passes whose scores of all classes are in memory at once, for one image, at most.
TABLE = 256


@dataclass(frozen=True, eq=False, kw_only=True)
class Evaluator:
    """Maps, checked, and what is to be measured of them; `stream` measures it.

    Args:
        explanation: the maps.
        question: as which they were asked; of another method where theirs is not known.
        is_known: whether it is their method.
        ask: other methods about the same images, `Explainer.ask`.
        weights: the targets (N, T, C).
        columns: metrics by id.
        masks: where what counts is (N, H, W).
        settings: what covers, and how often.
    """

    explanation: Explanation
    question: Question
    is_known: bool
    ask: Callable[..., Question]
    weights: Floats
    columns: Mapping[str, MetricColumn]
    masks: Mask | None
    settings: EvaluationSettings

    def evaluate(self, progress: bool = False) -> Evaluation:
        """All of it; with a progress bar if asked."""
        builder = self._builder()
        for _ in _with_bar(self._run(builder)) if progress else self._run(builder):
            pass
        return builder.evaluation(1)

    def stream(self) -> Generator[Evaluation, None, None]:
        """Measure, some images and one metric at a time.

        Yields:
            What is known after each call of the model. Closing the generator cancels.

        Raises:
            ModelError: the model failed, or its scores are no numbers.
            ParameterError: the maps belong to other images, or a metric of one's own tells no numbers of maps.
        """
        builder = self._builder()
        for done in self._run(builder):
            yield builder.evaluation(done)
        yield builder.evaluation(1)

    def picture(self, image: int, target: int, curve: str, step: int) -> ScoredPicture:
        """What was scored at a step of a curve of one map; it takes no pass where the curve is known.

        Raises:
            ParameterError: there is no such image, target, curve or step, or the map says nothing.
            ModelError: the model failed.
        """
        self.explanation.notes_of(image, target)
        check_step(curve, step, self.settings.steps)
        if reason := self.unusable[image][target]:
            raise ParameterError(f"Nothing is covered in the order of this map. {reason}")
        rows, question = slice(image, image + 1), self.question
        maps = np.ascontiguousarray(self.explanation.maps[rows, target])
        place = curve, step, self.settings.steps
        with model_failures():
            probe = question.probe(rows)
            self._check_scores(rows, question.scores(rows, probe))
            covering = covering_of(question.images, rows, self.settings.cover, probe)
            scores = scores_at(covering, maps, *place)
        pixels, share = pixels_at(covering, question.images.pixels[rows], maps, *place)
        return ScoredPicture(pixels, share, scores[0], question.model.probabilities(scores)[0])

    def _builder(self) -> EvaluationBuilder:
        return EvaluationBuilder(self.explanation, self.columns, self.settings, self.unusable)

    @cached_property
    def unusable(self) -> list[list[str]]:
        """Why nothing can be told of a map (N, T), "" of one of which it can."""
        return unusable(self.explanation)

    def _run(self, builder: EvaluationBuilder) -> Generator[float, None, None]:
        """Fill the builder; yields which part of the work is done, less than 1, after each call of the model."""
        with model_failures():
            _, targets, classes = self.weights.shape
            chunks = list(self.question.probes(extra_bytes=4 * max(TABLE, 2 * FREE_PAIRS * targets) * classes))
            total = len(chunks) * len(self.columns)
            for number in range(len(chunks)):
                # What a probe has learned goes with it.
                rows, probe = chunks.pop(0)
                batch = self._batch(rows, probe)
                for column, name in enumerate(self.columns):
                    begun, most = number * len(self.columns) + column, 0.0
                    for passes in self._measure(name, batch, rows, builder):
                        # Several tables one after the other are each done at the end.
                        most = max(most, min(passes.done / max(passes.total, 1), 0.99))
                        yield (begun + most) / total
                    if begun + 1 < total:
                        yield (begun + 1) / total

    def _batch(self, rows: slice, probe: Probe) -> MapBatch:
        question, images, e = self.question, self.question.images, self.explanation
        self._check_scores(rows, question.scores(rows, probe))
        # What these hold does not count, and must not spread.
        nothing = np.array([list(map(bool, texts)) for texts in self.unusable[rows]])
        return MapBatch(
            maps=np.where(nothing[..., None, None], 0, e.maps[rows]).astype(np.float32),
            signed=e.signed,
            weights=self.weights[rows],
            indices=e.targets[rows],
            covering=covering_of(images, rows, self.settings.cover, probe),
            probabilities=question.model.probabilities,
            steps=self.settings.steps,
            checks={name: values[rows] for name, values in e.checks.items()},
            masks=None if self.masks is None else self.masks[rows],
            method=question.method if self.is_known else None,
            wrappers=question.wrappers,
            pixel_scale=lambda: pixel_scale(images, rows),
            maps_of=self._maps_of,
            neighbours=lambda name, weights: self._neighbour(rows, name, weights),
        )

    def _check_scores(self, rows: slice, scores: Floats) -> None:
        """Refuse maps of other images, of a model with other weights, or of another preprocessing."""
        now = np.einsum("bc,btc->bt", scores, self.weights[rows])
        before = self.explanation.scores[rows]
        differs = np.abs(now - before) > SAME_SCORE * np.maximum(1, np.abs(before))
        if differs.any():
            i, t = np.argwhere(differs)[0]
            raise ParameterError(
                f"The maps do not belong to these images, or to this model as it is now: of "
                f"{self.question.images.names[rows][i]}, {self.explanation.target_names[rows.start + i][t]!r} has the "
                f"score {now[i, t]:.4g}, and had {before[i, t]:.4g}. Pass images= what was explained, or explain again."
            )

    def _maps_of(self, probe: Probe, weights: Floats) -> Floats:
        if not self.is_known:
            raise UnsupportedMethodError(f"this explainer has no method {self.explanation.method!r} to ask once more")
        if self.question.columns.bands:
            raise UnsupportedMethodError("maps of single bands are not asked for once more")
        return _last_maps(self.question, probe, weights)

    def _neighbour(self, rows: slice, name: str, weights: Floats) -> Floats:
        layer = self.question.layer if METHODS[name].sees == self.question.method.sees else None
        try:
            about = {"method": name, "layer": layer, "region": self.question.regions or None}
            question = self.ask(
                self.question.images, list(self.question.model.own) or [0], seed=self.settings.seed, **about
            )
        except ModelError as error:
            raise UnsupportedMethodError(str(error)) from error
        return _last_maps(question, question.probe(rows), weights)

    def _measure(
        self, name: str, batch: MapBatch, rows: slice, builder: EvaluationBuilder
    ) -> Generator[Passes, None, None]:
        column = self.columns[name]
        try:
            answer = yield from _asked(column, batch)
        except UnsupportedMethodError as error:
            values = np.full(batch.indices.shape, np.nan, np.float32)
            builder.add(rows, name, MetricValues(values, {str(error): np.isnan(values)}))
            return
        if batch.has_curves:
            curves = yield from batch.curves()
            builder.add_curves(rows, curves, batch.curve_tops)
        if batch.cells is not None:
            builder.add_cells(rows, *batch.cells)
        # Alone, without those of random maps, a number says nothing.
        if column.metric.is_compared and self.settings.controls:
            yield from self._compare(name, batch, rows, builder, ~np.isnan(answer.values) & ~builder.is_unusable(rows))
        builder.add(rows, name, answer)

    def _pairs(self, name: str, size: tuple[int, int]) -> int:
        """How many pairs of random maps of a size a metric is compared with: more where they take no passes."""
        pairs = (self.settings.controls + 1) // 2
        is_free = "curves" not in self.columns[name].metric.needs and size[0] * size[1] <= SMALL
        return max(pairs, FREE_PAIRS) if is_free else pairs

    def _compare(
        self, name: str, batch: MapBatch, rows: slice, builder: EvaluationBuilder, told: Mask
    ) -> Generator[Passes, None, None]:
        """The same of random maps as smooth as each map (B, T) of which something is told."""
        grids = grids_like(batch.maps, batch.size)
        for grid in np.unique(grids[told], axis=0):
            same = told & (grids == grid).all(-1)
            size = int(grid[0]), int(grid[1])
            random = batch.random(size, self._pairs(name, size), same.any(1))
            values = yield from _asked(self.columns[name], random)
            builder.add_control(rows, name, same, values.values.reshape(*same.shape, -1))
            if random.has_curves:
                curves = yield from random.curves()
                builder.add_random_curve(rows, same, curves.deletion.reshape(*same.shape, -1, self.settings.steps + 1))


def evaluator_of(
    explanation: Explanation,
    images: Images,
    columns: Mapping[str, MetricColumn],
    masks: Any,
    settings: EvaluationSettings,
    ask: Callable[..., Question],
    methods: Container[str],
) -> Evaluator:
    """Maps, checked, and what is to be measured of them; nothing is computed yet.

    Args:
        explanation: the maps.
        images: what they explain.
        columns, settings: as in `Evaluator`.
        masks: where what counts is (N, H, W), or None.
        ask: makes a question, `Explainer.ask`.
        methods: ids of those that can be asked.

    Raises:
        ParameterError: there are not as many images as maps, masks of another shape or empty, other classes.
        UnknownLayerError: the model has no layer of that path.
    """
    if len(images.batch) != len(explanation.targets):
        raise ParameterError(f"There are maps of {len(explanation.targets)} images, and {len(images.batch)} images.")
    is_known = explanation.method in methods
    # A method that nobody knows cannot be asked; everything else can.
    method = {"method": explanation.method, **explanation.params} if is_known else {"method": "gradients"}
    about = {"layer": explanation.layer, "region": explanation.regions or None, **method}
    question = ask(images, list(explanation.own) or [0], batch_size=settings.batch_size, seed=settings.seed, **about)
    return Evaluator(
        explanation=explanation,
        question=question,
        is_known=is_known,
        ask=ask,
        weights=targets_of(explanation, question.model.class_names),
        columns=columns,
        masks=check_masks(masks, images),
        settings=settings,
    )


def evidence_of(
    question: Question, explanation: Explanation, names: Iterable[str], scores: Floats, ask: Callable[..., Question]
) -> dict[str, Floats]:
    """Columns of evidence about maps that have just been made; what was computed for them is not computed again.

    Args:
        question: whose answer they are.
        explanation: the maps.
        names: of columns.
        scores: what all classes are ranked by (N, C), see `Question.ranking`.
        ask: makes a question, `Explainer.ask`.

    Returns:
        By name float32 (N, T), NaN where it cannot be told.

    Raises:
        ModelError: the model failed.
    """
    chosen = [EVIDENCE[name] for name in names]
    # Where maps of other classes take passes of their own, they are not free.
    is_instant = question.method.cost == "instant" and not question.wrappers
    columns = {
        column.name: MetricColumn(column.metric, column.metric.complete(column.params))
        for column in chosen
        if is_instant or "the method" not in column.metric.needs
    }
    evaluator = Evaluator(
        explanation=explanation,
        question=question,
        is_known=True,
        ask=ask,
        weights=question.columns.resolve(scores).weights,
        columns=columns,
        masks=None,
        settings=EvaluationSettings(controls=0, batch_size=question.batch_size, seed=question.seed),
    )
    measured = evaluator.evaluate().scores
    nothing = np.full(explanation.targets.shape, np.nan, np.float32)
    return {column.name: measured.get(column.name, nothing) for column in chosen}


def _last_maps(question: Question, probe: Probe, weights: Floats) -> Floats:
    """The finished maps (B, h, w) of a question's method."""
    *_, last = question.generator(probe, np.ascontiguousarray(weights), **question.params)
    maps = last.maps if question.method.finish is None else question.method.finish(last.maps, **question.params)
    return np.asarray(maps, np.float32)


def _asked(column: MetricColumn, batch: MapBatch) -> Generator[Passes, None, MetricValues]:
    """What a metric tells of a batch; an error in one that a user brought names it."""
    metric, result = column.metric, None
    try:
        answer = metric.fn(batch, **column.params)
        if not isinstance(answer, Iterable) or isinstance(answer, np.ndarray):
            result = answer
        else:
            for each in answer:
                if isinstance(each, Passes):
                    yield each
                else:
                    result = each
    except Exception as error:
        if isinstance(error, KxError) or METRICS.get(metric.id) is metric:
            raise
        raise KxError(f"{metric.title} ({metric.id!r}) raised {plain(error)}") from error
    if isinstance(result, MetricValues):
        return result
    values = np.asarray(result)
    if values.shape != batch.indices.shape or values.dtype.kind not in "buif":
        raise ParameterError(
            f"{metric.title} told {type(result).__name__} of shape {values.shape} and {values.dtype}; numbers of shape "
            f"{batch.indices.shape} (images, targets) are needed."
        )
    return MetricValues(values.astype(np.float32))


def _with_bar(steps: Iterable[float]) -> Generator[float, None, None]:
    from tqdm.auto import tqdm

    with tqdm(total=100, unit="%") as bar:
        for step in steps:
            bar.update(int(100 * step) - bar.n)
            yield step
        bar.update(100 - bar.n)
