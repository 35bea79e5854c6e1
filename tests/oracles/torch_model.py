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


def torch_cam_model(weights: Any) -> nn.Module:
    """The net of `cam_weights`: takes images (N, 3, SIDE, SIDE), returns scores; layers 1 and 3 are looked at."""
    first, first_bias, last, last_bias, hidden, hidden_bias, scores, scores_bias = weights
    sides, channels = round((hidden.shape[0] / last.shape[-1]) ** 0.5), last.shape[-1]
    flat = hidden.reshape(sides, sides, channels, -1).transpose(3, 2, 0, 1).reshape(hidden.shape[1], -1)
    modules = [
        (nn.Conv2d(3, first.shape[-1], 5, 2), first.transpose(3, 2, 0, 1), first_bias),
        (nn.Conv2d(first.shape[-1], channels, 3), last.transpose(3, 2, 0, 1), last_bias),
        (nn.Linear(flat.shape[1], flat.shape[0]), flat, hidden_bias),
        (nn.Linear(flat.shape[0], scores.shape[1]), scores.T, scores_bias),
    ]
    for module, kernel, bias in modules:
        module.weight.data, module.bias.data = torch.tensor(kernel.copy()), torch.tensor(bias)
    a, b, c, d = (module for module, _, _ in modules)
    return nn.Sequential(a, nn.ReLU(), b, nn.Softplus(), nn.Flatten(), c, nn.Tanh(), d).eval()
