"""The table of columns that tell of each map of a data set how far it can be believed."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from kx_widget.engine.errors import ParameterError
from kx_widget.engine.map_batch import EVEN, NOTHING_FOR, MapBatch, MetricValues, overlaps
from kx_widget.engine.metrics import METRICS
from kx_widget.engine.registry import Metric
from kx_widget.engine.types import Floats

EvidenceLevel = Literal["free", "cells"]
LEVELS = ("free", "cells")
# Cells a side, the outer ones of which are the border: a tenth of the picture on each side.
TENTHS = 10
GRID = 4


@dataclass(frozen=True)
class EvidenceColumn:
    """One number of each map.

    Args:
        name: what the column is called where it is stored.
        title: what it is, in plain words, as lists show it.
        metric: what measures it.
        absent: why a map may have none.
        level: `"free"` of what takes no pass, `"cells"` of what the 16 passes of covered cells tell.
        params: of the metric.
    """

    name: str
    title: str
    metric: Metric
    absent: str
    level: EvidenceLevel = "free"
    params: Mapping[str, Any] = field(default_factory=dict)


def border_mass(batch: MapBatch) -> MetricValues:
    """Which part (B, T) of what speaks for the target, max(φ, 0), lies in the outer tenth on each side; 0.36 by chance.

    Args:
        batch: the maps.
    """
    cells, total = _evidence_in_cells(batch)
    outside = total - cells[..., 1:-1, 1:-1].sum((-2, -1))
    return _told(np.divide(outside, total, out=np.full_like(total, np.nan), where=total > 0))


def center_y(batch: MapBatch) -> MetricValues:
    """How far down (B, T) the centre of gravity of what speaks for the target lies, 0 at the top to 1.

    Args:
        batch: the maps.
    """
    return _center(batch.evidence().sum(-1))


def center_x(batch: MapBatch) -> MetricValues:
    """How far right (B, T) the centre of gravity of what speaks for the target lies, 0 at the left to 1.

    Args:
        batch: the maps.
    """
    return _center(batch.evidence().sum(-2))


def _evidence_in_cells(batch: MapBatch) -> tuple[Floats, Floats]:
    """What speaks for the target in tenths of the picture (B, T, 10, 10), and all of it (B, T)."""
    rows, columns = (overlaps(side, TENTHS) for side in batch.maps.shape[-2:])
    cells = np.matmul(np.matmul(rows, batch.evidence()), columns.T)
    return cells, cells.sum((-2, -1))


def _center(amounts: Floats) -> MetricValues:
    """The centre of gravity of amounts (B, T, n) along an axis of length 1."""
    at = (np.arange(amounts.shape[-1]) + 0.5) / amounts.shape[-1]
    total = amounts.sum(-1)
    return _told(np.divide(amounts @ at, total, out=np.full(total.shape, np.nan), where=total > 0))


def _told(values: Any) -> MetricValues:
    return MetricValues(np.asarray(values, np.float32), {NOTHING_FOR: np.isnan(values)})


def best_cell_drop(batch: MapBatch) -> Generator[Any, None, None]:
    """By how much the probability falls when that of 4 × 4 cells is covered in which the map has most.

    Where there is no probability, by which part of it the score falls.

    Args:
        batch: the maps.

    Yields:
        Passes, and a number of at most 1 (B, T), negative where covering the cell helps; NaN where the map has as much
        in each cell.
    """
    drops = yield from batch.cell_drops(GRID)
    sums = batch.cell_sums(GRID)
    best = np.take_along_axis(drops, sums.argmax(-1)[..., None], -1)[..., 0]
    scale = np.where(batch.is_probable, 1, np.abs(batch.original()))
    even = sums.max(-1) <= sums.min(-1)
    values = np.divide(best, scale, out=np.full_like(best, np.nan), where=(scale > 0) & ~even)
    yield MetricValues(values, {EVEN: even})


def _form(measure: Callable[..., Any], title: str, meaning: str, cost: str = "nothing") -> Metric:
    """A metric that is no grade: it tells where or how much, of which neither less nor more is better."""
    return Metric(measure.__name__, title, measure, "lower", "form", (), cost, meaning, "")


STILL = "covering cells hardly changes the score, or few of them do"
COLUMNS = (
    EvidenceColumn("sparseness", "sparseness of the map", METRICS["sparseness"], "the map is flat"),
    EvidenceColumn(
        "area50", "area with half of the evidence", METRICS["effective_area"], NOTHING_FOR, params={"part": 0.5},
    ),
    EvidenceColumn(
        "border_mass", "part of the evidence at the border",
        _form(border_mass, "Border mass", "{value:.0%} of what {speaks} lies at the border."), NOTHING_FOR,
    ),
    EvidenceColumn(
        "center_y", "distance of the evidence from the top",
        _form(center_y, "Centre, down", "What {speaks} lies at {value:.0%} of the height."), NOTHING_FOR,
    ),
    EvidenceColumn(
        "center_x", "distance of the evidence from the left",
        _form(center_x, "Centre, right", "What {speaks} lies at {value:.0%} of the width."), NOTHING_FOR,
    ),
    EvidenceColumn(
        # One class alone, for a pass through what follows the layer is what most of the time goes into.
        "random_logit", "likeness to the map of the next best class", METRICS["random_logit"],
        "the map of the next best class is flat, or takes passes of its own with this method",
        params={"classes": 1, "drawn": 0},
    ),
    EvidenceColumn(
        "completeness", "gap to what the map should add up to", METRICS["completeness"],
        "maps of this method at this layer need not add up to anything",
    ),
    EvidenceColumn(
        "single_deletion", "agreement with covered cells", METRICS["single_deletion"], STILL, "cells", {"grid": GRID},
    ),
    EvidenceColumn(
        "best_cell_drop", "loss when the map's best cell is covered",
        _form(
            best_cell_drop, "Best cell", "Covering the cell with most of the map costs {value:.0%}.",
            "16 passes an image, once",
        ),
        "the map has as much in each cell", "cells",
    ),
)  # fmt: skip
EVIDENCE: Mapping[str, EvidenceColumn] = MappingProxyType({column.name: column for column in COLUMNS})


def check_level(level: Any) -> EvidenceLevel | None:
    """How much evidence is asked for: `"free"`, `"cells"`, or None for none.

    Raises:
        ParameterError: something else.
    """
    if level is None or level in LEVELS:
        return level
    raise ParameterError(f"evidence={level!r} is not known. Pass {', '.join(map(repr, LEVELS))} or None.")


def evidence_names(level: EvidenceLevel | None) -> list[str]:
    """The columns of a level, which has those of the level before it; none of None."""
    levels = () if level is None else LEVELS[: LEVELS.index(level) + 1]
    return [name for name, column in EVIDENCE.items() if column.level in levels]
