"""Paint on pictures whose scores pages ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kx_widget.engine.errors import KxError, message_of
from kx_widget.widget.answer_sources import Query
from kx_widget.widget.current_answer import CurrentAnswer
from kx_widget.widget.image_sources import LoadedImages
from kx_widget.widget.images_in_sight import ImagesInSight
from kx_widget.widget.latest_answer import LatestAnswer
from kx_widget.widget.messages import Column
from kx_widget.widget.painting import Painting, Stroke
from kx_widget.widget.worker import CancelToken

if TYPE_CHECKING:
    # What is stored is shown without TensorFlow.
    from kx_widget.engine.explainer import Explainer

# Nothing is measured so long after a stroke: the next one follows soon, and must not wait for a call of the model.
SECONDS_AFTER_STROKE = 2.0
# Views whose strokes wait.
MOST_STROKES = 40


class StrokeRequests:
    """The latest strokes of each view.

    Args:
        latest: the answer that the maps under the paint are of.
        in_sight: reads maps that are not there yet.
        is_training: tells whether the model is being trained, which no pause may keep waiting.
    """

    def __init__(self, latest: LatestAnswer, in_sight: ImagesInSight, is_training: Callable[[], bool]) -> None:
        self._latest, self._in_sight, self._is_training = latest, in_sight, is_training
        self._wanted_strokes: dict[tuple[str, bool], Stroke] = {}
        self._painting = Painting(latest.images)
        self._paintings_beside = {
            each.name: (Painting(LoadedImages(each.images)), each.explainer)
            for each in (*latest.images.inputs, *latest.images.models)
        }

    def forget(self) -> None:
        """Note that another question is asked."""
        self._wanted_strokes = {}

    def paint(self, gen: int, stroke: Mapping[str, Any]) -> None:
        """Score images parts of which a page has painted, for the question of that number, once it is answered."""
        numbers = range(len(self._latest.images))
        with self._latest.changed:
            if gen != self._latest.current.gen:
                return
            latest = Stroke.of(stroke, [image for image in dict.fromkeys(stroke["images"]) if image in numbers])
            self._wanted_strokes = {**self._wanted_strokes, latest.key: latest}
            while len(self._wanted_strokes) > MOST_STROKES:
                del self._wanted_strokes[next(iter(self._wanted_strokes))]
            if self._latest.current.status != "running":
                self._latest.go_on()

    def send(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Score what pages have painted, one image before many, and leave the model free for the next stroke."""
        strokes = sorted(self._wanted_strokes.items(), key=lambda item: item[0][1])
        for key, stroke in strokes if answer.status != "running" else ():
            lacking = [image for image in stroke.images if (image, stroke.column) not in answer.tiles]
            if lacking and not query.computes:
                self._latest.take(answer, self._in_sight.compute(query, lacking, stale), {}, stale)
            own = self._latest.answers.own and self._latest.answers.own.of_column(answer.columns, stroke.column)
            painting, explainer = self._painting_of(answer.columns, stroke.column)
            predictions, regions = self._latest.predictions_of(answer, stroke.column), answer.traits["regions"]
            parts = painting.score(explainer, stroke, answer.tiles, predictions, regions, own)
            try:
                for about, buffer in parts:
                    if query.version() != answer.version:
                        raise KxError("The weights have changed since these maps were made: refresh, and paint again.")
                    with self._latest.changed:
                        if stale():
                            return
                        self._latest.outbox.painted(about, buffer)
            except Exception as error:
                with self._latest.changed:
                    if not stale():
                        self._latest.outbox.painted(stroke.message(problem=message_of(error)), b"")
            with self._latest.changed:
                if self._wanted_strokes.get(key) is stroke:
                    del self._wanted_strokes[key]
        if strokes and not self._is_training():
            stale.wait(SECONDS_AFTER_STROKE)

    def _painting_of(self, columns: Sequence[Column], number: int) -> tuple[Painting, Explainer | None]:
        """What scores paint on the pictures of a column, and what explains these."""
        name = (columns[number]["model"] or columns[number]["input"]) if number in range(len(columns)) else ""
        return self._paintings_beside.get(name, (self._painting, self._latest.answers.explainer))
