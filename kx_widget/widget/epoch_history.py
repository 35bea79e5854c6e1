"""What was explained while a model was trained, epoch after epoch, in a bounded memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kx_widget.engine.types import Floats
from kx_widget.widget.archive import EXACT_BYTES, LAST_SIDES, SIDES
from kx_widget.widget.codec import encode
from kx_widget.widget.messages import Column, EpochFigure
from kx_widget.widget.reduced_maps import reduce
from kx_widget.widget.serialize import Tile, finite

# Maps of an epoch go in one message.
EPOCH_BYTES = 900_000
# Of them so much may be what is predicted.
PREDICTIONS_PART = 0.25
# So much is kept of maps here, and in each page.
KEPT_BYTES = 16 * 2**20
# Of more moments every second of the older ones is forgotten as a whole.
MOST_MOMENTS = 1000


@dataclass(frozen=True)
class EpochAnswer:
    """An answer as of one moment of a training.

    Attributes:
        number: of the moment, from 0 on.
        epoch: after how many epochs, in parts where batches are counted.
        words: which moment it was.
        asked: the traits of the question.
        columns: of the grid.
        items: of its maps, which lie in `data`; none where they had to make room.
        predictions: of all images, which lie there, too.
        figures: numbers of each map.
        data: the bytes of the maps.
    """

    number: int
    epoch: float
    words: str
    asked: Mapping[str, Any]
    columns: Sequence[Column]
    items: Sequence[Mapping[str, Any]] = ()
    predictions: Mapping[str, Any] | None = None
    figures: Sequence[EpochFigure] = ()
    data: bytes = b""

    def with_maps(self, tiles: Sequence[Tile], scores: Floats | None, numbers: Floats | None) -> "EpochAnswer":
        """The same with these maps, averaged down until they fit into a message.

        Args:
            tiles: the maps.
            scores, numbers: what the model says of all classes (N, C), and what of it pages are told.
        """
        room = EPOCH_BYTES
        headers, data, predictions = [], b"", None
        if scores is not None and numbers is not None and numbers.nbytes <= PREDICTIONS_PART * room:
            room -= numbers.nbytes
        else:
            numbers = None
        for side in (*SIDES, *LAST_SIDES):
            maps = [reduce(values, side) for _, values in tiles]
            headers, data = encode(maps if numbers is None else [*maps, numbers], EXACT_BYTES)
            if len(data) <= room:
                break
        if numbers is not None and scores is not None:
            predictions = {**headers[-1], "best": scores.argmax(-1).tolist()}
        items = [{**item, **header} for (item, _), header in zip(tiles, headers, strict=False)]
        return replace(self, items=items, predictions=predictions, data=data)

    def without_maps(self) -> "EpochAnswer":
        """The same without maps and predictions: numbers stay."""
        return replace(self, items=(), predictions=None, data=b"")

    def record(self) -> dict[str, Any]:
        """The record of a message, without the bytes."""
        names = ("number", "epoch", "words", "asked", "predictions")
        lists = ("columns", "items", "figures")
        return {name: getattr(self, name) for name in names} | {name: list(getattr(self, name)) for name in lists}


def figure(name: str, title: str, better: Any, values: Floats) -> EpochFigure:
    """A number of each map (N, T), NaN where it is not known."""
    listed = [[finite(value) for value in row] for row in np.asarray(values)]
    return EpochFigure(name=name, title=title, better=better, values=listed)


@dataclass
class EpochHistory:
    """The moments of a training that were explained; maps of the oldest are thinned where they take too much memory.

    `notes` are sentences about the training, by what they are about.
    """

    limit: int = KEPT_BYTES
    answers: dict[int, EpochAnswer] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def next_number(self) -> int:
        """Of the moment that comes next."""
        return 1 + max(self.answers, default=-1)

    @property
    def kept(self) -> list[int]:
        """The moments whose maps are there."""
        return [number for number, answer in self.answers.items() if answer.data]

    def add(self, answer: EpochAnswer) -> None:
        """Keep what was explained at a moment, also what more is known of it."""
        self.answers[answer.number] = answer
        for number in thinned({number: len(self.answers[number].data) for number in self.kept}, self.limit):
            self.answers[number] = self.answers[number].without_maps()
        for number in thinned(dict.fromkeys(self.answers, 1), MOST_MOMENTS):
            del self.answers[number]
        if len(self.kept) < self.next_number:
            self.notes["memory"] = (
                f"Maps of {len(self.kept)} of {self.next_number} moments are kept, in {self.limit / 2**20:.0f} MB: "
                "the older, the fewer."
            )

    def within(self, limit: int) -> list[EpochAnswer]:
        """What a page keeps of them, whose maps take at most so many bytes."""
        # A training may add one meanwhile, in another thread.
        answers = dict(self.answers)
        left_out = set(thinned({number: len(each.data) for number, each in answers.items() if each.data}, limit))
        return [answer.without_maps() if n in left_out else answer for n, answer in answers.items()]


def thinned(sizes: Mapping[int, int], limit: int) -> list[int]:
    """Which moments have to make room so that the others fit: of the older ones every second, and then again.

    The first and the last stay as long as they can.

    Args:
        sizes: of each moment, by its number, in order.
        limit: for all of them.
    """
    numbers, total = list(sizes), sum(sizes.values())
    dropped: list[int] = []
    while total > limit and numbers:
        # What leaves the smallest gap goes, of several the oldest.
        gaps = [after - before for before, after in zip(numbers, numbers[2:], strict=False)]
        place = 1 + gaps.index(min(gaps)) if gaps else 0
        dropped.append(numbers.pop(place))
        total -= sizes[dropped[-1]]
    return dropped
