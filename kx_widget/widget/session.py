"""A question -> the engine's steps -> frames for the browser."""

import secrets
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np

from kx_widget.engine.answer import AnswerBuilder
from kx_widget.engine.errors import CancelledError, KxError
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.images import Images
from kx_widget.engine.layers import learn_together
from kx_widget.engine.question import Question
from kx_widget.engine.types import Floats, Frame, Frames
from kx_widget.widget.ahead import PAUSE, key_of, neighbours, quickly
from kx_widget.widget.archive import Kept
from kx_widget.widget.compare import questions as questions_of
from kx_widget.widget.flow import LARGEST_FRAME, Flow, Send
from kx_widget.widget.messages import VERSION, Column, Item
from kx_widget.widget.records import columns, error_message, item_record, prediction_messages
from kx_widget.widget.thumbnails import Thumbnails
from kx_widget.widget.worker import Stale, Worker, wait_for

Status = Literal["idle", "running", "done", "cancelled", "error"]
SECONDS_BETWEEN_FRAMES = 0.05
SECONDS_BETWEEN_PROGRESS = 0.1


@dataclass
class Answer:
    """What is known of one question; `items` are kept to show them to views that come later."""

    gen: int
    asked: Mapping[str, Any] = field(default_factory=dict)
    columns: list[Column] = field(default_factory=list)
    questions: Sequence[Question] = ()
    focus: int = 0
    key: str = ""
    held: bool = False
    items: dict[tuple[int, int], tuple[Item, Floats]] = field(default_factory=dict)
    explanations: list[Explanation] = field(default_factory=list)
    ahead: set[str] = field(default_factory=set)
    status: Status = "running"
    error: BaseException | None = None
    seconds: float = 0.0


