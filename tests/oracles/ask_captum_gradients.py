"""What Captum says of gradients in the case, under the noise, baselines and points that `rng_of` draws."""

from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from tests.oracles.case import COPIES, Case, background, noisy, rng_of
from tests.oracles.torch_model import as_tensor, torch_model

DISTRIBUTION = "captum"


def answers(case: Case) -> dict[str, Any]:
    from captum.attr import GradientShap, GuidedGradCam, NoiseTunnel, Saliency

    model, x, targets = torch_model(case), as_tensor(case.images), torch.tensor(case.targets)
    copies = as_tensor(np.concatenate([noisy(image, i) for i, image in enumerate(case.images)]))
    tunnel = NoiseTunnel(Saliency(model))

    def smoothed(statistic: str) -> Any:
        with patch.object(NoiseTunnel, "_add_noise_to_input", lambda *_: copies):
            return tunnel.attribute(x, nt_type=statistic, nt_samples=COPIES, target=targets, abs=False)

    which, points = (np.concatenate(each) for each in zip(*(drawn(i) for i in range(len(x))), strict=True))
    with patch("numpy.random.choice", lambda *_: which), patch("numpy.random.uniform", lambda *_: points):
        expected = GradientShap(model).attribute(
            x, as_tensor(background()), n_samples=COPIES, stdevs=0.0, target=targets
        )
    guided = GuidedGradCam(model, model[1]).attribute(x, targets, interpolate_mode="bilinear")
    maps = {
        "smoothgrad": smoothed("smoothgrad"),
        "vargrad": smoothed("vargrad"),
        "squaregrad": smoothed("smoothgrad_sq"),
        "expected_gradients": expected,
        "guided_gradcam": guided,
    }
    return {name: np.moveaxis(map_.detach().numpy(), 1, -1) for name, map_ in maps.items()}


def drawn(image: int) -> Any:
    """Which baselines and points an image's samples have."""
    rng = rng_of(image)
    which = np.resize(rng.permutation(len(background())), COPIES)
    return which, (rng.permutation(COPIES) + rng.random(COPIES)) / COPIES
