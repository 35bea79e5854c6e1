"""What Quantus says of the case.

Asked batch by batch, past its own loaders, which take older models of Keras. A pixel is its three channels, which stay
together where the map has three of almost the same value.
"""

from typing import Any

import numpy as np

from tests.oracles.case import SIDE, STEPS, Case
from tests.oracles.keras_model import keras_model


class Asked:
    """What Quantus asks of a model."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def shape_input(self, x: Any, *_: Any, **__: Any) -> Any:
        return x

    def predict(self, x: Any) -> Any:
        return self._model(np.moveaxis(x, 1, -1)).numpy()


def answers(case: Case) -> dict[str, Any]:
    import quantus
    from quantus.functions.perturb_func import noisy_linear_imputation

    quiet = {"abs": False, "normalise": False, "disable_warnings": True}
    net, x = keras_model(case), np.moveaxis(case.images, -1, 1)
    model, original = Asked(net), net(case.images).numpy()[np.arange(len(x)), case.targets]

    def flipped(maps: Any) -> Any:
        pixels = np.repeat(maps[:, None].astype(np.float64), 3, 1) + 1e-9 * np.arange(3)[:, None, None]
        metric = quantus.PixelFlipping(features_in_step=3 * SIDE**2 // STEPS, perturb_baseline=0.0, **quiet)
        curve = metric.evaluate_batch(model=model, x_batch=x, y_batch=case.targets, a_batch=pixels)
        return np.concatenate([original[:, None], np.array(curve)], 1)

    maps, masks = case.maps[:, None], case.masks[:, None]
    positive = np.maximum(maps, 0)
    removed = [np.flatnonzero(mask) for mask in case.masks]
    imputed = [
        noisy_linear_imputation(arr=image, indices=indices, noise=0.0)
        for image, indices in zip(x, removed, strict=True)
    ]
    return {
        "imputed": np.moveaxis(np.array(imputed), 1, -1),
        "morf": flipped(case.maps),
        "lerf": flipped(-case.maps),
        "relevance_mass_accuracy": np.asarray(
            quantus.RelevanceMassAccuracy(**quiet).evaluate_batch(a_batch=positive, s_batch=masks)
        ),
        "relevance_rank_accuracy": np.asarray(
            quantus.RelevanceRankAccuracy(**quiet).evaluate_batch(a_batch=maps, s_batch=masks)
        ),
        "pointing_game": np.asarray(quantus.PointingGame(**quiet).evaluate_batch(a_batch=maps, s_batch=masks), float),
        "gini": np.asarray(quantus.Sparseness(**quiet).evaluate_batch(x_batch=x, a_batch=np.abs(maps))),
    }
