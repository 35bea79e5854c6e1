"""A run in a process of its own, for others to kill."""

import warnings
from typing import Any

PARTS = 15


def run(folder: str, store: str, told: Any) -> None:
    """Explain the folder into the store; says so when it begins and when it has ended."""
    import keras

    import kx_widget as kx
    from tests import models

    warnings.simplefilter("ignore")
    keras.utils.set_random_seed(0)
    x = kx.Explainer(models.residual())
    told.send("begins")
    x.explain_to(store, folder, ["top", 1], part_images=4)
    told.send("done")
