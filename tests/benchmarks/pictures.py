"""Nets of keras.applications with random weights, and images nobody has seen before."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import keras
import numpy as np


def net(name: str) -> Any:
    """A net that returns its scores, with weights that are the same each time."""
    keras.utils.set_random_seed(0)
    return getattr(keras.applications, name)(weights=None, classifier_activation=None)


def batches(images: int) -> Iterator[Any]:
    """uint8 (images, 224, 224, 3), another each time, so that no cache knows it."""
    base = np.random.default_rng(0).integers(0, 256, (images, 224, 224, 3), np.uint8)
    return (base + np.uint8(n % 256) for n in count())
