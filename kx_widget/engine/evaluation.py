"""How far maps can be believed: what metrics say of them, ways to look at it and to keep it."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from html import escape
from pathlib import Path
from typing import Any, Literal

import numpy as np

from kx_widget.engine.errors import FormatError, MissingPackageError, ParameterError
from kx_widget.engine.figures import fixed
from kx_widget.engine.files import read_arrays, writable, write_arrays, write_whole
from kx_widget.engine.notes import heading_of
from kx_widget.engine.plots import empty_figure
from kx_widget.engine.registry import Direction
from kx_widget.engine.subjects import CLASS, Subject, common
from kx_widget.engine.types import Floats, Ints, Notes

# Student's t for 95 %, by the number of pairs of random maps: what is farther from them is not chance.
CLEAR = (np.inf, 12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23)
CLEAR_OF_MANY = 2.0
# What a map must have to be believed; a subject's words go into it.
ASPECTS = {
    "faithful": "whether it is faithful to the {number}",
    "class-specific": "whether it is specific to {subject}",
    "weights": "whether the weights matter",
    "stable": "whether it is stable",
}
MAPPINGS = ("scores", "curves", "control", "tops", "cells")
# Where what the map marks most is covered first, or shown first.
CURVES = ("deletion", "insertion")
# Why there is no value before it is measured.
NOT_YET = "not measured yet"
BEYOND = "random maps as smooth differ so much here that not even the best one would stand out"
# What is known of a map: it is better than chance and nothing speaks against it, something does, nothing could be told
# of whether it is, or nobody measured it.
State = Literal["holds", "weak", "unknown", "unmeasured"]
# A finding in full, and in few words.
Finding = tuple[str, str]


@dataclass(frozen=True)
class MetricSummary:
    """A metric as an evaluation keeps it; see `Metric`."""

    title: str
    better: Direction
    aspect: str
    meaning: str
    doubt: tuple[float, str] | None
    params: Mapping[str, Any]
    best: float | None = None

    def is_doubtful(self, value: float) -> bool:
        """Whether a map's value is worse than what can be believed."""
        if self.doubt is None:
            return False
        return value < self.doubt[0] if self.better == "higher" else value > self.doubt[0]

    def sentence(self, value: float, subject: Subject) -> str:
        """What a map's value means, in words that suit what the map explains."""
        return self.meaning.format(value=value, **subject.words)

    def finding(self, value: float, subject: Subject) -> str:
        """What a doubtful value has against a map, "" where a value is not doubtful."""
        if self.doubt is None or not self.is_doubtful(value):
            return ""
        return self.doubt[1].format(value=value, **subject.words)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What metrics say of the maps of N images and T targets; equal to nothing but itself.

    Attributes:
        scores: by metric, float32 (N, T), NaN where it cannot be told; `notes` say why.
        metrics: by metric, its title, direction, parameters.
        curves: "deletion", "insertion", and "random", the deletion of random maps on average, between "random_low" and
            "random_high", float32 (N, T, steps + 1), where they were made: how the probability goes, or the score,
            rescaled to 0 where all is covered and 1 for the image.
        fractions: which part of the pixels (steps + 1,) is covered, or shown, at each step.
        control: by metric, mean, spread and number (N, T, 3) of the values of random maps as smooth as the map.
        notes: N × T × sentences that say what cannot be told, and why.
        target_names: N × T names.
        names: of the images, N.
        method: id of the method that made the maps.
        layer: path of the layer that it saw, or None.
        settings: what was covered and how.
        done: which part of the work is done, 1 when all is.
        seconds: how long it took.
        versions: of kx_widget, keras and tensorflow.
        tops: the classes of most score along the curves "deletion" and "insertion", int (N, T, steps + 1).
        cells: where cells were covered one by one, "losses", by how much the value fell, and "sums", what the map has
            in each, float32 (N, T, grid²), row by row.
        ends: float32 (N, T, 2): the probability, or the score, where all is covered and of the image, which curves go
            between; None where none were made.
        subjects: N × T: what each map explains, for the words of sentences; () where nobody said.
    """

    scores: Mapping[str, Floats]
    metrics: Mapping[str, MetricSummary]
    curves: Mapping[str, Floats]
    fractions: Floats
    control: Mapping[str, Floats]
    notes: tuple[tuple[Notes, ...], ...]
    target_names: tuple[tuple[str, ...], ...]
    names: tuple[str, ...]
    method: str
    layer: str | None
    settings: Mapping[str, Any]
    done: float
    seconds: float
    versions: Mapping[str, str]
    tops: Mapping[str, Ints] = field(default_factory=dict)
    cells: Mapping[str, Floats] = field(default_factory=dict)
    ends: Floats | None = None
    subjects: tuple[tuple[Subject, ...], ...] = ()

    def __repr__(self) -> str:
        n, t = self.shape
        means = ", ".join(f"{name}={_mean(values):.3g}" for name, values in self.scores.items())
        return f"Evaluation({means}; {n} images × {t} targets, method={self.method!r}, layer={self.layer!r})"

    @property
    def shape(self) -> tuple[int, int]:
        """How many images and targets there are."""
        return len(self.target_names), len(self.target_names[0])

    @property
    def subject(self) -> Subject:
        """What is common to all that maps explain."""
        return common(each for row in self.subjects for each in row) if self.subjects else CLASS

    def _subject(self, image: int, target: int) -> Subject:
        return self.subjects[image][target] if self.subjects else CLASS

    @property
    def better(self) -> dict[str, Direction]:
        """By metric, whether higher or lower values are better."""
        return {name: summary.better for name, summary in self.metrics.items()}

    @property
    def z(self) -> dict[str, Floats]:
        """By metric, by how many spreads of random maps a map is better than these (N, T)."""
        return {name: self._z(name) for name in self.control}

    @property
    def is_clear(self) -> dict[str, Floats]:
        """By metric, whether a map is clearly better than random maps (N, T): 1 or 0, NaN where it cannot be told."""
        return {name: self._is_clear(name, z) for name, z in self.z.items()}

    def _is_clear(self, name: str, z: Floats) -> Floats:
        clear, best = np.vectorize(_clear)(self.control[name][..., 2]), self.metrics[name].best
        # Where not even the best map would be, nothing is told of one that is not.
        reach = np.inf if best is None else self._spreads(name, np.full_like(z, best))
        return np.where(np.isnan(z) | ((z < clear) & (reach < clear)), np.nan, z >= clear)

    def _z(self, name: str) -> Floats:
        return self._spreads(name, self.scores[name])

    def _spreads(self, name: str, values: Floats) -> Floats:
        """By how many spreads of random maps values (N, T) of a metric are better than these."""
        sign = 1 if self.metrics[name].better == "higher" else -1
        mean, spread = self.control[name][..., 0], self.control[name][..., 1]
        gap = sign * (values - mean)
        return np.divide(gap, spread, out=np.full_like(gap, np.nan), where=spread > 0)

    def verdict(self, image: int, target: int) -> str:
        """What to think of one map, in a sentence: bad news first, and what was not measured last.

        Raises:
            ParameterError: there is no such image or target.
        """
        self._check(image, target)
        notes = self.notes[image][target]
        if nothing := next(filter(_is_of_map, notes), ""):
            return nothing
        bad, good, seen = self._findings(image, target)
        untold = self._untold(image, target)
        parts = [text for text, _ in (*bad, *good)]
        if good and not bad and self._is_running(image, target):
            parts[0] = f"so far {parts[0]}"
        if untold:
            parts.append(f"cannot be told here: {', '.join(untold)}")
        if missing := unmeasured(seen, self._subject(image, target)):
            parts.append(f"not measured: {', '.join(missing)}")
        return _sentence("; ".join(parts))

    def state(self, image: int, target: int) -> State:
        """What is known of one map, in a word.

        Raises:
            ParameterError: there is no such image or target.
        """
        self._check(image, target)
        if any(map(_is_of_map, self.notes[image][target])):
            return "unknown"
        bad, good, _ = self._findings(image, target)
        if bad:
            return "weak"
        # What is still measured may speak against it.
        if self._is_running(image, target):
            return "unmeasured"
        if good:
            return "holds"
        untold = self._untold(image, target)
        is_asked = any(summary.aspect == "faithful" and summary.title in untold for summary in self.metrics.values())
        return "unknown" if is_asked else "unmeasured"

    def headline(self, image: int, target: int) -> str:
        """The first thing to know of one map, in few words; `verdict` tells all.

        Raises:
            ParameterError: there is no such image or target.
        """
        self._check(image, target)
        notes = self.notes[image][target]
        if nothing := next(filter(_is_of_map, notes), ""):
            return nothing
        bad, good, _ = self._findings(image, target)
        untold = next(iter(self._untold(image, target).values()), "")
        if bad or good:
            so_far = "so far " if not bad and self._is_running(image, target) else ""
            return _sentence(so_far + (bad or good)[0][1])
        return f"Cannot be told. {untold}" if self.state(image, target) == "unknown" else _sentence(NOT_YET)

    def smallest_share(self, curve: str, image: int, target: int) -> float:
        """The smallest part of the picture whose loss takes the prediction, or, along "insertion", that keeps it.

        NaN where none of the steps does, or no curves were made.

        Raises:
            ParameterError: there is no such image or target.
        """
        self._check(image, target)
        if curve not in self.tops:
            return float("nan")
        classes = self.tops[curve][image, target]
        is_same = classes == self.tops["deletion"][image, target, 0]
        steps = np.flatnonzero(~is_same if curve == "deletion" else is_same)
        # Where all that is covered is taken for the same, nothing keeps it.
        if classes[0] < 0 or not len(steps) or (curve == "insertion" and steps[0] == 0):
            return float("nan")
        return float(self.fractions[steps[0]] if curve == "deletion" else 1 - self.fractions[::-1][steps[0]])

    def _is_running(self, image: int, target: int) -> bool:
        """Whether a metric of one map is still to be measured."""
        notes = self.notes[image][target]
        return any(f"{summary.title}: {NOT_YET}." in notes for summary in self.metrics.values())

    def _untold(self, image: int, target: int) -> dict[str, str]:
        """Why metrics cannot be told of one map, by their titles."""
        notes = {note.partition(":")[0]: note for note in self.notes[image][target] if f": {NOT_YET}." not in note}
        titles = [self.metrics[name].title for name in self.control if self._is_beyond(name, image, target)]
        return notes | {title: f"{title}: {BEYOND}." for title in titles}

    def _is_beyond(self, name: str, image: int, target: int) -> bool:
        """Whether a map is not clearly better than random ones where not even the best one would be."""
        return bool(np.isfinite(self.z[name][image, target]) and np.isnan(self.is_clear[name][image, target]))

    def _findings(self, image: int, target: int) -> tuple[list[Finding], list[Finding], set[str]]:
        """What speaks against a map and what for it, and the aspects that something is known of."""
        bad: list[Finding] = []
        good: list[Finding] = []
        seen: set[str] = set()
        for name, values in self.scores.items():
            summary, value = self.metrics[name], float(values[image, target])
            if np.isnan(value):
                continue
            seen.add(summary.aspect)
            if name in self.control and np.isfinite(self.control[name][image, target]).all():
                if self._is_beyond(name, image, target):
                    continue
                mean, spread, _ = map(float, self.control[name][image, target])
                is_clear = self.is_clear[name][image, target] == 1
                words = "better than" if is_clear else "not clearly better than"
                theirs = f"theirs {_number(mean)} ± {spread:.2f}"
                finding = f"{words} random maps as smooth in {summary.title} ({_number(value)}, {theirs})"
                brief = f"{'better' if is_clear else 'no better'} than chance in {summary.title}"
                (good if is_clear else bad).append((finding, brief))
            elif finding := summary.finding(value, self._subject(image, target)):
                bad.append((finding, finding.partition(", so ")[0]))
        return bad, good, seen

    def sentence(self, metric: str, image: int, target: int) -> str:
        """What one value means; why there is none where there is none.

        Raises:
            ParameterError: there is no such metric, image or target.
        """
        self._check(image, target)
        if metric not in self.scores:
            raise ParameterError(f"{metric!r} was not measured: {', '.join(self.scores)} were.")
        value, summary = float(self.scores[metric][image, target]), self.metrics[metric]
        if not np.isnan(value):
            return summary.sentence(value, self._subject(image, target))
        notes = self.notes[image][target]
        return next(
            (n for n in notes if n.startswith(f"{summary.title}:") or _is_of_map(n)), f"{summary.title}: not told."
        )

    def _check(self, image: Any, target: Any) -> None:
        for name, index, count in zip(("image", "target"), (image, target), self.shape, strict=True):
            if not isinstance(index, (int, np.integer)) or not -count <= index < count:
                raise ParameterError(f"There is no {name} {index!r}: this evaluation has 0 to {count - 1}.")

    def plot(self, image: int = 0, target: int = 0) -> Any:
        """A matplotlib figure of the curves of one map.

        Raises:
            ParameterError: there is no such image or target, or no curves were made.
            MissingPackageError: matplotlib is missing: install the extra `plot`.
        """
        self._check(image, target)
        if not self.curves:
            raise ParameterError("No curves were made: evaluate with deletion, insertion, aopc or srg.")
        figure = empty_figure(4.8, 3.2)
        axes: Any = figure.subplots()
        of_map = {name: values[image, target] for name, values in self.curves.items()}
        if "random_low" in of_map:
            band = of_map.pop("random_low"), of_map.pop("random_high")
            axes.fill_between(100 * self.fractions, *band, color="0.5", alpha=0.2, linewidth=0)
        for name, values in of_map.items():
            axes.plot(100 * self.fractions, values, ":" if name == "random" else "-", label=name)
        axes.set_xlabel("% of the pixels covered or shown")
        axes.set_ylabel("probability, or rescaled score")
        subject = self._subject(image, target)
        if subject.kind in ("value", "own") and self.ends is not None:
            blank, original = self.ends[image, target]
            axes.set_yticks([0, 1], [fixed(blank), fixed(original)])
            axes.set_ylabel(subject.label)
        axes.set_title(f"{self.names[image]} · {self.target_names[image][target]}", fontsize=9)
        axes.legend(fontsize=8)
        return figure

    def to_dataframe(self) -> Any:
        """A pandas data frame, one row a map: image, target, the metrics, and z of those that are compared.

        Raises:
            MissingPackageError: pandas is missing.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise MissingPackageError("to_dataframe() needs pandas: pip install pandas.") from error
        n, t = self.shape
        columns: dict[str, Any] = {
            "image": np.repeat(self.names, t),
            "target": [name for row in self.target_names for name in row],
        }
        columns |= {name: values.ravel() for name, values in self.scores.items()}
        columns |= {f"z_{name}": values.ravel() for name, values in self.z.items()}
        return pd.DataFrame(columns, index=range(n * t))

    def save(self, path: str | Path) -> None:
        """Write everything (`.npz`), or a table (`.html`).

        Raises:
            FormatError: another ending, or no such folder.
        """
        path = writable(path)
        if path.suffix == ".npz":
            arrays = {f"{name}_{key}": array for name in MAPPINGS for key, array in getattr(self, name).items()}
            arrays |= {} if self.ends is None else {"ends": self.ends}
            others = (f.name for f in fields(self) if f.name not in (*MAPPINGS, "fractions", "metrics", "ends"))
            facts = {name: getattr(self, name) for name in others}
            facts["metrics"] = {name: asdict(summary) for name, summary in self.metrics.items()}
            facts |= {"settings": dict(self.settings), "versions": dict(self.versions)}
            write_arrays(path, {**arrays, "fractions": self.fractions}, {"kind": "evaluation", **facts})
        elif path.suffix == ".html":
            title = escape(f"{self.method} · {self.layer or 'input'}")
            head = f'<!doctype html><meta charset="utf-8"><title>{title}</title>'
            write_whole(path, (head + self._repr_html_()).encode())
        else:
            raise FormatError(f"{path.name!r} must end in .npz or .html.")

    @classmethod
    def load(cls, path: str | Path) -> "Evaluation":
        """Read what `save("….npz")` wrote.

        Raises:
            FormatError: the file is missing or something else.
        """
        arrays, facts = read_arrays(path)
        try:
            if facts.pop("kind") != "evaluation":
                raise KeyError("kind")
            mappings = {
                name: {key.removeprefix(f"{name}_"): a for key, a in arrays.items() if key.startswith(f"{name}_")}
                for name in MAPPINGS
            }
            facts["metrics"] = {name: _summary(values) for name, values in facts["metrics"].items()}
            facts["target_names"] = tuple(map(tuple, facts["target_names"]))
            facts["names"] = tuple(facts["names"])
            facts["notes"] = tuple(tuple(map(tuple, row)) for row in facts["notes"])
            facts["subjects"] = tuple(tuple(Subject(*each) for each in row) for row in facts.get("subjects", ()))
            return cls(**mappings, **facts, fractions=arrays["fractions"], ends=arrays.get("ends"))
        except (KeyError, TypeError, AttributeError) as error:
            raise FormatError(f"{str(path)!r} is not an evaluation saved as .npz ({error}).") from error

    def _repr_html_(self) -> str:
        titles = [f"{s.title} {'↑' if s.better == 'higher' else '↓'}" for s in self.metrics.values()]
        rows = [_html_row(["image", "target", *titles, "verdict"], "th")]
        n, t = self.shape
        for i in range(n):
            for j in range(t):
                values = [_text(float(values[i, j])) for values in self.scores.values()]
                cells = [self.names[i], self.target_names[i][j], *values, self.verdict(i, j)]
                rows.append(_html_row(cells, "td"))
        where = escape(f"{self.method} · {self.layer or 'input'} · {self.seconds:.2f} s")
        return f"<table><caption>{where}</caption>{''.join(rows)}</table>"


def unmeasured(aspects: Container[str], subject: Subject) -> list[str]:
    """What nothing is known of, in words that suit what maps explain, where these aspects have been measured."""
    return [words.format(**subject.words) for aspect, words in ASPECTS.items() if aspect not in aspects]


def _summary(values: dict[str, Any]) -> MetricSummary:
    doubt = values.pop("doubt")
    return MetricSummary(**values, doubt=doubt and (doubt[0], doubt[1]))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _clear(number: float) -> float:
    """How many spreads of so many random maps are beyond chance."""
    pairs = int(number) // 2 if np.isfinite(number) else 0
    return CLEAR[pairs] if pairs < len(CLEAR) else CLEAR_OF_MANY


def _number(value: float) -> str:
    """A number with two digits, 0 without a sign."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def _is_of_map(note: str) -> bool:
    """Whether a note is about the map, and not about a metric of it."""
    return heading_of((note,)) != ""


def _html_row(cells: Sequence[str], tag: str) -> str:
    return "<tr>" + "".join(f'<{tag} style="text-align:left">{escape(cell)}</{tag}>' for cell in cells) + "</tr>"


def _text(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f}".replace("-", "−")


def _mean(values: Floats) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")
