"""Which of a widget's images are alike, found while nothing else is to be done."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kx_widget.engine.errors import message_of
from kx_widget.engine.nearest import NearestImages
from kx_widget.widget.answer_sources import AnswerSource
from kx_widget.widget.current_answer import CurrentAnswer
from kx_widget.widget.image_sources import ImageSource, NearestRequest
from kx_widget.widget.nearest_messages import NearestRecord
from kx_widget.widget.outbox import Outbox
from kx_widget.widget.painting import Predictions

if TYPE_CHECKING:
    # What is stored is shown without TensorFlow.
    from kx_widget.engine.explainer import Explainer

NEIGHBOURS = 8
# Of more images, those of the one in focus are told.
MOST_AT_ONCE = 200
ALONE = "There is one image here. Show more, and those that the model sees most like it stand here."

Content = Mapping[str, Any]


class NearestNeighbours:
    """Finds the images that are most like others of a source.

    Args:
        images: the source.
        answers: what explains it.
    """

    def __init__(self, images: ImageSource, answers: AnswerSource) -> None:
        self._images = images
        self._answers = answers
        self._name = secrets.token_hex(4)
        self._lock = threading.Lock()
        self._latest: Content | None = None
        # The images of that, and what it depends on.
        self._latest_key: tuple[Any, ...] = ()
        # What the latest edition depends on, and how many there were.
        self._key: tuple[Any, ...] = ()
        self._editions = 0

    def tell(self, outbox: Outbox) -> None:
        """Send what was found last, to a view that comes later."""
        if self._latest is not None:
            outbox.notify({"kind": "nearest", **self._latest})

    def kept(self) -> Content | None:
        """What was found last."""
        return self._latest

    def of_page(self, traits: Mapping[str, Any], version: int, predictions: Predictions | None) -> Content | None:
        """What is kept for a page without a kernel, of the first images where there are many."""
        with self._lock:
            return self._content(traits, range(len(self._images))[:MOST_AT_ONCE], version, predictions)

    def find(self, answer: CurrentAnswer, predictions: Predictions | None, stale: Callable[[], bool]) -> bool:
        """Find the images like that in focus, or of few that are held those like each; whether that is to be told."""
        numbers = range(len(self._images))
        numbers = numbers if self._images.at_once and len(numbers) <= MOST_AT_ONCE else [answer.focus]
        # What nobody wants any more may still be at work in a thread of its own.
        with self._lock:
            if stale() or self._latest_key == (numbers, *self._key_of(answer.traits, answer.version)):
                return False
            content = self._content(answer.traits, numbers, answer.version, predictions, stale)
            if content is None or stale():
                return False
            self._latest, self._latest_key = content, (numbers, *self._key)
        return True

    def _key_of(self, traits: Mapping[str, Any], version: int) -> tuple[Any, ...]:
        """What it depends on which images are alike, and right."""
        return self._layer(self._answers.explainer, traits), version, tuple(self._images.labels)

    def _content(
        self,
        traits: Mapping[str, Any],
        numbers: Sequence[int],
        version: int,
        predictions: Predictions | None,
        stale: Callable[[], bool] = lambda: False,
    ) -> Content | None:
        """The fields of a `nearest` message; None where nobody wants it any more.

        Args:
            traits: of a question, whose layer counts, or the recommended one where its method sees none.
            numbers: of images, whose neighbours are told.
            version: of the weights.
            predictions: scores and probabilities of all images, where they are known.
            stale: tells that nobody wants to know any more.
        """
        explainer, key = self._answers.explainer, self._key_of(traits, version)
        if key != self._key:
            self._key, self._editions = key, self._editions + 1
        layer = key[0]
        about = {"edition": f"{self._name} {self._editions}", "layer": layer or ""}
        if len(self._images) == 1:
            return {**about, "items": [_record(0, ALONE)]}
        try:
            scores = None if predictions is None else predictions[0]
            tables = self._images.nearest(NearestRequest(explainer, layer, numbers, NEIGHBOURS, scores, stale))
        except Exception as error:
            why = message_of(error)
            return {**about, "items": [_record(image, why) for image in numbers]}
        if tables is None:
            return None
        nearest, right = tables
        items = [
            _record(image, nearest.notes[row], _neighbours(nearest, row), _neighbours(right, row))
            for row, image in enumerate(numbers)
        ]
        return {**about, "layer": nearest.layer, "items": items}

    def _layer(self, explainer: Explainer | None, traits: Mapping[str, Any]) -> str | None:
        """The question's layer, None for the recommended one."""
        method = None if explainer is None else explainer.methods.get(traits["method"])
        return traits["layer"] or None if method is not None and method.sees == "layer" else None


def _record(image: int, why: str, nearest: Sequence[Any] = (), right: Sequence[Any] = ()) -> NearestRecord:
    return NearestRecord(image=image, nearest=list(nearest), right=list(right), why=why)


def _neighbours(table: NearestImages | None, row: int) -> list[dict[str, Any]]:
    if table is None:
        return []
    pairs = zip(table.indices[row].tolist(), table.similarities[row].tolist(), strict=True)
    return [{"image": image, "similarity": round(similarity, 4)} for image, similarity in pairs if image >= 0]
