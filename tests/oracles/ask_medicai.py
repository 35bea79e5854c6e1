"""What medicai's Grad-CAM says of segmenters: maps that end at 1, of the whole output, an object and one pixel."""

from functools import partial
from typing import Any

import numpy as np

from tests.oracles.case import Case
from tests.segmenters import CLASSES, SEGMENTERS, last_coarse, photographs

KINDS = ("all", "object", "single")


def answers(_: Case) -> dict[str, Any]:
    from medicai.utils.cam import GradCAM

    images, told = photographs(), {}
    for name, make in SEGMENTERS.items():
        model = make()
        cam = GradCAM(model=model, target_layer=last_coarse(model))
        # Models of keras-hub have layers that train unless they are told not to, which medicai does not do.
        cam.grad_model = partial(cam.grad_model, training=False)
        for kind in KINDS:
            maps = [
                cam.compute_heatmap(images, target_class_index=c, mask_type=kind, resize_heatmap=False)
                for c in range(CLASSES)
            ]
            told[f"{name}_{kind}"] = np.stack(maps, 1)[..., 0]
    return told
