"""Finished maps of a model's questions, kept so that none is computed twice."""

import threading
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kx_widget.engine.cache import Cache
from kx_widget.engine.images import digest
from kx_widget.engine.question import Question
from kx_widget.engine.types import Frame, Frames

Key = tuple[Hashable, ...]


class KeptFrames:
    """Finished maps by image, method, layer, parameters and target; those used least recently go first.

    Those of older weights are dropped: weights do not come back.

    Args:
        limit: bytes of maps that are kept.
    """

    def __init__(self, limit: float) -> None:
        self._cache = Cache(limit)
        self._lock = threading.Lock()
        self._version = 0

    def find(self, question: Question, version: int) -> list[Frame]:
        """The maps of a question that are kept, computed with the weights of this version."""
        with self._lock:
            if version != self._version:
                self._cache.clear()
                self._version = version
        frames: list[Frame] = []
        for (image, column), key in keys_of(question).items():
            if (value := self._cache.get(key)) is not None:
                frames.append(replace(value[1], image=image, column=column))
        return frames

    def keep(self, keys: Mapping[tuple[int, int], Key], frames: Iterable[Frame], version: int) -> None:
        """Keep those of some frames that are final, by the keys of their question."""
        if version != self._version:
            return
        for frame in frames:
            if frame.final:
                key = keys[frame.image, frame.column]
                self._cache.put(key, (frame.values, frame))
                # Whoever asked for the best class may ask for it by its name.
                if frame.target >= 0 and frame.unit is None:
                    self._cache.put((*key[:-1], frame.target), (frame.values, frame))


def keys_of(question: Question) -> dict[tuple[int, int], Key]:
    """What the map of each image and column depends on, but for the weights."""
    images = question.images
    shared = (
        images.batch.shape[1:], question.method.id, question.layer,
        repr(sorted(question.params.items())), repr(sorted(question.wrappers.items())), question.seed,
        question.model.own,
    )  # fmt: skip
    return {
        (image, column): (
            images.digests[image], *shared, question.regions[image : image + 1],
            question.columns.bands[column : column + 1], target,
        )
        for column in range(len(question.columns.texts))
        for image, target in enumerate(_targets(question, column))
    }  # fmt: skip


def _targets(question: Question, column: int) -> list[Hashable]:
    """What a column explains of each image: a class, or what tells its text's meaning from others'.

    A rank and the true class depend on the image, and what they stand for shows in two opposite orders of the classes.
    """
    columns = question.columns.only([column])
    scores = np.broadcast_to(
        np.arange(columns.classes, dtype=np.float32), (len(question.images.batch), columns.classes)
    )
    up, down = columns.resolve(scores), columns.resolve(-scores)
    targets: list[Hashable] = []
    for index, other, weights in zip(up.indices[:, 0], down.indices[:, 0], up.weights + down.weights, strict=True):
        targets.append(int(index) if index == other >= 0 else (columns.texts[0], digest(weights)))
    return targets


@dataclass(frozen=True)
class Unfinished:
    """The part of a question whose maps are not kept; its images begin at `first_image`, its columns are `columns`."""

    question: Question
    first_image: int
    columns: Sequence[int]

    def placed(self, frames: Frames) -> Frames:
        """Its frames with the places that they have in the whole question."""
        moved = (
            replace(frame, image=self.first_image + frame.image, column=self.columns[frame.column])
            for frame in frames.frames
        )
        return replace(frames, frames=tuple(moved))


def unfinished(question: Question, kept: Iterable[Frame]) -> Unfinished | None:
    """What is left of a question where some of its maps are kept; None where nothing is."""
    lacking = np.ones((len(question.images.batch), len(question.columns.texts)), np.bool_)
    for frame in kept:
        lacking[frame.image, frame.column] = False
    if lacking.all():
        return Unfinished(question, 0, range(lacking.shape[1]))
    images, columns = np.flatnonzero(lacking.any(1)), np.flatnonzero(lacking.any(0)).tolist()
    if not len(images):
        return None
    first, last = int(images[0]), int(images[-1])
    return Unfinished(question.part(slice(first, last + 1), columns), first, columns)
