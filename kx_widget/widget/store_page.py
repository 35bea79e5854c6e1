"""A page of stored explanations that needs nothing else: the widget's own, without a kernel."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from kx_widget.bulk.arrow import pc
from kx_widget.bulk.store import Store
from kx_widget.engine.errors import FormatError, ParameterError, UnknownTargetError, did_you_mean
from kx_widget.engine.figures import counted
from kx_widget.engine.files import below, writable, write_whole
from kx_widget.engine.types import Floats
from kx_widget.widget.archive import Asides, KeptAnswer, pack
from kx_widget.widget.evidence import Records
from kx_widget.widget.html import page, page_state
from kx_widget.widget.image_sources import LONGEST_SIDE, Preview
from kx_widget.widget.messages import NumberColumn
from kx_widget.widget.nearest_neighbours import NearestNeighbours
from kx_widget.widget.scored_curves import ScoredCurves
from kx_widget.widget.serialize import Tile
from kx_widget.widget.stored import StoredAnswers, StoredImages
from kx_widget.widget.traits import COLORMAPS, Traits

THREADS = 4
# From so many pictures on they are a little smaller.
MANY = 50
LONGEST_SIDE_OF_MANY = 384


@dataclass(frozen=True)
class MapChoice:
    """Which maps of a store a page shows.

    Attributes:
        limit: how many at most; those of one image stay together.
        sort, descending: the column to sort by.
        target: only maps of this class.
        wrong: only images whose prediction is not their label, or is it; None for all.
    """

    limit: int = 100
    sort: str | None = None
    descending: bool = False
    target: str | None = None
    wrong: bool | None = None


@dataclass(frozen=True)
class Findings:
    """What is known of the images of a page beside what the store has.

    Attributes:
        above: HTML above the view.
        evidence: of its maps, by image and column.
        curves: what was scored along the curves of some of them.
        columns: numbers of each image, by which rows are filtered and sorted.
    """

    above: str = ""
    evidence: Records = field(default_factory=dict[tuple[int, int], dict[str, Any]])
    curves: Sequence[ScoredCurves] = ()
    columns: Sequence[NumberColumn] = ()


def write_page(
    store: Store, path: Path, choice: MapChoice = MapChoice(), megabytes: float = 1.0, **drawing: Any
) -> tuple[int, int]:
    """Write the maps of a choice, one row an image where there are several of each.

    Args:
        store: where the maps are.
        path: the page.
        choice: which maps.
        megabytes: size of the page but for its pictures, see `KxWidget.to_html`.
        **drawing: traits of the widget: `colormap`, `sign`…

    Returns:
        How many are shown, and how many there are of this choice.

    Raises:
        UnknownTargetError: the store has no map of this class.
        FormatError: it has no map at all, or none of this choice; or there is no folder for the page.
        ParameterError: there is no such colour table.
    """
    path = writable(path)
    if (colormap := drawing.get("colormap", COLORMAPS[0])) not in COLORMAPS:
        raise ParameterError(f"There is no colormap {colormap!r}.{did_you_mean(colormap, COLORMAPS)}")
    every = len(store.select())
    if not every:
        lost = len(store.skipped)
        why = f": all its {counted(lost, 'image')} were skipped." if lost else "."
        raise FormatError(f"{store.path!r} has no map to show{why}")
    where = _condition(store, choice.target, choice.wrong)
    if not len(store.select(where)):
        raise FormatError(f"{store.path!r} holds {counted(every, 'map')}, of which none fits this choice.")
    images = StoredImages(store, where, choice.sort, choice.descending, choice.target)
    maps = images.rows.size
    images.keep(max(1, choice.limit // images.rows.shape[1]))
    shown = f"{images.rows.size} of {counted(maps, 'map')}"
    write_view(images, path, shown, Findings(), megabytes, **drawing)
    return images.rows.size, maps


def write_view(
    images: StoredImages, path: Path, shown: str, findings: Findings, megabytes: float, **drawing: Any
) -> None:
    """Write stored maps of some images with what else is known of them.

    Args:
        images: with what is stored of them.
        path: the page.
        shown: which part of the store this is, in words.
        findings: what else is known.
        megabytes, **drawing: as in `write_page`.
    """
    store, answers = images.store, StoredAnswers(images, None)
    answer = replace(_stored_answer(answers, images), evidence=findings.evidence, curves=findings.curves)
    traits = Traits(_images=_pictures(images), labels=_labels(images), **answer.traits, **drawing)
    welcome = _welcome(answers, images, shown)
    welcome["columns"] += findings.columns
    title = " · ".join(filter(None, (answer.columns[0]["method_title"], answer.traits["layer"], Path(store.path).name)))
    predictions = _predictions(images)
    nearest = NearestNeighbours(images, answers).of_page(answer.traits, 0, None)
    text = page(
        page_state(traits),
        title,
        lambda room: pack(welcome, predictions, [answer], room, True, Asides(nearest=nearest)),
        int(megabytes * 1e6),
        findings.above,
    )
    write_whole(path, text.encode())


def _condition(store: Store, target: str | None, wrong: bool | None) -> Any:
    where = None
    if target is not None:
        names = [name for name in store.column("target_name").unique().to_pylist() if name is not None]
        if target not in names:
            raise UnknownTargetError(f"The store has no map of {target!r}.{did_you_mean(target, names)}")
        where = pc.field("target_name") == target
    if wrong is not None:
        if store.column("label").null_count == len(store):
            raise UnknownTargetError("The store has no labels: explain with labels to know what is wrong.")
        differ = pc.field("predicted") != pc.field("label")
        verdict = differ if wrong else ~differ
        where = verdict if where is None else where & verdict
    return where


def _stored_answer(answers: StoredAnswers, images: StoredImages) -> KeptAnswer:
    """All that is stored of the images, side by side where there are several targets."""
    traits = answers.offer()[-1]
    query = answers.ask(traits)
    (part,) = query.parts(range(len(images)))
    tiles: list[Tile] = [tile for frames in part.stream(False) for tile in part.tiles(frames.frames).values()]
    return KeptAnswer(traits, query.columns, tiles, None)


def _pictures(images: StoredImages) -> list[dict[str, Any]]:
    """The pictures as the trait `_images` wants them, by names that tell nothing of the machine."""
    folder = images.folder()
    side = LONGEST_SIDE if len(images) <= MANY else LONGEST_SIDE_OF_MANY

    def record(image: int) -> dict[str, Any]:
        preview: Preview = images.preview(image, side)
        name = below(folder, preview.name)
        if os.path.isabs(name):
            name = os.path.basename(name)
        return asdict(replace(preview, name=name, problem=preview.problem.replace(preview.name, name)))

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(record, range(len(images))))


def _labels(images: StoredImages) -> list[int | None]:
    labels = images.table.column("label").to_pylist()[:: images.rows.shape[1]]
    return [] if all(label is None for label in labels) else labels


def _predictions(images: StoredImages) -> tuple[Floats, Floats]:
    """Scores and probabilities (N, C) as far as they are stored: which class is the most probable, and NaN."""
    table, (count, targets) = images.table, images.rows.shape
    shape = count, len(images.store.class_names)
    scores, probabilities = np.zeros(shape, np.float32), np.full(shape, np.nan, np.float32)
    rows = np.arange(count).repeat(targets)
    classes = table.column("target").fill_null(-1).to_numpy()
    known = classes >= 0
    if images.store.job.get("units"):
        scores[:] = np.nan
        scores[rows[known], classes[known]] = table.column("score").fill_null(np.nan).to_numpy()[known]
        return scores, probabilities
    probabilities[rows[known], classes[known]] = table.column("probability").fill_null(np.nan).to_numpy()[known]
    scores[rows, table.column("predicted").to_numpy()] = 1
    return scores, probabilities


def _welcome(answers: StoredAnswers, images: StoredImages, shown: str) -> dict[str, Any]:
    """What a kernel would greet the page with, but for where the store and its pictures lie."""
    welcome: dict[str, Any] = {**answers.catalogue(), "arguments": ["model", "images"]}
    store = images.store
    lost = f"; {counted(len(store.skipped), 'image')} skipped" if store.skipped else ""
    welcome["inspection"]["preprocessing"] = f"{shown} in {Path(store.path).name}{lost}"
    columns: list[Any] = welcome["columns"]
    for column in columns:
        values = images.numbers(column["name"])
        column["values"] = [None if np.isnan(value) else float(f"{value:.6g}") for value in values]
    return welcome
