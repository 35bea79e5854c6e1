"""The engine on keras-hub's ViT-B/16 and 4 images."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import keras_hub
import numpy as np

import kx_widget as kx
from tests.benchmarks.clock import Forward

HEAD = ("work", "asked", "measured", "")
NOTE = (
    "keras-hub's ViT-B/16 with random weights, 4 images of 224×224, model-ready floats. Compiled before; images new "
    "each time, and another class of images that were asked about."
)
LIMITS = {
    "attention_rollout": ("≤ 1.10 F", ""),
    "attention_gradient": ("≤ 2.4 F", "≤ 1.3 F"),
    "legrad": ("≤ 2.4 F", "≤ 1.3 F"),
}


def rows() -> Iterator[tuple[str, ...]]:
    backbone = keras_hub.models.ViTBackbone(
        image_shape=(224, 224, 3), patch_size=(16, 16), num_layers=12, num_heads=12, hidden_dim=768, mlp_dim=3072
    )
    model = keras_hub.models.ViTImageClassifier(backbone=backbone, num_classes=1000)
    pictures, classes = batches(4), count(2)
    explainer = kx.Explainer(model, preprocess=None)
    forward = Forward(model, next(pictures))
    known = next(pictures)

    def anew(**question: Any) -> str:
        return str(forward.ratio(lambda: explainer.explain(next(pictures), [1], **question)))

    def another_class(**question: Any) -> str:
        explainer._cache.clear()
        explainer.explain(known, [1], **question)
        return str(forward.ratio(lambda: explainer.explain(known, [next(classes)], **question)))

    for method, (first, other) in LIMITS.items():
        yield method, first, anew(method=method), ""
        if other:
            yield f"{method}, another class", other, another_class(method=method), ""
    inspection = explainer.inspection
    last = [path for path in inspection.candidates if path.endswith("ln_1")][-1]
    for where, layer in (("what the first attention takes in", None), ("what the last attention takes in", last)):
        note = "recommended" if layer is None else ""
        yield f"gradcam at {where}", "≤ 1.15 F", anew(method="gradcam", layer=layer), note
        yield f"gradcam at {where}, another class", "≤ 0.15 F", another_class(method="gradcam", layer=layer), note
    yield "gradients", "", anew(method="gradients"), ""
    yield "F, one compiled forward", "", f"{forward.median:.3f} s", "median of the whole run"


def batches(images: int) -> Iterator[Any]:
    """New images each time."""
    rng = np.random.default_rng(0)
    while True:
        yield rng.uniform(-1, 1, (images, 224, 224, 3)).astype(np.float32)
