"""A page of an evaluation of a store: the widget with the images that were measured, below the table of results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kx_widget.bulk.store import Store
from kx_widget.bulk.store_evaluation import StoreEvaluation
from kx_widget.engine.evaluation import Evaluation
from kx_widget.engine.files import writable
from kx_widget.engine.types import Ints
from kx_widget.widget.evidence import record
from kx_widget.widget.messages import NumberColumn
from kx_widget.widget.scored_curves import ScoredCurves, scored_curves
from kx_widget.widget.serialize import finite
from kx_widget.widget.store_page import Findings, write_view
from kx_widget.widget.stored import StoredImages

if TYPE_CHECKING:
    from kx_widget.engine.explainer import Explainer

# As many maps as a page of a store shows; evidence is larger than maps.
MOST_MAPS = 100
MEGABYTES = 4.0


def write_evaluation_page(
    measured: StoreEvaluation,
    store: Store,
    path: Path,
    table: Iterable[Sequence[str]],
    remarks: Sequence[str],
    explainer: Explainer | None = None,
) -> int:
    """Write the maps that were measured, with all that is known of them.

    Args:
        measured: what was measured.
        store: where the maps are.
        path: the page.
        table: of results, its heading first.
        remarks: sentences, the first above the table.
        explainer: makes the pictures along the curves of the first image; None leaves them out.

    Returns:
        How many maps the page shows.

    Raises:
        FormatError: there is no folder for the page.
    """
    path = writable(path)
    evaluation, rows = measured.evaluation(), measured.rows
    count = max(1, MOST_MAPS // measured.targets)
    rows = rows[:count]
    images = StoredImages(store, None, None, False)
    images.choose(rows)
    probabilities = images.table.column("probability").fill_null(np.nan).to_numpy().reshape(rows.shape)
    evidence = {
        (image, column): record(evaluation, image, column, bool(np.isfinite(probabilities[image, column])))
        | {"image": image, "column": column}
        for image, column in np.ndindex(rows.shape)
    }
    above = _section(f"How far can {Path(store.path).name} be believed?", table, remarks)
    findings = Findings(
        above=above,
        evidence=evidence,
        curves=[] if explainer is None else _curves(explainer, images, rows, evaluation),
        columns=[_numbers(evaluation, name, len(rows)) for name in evaluation.metrics],
    )
    write_view(images, path, f"{rows.size} of {len(measured)} measured maps", findings, MEGABYTES)
    return rows.size


def _numbers(evaluation: Evaluation, name: str, count: int) -> NumberColumn:
    """A metric of the first target of each image."""
    numbers = [finite(float(f"{value:.6g}")) for value in evaluation.scores[name][:count, 0]]
    return NumberColumn(name=f"measured_{name}", title=f"{evaluation.metrics[name].title}, measured", values=numbers)


def _curves(explainer: Explainer, images: StoredImages, rows: Ints, evaluation: Evaluation) -> list[ScoredCurves]:
    """What was scored along the curves of the first image."""
    if not evaluation.curves:
        return []
    loaded, _ = images.load(explainer, [0])
    explanation, settings = images.store.explanation_of(rows[:1], loaded.pixels), dict(evaluation.settings)
    cover, steps = settings["cover"], settings["steps"]
    scored = partial(explainer.scored_picture, explanation, 0, images=loaded, **settings)
    return [
        scored_curves(0, column, cover, steps, partial(scored, target=column))
        for column in range(rows.shape[1])
        if np.isfinite(evaluation.curves["deletion"][0, column]).all()
    ]


def _section(title: str, table: Iterable[Sequence[str]], remarks: Sequence[str]) -> str:
    head, *rows = table
    parts = [
        f'<section class="around"><h2>{escape(title)}</h2><p>{escape(remarks[0])}</p>',
        '<div class="wide" role="region" aria-label="Results" tabindex="0"><table>',
        _row(head, "th"),
        *(_row(row, "td") for row in rows),
        "</table></div>",
        *(f"<p>{escape(remark)}</p>" for remark in remarks[1:]),
        "</section>",
    ]
    return "".join(parts)


def _row(cells: Sequence[str], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"
