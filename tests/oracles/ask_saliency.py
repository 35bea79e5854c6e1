"""What PAIR's saliency says of the case, of scores before the softmax."""

from typing import Any
from unittest.mock import patch

import keras
import numpy as np
import tensorflow as tf

from tests.oracles.case import SEGMENT_LEAST, SIDE, Case, segments_of
from tests.oracles.keras_model import keras_model

STEPS, BLUR = 12, 0.2


def answers(case: Case) -> dict[str, Any]:
    import saliency.core as saliency
    from saliency.core import blur_ig

    model = keras_model(case)
    model.layers[-1].activation = keras.activations.linear

    def gradients(images: Any, call_model_args: Any = None, expected_keys: Any = None) -> dict[str, Any]:
        x = tf.constant(images, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(x)
            score = model(x)[:, call_model_args]
        return {saliency.INPUT_OUTPUT_GRADIENTS: tape.gradient(score, x).numpy()}

    def asked(mask: Any, **settings: Any) -> Any:
        """One map after another."""
        pairs = zip(case.images, case.targets, strict=True)
        return np.stack([mask(image.astype(np.float64), gradients, int(target), **settings) for image, target in pairs])

    def quantile(values: Any, part: float, interpolation: str) -> Any:
        """What numpy called so before 2.0."""
        return np.percentile(values, 100 * part, method=interpolation)

    def guided(**settings: Any) -> Any:
        with patch("numpy.quantile", quantile):
            return asked(saliency.GuidedIG().GetMask, x_steps=STEPS, **settings)

    gaussian_blur, end = blur_ig.gaussian_blur, BLUR * SIDE

    def blurred() -> Any:
        """With changes from step to step in place of derivatives, on a way whose blur grows ever faster."""
        with patch.object(blur_ig, "gaussian_blur", lambda image, sigma: gaussian_blur(image, sigma**2 / end)):
            return asked(saliency.BlurIG().GetMask, max_sigma=end, steps=STEPS, grad_step=end / STEPS)

    xrai, settings = saliency.XRAI(), saliency.XRAIParameters()
    settings.experimental_params["min_pixel_diff"] = SEGMENT_LEAST
    attributions = np.repeat(case.maps[..., None], 3, -1)
    maps = {
        "guided_ig": guided(),
        "guided_ig_far": guided(fraction=0.1, max_dist=0.3),
        "guided_ig_straight": guided(fraction=0.5, max_dist=0.0),
        "blur_ig": blurred(),
        "xrai": np.stack(
            [
                xrai.GetMask(
                    image, None, segments=list(segments_of(i)), base_attribution=attribution, extra_parameters=settings
                )
                for i, (image, attribution) in enumerate(zip(case.images, attributions, strict=True))
            ]
        ),
    }
    return {name: np.float32(map_) for name, map_ in maps.items()}
