"""What pages ask about how far the maps of the latest answer can be believed."""

from collections.abc import Mapping, Sequence
from typing import Any

from kx_widget.engine.errors import KxError, ParameterError, plain
from kx_widget.widget.answer_sources import Query
from kx_widget.widget.current_answer import CurrentAnswer
from kx_widget.widget.evidence import MOST_SECONDS, MapEvidence
from kx_widget.widget.latest_answer import LatestAnswer
from kx_widget.widget.worker import CancelToken

# Answers whose evidence is kept.
MOST_MEASURED = 100


class EvidenceRequests:
    """Maps that are to be measured, and the picture at a place of a curve that is to be sent.

    Args:
        latest: the answer that the maps are of.
    """

    def __init__(self, latest: LatestAnswer) -> None:
        self._latest = latest
        self._wanted_evidence: list[int] = []
        self._wanted_picture: tuple[int, int, Mapping[str, Any]] | None = None
        self._evidence: dict[str, MapEvidence] = {}

    def forget(self) -> None:
        """Note that another question is asked."""
        self._wanted_evidence, self._wanted_picture = [], None

    def of_key(self, key: str, new: MapEvidence) -> MapEvidence:
        """What was measured of the answer with this key, and otherwise a `new` record."""
        evidence = self._evidence[key] = self._evidence.pop(key, new)
        while len(self._evidence) > MOST_MEASURED:
            del self._evidence[next(iter(self._evidence))]
        return evidence

    def measure(self, gen: int, images: Sequence[int], cover: str) -> None:
        """Measure the maps of these images for the question of that number, once it is answered."""
        numbers = range(len(self._latest.images))
        with self._latest.changed:
            answer = self._latest.current
            if gen == answer.gen:
                self._wanted_evidence = [image for image in dict.fromkeys(images) if image in numbers]
                answer.cover = cover
                if answer.status == "done":
                    self._latest.go_on()

    def measure_now(self, images: Sequence[int], cover: str) -> None:
        """Measure the maps of these images before returning, and keep what was measured with the latest answer.

        Raises:
            KxError: there is nothing that can be measured, an image has no map, or the weights have changed.
        """
        answer = self._latest.current
        if (explained := self._latest.explained(answer)) is None or answer.query is None:
            raise KxError("Nothing can be measured here: it takes the model, and maps of whole pictures.")
        if answer.query.version() != answer.version:
            raise KxError("The weights have changed since these maps were computed: call refresh() first.")
        if others := [image for image in images if image not in explained.numbers]:
            raise ParameterError(
                f"images: of a store only the image in focus is measured, {explained.numbers[0]}: "
                f"w.selected = [{others[0]}] puts the other in focus."
            )
        for records in answer.evidence.measure(explained, images, cover, lambda: False):
            self._tell(answer, records)
        answer.evidence.keep_curves(explained, answer.focus, cover, lambda: False)
        if self._latest.images.at_once:
            self._latest.keep_whole(answer, lambda: answer is not self._latest.current)

    def cover(self, gen: int, image: int, column: int, place: Mapping[str, Any]) -> None:
        """Send the picture at a place of a curve of a map; of several requests the latest is answered."""
        with self._latest.changed:
            answer = self._latest.current
            if gen == answer.gen and answer.status == "done" and column in range(len(answer.columns)):
                names = ("curve", "step", "cover")
                self._wanted_picture = image, column, {name: place[name] for name in names}
                self._latest.go_on()

    def send_picture(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Send the picture that a page has asked for, or why there is none."""
        if self._wanted_picture is None or answer.status != "done":
            return
        image, column, place = self._wanted_picture
        try:
            if (explained := self._latest.explained(answer)) is None:
                raise KxError("Nothing can be covered without the model.")
            about, buffer = explained.picture(image, column, **place)
            about["problem"] = ""
        except Exception as error:
            about = {"share": 0.0, "width": 0, "height": 0, "classes": [], "problem": plain(error)}
            buffer = b""
        with self._latest.changed:
            if not stale():
                self._wanted_picture = None
                self._latest.outbox.covered({"image": image, "column": column, **place, **about}, buffer)

    def send(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Measure how far maps can be believed: what is free of all, the rest where it is asked for or looked at."""
        if answer.status != "done" or not self._latest.outbox.is_watched or query.version() != answer.version:
            return
        evidence, cover = answer.evidence, answer.cover
        before = evidence.has_free, evidence.measured, evidence.curves
        try:
            if (explained := self._latest.explained(answer)) is None:
                return
            is_quick = answer.measuring is None or answer.measuring <= MOST_SECONDS
            images = (*self._wanted_evidence, *([answer.focus] if is_quick else []))
            for records in evidence.measure(explained, images, cover, stale):
                # What was measured while the weights changed is of two models.
                if query.version() != answer.version:
                    break
                with self._latest.changed:
                    if stale():
                        return
                    self._tell(answer, records)
            else:
                # What interrupted this when the image was measured may have been no question.
                if self._latest.images.at_once and not stale():
                    evidence.keep_curves(explained, answer.focus, cover, stale)
            is_more = before != (evidence.has_free, evidence.measured, evidence.curves)
            if not stale() and self._latest.images.at_once and is_more:
                self._latest.keep_whole(answer, stale)
        except Exception as error:
            self._latest.tell_problem(error, is_asked=bool(self._wanted_evidence))
        with self._latest.changed:
            if not stale():
                self._wanted_evidence = []

    def _tell(self, answer: CurrentAnswer, records: list[dict[str, Any]]) -> None:
        """Note what was measured, and tell it of the answer that is shown."""
        with self._latest.changed:
            answer.evidence.records.update({(each["image"], each["column"]): each for each in records})
            if answer is self._latest.current:
                self._latest.outbox.evidence(records)
