"""Answers that a model computes."""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from kx_widget.engine.answer import AnswerBuilder
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.images import Images
from kx_widget.engine.multi_layer import warm_cache
from kx_widget.engine.question import Question
from kx_widget.engine.tiled import REFUSED
from kx_widget.engine.types import Frame, Frames
from kx_widget.widget.answer_sources import Part, QuestionTraits
from kx_widget.widget.image_sources import ImageSource, InputImages
from kx_widget.widget.kept_frames import KeptFrames, Unfinished, keys_of, unfinished
from kx_widget.widget.own_targets import OwnTargets
from kx_widget.widget.questions import build, for_input
from kx_widget.widget.region_traits import check_regions, regions_of
from kx_widget.widget.serialize import catalogue, columns

# Of what may be kept between calls, so much is kept of finished maps besides.
KEPT_PART = 0.25


@dataclass(frozen=True)
class InputQuestions:
    """Questions about one input of the model: side by side, about the same images, with what is kept of their maps."""

    name: str
    explainer: Explainer
    questions: list[Question]
    kept: KeptFrames


class ModelQuery:
    """A question that a model answers, as one question of the engine or one a column, of each input that is shown."""

    computes = True

    def __init__(
        self,
        source: ImageSource,
        explainer: Explainer,
        images: Images,
        traits: QuestionTraits,
        kept: Mapping[str, KeptFrames],
        own: OwnTargets,
    ) -> None:
        self._source, self._explainer, self._traits, self._kept = source, explainer, traits, kept
        self._own = own
        self._inputs = self._build(images, range(len(images.batch)))
        self.columns = [column for each in self._inputs for column in columns(each.questions, each.name)]

    def version(self) -> int:
        """Of the model's weights."""
        return self._inputs[0].questions[0].model.weights.version()

    def parts(self, images: Sequence[int], version: int | None = None) -> list[Part]:
        """The answer for these images: a part for each question; only what is not kept is computed."""
        inputs, numbers = self._about(images)
        parts: list[Part] = []
        for each in inputs:
            # Each input has a count of its own.
            weights = version if version is not None and not parts else each.questions[0].model.weights.version()
            finished = [each.kept.find(question, weights) for question in each.questions]
            rests = list(map(unfinished, each.questions, finished))
            warm_cache([rest.question for rest in rests if rest is not None])
            for question, frames, rest in zip(each.questions, finished, rests, strict=True):
                first_column = sum(len(part.columns) for part in parts)
                stream = self._stream(question, rest, each.kept, None if parts else weights)
                explanation = partial(_explanation, question)
                headings = columns([question], each.name)
                parts.append(Part(numbers, headings, first_column, stream, explanation, tuple(frames)))
        return parts

    def _stream(
        self, question: Question, rest: Unfinished | None, kept: KeptFrames, version: int | None
    ) -> Callable[[bool], Generator[Frames, None, None]]:
        """Computes the rest of a question, and keeps it."""

        def stream(partials: bool) -> Generator[Frames, None, None]:
            if rest is None:
                return
            weights = question.model.weights.version() if version is None else version
            keys = keys_of(question)
            for each in rest.question.stream(weights, partials=partials):
                frames = rest.placed(each)
                kept.keep(keys, frames.frames, weights)
                yield frames

        return stream

    def question_at(self, image: int, column: int) -> tuple[Question, int, int] | None:
        """The question of one column, the target's place among its own and the image's; None if there is no column."""
        inputs, numbers = self._about([image])
        questions = [question for each in inputs for question in each.questions]
        places = [(question, place) for question in questions for place in range(len(question.columns.texts))]
        return (*places[column], numbers.index(image)) if column in range(len(places)) else None

    def explained(self, image: int) -> tuple[list[tuple[Explainer, Images]], Sequence[int]]:
        """What explains each of the answer's parts and the images that it explains, this one among them; their numbers.

        Raises:
            ImageError: it cannot be used.
        """
        inputs, numbers = self._about([image])
        return [(each.explainer, question.images) for each in inputs for question in each.questions], numbers

    def _about(self, images: Sequence[int]) -> tuple[list[InputQuestions], Sequence[int]]:
        """The questions about images that are not held."""
        loaded, numbers = self._source.load(self._explainer, images)
        if loaded is self._inputs[0].questions[0].images:
            return self._inputs, numbers
        return self._build(loaded, numbers), numbers

    def _build(self, images: Images, numbers: Sequence[int]) -> list[InputQuestions]:
        """The questions about images of these numbers; about the true classes as well, where some are known."""
        labels = [self._source.label(number) for number in numbers] if self._source.has_labels else None
        regions = regions_of(self._traits["regions"], numbers)
        inputs_beside = self._source.inputs if self._traits["compare"] != "layers" else ()
        name = self._explainer.inputs.image.name if inputs_beside else ""
        inputs = [(InputImages(name, self._explainer, images), self._traits)]
        inputs += [(each, for_input(self._traits, each.explainer)) for each in inputs_beside]
        return [
            InputQuestions(
                each.name,
                each.explainer,
                build(each.explainer, each.images, traits, labels, regions, self._own),
                self._kept[each.name],
            )
            for each, traits in inputs
        ]


def _explanation(question: Question, frames: Iterable[Frame], seconds: float) -> Explanation:
    return AnswerBuilder(question).add_all([Frames(tuple(frames), 1, 1)]).explanation(seconds)


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
        self.own: OwnTargets = OwnTargets(explainer.class_names)
        names = "", *((explainer.inputs.image.name,) if source.inputs else ()), *(each.name for each in source.inputs)
        # By input: pictures that change places are other questions.
        limit = explainer.settings.cache_mib * KEPT_PART * 2**20 / len(names)
        self._kept = {name: KeptFrames(limit) for name in names}

    def ask(self, traits: QuestionTraits) -> ModelQuery:
        """Check a question."""
        check_regions(traits["regions"], self._source)
        return ModelQuery(self._source, self.explainer, self._images, traits, self._kept, self.own)

    def catalogue(self) -> dict[str, Any]:
        """What views need to know once; any question can be asked."""
        unmeasurable = None if self.explainer.tiling is None else REFUSED
        about_all = {"offer": None, "columns": [], "suspicions": None, "unmeasurable": unmeasurable, "models": []}
        return catalogue(self.explainer) | about_all
