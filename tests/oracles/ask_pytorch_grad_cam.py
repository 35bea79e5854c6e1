"""What pytorch-grad-cam says of the net of `cam_case`: raw maps, before it takes what is positive and scales it."""

import sys
from typing import Any
from unittest.mock import MagicMock

import numpy as np

from tests.oracles.cam_case import TARGETS, cam_weights
from tests.oracles.case import Case
from tests.oracles.torch_model import as_tensor, torch_cam_model

DISTRIBUTION = "grad-cam"
METHODS = ("EigenGradCAM", "GradCAMElementWise", "KPCA_CAM", "ShapleyCAM")


def answers(case: Case) -> dict[str, Any]:
    try:
        import torchvision  # noqa: F401
    except Exception:
        # It is needed for boxes and pictures alone, and many builds of it cannot be loaded beside a PyTorch for CPUs.
        for name in ("torchvision", "torchvision.transforms", "torchvision.transforms.functional"):
            sys.modules[name] = MagicMock()
    import pytorch_grad_cam
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputReST, ClassifierOutputTarget

    def maps(method: str, kind: Any, **settings: Any) -> Any:
        model = torch_cam_model(cam_weights())
        extractor = getattr(pytorch_grad_cam, method)(model, [model[3]], **settings)
        raw = extractor.get_cam_image
        seen: list[Any] = []
        extractor.get_cam_image = lambda *arguments: seen.append(raw(*arguments)) or seen[-1]
        for i, target in enumerate(TARGETS):
            extractor(as_tensor(case.images[i : i + 1]), [kind(target)])
        # It fails on gradients that are views, and the net goes with it anyway.
        extractor.activations_and_grads.release = lambda: None
        return np.concatenate([np.asarray(part, np.float32) for part in seen])

    found = {method: maps(method, ClassifierOutputTarget) for method in METHODS}
    found["KPCA_CAM rbf"] = maps("KPCA_CAM", ClassifierOutputTarget, kernel="rbf", gamma=0.5)
    found["ShapleyCAM ReST"] = maps("ShapleyCAM", ClassifierOutputReST)
    return found
