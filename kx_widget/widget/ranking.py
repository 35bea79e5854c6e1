"""Methods beside each other: what metrics say of each, which is best, and that in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from kx_widget.engine import comparison
from kx_widget.engine.comparison import Comparison
from kx_widget.engine.evaluation import Evaluation, State
from kx_widget.engine.figures import counted, listed
from kx_widget.engine.statistics import bootstrap
from kx_widget.engine.subjects import common
from kx_widget.engine.types import Floats
from kx_widget.widget.evidence import COVER
from kx_widget.widget.region_traits import PlainRegion, PlainRegions
from kx_widget.widget.serialize import finite

if TYPE_CHECKING:
    from kx_widget.engine.registry import Method

# What methods are compared by; the first one tells which maps are better than chance.
METRICS = ("srg", "single_deletion", "random_logit")
MEASURE = METRICS[0]
# On one image, without random maps, values are the same where they are written alike.
ALIKE = 0.005

Verdict = tuple[State, str]


@dataclass
class Ranking:
    """How methods compare for one target, as far as that is measured.

    Args:
        target: as the question has it.
        catalogue: all methods of the model, by id.
        layers: of these, "" where none is chosen.
        regions: which places count in each image, as in the question.

    Attributes:
        images, methods, cover: what was asked for last.
        evaluations: of one map each, by method, image and cover.
        problems: why methods cannot be asked, by id.
    """

    target: str
    catalogue: Mapping[str, Method]
    layers: Mapping[str, str]
    regions: PlainRegions = field(default_factory=dict[str, PlainRegion])
    images: Sequence[int] = ()
    methods: Sequence[str] = ()
    cover: str = COVER
    evaluations: dict[tuple[str, int, str], Evaluation] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    _last: tuple[Any, dict[str, Any]] | None = None

    def left(self) -> list[tuple[int, str]]:
        """Images and methods that are not measured yet; all methods of an image come before the next image."""
        return [
            (image, method)
            for image in self.images
            for method in self.methods
            if method not in self.problems and (method, image, self.cover) not in self.evaluations
        ]

    def record(self) -> dict[str, Any]:
        """The table, as pages show it; made anew where there is more to tell."""
        state = tuple(self.images), tuple(self.methods), self.cover, len(self.evaluations), len(self.problems)
        if self._last is None or self._last[0] != state:
            self._last = state, self._record()
        return self._last[1]

    def _record(self) -> dict[str, Any]:
        rows = [RankedMaps(self.catalogue[name], self._evaluations_of(name)) for name in self.methods]
        table = _comparison(rows)
        places = {name: _places(name, rows, table) for name in table.metrics}
        verdicts = [row.verdict() for row in rows]
        maps = len(self.images) * len([name for name in self.methods if name not in self.problems])
        return {
            "target": self.target,
            "images": list(self.images),
            "cover": self.cover,
            "sentence": sentence(rows, verdicts, len(self.images)),
            "metrics": [{"title": each.title, "better": each.better} for each in table.metrics.values()],
            "methods": [
                {
                    "method": row.method.id,
                    "layer": self.layers[row.method.id],
                    "state": state,
                    "headline": headline,
                    "relatives": [other.method.title for other in rows if _are_relatives(row, other)],
                    "problem": self.problems.get(row.method.id, ""),
                    "cells": [_cell(table, name, place, row, places[name][place]) for name in table.metrics],
                }
                for place, (row, (state, headline)) in enumerate(zip(rows, verdicts, strict=True))
            ],
            "done": maps - len(self.left()),
            "total": maps,
        }

    def _evaluations_of(self, method: str) -> dict[int, Evaluation]:
        """By image, in the order in which these were asked for."""
        keys = {image: (method, image, self.cover) for image in self.images}
        return {image: self.evaluations[key] for image, key in keys.items() if key in self.evaluations}


@dataclass(frozen=True)
class RankedMaps:
    """What is measured of the maps of a method, by image."""

    method: Method
    evaluations: Mapping[int, Evaluation]

    def values(self, metric: str) -> dict[int, float]:
        """By image, where they can be told."""
        values = {i: float(each.scores[metric][0, 0]) for i, each in self.evaluations.items() if metric in each.scores}
        return {image: value for image, value in values.items() if np.isfinite(value)}

    def gaps(self, metric: str) -> Floats:
        """By how much maps are better than random ones as smooth, of the images where that can be told."""
        compared = [each for each in self.evaluations.values() if metric in each.control]
        sign = 1 if compared and compared[0].better[metric] == "higher" else -1
        gaps = np.array([sign * (e.scores[metric][0, 0] - e.control[metric][0, 0, 0]) for e in compared], np.float32)
        return gaps[np.isfinite(gaps)]

    def verdict(self) -> Verdict:
        """What is known of them, in a word, and in few: of several maps, on average."""
        if self.method.control and self.evaluations:
            return "unknown", f"Control: {self.method.control}"
        if len(self.evaluations) == 1:
            (evaluation,) = self.evaluations.values()
            return evaluation.state(0, 0), evaluation.headline(0, 0)
        if not self.evaluations:
            return "unmeasured", "Not measured yet."
        gaps = {name: self.gaps(name) for name in METRICS}
        if not any(map(len, gaps.values())):
            return "unknown", f"Cannot be told on any of {counted(len(self.evaluations), 'image')}."
        titles = {name: each.title for e in self.evaluations.values() for name, each in e.metrics.items()}
        bad = [
            f"no better than chance in {titles[name]}"
            for name, values in gaps.items()
            if len(values) and not bootstrap(values)[1] > 0
        ]
        bad += filter(None, map(self._doubt, METRICS))
        clear = sum(each.is_clear[MEASURE][0, 0] == 1 for each in self.evaluations.values() if MEASURE in each.control)
        often = f"clearly better on {clear} of {counted(len(gaps[MEASURE]), 'image')} in {titles[MEASURE]}"
        return ("weak", _capital(f"{bad[0]}; {often}.")) if bad else ("holds", _capital(f"{often}."))

    def _doubt(self, metric: str) -> str:
        """What a metric that is not compared with random maps has against them on average, if it has anything."""
        values = list(self.values(metric).values())
        if not values or len(self.gaps(metric)):
            return ""
        first, subjects = next(iter(self.evaluations.values())), (each.subject for each in self.evaluations.values())
        return first.metrics[metric].finding(float(np.mean(values)), common(subjects)).partition(", so ")[0]


def sentence(rows: Sequence[RankedMaps], verdicts: Sequence[Verdict], images: int) -> str:
    """What the table says, bad news first."""
    pairs = zip(rows, verdicts, strict=True)
    # Controls are there to be compared with, and are neither believed nor doubted.
    measured = [(row, *verdict) for row, verdict in pairs if row.evaluations and not row.method.control]
    groups: dict[tuple[State, str], list[str]] = {}
    for row, state, headline in measured:
        # Without figures, those of which the same is said go together.
        reason = headline.rstrip(".").partition(";")[0].partition(" (")[0] if state == "weak" else ""
        groups.setdefault((state, reason), []).append(row.method.title)
    if not groups:
        return ""
    holds, untold = groups.get(("holds", ""), []), groups.get(("unknown", ""), [])
    parts = [f"{_lower(reason)}: {listed(titles)}" for (state, reason), titles in groups.items() if state == "weak"]
    parts += [f"nothing can be told of {listed(untold)}"] if untold else []
    parts += [f"{listed(holds)} {'holds' if len(holds) == 1 else 'hold'}"] if holds else []
    nothing = "" if holds or len(measured) < 2 else "No map here holds. "
    where = f"Over {counted(images, 'image')}, " if images > 1 else ""
    text = "; ".join(parts)
    ends = [f"{nothing}{where + text if where else _capital(text)}."]
    families = Counter(row.method.family for row, *_ in measured)
    for family, count in families.items():
        if count > 1:
            ends.append(f"{count} are relatives ({family}): that their maps agree confirms none of them.")
    return " ".join(ends)


def _are_relatives(row: RankedMaps, other: RankedMaps) -> bool:
    """Whether two methods are of one family, and both measured."""
    is_known = bool(row.evaluations and other.evaluations)
    return is_known and other is not row and other.method.family == row.method.family


def _comparison(rows: Sequence[RankedMaps]) -> Comparison:
    """The same as `Explainer.compare` makes of what is measured."""
    summaries = {name: each for row in rows for e in row.evaluations.values() for name, each in e.metrics.items()}
    images = list(dict.fromkeys(image for row in rows for image in row.evaluations))
    scores = {
        name: np.array([[row.values(name).get(image, np.nan) for image in images] for row in rows], np.float32).reshape(
            len(rows), len(images), 1
        )
        for name in METRICS
        if name in summaries
    }
    contenders = tuple(comparison.Contender(row.method.id, None) for row in rows)
    return Comparison(contenders, {name: summaries[name] for name in scores}, scores)


def _places(metric: str, rows: Sequence[RankedMaps], table: Comparison) -> list[str]:
    """Which rows are best by a metric, or cannot be told from the best."""
    sign = 1 if table.metrics[metric].better == "higher" else -1
    means = sign * table.means[metric][:, 0]
    # No control is the best, whatever it scores.
    means[[bool(row.method.control) for row in rows]] = np.nan
    if np.isfinite(means).sum() < 2:
        return [""] * len(rows)
    best = int(np.nanargmax(means))
    return [
        "best"
        if place == best
        else "tied"
        if np.isfinite(means[place]) and _is_tied(metric, sign, rows[best], row)
        else ""
        for place, row in enumerate(rows)
    ]


def _is_tied(metric: str, sign: int, best: RankedMaps, other: RankedMaps) -> bool:
    """Whether one cannot be told from the best: by the interval of the difference over the images that both have."""
    best_values, other_values = best.values(metric), other.values(metric)
    shared = sorted(set(best_values) & set(other_values))
    differences = [sign * (best_values[image] - other_values[image]) for image in shared]
    if len(shared) > 1:
        return not bootstrap(differences)[1] > 0
    if not shared:
        return True
    spreads = [
        float(each.control[metric][0, 0, 1])
        for each in (best.evaluations[shared[0]], other.evaluations[shared[0]])
        if metric in each.control
    ]
    return abs(differences[0]) <= max([ALIKE, *filter(np.isfinite, spreads)])


def _cell(table: Comparison, metric: str, place: int, row: RankedMaps, rank: str) -> dict[str, Any]:
    mean, low, high = table.means[metric][place]
    images = int(table.told[metric][place])
    return {
        "value": finite(mean),
        "low": finite(low) if images > 1 else None,
        "high": finite(high) if images > 1 else None,
        "images": images,
        "place": rank,
        "note": "" if images or not row.evaluations else _why_not(metric, table, row),
    }


def _why_not(metric: str, table: Comparison, row: RankedMaps) -> str:
    for evaluation in row.evaluations.values():
        if metric in evaluation.scores:
            return evaluation.sentence(metric, 0, 0)
    return f"{table.metrics[metric].title}: not measured, since the method would have to be asked again, at its cost."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
