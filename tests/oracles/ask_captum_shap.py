"""What Captum's KernelSHAP says of 8 cells of the case, by pictures that it is given."""

from typing import Any

import numpy as np
import torch

from tests.oracles.case import Case, covered_cells, rng_of
from tests.oracles.torch_model import as_tensor, torch_model

DISTRIBUTION = "captum"
PICTURES = 40


def answers(case: Case) -> dict[str, Any]:
    from captum.attr import KernelShap

    model = torch_model(case).double()
    cells = covered_cells(np.ones_like(case.images[0]), np.eye(8)).argmax(0).transpose(2, 0, 1)
    found: dict[str, list[Any]] = {"shown": [], "values": []}
    for number, (image, target) in enumerate(zip(as_tensor(case.images).double(), case.targets, strict=True)):
        drawn = rng_of(number).random((2 * PICTURES, 8)) < 0.5
        shown = drawn[drawn.any(1) & ~drawn.all(1)][:PICTURES]
        # It gives these two a weight of their own.
        rows = np.concatenate([np.ones((1, 8)), np.zeros((1, 8)), shown])

        class Given(KernelShap):
            def kernel_shap_perturb_generator(self, *_: Any, rows: Any = rows, **__: Any) -> Any:
                yield from torch.tensor(rows)[:, None]

        values = Given(model).attribute(
            image[None], baselines=0, target=int(target), feature_mask=torch.tensor(cells)[None], n_samples=len(rows),
            return_input_shape=False,
        )  # fmt: skip
        found["shown"].append(shown)
        found["values"].append(values[0].numpy())
    return {name: np.array(values) for name, values in found.items()}
