"""Where a widget's answers come from: `model_answers` computes them, `stored` reads them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from kx_widget.engine.explanation import Explanation
from kx_widget.engine.targets import mentions_true
from kx_widget.engine.types import Frame, Frames
from kx_widget.widget.messages import Column
from kx_widget.widget.serialize import Tiles, tile

if TYPE_CHECKING:
    # What is stored is shown without TensorFlow.
    from kx_widget.engine.explainer import Explainer
    from kx_widget.engine.images import Images
    from kx_widget.engine.question import Question
    from kx_widget.widget.own_targets import OwnTargets

QuestionTraits = Mapping[str, Any]


def asks_for_labels(traits: QuestionTraits) -> bool:
    """Whether the answer depends on the true classes of the images."""
    compared = traits["compare_with"] if traits["compare"] == "targets" else []
    return any(map(mentions_true, [traits["target"], *compared]))


@dataclass(frozen=True)
class Part:
    """Columns of an answer that have maps of one size; its frames count images and columns from 0.

    Attributes:
        images: the numbers of its images.
        columns: what they ask.
        first_column: where they begin in the grid.
        stream: computes or reads the maps, with those that will still change if it is given True.
        explanation: the answer of these frames, which took so many seconds.
        kept: maps that were computed before, which `stream` leaves out.
    """

    images: Sequence[int]
    columns: Sequence[Column]
    first_column: int
    stream: Callable[[bool], Generator[Frames, None, None]]
    explanation: Callable[[Iterable[Frame], float], Explanation]
    kept: tuple[Frame, ...] = ()

    @property
    def numbers(self) -> range:
        """Its columns' places in the grid."""
        return range(self.first_column, self.first_column + len(self.columns))

    def placed(self, frames: Iterable[Frame]) -> dict[tuple[int, int], Frame]:
        """Some frames by their image and column in the grid."""
        return {(self.images[frame.image], self.first_column + frame.column): frame for frame in frames}

    def tiles(self, frames: Iterable[Frame]) -> Tiles:
        """The maps of some frames, by their image and column in the grid."""
        placed = self.placed(frames).items()
        return {(i, c): tile(frame, i, c, self.columns[frame.column]) for (i, c), frame in placed}


class Query(Protocol):
    """A checked question about the images of a source.

    `computes` tells whether a model has to answer.
    """

    computes: bool

    @property
    def columns(self) -> list[Column]:
        """What the grid's columns ask."""
        ...

    def version(self) -> int:
        """Of the model's weights; 0 where none answers."""
        ...

    def parts(self, images: Sequence[int], version: int | None = None) -> Sequence[Part]:
        """The answer for these images, a part for columns that have maps of one size.

        Args:
            images: their numbers.
            version: of the weights, if it was looked up just now.

        Raises:
            ImageError: none of them can be used.
        """
        ...

    def question_at(self, image: int, column: int) -> tuple[Question, int, int] | None:
        """The model's question of one column, the target's place among its own and the image's; None without one."""
        ...

    def explained(self, image: int) -> tuple[list[tuple[Explainer, Images]], Sequence[int]]:
        """What explains each of the answer's parts and the images that it explains, this one among them; their numbers.

        Raises:
            KxError: there is no model, or the image cannot be used.
        """
        ...


class AnswerSource(Protocol):
    """Answers questions about the images of a source."""

    @property
    def explainer(self) -> Explainer | None:
        """Of the model, None where there is none."""
        ...

    @property
    def own(self) -> OwnTargets | None:
        """Targets of one's own that can be asked by their names, None where no model answers."""
        ...

    def ask(self, traits: QuestionTraits) -> Query:
        """Check a question.

        Raises:
            KxError: it cannot be answered, and why.
        """
        ...

    def catalogue(self) -> dict[str, Any]:
        """What views need to know once."""
        ...
