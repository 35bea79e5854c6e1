"""A question -> frames for the browser, and explanations for Python."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from kx_widget.engine.errors import CancelledError, KxError
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.model_comparison import ModelComparison
from kx_widget.engine.types import Floats, Frame
from kx_widget.widget import prefetch
from kx_widget.widget.answer_sources import AnswerSource, Part, Query, asks_for_labels
from kx_widget.widget.collection_pause import collection_paused
from kx_widget.widget.crops import Crops
from kx_widget.widget.current_answer import CurrentAnswer, Status
from kx_widget.widget.epoch_history import EpochAnswer
from kx_widget.widget.estimates import Estimates, Stopwatch
from kx_widget.widget.evidence import ExplainedImages
from kx_widget.widget.evidence_requests import EvidenceRequests
from kx_widget.widget.image_sources import ImageSource
from kx_widget.widget.images_in_sight import ImagesInSight
from kx_widget.widget.latest_answer import Keep, LatestAnswer
from kx_widget.widget.messages import VERSION
from kx_widget.widget.model_predictions import agreement_records
from kx_widget.widget.nearest_neighbours import NearestNeighbours
from kx_widget.widget.outbox import Outbox, Send
from kx_widget.widget.page_requests import ConceptRequests, SegmentationRequests, ThumbnailRequests
from kx_widget.widget.ranker import Ranker
from kx_widget.widget.ranking_requests import RankingRequests
from kx_widget.widget.serialize import prediction_numbers
from kx_widget.widget.stroke_requests import StrokeRequests
from kx_widget.widget.training import Training
from kx_widget.widget.worker import CancelToken, Worker, wait_for

if TYPE_CHECKING:
    # What is stored is shown without TensorFlow.
    from kx_widget.engine.explainer import Explainer
    from kx_widget.engine.images import Images

CLOSED = "This widget is closed. Make a new one."
SECONDS_BETWEEN_FRAMES = 0.05
SECONDS_BETWEEN_PROGRESS = 0.1


class Session:
    """Answers one question at a time, the latest, and tells the browser.

    Where the source's images are not all explained at once, Python gets the one in focus, and views those that they
    look at.

    Args:
        images: what is explained.
        answers: what explains it.
        send: sends a message with its buffers to every view; called from any thread.
        report: told status, progress (0 to 1) and an error's text whenever they change.
        keep: see `LatestAnswer`.
        lock: held while the state changes and is told, so that no thread tells an older one later.
        detect: given images that are ready for the model, and their numbers, to tell what is detected in them.
    """

    def __init__(
        self,
        images: ImageSource,
        answers: AnswerSource,
        send: Send,
        report: Callable[[Status, float, str], None],
        keep: Keep,
        lock: threading.RLock,
        detect: Callable[[Explainer, Images, Sequence[int]], None],
    ) -> None:
        self._images, self._answers, self._detect = images, answers, detect
        self.outbox = Outbox(send, lock)
        self.training = Training(self.outbox)
        self.crops = Crops(images, send, self._map_at)
        self.nearest = NearestNeighbours(images, answers)
        self._changed = threading.Condition(lock)
        self._worker = Worker("kx-widget")
        self._name = secrets.token_hex(8)
        self._estimates = Estimates(answers)
        self._ranker = Ranker(images, answers, self._estimates)
        self._latest = LatestAnswer(
            images, answers, self.outbox, self._ranker, report, keep, self._changed, self._go_on
        )
        self.in_sight = ImagesInSight(self._latest, detect)
        self.thumbnails = ThumbnailRequests(self._latest, self._editions)
        self.segmentations = SegmentationRequests(self._latest)
        self.concepts = ConceptRequests(self._latest)
        self.evidence = EvidenceRequests(self._latest)
        self.rankings = RankingRequests(self._latest, self._ranker)
        self.strokes = StrokeRequests(self._latest, self.in_sight, lambda: self.training.gate.is_training)

    def ask(self, query: Query, traits: Mapping[str, Any], focus: int) -> None:
        """Answer this instead of whatever was asked before.

        Args:
            query, traits: a checked question, and the traits it comes from.
            focus: the image that is looked at.
        """
        with self._changed:
            answer = self._latest.current = CurrentAnswer(self._latest.current.gen + 1, traits, query, focus)
            for requests in (self.in_sight, self.thumbnails, self.evidence, self.rankings, self.strokes):
                requests.forget()
            # The cell that asks may go on; what a page asks is heard after this.
            self.outbox.begin(answer.gen, waiting=self._worker.busy, deaf=True)
            self._latest.report("running", 0.0, "")
            self._go_on()

    def cancel(self, gen: int | None = None) -> None:
        """Give up the current question, if it has that number and is still running."""
        with self._changed:
            answer = self._latest.current
            if answer.status == "running" and gen in (None, answer.gen):
                self._worker.cancel()
                self._latest.keep()
                self._latest.end(answer, "cancelled", CancelledError("The question was cancelled."))

    def wait(self, timeout: float) -> Explanation:
        """The answer to the latest question; raises its error, or TimeoutError."""
        with self.training.gate.opened(), self._changed:
            if not wait_for(self._changed, lambda: self._latest.current.status != "running", timeout):
                raise TimeoutError(f"No answer within {timeout:g} s; it is still being computed.")
            if self._latest.current.error is not None:
                raise self._latest.current.error
            return self._latest.current.explanations[0]

    @property
    def gen(self) -> int:
        """The number of the latest question."""
        return self._latest.current.gen

    @property
    def explanations(self) -> tuple[Explanation, ...]:
        """What is known so far: one explanation, or one a column where methods or layers are compared."""
        with self._changed:
            return tuple(self._latest.current.explain())

    def has_other_weights(self) -> bool:
        """Whether the model's weights have changed since the latest answer began."""
        answer = self._latest.current
        return answer.query is not None and bool(answer.key) and answer.query.version() != answer.version

    def moment(self, epoch: float, words: str) -> EpochAnswer | None:
        """The answer, which is complete, as of this moment of a training; None where there is none."""
        explainer = self._answers.explainer
        with self._changed:
            answer = self._latest.current
            predictions = self._latest.predictions_of(answer)
            if answer.status != "done" or explainer is None or predictions is None:
                return None
            about = self.training.history.next_number, epoch, words, answer.traits, answer.columns
            numbers = prediction_numbers(*predictions, explainer.predicts)
            return EpochAnswer(*about).with_maps(list(answer.tiles.values()), predictions[0], numbers)

    def explained(self) -> ExplainedImages | None:
        """The maps of the latest answer that can be measured, with what they explain; None where there are none."""
        return self._latest.explained(self._latest.current)

    def begin_training(self) -> None:
        """Leave the model to this thread, which trains it; what nobody has asked for is given up meanwhile."""
        self.training.gate.begin(self._go_on)
        self.training.tell()

    def end_training(self) -> None:
        """Do what has waited for the end of a training, if there was one."""
        if self.training.gate.is_training:
            self.training.gate.end()
            self.training.tell()
            with self._changed:
                self._go_on_measuring()

    def keep(self) -> None:
        """Keep what has come of an answer about all images that is not whole."""
        self._latest.keep()

    def greet(self, view: str, have: Sequence[str], welcome: Mapping[str, Any]) -> None:
        """Tell a view that has just been drawn everything but the answers whose keys it has."""
        with self._changed:
            # What waits is told below, and once.
            self.training.begin_again()
            self.outbox.begin_again(self._images.at_once)
            self.outbox.greet(view, have)
            self.outbox.notify({"kind": "welcome", "version": VERSION, "gen": self._latest.current.gen, **welcome})
            self._latest.send_overview()
            self._tell_all()
            self.training.tell_all()
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
            if gen == self._latest.current.gen:
                self.outbox.lacks(self._latest.current.key)
            self._tell_all()

    def focus(self, image: int) -> None:
        """Measure this image's maps; where not all images are explained at once, explain it to Python."""
        with self._changed:
            answer = self._latest.current
            if answer.focus == image:
                return
            answer.focus = image
            if self._images.at_once:
                self._go_on_measuring()
                return
            answer.status, answer.error = "running", None
            self._go_on()

    def close(self) -> None:
        """Stop computing and forget; who waits is told that the widget is closed."""
        with self._changed:
            self._worker.cancel()
            self.outbox.close()
            self.crops.close()
            self._latest.current = CurrentAnswer(self._latest.current.gen + 1, status="idle", error=KxError(CLOSED))
            self._changed.notify_all()

    def _tell_all(self) -> None:
        self._latest.tell_all(self._latest.current)
        self.nearest.tell(self.outbox)

    def _go_on_measuring(self) -> None:
        if self._latest.current.status == "done" and self._answers.explainer is not None:
            self._go_on()

    def _go_on(self) -> None:
        answer = self._latest.current
        if answer.query is not None:
            query = answer.query
            self._worker.put(lambda stale: self._run(answer, query, stale))

    def _run(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Do what is still to be done; what is interrupted is left to the next run.

        While the model is trained, what nobody has asked for waits for the end.
        """
        asked = (
            self._answer_question, self.strokes.send, self.evidence.send_picture, self.in_sight.send,
            self.segmentations.send,
        )  # fmt: skip
        unasked = (
            self.concepts.send, self.in_sight.send_detections, self.thumbnails.send, self._find_nearest, self._estimate,
            self._prefetch, self.evidence.send, self.rankings.send,
        )  # fmt: skip
        with self.training.gate.passed(stale) as may_pass:
            for task in (*asked, *(() if self.training.gate.is_training else unasked)) if may_pass else ():
                try:
                    task(answer, query, stale)
                except BaseException as error:
                    with self._changed:
                        if not stale():
                            self._latest.fail(answer, error)
                if stale():
                    return

    def _answer_question(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        if answer.status == "running":
            with collection_paused():
                self._explain(answer, query, stale)

    def _explain(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Explain all images, or the one in focus."""
        start, version, focus = time.perf_counter(), query.version(), answer.focus
        if not answer.key:
            key, targets = self._key(answer.traits, version), [column["target"] for column in answer.columns]
            # A page that opens meanwhile would otherwise be told of it twice.
            with self._changed:
                answer.version, answer.key = version, key
                answer.evidence = self.evidence.of_key(key, answer.evidence)
                answer.rankings = self._ranker.of_answer(answer.traits, targets, version)
                self._latest.if_current(answer, self._latest.tell_running, answer)
        if answer.explained != focus:
            parts = query.parts(range(len(self._images)) if self._images.at_once else [focus], version)
            with self._changed:
                if stale():
                    return
                answer.begin(parts)
            for part in parts:
                self._latest.take(answer, part.tiles(part.kept), part.placed(part.kept), stale)
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
                agreements = agreement_records(explanations)
                with self._changed:
                    answer.agreements = agreements
                    self._latest.if_current(answer, self._latest.tell_agreements, answer)
                self._latest.keep_whole(answer, stale)
        with self._changed:
            if not stale():
                self._latest.end(answer, "done")

    def _follow(self, answer: CurrentAnswer, parts: Sequence[Part], number: int, stale: CancelToken) -> None:
        """Drive one of the parts of the answer until it ends or is stale, and send what changes."""
        part, start, last_frame, last_progress = parts[number], time.perf_counter(), 0.0, 0.0
        changed: list[Frame] = []

        def take() -> None:
            tiles, frames = part.tiles(changed), part.placed(changed)
            changed.clear()
            with self._changed:
                self._latest.take(answer, tiles, frames, stale)
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
                self._latest.if_current(answer, self._latest.tell_progress, frames, progress, eta)
        take()
        if answer.query is not None and self._images.at_once:
            self._estimates.learn(answer.query, part, watch)

    def _predict(self, version: int) -> None:
        """Find out scores and probabilities of all images, anew where the weights have changed."""
        if self._latest.predictions is None or version != self._latest.predicted_with:
            explainer = self._answers.explainer
            assert explainer is not None
            images, numbers = self._images.load(explainer, ())
            predictions = explainer.predict(images)
            self._latest.models.predict(version)
            with self._changed:
                self._latest.predictions, self._latest.predicted_with = predictions, version
                self._latest.send_overview()
            self._detect(explainer, images, numbers)

    def _find_nearest(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Tell which images are alike; of images that are held, while somebody looks."""
        is_current = not self._images.at_once or (self.outbox.is_watched and query.version() == answer.version)
        if answer.status != "done" or not is_current:
            return

        def find() -> None:
            if self.nearest.find(answer, self._latest.predictions_of(answer), stale):
                self.nearest.tell(self.outbox)

        if self._images.at_once:
            find()
        else:
            # All that a store has of them is read at once, and no question waits for that.
            stale.wait_for(find)

    def relabel(self) -> None:
        """Note that the true classes of the images are others."""
        with self._changed:
            if self._latest.current.status == "done":
                self._go_on()

    def _estimate(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Tell what each method would cost instead; nobody misses what fails."""
        if not self._images.at_once or answer.status != "done" or answer.costs is not None:
            return
        with suppress(Exception):
            costs = self._estimates.by_method(query, answer.traits, stale.wait)
            explained = self._latest.explained(answer)
            with self._changed:
                if not stale():
                    answer.costs = costs
                    answer.measuring = explained and self._estimates.of_passes(explained.passes)
                    self._latest.tell_costs(answer)

    def _map_at(self, gen: int, image: int, column: int) -> Floats | None:
        """The whole map of the latest question, if it has that number and is answered for all images."""
        answer = self._latest.current
        return answer.map_at(image, column) if gen == answer.gen and self._images.at_once else None

    def _prefetch(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Answer what is one click away, until another question comes; nobody misses what fails."""
        explainer = self._answers.explainer
        predictions = self._latest.predictions
        if predictions is None or explainer is None or answer.status != "done" or stale.wait(prefetch.PAUSE):
            return
        if self.outbox.is_deaf:  # The cell that asked goes on, and needs the model itself.
            return
        version = query.version()
        scores, label = predictions[0][answer.focus], self._images.label(answer.focus)
        for traits in prefetch.neighbours(answer.traits, scores, explainer, label):
            key = self._key(traits, version)
            if key in answer.prefetched or self.outbox.has(key):
                continue
            try:
                neighbour = self._answers.ask(traits)
                tiles = prefetch.quick_tiles(neighbour.parts(range(len(self._images))), stale)
            except BaseException:
                continue
            if tiles is None:
                return
            with self._changed:
                if answer is self._latest.current:
                    answer.prefetched.add(key)
                    about = {"key": key, "asked": traits, "columns": neighbour.columns}
                    self.outbox.prefetched(about, list(tiles.values()))

    def compare(self) -> ModelComparison:
        """What is known of the models whose maps are the answer.

        Raises:
            KxError: no models are compared, or one with none, or the answer is not there.
        """
        with self._changed:
            answer = self._latest.current
            first = self._latest.predictions_of(answer)
            if answer.traits.get("compare") != "models" or answer.status != "done" or first is None:
                raise KxError('Models are compared once an answer to compare="models" is there: w.wait() waits for it.')
            if len(answer.explanations) < 2:
                raise KxError("One model is shown, and compared with none: w.compare_with = [] shows all.")
            return self._latest.models.comparison(answer.explanations, first, answer.version)

    def _key(self, traits: Mapping[str, Any], version: int) -> str:
        """A short name of this session's answer to a question, with this version of the model's weights."""
        labels = self._images.labels if asks_for_labels(traits) else ()
        text = json.dumps([self._name, version, traits, labels, self._editions(traits)], sort_keys=True, default=str)
        return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()

    def _editions(self, traits: Mapping[str, Any]) -> list[int]:
        """Which definitions of targets of one's own a question means."""
        return [] if self._answers.own is None else self._answers.own.editions(traits)
