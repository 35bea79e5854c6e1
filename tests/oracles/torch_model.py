"""The net of the case as a PyTorch module."""

from typing import Any

import numpy as np
import torch
from torch import nn

from tests.oracles.case import CLASSES, FILTERS, KERNEL, PLACES, STRIDE, Case


def torch_model(case: Case) -> nn.Module:
    """Takes images (N, 3, SIDE, SIDE), returns scores before the softmax."""
    kernel, bias, dense, last = case.weights
    # Keras flattens the channels last.
    dense = dense.reshape(PLACES, PLACES, FILTERS, CLASSES).transpose(3, 2, 0, 1).reshape(CLASSES, -1)
    conv, linear = nn.Conv2d(3, FILTERS, KERNEL, STRIDE), nn.Linear(dense.shape[1], CLASSES)
    for parameter, value in (
        (conv.weight, kernel.transpose(3, 2, 0, 1)), (conv.bias, bias), (linear.weight, dense), (linear.bias, last)
    ):  # fmt: skip
        parameter.data = torch.tensor(value, dtype=torch.float32)
    return nn.Sequential(conv, nn.ReLU(), nn.Flatten(), linear).eval()


def as_tensor(images: Any) -> torch.Tensor:
    """Images (N, H, W, 3) as PyTorch takes them."""
    return torch.tensor(np.moveaxis(images, -1, 1))
