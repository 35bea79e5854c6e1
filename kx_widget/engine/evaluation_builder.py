"""What metrics tell of some images at a time -> the whole evaluation."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from kx_widget.engine.covering import Mask
from kx_widget.engine.evaluation import CURVES, NOT_YET, Evaluation, MetricSummary
from kx_widget.engine.evaluation_inputs import EvaluationSettings, MetricColumn
from kx_widget.engine.explanation import Explanation, versions
from kx_widget.engine.map_batch import Curves, MetricValues
from kx_widget.engine.notes import heading_of
from kx_widget.engine.types import Floats, Ints


class EvaluationBuilder:
    """Gathers what metrics tell in arrays of all images and targets.

    Args:
        explanation: the maps.
        columns: metrics by id.
        settings: what covers, and how often.
        unusable: why nothing can be told of a map (N, T), "" of one of which it can.
    """

    def __init__(
        self,
        explanation: Explanation,
        columns: Mapping[str, MetricColumn],
        settings: EvaluationSettings,
        unusable: list[list[str]],
    ) -> None:
        self._start = time.perf_counter()
        self._explanation, self._columns, self._settings, self._unusable = explanation, columns, settings, unusable
        self._shape = explanation.targets.shape
        images, targets = map(range, self._shape)
        self._subjects = tuple(tuple(explanation.subject(i, t) for t in targets) for i in images)
        self._scores = {name: self._empty() for name in columns}
        self._control: dict[str, Floats] = {}
        self._curves: dict[str, Floats] = {}
        self._tops: dict[str, Ints] = {}
        self._cells: dict[str, Floats] = {}
        self._fractions = np.zeros(0, np.float32)
        self._ends: Floats | None = None
        self._reasons: dict[str, Any] = {name: np.full(self._shape, NOT_YET, object) for name in columns}

    def _empty(self, *more: int) -> Floats:
        return np.full((*self._shape, *more), np.nan, np.float32)

    def add(self, rows: slice, name: str, values: MetricValues) -> None:
        """What a metric tells of some images."""
        self._scores[name][rows] = np.where(self.is_unusable(rows), np.nan, values.values)
        reasons = self._reasons[name]
        reasons[rows] = "there is no number"
        for reason, where in values.reasons.items():
            reasons[rows][where] = reason

    def add_curves(self, rows: slice, curves: Curves, tops: tuple[Ints, Ints]) -> None:
        """The curves of some images, and the classes of most score along them."""
        for name, classes in zip(CURVES, tops, strict=True):
            empty = np.full((*self._shape, classes.shape[-1]), -1, np.int64)
            self._tops.setdefault(name, empty)[rows] = classes
        self._fractions = curves.covered
        self._ends = self._empty(2) if self._ends is None else self._ends
        self._ends[rows] = curves.ends
        for name, values in (("deletion", curves.deletion), ("insertion", curves.insertion)):
            self._curves.setdefault(name, self._empty(len(self._fractions)))[rows] = values

    def add_cells(self, rows: slice, losses: Floats, sums: Floats) -> None:
        """What covering each cell of some images costs, and what the maps have there."""
        for name, values in (("losses", losses), ("sums", sums)):
            self._cells.setdefault(name, self._empty(values.shape[-1]))[rows] = values

    def is_unusable(self, rows: slice) -> Mask:
        """Of which maps (B, T) of some images nothing can be told."""
        return np.array([[bool(text) for text in row] for row in self._unusable[rows]])

    def add_random_curve(self, rows: slice, places: Mask, curves: Floats) -> None:
        """The curves (B, T, R, steps + 1) of random maps that count in these places (B, T)."""
        of_places = curves[places]
        summaries = {"random": of_places.mean(1), "random_low": of_places.min(1), "random_high": of_places.max(1)}
        for name, values in summaries.items():
            self._curves.setdefault(name, self._empty(curves.shape[-1]))[rows][places] = values

    def add_control(self, rows: slice, name: str, places: Mask, values: Floats) -> None:
        """What a metric tells of random maps (B, T, R) that count in these places (B, T)."""
        control = self._control.setdefault(name, self._empty(3))
        number = np.full(int(places.sum()), values.shape[-1])
        control[rows][places] = np.stack([values[places].mean(1), values[places].std(1, ddof=1), number], -1)

    def evaluation(self, done: float) -> Evaluation:
        """What is known by now."""
        return Evaluation(
            scores={name: values.copy() for name, values in self._scores.items()},
            metrics={name: summary_of(column) for name, column in self._columns.items()},
            curves={name: values.copy() for name, values in self._curves.items()},
            fractions=self._fractions,
            control={name: values.copy() for name, values in self._control.items()},
            notes=tuple(tuple(self._notes(i, t) for t in range(self._shape[1])) for i in range(self._shape[0])),
            target_names=self._explanation.target_names,
            names=self._explanation.names or tuple(f"image {i}" for i in range(self._shape[0])),
            method=self._explanation.method,
            layer=self._explanation.layer,
            settings=asdict(self._settings),
            done=float(done),
            seconds=time.perf_counter() - self._start,
            versions=versions(),
            tops={name: classes.copy() for name, classes in self._tops.items()},
            cells={name: values.copy() for name, values in self._cells.items()},
            ends=None if self._ends is None else self._ends.copy(),
            subjects=self._subjects,
        )

    def _notes(self, image: int, target: int) -> tuple[str, ...]:
        if text := self._unusable[image][target]:
            return (text,)
        untold = tuple(
            f"{self._columns[name].metric.title}: {self._reasons[name][image, target]}."
            for name, values in self._scores.items()
            if np.isnan(values[image, target])
        )
        # Whatever is measured of a control, it is no explanation.
        notes = self._explanation.notes_of(image, target)
        return (*untold, *(note for note in notes if heading_of((note,)) == "Control"))


def summary_of(column: MetricColumn) -> MetricSummary:
    """A metric as an evaluation keeps it."""
    metric = column.metric
    return MetricSummary(
        metric.title,
        metric.better(column.params),
        metric.aspect,
        metric.meaning,
        metric.doubt,
        dict(column.params),
        metric.best,
    )
