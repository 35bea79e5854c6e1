"""A net for methods that look at layers: two convolutions, and a head that curves, made of random numbers alone."""

from typing import Any

import numpy as np

FIRST, LAST = "first", "last"
CHANNELS, DEEPER, HIDDEN, OUTPUTS = 6, 5, 7, 5
SIDES = (8, 6)
TARGETS = (1, 2, 0, 3)
# What is compared with, and how much it counts; of each image the classes whose scores are nearest.
GAMMA, NEAREST = 0.6, 3


def cam_weights() -> tuple[Any, ...]:
    """Kernel and bias of a convolution 5×5 in steps of 2, one 3×3, a dense layer, and another.

    ReLU follows the first, softplus the second, and tanh the third of them.
    """
    rng = np.random.default_rng(1)
    shapes = (
        *((5, 5, 3, CHANNELS), (CHANNELS,), (3, 3, CHANNELS, DEEPER), (DEEPER,)),
        *((SIDES[1] ** 2 * DEEPER, HIDDEN), (HIDDEN,), (HIDDEN, OUTPUTS), (OUTPUTS,)),
    )
    return tuple(
        (rng.standard_normal(shape) / np.sqrt(np.prod(shape[:-1]) or 1) * (2 if len(shape) > 1 else 0.2)).astype(
            np.float32
        )
        for shape in shapes
    )
