"""Scenes of four bands of 12 bits: red, green, blue, and how warm everything is."""

from __future__ import annotations

import numpy as np
from PIL import Image

from .scenes import SIDE, scenes

BANDS = ("red", "green", "blue", "heat")
HEAT_BAND = BANDS.index("heat")
# Of the bands: 4095 is white, or the warmest.
WHITE = 4095
# °C that the heat band holds as 0 and as `WHITE`.
COLDEST, WARMEST = -20.0, 60.0
# °C in between which the air, the background and single things lie.
AIR, SURROUNDINGS, THINGS = (-10.0, 35.0), (-10.0, 40.0), (-15.0, 55.0)
# Spots of the background as warm or cold as things, and their half axes in pixels.
SPOTS, SPOT_SIZES = (1, 3), (8.0, 26.0)
# Told apart from the random numbers of the scenes themselves.
HEAT = 2


def thermal_scenes(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Compose `count` scenes of one object each, seen by a colour and by a thermal camera.

    The object is as warm as itself, whatever the air and the background are; spots of the background are as warm
    or cold as objects are. So the colours alone tell where the object is, and the heat band alone how warm it is.

    Args:
        count: Number of scenes N.
        seed: Scene i depends on (seed, i) alone. The shipped model was trained on the scenes of the seeds
            20,240,200 to 20,240,203.

    Returns:
        images (N, 128, 128, 4) uint16 of 12 bits: red, green, blue and heat, 0 for −20 °C to 4095 for 60 °C; air (N, 1)
        float32, the temperature of the air in °C; excess (N, 1) float32, how much warmer than the air the object
        is in °C; masks (N, 128, 128) bool, the part of each scene that shows the object.
    """
    colours, _, masks = scenes(count, 1, seed)
    images = np.empty((count, SIDE, SIDE, len(BANDS)), np.uint16)
    air, excess = np.empty((count, 1), np.float32), np.empty((count, 1), np.float32)
    objects: np.ndarray = np.any(masks, 1)
    for i in range(count):
        rng = np.random.default_rng((seed, i, HEAT))
        air[i] = rng.uniform(*AIR)
        degrees = _heat(rng, objects[i])
        heat = (degrees - COLDEST) / (WARMEST - COLDEST) * WHITE
        # The colours of 8 bits, and what 12 bits hold between them.
        deep = colours[i] * (WHITE / 255) + rng.uniform(-8, 8, colours[i].shape)
        images[i] = np.clip(np.dstack([deep, heat]) + 0.5, 0, WHITE).astype(np.uint16)
        excess[i] = degrees[objects[i]].mean() - air[i]
    return images, air, excess, objects


def _heat(rng: np.random.Generator, mask: np.ndarray) -> np.ndarray:
    """Degrees (H, W) of a scene whose object is where the mask says."""
    coarse = rng.standard_normal((6, 6)) * rng.uniform(0.5, 4)
    texture = Image.fromarray(coarse.astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    degrees = np.asarray(texture) + rng.uniform(*SURROUNDINGS)
    y, x = np.mgrid[:SIDE, :SIDE]
    for _ in range(rng.integers(SPOTS[0], SPOTS[1] + 1)):
        (left, top), (across, down) = rng.uniform(0, SIDE, 2), rng.uniform(*SPOT_SIZES, 2)
        degrees = np.where(((x - left) / across) ** 2 + ((y - top) / down) ** 2 < 1, rng.uniform(*THINGS), degrees)
    slope = rng.uniform(-1, 1, 2)
    warmth = rng.uniform(*THINGS) + slope[0] * (x / SIDE - 0.5) + slope[1] * (y / SIDE - 0.5)
    return np.where(mask, warmth, degrees) + rng.standard_normal(mask.shape) * 0.3
