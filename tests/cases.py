"""Cases made from the table of methods, so that a new method is tested by being there."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from kx_widget.engine.errors import UnsupportedMethodError
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.methods import METHODS
from kx_widget.engine.registry import Method
from kx_widget.engine.types import Partial
from tests import models

MODELS: tuple[Callable[[], keras.Model], ...] = (
    models.pooled,
    models.pointwise,
    models.flattened,
    models.residual,
    models.nested,
    models.subclassed,
    models.single_unit,
    models.gray,
    models.tokens,
    models.transformer,
)
# Absolute values, ReLUs of the gradient, softmax over channels and division by the score are what the others have.
LINEAR_IN_TARGET = (
    *("cam", "gradcam", "hirescam", "xgradcam", "gradient_x_input", "integrated_gradients"),
    *("occlusion", "rise", "shapley", "kernel_shap", "lime", "expected_gradients", "blur_ig", "deeplift"),
)
WITHOUT_CLASS = ("eigencam", "fem", "kpca_cam", "attention_rollout", "randomcam", "edges")
# Maps of an earlier layer's size.
FINER = ("refinecam",)
KEEP_SCORES = (
    *("ablationcam", "occlusion", "rise", "scorecam", "hsic", "sobol"),
    *("shapley", "kernel_shap", "lime"),
)
# One for each way in which the engine drives a method: what holds of one of them holds of those like it.
DRIVERS = ("gradcam", "gradients", "full_gradients", "integrated_gradients", "occlusion", "rise", "scorecam",
           "ablationcam", "attention_gradient")  # fmt: skip
# What a method is asked with where the number of its passes does not matter.
FEWER = {
    "rise": {"masks": 60},
    "occlusion": {"patch": 0.4},
    "integrated_gradients": {"steps": 8},
    "shapley": {"number": 4},
    "kernel_shap": {"number": 12, "masks": 60},
    "lime": {"number": 12, "masks": 60},
    "hsic": {"masks": 60},
    "sobol": {"designs": 4, "cells": 3},
    "expected_gradients": {"draws": 8},
    "guided_ig": {"steps": 8},
    "blur_ig": {"steps": 8},
    "xrai": {"steps": 4},
}


def photos(n: int = 3, shape: tuple[int, int, int] = (models.SIDE, models.SIDE, 3), seed: int = 0) -> np.ndarray:
    """Model-ready noise."""
    return np.random.default_rng(seed).uniform(-1, 1, (n, *shape)).astype(np.float32)


def photos_for(model: keras.Model, n: int = 3) -> np.ndarray:
    shape = (models.SIDE, 2 * models.SIDE, 1) if model.name == "gray" else (models.SIDE, models.SIDE, 3)
    return photos(n, shape)


def asked(method: str) -> dict[str, Any]:
    """Keywords for `explain` that ask for a method at little cost."""
    return {"method": method, **FEWER.get(method, {})}


def applies(method: str, explainer: Explainer, x: np.ndarray) -> bool:
    """Whether a method can explain this model; refusals have tests of their own."""
    try:
        explainer.explain(x[:1], **asked(method))
    except UnsupportedMethodError:
        assert method == "cam" or (method == "deeplift" and explainer.model.name in ("tokens", "transformer"))
        return False
    return True


def fitting(method: str, make: Callable[..., keras.Model]) -> Callable[..., keras.Model]:
    """A model for a method: one with attention where the method looks at that."""
    return models.transformer if METHODS[method].sees == "attention" else make


def copies(model: keras.Model, image: np.ndarray, seed: int = 0, **wrapper: Any) -> np.ndarray:
    """What a method is asked about when it is wrapped: copies (n, H, W, C) of an image (H, W, C)."""
    seen: list[np.ndarray] = []

    def note(probe: Any, target: np.ndarray):
        seen.append(np.array(probe.x))
        yield Partial(np.ones(probe.x.shape[:3], np.float32))

    noting = Method("note", "Note", note, "My own", "input", True, "instant", "…", "…")
    Explainer(model, methods=[noting]).explain(image[None], [0], method="note", seed=seed, **wrapper)
    return np.concatenate(seen)


# Those on which every method is tried also in the inner loop.
FEW = (models.pooled, models.residual, models.subclassed, models.transformer)
ALL = [
    pytest.param(method, make, id=f"{method}-{make.__name__}", marks=() if make in FEW else pytest.mark.slow)
    for method in METHODS
    for make in MODELS
    if fitting(method, make) is make
]
