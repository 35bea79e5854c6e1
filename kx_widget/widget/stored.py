"""The images and answers of a store of explanations."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kx_widget.bulk.arrow import pc
from kx_widget.bulk.kept_shortcuts import read_kept
from kx_widget.bulk.sources import file_of
from kx_widget.bulk.store import NO_EMBEDDINGS, Store
from kx_widget.engine.display import Display
from kx_widget.engine.errors import FormatError, ImageError, KxError
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.heads import unit_of
from kx_widget.engine.images import Images, box_of, read
from kx_widget.engine.methods import METHODS
from kx_widget.engine.nearest import NearestImages
from kx_widget.engine.ranges import Ranges, depth_in_words
from kx_widget.engine.regions import Region
from kx_widget.engine.types import Floats, Frame, Frames, Inspection, Ints, LayerInfo, LocatedRegion
from kx_widget.widget.answer_sources import Part, Query, QuestionTraits, asks_for_labels
from kx_widget.widget.image_sources import (
    InputImages,
    LastDecoded,
    ModelImages,
    NearestRequest,
    Preview,
    encode_preview,
)
from kx_widget.widget.messages import Column, NumberColumn, SuspicionRecords
from kx_widget.widget.region_traits import plain_regions
from kx_widget.widget.serialize import describe_inspection, describe_methods, describe_wrappers, display_record
from kx_widget.widget.suspicion_records import suspicion_records

if TYPE_CHECKING:
    # What is stored is shown without TensorFlow.
    from kx_widget.engine.explainer import Explainer
    from kx_widget.engine.question import Question
    from kx_widget.widget.model_answers import ModelAnswers
    from kx_widget.widget.own_targets import OwnTargets

LONGEST_SIDE = 384
IMAGES_A_MESSAGE = 60_000
CLASSES = ("label", "predicted")
COLUMNS = ["id", "column", "target", "target_name", "score", "probability", "predicted", "label", "checks"]


class StoredImages:
    """The images of a store, numbered from 0 in the order of `Store.select`, and the row of each target.

    Args:
        store: where the maps are, or its folder.
        where, sort, descending: as in `Store.select`; an image is shown if one of its rows is chosen.
        target: show this class alone, which every chosen row is about; None shows all targets of each image.
        shortcuts: what a search for them has found, see `kept_shortcuts`; None for what is kept in the store.

    Attributes:
        targets: what was asked of each image, T texts.
        rows: their numbers in the store (N, T).
        table: these rows, without maps.

    Raises:
        FormatError: no image is left.
    """

    at_once = False
    inputs: Sequence[InputImages] = ()
    models: Sequence[ModelImages] = ()

    def __init__(
        self,
        store: str | Path | Store,
        where: Any,
        sort: str | None,
        descending: bool,
        target: str | None = None,
        shortcuts: Mapping[str, Any] | None = None,
    ) -> None:
        store = store if isinstance(store, Store) else Store(store)
        self.store, self.path = store, store.path
        job = store.job
        for needed in ("targets", "method", "class_names"):
            if not job.get(needed):
                raise FormatError(f"{store.path!r} does not tell what was asked: its _job.json has no {needed!r}.")
        rows = store.select(where, sort, descending)
        first_rows = rows - store.columns(["column"]).take(rows).column(0).to_numpy()
        chosen = np.sort(np.unique(first_rows, return_index=True)[1])
        if not len(chosen):
            raise FormatError(
                f"{store.path!r} has no explanation to show" + (" of this choice." if len(store) else ".")
            )
        self.targets: list[str] = job["targets"] if target is None else [target]
        self.rows = first_rows[chosen][:, None] + np.arange(len(self.targets)) if target is None else rows[chosen, None]
        self.labels: Sequence[int | None] = ()
        self._shortcuts = _kept(store) if shortcuts is None else shortcuts
        self._decoded = LastDecoded()
        self.keep(len(self.rows))

    @property
    def region(self) -> Region | None:
        """Which places the maps are about, of a model that has scores for several."""
        regions = self.store.job.get("regions")
        return Region.from_plain(regions[0]) if regions else None

    def keep(self, count: int) -> None:
        """Keep so many images at most, the first ones."""
        self.rows = self.rows[:count]
        names = [*COLUMNS, *self.store.evidence]
        self.table: Any = self.store.columns(names).take(self.rows.ravel()).combine_chunks()

    def choose(self, rows: Ints) -> None:
        """Hold the images of these rows (N, T) of the store, of which the first targets are shown."""
        self.rows, self.targets = rows, self.targets[: rows.shape[1]]
        self.keep(len(rows))

    @property
    def columns(self) -> list[NumberColumn]:
        """What else pages filter and sort by."""
        return [NumberColumn(name=name, title=c.title, values=[]) for name, c in self.store.evidence.items()]

    @property
    def suspicions(self) -> SuspicionRecords | None:
        """What a search for shortcuts has found, of the images that are shown."""
        return suspicion_records(self._shortcuts, self.rows, len(self.store)) if self._shortcuts else None

    def numbers(self, name: str) -> Floats:
        """A column of evidence of the first target of each image (N,), NaN where it cannot be told."""
        return self.table.column(name).fill_null(np.nan).to_numpy()[:: self.rows.shape[1]]

    def __len__(self) -> int:
        return len(self.rows)

    def name(self, image: int) -> str:
        """Path of an image, or its running number."""
        return self.table.column("id")[image * self.rows.shape[1]].as_py()

    def size(self, image: int) -> None:
        """Known once the file is read."""

    def label(self, image: int) -> int | None:
        """The true class of an image, None where it is unknown; labels of the widget count before those stored."""
        if self.labels:
            return self.labels[image]
        return self.table.column("label")[image * self.rows.shape[1]].as_py()

    @property
    def has_labels(self) -> bool:
        """Whether the true class of any image is known."""
        if self.labels:
            return any(label is not None for label in self.labels)
        return self.table.column("label").null_count < len(self.table)

    def folder(self) -> str:
        """The folder below which all pictures are."""
        names = pc.min_max(self.table.column("id")).as_py()
        prefix = os.path.commonprefix([names["min"], names["max"]])  # noqa: RUF071
        return os.path.dirname(prefix) or "."

    def pixels(self, image: int) -> NDArray[np.uint8]:
        """The picture (height, width, 1 or 3) from its file.

        Raises:
            ImageError: there is none, and why.
        """
        return read(file_of(self.name(image)), bands=self.store.bands, ranges=Ranges(self.store.depth))

    def original(self, image: int) -> NDArray[np.uint8]:
        """The picture at full resolution, of which the last one is kept for a while."""
        return self._decoded.get(image, lambda: self.pixels(image))

    def preview(self, image: int, longest_side: int = LONGEST_SIDE) -> Preview:
        """The picture of an image, at most so large, or why there is none."""
        height, width = self.store.job.get("input_shape", (224, 224))[:2]
        try:
            pixels = self.pixels(image)
        except ImageError as error:
            return Preview(self.name(image), width, height, (0, 0, 1, 1), (width, height), problem=str(error))
        box = box_of(pixels.shape[:2], (height, width), self.store.job.get("fit", "stretch"))
        return encode_preview(pixels, self.name(image), box, longest_side)

    def load(self, explainer: Explainer, images: Sequence[int]) -> tuple[Images, Sequence[int]]:
        """Those of the images whose files can be read, ready for the model, and their numbers.

        Raises:
            ImageError: none of them can.
        """
        # Without a model nothing is loaded, and Keras is not needed.
        from kx_widget.bulk.loader import load_readable

        beside = self.store.beside(self.rows[np.asarray(images), 0])
        problems, loaded = load_readable(explainer, [file_of(self.name(image)) for image in images], beside)
        if loaded is None:
            raise ImageError(problems[-1])
        good = [image for image, problem in zip(images, problems, strict=True) if not problem]
        return replace(loaded, names=tuple(map(self.name, good))), good

    def nearest(self, request: NearestRequest) -> tuple[NearestImages, NearestImages | None] | None:
        """The images most like some others, as far as they are shown, and those of them that are predicted right.

        Raises:
            FormatError: the store does not tell.
        """
        if "embeddings" not in self.store.job:
            raise FormatError(f"The store {NO_EMBEDDINGS}")
        places = np.arange(len(self)) * self.rows.shape[1]
        first_rows = self.rows[:, 0] - self.table.column("column").take(places).to_numpy()
        images = np.full(len(self.store) + 1, -1)
        images[first_rows] = np.arange(len(self))

        def nearest(is_among: Any) -> NearestImages:
            numbers = first_rows[np.asarray(request.numbers)]
            table = self.store.nearest(numbers, request.count, first_rows[is_among])
            return replace(table, indices=images[table.indices])

        every = nearest(slice(None))
        if not self.has_labels or self.store.job.get("units"):
            return every, None
        labels, predicted = (self.table.column(name).take(places).fill_null(-1).to_numpy() for name in CLASSES)
        if self.labels:
            labels = np.array([-1 if label is None else label for label in self.labels])
        return every, nearest(labels == predicted)

    def metadata(self) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Messages with what pages filter and sort by, of all images."""

        def column(name: str, missing: Any) -> Any:
            return self.table.column(name).fill_null(missing).to_numpy().reshape(self.rows.shape)

        best, label = column("predicted", -1)[:, 0], column("label", -1)[:, 0]
        confidence = np.full(len(self), np.nan, np.float32)
        for target, probability in zip(column("target", -1).T, column("probability", np.nan).T, strict=True):
            confidence = np.where(target == best, probability, confidence)
        score = column("score", np.nan)[:, 0]
        numbers = [confidence, score, *map(self.numbers, self.store.evidence)]
        columns = [best.astype("<i4"), label.astype("<i4"), *(values.astype("<f4") for values in numbers)]
        for first in range(0, len(self), IMAGES_A_MESSAGE):
            parts = [values[first : first + IMAGES_A_MESSAGE] for values in columns]
            message = {"kind": "shelf", "images": len(self), "first": first, "count": len(parts[0])}
            yield message, b"".join(part.tobytes() for part in parts)


