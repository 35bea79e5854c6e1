"""What Captum says of the case, under the cells and the noise that `rng_of` draws."""

from typing import Any

import numpy as np
import torch

from tests.oracles.case import COPIES, GRID, RADIUS, SAMPLES, SHARE, Case, cells_in_pixels, rng_of
from tests.oracles.torch_model import as_tensor, torch_model


def answers(case: Case) -> dict[str, Any]:
    from captum.metrics import infidelity, sensitivity_max

    model, x, targets = torch_model(case), as_tensor(case.images), torch.tensor(case.targets)
    cells = np.stack([rng_of(i).random((SAMPLES, GRID**2)) < SHARE for i in range(len(x))])
    # Captum repeats each image as often as there are masks, and asks for all of them at once.
    covered = torch.tensor(cells_in_pixels(cells).reshape(-1, 1, *x.shape[2:])).expand(-1, 3, -1, -1).float()
    noise = np.stack([_noise(i, x.shape[1:]) for i in range(len(x))]).reshape(-1, *x.shape[1:])

    def probability(images: torch.Tensor) -> torch.Tensor:
        return model(images).softmax(-1)

    def infidelities(maps: Any, normalize: bool) -> Any:
        shares = torch.tensor(maps)[:, None].expand(-1, 3, -1, -1) / 3
        return infidelity(
            probability, lambda images: (covered, images * (1 - covered)), x, shares, target=targets,
            n_perturb_samples=SAMPLES, normalize=normalize,
        ).numpy()  # fmt: skip

    def gradient_x_input(images: Any) -> tuple[torch.Tensor]:
        images = images[0] if isinstance(images, tuple) else images
        with torch.enable_grad():
            copies = images.detach().requires_grad_()
            chosen = targets.repeat_interleave(len(copies) // len(targets))
            (gradient,) = torch.autograd.grad(model(copies).gather(1, chosen[:, None]).sum(), copies)
        return ((images * gradient).sum(1),)

    return {
        "infidelity": infidelities(case.maps, normalize=True),
        "infidelity_of_nothing": infidelities(np.zeros_like(case.maps), normalize=False),
        "max_sensitivity": sensitivity_max(
            gradient_x_input, x, lambda images: images + torch.tensor(noise), n_perturb_samples=COPIES
        ).numpy(),
    }


def _noise(image: int, shape: Any) -> Any:
    """Noise (COPIES, 3, SIDE, SIDE) of copies of an image."""
    rng, (channels, *sides) = rng_of(image), shape
    drawn = np.stack([rng.uniform(-1, 1, (*sides, channels)) for _ in range(COPIES)])
    return np.moveaxis(RADIUS * drawn, -1, 1).astype(np.float32)
