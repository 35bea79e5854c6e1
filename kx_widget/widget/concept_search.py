"""The concepts of a widget's images, looked for where a page shows them and nothing else is to be done."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from kx_widget.engine.errors import KxError, message_of
from kx_widget.widget.answer_sources import AnswerSource, QuestionTraits
from kx_widget.widget.image_sources import ImageSource, load_only
from kx_widget.widget.reduced_maps import reduce

if TYPE_CHECKING:
    # What is stored is shown without TensorFlow.
    from kx_widget.engine.concepts import Concepts
    from kx_widget.engine.explainer import Explainer
    from kx_widget.engine.question import Question

WANTED = 8
LONGEST = 28
LARGEST_PART = 900_000
SECONDS_BETWEEN_PROGRESS = 0.3
# What waits for the search of another thread looks so often whether it is still wanted.
SECONDS_ASLEEP = 0.05
# Images of a store of which maps are kept.
MOST_KEPT = 1000
NO_MODEL = "Concepts need the model: KxWidget.from_store(path, model)."

ConceptMessage = tuple[dict[str, Any], list[bytes]]


@dataclass(frozen=True)
class WantedConcepts:
    """What a page has asked for; see `FindConcepts`."""

    have: str = ""
    concepts: int = WANTED
    images: Sequence[int] = ()
    among: Sequence[int] = ()


@dataclass
class KnownConcepts:
    """Concepts, the numbers of the images that they were looked for in, and bytes (G, h, w) of these and of others."""

    key: str
    concepts: Concepts
    numbers: Sequence[int]
    maps: dict[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.add(self.concepts, self.numbers)

    def add(self, concepts: Concepts, numbers: Sequence[int]) -> None:
        """Keep the maps of images of these numbers."""
        strongest = np.maximum(self.concepts.maps.max((0, 2, 3)), np.finfo(np.float32).tiny)
        for number, maps in zip(numbers, concepts.maps, strict=True):
            small = np.stack([reduce(values, LONGEST) for values in maps]) / strongest[:, None, None]
            self.maps[number] = np.rint(255 * np.minimum(small, 1)).astype(np.uint8)
        while len(self.maps) > max(MOST_KEPT, len(self.numbers)):
            del self.maps[next(number for number in self.maps if number not in self.numbers)]

    def header(self) -> dict[str, Any]:
        """The fields of a `concepts` message that are the same whatever images it is about."""
        typical = [
            [{"image": int(self.numbers[part.image]), "box": [round(at, 4) for at in part.box]} for part in parts]
            for parts in self.concepts.typical
        ]
        return {
            "key": self.key,
            "layer": self.concepts.layer,
            "shape": list(next(iter(self.maps.values())).shape[1:]),
            "concepts": [{"typical": parts} for parts in typical],
            "sentence": self.concepts.sentence,
            "notes": list(self.concepts.notes),
            "problem": "",
            "done": 1.0,
        }

    def messages(self, images: Sequence[int], is_new: bool) -> Iterator[ConceptMessage]:
        """The fields and buffers of messages about these images, as many as it takes."""
        images = [image for image in images if image in self.maps]
        importance = self.concepts.importance.astype("<f4").tobytes() if is_new else b""
        size = next(iter(self.maps.values())).nbytes
        at_once = max(1, LARGEST_PART // size)
        for first in range(0, max(1, len(images)), at_once):
            part = images[first : first + at_once]
            buffers = [importance if first == 0 else b"", b"".join(self.maps[image].tobytes() for image in part)]
            yield {**self.header(), "images": part}, buffers

    def saved(self, limit: int) -> list[ConceptMessage]:
        """All of it for a page without a kernel, of as many images as fit into so many bytes."""
        most = limit // next(iter(self.maps.values())).nbytes
        return list(self.messages(list(self.maps)[:most], is_new=True))


class ConceptSearch:
    """Looks for concepts at one layer at a time; what a question interrupts goes on after it.

    Args:
        source: of the images.
        answers: what explains them.
    """

    def __init__(self, source: ImageSource, answers: AnswerSource) -> None:
        self._source, self._answers = source, answers
        # A page that is saved looks for them in another thread than a question does.
        self._lock = threading.Lock()
        self._known: KnownConcepts | None = None
        self._search: tuple[str, Generator[float, None, Concepts]] | None = None

    def known(self, version: int) -> KnownConcepts | None:
        """Those that were found last, if weights of this version have them."""
        known = self._known
        return known if known is not None and known.key.startswith(f"{version} ") else None

    @property
    def latest(self) -> Concepts | None:
        """Those that were found last."""
        return None if self._known is None else self._known.concepts

    def answer(
        self,
        wanted: WantedConcepts,
        traits: QuestionTraits,
        version: int,
        stale: Callable[[], bool] = lambda: False,
    ) -> Iterator[ConceptMessage]:
        """Find what is wanted, as fields and buffers of `concepts` messages; nothing where it is interrupted.

        Args:
            wanted: by a page.
            traits: of the question that was answered, which has the layer.
            version: of the weights.
            stale: tells that nobody wants to know any more.
        """
        while not self._lock.acquire(timeout=SECONDS_ASLEEP):
            if stale():
                return
        try:
            known = yield from self._find(wanted, traits, version, stale)
            if known is None:
                return
            is_new = wanted.have != known.key
            images = {**known.maps, **dict.fromkeys(wanted.images)} if is_new else wanted.images
            yield from known.messages(list(images), is_new)
        except Exception as error:
            self._search = None
            yield _empty(problem=message_of(error))
        finally:
            self._lock.release()

    def _find(
        self, wanted: WantedConcepts, traits: QuestionTraits, version: int, stale: Callable[[], bool]
    ) -> Generator[ConceptMessage, None, KnownConcepts | None]:
        """Concepts with maps of all images that are wanted; None where they are not found before nobody wants them.

        Yields:
            How far the search is.

        Raises:
            KxError: they cannot be found.
        """
        explainer = self._answers.explainer
        check_concepts(explainer)
        assert explainer is not None
        layer = self._layer(explainer, traits)
        about = layer, wanted.concepts, list(wanted.among)
        key = f"{version} {hashlib.blake2b(repr(about).encode(), digest_size=8).hexdigest()}"
        if self._known is None or self._known.key != key:
            images = wanted.among or (range(len(self._source)) if self._source.at_once else wanted.images)
            question, numbers = self._question(explainer, layer, images)
            settings = {"concepts": min(wanted.concepts, most_concepts(question))}
            concepts = yield from self._run(f"{key} {numbers}", question, settings, stale)
            if concepts is None:
                return None
            self._known = KnownConcepts(key, concepts, numbers)
        lacking = [image for image in wanted.images if image not in self._known.maps]
        if lacking:
            question, numbers = self._question(explainer, layer, lacking)
            concepts = yield from self._run(f"{key} {numbers}", question, {}, stale, self._known.concepts)
            if concepts is None:
                return None
            self._known.add(concepts, numbers)
        return self._known

    def _question(self, explainer: Explainer, layer: str | None, images: Sequence[int]) -> tuple[Question, list[int]]:
        loaded, numbers = load_only(self._source, explainer, images)
        return explainer.ask(loaded, [0], method="gradcam", layer=layer), numbers

    def _run(
        self,
        name: str,
        question: Question,
        settings: Mapping[str, Any],
        stale: Callable[[], bool],
        earlier: Concepts | None = None,
    ) -> Generator[ConceptMessage, None, Concepts | None]:
        """What a search finds, which goes on where one of that name was interrupted; None if it is so again."""
        from kx_widget.engine.concepts import find_concepts
        from kx_widget.engine.question import model_failures

        if self._search is None or self._search[0] != name:
            self._search = name, find_concepts(question, dict(settings), earlier)
        last = time.perf_counter()
        while not stale():
            try:
                with model_failures():
                    done = next(self._search[1])
            except StopIteration as end:
                self._search = None
                return end.value
            if time.perf_counter() - last >= SECONDS_BETWEEN_PROGRESS:
                last = time.perf_counter()
                yield _empty(done=done)
        return None

    def _layer(self, explainer: Explainer, traits: QuestionTraits) -> str | None:
        """The layer of the question where it has a map, else the recommended one."""
        inspection = explainer.inspection
        chosen, method = traits["layer"], explainer.methods[traits["method"]]
        return chosen if method.sees != "input" and chosen in inspection.candidates else None


def _empty(problem: str = "", done: float = 1.0) -> ConceptMessage:
    """The fields and buffers of a message that brings no concepts."""
    about = {"key": "", "layer": "", "shape": [0, 0], "images": [], "concepts": [], "sentence": "", "notes": []}
    return {**about, "problem": problem, "done": done}, [b"", b""]


def check_concepts(explainer: Explainer | None) -> None:
    """Refuse to look for concepts where there can be none.

    Raises:
        KxError: there is no model, or it has no layer with a map, or pictures are cut into tiles.
    """
    if explainer is None:
        raise KxError(NO_MODEL)
    if explainer.tiling is not None:
        raise KxError("overlay='concepts': pictures in tiles have none. Make a widget without tile=.")
    if explainer.inspection.recommended is None:
        raise KxError(f"overlay='concepts' needs a layer with a map. {explainer.inspection.why}")


def most_concepts(question: Question) -> int:
    """How many concepts can be looked for at the layer of a question."""
    shapes = (info.shape for info in question.model.inspection.layers if info.path == question.layer)
    channels = next((shape[-1] for shape in shapes), None)
    height, width = question.spatial or (1, 1)
    return min(channels or 1, len(question.images.batch) * height * width)
