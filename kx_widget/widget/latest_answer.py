"""The answer to the question that was asked last, and how pages and Python are told of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from kx_widget.engine.errors import ImageError, KxError
from kx_widget.engine.types import Frame, Frames
from kx_widget.widget.answer_sources import AnswerSource
from kx_widget.widget.archive import KeptAnswer
from kx_widget.widget.current_answer import CurrentAnswer, Status
from kx_widget.widget.evidence import ExplainedImages
from kx_widget.widget.image_sources import ImageSource
from kx_widget.widget.model_predictions import ModelPredictions
from kx_widget.widget.outbox import LARGEST_FRAME, Outbox
from kx_widget.widget.painting import Predictions
from kx_widget.widget.ranker import Ranker
from kx_widget.widget.serialize import Tile, Tiles, error_message, prediction_messages, prediction_numbers
from kx_widget.widget.worker import CancelToken

Keep = Callable[[KeptAnswer, int, Predictions | None, Callable[[], bool]], None]
MOST_TILES = 1000


class LatestAnswer:
    """What is known of the latest question; each change of it is told while the lock is held.

    Args:
        images: what is explained.
        answers: what explains it.
        outbox: tells pages.
        ranker: holds the tables that compare methods.
        report: told status, progress (0 to 1) and an error's text whenever they change.
        keep: given each answer about all images before its end is told, the weights' version, the predictions, None
            where there are none, and what tells that it is not wanted any more.
        changed: notified when the answer ends; its lock is held while the state changes and is told.
        go_on: does what is still to be done.
    """

    def __init__(
        self,
        images: ImageSource,
        answers: AnswerSource,
        outbox: Outbox,
        ranker: Ranker,
        report: Callable[[Status, float, str], None],
        keep: Keep,
        changed: threading.Condition,
        go_on: Callable[[], None],
    ) -> None:
        self.images, self.answers, self.outbox = images, answers, outbox
        self.report, self.changed, self.go_on = report, changed, go_on
        self._ranker, self._keep = ranker, keep
        self.current = CurrentAnswer(0, status="idle")
        self.predictions: Predictions | None = None
        self.predicted_with = 0
        self.models = ModelPredictions(images)

    def keep(self) -> None:
        """Keep what has come of an answer about all images that is not whole."""
        with self.changed:
            answer = self.current
            if self.images.at_once and answer.tiles and answer.status == "running":
                seconds = sum(answer.part_seconds) or None
                kept = KeptAnswer(answer.traits, answer.columns, list(answer.tiles.values()), seconds, False)
                self._keep(kept, answer.version, self.predictions_of(answer), lambda: False)

    def keep_whole(self, answer: CurrentAnswer, stale: Callable[[], bool]) -> None:
        """Keep an answer to which no map is missing, with what was measured of it so far, unless it is stale."""
        tiles, evidence = list(answer.tiles.values()), answer.evidence
        kept = KeptAnswer(
            answer.traits, answer.columns, tiles, answer.seconds,
            evidence=evidence.records, curves=evidence.curves, rankings=answer.rankings,
            agreements=answer.agreements, models=self.models.kept(answer.version),
        )  # fmt: skip
        self._keep(kept, answer.version, self.predictions, stale)

    def take(
        self, answer: CurrentAnswer, tiles: Tiles, frames: Mapping[tuple[int, int], Frame], stale: CancelToken
    ) -> None:
        """Keep tiles, and show them where all images are shown; `frames` are what Python gets."""
        with self.changed:
            if answer is self.current and not stale():
                answer.tiles.update(tiles)
                answer.frames.update(frames)
                if self.images.at_once:
                    self.show(answer, list(tiles.values()))
                while not self.images.at_once and len(answer.tiles) > MOST_TILES:
                    del answer.tiles[next(iter(answer.tiles))]

    def show(self, answer: CurrentAnswer, tiles: list[Tile]) -> None:
        """Send tiles, unless the pages hold the answer."""
        if not answer.is_held:
            self.outbox.show(tiles)

    def explained(self, answer: CurrentAnswer) -> ExplainedImages | None:
        """The maps of the answer that can be measured, None where there are none, or no model, or tiles of pictures."""
        explainer, query = self.answers.explainer, answer.query
        if (
            explainer is None
            or explainer.tiling
            or query is None
            or not answer.explanations
            or answer.explained is None
        ):
            return None
        return ExplainedImages(answer.explanations, *query.explained(answer.explained))

    def predictions_of(self, answer: CurrentAnswer, column: int = 0) -> Predictions | None:
        """What the answer's weights, of a column's model, predict for all images, None where it is not known."""
        model = answer.columns[column]["model"] if column in range(len(answer.columns)) else ""
        if model != self.models.first:
            return self.models.of(model, answer.version)
        return self.predictions if self.predicted_with == answer.version else None

    def if_current(self, answer: CurrentAnswer, tell: Callable[..., None], *arguments: Any) -> None:
        """Tell something of an answer while it is the latest one and being computed."""
        with self.changed:
            if answer is self.current and answer.status == "running":
                tell(*arguments)

    def tell_progress(self, frames: Frames, progress: float, eta: float | None) -> None:
        """Tell how far the answer has come, and about how many seconds are left."""
        self.outbox.tell("progress", done=frames.done, total=frames.total, eta_s=eta)
        self.report("running", progress, "")

    def tell_all(self, answer: CurrentAnswer) -> None:
        """Tell all that is known of the answer, to views that come later."""
        if answer.status == "idle":
            return
        self.outbox.begin_again(self.images.at_once)
        if answer.key:
            self.tell_running(answer)
        else:
            self.outbox.tell("queued")
        if self.images.at_once:
            self.show(answer, list(answer.tiles.values()))
        self.tell_end(answer)
        self.tell_costs(answer)
        self.tell_agreements(answer)

    def tell_running(self, answer: CurrentAnswer) -> None:
        """Tell what is being answered, and what was measured of it before."""
        answer.is_held = self.images.at_once and self.outbox.has(answer.key)
        about = {"key": answer.key, "asked": answer.traits, "columns": answer.columns, "held": answer.is_held}
        self.outbox.tell("running", **about)
        self.outbox.evidence(answer.evidence.records.values())
        # Also where there are none: those of the question before are none of this one.
        self.tell_rankings(answer)

    def tell_costs(self, answer: CurrentAnswer) -> None:
        """Tell what each method would cost instead, once that is known."""
        if answer.costs:
            self.outbox.tell("costs", **answer.costs, measuring=answer.measuring)

    def tell_agreements(self, answer: CurrentAnswer) -> None:
        """Tell how far the maps of several models agree."""
        if answer.agreements:
            self.outbox.tell("agreements", items=answer.agreements)

    def tell_rankings(self, answer: CurrentAnswer, stale: Callable[[], bool] = lambda: False) -> None:
        """Tell which methods can be compared, and how those that were compare."""
        with self.changed:
            content = self._ranker.message(answer.traits, answer.rankings)
            if content and answer is self.current and not stale():
                self.outbox.tell("rankings", **content)

    def tell_problem(self, error: Exception, is_asked: bool) -> None:
        """Tell why something beside the answer failed; unasked, nobody misses what needs a file that is not there."""
        if is_asked or not isinstance(error, ImageError):
            self.outbox.notify(error_message(0, error))

    def send_overview(self) -> None:
        """What pages show, filter and sort by, of all images."""
        explainer = self.answers.explainer
        if self.predictions is not None and explainer is not None:
            numbers = prediction_numbers(*self.predictions, explainer.predicts)
            messages = prediction_messages(self.predictions[0], numbers, LARGEST_FRAME)
            self.outbox.overview([*messages, *self.models.messages(LARGEST_FRAME)])
        else:
            self.outbox.overview(self.images.metadata())

    def fail(self, answer: CurrentAnswer, error: BaseException) -> None:
        """End the question with an error, also where its answer was there and views have asked for more of it."""
        if not isinstance(error, Exception):  # SystemExit would end the process of whoever waits.
            ended = KxError(f"The model or the method raised {type(error).__name__}, which ends the question alone.")
            ended.__cause__ = error
            error = ended
        with self.changed:
            if answer.status == "done":
                answer.status = "running"
            self.end(answer, "error", error)

    def end(self, answer: CurrentAnswer, status: Status, error: BaseException | None = None) -> None:
        """End the answer, and tell that; once it has ended, nothing happens."""
        with self.changed:
            if answer.status != "running":
                return
            answer.settle()
            answer.status, answer.error = status, error
            if answer is self.current:
                self.tell_end(answer)
                progress = 1.0 if status == "done" else self._progress(answer)
                self.report(status, progress, str(error or "") if status == "error" else "")
            self.changed.notify_all()

    def _progress(self, answer: CurrentAnswer) -> float:
        """How much of an answer about all images has come, 0 to 1."""
        maps = len(self.images) * len(answer.columns)
        return sum(item["done"] for item, _ in answer.tiles.values()) / maps if self.images.at_once and maps else 0.0

    def tell_end(self, answer: CurrentAnswer) -> None:
        """Tell how the answer ended."""
        if answer.status == "done":
            maps = len(answer.tiles) if self.images.at_once else 0
            about = {"seconds": answer.seconds, "maps": maps}
            self.outbox.end({"kind": "done", "gen": answer.gen, **about}, answer.key)
        elif answer.status == "cancelled":
            self.outbox.end({"kind": "cancelled", "gen": answer.gen})
        elif answer.status == "error":
            self.outbox.end(error_message(answer.gen, answer.error))