@dataclass(frozen=True)
class StoredQuery:
    """A question whose answers are in the store, as those of some of its targets."""

    source: StoredImages
    targets: Sequence[int]
    columns: list[Column]
    traits: QuestionTraits
    model: ModelAnswers | None
    computes = False

    def version(self) -> int:
        """No model answers."""
        return 0

    def parts(self, images: Sequence[int], version: int | None = None) -> list[Part]:
        """The answer for these images."""
        return [Part(images, self.columns, 0, lambda _: self._read(images), lambda *_: self._explanation(images))]

    def question_at(self, image: int, column: int) -> tuple[Question, int, int] | None:
        """What the model is asked for the same map."""
        if self.model is None or column not in range(len(self.columns)):
            return None
        alone = {"target": self.columns[column]["target"], "compare": "none", "compare_with": []}
        return self.model.ask({**self.traits, **alone}).question_at(image, 0)

    def explained(self, image: int) -> tuple[list[tuple[Explainer, Images]], Sequence[int]]:
        """The model beside the store, and the image for it."""
        if self.model is None:
            raise KxError("There is no model beside the store: KxWidget.from_store(path, model).")
        images, numbers = self.source.load(self.model.explainer, [image])
        return [(self.model.explainer, images)], numbers

    def _read(self, images: Sequence[int]) -> Generator[Frames, None, None]:
        source, numbers, targets = self.source, np.asarray(images), np.asarray(self.targets)
        rows = source.rows[numbers][:, targets].ravel()
        records = source.table.take((numbers[:, None] * source.rows.shape[1] + targets).ravel()).to_pylist()
        places = np.ndindex(len(numbers), len(targets))
        region = source.region and LocatedRegion(source.region.kind, str(source.region), source.region.at)
        stored = zip(places, records, source.store.maps(rows), source.store.notes(rows), strict=True)
        frames = tuple(
            Frame(
                image=image,
                column=column,
                values=values,
                score=_number(record["score"]),
                probability=_number(record["probability"]),
                target=record["target"],
                target_name=record["target_name"],
                final=True,
                notes=notes,
                checks=json.loads(record["checks"] or "{}"),
                unit=unit_of(source.store.job.get("units", ()), record["target"]),
                region=region,
            )
            for (image, column), record, values, notes in stored
        )
        yield Frames(frames, 1, 1)

    def _explanation(self, images: Sequence[int]) -> Explanation:
        """What is stored of one image (1, T, h, w)."""
        return self.source.store.explanation_of(self.source.rows[np.asarray(images)][:, np.asarray(self.targets)])


