"""A question -> frames for the browser, and explanations for Python."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kx_widget.engine.errors import CancelledError, ImageError, KxError, message_of, plain
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.types import Floats, Frame, Frames
from kx_widget.widget import prefetch
from kx_widget.widget.answer_sources import AnswerSource, Part, Query, asks_for_labels
from kx_widget.widget.archive import KeptAnswer
from kx_widget.widget.concept_search import ConceptSearch, KnownConcepts, WantedConcepts
from kx_widget.widget.crops import Crops
from kx_widget.widget.current_answer import CurrentAnswer, Status
from kx_widget.widget.estimates import Estimates, Stopwatch
from kx_widget.widget.evidence import MOST_SECONDS, ExplainedImages, MapEvidence
from kx_widget.widget.image_sources import ImageSource, LoadedImages
from kx_widget.widget.messages import VERSION, Column
from kx_widget.widget.nearest_neighbours import NearestNeighbours
from kx_widget.widget.outbox import LARGEST_FRAME, Outbox, Send
from kx_widget.widget.painting import Painting, Predictions, Stroke
from kx_widget.widget.ranker import Ranker, check_request
from kx_widget.widget.ranking import Ranking
from kx_widget.widget.segmentations import PackedLabels, Segmentations, segmentation_message
from kx_widget.widget.serialize import Tile, Tiles, error_message, prediction_messages, prediction_numbers
from kx_widget.widget.thumbnails import ThumbnailMaker
from kx_widget.widget.worker import CancelToken, Worker, wait_for

if TYPE_CHECKING:
    # What is stored is shown without TensorFlow.
    from kx_widget.engine.explainer import Explainer
    from kx_widget.engine.images import Images

CLOSED = "This widget is closed. Make a new one."
SECONDS_BETWEEN_FRAMES = 0.05
SECONDS_BETWEEN_PROGRESS = 0.1
# Where not all images are explained at once.
IMAGES_AT_ONCE = 8
MOST_TILES = 1000
THREADS = 4
# Answers whose evidence is kept.
MOST_MEASURED = 100
# Nothing is measured so long after a stroke: the next one follows soon, and must not wait for a call of the model.
SECONDS_AFTER_STROKE = 2.0
# Images of which a page keeps which classes win where.
MOST_SEGMENTED = 100
# Views whose strokes wait.
MOST_STROKES = 40


class Session:
    """Answers one question at a time, the latest, and tells the browser.

    Where the source's images are not all explained at once, Python gets the one in focus, and views those that they
    look at.

    Args:
        images: what is explained.
        answers: what explains it.
        send: sends a message with its buffers to every view; called from any thread.
        report: told status, progress (0 to 1) and an error's text whenever they change.
        keep: given each answer about all images before its end is told, the weights' version and the predictions, None
            where there are none.
        lock: held while the state changes and is told, so that no thread tells an older one later.
        detect: given images that are ready for the model, and their numbers, to tell what is detected in them.
    """

    def __init__(
        self,
        images: ImageSource,
        answers: AnswerSource,
        send: Send,
        report: Callable[[Status, float, str], None],
        keep: Callable[[KeptAnswer, int, Predictions | None], None],
        lock: threading.RLock,
        detect: Callable[[Explainer, Images, Sequence[int]], None],
    ) -> None:
        self._images = images
        self._detect = detect
        self._answers = answers
        self._report = report
        self._keep = keep
        self.outbox = Outbox(send, lock)
        self.crops = Crops(images, send, self._map_at)
        self.nearest = NearestNeighbours(images, answers)
        self._changed = threading.Condition(lock)
        self._worker = Worker("kx-widget")
        self._name = secrets.token_hex(8)
        self._answer = CurrentAnswer(0, status="idle")
        self._predictions: Predictions | None = None
        self._predicted_with = 0
        self._thumbnails = ThumbnailMaker()
        self._estimates = Estimates(answers)
        self._ranker = Ranker(images, answers, self._estimates)
        # What views have asked for and not been sent.
        self._wanted_pictures: list[int] = []
        self._wanted_maps: list[int] = []
        self._wanted_thumbnails: tuple[int, int, str] | None = None
        self._wanted_picture: tuple[int, int, Mapping[str, Any]] | None = None
        self._wanted_evidence: list[int] = []
        self._wanted_strokes: dict[tuple[str, bool], Stroke] = {}
        self._painting = Painting(images)
        self._paintings_beside = {
            each.name: (Painting(LoadedImages(each.images)), each.explainer) for each in images.inputs
        }
        self._wanted_ranking: Ranking | None = None
        self._wanted_segmentations: list[int] = []
        self.segmentations = Segmentations(images)
        self._wanted_concepts: WantedConcepts | None = None
        self._shown_concepts = WantedConcepts()
        self.concepts = ConceptSearch(images, answers)
        # Of a store: images that are looked at, and those whose detections were told, by weights of this version.
        self._wanted_detections: list[int] = []
        self._detected: dict[int, None] = {}
        self._detected_with: int | None = None
        self._evidence: dict[str, MapEvidence] = {}

    def ask(self, query: Query, traits: Mapping[str, Any], focus: int) -> None:
        """Answer this instead of whatever was asked before.

        Args:
            query, traits: a checked question, and the traits it comes from.
            focus: the image that is looked at.
        """
        with self._changed:
            answer = self._answer = CurrentAnswer(self._answer.gen + 1, traits, query, focus)
            self._wanted_maps, self._wanted_thumbnails = [], None
            self._wanted_evidence, self._wanted_picture = [], None
            self._wanted_strokes, self._wanted_ranking = {}, None
            # The cell that asks may go on; what a page asks is heard after this.
            self.outbox.begin(answer.gen, waiting=self._worker.busy, deaf=True)
            self._report("running", 0.0, "")
            self._go_on()

    def cancel(self, gen: int | None = None) -> None:
        """Give up the current question, if it has that number and is still running."""
        with self._changed:
            answer = self._answer
            if answer.status == "running" and gen in (None, answer.gen):
                self._worker.cancel()
                self.keep()
                self._end(answer, "cancelled", CancelledError("The question was cancelled."))

    def wait(self, timeout: float) -> Explanation:
        """The answer to the latest question; raises its error, or TimeoutError."""
        with self._changed:
            if not wait_for(self._changed, lambda: self._answer.status != "running", timeout):
                raise TimeoutError(f"No answer within {timeout:g} s; it is still being computed.")
            if self._answer.error is not None:
                raise self._answer.error
            return self._answer.explanations[0]

    @property
    def gen(self) -> int:
        """The number of the latest question."""
        return self._answer.gen

    @property
    def explanations(self) -> tuple[Explanation, ...]:
        """What is known so far: one explanation, or one a column where methods or layers are compared."""
        with self._changed:
            return tuple(self._answer.explain())

    def has_other_weights(self) -> bool:
        """Whether the model's weights have changed since the latest answer began."""
        answer = self._answer
        return answer.query is not None and bool(answer.key) and answer.query.version() != answer.version

    def keep(self) -> None:
        """Keep what has come of an answer about all images that is not whole."""
        with self._changed:
            answer = self._answer
            if self._images.at_once and answer.tiles and answer.status == "running":
                seconds = sum(answer.part_seconds) or None
                kept = KeptAnswer(answer.traits, answer.columns, list(answer.tiles.values()), seconds, False)
                self._keep(kept, answer.version, self._predictions_of(answer))

    def greet(self, view: str, have: Sequence[str], welcome: Mapping[str, Any]) -> None:
        """Tell a view that has just been drawn everything but the answers whose keys it has."""
        with self._changed:
            self.outbox.greet(view, have)
            self.outbox.notify({"kind": "welcome", "version": VERSION, "gen": self._answer.gen, **welcome})
            self._send_overview()
            self._tell_all(self._answer)
            self._go_on_measuring()

    def hear(self) -> None:
        """Note that something has come from a page."""
        with self._changed:
            was_deaf = self.outbox.is_deaf
            self.outbox.hear()
            if was_deaf:
                self._go_on_measuring()

    def see(self, view: str, visible: bool) -> None:
        """Note that a view came into sight or went out of it."""
        with self._changed:
            was_watched = self.outbox.is_watched
            self.outbox.see(view, visible)
            if not was_watched:
                self._go_on_measuring()

    def resend(self, gen: int) -> None:
        """Send everything of the current question again: a view lacks something of the one with that number."""
        with self._changed:
            if gen == self._answer.gen:
                self.outbox.lacks(self._answer.key)
            self._tell_all(self._answer)

    def focus(self, image: int) -> None:
        """Measure this image's maps; where not all images are explained at once, explain it to Python."""
        with self._changed:
            answer = self._answer
            if answer.focus == image:
                return
            answer.focus = image
            if self._images.at_once:
                self._go_on_measuring()
                return
            answer.status, answer.error = "running", None
            self._go_on()

    def look(self, gen: int, pictures: Sequence[int], maps: Sequence[int]) -> None:
        """A view shows these images and lacks their pictures, or their maps for the question of that number."""
        if self._images.at_once:
            return
        numbers = range(len(self._images))
        with self._changed:
            is_current = gen == self._answer.gen
            self._wanted_pictures = [image for image in dict.fromkeys(pictures) if image in numbers]
            self._wanted_maps = [image for image in dict.fromkeys(maps) if image in numbers and is_current]
            self.outbox.retain(self._wanted_pictures, self._wanted_maps)
            if (explainer := self._answers.explainer) is not None and explainer.is_detector:
                wanted = dict.fromkeys([*self._wanted_pictures, *self._wanted_detections])
                self._wanted_detections = list(wanted)[:MOST_TILES]
            self._go_on()

    def want(self, gen: int, image: int, column: int, have: str) -> None:
        """Send thumbnails for the question of that number, once it is answered, until another one comes."""
        with self._changed:
            if gen == self._answer.gen and image in range(len(self._images)):
                self._wanted_thumbnails = image, column, have
                if self._answer.status == "done":
                    self._go_on()

    def segment(self, images: Sequence[int]) -> None:
        """Send which class wins at each place of these images, whatever is asked meanwhile."""
        numbers = range(len(self._images))
        with self._changed:
            wanted = dict.fromkeys([*self._wanted_segmentations, *images])
            self._wanted_segmentations = [image for image in wanted if image in numbers][-MOST_TILES:]
            if self._answer.status != "running":
                self._go_on()

    def find_concepts(self, wanted: WantedConcepts) -> None:
        """Send concepts at the layer of the question once it is answered; of several requests the latest is."""
        numbers = range(len(self._images))
        with self._changed:
            images, among = (
                [image for image in dict.fromkeys(each) if image in numbers] for each in (wanted.images, wanted.among)
            )
            self._wanted_concepts = replace(wanted, images=images, among=among)
            self._shown_concepts = replace(wanted, images=(), among=among, have="")
            if self._answer.status != "running":
                self._go_on()

    def concepts_of_all(self, version: int, are_shown: bool) -> KnownConcepts | None:
        """The concepts that are known as weights of this version have them, found first where a page shows them."""
        query, answer = self._answer.query, self._answer
        if are_shown and self._images.at_once and query is not None and query.version() == version:
            wanted = replace(self._shown_concepts, images=range(len(self._images)))
            for _ in self.concepts.answer(wanted, answer.traits, version):
                pass
        return self.concepts.known(version)

    def segment_all(self, version: int) -> Mapping[int, PackedLabels]:
        """Which class wins at each place of the images of a page, as weights of this version see them."""
        explainer = self._answers.explainer
        if self._images.at_once and explainer is not None and explainer.places:
            query = self._answer.query
            if query is not None and query.version() == version:
                for _ in self.segmentations.of(explainer, range(len(self._images))[:MOST_SEGMENTED], version):
                    pass
        return self.segmentations.kept(version)

    def measure(self, gen: int, images: Sequence[int], cover: str) -> None:
        """Measure the maps of these images for the question of that number, once it is answered."""
        numbers = range(len(self._images))
        with self._changed:
            answer = self._answer
            if gen == answer.gen:
                self._wanted_evidence = [image for image in dict.fromkeys(images) if image in numbers]
                answer.cover = cover
                if answer.status == "done":
                    self._go_on()

    def rank(self, gen: int, column: int, images: Sequence[int], methods: Sequence[str], cover: str) -> None:
        """Compare methods for the target of a column of the question of that number; none of them to stop."""
        numbers, explainer = range(len(self._images)), self._answers.explainer
        with self._changed:
            answer = self._answer
            is_current = gen == answer.gen and answer.status == "done" and column in range(len(answer.columns))
            if not is_current or explainer is None:
                return
            ranking = next(each for each in answer.rankings if each.target == answer.columns[column]["target"])
            self._wanted_ranking = None
            if methods:
                images = [image for image in dict.fromkeys(images) if image in numbers]
                try:
                    check_request(images, methods, cover, list(explainer.methods))
                except KxError as error:
                    self.outbox.notify(error_message(0, error))
                    return
                ranking.images, ranking.methods, ranking.cover = images, list(dict.fromkeys(methods)), cover
                self._wanted_ranking = ranking
            self._go_on()

    def cover(self, gen: int, image: int, column: int, place: Mapping[str, Any]) -> None:
        """Send the picture at a place of a curve of a map; of several requests the latest is answered."""
        with self._changed:
            answer = self._answer
            if gen == answer.gen and answer.status == "done" and column in range(len(answer.columns)):
                names = ("curve", "step", "cover")
                self._wanted_picture = image, column, {name: place[name] for name in names}
                self._go_on()

    def paint(self, gen: int, stroke: Mapping[str, Any]) -> None:
        """Score images parts of which a page has painted, for the question of that number, once it is answered."""
        numbers = range(len(self._images))
        with self._changed:
            if gen != self._answer.gen:
                return
            latest = Stroke.of(stroke, [image for image in dict.fromkeys(stroke["images"]) if image in numbers])
            self._wanted_strokes = {**self._wanted_strokes, latest.key: latest}
            while len(self._wanted_strokes) > MOST_STROKES:
                del self._wanted_strokes[next(iter(self._wanted_strokes))]
            if self._answer.status != "running":
                self._go_on()

    def close(self) -> None:
        """Stop computing and forget; who waits is told that the widget is closed."""
        with self._changed:
            self._worker.cancel()
            self.outbox.close()
            self.crops.close()
            self._answer = CurrentAnswer(self._answer.gen + 1, status="idle", error=KxError(CLOSED))
            self._changed.notify_all()

    def _go_on_measuring(self) -> None:
        if self._answer.status == "done" and self._answers.explainer is not None:
            self._go_on()

    def _go_on(self) -> None:
        answer = self._answer
        if answer.query is not None:
            query = answer.query
            self._worker.put(lambda stale: self._run(answer, query, stale))

    def _run(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Do what is still to be done; what is interrupted is left to the next run."""
        for task in (
            self._answer_question, self._send_painted, self._send_covered, self._bring, self._send_segmentations,
            self._send_concepts, self._send_detections, self._send_thumbnails, self._find_nearest, self._estimate,
            self._prefetch, self._measure, self._rank,
        ):  # fmt: skip
            try:
                task(answer, query, stale)
            except BaseException as error:
                with self._changed:
                    if not stale():
                        self._fail(answer, error)
            if stale():
                return

    def _answer_question(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Explain all images, or the one in focus."""
        if answer.status != "running":
            return
        start, version, focus = time.perf_counter(), query.version(), answer.focus
        if not answer.key:
            answer.version, answer.key = version, self._key(answer.traits, version)
            answer.evidence = self._evidence.pop(answer.key, answer.evidence)
            self._evidence[answer.key] = answer.evidence
            while len(self._evidence) > MOST_MEASURED:
                del self._evidence[next(iter(self._evidence))]
            answer.rankings = self._ranker.of_answer(answer.traits, [c["target"] for c in answer.columns], version)
            self._if_current(answer, self._tell_running, answer)
        if answer.explained != focus:
            parts = query.parts(range(len(self._images)) if self._images.at_once else [focus], version)
            with self._changed:
                if stale():
                    return
                answer.begin(parts)
            for part in parts:
                self._take(answer, part.tiles(part.kept), part.placed(part.kept), stale)
            for number in range(len(parts)):
                self._follow(answer, parts, number, stale)
                if stale():
                    return
            explanations = answer.explain()
            with self._changed:
                if stale():
                    return
                answer.begin(())
                answer.explanations = explanations
                answer.explained, answer.seconds = focus, time.perf_counter() - start
            if self._images.at_once:
                self._predict(version)
                self._keep_whole(answer)
        with self._changed:
            if not stale():
                self._end(answer, "done")

    def _keep_whole(self, answer: CurrentAnswer) -> None:
        tiles, evidence = list(answer.tiles.values()), answer.evidence
        kept = KeptAnswer(
            answer.traits, answer.columns, tiles, answer.seconds,
            evidence=evidence.records, curves=evidence.curves, rankings=answer.rankings,
        )  # fmt: skip
        self._keep(kept, answer.version, self._predictions)

    def _follow(self, answer: CurrentAnswer, parts: Sequence[Part], number: int, stale: CancelToken) -> None:
        """Drive one of the parts of the answer until it ends or is stale, and send what changes."""
        part, start, last_frame, last_progress = parts[number], time.perf_counter(), 0.0, 0.0
        changed: list[Frame] = []

        def take() -> None:
            self._take(answer, part.tiles(changed), part.placed(changed), stale)
            changed.clear()
            with self._changed:
                if not stale():
                    answer.part_seconds[number] = time.perf_counter() - start

        stream, watch = part.stream(self._images.at_once), Stopwatch()
        for frames in stream:
            if stale():
                stream.close()
                return
            watch.note(frames)
            changed += frames.frames
            now = time.perf_counter()
            if now - last_frame >= SECONDS_BETWEEN_FRAMES:
                last_frame = now
                take()
            if frames.done < frames.total and now - last_progress >= SECONDS_BETWEEN_PROGRESS:
                last_progress = now
                eta = (now - start) * (frames.total / frames.done - 1) if frames.done else None
                progress = (number + frames.done / frames.total) / len(parts)
                self._if_current(answer, self._tell_progress, frames, progress, eta)
        take()
        if answer.query is not None and self._images.at_once:
            self._estimates.learn(answer.query, part, watch)

    def _take(
        self, answer: CurrentAnswer, tiles: Tiles, frames: Mapping[tuple[int, int], Frame], stale: CancelToken
    ) -> None:
        """Keep tiles, and show them where all images are shown; `frames` are what Python gets."""
        with self._changed:
            if answer is self._answer and not stale():
                answer.tiles.update(tiles)
                answer.frames.update(frames)
                if self._images.at_once:
                    self._show(answer, list(tiles.values()))
                while not self._images.at_once and len(answer.tiles) > MOST_TILES:
                    del answer.tiles[next(iter(answer.tiles))]

    def _predict(self, version: int) -> Predictions:
        """Scores and probabilities of all images, computed anew where the weights have changed."""
        if self._predictions is None or version != self._predicted_with:
            explainer = self._answers.explainer
            assert explainer is not None
            images, numbers = self._images.load(explainer, ())
            self._predictions, self._predicted_with = explainer.predict(images), version
            self._send_overview()
            self._detect(explainer, images, numbers)
        return self._predictions

    def _bring(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Send maps and pictures of what is looked at; what is computed comes last."""
        if self._images.at_once:
            return
        if not query.computes:
            self._bring_maps(answer, query, stale)
        self._bring_pictures(stale)
        if query.computes and answer.status != "cancelled":
            self._bring_maps(answer, query, stale)

    def _bring_pictures(self, stale: CancelToken) -> None:
        images = list(self._wanted_pictures)
        with ThreadPoolExecutor(THREADS) as pool:
            for image, preview in zip(images, pool.map(self._images.preview, images), strict=True):
                with self._changed:
                    if not stale():
                        self._wanted_pictures.remove(image)
                        self.outbox.picture(image, preview)
                if stale():  # Without the lock: what is being decoded has to end.
                    pool.shutdown(cancel_futures=True)
                    return

    def _bring_maps(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Send maps that are ready, and then compute or read others, some images at a time."""
        columns = range(len(query.columns))
        ready = [image for image in self._wanted_maps if all((image, column) in answer.tiles for column in columns)]
        self._send_maps(answer, ready, {at: answer.tiles[at] for at in answer.tiles if at[0] in ready}, stale)
        images = list(self._wanted_maps)
        shows_status = query.computes and answer.status == "done" and bool(images)
        if shows_status:
            with self._changed:
                answer.status = "running"
                self._tell_running(answer)
                self._report("running", 0.0, "")
        at_once = IMAGES_AT_ONCE if query.computes else max(1, len(images))
        for first in range(0, len(images), at_once):
            chunk = images[first : first + at_once]
            tiles = self._compute(query, chunk, stale)
            if stale():
                return
            if query.computes:
                self._take(answer, tiles, {}, stale)
            self._send_maps(answer, chunk, tiles, stale)
            done = Frames((), first + len(chunk), len(images))
            self._if_current(answer, self._tell_progress, done, done.done / done.total, None)
        if shows_status:
            self._end(answer, "done")

    def _send_maps(self, answer: CurrentAnswer, images: Sequence[int], tiles: Tiles, stale: CancelToken) -> None:
        with self._changed:
            if answer is self._answer and not stale():
                self._wanted_maps = [image for image in self._wanted_maps if image not in images]
                self.outbox.show(list(tiles.values()))

    def _compute(self, query: Query, images: Sequence[int], stale: CancelToken) -> dict[tuple[int, int], Tile]:
        """The finished tiles of some images; of files that cannot be read there are none."""
        tiles: dict[tuple[int, int], Tile] = {}
        with suppress(ImageError):
            for part in query.parts(images):
                tiles |= part.tiles(part.kept)
                for frames in part.stream(False):
                    if stale():
                        return {}
                    tiles |= part.tiles(frames.frames)
        return tiles

    def _send_segmentations(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        if (explainer := self._answers.explainer) is None or not self._wanted_segmentations:
            return
        version = query.version()
        for packed in self.segmentations.of(explainer, self._wanted_segmentations, version, stale):
            with self._changed:
                self._wanted_segmentations = [each for each in self._wanted_segmentations if each not in packed]
                self.outbox.segmentation(*segmentation_message(packed, version))

    def _send_concepts(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        if (wanted := self._wanted_concepts) is None:
            return
        for message, buffers in self.concepts.answer(wanted, answer.traits, query.version(), stale):
            with self._changed:
                if self._wanted_concepts is wanted or message["done"] == 1:
                    self.outbox.concepts(message, buffers)
        with self._changed:
            if not stale() and self._wanted_concepts is wanted:
                self._wanted_concepts = None

    def _send_detections(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Tell what is detected in images of a store, some at a time, and anew where the weights have changed."""
        if (explainer := self._answers.explainer) is None or self._images.at_once:
            return
        with self._changed:
            # What is stored says nothing of the weights.
            version = query.version() if query.computes else self._detected_with
            if self._detected_with not in (None, version):
                self._wanted_detections = list(dict.fromkeys([*self._wanted_detections, *self._detected]))
                self._detected = {}
            self._detected_with = version
        while self._wanted_detections and not stale():
            with self._changed:
                numbers = self._wanted_detections[:IMAGES_AT_ONCE]
                self._wanted_detections = self._wanted_detections[len(numbers) :]
                self._detected = dict.fromkeys([*self._detected, *numbers][-MOST_TILES:])
            with suppress(ImageError):
                self._detect(explainer, *self._images.load(explainer, numbers))

    def _send_thumbnails(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        if self._wanted_thumbnails is None or answer.status != "done":
            return
        image, column, have = self._wanted_thumbnails

        def send(message: dict[str, Any], buffers: list[bytes]) -> None:
            with self._changed:
                if answer is self._answer:
                    about = {"gen": answer.gen, "image": image, "column": column}
                    self.outbox.thumbnails({**message, **about}, buffers)

        try:
            place = query.question_at(image, column)
            if place is not None:
                self._thumbnails.send(*place, self._editions(answer.traits), have, send, stale)
        except Exception as error:
            self.outbox.notify(error_message(0, error))
        with self._changed:
            if not stale():
                self._wanted_thumbnails = None

    def _find_nearest(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Tell which images are alike; of images that are held, while somebody looks."""
        is_current = not self._images.at_once or (self.outbox.is_watched and query.version() == answer.version)
        if answer.status != "done" or not is_current:
            return

        def find() -> None:
            if self.nearest.find(answer, self._predictions_of(answer), stale):
                self.nearest.tell(self.outbox)

        if self._images.at_once:
            find()
        else:
            # All that a store has of them is read at once, and no question waits for that.
            stale.wait_for(find)

    def relabel(self) -> None:
        """Note that the true classes of the images are others."""
        with self._changed:
            if self._answer.status == "done":
                self._go_on()

    def _estimate(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Tell what each method would cost instead; nobody misses what fails."""
        if not self._images.at_once or answer.status != "done" or answer.costs is not None:
            return
        with suppress(Exception):
            costs = self._estimates.by_method(query, answer.traits, stale.wait)
            explained = self._explained(answer)
            with self._changed:
                if not stale():
                    answer.costs = costs
                    answer.measuring = explained and self._estimates.of_passes(explained.passes)
                    self._tell_costs(answer)

    def _tell_costs(self, answer: CurrentAnswer) -> None:
        if answer.costs:
            self.outbox.tell("costs", **answer.costs, measuring=answer.measuring)

    def _map_at(self, gen: int, image: int, column: int) -> Floats | None:
        """The whole map of the latest question, if it has that number and is answered for all images."""
        answer = self._answer
        return answer.map_at(image, column) if gen == answer.gen and self._images.at_once else None

    def _explained(self, answer: CurrentAnswer) -> ExplainedImages | None:
        """The maps of the answer that can be measured, None where there are none, or no model, or tiles of pictures."""
        explainer, query = self._answers.explainer, answer.query
        if (
            explainer is None
            or explainer.tiling
            or query is None
            or not answer.explanations
            or answer.explained is None
        ):
            return None
        return ExplainedImages(answer.explanations, *query.explained(answer.explained))

    def _measure(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Measure how far maps can be believed: what is free of all, the rest where it is asked for or looked at."""
        if answer.status != "done" or not self.outbox.is_watched or query.version() != answer.version:
            return
        evidence, cover = answer.evidence, answer.cover
        before = evidence.has_free, evidence.measured, evidence.curves
        try:
            if (explained := self._explained(answer)) is None:
                return
            is_quick = answer.measuring is None or answer.measuring <= MOST_SECONDS
            images = (*self._wanted_evidence, *([answer.focus] if is_quick else []))
            for records in evidence.measure(explained, images, cover, stale):
                # What was measured while the weights changed is of two models.
                if query.version() != answer.version:
                    break
                with self._changed:
                    if stale():
                        return
                    evidence.records.update({(each["image"], each["column"]): each for each in records})
                    self.outbox.evidence(records)
            else:
                # What interrupted this when the image was measured may have been no question.
                if self._images.at_once and not stale():
                    evidence.keep_curves(explained, answer.focus, cover, stale)
            is_more = before != (evidence.has_free, evidence.measured, evidence.curves)
            if not stale() and self._images.at_once and is_more:
                self._keep_whole(answer)
        except Exception as error:
            self._tell_problem(error, is_asked=bool(self._wanted_evidence))
        with self._changed:
            if not stale():
                self._wanted_evidence = []

    def _rank(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Tell which methods can be compared, and compare those that are asked for."""
        if answer.status != "done" or not self.outbox.is_watched or query.version() != answer.version:
            return
        try:
            if self._ranker.prepare(query, answer.traits, answer.focus, stale.wait):
                self._tell_rankings(answer, stale)
            if (ranking := self._wanted_ranking) is None or stale():
                return
            # Where all of it is measured, no map follows.
            self._tell_rankings(answer, stale)
            for _ in self._ranker.measure(ranking, stale):
                self._tell_rankings(answer, stale)
            if not stale() and self._images.at_once:
                self._keep_whole(answer)
        except Exception as error:
            self._tell_problem(error, is_asked=self._wanted_ranking is not None)
        with self._changed:
            if not stale():
                self._wanted_ranking = None

    def _tell_problem(self, error: Exception, is_asked: bool) -> None:
        """Tell why something beside the answer failed; unasked, nobody misses what needs a file that is not there."""
        if is_asked or not isinstance(error, ImageError):
            self.outbox.notify(error_message(0, error))

    def _tell_rankings(self, answer: CurrentAnswer, stale: Callable[[], bool] = lambda: False) -> None:
        with self._changed:
            content = self._ranker.message(answer.traits, answer.rankings)
            if content and answer is self._answer and not stale():
                self.outbox.tell("rankings", **content)

    def _send_covered(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Send the picture that a page has asked for, or why there is none."""
        if self._wanted_picture is None or answer.status != "done":
            return
        image, column, place = self._wanted_picture
        try:
            if (explained := self._explained(answer)) is None:
                raise KxError("Nothing can be covered without the model.")
            about, buffer = explained.picture(image, column, **place)
            about["problem"] = ""
        except Exception as error:
            about = {"share": 0.0, "width": 0, "height": 0, "classes": [], "problem": plain(error)}
            buffer = b""
        with self._changed:
            if not stale():
                self._wanted_picture = None
                self.outbox.covered({"image": image, "column": column, **place, **about}, buffer)

    def _send_painted(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Score what pages have painted, one image before many, and leave the model free for the next stroke."""
        strokes = sorted(self._wanted_strokes.items(), key=lambda item: item[0][1])
        for key, stroke in strokes if answer.status != "running" else ():
            lacking = [image for image in stroke.images if (image, stroke.column) not in answer.tiles]
            if lacking and not query.computes:
                self._take(answer, self._compute(query, lacking, stale), {}, stale)
            own = self._answers.own and self._answers.own.of_column(answer.columns, stroke.column)
            painting, explainer = self._painting_of(answer.columns, stroke.column)
            predictions, regions = self._predictions_of(answer), answer.traits["regions"]
            parts = painting.score(explainer, stroke, answer.tiles, predictions, regions, own)
            try:
                for about, buffer in parts:
                    if query.version() != answer.version:
                        raise KxError("The weights have changed since these maps were made: refresh, and paint again.")
                    with self._changed:
                        if stale():
                            return
                        self.outbox.painted(about, buffer)
            except Exception as error:
                with self._changed:
                    if not stale():
                        self.outbox.painted(stroke.message(problem=message_of(error)), b"")
            with self._changed:
                if self._wanted_strokes.get(key) is stroke:
                    del self._wanted_strokes[key]
        if strokes:
            stale.wait(SECONDS_AFTER_STROKE)

    def _painting_of(self, columns: Sequence[Column], number: int) -> tuple[Painting, Explainer | None]:
        """What scores paint on the pictures of a column, and what explains these."""
        name = columns[number]["input"] if number in range(len(columns)) else ""
        return self._paintings_beside.get(name, (self._painting, self._answers.explainer))

    def _predictions_of(self, answer: CurrentAnswer) -> Predictions | None:
        """What the answer's weights predict for all images, None where it is not known."""
        return self._predictions if self._predicted_with == answer.version else None

    def _prefetch(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Answer what is one click away, until another question comes; nobody misses what fails."""
        explainer = self._answers.explainer
        if self._predictions is None or explainer is None or answer.status != "done" or stale.wait(prefetch.PAUSE):
            return
        if self.outbox.is_deaf:  # The cell that asked goes on, and needs the model itself.
            return
        version = query.version()
        scores, label = self._predictions[0][answer.focus], self._images.label(answer.focus)
        for traits in prefetch.neighbours(answer.traits, scores, explainer, label):
            key = self._key(traits, version)
            if key in answer.prefetched or self.outbox.has(key):
                continue
            try:
                neighbour = self._answers.ask(traits)
                (part,) = neighbour.parts(range(len(self._images)))
                frames = prefetch.quick_frames(part, stale)
            except BaseException:
                continue
            if frames is None:
                return
            tiles = part.tiles(frames)
            with self._changed:
                if answer is self._answer:
                    answer.prefetched.add(key)
                    about = {"key": key, "asked": traits, "columns": neighbour.columns}
                    self.outbox.prefetched(about, list(tiles.values()))

    def _key(self, traits: Mapping[str, Any], version: int) -> str:
        """A short name of this session's answer to a question, with this version of the model's weights."""
        labels = self._images.labels if asks_for_labels(traits) else ()
        text = json.dumps([self._name, version, traits, labels, self._editions(traits)], sort_keys=True, default=str)
        return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()

    def _editions(self, traits: Mapping[str, Any]) -> list[int]:
        """Which definitions of targets of one's own a question means."""
        return [] if self._answers.own is None else self._answers.own.editions(traits)

    def _tell_progress(self, frames: Frames, progress: float, eta: float | None) -> None:
        self.outbox.tell("progress", done=frames.done, total=frames.total, eta_s=eta)
        self._report("running", progress, "")

    def _if_current(self, answer: CurrentAnswer, tell: Callable[..., None], *arguments: Any) -> None:
        with self._changed:
            if answer is self._answer and answer.status == "running":
                tell(*arguments)

    def _tell_all(self, answer: CurrentAnswer) -> None:
        if answer.status == "idle":
            return
        self.outbox.begin(answer.gen, waiting=not answer.key)
        if answer.key:
            self._tell_running(answer)
        if self._images.at_once:
            self._show(answer, list(answer.tiles.values()))
        self._tell_end(answer)
        self._tell_costs(answer)
        self.nearest.tell(self.outbox)

    def _tell_running(self, answer: CurrentAnswer) -> None:
        answer.is_held = self._images.at_once and self.outbox.has(answer.key)
        about = {"key": answer.key, "asked": answer.traits, "columns": answer.columns, "held": answer.is_held}
        self.outbox.tell("running", **about)
        self.outbox.evidence(answer.evidence.records.values())
        # Also where there are none: those of the question before are none of this one.
        self._tell_rankings(answer)

    def _show(self, answer: CurrentAnswer, tiles: list[Tile]) -> None:
        if not answer.is_held:
            self.outbox.show(tiles)

    def _send_overview(self) -> None:
        """What pages show, filter and sort by, of all images."""
        explainer = self._answers.explainer
        if self._predictions is not None and explainer is not None:
            numbers = prediction_numbers(*self._predictions, explainer.predicts)
            self.outbox.overview(prediction_messages(self._predictions[0], numbers, LARGEST_FRAME))
        else:
            self.outbox.overview(self._images.metadata())

    def _fail(self, answer: CurrentAnswer, error: BaseException) -> None:
        """End the question with an error, also where its answer was there and views have asked for more of it."""
        if not isinstance(error, Exception):  # SystemExit would end the process of whoever waits.
            ended = KxError(f"The model or the method raised {type(error).__name__}, which ends the question alone.")
            ended.__cause__ = error
            error = ended
        with self._changed:
            if answer.status == "done":
                answer.status = "running"
            self._end(answer, "error", error)

    def _end(self, answer: CurrentAnswer, status: Status, error: BaseException | None = None) -> None:
        with self._changed:
            if answer.status != "running":
                return
            answer.settle()
            answer.status, answer.error = status, error
            if answer is self._answer:
                self._tell_end(answer)
                progress = 1.0 if status == "done" else self._progress(answer)
                self._report(status, progress, str(error or "") if status == "error" else "")
            self._changed.notify_all()

    def _progress(self, answer: CurrentAnswer) -> float:
        """How much of an answer about all images has come, 0 to 1."""
        maps = len(self._images) * len(answer.columns)
        return sum(item["done"] for item, _ in answer.tiles.values()) / maps if self._images.at_once and maps else 0.0

    def _tell_end(self, answer: CurrentAnswer) -> None:
        if answer.status == "done":
            maps = len(answer.tiles) if self._images.at_once else 0
            about = {"seconds": answer.seconds, "maps": maps}
            self.outbox.end({"kind": "done", "gen": answer.gen, **about}, answer.key)
        elif answer.status == "cancelled":
            self.outbox.end({"kind": "cancelled", "gen": answer.gen})
        elif answer.status == "error":
            self.outbox.end(error_message(answer.gen, answer.error))
