"""Answers of several models to one question, side by side."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kx_widget import explainer as public
from kx_widget.engine.errors import ParameterError, did_you_mean
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.images import Images
from kx_widget.engine.layer_matches import LayerMatch, LayerMatches
from kx_widget.engine.model_inputs import EACH
from kx_widget.engine.model_sets import explainers_of, naming
from kx_widget.engine.question import Question
from kx_widget.engine.types import Frame
from kx_widget.engine.weights import Weights
from kx_widget.widget.answer_sources import Part, QuestionTraits
from kx_widget.widget.image_sources import LoadedImages, ModelImages
from kx_widget.widget.messages import Column
from kx_widget.widget.model_answers import ModelAnswers, ModelQuery
from kx_widget.widget.own_targets import OwnTargets


def model_images(models: Mapping[Any, Any], images: Any, settings: Mapping[str, Any]) -> list[ModelImages]:
    """The same images as each of several models is given them.

    Args:
        models: or explainers, by name.
        images: as in `Explainer.explain`.
        settings: keywords of `Explainer`; see `engine.model_sets.explainers_of`.

    Raises:
        ParameterError, ModelError, ImageError: as in `compare_models`.
    """
    if settings.get("explain_input") == EACH:
        raise ParameterError('explain_input="each" puts inputs of one model side by side: name the input to explain.')
    beside: list[ModelImages] = []
    for name, explainer in explainers_of(models, settings, public.Explainer).items():
        with naming(name):
            loaded = explainer.load(images)
            explainer.prepare(loaded.input_shape)
            beside.append(ModelImages(name, explainer, loaded))
    return beside


@dataclass(frozen=True)
class AskedModel:
    """The question as one of the models is asked it, at a layer that goes with the one that was chosen."""

    name: str
    query: ModelQuery
    match: LayerMatch

    @property
    def columns(self) -> list[Column]:
        """What the model's columns ask."""
        return [self.heading(column) for column in self.query.columns]

    def heading(self, column: Column) -> Column:
        """What a column asks, and of which model."""
        return {**column, "model": self.name, "matched": self.match.words}

    def parts(self, images: Sequence[int], first_column: int) -> list[Part]:
        """The model's answer for these images, whose columns begin there."""
        parts: list[Part] = []
        for part in self.query.parts(images):
            headings = list(map(self.heading, part.columns))
            place = {"columns": headings, "first_column": first_column + part.first_column}
            parts.append(replace(part, **place, explanation=self._explanation(part)))
        return parts

    def _explanation(self, part: Part) -> Callable[[Iterable[Frame], float], Explanation]:
        return lambda frames, seconds: replace(part.explanation(frames, seconds), model=self.name)


class ComparedQuery:
    """A question to some of several models; what has changed of any of them makes another answer."""

    computes = True

    def __init__(self, asked: Sequence[AskedModel], weights: Sequence[Weights]) -> None:
        self._asked = asked
        self._weights = weights
        self.columns = [column for each in asked for column in each.columns]

    def version(self) -> int:
        """Of the weights of all models."""
        return sum(each.version() for each in self._weights)

    def parts(self, images: Sequence[int], version: int | None = None) -> list[Part]:
        """The answer for these images, a part for each question of each model."""
        parts: list[Part] = []
        for each in self._asked:
            parts += each.parts(images, sum(len(part.columns) for part in parts))
        return parts

    def question_at(self, image: int, column: int) -> tuple[Question, int, int] | None:
        """The question of one column, the target's place among its own and the image's; None if there is no column."""
        for each in self._asked:
            if 0 <= column < len(each.query.columns):
                return each.query.question_at(image, column)
            column -= len(each.query.columns)
        return None

    def explained(self, image: int) -> tuple[list[tuple[Explainer, Images]], Sequence[int]]:
        """What explains each of the answer's parts and the images that it explains; their numbers."""
        explained = [each.query.explained(image) for each in self._asked]
        return [pair for pairs, _ in explained for pair in pairs], explained[0][1]


class ComparedModels:
    """Answers of several models; one that compares something else than models is that of the first.

    Args:
        source: the images, as each model is given them.

    Attributes:
        explainer: of the first model.
        own: targets of one's own, which all models share.
    """

    def __init__(self, source: LoadedImages) -> None:
        self._source = source
        self._sources = {each.name: LoadedImages(each.images) for each in source.models}
        self.explainer: Explainer = source.models[0].explainer
        self.own: OwnTargets = OwnTargets(self.explainer.class_names)
        first = self.explainer.inspection
        self._matches = {
            each.name: LayerMatches(first, each.explainer.inspection, each.name)
            for each in source.models
            if each.explainer is not self.explainer
        }
        self._weights = [each.explainer.prepare(each.images.input_shape).weights for each in source.models]
        self._answers: dict[str, ModelAnswers] = {}
        for each in source.models:
            answers = ModelAnswers(each.explainer, self._sources[each.name], each.images)
            answers.own = self.own
            self._answers[each.name] = answers

    def ask(self, traits: QuestionTraits) -> ComparedQuery:
        """Check a question.

        Raises:
            KxError: it cannot be answered by one of the models, which is named.
        """
        for source in self._sources.values():
            source.labels = self._source.labels
        if traits["compare"] != "models":
            first = next(iter(self._answers))
            return ComparedQuery([AskedModel(first, self._answers[first].ask(traits), LayerMatch(""))], self._weights)
        alone = {**traits, "compare": "none", "compare_with": []}
        asked: list[AskedModel] = []
        for name in self._names(traits["compare_with"]):
            with naming(name):
                match = self._match(name, traits["layer"])
                asked.append(AskedModel(name, self._answers[name].ask({**alone, "layer": match.path}), match))
        return ComparedQuery(asked, self._weights)

    def catalogue(self) -> dict[str, Any]:
        """What views need to know once; layers without a partner in another model cannot be chosen."""
        welcome = self._answers[next(iter(self._answers))].catalogue()
        records: list[Any] = []
        for layer in welcome["inspection"]["layers"]:
            reason = layer["is_candidate"] and self._objection(layer["path"])
            records.append({**layer, "is_candidate": False, "reason": reason} if reason else layer)
        models = [{"name": each.name, "preprocessing": each.explainer.preprocessing} for each in self._source.models]
        return {**welcome, "inspection": {**welcome["inspection"], "layers": records}, "models": models}

    def _names(self, chosen: Sequence[Any]) -> list[str]:
        """The models whose columns are asked for: those chosen, or all.

        Raises:
            ParameterError: there is no such model.
        """
        for name in chosen:
            if not isinstance(name, str) or name not in self._answers:
                raise ParameterError(
                    f"compare_with holds names of models while compare is 'models': there is no {name!r:.100}."
                    f"{did_you_mean(name, self._answers)}"
                )
        return list(dict.fromkeys(chosen)) or list(self._answers)

    def _match(self, name: str, layer: str) -> LayerMatch:
        return self._matches[name].of(layer) if name in self._matches else LayerMatch(layer)

    def _objection(self, path: str) -> str:
        """Why not all models have a layer that goes with this one, "" where they do."""
        objections = {name: matches.objection(path) for name, matches in self._matches.items()}
        return "; ".join(f"{name!r}: {objection}" for name, objection in objections.items() if objection)
