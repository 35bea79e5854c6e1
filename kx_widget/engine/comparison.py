"""Methods and layers beside each other: what metrics say of each, with intervals over images."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from kx_widget.engine.errors import MissingPackageError, ParameterError, UnsupportedMethodError, did_you_mean
from kx_widget.engine.evaluation import Evaluation, MetricSummary
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.statistics import bootstrap
from kx_widget.engine.subjects import CLASS, Subject, common
from kx_widget.engine.types import Floats, Ints

# They work in different ways, and take a pass at most.
COMPARED = ("gradcam", "hirescam", "layercam", "eigencam", "gradient_x_input")


@dataclass(frozen=True)
class Contender:
    """A method at a layer, None where it sees the input; `problem` says why it could not be asked, if it could not."""

    method: str
    layer: str | None
    problem: str = ""

    def __str__(self) -> str:
        return f"{self.method} · {self.layer or 'input'}"


@dataclass(frozen=True, eq=False)
class Comparison:
    """What metrics say of maps of the same images by several methods and layers; equal to nothing but itself.

    Attributes:
        contenders: R methods and layers.
        metrics: by id, titles and directions.
        scores: by metric, float32 (R, N, T), NaN where it cannot be told.
        subject: what is common to all that the maps explain.
    """

    contenders: tuple[Contender, ...]
    metrics: Mapping[str, MetricSummary]
    scores: Mapping[str, Floats]
    subject: Subject = CLASS

    def __repr__(self) -> str:
        _, n, t = next(iter(self.scores.values())).shape
        return f"Comparison({len(self.contenders)} methods and layers × {list(self.metrics)}; {n} images × {t} targets)"

    @property
    def means(self) -> dict[str, Floats]:
        """By metric, the mean over images (R, 3), and the ends of its interval of 95 %, from resampled images."""
        return {
            name: np.array([bootstrap(row) for row in _of_images(scores)], np.float32)
            for name, scores in self.scores.items()
        }

    @property
    def told(self) -> dict[str, Ints]:
        """By metric, of how many images (R,) it could be told."""
        return {name: np.isfinite(_of_images(scores)).sum(1) for name, scores in self.scores.items()}

    def order(self, metric: str) -> tuple[Contender, ...]:
        """The contenders, those with the best mean first and those without one last.

        Raises:
            ParameterError: there is no such metric.
        """
        if metric not in self.metrics:
            raise ParameterError(f"{metric!r} was not measured.{did_you_mean(metric, self.metrics)}")
        means = self.means[metric][:, 0]
        sign = -1 if self.metrics[metric].better == "higher" else 1
        return tuple(self.contenders[row] for row in np.argsort(sign * means, kind="stable"))

    def to_dataframe(self) -> Any:
        """A pandas data frame, one row a method and layer: means, and the ends of their intervals.

        Raises:
            MissingPackageError: pandas is missing.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise MissingPackageError("to_dataframe() needs pandas: pip install pandas.") from error
        columns: dict[str, Any] = {name: [getattr(c, name) for c in self.contenders] for name in ("method", "layer")}
        for name, values in self.means.items():
            columns |= {name: values[:, 0], f"{name}_low": values[:, 1], f"{name}_high": values[:, 2]}
        return pd.DataFrame(columns)

    def __str__(self) -> str:
        rows = self._table
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)

    def _repr_html_(self) -> str:
        lines = ("".join(f'<td style="text-align:left">{escape(cell)}</td>' for cell in row) for row in self._table)
        return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"

    @property
    def _table(self) -> list[list[str]]:
        """A row of titles, then one a method and layer: its name, and the mean by each metric."""
        titles = [f"{s.title} {'↑' if s.better == 'higher' else '↓'}" for s in self.metrics.values()]
        means, told = self.means, self.told
        rows = [["method and layer", *titles]]
        for row, contender in enumerate(self.contenders):
            cells = [_interval(means[name][row], int(told[name][row])) for name in self.metrics]
            rows.append([f"{contender}{': ' if contender.problem else ''}{contender.problem}", *cells])
        return rows


def compare(
    contenders: Iterable[tuple[str, str | None]],
    explain: Callable[[str, str | None], Explanation],
    evaluate: Callable[[Explanation], Evaluation],
) -> Comparison:
    """Ask methods at layers, and measure their maps.

    Args:
        contenders: ids of methods, and paths of layers, None for the method's own.
        explain: makes a method's maps at a layer.
        evaluate: measures these.

    Raises:
        ParameterError: none of them can be asked.
    """
    rows: list[Contender] = []
    evaluations: list[Evaluation | None] = []
    for method, layer in contenders:
        try:
            explanation = explain(method, layer)
        except UnsupportedMethodError as error:
            rows.append(Contender(method, layer, str(error)))
            evaluations.append(None)
            continue
        rows.append(Contender(method, explanation.layer))
        evaluations.append(evaluate(explanation))
    first = next((each for each in evaluations if each is not None), None)
    if first is None:
        problems = "; ".join(f"{contender}: {contender.problem}" for contender in rows)
        raise ParameterError(f"There is nothing to compare. {problems or 'Pass at least one method and one layer.'}")
    nothing = np.full(first.shape, np.nan, np.float32)
    scores = {
        name: np.stack([nothing if each is None else each.scores[name] for each in evaluations])
        for name in first.scores
    }
    return Comparison(tuple(rows), first.metrics, scores, first.subject)


def joined(comparisons: Sequence[Comparison]) -> Comparison:
    """The same comparison of some images and of others as one of all of them."""
    first = comparisons[0]
    scores = {name: np.concatenate([each.scores[name] for each in comparisons], 1) for name in first.scores}
    return Comparison(first.contenders, first.metrics, scores, common(each.subject for each in comparisons))


def _of_images(scores: Floats) -> Floats:
    """Scores (R, N, T) averaged over the targets of each image (R, N), NaN where none is told."""
    told = np.isfinite(scores)
    total = np.where(told, scores, 0).sum(2)
    return np.divide(total, told.sum(2), out=np.full_like(total, np.nan), where=told.any(2))


def _interval(mean: Floats, told: int) -> str:
    if not told:
        return "–"
    return f"{mean[0]:.3f} ({mean[1]:.3f} to {mean[2]:.3f}), {told} images".replace("-", "−")
