"""What several models say of the same images: their predictions, and how far their maps agree."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kx_widget.engine.explanation import Explanation
from kx_widget.engine.model_comparison import ModelComparison, agreement_of
from kx_widget.widget.image_sources import ImageSource, ModelImages
from kx_widget.widget.model_messages import AgreementRecord
from kx_widget.widget.painting import Predictions
from kx_widget.widget.serialize import finite, prediction_messages, prediction_numbers


class ModelPredictions:
    """Scores and probabilities of all images by those models that are compared with the first.

    Args:
        images: of the widget; there may be one model, and nothing is told then.
    """

    def __init__(self, images: ImageSource) -> None:
        self._images = images
        self._version: int | None = None
        self._predictions: dict[str, Predictions] = {}

    @property
    def first(self) -> str:
        """The name of the model with which others are compared, "" where there is one."""
        return self._images.models[0].name if self._images.models else ""

    def predict(self, version: int) -> None:
        """Find out what weights of this version predict, unless it is known."""
        if version != self._version:
            self._predictions = {each.name: each.explainer.predict(each.images) for each in self._others}
            self._version = version

    def of(self, model: str, version: int) -> Predictions | None:
        """What weights of this version predict, of one of these models, None where that is not known."""
        return self.kept(version).get(model)

    def messages(self, limit: int) -> Iterator[tuple[dict[str, Any], bytes]]:
        """All of them as pages are told, in messages of at most `limit` bytes."""
        for each in self._others:
            if (predictions := self._predictions.get(each.name)) is not None:
                numbers = prediction_numbers(*predictions, each.explainer.predicts)
                yield from prediction_messages(predictions[0], numbers, limit, each.name)

    def kept(self, version: int) -> Mapping[str, Predictions]:
        """Those that weights of this version make, by the name of the model."""
        return self._predictions if version == self._version else {}

    def comparison(self, explanations: Sequence[Explanation], first: Predictions, version: int) -> ModelComparison:
        """What is known of the models whose maps these are.

        Args:
            explanations: one a model.
            first: what the first model predicts.
            version: of the weights.
        """
        predictions = {self.first: first, **self.kept(version)}
        by_model = {each.model: each for each in explanations}
        scores, probabilities = ({name: predictions[name][part] for name in by_model} for part in (0, 1))
        names = self._images.models[0].explainer.class_names
        return ModelComparison(by_model, scores, probabilities, names, tuple(self._images.labels))

    @property
    def _others(self) -> Sequence[ModelImages]:
        return self._images.models[1:]


def agreement_records(explanations: Sequence[Explanation]) -> list[AgreementRecord]:
    """How far the maps of each model's column agree with the first column's, [] where no models are compared."""
    if len({each.model for each in explanations}) < 2:
        return []
    first, *others = explanations
    records: list[AgreementRecord] = []
    for number, other in enumerate(others, 1):
        if other.maps.shape[:2] != (len(first.maps), 1) or first.maps.shape[1] != 1:
            continue
        agreement = agreement_of(first.maps[:, 0], other.maps[:, 0])
        correlations = [finite(value) for value in agreement.correlations]
        records.append({"column": number, "correlations": correlations, "of_others": finite(agreement.of_others)})
    return records
