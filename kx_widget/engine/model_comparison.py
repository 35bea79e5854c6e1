"""Several models beside each other: where they disagree about images, and how far their maps agree."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kx_widget.engine.errors import ParameterError
from kx_widget.engine.explainer import KEYWORDS
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.figures import fixed, percent
from kx_widget.engine.labels import read_labels
from kx_widget.engine.layer_matches import LayerMatches
from kx_widget.engine.model_sets import explainers_of, naming
from kx_widget.engine.postprocess import resize
from kx_widget.engine.statistics import ranks, standardised
from kx_widget.engine.types import Floats, Ints


@dataclass(frozen=True)
class MapAgreement:
    """How far the maps of two models agree.

    Attributes:
        correlations: Spearman's of both maps of each image, (N,) −1 to 1, NaN where one of them is flat.
        of_others: the mean of those of maps of different images, which agree because both models look at the middle,
            for instance; NaN of a single image.
    """

    correlations: Floats
    of_others: float


def agreement_of(first: Floats, other: Floats) -> MapAgreement:
    """How far maps of the same images by two models agree.

    Args:
        first, other: raw maps (N, h, w), each of its own size; the coarser one is interpolated.
    """
    size = (max(first.shape[1], other.shape[1]), max(first.shape[2], other.shape[2]))
    a, b = (_standard_ranks(resize(maps, size)) for maps in (first, other))
    correlations = np.einsum("ij,ij->i", a, b).clip(-1, 1)
    # All pairs of different images at once: the product of the sums holds each of them, and those of the same image.
    of_same = np.isfinite(correlations)
    pairs = int(_known(a).sum() * _known(b).sum() - of_same.sum())
    of_pairs = np.nansum(a, 0) @ np.nansum(b, 0) - correlations[of_same].sum()
    return MapAgreement(correlations.astype(np.float32), float(of_pairs / pairs) if pairs else float("nan"))


def _known(rows: Any) -> NDArray[np.bool_]:
    return np.isfinite(rows).all(-1)


def _standard_ranks(maps: Floats) -> Any:
    """The ranks of the values of each map (N, n), standardised; NaN where one of them is no number or all are equal."""
    flat = maps.reshape(len(maps), -1)
    return standardised(np.where(_known(flat)[:, None], ranks(flat), np.nan))


@dataclass(frozen=True, eq=False)
class ModelComparison:
    """Maps and predictions of the same N images by several models; equal to nothing but itself.

    Attributes:
        explanations: by the name of the model; the others are compared with the first.
        scores: by the name of the model, those of all classes, float32 (N, C); see `Explainer.predict`.
        probabilities: the same in 0 to 1, NaN where the model tells none.
        class_names: one per class.
        labels: the true class of each image, None where it is unknown; () without any.
    """

    explanations: Mapping[str, Explanation]
    scores: Mapping[str, Floats]
    probabilities: Mapping[str, Floats]
    class_names: tuple[str, ...]
    labels: tuple[int | None, ...] = ()

    def __repr__(self) -> str:
        n = len(self.changed)
        return (
            f"ModelComparison({list(self.explanations)}; {n} images, {int(self.changed.sum())} predicted differently)"
        )

    @property
    def predicted(self) -> dict[str, Ints]:
        """By the name of the model, the class with the highest score of each image (N,)."""
        return {name: scores.argmax(-1) for name, scores in self.scores.items()}

    @property
    def changed(self) -> NDArray[np.bool_]:
        """Whether the models predict different classes, of each image (N,)."""
        first, *others = self.predicted.values()
        return np.any([first != other for other in others], 0)

    @property
    def broken(self) -> NDArray[np.bool_]:
        """Which images the first model predicts right, and another one wrong (N,); none without labels."""
        first, *others = self._right
        return first & ~np.all(others, 0)

    @property
    def mended(self) -> NDArray[np.bool_]:
        """Which images the first model predicts wrong, and another one right (N,); none without labels."""
        first, *others = self._right
        is_known = np.array([label is not None for label in self.labels] or [False] * len(first))
        return is_known & ~first & np.any(others, 0)

    @property
    def _right(self) -> list[NDArray[np.bool_]]:
        labels = np.array([-1 if label is None else label for label in self.labels])
        return [each == labels if len(labels) else np.zeros(len(each), bool) for each in self.predicted.values()]

    @property
    def shift(self) -> Floats:
        """How far predictions moved: the most of ½ Σ_c |p − p′| between the first model and another one (N,), 0 to 1.

        NaN where the models tell no probabilities.
        """
        first, *others = (np.asarray(p, np.float64) for p in self.probabilities.values())
        return np.max([np.abs(first - other).sum(-1) / 2 for other in others], 0).astype(np.float32)

    def agreement(self, name: str, target: int = 0) -> MapAgreement:
        """How far the maps of a model agree with those of the first.

        Args:
            name: of the model.
            target: which of the explained targets.

        Raises:
            ParameterError: there is no such model or target.
        """
        if name not in self.explanations:
            raise ParameterError(f"There is no model {name!r}, but {', '.join(map(repr, self.explanations))}.")
        first, other = next(iter(self.explanations.values())), self.explanations[name]
        if not -first.maps.shape[1] <= target < first.maps.shape[1]:
            raise ParameterError(f"There is no target {target}: there are {first.maps.shape[1]}.")
        return agreement_of(first.maps[:, target], other.maps[:, target])

    def to_dataframe(self) -> Any:
        """A pandas data frame, one row an image: predictions of each model, and agreement of the maps with the first.

        Raises:
            ImportError: pandas is missing.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("to_dataframe() needs pandas: pip install pandas.") from error
        first, *others = self.explanations
        columns: dict[str, Any] = {"image": list(self.explanations[first].names)}
        if self.labels:
            columns["label"] = ["" if label is None else self.class_names[label] for label in self.labels]
        for name, best in self.predicted.items():
            columns[f"{name}: predicted"] = [self.class_names[index] for index in best]
            columns[f"{name}: probability"] = self.probabilities[name][np.arange(len(best)), best]
        columns |= {"changed": self.changed, "shift": self.shift}
        columns |= {f"{name}: map agreement": self.agreement(name).correlations for name in others}
        return pd.DataFrame(columns)

    def _repr_html_(self) -> str:
        first, *others = self.explanations
        heads = ["image", *self.explanations, *(f"maps of {name} agree with {first}" for name in others)]
        agreements = [self.agreement(name) for name in others]
        rows = [heads, *(self._row(image, agreements) for image in range(len(self.changed)))]
        rows.append(["different images", *("" for _ in self.explanations), *(fixed(a.of_others) for a in agreements)])
        lines = ("".join(f'<td style="text-align:left">{escape(cell)}</td>' for cell in row) for row in rows)
        return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"

    def _row(self, image: int, agreements: list[MapAgreement]) -> list[str]:
        """The cells of one image."""
        name = next(iter(self.explanations.values())).names[image]
        cells = [f"{name}{' ≠' if self.changed[image] else ''}"]
        for model, best in self.predicted.items():
            p = self.probabilities[model][image, best[image]]
            cells.append(self.class_names[best[image]] + ("" if np.isnan(p) else f" {percent(p)}"))
        return cells + [fixed(each.correlations[image]) for each in agreements]


