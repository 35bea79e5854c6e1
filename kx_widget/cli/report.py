"""What a command tells of a store that it has just written."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from PIL import Image

from kx_widget.bulk.arrow import pc
from kx_widget.bulk.sources import file_of
from kx_widget.bulk.store import Store
from kx_widget.engine.errors import ImageError
from kx_widget.engine.figures import counted, fixed, percent
from kx_widget.engine.files import below, common_folder
from kx_widget.engine.images import read
from kx_widget.engine.ranges import Ranges
from kx_widget.engine.types import Floats

# So many photos are told one by one, and so many classes are counted.
LISTED = 20
CLASSES = 10
BEST = 5
BAR = 24
# Characters of a map, from nothing to its maximum; each is about twice as high as it is wide.
SHADES = " ░▒▓█"
WIDTH = 48


def preprocessing_of(explainer: Any, store: Store) -> str:
    """How the store's photos become what the model expects, in words; its first one tells."""
    explainer.ranges = Ranges(store.depth)
    for row in store.rows(store.select()[:1], ["id"]):
        with suppress(ImageError):
            explainer.load([file_of(row["id"])])
    return explainer.preprocessing


def prediction_counts(store: Store) -> dict[str, int]:
    """How many photos are predicted to be of each class, the most frequent first."""
    counts = pc.value_counts(_of_each_photo(store).column("predicted")).to_pylist()
    counts.sort(key=lambda entry: -entry["counts"])
    return {store.class_names[entry["values"]]: entry["counts"] for entry in counts}


def prediction_lines(store: Store) -> list[str]:
    """What the model predicts: a line a photo, or how often each class where there are many photos."""
    table = _of_each_photo(store)
    if 0 < len(table) <= LISTED:
        return _photo_lines(store)
    counts = prediction_counts(store)
    lines = [f"{count:>6} × {name}" for name, count in list(counts.items())[:CLASSES]]
    if rest := list(counts.values())[CLASSES:]:
        lines.append(f"{sum(rest):>6} × others")
    known = table.filter(pc.field("label").is_valid())
    if len(known):
        right = pc.sum(pc.equal(known.column("predicted"), known.column("label"))).as_py()
        lines.append(f"{right} of {len(known)} right")
    return [f"Predicted of {counted(len(table), 'photo')}:", *lines] if lines else []


def _of_each_photo(store: Store) -> Any:
    """A row of each photo that was explained."""
    return store.columns(["predicted", "label"]).take(store.select(pc.field("column") == 0))


def _photo_lines(store: Store) -> list[str]:
    columns = ["id", "target", "target_name", "score", "probability", "predicted", "label"]
    photos: dict[str, list[dict[str, Any]]] = {}
    for row in store.rows(store.select(), columns):
        photos.setdefault(row["id"], []).append(row)
    names, folder = store.class_names, common_folder(photos)
    cells = [("photo", "predicted", "true", "explained")]
    for photo, rows in photos.items():
        best, label = rows[0]["predicted"], rows[0]["label"]
        figures = [f"{row['target_name']} {_figure(row)}" for row in rows]
        own = next((figure for figure, row in zip(figures, rows, strict=True) if row["target"] == best), names[best])
        truth = "" if label is None else "✓" if label == best else f"✗ {names[label]}"
        cells.append((below(folder, photo), own, truth, ", ".join(figure for figure in figures if figure != own)))
    return aligned(cells)


def _figure(row: dict[str, Any]) -> str:
    return f"score {fixed(row['score'])}" if row["probability"] is None else percent(row["probability"])


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines, without the columns that hold nothing but their heading."""
    columns = [column for column in zip(*rows, strict=True) if any(column[1:])]
    widths = [max(map(len, column)) for column in columns]
    lines = zip(*columns, strict=True)
    return ["  ".join(f"{cell:{w}}" for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines]


def evidence_means(store: Store) -> dict[str, tuple[float | None, int]]:
    """By column of evidence the mean over maps, None where none has a number, and of how many maps it is told."""
    table = store.columns([*store.evidence]).take(store.select())
    return {
        name: (pc.mean(table.column(name)).as_py(), pc.count(table.column(name)).as_py()) for name in store.evidence
    }


def evidence_lines(store: Store) -> list[str]:
    """What the columns of evidence say on average, and why some say nothing."""
    maps = len(store.select())
    if not store.evidence or not maps:
        return []
    rows, missing = [("evidence", "mean", "told of", "")], list[str]()
    for name, (mean, told) in evidence_means(store).items():
        column = store.evidence[name]
        rows.append((name, "–" if mean is None else fixed(mean), f"{told} of {maps}", column.title))
        if told < maps:
            missing.append(f"no {name} of {counted(maps - told, 'map')}: {column.absent}, or the map says nothing")
    return [*aligned(rows), *missing]


def lone_photo_lines(explainer: Any, store: Store) -> list[str]:
    """More of a store's only photo: the most probable classes, and its first map; nothing where there are others."""
    numbers = store.select(pc.field("column") == 0)
    if len(numbers) != 1:
        return []
    (row,) = store.rows(numbers, ["id", "target_name", "method", "layer"])
    lines: list[str] = []
    with suppress(ImageError):
        scores, probabilities = (values[0] for values in explainer.predict([file_of(row["id"])]))
        best = scores.argsort()[::-1][:BEST]
        cells = [
            (store.class_names[i], percent(probabilities[i]), "█" * round(BAR * probabilities[i]))
            for i in best
            if not np.isnan(probabilities[i])
        ]
        lines = aligned([("", "", ""), *cells])[1:] if cells else []
    title = explainer.methods[row["method"]].title
    (values,) = store.maps(numbers)
    shown = sketch(values, _aspect(store, row["id"]))
    where = f"{title} at {row['layer'] or 'the input'} for {row['target_name']}"
    return [*lines, "", f"{where}:", *shown] if shown else [*lines, "", f"{where} shows nothing positive."]


def _aspect(store: Store, photo: str) -> float:
    """Height over width of what a map covers: the photo, or the model's input where a part of it is seen."""
    height, width = store.job.get("input_shape", (1, 1))[:2]
    if store.job.get("fit", "stretch") == "stretch":
        with suppress(ImageError):
            height, width = read(file_of(photo)).shape[:2]
    return height / width


def sketch(values: Floats, aspect: float) -> list[str]:
    """The positive part of a map (h, w) in characters; nothing where there is none.

    Args:
        values: the map.
        aspect: height over width of the picture that it lies over.
    """
    positive = np.maximum(np.nan_to_num(values, posinf=0, neginf=0), 0).astype(np.float32)
    size = WIDTH, min(WIDTH, max(1, round(WIDTH * aspect / 2)))
    small = np.asarray(Image.fromarray(positive).resize(size, Image.Resampling.BILINEAR))
    if not small.max() > 0:
        return []
    levels = np.minimum(small / small.max() * len(SHADES), len(SHADES) - 1).astype(int)
    return ["│" + "".join(SHADES[level] for level in row) + "│" for row in levels]
