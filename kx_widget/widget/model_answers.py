"""Answers that a model computes."""

from collections.abc import Generator, Sequence
from typing import Any

from kx_widget.engine.answer import AnswerBuilder
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.images import Images
from kx_widget.engine.multi_layer import warm_cache
from kx_widget.engine.question import Question
from kx_widget.engine.types import Frames
from kx_widget.widget.answer_sources import Part, QuestionTraits
from kx_widget.widget.image_sources import ImageSource
from kx_widget.widget.questions import build
from kx_widget.widget.serialize import catalogue, columns


class ModelQuery:
    """A question that a model answers, as one question of the engine or one a column."""

    computes = True

    def __init__(self, source: ImageSource, explainer: Explainer, images: Images, traits: QuestionTraits) -> None:
        self._source, self._explainer, self._traits = source, explainer, traits
        self._questions = self._build(images, range(len(images.batch)))
        self.columns = columns(self._questions)

    def version(self) -> int:
        """Of the model's weights."""
        return self._questions[0].model.weights.version()

    def parts(self, images: Sequence[int], version: int | None = None) -> list[Part]:
        """The answer for these images: a part for each question."""
        questions, numbers = self._about(images)
        warm_cache(questions)
        parts: list[Part] = []
        for question in questions:
            first_column = sum(len(part.columns) for part in parts)
            parts.append(_part(question, numbers, first_column, None if parts else version))
        return parts

    def question_at(self, image: int, column: int) -> tuple[Question, int, int] | None:
        """The question of one column, the target's place among its own and the image's; None if there is no column."""
        questions, numbers = self._about([image])
        places = [(question, place) for question in questions for place in range(len(question.columns.texts))]
        return (*places[column], numbers.index(image)) if column in range(len(places)) else None

    def _about(self, images: Sequence[int]) -> tuple[list[Question], Sequence[int]]:
        """The questions about images that are not held."""
        loaded, numbers = self._source.load(self._explainer, images)
        if loaded is self._questions[0].images:
            return self._questions, numbers
        return self._build(loaded, numbers), numbers

    def _build(self, images: Images, numbers: Sequence[int]) -> list[Question]:
        """The questions about images of these numbers; about the true classes as well, where some are known."""
        labels = [self._source.label(number) for number in numbers] if self._source.has_labels else None
        return build(self._explainer, images, self._traits, labels)


def _part(question: Question, images: Sequence[int], first_column: int, version: int | None) -> Part:
    builder = AnswerBuilder(question)

    def stream(partials: bool) -> Generator[Frames, None, None]:
        for frames in question.stream(version, partials=partials):
            builder.add(frames)
            yield frames

    return Part(images, columns([question]), first_column, stream, builder.explanation)


class ModelAnswers:
    """Answers of a model.

    Args:
        explainer: of the model.
        source: the images.
        images: what a question is checked with: the images where they are held, a blank one where not.
    """

    def __init__(self, explainer: Explainer, source: ImageSource, images: Images) -> None:
        self.explainer = explainer
        self._source = source
        self._images = images

    def ask(self, traits: QuestionTraits) -> ModelQuery:
        """Check a question."""
        return ModelQuery(self._source, self.explainer, self._images, traits)

    def catalogue(self) -> dict[str, Any]:
        """What views need to know once; any question can be asked."""
        return catalogue(self.explainer) | {"offer": None}
