"""What Captum's DeepLIFT says of images of the case, in the net of `gates`, with all its baselines."""

from typing import Any

import numpy as np
import torch
from torch import nn

from tests.oracles.case import CLASSES, SIDE, Case
from tests.oracles.gates import WIDTH, weights
from tests.oracles.torch_model import as_tensor

DISTRIBUTION = "captum"


class Gates(nn.Module):
    """Takes images (N, 3, SIDE, SIDE), returns scores."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, WIDTH, 3, padding=1)
        self.first_norm, self.inside_norm = (nn.BatchNorm2d(WIDTH, eps=1e-3) for _ in range(2))
        self.inside = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.bent = nn.Conv2d(WIDTH, WIDTH, 1)
        self.hidden, self.scores = nn.Linear(2 * WIDTH, 8), nn.Linear(8, CLASSES)
        # Captum wants a module of its own for each use.
        self.relu, self.after, self.elu, self.tanh, self.softplus = (
            nn.ReLU(), nn.ReLU(), nn.ELU(), nn.Tanh(), nn.Softplus()
        )  # fmt: skip
        self.pool = nn.AvgPool2d(2)
        for name, arrays in weights().items():
            layer = getattr(self, name)
            first, *rest = (torch.tensor(each, dtype=torch.float32) for each in arrays)
            if name.endswith("norm"):
                layer.weight.data, layer.bias.data, layer.running_mean, layer.running_var = first, *rest
            else:
                layer.weight.data = first.T if first.ndim == 2 else first.permute(3, 2, 0, 1)
                layer.bias.data = rest[0]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skip = self.pool(self.relu(self.first_norm(self.first(x))))
        x = self.after(self.elu(self.inside_norm(self.inside(skip))) + skip)
        x = torch.cat([x, self.tanh(self.bent(x))], 1).mean((2, 3))
        return self.scores(self.softplus(self.hidden(x)))


def answers(case: Case) -> dict[str, Any]:
    from captum.attr import DeepLift

    x, targets = as_tensor(case.images), torch.tensor(case.targets)
    at = np.arange(SIDE)
    weights_of_blur = np.exp(-((at[:, None] - at) ** 2) / (2 * (SIDE / 10) ** 2))
    along = torch.tensor(weights_of_blur / weights_of_blur.sum(1, keepdims=True), dtype=torch.float32)
    baselines = {
        "black": torch.zeros_like(x),
        "mean": x.mean((2, 3), keepdim=True).expand(x.shape).contiguous(),
        "blur": along @ x @ along.T,
    }
    lift = DeepLift(Gates().eval())
    maps = {name: lift.attribute(x, baseline, target=targets) for name, baseline in baselines.items()}
    return {name: np.moveaxis(each.detach().numpy(), 1, -1) for name, each in maps.items()}
