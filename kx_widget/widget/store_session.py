"""A question about the images of a store -> frames for the browser, of what is looked at."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from kx_widget.engine.answer import AnswerBuilder
from kx_widget.engine.errors import ImageError
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.layers import learn_together
from kx_widget.engine.question import Question
from kx_widget.widget.ahead import key_of
from kx_widget.widget.compare import questions as questions_of
from kx_widget.widget.flow import Send, Tile
from kx_widget.widget.records import columns
from kx_widget.widget.session import Answer, Session, Status, as_error
from kx_widget.widget.shelf import Shelf
from kx_widget.widget.worker import Stale

IMAGES_AT_ONCE = 8
TILES_KEPT = 1000
THREADS = 4


class StoreSession(Session):
    """Answers the latest question for the image in focus, and then for those that a view looks at.

    What the store holds is read; anything else is computed.

    Args:
        shelf: the images.
        explainer: None where there is no model.
        send, report, lock: as in `Session`.
    """

    def __init__(
        self,
        shelf: Shelf,
        explainer: Explainer | None,
        send: Send,
        report: Callable[[Status, float, str], None],
        lock: threading.RLock,
    ) -> None:
        super().__init__(explainer, None, send, report, lambda *_: None, lock)  # pyright: ignore[reportArgumentType]
        self._shelf = shelf
        self._has_model = explainer is not None
        self._stored: list[int] | None = None
        self._explained: int | None = None
        # What views lack, until it is told.
        self._pictures: list[int] = []
        self._maps: list[int] = []
        self._thumbnail: tuple[int, int, str] | None = None
        # The tiles of the current answer that the store does not hold.
        self._computed: dict[tuple[int, int], Tile] = {}

    def ask(self, questions: Sequence[Question], asked: Mapping[str, Any], focus: int) -> None:
        """Answer this instead of whatever was asked before; `questions` are empty where the store has the answer."""
        with self._changed:
            self._stored = self._shelf.columns(SimpleNamespace(**asked))
            heads = columns(questions) if self._stored is None else self._shelf.headings(self._stored)
            self._answer = Answer(self._answer.gen + 1, asked, heads, questions, focus)
            self._explained, self._maps, self._thumbnail = None, [], None
            self._computed.clear()
            self.flow.begin(self._answer.gen, waiting=self._worker.busy)
            self._report("running", 0.0, "")
            self._go_on()

    def look(self, gen: int, pictures: Sequence[int], maps: Sequence[int]) -> None:
        """A view shows these images and lacks their pictures, or their maps for the question of that number."""
        known = range(len(self._shelf))
        with self._changed:
            self._pictures = [image for image in dict.fromkeys(pictures) if image in known]
            self._maps = [image for image in dict.fromkeys(maps) if image in known and gen == self._answer.gen]
            self.flow.only(self._pictures, self._maps)
            self._go_on()

    def focus(self, image: int) -> None:
        """Explain this image to Python."""
        with self._changed:
            self._answer.focus = image
            if self._answer.status in ("done", "error"):
                self._answer.status, self._answer.error = "running", None
            self._go_on()

    def want(self, gen: int, image: int, column: int, have: str) -> None:
        """Send thumbnails, if there is a model to make them."""
        with self._changed:
            if self._has_model and gen == self._answer.gen and image in range(len(self._shelf)):
                self._thumbnail = image, column, have
                self._go_on()

    def _go_on(self) -> None:
        answer = self._answer
        if answer.status != "idle":
            self._worker.put(lambda stale: self._run(answer, answer.questions, stale))

    def _run(self, answer: Answer, questions: Sequence[Question], stale: Stale) -> None:
        """Do what is still to be done; what is interrupted is left to the next run."""
        try:
            if not answer.key:
                answer.key = key_of(self._name, answer.asked, questions[0].model.weights.version() if questions else 0)
                self._if_current(answer, self._tell_running, answer)
            if answer.status == "running" and answer.focus != self._explained:
                start, focus = time.perf_counter(), answer.focus
                found = self._explain(answer, focus, stale)
                if stale():
                    return
                answer.explanations, self._explained = found, focus
                answer.seconds = time.perf_counter() - start
        except BaseException as error:
            self._end(answer, "error", error=as_error(error))
        else:
            self._end(answer, "done")
        try:
            self._bring(answer, stale)
            if self._thumbnail and answer.status == "done" and not stale():
                self._bring_thumbnails(answer, *self._thumbnail, stale)
        except BaseException as error:
            answer.status = "running"
            self._end(answer, "error", error=as_error(error))

    def _tell_running(self, answer: Answer) -> None:
        self.flow.tell("running", key=answer.key, asked=answer.asked, columns=answer.columns, held=False)

    def _send_predictions(self) -> None:
        self.flow.predict(self._shelf.messages())

    def _explain(self, answer: Answer, image: int, stale: Stale) -> list[Explanation]:
        if self._stored is not None:
            return [self._shelf.explanation(image, self._stored)]
        found: list[Explanation] = []
        for question in self._questions(answer, {image: self._shelf.pixels(image)}):
            start = time.perf_counter()
            builder = AnswerBuilder(question)
            for frames in question.stream(partials=False):
                if stale():
                    return []
                builder.add(frames)
            found.append(builder.explanation(time.perf_counter() - start))
        return found

    def _bring(self, answer: Answer, stale: Stale) -> None:
        """Maps and pictures of what is looked at."""
        if self._stored is not None and self._maps:
            self._show_maps(answer, self._shelf.tiles(self._maps, self._stored), stale)
        self._bring_pictures(stale)
        if self._stored is None and self._maps and answer.status != "cancelled":
            self._compute(answer, stale)

    def _show_maps(self, answer: Answer, tiles: list[Tile], stale: Stale) -> None:
        with self._changed:
            if answer is self._answer and not stale():
                told = {item["image"] for item, _ in tiles}
                self._maps = [image for image in self._maps if image not in told]
                self.flow.show(tiles)

    def _bring_pictures(self, stale: Stale) -> None:
        wanted = list(self._pictures)
        with ThreadPoolExecutor(THREADS) as pool:
            for image, photo in zip(wanted, pool.map(self._shelf.photo, wanted), strict=True):
                with self._changed:
                    if stale():
                        pool.shutdown(cancel_futures=True)
                        return
                    self._pictures.remove(image)
                    self.flow.picture(*photo)

    def _compute(self, answer: Answer, stale: Stale) -> None:
        """Maps that the store does not hold, of some images at a time; of broken files there are none."""
        count = len(answer.columns)
        held = [image for image in self._maps if (image, count - 1) in self._computed]
        self._show_maps(answer, [self._computed[image, column] for image in held for column in range(count)], stale)
        wanted = list(self._maps)
        computes = answer.status == "done" and bool(wanted)
        if computes:
            with self._changed:
                answer.status = "running"
                self._tell_running(answer)
                self._report("running", 0.0, "")
        for at in range(0, len(wanted), IMAGES_AT_ONCE):
            part = wanted[at : at + IMAGES_AT_ONCE]
            tiles = self._tiles(answer, part, stale)
            if stale():
                return
            with self._changed:
                if answer is not self._answer:
                    return
                self._computed.update({(item["image"], item["column"]): (item, values) for item, values in tiles})
                while len(self._computed) > TILES_KEPT:
                    del self._computed[next(iter(self._computed))]
            self._show_maps(answer, tiles, stale)
            done = at + len(part)
            self._if_current(answer, lambda done=done: self._tell_done(done, len(wanted)))
        if computes:
            self._end(answer, "done")

    def _bring_thumbnails(self, answer: Answer, image: int, column: int, have: str, stale: Stale) -> None:
        def send(message: dict[str, Any], buffers: list[bytes]) -> None:
            with self._changed:
                if answer is self._answer:
                    self.flow.thumbnails({**message, "gen": answer.gen, "image": image, "column": column}, buffers)

        found = self._questions(answer, {image: self._shelf.pixels(image)})
        places = [(question, place) for question in found for place in range(len(question.columns.texts))]
        if column in range(len(places)):
            self._thumbnails.tell(*places[column], 0, have, send, stale)
        if not stale():
            self._thumbnail = None

    def _tell_done(self, done: int, total: int) -> None:
        self.flow.tell("progress", done=done, total=total, eta_s=None)
        self._report("running", done / total, "")

    def _tiles(self, answer: Answer, images: Sequence[int], stale: Stale) -> list[Tile]:
        pixels: dict[int, Any] = {}
        for image in images:
            try:
                pixels[image] = self._shelf.pixels(image)
            except ImageError:
                continue
        tiles: list[Tile] = []
        if not pixels:
            return tiles
        numbers, first_column = list(pixels), 0
        for question in self._questions(answer, pixels):
            for frames in question.stream(partials=False):
                if stale():
                    return []
                for item, values in self._news(Answer(0), question, frames.frames, first_column):
                    item["image"] = numbers[item["image"]]
                    tiles.append((item, values))
            first_column += len(question.columns.texts)
        return tiles

    def _questions(self, answer: Answer, pixels: Mapping[int, Any]) -> list[Question]:
        loaded = self._explainer.load(list(pixels.values()))
        loaded = replace(loaded, names=tuple(map(self._shelf.name, pixels)))
        found = questions_of(self._explainer, loaded, SimpleNamespace(**answer.asked))
        learn_together(found)
        return found
