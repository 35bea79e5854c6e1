"""What each method will cost for the images and the layer at hand, before somebody chooses it."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from kx_widget.engine.costs import seconds_a_pass, seconds_for
from kx_widget.engine.errors import KxError
from kx_widget.engine.question import Question
from kx_widget.widget.answer_sources import AnswerSource, Query, QuestionTraits
from kx_widget.widget.prefetch import PAUSE
from kx_widget.widget.questions import adapted


class Estimates:
    """Seconds that answers will take; how long a forward pass takes is measured once, when there is time for it.

    Args:
        answers: where answers come from.
    """

    def __init__(self, answers: AnswerSource) -> None:
        self._answers = answers
        self._pass_seconds: float | None = None

    def of_passes(self, passes: int) -> float | None:
        """About how long so many passes of one image take; None while that is unknown."""
        return None if self._pass_seconds is None else passes * self._pass_seconds

    def pass_seconds(self, question: Question, wait: Callable[[float], bool]) -> float | None:
        """How long a pass of one image takes, measured with those of a question; None where nobody wants to know."""
        # The page draws the answer first: it may run on the same cores.
        if self._pass_seconds is None and not wait(PAUSE):
            self._pass_seconds = seconds_a_pass(question)
        return self._pass_seconds

    def by_method(self, query: Query, traits: QuestionTraits, wait: Callable[[float], bool]) -> dict[str, float]:
        """About how long each method would take instead of the one just asked, for one class, by its id.

        Methods that do not tell, or do not fit the model, have no entry.

        Args:
            query, traits: a question that was answered, and the traits that it came from.
            wait: waits for so many seconds, and tells whether nobody wants to know any more.
        """
        explainer, place = self._answers.explainer, query.question_at(0, 0)
        if explainer is None or place is None:
            return {}
        pass_seconds = self.pass_seconds(place[0], wait)
        if pass_seconds is None:
            return {}
        seconds: dict[str, float] = {}
        alone: dict[str, Any] = {**traits, "target": 0, "compare": "none", "compare_with": []}
        for name in explainer.methods:
            with suppress(KxError):
                question = self._answers.ask(adapted({**alone, "method": name}, traits, explainer)).question_at(0, 0)
                if question is not None and (estimate := seconds_for(question[0], pass_seconds)) is not None:
                    seconds[name] = estimate
        return seconds
