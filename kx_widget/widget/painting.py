"""What the model says of images, parts of which somebody has painted."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kx_widget.engine.drawing import encode
from kx_widget.engine.errors import ImageError, KxError, ParameterError
from kx_widget.engine.images import Images
from kx_widget.engine.map_batch import REACH, SAME_SCORE
from kx_widget.engine.regions import Region
from kx_widget.engine.targets import parse
from kx_widget.engine.types import Floats
from kx_widget.widget.image_sources import ImageSource, load_only
from kx_widget.widget.region_traits import PlainRegions, regions_of
from kx_widget.widget.serialize import Tiles

if TYPE_CHECKING:
    # What is stored is shown without TensorFlow.
    from kx_widget.engine.explainer import Explainer
    from kx_widget.engine.ranges import Pixels
    from kx_widget.engine.scalars import Target

Mask = NDArray[np.bool_]
Predictions = tuple[Floats, Floats]
# Classes that are told: the first of the picture as it is, and as it is covered.
CLASSES = 5
IMAGES_AT_ONCE = 8


@dataclass(frozen=True)
class Stroke:
    """What a page has painted: the fields of a `paint` message."""

    view: str
    serial: int
    images: Sequence[int]
    column: int
    cover: str
    keep: bool
    size: Sequence[int]
    mask: str

    @classmethod
    def of(cls, message: Mapping[str, Any], images: Sequence[int]) -> Stroke:
        """The stroke of a message, about those of its images that there are."""
        values: dict[str, Any] = {each.name: message[each.name] for each in fields(cls)}
        values["images"] = images
        return cls(**values)

    @property
    def key(self) -> tuple[str, bool]:
        """A later stroke takes the place of one with the same key."""
        return self.view, len(self.images) > 1

    @cached_property
    def pixels(self) -> Mask:
        """The mask (h, w).

        Raises:
            ParameterError: it has no size, or not as many bits as pixels.
        """
        height, width = self.size if len(self.size) == 2 and min(self.size) > 0 else (0, 0)
        try:
            packed = np.frombuffer(base64.b64decode(self.mask, validate=True), np.uint8)
        except ValueError as error:
            raise ParameterError(f"mask={self.mask!r:.60} is no base64 ({error}).") from error
        if not height * width or len(packed) != -(-height * width // 8):
            raise ParameterError(f"A mask of {len(packed)} bytes does not fit to size={list(self.size)}.")
        return np.unpackbits(packed, count=height * width).reshape(height, width).astype(np.bool_)

    def pixels_for(self, size: tuple[int, int]) -> Mask:
        """The mask, brought to the (H, W) that the model sees."""
        rows, columns = (
            np.arange(side) * mask_side // side for side, mask_side in zip(size, self.pixels.shape, strict=True)
        )
        return self.pixels[rows[:, None], columns]

    def message(self, **about: Any) -> dict[str, Any]:
        """The fields of a `painted` message about it."""
        place = {"view": self.view, "serial": self.serial, "column": self.column, "asked": len(self.images)}
        nothing = {"value": "probability", "share": 0.0, "images": [], "classes": [], "width": 0, "height": 0}
        return place | nothing | {"has_probabilities": False, "problem": ""} | about


@dataclass(frozen=True)
class PaintedBatch:
    """Images as they are, and as a part of them is covered.

    Args:
        explainer: of the model.
        stroke: what is painted.
        images: B images.
        mask: the marked pixels (H, W) as the model sees them.
        before, after: scores and probabilities of all classes (B, C); see `Explainer.predict`.
        regions: which places count in each image, None where classes win.
        own: the target of one's own that is explained, None where that is a class.
    """

    explainer: Explainer
    stroke: Stroke
    images: Images
    mask: Mask
    before: Predictions
    after: Predictions
    regions: Sequence[Region] | None = None
    own: Target | None = None

    @cached_property
    def blank(self) -> Floats:
        """Scores (B, C) where all is covered: one pass an image and cover."""
        whole = np.ones((1, *self.mask.shape), np.bool_)
        scores, _ = self.explainer.what_if(self.images, whole, self.stroke.cover, targets=self.own, region=self._region)
        return scores[:, 0]

    @property
    def _region(self) -> Sequence[Region] | None:
        """The region that is asked about: a target of one's own has none."""
        return self.regions if self.own is None else None

    @cached_property
    def scores(self) -> tuple[Floats, Floats]:
        """What is explained, before and after: the scores of all classes (B, C), or a target of one's own (B, 1)."""
        if self.own is None:
            return self.before[0], self.after[0]
        covered = self.explainer.what_if(
            self.images, self.mask[None], self.stroke.cover, self.stroke.keep, targets=self.own
        )
        return self.explainer.uncovered(self.images, self.own)[0], covered[0][:, 0]

    @property
    def has_probabilities(self) -> bool:
        """Whether the model is known to be a classifier."""
        return bool(np.isfinite(self.before[1]).all())

    def records(self, items: Sequence[Mapping[str, Any]], numbers: Sequence[int]) -> list[dict[str, Any]]:
        """What becomes of each image, by the item of its map, which may be empty, and by its number.

        Raises:
            ParameterError: a map belongs to another image or model.
        """
        best_before, best_after = (scores.argmax(-1).tolist() for scores, _ in (self.before, self.after))
        rows = zip(numbers, items, best_before, best_after, strict=True)
        return [
            {"image": number, **self._value(row, item), "best_before": before, "best_after": after}
            for row, (number, item, before, after) in enumerate(rows)
        ]

    def _value(self, row: int, item: Mapping[str, Any]) -> dict[str, float | None]:
        """What is explained of an image, before and after, and which part of it is lost."""
        if item.get("score") is None:
            return {"before": None, "after": None, "lost": None}
        before, after = (scores[row] for scores in self.scores)
        weights = np.ones(1, np.float32) if self.own is not None else self._weights(item)
        score = float(before @ weights)
        if abs(score - item["score"]) > SAME_SCORE * max(1, abs(item["score"])):
            raise ParameterError(
                "The map does not belong to this image, or to this model as it is now: "
                f"{item['target_name']!r} has the score {score:.4g}, and had {item['score']:.4g}. Explain again."
            )
        if item["target"] >= 0 and self.has_probabilities:
            p_before, p_after = (float(values[1][row, item["target"]]) for values in (self.before, self.after))
            return {"before": p_before, "after": p_after, "lost": 1 - p_after / p_before if p_before > 0 else None}
        rest, blank = float(after @ weights), float(self.blank[row] @ weights)
        reach = score - blank
        is_within_reach = reach > 0 and reach >= REACH * max(abs(score), abs(blank))
        return {"before": score, "after": rest, "lost": (score - rest) / reach if is_within_reach else None}

    def _weights(self, item: Mapping[str, Any]) -> Floats:
        """The weights on the scores (C,) of what a map explains."""
        names = self.explainer.class_names
        target = parse([item["target"] if item["target"] >= 0 else item["target_name"]], names)
        return target.resolve(self.before[0][:1]).weights[0, 0]

    def classes(self) -> list[dict[str, Any]]:
        """The first classes of a single image, those of most score before and after."""
        before, after = (values[int(self.has_probabilities)][0] for values in (self.before, self.after))
        order = [*before.argsort()[::-1][:CLASSES], *after.argsort()[::-1][:CLASSES]]
        return [{"index": int(i), "before": float(before[i]), "after": float(after[i])} for i in dict.fromkeys(order)]


