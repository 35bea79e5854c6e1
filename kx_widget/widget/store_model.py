"""The model beside a store of explanations."""

import warnings
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from kx_widget import explainer as public
from kx_widget.bulk.job import weights_of
from kx_widget.bulk.parts import check_can_be_asked, explainer_keywords
from kx_widget.bulk.pipeline import blank
from kx_widget.engine.errors import ImageError, ParameterError
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.ranges import Ranges
from kx_widget.engine.tiled import NO_DATA_SET
from kx_widget.widget.model_answers import ModelAnswers
from kx_widget.widget.stored import StoredImages


def model_of_store(source: StoredImages, model: Any, settings: Mapping[str, Any]) -> ModelAnswers:
    """The model beside a store.

    Raises:
        ParameterError: it has other classes, cuts pictures into tiles, or tells by itself nothing of what is explained.
    """
    job = source.store.job
    check_can_be_asked(source.store.path, job)
    if not isinstance(model, Explainer):
        model = public.Explainer(model, **{**explainer_keywords(job), **settings})
        model.ranges = Ranges(source.store.depth)
    if model.tiling is not None:
        raise ParameterError(NO_DATA_SET)
    with suppress(ImageError):  # The catalogue says how images are preprocessed.
        source.load(model, [0])
    if len(model.class_names) != len(job["class_names"]):
        raise ParameterError(
            f"The model has {len(model.class_names)} classes, and that of the store "
            f"{len(job['class_names'])}: pass the model that was explained."
        )
    if weights_of(model.model) != job["model"]["weights"]:
        warnings.warn(
            "The store was made with other weights than the model has: what is stored and what is asked anew "
            "are answers of two models.",
            RuntimeWarning,
            stacklevel=3,
        )
    return ModelAnswers(model, source, blank(model))
