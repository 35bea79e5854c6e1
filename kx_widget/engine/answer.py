"""Frames of a question -> its whole answer."""

import time
from collections.abc import Iterable, Iterator
from contextlib import closing

import numpy as np

from kx_widget.engine.errors import UnknownTargetError
from kx_widget.engine.explanation import Explanation, versions
from kx_widget.engine.question import Question, with_progress_bar
from kx_widget.engine.types import Floats, Frames, Notes, Step


class AnswerBuilder:
    """Gathers the frames of a question in arrays of all its images and targets."""

    def __init__(self, question: Question) -> None:
        self._question = question
        n, t = len(question.images.batch), len(question.columns.texts)
        self._maps: Floats | None = None
        self._scores = np.full((n, t), np.nan, np.float32)
        self._probabilities = np.full((n, t), np.nan, np.float32)
        self._targets = np.full((n, t), -1, np.int64)
        self._names = [[""] * t for _ in range(n)]
        self._notes: list[list[Notes]] = [[()] * t for _ in range(n)]
        self._final = np.zeros((n, t), np.bool_)
        self._done = np.zeros((n, t), np.float32)
        self._checks: dict[str, Floats] = {}

    @property
    def has_begun(self) -> bool:
        """Whether there is a map yet."""
        return self._maps is not None

    def add(self, frames: Frames) -> None:
        """Put the frames' maps in their places."""
        for frame in frames.frames:
            at = frame.image, frame.column
            if self._maps is None:
                self._maps = np.full((*self._scores.shape, *frame.values.shape), np.nan, np.float32)
            self._maps[at] = frame.values
            self._scores[at], self._probabilities[at] = frame.score, frame.probability
            self._targets[at], self._final[at], self._done[at] = frame.target, frame.final, frame.done
            self._names[frame.image][frame.column] = frame.target_name
            self._notes[frame.image][frame.column] = frame.notes
            for name, value in frame.checks.items():
                self._checks.setdefault(name, np.full_like(self._scores, np.nan))[at] = value

    def add_all(self, frames: Iterable[Frames]) -> "AnswerBuilder":
        """Add each of these; returns the builder itself."""
        for each in frames:
            self.add(each)
        return self

    def step(self, frames: Frames) -> Step:
        """Add the frames, and copy what is known by now."""
        self.add(frames)
        assert self._maps is not None
        return Step(self._maps.copy(), self._scores.copy(), frames.done, frames.total, self._final.copy())

    def explanation(self, seconds: float) -> Explanation:
        """The answer as far as its frames have come, of which there must be one; it took so many seconds.

        The builder's arrays are handed over: frames that are added later would change them.
        """
        question = self._question
        assert self._maps is not None
        return Explanation(
            maps=self._maps,
            scores=self._scores,
            probabilities=self._probabilities,
            targets=self._targets,
            target_names=tuple(map(tuple, self._names)),
            method=question.method.id,
            layer=question.layer,
            params={**question.params, **question.wrappers},
            signed=question.signed,
            seconds=seconds,
            versions=versions(),
            checks=self._checks,
            images=question.images.pixels.copy(),
            names=question.images.names,
            notes=tuple(map(tuple, self._notes)) if any(map(any, self._notes)) else (),
            display=question.display,
            done=None if self._final.all() else self._done,
            regions=question.regions,
            own=question.model.own,
            units=question.model.meaning.units,
        )


def answerable(question: Question) -> Question:
    """The question itself.

    Raises:
        UnknownTargetError: it asks for true classes alone, and none is known.
    """
    if question.columns.is_unanswerable:
        count = len(question.columns.labels)
        raise UnknownTargetError(
            f'"true" is the label of each image, and every one of the {count} labels is None: give at least one.'
        )
    return question


def answer_to(question: Question, start: float, progress: bool = False) -> Explanation:
    """The answer to a question that was asked at the time `start`."""
    frames = question.stream(partials=False)
    frames = with_progress_bar(frames) if progress else frames
    return AnswerBuilder(question).add_all(frames).explanation(time.perf_counter() - start)


def steps_of(question: Question) -> Iterator[Step]:
    """The answer to a question as it comes, after each pass from the first map on."""
    builder = AnswerBuilder(question)
    with closing(question.stream()) as stream:
        for frames in stream:
            if frames.frames or builder.has_begun:
                yield builder.step(frames)
