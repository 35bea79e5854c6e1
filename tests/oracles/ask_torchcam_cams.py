"""What torchcam says of the net of `cam_case` of classes beside the nearest ones, and of two layers together."""

from typing import Any

import numpy as np
import torch

from tests.oracles.cam_case import GAMMA, NEAREST, TARGETS, cam_weights
from tests.oracles.case import Case
from tests.oracles.torch_model import as_tensor, torch_cam_model

DISTRIBUTION = "torchcam"


def answers(case: Case) -> dict[str, Any]:
    from torchcam.methods import FinerCAM, GradCAM, LayerCAM, RefineCAM

    model, x = torch_cam_model(cam_weights()), as_tensor(case.images).requires_grad_()
    found: dict[str, Any] = {}
    for base in (GradCAM, LayerCAM):
        with FinerCAM(model, "3", base_method=base, gamma=GAMMA, num_references=NEAREST) as extractor:
            (maps,) = extractor(list(TARGETS), model(x), normalized=False)
        found[f"FinerCAM {base.__name__}"] = maps.detach().numpy()
        with RefineCAM(model, ["1", "3"], base_method=base) as extractor:
            (maps,) = extractor(list(TARGETS), model(x), normalized=False)
        found[f"RefineCAM {base.__name__}"] = maps.detach().numpy()
    with torch.no_grad():
        scores = model(x)
    distance = (scores - scores[np.arange(len(scores)), list(TARGETS)][:, None]).abs()
    found["nearest"] = distance.argsort(1)[:, 1 : 1 + NEAREST].numpy()
    return found