def compare_models(models: Mapping[str, Any], images: Any, targets: Any = "top", **arguments: Any) -> ModelComparison:
    """Explain the same images with several models, and tell where they disagree.

    Args:
        models: two to four models, or `Explainer`s of them, by name, of the same classes:
            `{"before": model, "after": tuned}`.
        images, targets: as in `Explainer.explain`; ranks are those of each model.
        **arguments: keywords of `Explainer`, where a dict by the models' names gives each its own
            (`preprocess={"after": scale}`), and of `Explainer.explain`. `layer` is one of the first model; of each
            other one it is that of the same name, or the one in its place.

    Returns:
        A `ModelComparison`: an `Explanation` of each model, which pictures changed their prediction, how far the maps
        agree.

    Raises:
        ParameterError: too few or too many models, or names that are none.
        ModelError: the models do not tell the same classes, or one of them cannot be explained.
        UnknownLayerError: a model has no layer that goes with this one.
        KxError: another one, as in `Explainer.explain`, with the name of the model.
    """
    settings = {name: arguments.pop(name) for name in KEYWORDS if name in arguments}
    explainers = explainers_of(models, settings)
    first, layer = next(iter(explainers.values())), arguments.pop("layer", None)
    loaded: dict[str, Any] = {}
    for name, explainer in explainers.items():
        with naming(name):
            loaded[name] = explainer.load(images)
    count = len(next(iter(loaded.values())).batch)
    labels = read_labels(arguments.get("labels"), count, first.class_names)
    if arguments.get("method", "") is None:
        arguments["method"] = first.inspection.recommended_method
    explanations: dict[str, Explanation] = {}
    predictions: dict[str, tuple[Floats, Floats]] = {}
    for name, explainer in explainers.items():
        with naming(name):
            path = layer
            if layer and explainer is not first:
                path = LayerMatches(first.inspection, explainer.inspection, name).of(layer).path
            explanation = explainer.explain(loaded[name], targets, layer=path, **arguments)
            explanations[name] = replace(explanation, model=name)
            predictions[name] = explainer.predict(loaded[name])
    scores, probabilities = ({name: each[i] for name, each in predictions.items()} for i in (0, 1))
    return ModelComparison(explanations, scores, probabilities, first.class_names, tuple(labels))
