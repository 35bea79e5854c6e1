"""How far the maps of an answer can be believed, measured while nothing else is to be done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from kx_widget.engine.drawing import encode
from kx_widget.engine.errors import ParameterError
from kx_widget.engine.evaluation import CURVES, NOT_YET, Evaluation
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.images import Images
from kx_widget.engine.types import Floats
from kx_widget.widget.scored_curves import ScoredCurves, Tell, best_classes, own_value, scored_curves, values
from kx_widget.widget.serialize import finite

if TYPE_CHECKING:
    # What is stored is shown without TensorFlow.
    from kx_widget.engine.explainer import Explainer
    from kx_widget.engine.scored_picture import ScoredPicture

# Metrics of every map, that take no pass through the whole model; the last one asks the method for other classes.
FREE = ("sparseness", "effective_area", "random_logit")
# Metrics of maps that are looked at, and their passes: once an image, a map, and a size of maps.
COSTLY = ("single_deletion", "srg")
IMAGE_PASSES, MAP_PASSES, CONTROL_PASSES = 17, 18, 72
# What takes longer is not begun unasked.
MOST_SECONDS = 20.0
QUICK = ("instant", "1 pass")
COVER = "blur"

Records = Mapping[tuple[int, int], dict[str, Any]]


@dataclass
class MapEvidence:
    """What is known of an answer's maps, by image and column; of `measured` images all there is, by cover.

    `curves` hold what was scored along those of the image that was in focus last.
    """

    records: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    has_free: bool = False
    measured: set[tuple[int, str]] = field(default_factory=set)
    curves: Sequence[ScoredCurves] = ()

    def measure(
        self, explained: ExplainedImages, images: Iterable[int], cover: str, stale: Callable[[], bool]
    ) -> Iterator[list[dict[str, Any]]]:
        """Measure what is lacking, and yield records after each piece: what is free of all maps, the rest of `images`.

        Args:
            explained: the maps, with what they explain.
            images: numbers; those of which nothing can be measured are left out.
            cover: what covers.
            stale: tells that nobody wants to know any more.
        """
        if not self.has_free:
            yield from explained.measure(FREE, None, cover, stale)
            if stale():
                return
            self.has_free = True
        for image in images:
            if (image, cover) in self.measured or image not in explained.numbers:
                continue
            # From here on its records are, piece by piece, those of this cover.
            self.measured = {each for each in self.measured if each[0] != image}
            yield from explained.measure((*FREE, *COSTLY), image, cover, stale)
            if stale():
                return
            self.measured = {*self.measured, (image, cover)}

    def keep_curves(self, explained: ExplainedImages, image: int, cover: str, stale: Callable[[], bool]) -> None:
        """Keep what was scored along the curves of an image that is measured, for pages without a kernel."""
        drawn = {at[1]: each["curves"] for at, each in self.records.items() if at[0] == image and each["curves"]}
        is_kept = any((each.image, each.cover) == (image, cover) for each in self.curves)
        if (image, cover) not in self.measured or not drawn or is_kept:
            return
        steps = len(next(iter(drawn.values()))["covered"]) - 1
        curves: list[ScoredCurves] = []
        for each in explained.curves(image, list(drawn), cover, steps):
            if stale():
                return
            curves.append(each)
        self.curves = curves


@dataclass(frozen=True)
class ExplainedImages:
    """The maps of an answer, with what they explain.

    Args:
        explanations: side by side.
        sources: of each of them what made it, and the images that are explained.
        numbers: of these images.
    """

    explanations: Sequence[Explanation]
    sources: Sequence[tuple[Explainer, Images]]
    numbers: Sequence[int]

    @property
    def passes(self) -> int:
        """How many passes all metrics of one image take."""
        maps = sum(explanation.targets.shape[1] for explanation in self.explanations)
        sizes = {explanation.maps.shape[2:] for explanation in self.explanations}
        return IMAGE_PASSES + MAP_PASSES * maps + CONTROL_PASSES * len(sizes)

    def measure(
        self, names: Sequence[str], image: int | None, cover: str, stale: Callable[[], bool]
    ) -> Iterator[list[dict[str, Any]]]:
        """Measure the maps of one image, or of all, and yield the records that have changed after each piece.

        Args:
            names: metrics.
            image: its number; None for all.
            cover: what covers.
            stale: tells that nobody wants to know any more.
        """
        first_column = 0
        for explanation, (explainer, images) in zip(self.explanations, self.sources, strict=True):
            part, numbers = explanation, list(self.numbers)
            if image is not None:
                row = numbers.index(image)
                part, numbers = explanation.of_image(row), [image]
                images = images.where(np.arange(len(images.batch)) == row)
            before: list[Any] = [None] * len(numbers)
            fitting = fitting_metrics(explainer, names, part)
            stream = explainer.evaluate_stream(part, fitting, images=images, cover=cover)
            with closing(stream):
                for evaluation in stream:
                    if stale():
                        return
                    kinds = [len(each) for each in (evaluation.control, evaluation.curves, evaluation.cells)]
                    states = [(notes, kinds) for notes in evaluation.notes]
                    rows = [row for row, each in enumerate(states) if each != before[row] and _says(evaluation, row)]
                    before = states
                    yield [
                        record(
                            evaluation,
                            row,
                            column,
                            bool(np.isfinite(part.probabilities[row, column])),
                            bool(part.units),
                        )
                        | {"image": numbers[row], "column": first_column + column}
                        for row in rows
                        for column in range(part.targets.shape[1])
                    ]
            first_column += explanation.targets.shape[1]

    def picture(self, image: int, column: int, curve: str, step: int, cover: str) -> tuple[dict[str, Any], bytes]:
        """What was scored at a step of a curve: the fields of a `covered` message, and its buffer.

        Raises:
            KxError: there is no such map, step or cover, or nothing in the map.
        """
        scored = self._scored(image, column, curve=curve, step=step, cover=cover)
        height, width = scored.pixels.shape[:2]
        about = {"share": scored.share, "width": width, "height": height, "classes": self._tell(column)(scored)}
        return about, encode(scored.pixels, compress_level=3)

    def curves(self, image: int, columns: Sequence[int], cover: str, steps: int) -> Iterator[ScoredCurves]:
        """What was scored along the curves of an image's maps in these columns; no pass is made where they are known.

        Raises:
            KxError: as in `picture`.
        """
        for column in columns:
            scored = partial(self._scored, image, column, cover=cover)
            yield scored_curves(image, column, cover, steps, scored, self._tell(column))

    def _place(self, column: int) -> tuple[Explanation, tuple[Explainer, Images], int]:
        """What a column shows: an explanation, what made it of which images, and the place of the target in it."""
        sourced = zip(self.explanations, self.sources, strict=True)
        places = [(*each, target) for each in sourced for target in range(each[0].targets.shape[1])]
        if column not in range(len(places)):
            raise ParameterError(f"There is no column {column}: there are {len(places)}.")
        return places[column]

    def _tell(self, column: int) -> Tell:
        """What is told of a picture that was scored for a column."""
        explanation, _, target = self._place(column)
        if explanation.own:
            return partial(own_value, target=target)
        return values if explanation.units else best_classes

    def _scored(self, image: int, column: int, *, curve: str, step: int, cover: str) -> ScoredPicture:
        if image not in self.numbers:
            raise ParameterError(f"There is no map of an image {image}.")
        explanation, (explainer, images), target = self._place(column)
        row = list(self.numbers).index(image)
        return explainer.scored_picture(explanation, row, target, step=step, curve=curve, images=images, cover=cover)


def fitting_metrics(explainer: Explainer, names: Sequence[str], explanation: Explanation) -> list[str]:
    """Those of the metrics that take no longer than they promise: not those that ask a slow method again."""
    method = explainer.methods.get(explanation.method)
    is_quick = method is not None and method.cost in QUICK and not {"smooth", "tta"} & set(explanation.params)
    return [name for name in names if is_quick or "the method" not in explainer.metrics[name].needs]


def record(
    evaluation: Evaluation, image: int, target: int, has_probability: bool, is_value: bool = False
) -> dict[str, Any]:
    """What is known of one map, but for its place, as the page shows it.

    Args:
        evaluation: of the maps.
        image, target: of the one that is told.
        has_probability: whether that is what curves tell, rather than a score.
        is_value: whether it explains a value, of which nothing says that it is predicted.
    """
    return {
        "state": evaluation.state(image, target),
        "headline": evaluation.headline(image, target),
        "verdict": evaluation.verdict(image, target),
        "cover": evaluation.settings["cover"],
        "metrics": [
            {
                "title": summary.title,
                "better": summary.better,
                "value": finite(evaluation.scores[name][image, target]),
                "control": _control(evaluation, name, image, target),
                "sentence": evaluation.sentence(name, image, target),
            }
            for name, summary in evaluation.metrics.items()
            if f"{summary.title}: {NOT_YET}." not in evaluation.notes[image][target]
        ],
        "curves": _curves(evaluation, image, target, has_probability, is_value),
        "cells": _cells(evaluation, image, target),
    }


def _control(evaluation: Evaluation, name: str, image: int, target: int) -> list[float] | None:
    if name not in evaluation.control:
        return None
    mean, spread, _ = map(float, evaluation.control[name][image, target])
    return [mean, spread] if np.isfinite([mean, spread]).all() else None


def _curves(
    evaluation: Evaluation, image: int, target: int, has_probability: bool, is_value: bool
) -> dict[str, Any] | None:
    if "deletion" not in evaluation.curves:
        return None
    is_compared = "random" in evaluation.curves and np.isfinite(evaluation.curves["random"][image, target]).all()
    fractions = evaluation.fractions.astype(float)
    return {
        "value": "probability" if has_probability else "score",
        "covered": fractions.tolist(),
        "shown": (1 - fractions[::-1]).tolist(),
        **{name: _numbers(evaluation.curves[name][image, target]) for name in CURVES},
        **{
            name: _numbers(evaluation.curves[name][image, target]) if is_compared else []
            for name in ("random_low", "random_high")
        },
        # No part takes or keeps the prediction where a value is told.
        "flips_at": None if is_value else finite(evaluation.smallest_share("deletion", image, target)),
        "keeps_at": None if is_value else finite(evaluation.smallest_share("insertion", image, target)),
        "shares": [] if is_value else shares_in_words(evaluation, image, target),
        "ends": [] if has_probability else _ends(evaluation, image, target),
    }


def _ends(evaluation: Evaluation, image: int, target: int) -> list[float]:
    """What a score is where all is covered, and for the picture; [] where that is not known."""
    ends = np.zeros(0) if evaluation.ends is None else evaluation.ends[image, target]
    return ends.astype(float).tolist() if np.isfinite(ends).all() else []


def shares_in_words(evaluation: Evaluation, image: int, target: int) -> list[str]:
    """How much of the picture must be covered to take the prediction, and shown to keep it."""
    flips, keeps = (evaluation.smallest_share(curve, image, target) for curve in ("deletion", "insertion"))
    takes = "Covering it to the end never takes" if np.isnan(flips) else f"Covering {flips:.0%} takes"
    if not np.isnan(keeps):
        return [f"{takes} the prediction.", f"Showing {keeps:.0%} keeps it."]
    classes = evaluation.tops["insertion"][image, target]
    return [
        f"{takes} the prediction.",
        "With all of it covered, the prediction is the same."
        if classes[0] == classes[-1]
        else "No part of it alone keeps the prediction.",
    ]


def _cells(evaluation: Evaluation, image: int, target: int) -> dict[str, Any] | None:
    if not evaluation.cells:
        return None
    losses, sums = (evaluation.cells[name][image, target] for name in ("losses", "sums"))
    return {
        "grid": round(len(losses) ** 0.5),
        "losses": _numbers(losses),
        "sums": _numbers(sums),
        "correlation": finite(evaluation.scores["single_deletion"][image, target]),
    }


def _says(evaluation: Evaluation, image: int) -> bool:
    """Whether all that is free is known of an image: what comes later adds to it."""
    titles = [summary.title for name, summary in evaluation.metrics.items() if name in FREE]
    return not any(f"{title}: {NOT_YET}." in notes for title in titles for notes in evaluation.notes[image])


def _numbers(values: Floats) -> list[float | None]:
    return [finite(value) for value in values]
