"""See what a Keras model looks at: `KxWidget(model, images)` in a notebook cell, `explain(model, images)` anywhere."""

import importlib
from typing import TYPE_CHECKING, Any

from kx_widget.version import __version__ as __version__

if TYPE_CHECKING:
    from kx_widget import samples
    from kx_widget.bulk.store import Store
    from kx_widget.engine.concepts import Concepts
    from kx_widget.engine.detections import Detection, detection
    from kx_widget.engine.detectors import dfine_boxes, retinanet_boxes
    from kx_widget.engine.display import Display
    from kx_widget.engine.errors import (
        CancelledError,
        FormatError,
        ImageError,
        KxError,
        MissingPackageError,
        ModelError,
        ParameterError,
        UnknownLayerError,
        UnknownMethodError,
        UnknownTargetError,
        UnsupportedMethodError,
    )
    from kx_widget.engine.evaluation import Evaluation
    from kx_widget.engine.explainer import explain
    from kx_widget.engine.explanation import Explanation
    from kx_widget.engine.methods import METHODS
    from kx_widget.engine.metrics import METRICS
    from kx_widget.engine.model_comparison import MapAgreement, ModelComparison, compare_models
    from kx_widget.engine.references import similar_to
    from kx_widget.engine.regions import Region, region
    from kx_widget.engine.registry import Method, Metric
    from kx_widget.engine.scalars import Target
    from kx_widget.engine.targets import contrast
    from kx_widget.engine.types import Inspection, Parameter, Partial, Step
    from kx_widget.explainer import Explainer
    from kx_widget.widget.explain_callback import ExplainCallback
    from kx_widget.widget.widget import KxWidget

__all__ = [
    "METHODS",
    "METRICS",
    "CancelledError",
    "Concepts",
    "Detection",
    "Display",
    "Evaluation",
    "ExplainCallback",
    "Explainer",
    "Explanation",
    "FormatError",
    "ImageError",
    "Inspection",
    "KxError",
    "KxWidget",
    "MapAgreement",
    "Method",
    "Metric",
    "MissingPackageError",
    "ModelComparison",
    "ModelError",
    "Parameter",
    "ParameterError",
    "Partial",
    "Region",
    "Step",
    "Store",
    "Target",
    "UnknownLayerError",
    "UnknownMethodError",
    "UnknownTargetError",
    "UnsupportedMethodError",
    "compare_models",
    "contrast",
    "detection",
    "dfine_boxes",
    "explain",
    "region",
    "retinanet_boxes",
    "samples",
    "similar_to",
]

# Resolved on first use, so that importing the package does not import TensorFlow.
_HOMES = {
    "METHODS": "engine.methods",
    "METRICS": "engine.metrics",
    "Explainer": "explainer",
    "explain": "engine.explainer",
    "Concepts": "engine.concepts",
    "Evaluation": "engine.evaluation",
    "Explanation": "engine.explanation",
    "compare_models": "engine.model_comparison",
    "contrast": "engine.targets",
    "detection": "engine.detections",
    "Detection": "engine.detections",
    "dfine_boxes": "engine.detectors",
    "retinanet_boxes": "engine.detectors",
    "Display": "engine.display",
    "Inspection": "engine.types",
    "MapAgreement": "engine.model_comparison",
    "Method": "engine.registry",
    "Metric": "engine.registry",
    "ModelComparison": "engine.model_comparison",
    "Parameter": "engine.types",
    "Partial": "engine.types",
    "Region": "engine.regions",
    "region": "engine.regions",
    "similar_to": "engine.references",
    "Step": "engine.types",
    "Store": "bulk.store",
    "Target": "engine.scalars",
    "ExplainCallback": "widget.explain_callback",
    "KxWidget": "widget.widget",
    **{name: "engine.errors" for name in __all__ if name.endswith("Error")},
}


def __getattr__(name: str) -> Any:
    if name == "samples":
        return importlib.import_module("kx_widget.samples")
    if name in _HOMES:
        return getattr(importlib.import_module(f"kx_widget.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'kx_widget' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
