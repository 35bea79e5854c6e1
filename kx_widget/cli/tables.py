"""What commands tell of evaluations and comparisons: tables with intervals, and what was not measured in words."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from kx_widget.bulk.file_comparison import FileComparison
from kx_widget.bulk.store import Store
from kx_widget.bulk.store_evaluation import CLEAR, StoreEvaluation, Z
from kx_widget.cli.report import aligned
from kx_widget.engine.comparison import Comparison
from kx_widget.engine.evaluation import MetricSummary, unmeasured
from kx_widget.engine.figures import counted, fixed

# So many reasons why something cannot be told are listed.
LISTED = 8
HEADLINE = "srg"


def evaluation_lines(evaluation: StoreEvaluation, store: Store) -> list[str]:
    """A line a metric, why something is not told, and what was not measured."""
    head, *remarks = evaluation_remarks(evaluation, store)
    lines = [f"{head}:", *aligned(evaluation_table(evaluation)), *remarks]
    return [*lines, f"A row for each map is in {evaluation.path}."]


def evaluation_table(evaluation: StoreEvaluation) -> list[tuple[str, ...]]:
    """A row a metric below the heading."""
    cells = [("metric", "better", "mean", "95 %", "random maps", "told of")]
    maps = len(evaluation)
    for name, summary in evaluation.metrics.items():
        mean, interval = _figures(evaluation.means[name])
        clear = ""
        if CLEAR + name in evaluation.table.column_names:
            better, told = evaluation.values(CLEAR + name), evaluation.told(CLEAR + name)
            clear = f"clearly better: {int((better == 1).sum())} of {told}" if told else ""
        cells.append((summary.title, summary.better, mean, interval, clear, f"{evaluation.told(name)} of {maps}"))
    return cells


def evaluation_remarks(evaluation: StoreEvaluation, store: Store) -> list[str]:
    """What was looked at, why something is not told, and what was not measured."""
    drawn = f"{counted(evaluation.images, 'image')} of {len(store.select()) // evaluation.targets}"
    lines = [f"{evaluation.contender}, {drawn}"]
    reasons = [f"not told of {counted(count, 'map')}: {reason}" for reason, count in evaluation.reasons.items()]
    lines += reasons[:LISTED]
    if len(reasons) > LISTED:
        lines.append(f"and {counted(len(reasons) - LISTED, 'reason')} more, in the column notes")
    return [*lines, *_missing(evaluation)]


def evaluation_facts(evaluation: StoreEvaluation) -> dict[str, Any]:
    """The same for scripts."""
    metrics: dict[str, Any] = {}
    for name, summary in evaluation.metrics.items():
        metrics[name] = {"better": summary.better, **_interval(evaluation.means[name]), "told": evaluation.told(name)}
        if Z + name in evaluation.table.column_names:
            clear = evaluation.values(CLEAR + name)
            metrics[name]["clearly_better_than_random"] = int((clear == 1).sum())
    return {
        "path": str(evaluation.path),
        "images": evaluation.images,
        "maps": len(evaluation),
        "metrics": metrics,
        "not_told": evaluation.reasons,
        "not_measured": _unmeasured(evaluation),
        "skipped": dict(evaluation.skipped),
    }


def comparison_lines(state: FileComparison) -> list[str]:
    """A row a method and layer, those that are most faithful first, and a column a metric."""
    comparison = state.comparison
    means, told = comparison.means, comparison.told
    cells = [("method", *(f"{s.title} ({s.better} is better)" for s in comparison.metrics.values()))]
    first = _headline(comparison.metrics)
    for contender in comparison.order(first):
        row = comparison.contenders.index(contender)
        columns: list[str] = []
        for name in comparison.metrics:
            mean, interval = _figures(tuple(map(float, means[name][row])))
            of = int(told[name][row])
            columns.append(f"{mean} ({interval})" if interval else mean)
            columns[-1] += f", {of} images" if 0 < of < state.done else ""
        cells.append((str(contender), *columns))
    problems = [f"{c}: {c.problem}" for c in comparison.contenders if c.problem]
    best = f"best {comparison.metrics[first].title} first"
    head = f"{counted(state.done, 'image')}, means with intervals of 95 % over images, {best}:"
    return [head, *aligned(cells), *problems, *_missing(comparison)]


def comparison_facts(state: FileComparison) -> dict[str, Any]:
    """The same for scripts."""
    comparison = state.comparison
    means, told = comparison.means, comparison.told
    rows = [
        {
            "method": contender.method,
            "layer": contender.layer,
            "problem": contender.problem,
            "metrics": {
                name: {**_interval(tuple(map(float, means[name][row]))), "told": int(told[name][row])}
                for name in comparison.metrics
            },
        }
        for row, contender in enumerate(comparison.contenders)
    ]
    return {
        "images": state.done,
        "better": {name: summary.better for name, summary in comparison.metrics.items()},
        "methods": rows,
        "not_measured": _unmeasured(comparison),
        "skipped": dict(state.skipped),
    }


def _headline(metrics: Mapping[str, MetricSummary]) -> str:
    """What rows are sorted by: SRG, else what else tells of faithfulness, else the first metric."""
    faithful = [name for name, summary in metrics.items() if summary.aspect == "faithful"]
    return HEADLINE if HEADLINE in metrics else [*faithful, *metrics][0]


def _figures(mean: Sequence[float]) -> tuple[str, str]:
    """A mean and its interval, as people read them."""
    if math.isnan(mean[0]):
        return "–", ""
    return fixed(mean[0]), f"{fixed(mean[1])} to {fixed(mean[2])}"


def _interval(mean: Sequence[float]) -> dict[str, float | None]:
    """JSON has no NaN."""
    return {key: None if math.isnan(v) else round(v, 6) for key, v in zip(("mean", "low", "high"), mean, strict=True)}


def _unmeasured(state: StoreEvaluation | Comparison) -> list[str]:
    return unmeasured({summary.aspect for summary in state.metrics.values()}, state.subject)


def _missing(state: StoreEvaluation | Comparison) -> list[str]:
    missing = _unmeasured(state)
    return [f"Not measured: {', '.join(missing)}."] if missing else []
