"""What xplique's FEM says of the net of `cam_case`, at the size of the layer."""

from typing import Any

from tests.oracles.cam_case import LAST
from tests.oracles.case import Case
from tests.oracles.keras_cam_model import keras_cam_model

DISTRIBUTION = "xplique"


def answers(case: Case) -> dict[str, Any]:
    from xplique.attributions import FEM

    explainer = FEM(keras_cam_model(), conv_layer=LAST, k=1.0)
    # What it explains it brings to the size of the image by bicubic interpolation.
    return {"fem": FEM._apply_weights(*FEM._compute_weights(explainer.model(case.images), explainer.k)).numpy()}
