"""What each method will cost for the images and the layer at hand, before somebody chooses it."""

import time
from collections.abc import Callable
from typing import Any

from kx_widget.engine.costs import passes_for, seconds_a_pass
from kx_widget.engine.errors import KxError
from kx_widget.engine.question import Question
from kx_widget.engine.types import Frames
from kx_widget.widget.answer_sources import AnswerSource, Part, Query, QuestionTraits
from kx_widget.widget.prefetch import PAUSE
from kx_widget.widget.questions import adapted

# An answer that takes fewer seconds is at once there; what it took is mostly noise.
SHORT = 0.5
# What was known before makes an answer far quicker than passes are.
KNOWN = 0.25


class Stopwatch:
    """How long all passes of an answer take, told by those after its first ones, in which the model is compiled."""

    def __init__(self) -> None:
        self._times: list[tuple[float, int]] = []
        self._total = 0

    def note(self, frames: Frames) -> None:
        """Note that these maps have come."""
        self._times[1:] = [(time.perf_counter(), frames.done)]
        self._total = frames.total

    @property
    def seconds(self) -> float | None:
        """Of all passes; None where all of them came at once."""
        if not self._times:
            return None
        (start, before), (end, done) = self._times[0], self._times[-1]
        return (end - start) * self._total / (done - before) if done > before else None


class Estimates:
    """Seconds that answers will take; how long a forward pass takes is measured once, when there is time for it.

    Once a method was asked, what its own passes took counts for it.

    Args:
        answers: where answers come from.
    """

    def __init__(self, answers: AnswerSource) -> None:
        self._answers = answers
        self._pass_seconds: float | None = None
        self._method_seconds: dict[str, float] = {}

    def of_passes(self, passes: int) -> float | None:
        """About how long so many passes of one image take; None while that is unknown."""
        return None if self._pass_seconds is None else passes * self._pass_seconds

    def pass_seconds(self, question: Question, wait: Callable[[float], bool]) -> float | None:
        """How long a pass of one image takes, measured with those of a question; None where nobody wants to know."""
        # The page draws the answer first: it may run on the same cores.
        if self._pass_seconds is None and not wait(PAUSE):
            self._pass_seconds = seconds_a_pass(question, lambda: wait(0))
        return self._pass_seconds

    def learn(self, query: Query, part: Part, watch: Stopwatch) -> None:
        """Note what the passes of a method took, for a part of an answer about one target."""
        place = query.question_at(part.images[0], part.first_column) if len(part.columns) == 1 else None
        if place is None or watch.seconds is None or watch.seconds < SHORT:
            return
        question = place[0]
        seconds = watch.seconds / (passes_for(question) or len(question.images.batch))
        shared = None if question.method.passes is None else self._pass_seconds
        if seconds > KNOWN * (self._method_seconds.get(question.method.id, shared) or 0):
            self._method_seconds[question.method.id] = seconds

    def by_method(self, query: Query, traits: QuestionTraits, wait: Callable[[float], bool]) -> dict[str, Any]:
        """What a page is told of each method instead of the one just asked, for one class; {} where nobody can tell.

        Args:
            query, traits: a question that was answered, and the traits that it came from.
            wait: waits for so many seconds, and tells whether nobody wants to know any more.

        Returns:
            By its id, about how many `seconds` each would take, if it tells; and why those are `refused` that cannot
            be asked.
        """
        explainer, place = self._answers.explainer, query.question_at(0, 0)
        pass_seconds = None if explainer is None or place is None else self.pass_seconds(place[0], wait)
        if explainer is None or pass_seconds is None:
            return {}
        seconds: dict[str, float] = {}
        refused: dict[str, str] = {}
        models = len(query.columns) if traits["compare"] == "models" else 1
        alone: dict[str, Any] = {**traits, "target": 0, "compare": "none", "compare_with": []}
        for name, method in explainer.methods.items():
            try:
                place = self._answers.ask(adapted({**alone, "method": name}, traits, explainer)).question_at(0, 0)
            except KxError as error:
                refused[name] = str(error)
                continue
            if place is None:
                continue
            question = place[0]
            if method.objection and (objection := method.objection(question.model.graph, question.call)):
                refused[name] = objection
            elif method.passes is not None or name in self._method_seconds:
                passes = passes_for(question) or len(question.images.batch)
                seconds[name] = models * passes * self._method_seconds.get(name, pass_seconds)
        return {"seconds": seconds, "refused": refused}
