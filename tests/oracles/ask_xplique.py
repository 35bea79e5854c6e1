"""What xplique says of the case."""

from typing import Any

import numpy as np

from tests.oracles.case import CLASSES, STEPS, Case
from tests.oracles.keras_model import keras_model


def answers(case: Case) -> dict[str, Any]:
    from xplique.metrics import Deletion, Insertion
    from xplique.metrics.complexity import Sparseness

    model = keras_model(case)

    def curve(metric: Any, i: int) -> list[float]:
        target = np.eye(CLASSES, dtype=np.float32)[case.targets[i : i + 1]]
        asked = metric(model, case.images[i : i + 1], target, steps=STEPS, baseline_mode=0.0)
        return [float(value) for value in asked.detailed_evaluate(case.maps[i : i + 1]).values()]

    images = range(len(case.images))
    return {
        "deletion": np.array([curve(Deletion, i) for i in images]),
        "insertion": np.array([curve(Insertion, i) for i in images]),
        "gini": np.asarray(Sparseness().detailed_evaluate(case.maps)),
    }
