"""How far a sample of the maps of a store can be believed: measured part by part, and kept beside it."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from kx_widget.bulk.arrow import pa, pc, pq
from kx_widget.bulk.dataset import progress_bar
from kx_widget.bulk.job import open_folder, weights_of
from kx_widget.bulk.loader import load_readable
from kx_widget.bulk.parts import DAMAGE, DONE, JOB, as_json, check_can_be_asked, is_whole, part_name, write_json
from kx_widget.bulk.sources import file_of
from kx_widget.bulk.store import Store
from kx_widget.engine.comparison import Comparison, Contender
from kx_widget.engine.errors import FormatError, ImageError, ParameterError
from kx_widget.engine.evaluation import CURVES, Evaluation, MetricSummary
from kx_widget.engine.evaluation_builder import summary_of
from kx_widget.engine.evaluation_inputs import EvaluationSettings, MetricColumn
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.explanation import versions
from kx_widget.engine.files import atomic_write, named_errors
from kx_widget.engine.images import Images
from kx_widget.engine.subjects import CLASS, WHERE, Subject, SubjectKind
from kx_widget.engine.types import Floats, Ints

# Images that are measured together, and lost at most where a run is cut off.
PART_IMAGES = 16
# Before the name of a metric: by how many spreads a map is better than random maps, whether that is no chance, and what
# mean, spread and number these have.
Z, CLEAR, CONTROL = "z_", "clear_", "control_"
# Before the names of curves, of the classes of most score along them, and of what cells tell; which part is covered,
# and what curves go between.
CURVE, TOP, CELLS = "curve_", "top_", "cells_"
COVERED, ENDS = "covered", "ends"
LISTS = (
    *(f"{CURVE}{name}" for name in (*CURVES, "random", "random_low", "random_high")),
    *(f"{TOP}{name}" for name in CURVES),
    *(f"{CELLS}{name}" for name in ("losses", "sums")),
    COVERED,
    ENDS,
)


@dataclass(frozen=True, eq=False)
class StoreEvaluation:
    """What metrics say of a sample of a store's maps; equal to nothing but itself.

    Attributes:
        path: the folder that holds its rows, Parquet.
        metrics: by id, titles and directions.
        table: a row an image and target: `row` in the store, `id`, `column`, `target_name`, a column for each metric,
            `z_…`, `clear_…` and `control_…` where it was compared with random maps, `curve_…`, `top_…`, `covered`,
            `ends` and `cells_…` with what an `Evaluation` has under these names, `notes` that say what cannot be told,
            `error` where the picture could not be read.
        targets: how many targets an image has.
        contender: method and layer.
        wanted: how many images the sample has, of which fewer are measured while it is not finished.
        settings: what was covered and how.
        subject: what its maps explain, without names.
    """

    path: Path
    metrics: Mapping[str, MetricSummary]
    table: pa.Table
    targets: int
    contender: Contender
    wanted: int
    settings: Mapping[str, Any]
    subject: Subject = CLASS

    @property
    def rows(self) -> Ints:
        """The numbers of the rows (N, T) in the store of the images that were measured."""
        return self._measured.column("row").to_numpy().reshape(-1, self.targets)

    def evaluation(self) -> Evaluation:
        """All that was measured, as `Explainer.evaluate` returns it; curves and cells only where they were kept."""
        table = self._measured
        n, t = len(self), self.targets

        def grid(values: Sequence[Any]) -> tuple[tuple[Any, ...], ...]:
            return tuple(tuple(values[at : at + t]) for at in range(0, n, t))

        tops = {name: np.nan_to_num(values, nan=-1).astype(np.int64) for name, values in self._lists(TOP).items()}
        covered = self._lists(COVERED).get("", np.zeros((1, 1, 0), np.float32))
        return Evaluation(
            scores={name: self.values(name) for name in self.metrics},
            metrics=self.metrics,
            curves=self._lists(CURVE),
            fractions=covered[np.isfinite(covered).all((1, 2)).argmax(), 0],
            control=self._lists(CONTROL),
            notes=grid([tuple(notes or ()) for notes in table.column("notes").to_pylist()]),
            target_names=grid(table.column("target_name").to_pylist()),
            names=tuple(table.column("id").to_pylist()[::t]),
            method=self.contender.method,
            layer=self.contender.layer,
            settings=self.settings,
            done=self.images / self.wanted,
            seconds=0,
            versions=versions(),
            tops=tops,
            cells=self._lists(CELLS),
            ends=self._lists(ENDS).get(""),
            subjects=grid([self._named(name) for name in table.column("target_name").to_pylist()]),
        )

    def _named(self, name: str) -> Subject:
        return self.subject if self.subject.kind == "class" else self.subject._replace(name=name)

    def _lists(self, kind: str) -> dict[str, Floats]:
        """Columns of lists (N, T, …) by what follows the beginning of their name, NaN where there is none."""
        lists: dict[str, Floats] = {}
        for name in self._measured.column_names:
            if not name.startswith(kind) or not pa.types.is_list(self._measured.schema.field(name).type):
                continue
            rows = self._measured.column(name).to_pylist()
            if length := max((len(row) for row in rows if row is not None), default=0):
                values = np.array([[np.nan] * length if row is None else row for row in rows], np.float32)
                lists[name.removeprefix(kind)] = values.reshape(-1, self.targets, length)
        return lists

    @cached_property
    def _measured(self) -> pa.Table:
        return self.table.filter(pc.is_null(self.table.column("error")))

    @property
    def images(self) -> int:
        """How many images were measured."""
        return len(self._measured) // self.targets

    def __len__(self) -> int:
        return len(self._measured)

    def values(self, column: str) -> Floats:
        """A column of numbers (N, T) of the images that were measured, NaN where it cannot be told."""
        numbers = self._measured.column(column).cast(pa.float32()).to_numpy()
        return np.asarray(numbers, np.float32).reshape(-1, self.targets)

    @cached_property
    def means(self) -> dict[str, tuple[float, float, float]]:
        """By metric the mean over images, and the ends of its bootstrap interval of 95 %."""
        scores = {name: self.values(name)[None] for name in self.metrics}
        comparison = Comparison((self.contender,), self.metrics, scores)
        return {name: (float(mean), float(low), float(high)) for name, [[mean, low, high]] in comparison.means.items()}

    def told(self, column: str) -> int:
        """Of how many maps a column is told."""
        return int(np.isfinite(self.values(column)).sum())

    @property
    def reasons(self) -> dict[str, int]:
        """Why something cannot be told, in sentences, and of how many maps."""
        lists = (notes or () for notes in self._measured.column("notes").to_pylist())
        return dict(Counter(note for notes in lists for note in notes).most_common())

    @property
    def skipped(self) -> list[tuple[str, str]]:
        """(id, reason) of each picture that could not be read."""
        rows = self.table.filter(pc.is_valid(self.table.column("error"))).select(["id", "error"]).to_pylist()
        return [*dict.fromkeys((row["id"], row["error"]) for row in rows)]


@dataclass(frozen=True, eq=False, kw_only=True)
class EvaluationRun:
    """A sample of a store's maps, checked, and what is to be measured of them.

    Args:
        explainer: of the model that made the maps.
        store: where they are.
        columns: metrics by id.
        settings: what covers, and how often; its seed draws the sample, too.
        sample: how many images; None for all.
        path: the folder to write, or to go on with; None for one beside the store.

    Raises:
        FormatError: the store is empty, or is not on this machine and no folder is given.
        ParameterError: the model is another one, or tells by itself nothing of what is explained.
        ImageError: its images are no files.
    """

    explainer: Explainer
    store: Store
    columns: Mapping[str, MetricColumn]
    settings: EvaluationSettings
    sample: int | None
    path: Path | None = None

    def __post_init__(self) -> None:
        if not len(self.store.select()):
            raise FormatError(f"{self.store.path!r} has no map to evaluate.")
        check_can_be_asked(self.store.path, self.store.job)
        stored = self.store.job.get("model", {}).get("weights")
        if stored not in (None, weights_of(self.explainer.model)):
            raise ParameterError(
                f"{self.store.path!r} was made with another model, or with other weights: pass the one that was "
                "explained, or explain anew."
            )

    @cached_property
    def rows(self) -> Ints:
        """The numbers of the rows (N, T) of the images in the sample, in the order of the store."""
        first = self.store.select(pc.field("column") == 0)
        if self.sample is not None and self.sample < len(first):
            rng = np.random.default_rng(self.settings.seed)
            first = np.sort(rng.choice(first, self.sample, replace=False))
        return first[:, None] + np.arange(self._targets)

    @cached_property
    def _targets(self) -> int:
        return int(pc.max(self.store.column("column")).as_py()) + 1

    @cached_property
    def fingerprint(self) -> dict[str, Any]:
        """All that the result depends on, in words that a person can compare; `id` is a digest of it."""
        scores = self.store.columns(["score"]).take(pa.array(self.rows.ravel())).column(0).to_numpy()
        facts: dict[str, Any] = {
            "evaluates": self.store.job.get("id", Path(self.store.path).name),
            "metrics": {name: dict(column.params) for name, column in self.columns.items()},
            "covering": asdict(self.settings),
            "sample": len(self.rows),
            "maps": hashlib.sha256(np.ascontiguousarray(scores).tobytes()).hexdigest()[:16],
        }
        facts = json.loads(json.dumps(facts, default=str))
        return {**facts, "id": hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()}

    @cached_property
    def folder(self) -> Path:
        """Where the rows go: the first name beside the store that is free, or holds the beginnings of the same.

        Raises:
            FormatError: the store is not on this machine, and no folder is given.
        """
        if self.path is not None:
            return Path(self.path).absolute()
        if "://" in self.store.path:
            raise FormatError(f"{self.store.path!r} is not on this machine: say in which folder its evaluation goes.")
        store = Path(self.store.path).absolute()
        number, folder = 2, store.with_name(f"{store.stem}.evaluation")
        while folder.exists() and not self._is_begun(folder):
            folder = store.with_name(f"{store.stem}.evaluation-{number}")
            number += 1
        return folder

    def _is_begun(self, folder: Path) -> bool:
        """Whether a folder holds the beginnings of this evaluation."""
        if not (folder / JOB).is_file():
            return False
        return as_json(str(folder / JOB), (folder / JOB).read_bytes()).get("id") == self.fingerprint["id"]

    def run(self, progress: bool = False) -> StoreEvaluation:
        """Measure what is missing; what has been measured stays where the run is cut off.

        Raises:
            FormatError: the folder holds something else, or another run is at work on it.
            ParameterError: the pictures are not what was explained.
            ImageError, ModelError: as in `Explainer.evaluate`.
        """
        folder = self.folder
        with open_folder(folder, self.fingerprint), progress_bar(len(self.rows), progress) as bar:
            for number, path in enumerate(self._parts()):
                rows = self.rows[number * PART_IMAGES :][:PART_IMAGES]
                if not (path.is_file() and is_whole(path)):
                    table = self._measured(rows)
                    with atomic_write(path) as unfinished, named_errors(path):
                        pq.write_table(table, unfinished, compression="zstd", write_page_checksum=True)
                bar.update(len(rows))
            write_json(folder / DONE, {"parts": len(self._parts())})
        return self.measured()

    def _parts(self) -> list[Path]:
        return [self.folder / part_name(part) for part in range(-(-len(self.rows) // PART_IMAGES))]

    def measured(self) -> StoreEvaluation:
        """What has been measured by now.

        Raises:
            FormatError: nothing has, or a part is damaged.
        """
        try:
            tables = [pq.read_table(path) for path in self._parts() if path.is_file()]
        except DAMAGE as error:
            raise FormatError(f"{str(self.folder)!r} is damaged ({error}): evaluate again.") from error
        if not tables:
            raise FormatError(f"{str(self.folder)!r} holds nothing that has been measured.")
        job = self.store.job
        return StoreEvaluation(
            path=self.folder,
            metrics={name: summary_of(column) for name, column in self.columns.items()},
            # Parts of an earlier version have fewer columns.
            table=pa.concat_tables(tables, promote_options="default"),
            targets=self._targets,
            contender=Contender(job.get("method", ""), job.get("layer")),
            wanted=len(self.rows),
            settings=asdict(self.settings),
            subject=self._subject,
        )

    @property
    def _subject(self) -> Subject:
        """What all maps explain, as far as the store tells."""
        job = self.store.job
        where = {WHERE.get(str(region.get("kind")), "") for region in job.get("regions", ())}
        kind: SubjectKind = "class" if not job.get("units") else "own" if "target_code" in job else "value"
        return Subject(kind, where=where.pop() if len(where) == 1 else "")

    def _measured(self, rows: Ints) -> pa.Table:
        """The table of some images' rows (n, T)."""
        ids = [row["id"] for row in self.store.rows(rows[:, 0], ["id"])]
        problems, images = self._load(ids, self.store.beside(rows[:, 0]))
        evaluation = None
        if images is not None:
            good = rows[[not problem for problem in problems]]
            explanation = self.store.explanation_of(good, images.pixels)
            metrics = {name: column.params for name, column in self.columns.items()}
            evaluation = self.explainer.evaluate(explanation, metrics, images=images, **asdict(self.settings))
        return self._table(rows, problems, evaluation)

    def _load(self, ids: Sequence[str], beside: Sequence[Any]) -> tuple[list[str], Images | None]:
        """Why each of these pictures cannot be read, "" where it can, and those that can."""
        problems, images = load_readable(self.explainer, [*map(file_of, ids)], beside)
        if images is None and all(name.isdecimal() for name in ids):
            raise ImageError(
                f"{self.store.path!r} tells numbers of images and no files, since they came from a stream: explain "
                "them again, and pass what explain returns to evaluate."
            )
        return problems, images

    def _table(self, rows: Ints, problems: Sequence[str], evaluation: Evaluation | None) -> pa.Table:
        """Rows in the order of the images, null where a picture could not be read."""
        numbers = pa.array(rows.ravel())
        about = self.store.columns(["id", "column", "target_name"]).take(numbers)
        is_good = np.repeat([not problem for problem in problems], rows.shape[1])

        def spread(values: Any = np.nan) -> pa.Array:
            full = np.full(len(is_good), np.nan, np.float32)
            full[is_good] = np.ravel(values)
            return pa.array(full, from_pandas=True)

        columns: dict[str, Any] = {"row": numbers, **{name: about.column(name) for name in about.column_names}}
        scores, z, clear = (
            ({}, {}, {}) if evaluation is None else (evaluation.scores, evaluation.z, evaluation.is_clear)
        )
        for name, column in self.columns.items():
            columns[name] = spread(scores.get(name, np.nan))
            if column.metric.is_compared and self.settings.controls:
                columns[Z + name] = spread(z.get(name, np.nan))
                columns[CLEAR + name] = spread(clear.get(name, np.nan)).cast(pa.bool_())
        arrays = {} if evaluation is None else _lists_of(evaluation)
        for name in (*LISTS, *(CONTROL + name for name in self.columns if Z + name in columns)):
            lists = iter(arrays.get(name, np.zeros((0, 0), np.float32)).tolist())
            columns[name] = pa.array([next(lists, None) if good else None for good in is_good], pa.list_(pa.float32()))
        notes = iter([] if evaluation is None else [list(notes) for row in evaluation.notes for notes in row])
        columns["notes"] = pa.array([next(notes) if good else None for good in is_good], pa.list_(pa.string()))
        errors = [problem or None for problem in problems for _ in range(rows.shape[1])]
        columns["error"] = pa.array(errors, pa.string())
        return pa.table(columns)


def _lists_of(evaluation: Evaluation) -> dict[str, Floats]:
    """What an evaluation has of each map beside numbers: columns of lists (N · T, …)."""
    kinds = {CURVE: evaluation.curves, TOP: evaluation.tops, CONTROL: evaluation.control, CELLS: evaluation.cells}
    arrays = {kind + name: values for kind, mapping in kinds.items() for name, values in mapping.items()}
    if evaluation.curves:
        if evaluation.ends is not None:
            arrays[ENDS] = evaluation.ends
        arrays[COVERED] = np.broadcast_to(evaluation.fractions, (*evaluation.shape, len(evaluation.fractions)))
    return {name: values.reshape(-1, values.shape[-1]).astype(np.float32) for name, values in arrays.items()}
