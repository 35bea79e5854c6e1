"""What xplique says of cells under masks that the case draws, with scores before the softmax."""

from typing import Any

import numpy as np

from tests.oracles.case import CELLS, CLASSES, DESIGNS, HIDDEN, Case, binary_masks, designs_of
from tests.oracles.keras_model import keras_model

DISTRIBUTION = "xplique"


def answers(case: Case) -> dict[str, Any]:
    import keras
    from xplique.attributions import HsicAttributionMethod, SobolAttributionMethod
    from xplique.attributions.global_sensitivity_analysis import hsic_estimators, replicated_designs, samplers
    from xplique.attributions.global_sensitivity_analysis.sobol_estimators import JansenEstimator

    model = keras_model(case)
    model.layers[-1].activation = keras.activations.linear
    told: dict[str, list[Any]] = {"hsic": [], "sobol": []}

    class Binary(samplers.Sampler):
        def __call__(self, *_: Any) -> Any:
            return binary_masks(image)

    class Replicated(replicated_designs.ReplicatedSampler):
        def __call__(self, *_: Any) -> Any:
            a, b = designs_of(image)
            return np.concatenate([a, b, self.build_replicated_design(a, b)])

    # Before they become pictures.
    class Hsic(hsic_estimators.BinaryEstimator):
        def __call__(self, *asked: Any) -> Any:
            told["hsic"].append(super().__call__(*asked).numpy()[..., 0].ravel())
            return told["hsic"][-1].reshape(CELLS, CELLS)

    class Jansen(JansenEstimator):
        def __call__(self, *asked: Any) -> Any:
            told["sobol"].append(super().__call__(*asked).numpy().ravel())
            return told["sobol"][-1].reshape(CELLS, CELLS)

    for image, target in enumerate(case.targets):
        asked = case.images[image : image + 1], np.eye(CLASSES, dtype=np.float32)[[target]]
        HsicAttributionMethod(model, CELLS, HIDDEN, Binary(binary=True), Hsic())(*asked)
        SobolAttributionMethod(model, CELLS, DESIGNS, Replicated(), Jansen())(*asked)
    return {name: np.array(values) for name, values in told.items()}