class StoredAnswers:
    """Answers of a store, and of a model where the store has none.

    Args:
        source: the images of the store.
        model: answers anything else; None where there is no model.
    """

    def __init__(self, source: StoredImages, model: ModelAnswers | None) -> None:
        self._source, self._model = source, model
        job = source.store.job
        self._texts = source.targets
        self._method: str = job["method"]
        self._layer: str | None = job.get("layer")
        methods = METHODS if model is None else model.explainer.methods
        self._entry = methods.get(self._method)
        self._title = self._entry.title if self._entry else self._method
        self._defaults = _plain(self._entry.complete({})) if self._entry else {}
        self._params: dict[str, Any] = job.get("params", {})
        self._regions = plain_regions(source.region, 1)

    @property
    def explainer(self) -> Explainer | None:
        """Of the model, None where there is none."""
        return self._model and self._model.explainer

    @property
    def own(self) -> OwnTargets | None:
        """Targets of one's own that the model can be asked for."""
        return self._model and self._model.own

    def ask(self, traits: QuestionTraits) -> Query:
        """Check a question.

        Raises:
            KxError: the store does not hold the answer, and there is no model, or none that can answer.
        """
        targets = self._covers(traits)
        if targets is not None:
            return StoredQuery(self._source, targets, self._columns(targets), traits, self._model)
        if self._model is not None:
            return self._model.ask(traits)
        raise KxError(
            f"The store holds {self._method} of {self._layer or 'the input'} for {', '.join(self._texts)}; "
            "anything else needs the model: KxWidget.from_store(path, model)."
        )

    def _covers(self, traits: QuestionTraits) -> list[int] | None:
        """Which targets of the store answer a question; None if it holds no answer."""
        wanted = self._defaults | _switched_on(_plain(traits["params"]))
        same_params = _switched_on(wanted) == _switched_on(self._params)
        same_layer = traits["layer"] == self._layer or self._sees == "input"
        is_same = same_layer and same_params and traits["regions"] == self._regions
        if traits["method"] != self._method or not is_same:
            return None
        # What is stored of true classes goes by the labels that are stored.
        if traits["compare"] in ("methods", "layers", "models") or (self._source.labels and asks_for_labels(traits)):
            return None
        target = self._text(traits["target"])
        texts = [target]
        if traits["compare"] == "targets":
            others = [text for text in self._texts if text != target]
            texts = [*map(self._text, traits["compare_with"])] or [target, *others]
        return [self._texts.index(text) for text in texts] if set(texts) <= set(self._texts) else None

    @property
    def _sees(self) -> str:
        if self._entry is None:
            return "layer" if self._layer else "input"
        return self._entry.sees

    def _text(self, target: Any) -> str:
        names = self._source.store.class_names
        return names[target] if isinstance(target, int) and 0 <= target < len(names) else str(target)

    def _columns(self, targets: Sequence[int]) -> list[Column]:
        signed = self._source.store.job.get("signed", True)
        display = self._entry.display_for(self._params) if self._entry else Display()
        indices = self._source.table.column("target").to_numpy().reshape(self._source.rows.shape)
        contrasts = (indices < 0).all(0) | bool(self._source.store.job.get("units"))
        return [
            Column(
                layer=self._layer or "",
                method=self._method,
                method_title=self._title,
                target=self._texts[target],
                signed=signed,
                input="",
                model="",
                matched="",
                own=False,
                display=display_record(
                    display.resolved(sees_input=self._layer is None, signed=signed, contrast=bool(contrasts[target]))
                ),
            )
            for target in targets
        ]

    def catalogue(self) -> dict[str, Any]:
        """What views need to know once; without a model the questions whose answers are stored."""
        folder = f"pictures from {self._source.folder()}"
        if self._model is not None:
            about = self._model.catalogue()
            about["inspection"]["preprocessing"] += f"; {folder}"
            return about | {"columns": self._source.columns, "suspicions": self._source.suspicions}
        job, depth = self._source.store.job, depth_in_words(self._source.store.depth)
        layers = (LayerInfo(self._layer, "", (), (1, 1), True),) if self._layer else ()
        why = "The maps in the store; another layer needs the model: KxWidget.from_store(path, model)."
        height, width, channels = job.get("input_shape", (224, 224, 3))
        inspection = Inspection(layers, None, why, "unknown", len(job["class_names"]), (height, width, channels), False)
        methods = describe_methods(METHODS)
        if self._entry is None:
            unknown = {"id": self._method, "title": self._method, "family": "Stored", "purpose": "Stored"}
            about = {"summary": "A method of somebody's own.", "cost": "stored", "sees": self._sees, "params": []}
            methods.append(unknown | about | dict.fromkeys(("reference", "good_for", "fails", "resolution"), ""))
        return {
            "catalogue": methods,
            "wrappers": describe_wrappers(),
            "inspection": describe_inspection(
                inspection, f"stored in {self._source.store.path}; {folder}{depth and f'; {depth}'}"
            ),
            "class_names": list(job["class_names"]),
            "predicts": "value" if job.get("units") else "probability",
            "units": list(job.get("units", ())),
            "places": [],
            "offer": self.offer(),
            "regions": [],
            "columns": self._source.columns,
            "suspicions": self._source.suspicions,
            "unmeasurable": None,
            "models": [],
        }

    def offer(self) -> list[dict[str, Any]]:
        """The questions whose answers are stored, as traits: each target alone, then all side by side."""
        params = {name: value for name, value in self._params.items() if self._defaults.get(name) != value}
        common = {"layer": self._layer or "", "method": self._method, "params": params, "regions": self._regions}
        alone = [{**common, "target": text, "compare": "none", "compare_with": []} for text in self._texts]
        return alone if len(alone) < 2 else [*alone, {**alone[0], "compare": "targets"}]

    def default_traits(self) -> dict[str, Any]:
        """The first question whose answer is stored."""
        first = self.offer()[0]
        if not first["layer"] and self._model is not None:
            first["layer"] = self._model.explainer.inspection.recommended or ""
        return first


def _kept(store: Store) -> dict[str, Any]:
    """What is kept of a search for shortcuts; nothing, and a warning, where that cannot be used."""
    try:
        return read_kept(store) or {}
    except FormatError as error:
        warnings.warn(str(error), RuntimeWarning, stacklevel=4)
        return {}


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _switched_on(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value}


def _plain(value: Any) -> Any:
    """As JSON has it."""
    return json.loads(json.dumps(value, default=str))
