"""What torchcam says of the case."""

from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch

from tests.oracles.case import STEPS, Case
from tests.oracles.torch_model import as_tensor, torch_model


class Extractor:
    """What torchcam asks for maps: it hands out those it was made with."""

    def __init__(self, model: torch.nn.Module, maps: torch.Tensor) -> None:
        self.model, self.maps = model, maps

    def __call__(self, *_: Any, **__: Any) -> list[torch.Tensor]:
        return [self.maps]

    def fuse_cams(self, cams: list[torch.Tensor]) -> torch.Tensor:
        return cams[0]

    def _hooks_off(self) -> Any:
        return nullcontext()


def answers(case: Case) -> dict[str, Any]:
    from torchcam.metrics import DeletionInsertionMetric

    model = torch_model(case)
    found: dict[str, list[float]] = {"deletion_area": [], "insertion_area": []}
    for i, target in enumerate(case.targets.tolist()):
        extractor = Extractor(model, torch.tensor(case.maps[i : i + 1]))
        metric = DeletionInsertionMetric(extractor, partial(torch.softmax, dim=-1), steps=STEPS)
        metric.update(as_tensor(case.images[i : i + 1]), target)
        summary = metric.summary()
        found["deletion_area"].append(summary["deletion_auc"])
        found["insertion_area"].append(summary["insertion_auc"])
    return {name: np.array(values) for name, values in found.items()}