@dataclass
class Painting:
    """Scores painted images of a source; of the last one it keeps what does not depend on the mask."""

    source: ImageSource
    _loaded: tuple[int, Images] | None = None
    _cover: tuple[Any, Pixels] | None = None

    def score(
        self,
        explainer: Explainer | None,
        stroke: Stroke,
        tiles: Tiles,
        predictions: Predictions | None,
        regions: PlainRegions,
        own: Target | None = None,
    ) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Score a stroke: one call of the model for an image whose predictions are known.

        Args:
            explainer: of the model.
            stroke: what is painted.
            tiles: the maps of the answer.
            predictions: scores and probabilities of all images as they are (N, C), None where these are not known.
            regions: of the question.
            own: the target of one's own that the column explains, None where that is a class.

        Yields:
            The fields of a `painted` message after each call, and its buffer: of a single image the picture that was
            scored, as PNG.

        Raises:
            KxError: there is no such image, cover or mask, no model, or the maps belong to another one.
        """
        if explainer is None:
            raise KxError("There is no model beside the store: KxWidget.from_store(path, model).")
        if not stroke.images:
            raise ParameterError("There is no image to paint.")
        records: list[dict[str, Any]] = []
        asked, problem = len(stroke.images), None
        for first in range(0, len(stroke.images), IMAGES_AT_ONCE):
            chunk = stroke.images[first : first + IMAGES_AT_ONCE]
            try:
                images, numbers = self._load(explainer, chunk)
            except ImageError as error:
                asked, problem = asked - len(chunk), error
                continue
            asked -= len(chunk) - len(numbers)
            before = None if predictions is None else (predictions[0][numbers], predictions[1][numbers])
            painted = replace(_batch(explainer, stroke, images, before, regions_of(regions, numbers)), own=own)
            items: list[Mapping[str, Any]] = [tiles.get((number, stroke.column), ({}, None))[0] for number in numbers]
            records = [*records, *painted.records(items, numbers)]
            is_probable = painted.has_probabilities and all(item.get("target", 0) >= 0 for item in items)
            about = {"value": "probability" if is_probable else "score", "share": float(painted.mask.mean())}
            about |= {"images": records, "asked": asked, "has_probabilities": painted.has_probabilities}
            yield self._one(painted, about) if len(stroke.images) == 1 else (stroke.message(**about), b"")
        if not records and problem is not None:
            raise ImageError(f"The picture cannot be read: {problem}.") from problem

    def _one(self, painted: PaintedBatch, about: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """A message about a single image, with the picture that was scored."""
        stroke, images = painted.stroke, painted.images
        key = images.digests, stroke.cover
        if self._cover is None or self._cover[0] != key:
            self._cover = key, painted.explainer.cover_pixels(images, stroke.cover)
        is_covered = (painted.mask != stroke.keep)[..., None]
        picture = np.where(is_covered, self._cover[1][0], images.pixels[0])
        height, width = painted.mask.shape
        of_one = {"classes": painted.classes(), "width": width, "height": height}
        return stroke.message(**about, **of_one), encode(picture, compress_level=1)

    def _load(self, explainer: Explainer, numbers: Sequence[int]) -> tuple[Images, list[int]]:
        """Those of the images that can be read, and their numbers; a single one is read once."""
        if self._loaded is not None and [self._loaded[0]] == list(numbers):
            return self._loaded[1], list(numbers)
        images, ready = load_only(self.source, explainer, numbers)
        if len(numbers) == 1:
            self._loaded = numbers[0], images
        return images, ready


def _batch(
    explainer: Explainer,
    stroke: Stroke,
    images: Images,
    before: Predictions | None,
    regions: Sequence[Region] | None,
) -> PaintedBatch:
    """Images, scored once they are covered, and before unless that is known."""
    mask = stroke.pixels_for((images.batch.shape[1], images.batch.shape[2]))
    # What is predicted of places is where classes win; here it is what their scores are there.
    before = explainer.uncovered(images, region=regions) if before is None or explainer.has_places else before
    scores, probabilities = explainer.what_if(images, mask[None], stroke.cover, stroke.keep, region=regions)
    return PaintedBatch(explainer, stroke, images, mask, before, (scores[:, 0], probabilities[:, 0]), regions)
