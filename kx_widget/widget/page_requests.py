"""What pages ask for beside the maps: which class wins where, concepts, and thumbnails of layers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kx_widget.engine.concepts import Concepts
from kx_widget.widget.answer_sources import Query, QuestionTraits
from kx_widget.widget.concept_search import ConceptSearch, KnownConcepts, WantedConcepts
from kx_widget.widget.current_answer import CurrentAnswer
from kx_widget.widget.latest_answer import MOST_TILES, LatestAnswer
from kx_widget.widget.segmentations import PackedLabels, Segmentations, segmentation_message
from kx_widget.widget.serialize import error_message
from kx_widget.widget.thumbnails import ThumbnailMaker
from kx_widget.widget.worker import CancelToken

# Images of which a page keeps which classes win where.
MOST_SEGMENTED = 100


class SegmentationRequests:
    """Images of which pages want to know which class wins at each place.

    Args:
        latest: the answer that is shown.
    """

    def __init__(self, latest: LatestAnswer) -> None:
        self._latest = latest
        self._wanted_segmentations: list[int] = []
        self._segmentations = Segmentations(latest.images)

    def segment(self, images: Sequence[int]) -> None:
        """Send which class wins at each place of these images, whatever is asked meanwhile."""
        numbers = range(len(self._latest.images))
        with self._latest.changed:
            wanted = dict.fromkeys([*self._wanted_segmentations, *images])
            self._wanted_segmentations = [image for image in wanted if image in numbers][-MOST_TILES:]
            if self._latest.current.status != "running":
                self._latest.go_on()

    def kept(self, version: int) -> Mapping[int, PackedLabels]:
        """What is known already, as weights of this version see it."""
        return self._segmentations.kept(version)

    def of_page(self, version: int) -> Mapping[int, PackedLabels]:
        """Which class wins at each place of the images of a page, as weights of this version see them."""
        explainer = self._latest.answers.explainer
        if self._latest.images.at_once and explainer is not None and explainer.places:
            query = self._latest.current.query
            if query is not None and query.version() == version:
                for _ in self._segmentations.of(explainer, range(len(self._latest.images))[:MOST_SEGMENTED], version):
                    pass
        return self.kept(version)

    def send(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Send what pages have asked for."""
        if (explainer := self._latest.answers.explainer) is None or not self._wanted_segmentations:
            return
        version = query.version()
        for packed in self._segmentations.of(explainer, self._wanted_segmentations, version, stale):
            with self._latest.changed:
                self._wanted_segmentations = [each for each in self._wanted_segmentations if each not in packed]
                self._latest.outbox.segmentation(*segmentation_message(packed, version))


class ConceptRequests:
    """The concepts that pages want to know.

    Args:
        latest: the answer that is shown.
    """

    def __init__(self, latest: LatestAnswer) -> None:
        self._latest = latest
        self._wanted_concepts: WantedConcepts | None = None
        self._shown_concepts = WantedConcepts()
        self._search = ConceptSearch(latest.images, latest.answers)

    def find(self, wanted: WantedConcepts) -> None:
        """Send concepts at the layer of the question once it is answered; of several requests the latest is."""
        numbers = range(len(self._latest.images))
        with self._latest.changed:
            images, among = (
                [image for image in dict.fromkeys(each) if image in numbers] for each in (wanted.images, wanted.among)
            )
            self._wanted_concepts = replace(wanted, images=images, among=among)
            self._shown_concepts = replace(wanted, images=(), among=among, have="")
            if self._latest.current.status != "running":
                self._latest.go_on()

    @property
    def latest(self) -> Concepts | None:
        """The concepts that were found last, whatever the weights; None before."""
        return self._search.latest

    def known(self, version: int) -> KnownConcepts | None:
        """The concepts that were found last, where weights of this version have them."""
        return self._search.known(version)

    def of_page(self, version: int, are_shown: bool) -> KnownConcepts | None:
        """The concepts that are known as weights of this version have them, found first where a page shows them."""
        query, answer = self._latest.current.query, self._latest.current
        if are_shown and self._latest.images.at_once and query is not None and query.version() == version:
            wanted = replace(self._shown_concepts, images=range(len(self._latest.images)))
            for _ in self._search.answer(wanted, answer.traits, version):
                pass
        return self.known(version)

    def send(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Send the concepts, as far as they have come, until they are found."""
        if (wanted := self._wanted_concepts) is None:
            return
        for message, buffers in self._search.answer(wanted, answer.traits, query.version(), stale):
            with self._latest.changed:
                if self._wanted_concepts is wanted or message["done"] == 1:
                    self._latest.outbox.concepts(message, buffers)
        with self._latest.changed:
            if not stale() and self._wanted_concepts is wanted:
                self._wanted_concepts = None


class ThumbnailRequests:
    """The image whose maps at all layers a page wants to see.

    Args:
        latest: the answer that is shown.
        editions: tells which definitions of targets of one's own a question means.
    """

    def __init__(self, latest: LatestAnswer, editions: Callable[[QuestionTraits], list[int]]) -> None:
        self._latest, self._editions = latest, editions
        self._wanted_thumbnails: tuple[int, int, str] | None = None
        self._thumbnails = ThumbnailMaker()

    def forget(self) -> None:
        """Note that another question is asked."""
        self._wanted_thumbnails = None

    def want(self, gen: int, image: int, column: int, have: str) -> None:
        """Send thumbnails for the question of that number, once it is answered, until another one comes."""
        with self._latest.changed:
            if gen == self._latest.current.gen and image in range(len(self._latest.images)):
                self._wanted_thumbnails = image, column, have
                if self._latest.current.status == "done":
                    self._latest.go_on()

    def send(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Send the maps at all layers once the question is answered."""
        if self._wanted_thumbnails is None or answer.status != "done":
            return
        image, column, have = self._wanted_thumbnails

        def send(message: dict[str, Any], buffers: list[bytes]) -> None:
            with self._latest.changed:
                if answer is self._latest.current:
                    about = {"gen": answer.gen, "image": image, "column": column}
                    self._latest.outbox.thumbnails({**message, **about}, buffers)

        try:
            place = query.question_at(image, column)
            if place is not None:
                self._thumbnails.send(*place, self._editions(answer.traits), have, send, stale)
        except Exception as error:
            self._latest.outbox.notify(error_message(0, error))
        with self._latest.changed:
            if not stale():
                self._wanted_thumbnails = None
