"""Measures methods beside each other while nothing else is to be done, one map at a time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from kx_widget.engine.answer import AnswerBuilder
from kx_widget.engine.comparison import COMPARED
from kx_widget.engine.costs import seconds_for
from kx_widget.engine.errors import ImageError, KxError
from kx_widget.engine.evaluation import Evaluation
from kx_widget.engine.evaluation_inputs import COVERS
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.question import Question
from kx_widget.engine.recommendation import methods_beside
from kx_widget.engine.registry import find
from kx_widget.widget.answer_sources import AnswerSource, Query, QuestionTraits, asks_for_labels
from kx_widget.widget.estimates import Estimates
from kx_widget.widget.evidence import CONTROL_PASSES, IMAGE_PASSES, MAP_PASSES, QUICK, fitting_metrics
from kx_widget.widget.image_sources import ImageSource
from kx_widget.widget.questions import MOST_PASSES, fitting_layer
from kx_widget.widget.ranking import METRICS, Ranking
from kx_widget.widget.region_traits import PlainRegions

# So many tables are kept, and so many methods are chosen at first.
MOST_RANKINGS, CHOSEN = 100, 6
# Seconds that passes were to take, and that the work took, before any is done: compiling and sorting take their part.
ESTIMATED, TAKEN = 2.0, 3.0
# Other classes that a quick method is asked for once more.
OTHER_CLASSES = 4

Place = tuple[Question, int, int]


class Ranker:
    """The tables of one widget.

    Args:
        images: what is explained.
        answers: what explains it.
        estimates: what passes take.
    """

    def __init__(self, images: ImageSource, answers: AnswerSource, estimates: Estimates) -> None:
        self._images, self._answers, self._estimates = images, answers, estimates
        self._rankings: dict[str, Ranking] = {}
        self._rankable: dict[str, list[dict[str, Any]]] = {}
        self._estimated, self._taken = ESTIMATED, TAKEN

    def of_answer(self, traits: QuestionTraits, targets: Sequence[str], version: int) -> list[Ranking]:
        """The tables of an answer, one for each of its targets, which other methods' answers share.

        Args:
            traits: of the question.
            targets: of its columns.
            version: of the weights.
        """
        explainer = self._answers.explainer
        if explainer is None:
            return []
        layers = self._layers(explainer, traits)
        rankings: list[Ranking] = []
        for target in dict.fromkeys(targets):
            own = self._answers.own
            alone = {"target": target, "compare": "none", "compare_with": []}
            editions = [] if own is None else own.editions(alone)
            labels = list(self._images.labels) if asks_for_labels(alone) else []
            key = json.dumps([version, layers, labels, target, editions, traits["regions"]], default=str)
            ranking = self._rankings.pop(key, None) or Ranking(target, explainer.methods, layers, traits["regions"])
            self._rankings[key] = ranking
            rankings.append(ranking)
        while len(self._rankings) > MOST_RANKINGS:
            del self._rankings[next(iter(self._rankings))]
        return rankings

    def message(self, traits: QuestionTraits, rankings: Sequence[Ranking]) -> dict[str, Any]:
        """The fields of a `rankings` message, as far as they are known."""
        explainer = self._answers.explainer
        if explainer is None:
            return {}
        slow = self._taken / self._estimated
        methods = [
            {**each, "seconds": each["seconds"] and slow * each["seconds"]}
            for each in self._rankable.get(self._layer_key(explainer, traits), [])
        ]
        image, size = map(self._estimates.of_passes, (IMAGE_PASSES, CONTROL_PASSES))
        return {
            "rankable": methods,
            "image_seconds": image and slow * image,
            "size_seconds": size and slow * size,
            "items": [ranking.record() for ranking in rankings if ranking.methods],
        }

    def prepare(self, query: Query, traits: QuestionTraits, image: int, wait: Callable[[float], bool]) -> bool:
        """Find out which methods can be compared instead of the one just asked; whether anything is new.

        Args:
            query, traits: a question that was answered, and the traits that it came from.
            image: one that can be read.
            wait: waits for so many seconds, and tells whether nobody wants to know any more.
        """
        explainer = self._answers.explainer
        if explainer is None or explainer.tiling or (key := self._layer_key(explainer, traits)) in self._rankable:
            return False
        place = query.question_at(image, 0)
        pass_seconds = None if place is None else self._estimates.pass_seconds(place[0], wait)
        if pass_seconds is None:
            return False
        layers = self._layers(explainer, traits)
        current = find(explainer.methods, traits["method"])
        first = [*methods_beside(explainer.methods, current, explainer.inspection, MOST_PASSES), *COMPARED]
        records: dict[str, dict[str, Any]] = {}
        for name in explainer.methods:
            if wait(0):
                return False
            records[name] = self._rankable_record(explainer, layers, name, image, pass_seconds)
        usable = [name for name in dict.fromkeys(first) if name in records and not records[name]["problem"]]
        for name in usable[:CHOSEN]:
            records[name]["chosen"] = True
        self._rankable[key] = list(records.values())
        return True

    def measure(self, ranking: Ranking, stale: Callable[[], bool]) -> Iterator[None]:
        """Measure what a table lacks, and yield after each map."""
        explainer = self._answers.explainer
        assert explainer is not None
        left, start = ranking.left(), time.perf_counter()
        for image, method in left:
            if image not in ranking.images or method in ranking.problems:
                continue
            try:
                evaluation = self._evaluate(explainer, ranking, method, image, stale)
            except ImageError:
                ranking.images = [each for each in ranking.images if each != image]
            except KxError as error:
                ranking.problems[method] = str(error)
            else:
                if evaluation is None:
                    return
                ranking.evaluations[method, image, ranking.cover] = evaluation
            ranking.record()
            yield
        self._estimated += self._seconds(ranking, left)
        self._taken += time.perf_counter() - start

    def _seconds(self, ranking: Ranking, maps: Sequence[tuple[int, str]]) -> float:
        """What the passes of these maps take, by image and method."""
        rankable = next(
            (each for each in self._rankable.values() if {m["method"]: m["layer"] for m in each} == ranking.layers), []
        )
        records = {each["method"]: each for each in rankable if each["seconds"] is not None}
        of_image, of_size = (self._estimates.of_passes(passes) or 0 for passes in (IMAGE_PASSES, CONTROL_PASSES))
        measured = [(image, records[method]) for image, method in maps if method in records]
        sizes = {(image, tuple(record["size"])) for image, record in measured}
        images = {image for image, _ in measured}
        return sum(record["seconds"] for _, record in measured) + len(images) * of_image + len(sizes) * of_size

    def _evaluate(
        self, explainer: Explainer, ranking: Ranking, method: str, image: int, stale: Callable[[], bool]
    ) -> Evaluation | None:
        """One map of a method as it is by default, measured; None where nobody wants to know any more."""
        question = self._question(ranking.layers, method, image, ranking.target, ranking.regions)
        builder, evaluation = AnswerBuilder(question), None
        with closing(question.stream(partials=False)) as frames:
            for each in frames:
                if stale():
                    return None
                builder.add(each)
        explanation = builder.explanation(0.0)
        names = fitting_metrics(explainer, METRICS, explanation)
        stream = explainer.evaluate_stream(explanation, names, images=question.images, cover=ranking.cover)
        with closing(stream):
            for each in stream:
                if stale():
                    return None
                evaluation = each
        return evaluation

    def _question(
        self, layers: Mapping[str, str], method: str, image: int, target: Any, regions: PlainRegions
    ) -> Question:
        """The question about one map.

        Raises:
            KxError: the model has not got what the method needs.
        """
        traits = {"layer": layers[method], "method": method, "target": target, "params": {}, "regions": regions}
        query = self._answers.ask({**traits, "compare": "none", "compare_with": []})
        place = query.question_at(image, 0)
        if place is None:
            raise KxError("There is no model that could answer.")
        question, column, row = place
        return question.part(slice(row, row + 1), [column])

    def _rankable_record(
        self, explainer: Explainer, layers: Mapping[str, str], method: str, image: int, pass_seconds: float
    ) -> dict[str, Any]:
        record = {
            "method": method,
            "layer": layers[method],
            "chosen": False,
            "seconds": None,
            "size": [],
            "problem": "",
        }
        try:
            question = self._question(layers, method, image, 0, {})
        except KxError as error:
            return {**record, "problem": str(error)}
        seconds = seconds_for(question, pass_seconds)
        if seconds is not None:
            passes = 1 + OTHER_CLASSES * (explainer.methods[method].cost in QUICK)
            seconds = passes * seconds + MAP_PASSES * pass_seconds
        return {**record, "seconds": seconds, "size": list(question.spatial or question.images.batch.shape[1:3])}

    def _layers(self, explainer: Explainer, traits: QuestionTraits) -> dict[str, str]:
        """The layer that each method is asked at if it takes the place of the one that is chosen."""
        current, inspection = find(explainer.methods, traits["method"]), explainer.inspection
        return {
            name: fitting_layer(inspection, traits["layer"], current, method)
            for name, method in explainer.methods.items()
        }

    def _layer_key(self, explainer: Explainer, traits: QuestionTraits) -> str:
        return json.dumps(self._layers(explainer, traits))


def check_request(images: Sequence[int], methods: Sequence[str], cover: str, offered: Sequence[str]) -> None:
    """Refuse what cannot be compared; `offered` are all methods of the model.

    Raises:
        KxError: an unknown method or cover, no image.
    """
    if unknown := [method for method in methods if method not in offered]:
        raise KxError(f"There is no method {unknown[0]!r} to compare.")
    if cover not in COVERS:
        raise KxError(f"cover={cover!r:.100} is none of {', '.join(COVERS)}.")
    if methods and not images:
        raise KxError("There is no image to compare methods on.")