class Session:
    """Answers one question at a time, the latest, and tells the browser.

    Args:
        explainer: what computes.
        images: what is explained.
        send: sends a message with its buffers to every view; called from any thread.
        report: told status, progress (0 to 1) and an error's text whenever they change.
        keep: given each whole answer before its end is told, the weights' version, scores and probabilities.
        lock: held while the state changes and is told, so that no thread tells an older one later.
    """

    def __init__(
        self,
        explainer: Explainer,
        images: Images,
        send: Send,
        report: Callable[[Status, float, str], None],
        keep: Callable[[Kept, int, tuple[Floats, Floats]], None],
        lock: threading.RLock,
    ) -> None:
        self._explainer = explainer
        self._images = images
        self.flow = Flow(send, lock)
        self._report = report
        self._keep = keep
        self._worker = Worker("kx-widget")
        self._name = secrets.token_hex(8)
        self._changed = threading.Condition(lock)
        self._answer = Answer(0, status="idle")
        self._thumbnails = Thumbnails()
        self._predictions: tuple[Floats, Floats] | None = None
        self._predicted_with = 0

    def ask(self, questions: Sequence[Question], asked: Mapping[str, Any], focus: int) -> None:
        """Answer these, side by side, instead of whatever was asked before.

        Args:
            questions, asked: one, or one a column, and the traits they come from.
            focus: the image that is looked at.
        """
        with self._changed:
            answer = self._answer = Answer(self._answer.gen + 1, asked, columns(questions), questions, focus)
            self.flow.begin(answer.gen, waiting=self._worker.busy)
            self._report("running", 0.0, "")
            self._worker.put(lambda stale: self._run(answer, questions, stale))

    def cancel(self, gen: int | None = None) -> None:
        """Give up the current question, if it has that number and is still running."""
        with self._changed:
            answer = self._answer
            if answer.status == "running" and gen in (None, answer.gen):
                self._worker.cancel()
                self._end(answer, "cancelled", error=CancelledError("The question was cancelled."))

    def wait(self, timeout: float) -> Explanation:
        """The answer to the latest question; raises its error, or TimeoutError."""
        with self._changed:
            if not wait_for(self._changed, lambda: self._answer.status != "running", timeout):
                raise TimeoutError(f"No answer within {timeout:g} s; it is still being computed.")
            if self._answer.error is not None:
                raise self._answer.error
            return self._answer.explanations[0]

    @property
    def explanations(self) -> tuple[Explanation, ...]:
        """What is known so far: one explanation, or one a column where methods or layers are compared."""
        return tuple(self._answer.explanations)

    def greet(self, view: str, have: Sequence[str], constants: dict[str, Any]) -> None:
        """Tell a view that has just been drawn everything but the answers whose keys it has."""
        with self._changed:
            self.flow.greet(view, have)
            self.flow.notify({"kind": "welcome", "version": VERSION, "gen": self._answer.gen, **constants})
            self._send_predictions()
            self._tell_all(self._answer)

    def resend(self, gen: int) -> None:
        """Tell everything of the current question anew: a view lacks something of the one with that number."""
        with self._changed:
            if gen == self._answer.gen:
                self.flow.lacks(self._answer.key)
            self._tell_all(self._answer)

    def want(self, gen: int, image: int, column: int, have: str) -> None:
        """Send thumbnails for the question of that number, if it is answered, until another question comes."""
        with self._changed:
            answer = self._answer
            asked = [(q, place) for q in answer.questions for place in range(len(q.columns.texts))]
            there = image in range(len(self._images.batch)) and column in range(len(asked))
            if not there or (gen, "done") != (answer.gen, answer.status):
                return

            def send(message: dict[str, Any], buffers: list[bytes]) -> None:
                with self._changed:
                    if answer is self._answer:
                        self.flow.thumbnails({**message, "gen": gen, "image": image, "column": column}, buffers)

            def make(stale: Stale) -> None:
                try:
                    self._thumbnails.tell(*asked[column], image, have, send, stale)
                except Exception as error:
                    self.flow.notify(error_message(0, error))
                else:
                    self._look_ahead(answer, stale)

            self._worker.put(make)

    def close(self) -> None:
        """Stop computing and forget."""
        self._worker.cancel()
        with self._changed:
            self.flow.close()
            self._answer = Answer(self._answer.gen + 1, status="idle")

    def _run(self, answer: Answer, questions: Sequence[Question], stale: Stale) -> None:
        start = time.perf_counter()
        try:
            weights = questions[0].model.weights.version()
            answer.key = key_of(self._name, answer.asked, weights)
            self._if_current(answer, self._tell_running, answer)
            learn_together(questions)
            first_column = 0
            for number, question in enumerate(questions):
                stream = question.stream(None if number else weights)
                if not self._follow(answer, question, stream, first_column, number / len(questions), stale):
                    return
                first_column += len(question.columns.texts)
            answer.seconds = time.perf_counter() - start
            if self._predictions is None or weights != self._predicted_with:
                self._predictions, self._predicted_with = self._explainer.predict(self._images), weights
                self._send_predictions()
            kept = Kept(answer.asked, answer.columns, list(answer.items.values()), answer.seconds)
            self._keep(kept, weights, self._predictions)
        except BaseException as error:
            self._end(answer, "error", error=as_error(error))
        else:
            self._end(answer, "done")
            if not stale.wait(PAUSE):
                self._look_ahead(answer, stale)

    def _look_ahead(self, answer: Answer, stale: Stale) -> None:
        """Answer what is one click away, until another question comes; nobody misses what fails."""
        assert self._predictions is not None
        weights = answer.questions[0].model.weights.version()
        for asked in neighbours(answer.asked, self._predictions[0][answer.focus], self._explainer):
            key = key_of(self._name, asked, weights)
            if key in answer.ahead or self.flow.has(key):
                continue
            try:
                (question,) = questions_of(self._explainer, self._images, SimpleNamespace(**asked))
                maps = quickly(question, stale)
            except Exception:
                continue
            if maps is None:
                return
            tiles = self._news(Answer(0), question, maps, 0)
            about = {"key": key, "asked": asked, "columns": columns([question])}
            with self._changed:
                if answer is self._answer:
                    answer.ahead.add(key)
                    self.flow.look_ahead(about, tiles)

    def _follow(
        self,
        answer: Answer,
        question: Question,
        stream: Generator[Frames, None, None],
        column: int,
        before: float,
        stale: Stale,
    ) -> bool:
        """Drive one question to its end and send what changes; False once it is stale."""
        start, sent, told = time.perf_counter(), 0.0, 0.0
        builder = AnswerBuilder(question)
        changed: dict[tuple[int, int], Frame] = {}
        for frames in stream:
            if stale():
                stream.close()
                return False
            builder.add(frames)
            changed |= {(frame.image, frame.column): frame for frame in frames.frames}
            now = time.perf_counter()
            if now - sent >= SECONDS_BETWEEN_FRAMES:
                sent = now
                self._if_current(answer, self._show, answer, self._news(answer, question, changed.values(), column))
                changed.clear()
            if frames.done < frames.total and now - told >= SECONDS_BETWEEN_PROGRESS:
                told = now
                self._tell_progress(answer, frames, before, now - start)
        self._if_current(answer, self._show, answer, self._news(answer, question, changed.values(), column))
        answer.explanations.append(builder.explanation(time.perf_counter() - start))
        return True

    def _tell_progress(self, answer: Answer, frames: Frames, before: float, seconds: float) -> None:
        part = frames.done / frames.total
        eta = seconds / part - seconds if part > 0 else None

        def tell() -> None:
            self.flow.tell("progress", done=frames.done, total=frames.total, eta_s=eta)
            self._report("running", before + part / len(answer.questions), "")

        self._if_current(answer, tell)

    def _if_current(self, answer: Answer, tell: Callable[..., None], *arguments: Any) -> None:
        with self._changed:
            if answer is self._answer and answer.status == "running":
                tell(*arguments)

    def _tell_all(self, answer: Answer) -> None:
        if answer.status == "idle":
            return
        self.flow.begin(answer.gen, waiting=not answer.key)
        if answer.key:
            self._tell_running(answer)
        self._show(answer, list(answer.items.values()))
        self._tell_end(answer)

    def _tell_running(self, answer: Answer) -> None:
        answer.held = self.flow.has(answer.key)
        self.flow.tell("running", key=answer.key, asked=answer.asked, columns=answer.columns, held=answer.held)

    def _show(self, answer: Answer, tiles: list[tuple[Item, Floats]]) -> None:
        if not answer.held:
            self.flow.show(tiles)

    def _news(
        self, answer: Answer, question: Question, frames: Iterable[Frame], first_column: int
    ) -> list[tuple[Item, Floats]]:
        """Those of the maps that differ from what is known of the answer, to which they are added."""
        news = []
        for frame in frames:
            at = (frame.image, first_column + frame.column)
            old = answer.items.get(at)
            final = old is not None and not old[0]["partial"]
            if old is None or final != frame.final or not np.array_equal(old[1], frame.values, equal_nan=True):
                answer.items[at] = (item_record(question, frame, first_column), frame.values)
                news.append(answer.items[at])
        return news

    def _send_predictions(self) -> None:
        if self._predictions is not None:
            self.flow.predict(prediction_messages(*self._predictions, LARGEST_FRAME))

    def _end(self, answer: Answer, status: Status, error: BaseException | None = None) -> None:
        with self._changed:
            if answer.status != "running":
                return
            answer.status, answer.error = status, error
            if answer is self._answer:
                self._tell_end(answer)
                self._report(status, 1.0 if status == "done" else 0.0, str(error or "") if status == "error" else "")
            self._changed.notify_all()

    def _tell_end(self, answer: Answer) -> None:
        if answer.status == "done":
            about = {"seconds": answer.seconds, "maps": len(answer.items)}
            self.flow.end({"kind": "done", "gen": answer.gen, **about}, answer.key)
        elif answer.status == "cancelled":
            self.flow.end({"kind": "cancelled", "gen": answer.gen})
        elif answer.status == "error":
            self.flow.end(error_message(answer.gen, answer.error))


def as_error(error: BaseException) -> Exception:
    """The error that `wait` may raise for it: SystemExit would end the process of whoever waits."""
    if isinstance(error, Exception):
        return error
    ended = KxError(f"The model or the method raised {type(error).__name__}, which ends the question alone.")
    ended.__cause__ = error
    return ended
