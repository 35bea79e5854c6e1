"""Points that fill a cube of many dimensions evenly: a Sobol' sequence, and versions of it that are as even."""

import numpy as np

from kx_widget.engine.lazy_modules import tf
from kx_widget.engine.types import Floats, Ints

BITS = 30


def sequence(count: int, dimensions: int) -> Ints:
    """The first points (count, dimensions) of a Sobol' sequence, as whole numbers below 2³⁰."""
    # The table of methods is there before TensorFlow is.

    # TensorFlow leaves out the first point, 0, without which the first 2ᵏ do not fill the cube evenly.
    points = tf.math.sobol_sample(dimensions, count - 1, dtype=tf.float64).numpy()
    return np.pad((points * 2**BITS).astype(np.int64), ((1, 0), (0, 0)))


def flipped(points: Ints, rng: np.random.Generator) -> Floats:
    """Points (n, dimensions) in 0..1, in each dimension with the same random bits flipped in all of them."""
    bits = rng.integers(0, 2**BITS, points.shape[1])
    return (((points ^ bits) + 0.5) / 2**BITS).astype(np.float32)
