"""A store of explanations as a widget shows it: its images, the questions it answers, maps and pictures as needed."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from kx_widget.bulk.sources import file_of
from kx_widget.bulk.store import Store
from kx_widget.engine.errors import FormatError, ImageError
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.images import box_of, read
from kx_widget.engine.methods import METHODS
from kx_widget.engine.notes import Notes, evidence_of
from kx_widget.engine.registry import Method
from kx_widget.engine.types import Floats, Inspection, LayerInfo
from kx_widget.widget.messages import Column, Item, Photo
from kx_widget.widget.pictures import encode_picture

SIDE = 384
IMAGES_AT_ONCE = 60_000
COLUMNS = ["id", "column", "target", "target_name", "score", "probability", "predicted", "label"]


class Shelf:
    """The images of a store, numbered from 0 in the order of `Store.select`, and the targets of each.

    Args:
        store: where the maps are.
        where, sort, descending: as in `Store.select`; an image is shown if one of its rows is chosen.

    Raises:
        FormatError: no image is left.
    """

    def __init__(self, store: Store, where: Any = None, sort: str | None = None, descending: bool = False) -> None:
        self.store = store
        job = store.job
        for needed in ("targets", "method", "class_names"):
            if not job.get(needed):
                raise FormatError(f"{store.path!r} does not tell what was asked: its _job.json has no {needed!r}.")
        rows = store.select(where, sort, descending)
        starts = rows - store.columns(["column"]).take(rows).column(0).to_numpy()
        starts = starts[np.sort(np.unique(starts, return_index=True)[1])]
        if not len(starts):
            raise FormatError(
                f"{store.path!r} has no explanation to show" + (" of this choice." if len(store) else ".")
            )
        self.texts: list[str] = job["targets"]
        self._rows = starts[:, None] + np.arange(len(self.texts))  # (N, T)
        self._table = store.columns(COLUMNS).take(self._rows.ravel()).combine_chunks()
        self._layer: str | None = job.get("layer")
        found = METHODS.get(job["method"])
        sees, signed = "layer" if self._layer else "input", job.get("signed", True)
        self.method = found or Method(
            job["method"], job["method"], lambda *_, **__: iter(()), "Stored", sees, signed, "stored",
            "A method of somebody's own.", "",
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self._rows)

    def facts(self) -> Any:
        """What takes the place of an explainer where there is no model."""
        job, names = self.store.job, tuple(self.store.class_names)
        side = tuple(job.get("input_shape", (224, 224, 3)))
        layer = LayerInfo(self._layer, "", (), (1, 1), True) if self._layer else None
        why = "The maps in the store; another layer needs the model: KxWidget.from_store(path, model)."
        inspection = Inspection(
            (layer,) if layer else (), None, why, "unknown", len(names), side, False  # pyright: ignore[reportArgumentType]
        )  # fmt: skip
        methods = {**METHODS, self.method.id: self.method}
        return SimpleNamespace(
            methods=methods, class_names=names, inspection=inspection, preprocessing=f"stored in {self.store.path}"
        )

    def offer(self) -> list[dict[str, Any]]:
        """The questions that need no model, as traits: each target alone, then all side by side."""
        params = {name: value for name, value in self._params.items() if self._defaults.get(name) != value}
        common = {"layer": self._layer or "", "method": self.method.id, "params": params}
        alone = [{**common, "target": text, "compare": "none", "compare_with": []} for text in self.texts]
        if len(alone) < 2:
            return alone
        return [*alone, {**alone[0], "compare": "targets"}]

    @property
    def _params(self) -> dict[str, Any]:
        return self.store.job.get("params", {})

    @property
    def _defaults(self) -> dict[str, Any]:
        return _plain(self.method.complete({}))

    def columns(self, asked: Any) -> list[int] | None:
        """Which targets of the store answer a question, whose traits `asked` holds; None if the model must."""
        wanted = {**self._defaults, **{name: value for name, value in _plain(asked.params).items() if value}}
        here = {name: value for name, value in self._params.items() if value}
        same = {name: value for name, value in wanted.items() if value} == here
        layer = self.method.sees == "input" or asked.layer == self._layer
        if asked.method != self.method.id or not layer or not same or asked.compare in ("methods", "layers"):
            return None
        target = self._text(asked.target)
        texts = [target]
        if asked.compare == "targets":
            texts = [*map(self._text, asked.compare_with)] or [target, *(t for t in self.texts if t != target)]
        return [self.texts.index(t) for t in texts] if set(texts) <= set(self.texts) else None

    def _text(self, target: Any) -> str:
        names = self.store.class_names
        return names[target] if isinstance(target, int) and 0 <= target < len(names) else str(target)

    def headings(self, columns: Sequence[int]) -> list[Column]:
        """What the grid's columns ask."""
        job = self.store.job
        about = {"layer": self._layer or "", "method": self.method.id, "method_title": self.method.title}
        return [{**about, "target": self.texts[c], "signed": job.get("signed", True)} for c in columns]  # pyright: ignore[reportReturnType]

    def tiles(self, images: Sequence[int], columns: Sequence[int]) -> list[tuple[Item, Floats]]:
        """The stored maps of some images, as a grid of these columns shows them."""
        places = np.asarray(images, np.int64)[:, None] * len(self.texts) + np.asarray(columns)
        records = self._table.take(places.ravel()).to_pylist()
        rows = self._rows[np.asarray(images)][:, columns].ravel()
        maps, notes = self.store.maps(rows), self.store.notes(rows)
        at = [(image, column) for image in images for column in range(len(columns))]
        return [
            (self._item(record, said, image, column), values)
            for record, said, values, (image, column) in zip(records, notes, maps, at, strict=True)
        ]

    def _item(self, record: dict[str, Any], notes: Notes, image: int, column: int) -> Item:
        return {
            "image": image,
            "column": column,
            "layer": self._layer or "",
            "method": self.method.id,
            **{name: record[name] for name in ("target", "target_name", "score", "probability")},
            "signed": self.store.job.get("signed", True),
            "partial": False,
            "notes": list(notes),
            "evidence": evidence_of(notes),
        }  # pyright: ignore[reportReturnType]

    def explanation(self, image: int, columns: Sequence[int]) -> Explanation:
        """What is stored of one image (1, T, h, w)."""
        parts = [self.store.explanation(int(row)) for row in self._rows[image, columns]]
        joined = {
            name: np.concatenate([getattr(part, name) for part in parts], 1)
            for name in ("maps", "scores", "probabilities", "targets")
        }
        names = tuple(part.target_names[0][0] for part in parts)
        checks = {name: np.concatenate([part.checks[name] for part in parts], 1) for name in parts[0].checks}
        notes = tuple(part.notes_of(0, 0) for part in parts)
        return replace(parts[0], **joined, target_names=(names,), checks=checks, notes=(notes,) if any(notes) else ())

    def pixels(self, image: int) -> Any:
        """The picture (height, width, 1 or 3) from its file.

        Raises:
            ImageError: there is none, and why.
        """
        return read(file_of(self.name(image)))

    def photo(self, image: int) -> tuple[Photo, bytes]:
        """The picture as a browser takes it; a problem instead where there is none."""
        h, w = self.store.job.get("input_shape", (224, 224))[:2]
        about: dict[str, Any] = {"image": image, "name": self.name(image), "problem": "", "byte_offset": 0}
        try:
            pixels = self.pixels(image)
        except ImageError as error:
            empty = {"width": w, "height": h, "box": [0, 0, 1, 1], "mime": "", "byte_length": 0}
            return {**about, **empty, "problem": str(error)}, b""  # pyright: ignore[reportReturnType]
        encoded = encode_picture(pixels if pixels.shape[-1] == 3 else pixels.repeat(3, -1), SIDE)
        data = encoded.pop("data")
        box = box_of(pixels.shape[:2], (h, w), self.store.job.get("fit", "stretch"))
        return {**about, **encoded, "box": list(box), "byte_length": len(data)}, data  # pyright: ignore[reportReturnType]

    def name(self, image: int) -> str:
        """Path of an image, or its running number."""
        return self._table.column("id")[image * len(self.texts)].as_py()

    def messages(self) -> Iterator[tuple[dict[str, Any], bytes]]:
        """What pages filter and sort by, of all images."""

        def column(name: str, missing: Any) -> Any:
            return self._table.column(name).fill_null(missing).to_numpy().reshape(self._rows.shape)

        best, true = column("predicted", -1)[:, 0], column("label", -1)[:, 0]
        sure = np.full(len(self), np.nan, np.float32)
        for target, probability in zip(column("target", -1).T, column("probability", np.nan).T, strict=True):
            sure = np.where(target == best, probability, sure)
        parts = [
            best.astype("<i4"),
            true.astype("<i4"),
            sure.astype("<f4"),
            column("score", np.nan)[:, 0].astype("<f4"),
        ]
        for first in range(0, len(self), IMAGES_AT_ONCE):
            data = [part[first : first + IMAGES_AT_ONCE] for part in parts]
            about = {"kind": "shelf", "images": len(self), "first": first, "count": len(data[0])}
            yield about, b"".join(part.tobytes() for part in data)


def _plain(value: Any) -> Any:
    """As JSON has it."""
    return json.loads(json.dumps(value, default=str))
